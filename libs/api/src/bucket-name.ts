import { rules, text } from './schema.ts';

/** Name of a bucket at the server. Source: Amazon S3 User Guide, General purpose bucket naming rules. */
export const bucketName = (description: string) =>
  text(description, 63, {
    minLength: 3,
    ...rules(
      {
        rule: "self.matches('^[a-z0-9.-]*$')",
        message: 'a bucket name has only lower-case letters, digits, hyphens and dots',
      },
      {
        rule: "self.matches('^[^.-](.*[^.-])?$')",
        message: 'a bucket name begins and ends with a letter or a digit',
      },
      {
        rule: "!self.matches('[.][.-]|-[.]')",
        message: 'the parts of a bucket name between dots must be neither empty nor begin or end with a hyphen',
      },
      {
        rule: "!self.matches('^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$')",
        message: 'a bucket name must not look like an IP address',
      },
      {
        rule: "!self.startsWith('xn--') && !self.startsWith('sthree-') && !self.startsWith('amzn-s3-demo-')",
        message: "a bucket name must not begin with 'xn--', 'sthree-' or 'amzn-s3-demo-'; these are reserved",
      },
      {
        rule: "!self.endsWith('-s3alias') && !self.endsWith('--ol-s3') && !self.endsWith('.mrap') && !self.endsWith('--x-s3') && !self.endsWith('--table-s3')",
        message:
          "a bucket name must not end with '-s3alias', '--ol-s3', '.mrap', '--x-s3' or '--table-s3'; these are reserved",
      },
    ),
  });
