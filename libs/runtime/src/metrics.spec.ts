import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';

const linesOf = async (metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(`wasabi_s3_operator_${name}`));

describe('the metrics', () => {
  it('have the names and labels that dashboards know', async () => {
    const metrics = createMetrics('bucket-controller');
    metrics.reconciled('Bucket', 'settled', 0.2);
    metrics.called({ service: 's3', operation: 'PutBucketTagging', write: true }, 'OK', 0.1);
    metrics.called({ service: 's3', operation: 'GetBucketTagging', write: false }, 'Throttled', 0.1);
    metrics.providerConnectivity('n/p', true);
    const by = (labels: string) => `{${labels},controller="bucket-controller"}`;
    expect(await linesOf(metrics, 'reconcile_total')).toEqual([
      `wasabi_s3_operator_reconcile_total${by('kind="Bucket",result="settled"')} 1`,
    ]);
    expect(await linesOf(metrics, 'reconcile_duration_seconds_count')).toHaveLength(1);
    expect(await linesOf(metrics, 'bucket_operations_total')).toEqual([
      `wasabi_s3_operator_bucket_operations_total${by('operation="PutBucketTagging",result="success"')} 1`,
    ]);
    expect(await linesOf(metrics, 'provider_connectivity')).toEqual([
      `wasabi_s3_operator_provider_connectivity${by('provider="n/p"')} 1`,
    ]);
    expect(await linesOf(metrics, 'external_calls_total')).toHaveLength(2);
    metrics.providerConnectivity('n/p', undefined);
    expect(await linesOf(metrics, 'provider_connectivity')).toEqual([]);
  });

  it('count the states of the objects when they are asked for', async () => {
    const metrics = createMetrics('c');
    let states = [
      { status: 'True', reason: 'Ready' },
      { status: 'True', reason: 'Ready' },
      { status: 'False', reason: 'AuthFailed' },
    ];
    metrics.countStates('Bucket', () => states);
    expect(await linesOf(metrics, 'objects')).toEqual([
      'wasabi_s3_operator_objects{kind="Bucket",ready="True",reason="Ready",controller="c"} 2',
      'wasabi_s3_operator_objects{kind="Bucket",ready="False",reason="AuthFailed",controller="c"} 1',
    ]);
    states = [];
    expect(await linesOf(metrics, 'objects')).toEqual([]);
  });

  it('keep the number of series bounded, whatever a server calls its errors', async () => {
    const metrics = createMetrics('c');
    const call = { service: 's3', operation: 'HeadBucket', write: false };
    for (let number = 0; number < 1_000; number += 1) metrics.called(call, `Code${number}`, 0.1);
    const lines = await linesOf(metrics, 'external_calls_total');
    expect(lines.length).toBe(101);
    expect(lines.at(-1)).toContain('code="other"');
  });
});
