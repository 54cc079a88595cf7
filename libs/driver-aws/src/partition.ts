import { partitionOf } from '@operator/policy';

/** One of the separate worlds of AWS: bucket names and IAM users are unique within it. */
export interface Partition {
  readonly name: ReturnType<typeof partitionOf>;
  readonly iamEndpoint: string;
  /** The region that IAM requests are signed for. */
  readonly iamRegion: string;
  readonly domain: string;
}

// Source: AWS General Reference, IAM endpoints; AWS SDK, endpoints.json.
const partitions: readonly Partition[] = [
  { name: 'aws', iamEndpoint: 'https://iam.amazonaws.com', iamRegion: 'us-east-1', domain: 'amazonaws.com' },
  {
    name: 'aws-cn',
    iamEndpoint: 'https://iam.cn-north-1.amazonaws.com.cn',
    iamRegion: 'cn-north-1',
    domain: 'amazonaws.com.cn',
  },
  {
    name: 'aws-us-gov',
    iamEndpoint: 'https://iam.us-gov.amazonaws.com',
    iamRegion: 'us-gov-west-1',
    domain: 'amazonaws.com',
  },
  {
    name: 'aws-eusc',
    iamEndpoint: 'https://iam.eusc-de-east-1.amazonaws.eu',
    iamRegion: 'eusc-de-east-1',
    domain: 'amazonaws.eu',
  },
  {
    name: 'aws-iso',
    iamEndpoint: 'https://iam.us-iso-east-1.c2s.ic.gov',
    iamRegion: 'us-iso-east-1',
    domain: 'c2s.ic.gov',
  },
  {
    name: 'aws-iso-b',
    iamEndpoint: 'https://iam.us-isob-east-1.sc2s.sgov.gov',
    iamRegion: 'us-isob-east-1',
    domain: 'sc2s.sgov.gov',
  },
  {
    name: 'aws-iso-e',
    iamEndpoint: 'https://iam.eu-isoe-west-1.cloud.adc-e.uk',
    iamRegion: 'eu-isoe-west-1',
    domain: 'cloud.adc-e.uk',
  },
  {
    name: 'aws-iso-f',
    iamEndpoint: 'https://iam.us-isof-south-1.csp.hci.ic.gov',
    iamRegion: 'us-isof-south-1',
    domain: 'csp.hci.ic.gov',
  },
];

/** The partition of a region. */
export const partitionDetails = (region: string): Partition => {
  const name = partitionOf(region);
  const found = partitions.find((partition) => partition.name === name);
  if (found === undefined) throw new TypeError(`there is no partition ${name}`);
  return found;
};

/** Where a service is in a region of a partition. Source: AWS General Reference, service endpoints. */
export const regionalEndpoint = (service: 'cloudtrail' | 'sts', { domain }: Partition, region: string): string =>
  `https://${service}.${region}.${domain}`;

const region = '([a-z]{2,4}(?:-[a-z]+)+-\\d+)';
/**
 * The names of Amazon's own S3 endpoints, before the domain of their partition. Nothing else below that domain: a virtual
 * machine's name, a bucket's virtual host and an API of one's own end in it too.
 * Source: AWS General Reference, Amazon S3 endpoints and quotas; Amazon S3 User Guide, AWS PrivateLink.
 */
const forms = [
  's3',
  's3-external-1',
  `s3[.-]${region}`,
  `s3-fips\\.${region}`,
  `s3(?:-fips)?\\.dualstack\\.${region}`,
  `bucket\\.vpce-[a-z0-9-]+\\.s3\\.${region}\\.vpce`,
].map((form) => new RegExp(`^${form}$`));

/**
 * The partition that an endpoint is Amazon's own S3 of; undefined for all others, also at another port. By the name alone:
 * the region that a Provider names proves nothing.
 */
export const partitionOfEndpoint = (endpoint: string): Partition | undefined => {
  const { hostname, port } = new URL(endpoint);
  if (port !== '') return undefined;
  const host = hostname.replace(/\.$/, '');
  for (const { domain } of partitions) {
    if (!host.endsWith(`.${domain}`)) continue;
    const match = forms.map((form) => form.exec(host.slice(0, -domain.length - 1))).find((found) => found !== null);
    if (match === undefined) continue;
    // Two partitions share a domain: the region tells them apart. Names without one are of the first.
    const partition =
      match[1] === undefined ? partitions.find((first) => first.domain === domain) : partitionDetails(match[1]);
    if (partition?.domain === domain) return partition;
  }
  return undefined;
};
