/** The partition of ARNs in a region. Source: AWS General Reference, ARN format. */
export const partitionOf = (region: string): 'aws' | 'aws-cn' | 'aws-us-gov' => {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
};

/** The ARN of a bucket. */
export const bucketArn = (bucketName: string, partition: string): string => `arn:${partition}:s3:::${bucketName}`;
