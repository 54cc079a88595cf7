import { connectionTo, driverDeps } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { createAwsDriver } from './aws-driver.ts';

const driverTo = (endpoint: string, region: string) =>
  createAwsDriver(connectionTo(endpoint, { region }), driverDeps());

describe('the aws driver', () => {
  it.each<readonly [string, string, string]>([
    ['https://s3.us-east-1.amazonaws.com', 'us-east-1', 'aws'],
    ['https://s3.eu-west-1.amazonaws.com', 'eu-west-1', 'aws'],
    ['https://s3.cn-north-1.amazonaws.com.cn', 'cn-north-1', 'aws-cn'],
    ['https://s3.us-gov-west-1.amazonaws.com', 'us-gov-west-1', 'aws-us-gov'],
    ['HTTP://Localhost:80/', 'us-east-1', 'http://localhost'],
    ['https://evilamazonaws.com', 'us-east-1', 'https://evilamazonaws.com'],
    ['https://s3.amazonaws.com', 'us-east-1', 'aws'],
    ['https://s3.amazonaws.com./', 'us-east-1', 'aws'],
    ['https://s3-eu-west-1.amazonaws.com', 'eu-west-1', 'aws'],
    ['https://s3.dualstack.eu-west-1.amazonaws.com', 'eu-west-1', 'aws'],
    ['https://s3-fips.us-east-1.amazonaws.com', 'us-east-1', 'aws'],
    ['https://s3-fips.dualstack.us-gov-west-1.amazonaws.com', 'us-gov-west-1', 'aws-us-gov'],
    ['https://s3.ap-southeast-4.amazonaws.com', 'ap-southeast-4', 'aws'],
    ['https://bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com', 'us-east-1', 'aws'],
    ['https://s3.eusc-de-east-1.amazonaws.eu', 'eusc-de-east-1', 'aws-eusc'],
    ['https://s3.us-isob-east-1.sc2s.sgov.gov', 'us-isob-east-1', 'aws-iso-b'],
    // The region that the Provider names changes nothing.
    ['https://s3.eu-west-1.amazonaws.com', 'cn-north-1', 'aws'],
    // Anybody may have such a name.
    ...[
      'https://ec2-192-0-2-1.eu-west-1.compute.amazonaws.com',
      'https://my-bucket.s3.amazonaws.com',
      'https://my-bucket.s3.eu-west-1.amazonaws.com',
      'https://s3.my-bucket.s3.eu-west-1.amazonaws.com',
      'https://abc123.execute-api.eu-west-1.amazonaws.com',
      'https://vpce-1-2.vpce-svc-3.us-east-1.vpce.amazonaws.com',
      'https://s3.eu-west-1.amazonaws.com:8443',
      'https://s3.cn-north-1.amazonaws.com',
      'https://s3.eu-west-1.amazonaws.com.cn',
      'https://amazonaws.com',
    ].map((endpoint) => [endpoint, 'eu-west-1', endpoint] as [string, string, string]),
  ])('%s in %s is the server %s', (endpoint, region, identity) => {
    expect(driverTo(endpoint, region).serverIdentity).toBe(identity);
  });

  it.each([
    ['https://s3.eu-west-1.amazonaws.com', 'eu-west-1', undefined, 'iam+https://iam.amazonaws.com'],
    ['https://s3.cn-north-1.amazonaws.com.cn', 'cn-north-1', undefined, 'iam+https://iam.cn-north-1.amazonaws.com.cn'],
    ['https://s3.eu-west-1.amazonaws.com', 'eu-west-1', 'https://IAM.test:443/', 'iam+https://iam.test'],
    ['http://127.0.0.1:5000', 'us-east-1', undefined, 'iam+http://127.0.0.1:5000'],
  ])('%s in %s with IAM at %s issues keys by %s', (endpoint, region, iamEndpoint, identity) => {
    const connection = connectionTo(endpoint, { region, ...(iamEndpoint === undefined ? {} : { iamEndpoint }) });
    expect(createAwsDriver(connection, driverDeps()).keys).toMatchObject({ identity });
  });

  it.each([
    ['https://s3.us-east-1.amazonaws.com', 'us-east-1', 'eu-west-1', 'https://s3.eu-west-1.amazonaws.com'],
    ['https://s3.amazonaws.com', 'us-east-1', 'us-east-1', 'https://s3.amazonaws.com'],
    [
      'https://s3.cn-north-1.amazonaws.com.cn',
      'cn-north-1',
      'cn-northwest-1',
      'https://s3.cn-northwest-1.amazonaws.com.cn',
    ],
    ['http://127.0.0.1:5000', 'us-east-1', 'eu-west-1', 'http://127.0.0.1:5000'],
  ])('%s of %s reaches buckets of %s at %s', (endpoint, own, region, wanted) => {
    expect(driverTo(endpoint, own).wire(region)).toMatchObject({ endpoint: wanted, region });
  });
});
