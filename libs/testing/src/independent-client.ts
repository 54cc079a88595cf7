import { S3Client } from '@aws-sdk/client-s3';

/** A plain client of the SDK, with nothing of the operator's in it. Whoever makes it calls `destroy`. */
export const independentClient = (at: {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}): S3Client =>
  new S3Client({
    endpoint: at.endpoint,
    region: at.region,
    forcePathStyle: true,
    credentials: { accessKeyId: at.accessKey, secretAccessKey: at.secretKey },
  });
