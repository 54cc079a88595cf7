import { readFileSync } from 'node:fs';
import { transient } from '@operator/outcome';
import { describe, expect, it } from 'vitest';
import { codeOf, createMetrics } from './metrics.ts';

const linesOf = async (metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(`wasabi_s3_operator_${name}`));

describe('the metrics', () => {
  it('have the names and labels that dashboards know', async () => {
    const metrics = createMetrics('bucket-controller');
    metrics.leading(true);
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
    const call = (operation: string, code: string) =>
      `{controller="bucket-controller",service="s3",operation="${operation}",code="${code}"}`;
    expect(await linesOf(metrics, 'external_call_duration_seconds_sum')).toEqual([
      `wasabi_s3_operator_external_call_duration_seconds_sum${call('PutBucketTagging', 'OK')} 0.1`,
      `wasabi_s3_operator_external_call_duration_seconds_sum${call('GetBucketTagging', 'Throttled')} 0.1`,
    ]);
    metrics.providerConnectivity('n/p', undefined);
    expect(await linesOf(metrics, 'provider_connectivity')).toEqual([]);
  });

  it('count the states of the objects when they are asked for', async () => {
    const metrics = createMetrics('c');
    metrics.leading(true);
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
    metrics.called(call, 'OK', 0.1);
    const histograms = await linesOf(metrics, 'external_call_duration_seconds_count');
    expect(histograms.length).toBe(17);
    expect(histograms.at(-2)).toMatch(/code="other".* 985$/);
    expect(histograms.at(-1)).toContain('code="OK"');
  });

  it('tell the age of keys when they are asked for, and only where there are keys to tell of', async () => {
    const metrics = createMetrics('c');
    expect(await linesOf(metrics, 'access_key')).toEqual([]);
    metrics.leading(true);
    const day = 86_400;
    let ages = [3 * day, 100 * day, 400 * day];
    metrics.keyAges(() => ages);
    expect(await linesOf(metrics, 'access_key')).toEqual([
      `wasabi_s3_operator_access_key_age_seconds{controller="c"} ${400 * day}`,
      'wasabi_s3_operator_access_keys{older_than_days="0",controller="c"} 3',
      'wasabi_s3_operator_access_keys{older_than_days="30",controller="c"} 2',
      'wasabi_s3_operator_access_keys{older_than_days="90",controller="c"} 2',
      'wasabi_s3_operator_access_keys{older_than_days="180",controller="c"} 1',
      'wasabi_s3_operator_access_keys{older_than_days="365",controller="c"} 1',
    ]);
    ages = [];
    expect(await linesOf(metrics, 'access_key')).toEqual([
      'wasabi_s3_operator_access_key_age_seconds{controller="c"} 0',
      ...[0, 30, 90, 180, 365].map(
        (days) => `wasabi_s3_operator_access_keys{older_than_days="${days}",controller="c"} 0`,
      ),
    ]);
    ages = [day];
    metrics.leading(false);
    expect((await linesOf(metrics, 'access_key'))[0]).toMatch(/ 0$/);
  });

  it('forget Providers that are gone, however many there were', async () => {
    const metrics = createMetrics('c');
    metrics.leading(true);
    for (let number = 0; number < 2_000; number += 1) {
      metrics.providerConnectivity(`n/p${number}`, true);
      metrics.providerConnectivity(`n/p${number}`, undefined);
    }
    metrics.providerConnectivity('n/last', false);
    expect(await linesOf(metrics, 'provider_connectivity')).toEqual([
      'wasabi_s3_operator_provider_connectivity{provider="n/last",controller="c"} 0',
    ]);
  });

  it('tell of objects, Providers and the queue while the process leads, for a sum over all of them counts each once', async () => {
    const metrics = createMetrics('c');
    metrics.countStates('Bucket', () => [{ status: 'True', reason: 'Ready' }]);
    metrics.providerConnectivity('n/p', true);
    metrics.workqueue('Bucket').depth(7);
    const told = async () =>
      (await Promise.all(['objects', 'provider_connectivity', 'workqueue_depth'].map((name) => linesOf(metrics, name))))
        .flat()
        .map((line) => line.split('_operator_')[1]);
    const nothing = ['workqueue_depth{kind="Bucket",controller="c"} 0'];
    expect(await told()).toEqual(nothing);
    metrics.leading(true);
    expect(await told()).toEqual([
      'objects{kind="Bucket",ready="True",reason="Ready",controller="c"} 1',
      'provider_connectivity{provider="n/p",controller="c"} 1',
      'workqueue_depth{kind="Bucket",controller="c"} 7',
    ]);
    metrics.leading(false);
    expect(await told()).toEqual(nothing);
  });

  it('count the wait of a key from the start of the term at the earliest', async () => {
    let nowMs = 1_000_000;
    const metrics = createMetrics('c', () => nowMs);
    const { latency } = metrics.workqueue('Bucket');
    metrics.leading(true);
    nowMs += 2_000;
    latency(900);
    latency(1);
    expect(await linesOf(metrics, 'workqueue_latency_seconds_sum')).toEqual([
      'wasabi_s3_operator_workqueue_latency_seconds_sum{controller="c",kind="Bucket"} 3',
    ]);
  });
});

it('the page on observability tells every metric', () => {
  const metrics = createMetrics('c');
  metrics.keyAges(() => []);
  const page = readFileSync(new URL('../../../docs/observability.md', import.meta.url), 'utf8');
  const names = metrics.registry
    .getMetricsAsArray()
    .map(({ name }) => name)
    .filter((name) => name.startsWith('wasabi_s3_operator_'))
    .map((name) => name.slice('wasabi_s3_operator_'.length));
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !page.includes(`\n| \`${name}\` `))).toEqual([]);
});

it.each([
  ['an answer, by the API’s own code', Object.assign(new Error('x'), { name: 'NoSuchTagSet' }), 'NoSuchTagSet'],
  ['no answer', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  ['what was not sent', transient('LeadershipLost', 'x'), 'LeadershipLost'],
  ['an answer whose code is no word', Object.assign(new Error('x'), { name: 'No such\nkey' }), 'Error'],
  ['what is no error', 'text', 'Error'],
])('the code of %s', (_title, caught, want) => {
  expect(codeOf(caught)).toBe(want);
});
