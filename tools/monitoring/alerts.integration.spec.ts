import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { obtainServers } from '../local/index.ts';
import { projectRoot } from '../paths.ts';
import { alerts, rulesFile, runbookOf } from './alerts.ts';

const run = promisify(execFile);
let dir: string;
let promtool: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'alerts-'));
  ({ promtool } = await obtainServers(['promtool']));
  await writeFile(join(dir, 'alerts.yaml'), rulesFile());
});
afterAll(() => rm(dir, { recursive: true }));

/** Series by what follows the prefix of their names, and their values minute by minute, as promtool takes them. */
type Series = Readonly<Record<string, string>>;

interface Case {
  readonly fires: Series;
  /** Another case in which the very same alert fires. */
  readonly alsoFires?: Series;
  /** Labels and summary of the one alert that then fires at `at`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly quiet: Series;
  /** When both are looked at. */
  readonly at: string;
  /** How often the rules are evaluated; a minute when absent. */
  readonly every?: string;
}

const day = 1_440;
const bucket = (le: string, more: string) => `{${more},le="${le}"}`;
/** A histogram whose observations all lie between two bounds. */
const histogram = (name: string, labels: string, [below, above]: readonly [string, string], each = 6): Series => ({
  [`${name}_bucket${bucket(below, labels)}`]: '0x60',
  [`${name}_bucket${bucket(above, labels)}`]: `0+${each}x60`,
  [`${name}_bucket${bucket('+Inf', labels)}`]: `0+${each}x60`,
});

const cases: Readonly<Record<string, Case>> = {
  S3OperatorNoLeader: {
    fires: {
      'leader{controller="a",lease="a",pod="1"}': '1x10 0x60',
      'leader{controller="a",lease="a",pod="2"}': '0x10 _x60',
    },
    // Another shard leads.
    alsoFires: {
      'leader{controller="a",lease="a",pod="1"}': '1x10 _x60',
      'leader{controller="a",lease="a-1a2b3c4d",pod="2"}': '1x70',
    },
    labels: { controller: 'a', lease: 'a' },
    summary: 'No a leads by the Lease a, so none of its objects is reconciled.',
    quiet: {
      'leader{controller="a",lease="a",pod="1"}': '1x10 0x60',
      'leader{controller="a",lease="a",pod="2"}': '0x10 1x60',
    },
    at: '30m',
  },
  S3OperatorVersionsDiffer: {
    fires: {
      'build_info{controller="a",version="1",commit="x",pod="1"}': '1x90',
      'build_info{controller="a",version="2",commit="y",pod="2"}': '1x90',
    },
    labels: { controller: 'a' },
    summary: 'Replicas of a run 2 versions.',
    quiet: {
      'build_info{controller="a",version="1",commit="x",pod="1"}': '1x90',
      'build_info{controller="a",version="1",commit="x",pod="2"}': '1x90',
      'build_info{controller="b",version="2",commit="y",pod="3"}': '1x90',
    },
    at: '80m',
  },
  S3ProviderNotConnected: {
    fires: { 'provider_connectivity{provider="n/p"}': '1x5 0x60' },
    labels: { provider: 'n/p' },
    summary: 'Provider n/p fails its checks.',
    quiet: { 'provider_connectivity{provider="n/p"}': '1x5 0x3 1x60' },
    at: '15m',
  },
  S3ProviderSlow: {
    fires: histogram('provider_call_duration_seconds', 'provider="n/p"', ['5', '10']),
    labels: { provider: 'n/p' },
    summary: 'One call in a hundred to Provider n/p takes 9.95s or longer.',
    quiet: histogram('provider_call_duration_seconds', 'provider="n/p"', ['1', '2.5']),
    at: '45m',
  },
  S3ProviderThrottles: {
    fires: { 'external_calls_total{provider="n/p",operation="HeadBucket",code="SlowDown"}': '0+60x60' },
    labels: { provider: 'n/p' },
    summary: 'Provider n/p refuses 1 calls a second because there are too many.',
    quiet: {
      'external_calls_total{provider="n/p",operation="HeadBucket",code="SlowDown"}': '0+2x60',
      'external_calls_total{provider="n/p",operation="HeadBucket",code="NotFound"}': '0+60x60',
    },
    at: '45m',
  },
  S3CertificateExpires: {
    fires: { 'provider_certificate_expiry_timestamp_seconds{provider="n/p"}': `${13 * 86_400}x120` },
    labels: { provider: 'n/p' },
    summary: 'A certificate of Provider n/p ends in 12d 22h 0m 0s.',
    quiet: { 'provider_certificate_expiry_timestamp_seconds{provider="n/p"}': `${15 * 86_400}x120` },
    at: '2h',
  },
  S3ObjectNotReady: {
    fires: { 'longest_not_ready_seconds{kind="Bucket",reason="AuthFailed"}': '0+60x60' },
    labels: { kind: 'Bucket', reason: 'AuthFailed' },
    summary: 'A Bucket has not been Ready for 20m 0s: AuthFailed.',
    quiet: {
      'longest_not_ready_seconds{kind="Bucket",reason="AuthFailed"}': '0+60x10 0+60x60',
      'longest_not_ready_seconds{kind="Bucket",reason="ProviderNotReady"}': '0+60x60',
    },
    at: '20m',
  },
  S3ObjectsPaused: {
    fires: { 'paused_objects{namespace="team-a",kind="Bucket",controller="a"}': `2x${2 * day}` },
    labels: { namespace: 'team-a', kind: 'Bucket' },
    summary: '2 of kind Bucket in namespace team-a have been paused for a day.',
    quiet: { 'paused_objects{namespace="team-a",kind="Bucket",controller="a"}': `2x${day - 60} _x${day}` },
    at: '25h',
    every: '30m',
  },
  S3BucketVanished: {
    fires: { 'vanished_buckets_total{controller="bucket-controller"}': '0x70 1x60' },
    alsoFires: { 'vanished_buckets_total{controller="bucket-controller"}': '_x70 1x60' },
    labels: { controller: 'bucket-controller' },
    summary: 'A bucket was gone from its server, with what it held, and was created again, empty.',
    quiet: { 'vanished_buckets_total{controller="bucket-controller"}': '3x120' },
    at: '80m',
  },
  S3DriftRepeats: {
    fires: { 'drift_total{kind="Bucket"}': '0+1x180' },
    labels: { kind: 'Bucket' },
    summary: 'Changes to objects of kind Bucket were undone 60 times within an hour.',
    quiet: { 'drift_total{kind="Bucket"}': '0x60 9x120' },
    at: '150m',
  },
  S3WritesFail: {
    fires: {
      'bucket_operations_total{operation="PutBucketCors",result="error"}': '0+3x60',
      'bucket_operations_total{operation="PutBucketCors",result="success"}': '0+1x60',
    },
    labels: { operation: 'PutBucketCors' },
    summary: '75% of PutBucketCors fail.',
    quiet: {
      'bucket_operations_total{operation="PutBucketCors",result="error"}': '0+1x60',
      'bucket_operations_total{operation="PutBucketCors",result="success"}': '0+3x60',
    },
    at: '45m',
  },
  S3RotationOverdue: {
    fires: { 'access_key_next_rotation_timestamp_seconds{controller="a"}': '600x120' },
    labels: { controller: 'a' },
    summary: 'The rotation of an access key has been due for 1h 50m 0s.',
    quiet: { 'access_key_next_rotation_timestamp_seconds{controller="a"}': '0x120' },
    at: '2h',
  },
  S3PassesFail: {
    fires: {
      'reconcile_total{kind="Bucket",result="transient"}': '0+95x60',
      'reconcile_total{kind="Bucket",result="settled"}': '0+5x60',
    },
    labels: { kind: 'Bucket' },
    summary: '95% of the passes over objects of kind Bucket fail.',
    quiet: {
      'reconcile_total{kind="Bucket",result="transient"}': '0+50x60',
      'reconcile_total{kind="Bucket",result="settled"}': '0+50x60',
    },
    at: '45m',
  },
  S3QueueBacklog: {
    fires: {
      'workqueue_depth{kind="Bucket"}': '7x60',
      'reconcile_total{kind="Bucket",result="settled"}': '5x60',
      'workqueue_depth{kind="Provider"}': '7x60',
      'reconcile_total{kind="Provider",result="settled"}': '0+5x60',
    },
    labels: { kind: 'Bucket' },
    summary: '7 objects of kind Bucket wait for a worker.',
    quiet: {
      'workqueue_depth{kind="Bucket"}': '7x60',
      'reconcile_total{kind="Bucket",result="settled"}': '0+5x60',
      ...histogram('workqueue_latency_seconds', 'kind="Bucket"', ['1', '2.5']),
    },
    at: '45m',
  },
  S3KubernetesRequestsFail: {
    fires: { 'kubernetes_requests_total{controller="a",verb="get",resource="secrets",code="403"}': '0+6x60' },
    labels: { controller: 'a', resource: 'secrets', code: '403' },
    summary: 'The API server answers 403 to a about secrets.',
    quiet: {
      'kubernetes_requests_total{controller="a",verb="get",resource="secrets",code="404"}': '0+6x60',
      'kubernetes_requests_total{controller="a",verb="get",resource="secrets",code="503"}': '0+1x60',
    },
    at: '45m',
  },
  S3StaleViews: {
    fires: { 'stale_views_total{kind="Bucket"}': '0+2x60' },
    labels: { kind: 'Bucket' },
    summary: 'Passes over objects of kind Bucket work on views of the API server that are out of date.',
    quiet: { 'stale_views_total{kind="Bucket"}': '0x30 1x60' },
    at: '45m',
  },
};

it('promtool has nothing to say about the rules', async () => {
  await run(promtool, ['check', 'rules', '--lint=all', '--lint-fatal', join(dir, 'alerts.yaml')]);
});

it('every alert fires in its case, with its words, and not in the other', async () => {
  expect(Object.keys(cases)).toEqual(alerts.map(({ name }) => name));
  const tests = alerts.flatMap((alert) => {
    const found = cases[alert.name];
    if (found === undefined) return [];
    const { fires, alsoFires, quiet, at, every = '1m', labels, summary } = found;
    const asked = { eval_time: at, alertname: alert.name };
    const expected = {
      exp_labels: { ...labels, severity: alert.severity },
      exp_annotations: { summary, runbook_url: runbookOf(alert) },
    };
    const given = (series: Series) =>
      Object.entries(series).map(([name, values]) => ({ series: `wasabi_s3_operator_${name}`, values }));
    const firing = { every, check: { ...asked, exp_alerts: [expected] } };
    return [
      { ...firing, name: alert.name, series: given(fires) },
      ...(alsoFires === undefined ? [] : [{ ...firing, name: `also ${alert.name}`, series: given(alsoFires) }]),
      { every, name: `not ${alert.name}`, series: given(quiet), check: asked },
    ];
  });
  const files = [...Map.groupBy(tests, ({ every }) => every)].map(([evaluation_interval, group]) => ({
    path: join(dir, `tests-${evaluation_interval}.yaml`),
    content: {
      rule_files: ['alerts.yaml'],
      evaluation_interval,
      tests: group.map(({ name, series, check }) => ({
        name,
        interval: '1m',
        input_series: series,
        alert_rule_test: [check],
      })),
    },
  }));
  for (const { path, content } of files) await writeFile(path, stringify(content));
  await run(promtool, ['test', 'rules', ...files.map(({ path }) => path)]).catch((error: unknown) => {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    throw new Error(`${stdout}\n${stderr}`);
  });
});

it('every alert has a page that says what it means, how to look and what to do, and every page an alert', async () => {
  const folder = join(projectRoot, 'docs/runbooks');
  const pages = (await readdir(folder)).filter((file) => file !== 'README.md');
  expect(pages.toSorted()).toEqual(alerts.map(({ name }) => `${name}.md`).toSorted());
  const index = await readFile(join(folder, 'README.md'), 'utf8');
  for (const alert of alerts) {
    const page = await readFile(join(folder, `${alert.name}.md`), 'utf8');
    expect(page.startsWith(`# ${alert.name}\n`), alert.name).toBe(true);
    for (const part of ['## Meaning', '## Look', '## Do']) expect(page, alert.name).toContain(`\n${part}\n`);
    expect(index, alert.name).toContain(`[${alert.name}](${alert.name}.md)`);
    expect(runbookOf(alert).endsWith(`/docs/runbooks/${alert.name}.md`)).toBe(true);
  }
});
