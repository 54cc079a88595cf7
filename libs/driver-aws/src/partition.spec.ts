import { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { partitionDetails, regionalEndpoint } from './partition.ts';

describe('a service of a partition', () => {
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
    const partition = partitionDetails(region);
    for (const [service, client] of [
      ['cloudtrail', new CloudTrailClient({ region })],
      ['sts', new STSClient({ region })],
    ] as const) {
      const settings = { Region: region, UseFIPS: false, UseDualStack: false, UseGlobalEndpoint: false };
      expect(new URL(regionalEndpoint(service, partition, region)).href).toBe(
        client.config.endpointProvider(settings).url.href,
      );
      client.destroy();
    }
  });
});
