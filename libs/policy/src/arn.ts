/** The partitions of AWS, by how the names of their regions begin; all others are of `aws`. */
const partitions = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['eusc-', 'aws-eusc'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['eu-isoe-', 'aws-iso-e'],
  ['us-isof-', 'aws-iso-f'],
] as const;

/** The partition of ARNs in a region. Source: AWS General Reference, ARN format; AWS SDK, partitions.json. */
export const partitionOf = (region: string): 'aws' | (typeof partitions)[number][1] =>
  partitions.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws';

/** The ARN of a bucket. */
export const bucketArn = (bucketName: string, partition: string): string => `arn:${partition}:s3:::${bucketName}`;
