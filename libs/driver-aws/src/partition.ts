/** One of the separate worlds of AWS: bucket names and IAM users are unique within it. */
export interface Partition {
  readonly name: 'aws' | 'aws-cn' | 'aws-us-gov';
  readonly iamEndpoint: string;
  /** The region that IAM requests are signed for. */
  readonly iamRegion: string;
  readonly domain: string;
}

const commercial: Partition = {
  name: 'aws',
  iamEndpoint: 'https://iam.amazonaws.com',
  iamRegion: 'us-east-1',
  domain: 'amazonaws.com',
};
const china: Partition = {
  name: 'aws-cn',
  iamEndpoint: 'https://iam.cn-north-1.amazonaws.com.cn',
  iamRegion: 'cn-north-1',
  domain: 'amazonaws.com.cn',
};
const government: Partition = {
  name: 'aws-us-gov',
  iamEndpoint: 'https://iam.us-gov.amazonaws.com',
  iamRegion: 'us-gov-west-1',
  domain: 'amazonaws.com',
};

/** The partition of a region. Source: AWS General Reference, IAM endpoints. */
export const partitionOf = (region: string): Partition =>
  region.startsWith('cn-') ? china : region.startsWith('us-gov-') ? government : commercial;

/** True when the endpoint is one of Amazon's own. */
export const isAmazonEndpoint = (endpoint: string): boolean =>
  /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
