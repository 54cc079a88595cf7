import { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { describe, expect, it } from 'vitest';
import { cloudTrailEndpoint, partitionDetails } from './partition.ts';

describe('CloudTrail of a partition', () => {
  it.each([
    'us-east-1',
    'eu-west-1',
    'cn-north-1',
    'cn-northwest-1',
    'us-gov-west-1',
    'us-gov-east-1',
    'eusc-de-east-1',
    'us-iso-east-1',
    'us-isob-east-1',
    'eu-isoe-west-1',
    'us-isof-south-1',
  ])('is where the SDK finds it: %s', (region) => {
    const client = new CloudTrailClient({ region });
    const { url } = client.config.endpointProvider({ Region: region, UseFIPS: false, UseDualStack: false });
    expect(new URL(cloudTrailEndpoint(partitionDetails(region), region)).href).toBe(url.href);
    client.destroy();
  });
});
