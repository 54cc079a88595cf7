import { readFileSync } from 'node:fs';
import { transient } from '@operator/outcome';
import { describe, expect, it } from 'vitest';
import { type ObjectState, codeOf, createMetrics } from './metrics.ts';

const linesOf = async (metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(`wasabi_s3_operator_${name}`));

const ended = (code: string, provider = 'n/p') => ({ code, seconds: 0.1, provider });
const state = (status: string, reason: string, more: Partial<ObjectState> = {}): ObjectState => ({
  namespace: 'team-a',
  status,
  reason,
  sinceSeconds: 60,
  isPaused: false,
  ...more,
});

describe('the metrics', () => {
  it('have the names and labels that dashboards know', async () => {
    const metrics = createMetrics('bucket-controller');
    metrics.leading(true);
    metrics.reconciled('Bucket', 'settled', 0.2);
    metrics.called({ service: 's3', operation: 'PutBucketTagging', write: true }, ended('OK'));
    metrics.called({ service: 's3', operation: 'GetBucketTagging', write: false }, ended('Throttled'));
    metrics.providerChecked('n/p', { connected: true });
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
    metrics.forgetProvider('n/p');
    expect(await linesOf(metrics, 'provider_connectivity')).toEqual([]);
  });

  it('count the states of the objects when they are asked for', async () => {
    const metrics = createMetrics('c');
    metrics.leading(true);
    let states = [state('True', 'Ready'), state('True', 'Ready'), state('False', 'AuthFailed')];
    metrics.countStates('Bucket', () => states);
    expect(await linesOf(metrics, 'objects')).toEqual([
      'wasabi_s3_operator_objects{namespace="team-a",kind="Bucket",ready="True",reason="Ready",controller="c"} 2',
      'wasabi_s3_operator_objects{namespace="team-a",kind="Bucket",ready="False",reason="AuthFailed",controller="c"} 1',
    ]);
    states = [];
    expect(await linesOf(metrics, 'objects')).toEqual([]);
  });

  it('keep the number of series bounded, whatever a server calls its errors', async () => {
    const metrics = createMetrics('c');
    const call = { service: 's3', operation: 'HeadBucket', write: false };
    for (let number = 0; number < 1_000; number += 1) metrics.called(call, ended(`Code${number}`));
    const lines = await linesOf(metrics, 'external_calls_total');
    expect(lines.length).toBe(101);
    expect(lines.at(-1)).toContain('code="other"');
    metrics.called(call, ended('OK'));
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
    metrics.accessKeys(() => ages.map((ageSeconds) => ({ ageSeconds, nextRotationAt: undefined })));
    expect(await linesOf(metrics, 'access_key')).toEqual([
      `wasabi_s3_operator_access_key_age_seconds{controller="c"} ${400 * day}`,
      'wasabi_s3_operator_access_keys{older_than_days="0",controller="c"} 3',
      'wasabi_s3_operator_access_keys{older_than_days="30",controller="c"} 2',
      'wasabi_s3_operator_access_keys{older_than_days="90",controller="c"} 2',
      'wasabi_s3_operator_access_keys{older_than_days="180",controller="c"} 1',
      'wasabi_s3_operator_access_keys{older_than_days="365",controller="c"} 1',
      'wasabi_s3_operator_access_key_next_rotation_timestamp_seconds{controller="c"} 0',
    ]);
    ages = [];
    expect(await linesOf(metrics, 'access_key')).toEqual([
      'wasabi_s3_operator_access_key_age_seconds{controller="c"} 0',
      ...[0, 30, 90, 180, 365].map(
        (days) => `wasabi_s3_operator_access_keys{older_than_days="${days}",controller="c"} 0`,
      ),
      'wasabi_s3_operator_access_key_next_rotation_timestamp_seconds{controller="c"} 0',
    ]);
    ages = [day];
    metrics.leading(false);
    expect((await linesOf(metrics, 'access_key'))[0]).toMatch(/ 0$/);
  });

  it('name the Provider of each call, and drop its series when it is gone', async () => {
    const metrics = createMetrics('c');
    const call = { service: 's3', operation: 'HeadBucket', write: false };
    metrics.called(call, ended('OK', 'n/a'));
    metrics.called(call, ended('OK', 'n/b'));
    const named = async (name: string) =>
      (await linesOf(metrics, name)).map((line) => /provider="([^"]*)"/.exec(line)?.[1]);
    expect(await named('external_calls_total')).toEqual(['n/a', 'n/b']);
    expect(await named('provider_call_duration_seconds_count')).toEqual(['n/a', 'n/b']);
    metrics.forgetProvider('n/a');
    expect(await named('external_calls_total')).toEqual(['n/b']);
    expect(await named('provider_call_duration_seconds_count')).toEqual(['n/b']);
  });

  it('keep the number of series bounded, however many Providers and codes there are', async () => {
    const metrics = createMetrics('c');
    for (let number = 0; number < 300; number += 1) {
      for (let code = 0; code < 60; code += 1) {
        metrics.called({ service: 's3', operation: 'HeadBucket', write: false }, ended(`Code${code}`, `n/p${number}`));
      }
    }
    const lines = await linesOf(metrics, 'external_calls_total');
    expect(lines.length).toBe(5_001);
    expect(lines.at(-1)).toMatch(/code="other",provider="other".* 13000$/);
    expect((await linesOf(metrics, 'provider_call_duration_seconds_count')).length).toBe(201);
    metrics.forgetProvider('n/p0');
    metrics.called({ service: 's3', operation: 'HeadBucket', write: false }, ended('OK', 'n/new'));
    expect((await linesOf(metrics, 'external_calls_total')).at(-1)).toContain('provider="n/new"');
  });

  it('name the first namespaces only, and tell the longest that was not Ready, and what is paused', async () => {
    const metrics = createMetrics('c');
    metrics.leading(true);
    const states = Array.from({ length: 600 }, (_, number) =>
      state('False', 'AuthFailed', { namespace: `n${String(number).padStart(3, '0')}`, sinceSeconds: number }),
    );
    metrics.countStates('Bucket', () => [
      ...states.toReversed(),
      state('True', 'Ready', { sinceSeconds: 9_999, namespace: 'n000', isPaused: true }),
    ]);
    const lines = await linesOf(metrics, 'objects');
    expect(lines.length).toBe(502);
    expect(lines[0]).toContain(
      '{namespace="other",kind="Bucket",ready="False",reason="AuthFailed",controller="c"} 100',
    );
    expect(await linesOf(metrics, 'longest_not_ready_seconds')).toEqual([
      'wasabi_s3_operator_longest_not_ready_seconds{kind="Bucket",reason="AuthFailed",controller="c"} 599',
    ]);
    expect(await linesOf(metrics, 'paused_objects')).toEqual([
      'wasabi_s3_operator_paused_objects{namespace="n000",kind="Bucket",controller="c"} 1',
    ]);
  });

  it('keep what is known of a certificate while the Provider cannot be reached', async () => {
    const metrics = createMetrics('c');
    metrics.leading(true);
    metrics.providerChecked('n/plain', { connected: true });
    metrics.providerChecked('n/p', { connected: true, certificateExpiresAt: new Date(1_800_000_000_000) });
    metrics.providerChecked('n/p', { connected: false });
    expect(await linesOf(metrics, 'provider_certificate')).toEqual([
      'wasabi_s3_operator_provider_certificate_expiry_timestamp_seconds{provider="n/p",controller="c"} 1800000000',
    ]);
  });

  it('tell when the first rotation is due', async () => {
    const metrics = createMetrics('c');
    metrics.leading(true);
    metrics.accessKeys(() =>
      [undefined, new Date(2_000_000), new Date(1_000_000)].map((nextRotationAt) => ({
        ageSeconds: 1,
        nextRotationAt,
      })),
    );
    expect((await linesOf(metrics, 'access_key_next')).join()).toMatch(/ 1000$/);
  });

  it('count vanished buckets from zero, so that the first one is an increase', async () => {
    const metrics = createMetrics('c');
    const vanished = metrics.vanishedBuckets();
    expect(await linesOf(metrics, 'vanished')).toEqual(['wasabi_s3_operator_vanished_buckets_total{controller="c"} 0']);
    vanished();
    expect((await linesOf(metrics, 'vanished')).join()).toMatch(/ 1$/);
  });

  it('have no gauge of prom-client whose name is that of a counter', async () => {
    const { registry } = createMetrics('c');
    const names = (await registry.getMetricsAsJSON()).flatMap(({ name, type }) =>
      String(type) === 'counter' || !name.endsWith('_total') ? [] : [name],
    );
    expect(names).toEqual([]);
  });

  it('forget Providers that are gone, however many there were', async () => {
    const metrics = createMetrics('c');
    metrics.leading(true);
    for (let number = 0; number < 2_000; number += 1) {
      metrics.providerChecked(`n/p${number}`, { connected: true });
      metrics.forgetProvider(`n/p${number}`);
    }
    metrics.providerChecked('n/last', { connected: false });
    expect(await linesOf(metrics, 'provider_connectivity')).toEqual([
      'wasabi_s3_operator_provider_connectivity{provider="n/last",controller="c"} 0',
    ]);
  });

  it('tell of objects, Providers and the queue while the process leads, for a sum over all of them counts each once', async () => {
    const metrics = createMetrics('c');
    metrics.countStates('Bucket', () => [state('True', 'Ready')]);
    metrics.providerChecked('n/p', { connected: true });
    metrics.workqueue('Bucket').depth(7);
    const told = async () =>
      (await Promise.all(['objects', 'provider_connectivity', 'workqueue_depth'].map((name) => linesOf(metrics, name))))
        .flat()
        .map((line) => line.split('_operator_')[1]);
    const nothing = ['workqueue_depth{kind="Bucket",controller="c"} 0'];
    expect(await told()).toEqual(nothing);
    metrics.leading(true);
    expect(await told()).toEqual([
      'objects{namespace="team-a",kind="Bucket",ready="True",reason="Ready",controller="c"} 1',
      'provider_connectivity{provider="n/p",controller="c"} 1',
      'workqueue_depth{kind="Bucket",controller="c"} 7',
    ]);
    metrics.leading(false);
    expect(await told()).toEqual(nothing);
  });

  it('tell by its Lease which shard of a controller leads', async () => {
    const shard = createMetrics('c', { lease: 'c-1a2b3c4d' });
    expect(await linesOf(shard, 'leader')).toEqual(['wasabi_s3_operator_leader{lease="c-1a2b3c4d",controller="c"} 0']);
    shard.leading(true);
    expect(await linesOf(shard, 'leader')).toEqual(['wasabi_s3_operator_leader{lease="c-1a2b3c4d",controller="c"} 1']);
    expect(await linesOf(createMetrics('c'), 'leader')).toEqual([
      'wasabi_s3_operator_leader{lease="c",controller="c"} 0',
    ]);
  });

  it('count the wait of a key from the start of the term at the earliest', async () => {
    let nowMs = 1_000_000;
    const metrics = createMetrics('c', { monotonicMs: () => nowMs });
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
  metrics.accessKeys(() => []);
  metrics.vanishedBuckets();
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
