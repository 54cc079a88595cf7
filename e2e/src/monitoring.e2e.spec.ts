import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { alerts, dashboardFile, startScenario, type Scenario } from '@operator/tools/monitoring';
import { obtainServers } from '@operator/tools/local';
import { until, type World } from '@operator/tools/harness';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld } from './world.ts';

let world: World;
let scenario: Scenario;

beforeAll(async () => {
  world = await startWorld('monitoring', ['minio']);
  scenario = await startScenario(world);
});
afterAll(async () => {
  // Without one where it did not start.
  await (scenario as Scenario | undefined)?.stop();
  await world.stop();
});

const seconds = (): number => Date.now() / 1_000;

/** What a query of the dashboard gave within the last five seconds. */
const ask = (expr: string) => scenario.ask(expr, seconds() - 5, seconds());

/** As Grafana imports it. */
const dashboard = JSON.parse(dashboardFile()) as {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
};

it('every query of the dashboard returns data of a real Prometheus', async () => {
  const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
  expect(queries.length).toBeGreaterThan(20);
  let round = 0;
  const left = await until(
    async () => {
      round += 1;
      await scenario.stir(String(round));
      const empty: string[] = [];
      for (const { title, expr } of queries) {
        const lines = await ask(expr);
        if (!lines.some(({ values }) => values.some(([, value]) => !Number.isNaN(Number(value)))))
          empty.push(`${title}: ${expr}`);
      }
      return empty;
    },
    (empty) => empty.length === 0,
    { what: 'every query returns data', everyMs: 1_000, timeoutMs: 120_000 },
  );
  expect(left).toEqual([]);
});

it('the alerts are loaded and evaluated without an error, and that of a bucket that vanished fires', async () => {
  const rules = await until(
    () => scenario.prometheus.rules(),
    (seen) => seen.every(({ health }) => health !== 'unknown') && seen.some(({ state }) => state === 'firing'),
    { what: 'every rule is evaluated, and one fires' },
  );
  expect(rules.map(({ name }) => name)).toEqual(alerts.map(({ name }) => name));
  expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  const raised = rules.filter(({ state }) => state !== 'inactive').map(({ name, state }) => `${name} ${state}`);
  expect(raised).toEqual(['S3ProviderNotConnected pending', 'S3ObjectsPaused pending', 'S3BucketVanished firing']);
});

it('the dashboard offers the namespaces and Providers that there are', async () => {
  const offered = await Promise.all(
    dashboard.templating.list.flatMap(({ name, query }) => {
      // Source: Grafana, template variables of Prometheus.
      const [, metric, label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? [];
      if (metric === undefined) return [];
      const lines = ask(`count by (${label}) (${metric})`);
      return [lines.then((all) => [name, new Set(all.map(({ metric: labels }) => labels[label]))])];
    }),
  );
  expect(Object.fromEntries(offered)).toEqual({
    namespace: new Set(['storage', 'team-a']),
    provider: new Set(['storage/away', 'storage/minio', 'storage/secure']),
  });
});

it('an object keeps its own namespace where the target has one too', async () => {
  const lines = await ask('sum by (namespace) (wasabi_s3_operator_objects{kind="Bucket"})');
  expect(lines.map(({ metric }) => metric.namespace)).toEqual(['team-a']);
});

it('promtool has nothing to say about what each controller serves, which has few series', async () => {
  const { promtool } = await obtainServers(['promtool']);
  for (const controller of scenario.controllers) {
    const metrics = await controller.metrics();
    const check = spawn(promtool, ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
    check.stdin.end(metrics);
    const [said, wrong] = await Promise.all([text(check.stdout), text(check.stderr)]);
    expect(`${said}${wrong}`, controller.name).toBe('');
    expect(metrics.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length).toBeLessThan(1_000);
  }
});
