import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { controllerNames } from '../controllers.ts';
import { startControlPlane, type ControlPlane } from '../local/index.ts';
import { installCrds } from '../local/crds.ts';
import { obtainServers } from '../local/servers/obtain.ts';
import { dashboardFile } from '../monitoring/dashboard.ts';
import { rulesFile } from '../monitoring/alerts.ts';
import { projectRoot } from '../paths.ts';
import { packageCharts } from './package.ts';

const run = promisify(execFile);

let dir: string;
let helm: string;
let charts: ReadonlyMap<string, string>;
let controlPlane: ControlPlane;

/** A kind of the Prometheus operator, as far as a chart must be accepted. */
const monitoringKind = (kind: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `${kind.toLowerCase()}s.monitoring.coreos.com`,
    annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' },
  },
  spec: {
    group: 'monitoring.coreos.com',
    names: { kind, plural: `${kind.toLowerCase()}s` },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'charts-'));
  ({ helm } = await obtainServers(['helm']));
  [charts, controlPlane] = await Promise.all([
    packageCharts(helm, join(dir, 'packaged')),
    startControlPlane({ dir: join(dir, 'control-plane') }),
  ]);
  await installCrds(controlPlane.kubectl);
  for (const kind of ['ServiceMonitor', 'PrometheusRule'])
    await controlPlane.kubectl(['apply', '-f', '-'], JSON.stringify(monitoringKind(kind)));
  await controlPlane.kubectl(['wait', '--for=condition=established', 'crd', '--all', '--timeout=30s']);
  for (const namespace of ['s3-operator', 'team-a', 'team-b', 'argocd']) {
    await controlPlane.kubectl(['create', 'namespace', namespace]);
    await controlPlane.kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
  }
});
afterAll(async () => {
  await controlPlane.stop();
  await rm(dir, { recursive: true });
});

const template = async (chart: string, values: object): Promise<string> => {
  const archive = charts.get(chart);
  if (archive === undefined) throw new Error(`no chart ${chart}`);
  const child = run(helm, ['template', 's3', archive, '--namespace=s3-operator', '--values=-']);
  child.child.stdin?.end(stringify(values));
  return (await child).stdout;
};

const umbrella = 's3-provider-operator';
const cases: readonly (readonly [string, string, object])[] = [
  ['all defaults', umbrella, {}],
  ...controllerNames.map((name) => [`the ${name}-controller alone`, `${name}-controller`, {}] as const),
  ['preset minimal', umbrella, { rbac: { preset: 'minimal' } }],
  [
    'preset minimal in two namespaces',
    umbrella,
    { rbac: { preset: 'minimal' }, watch: { namespaces: ['team-a', 'team-b'] } },
  ],
  ['preset scoped', umbrella, { rbac: { preset: 'scoped' }, watch: { namespaces: ['team-a'] } }],
  [
    'preset scoped with borrowed Providers',
    'bucket-controller',
    { rbac: { preset: 'scoped', providerNamespaces: ['team-b'] }, watch: { namespaces: ['team-a'] } },
  ],
  ['rights in ConfigMaps and workloads', umbrella, { rbac: { configMaps: true, rollouts: true } }],
  ['no roles', umbrella, { rbac: { create: false, userRoles: { create: false } } }],
  ['a ServiceAccount that exists', umbrella, { operator: { serviceAccount: { create: false, name: 's3' } } }],
  [
    'annotated ServiceAccounts',
    umbrella,
    { operator: { serviceAccount: { annotations: { 'example.com/role': 'x' } } } },
  ],
  [
    'images by digest',
    umbrella,
    { controllers: { bucket: { operator: { image: { digest: `sha256:${'a'.repeat(64)}` } } } } },
  ],
  [
    'a registry of one’s own',
    umbrella,
    { operator: { image: { registry: 'registry.example.com', tag: 'v1' } }, imagePullSecrets: [{ name: 'pull' }] },
  ],
  [
    'two replicas with a budget',
    umbrella,
    { operator: { replicas: 2, podDisruptionBudget: { enabled: true, minAvailable: '50%' } } },
  ],
  ['no election', umbrella, { operator: { leaderElection: false } }],
  [
    'shards',
    umbrella,
    {
      controllers: {
        bucket: {
          watch: {
            shards: [
              { name: 'a', selector: 'shard=a' },
              { name: 'rest', selector: 'shard notin (a)' },
            ],
          },
        },
      },
    },
  ],
  ['one selector', 'bucket-controller', { watch: { selector: 'team in (a, b), !legacy' } }],
  ['only two controllers', umbrella, { controllers: { policy: { enabled: false }, accesskey: { enabled: false } } }],
  ['metrics off', umbrella, { metrics: { enabled: false } }],
  ['metrics without a Service', umbrella, { metrics: { service: { enabled: false } } }],
  ['a ServiceMonitor', umbrella, { metrics: { serviceMonitor: { enabled: true, labels: { release: 'prometheus' } } } }],
  [
    'alerts and a dashboard',
    umbrella,
    {
      metrics: {
        prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
        dashboard: { enabled: true, annotations: { grafana_folder: 'Storage' } },
      },
    },
  ],
  ['a NetworkPolicy', umbrella, { operator: { networkPolicy: { enabled: true } } }],
  [
    'a narrow NetworkPolicy without metrics',
    umbrella,
    {
      metrics: { enabled: false },
      operator: {
        networkPolicy: {
          enabled: true,
          apiServer: [{ to: [{ ipBlock: { cidr: '10.0.0.1/32' } }], ports: [{ port: 6443, protocol: 'TCP' }] }],
        },
      },
    },
  ],
  [
    'where Pods run',
    umbrella,
    {
      operator: {
        priorityClassName: 'system-cluster-critical',
        nodeSelector: { pool: 'infra' },
        tolerations: [{ key: 'infra', operator: 'Exists' }],
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'Exists' }] }],
            },
          },
        },
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
        ],
      },
    },
  ],
  [
    'environment, volumes and flags',
    umbrella,
    {
      operator: {
        extraEnv: [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://collector:4318' }],
        extraEnvFrom: [{ configMapRef: { name: 'proxy' } }],
        extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }],
        extraVolumeMounts: [{ name: 'ca', mountPath: '/etc/ca', readOnly: true }],
        extraArgs: ['--former-cluster-ids='],
      },
    },
  ],
  [
    'every flag',
    umbrella,
    {
      operator: {
        workers: 20,
        resyncInterval: '10m',
        logLevel: 'debug',
        shutdownDeadline: '20s',
        formerClusterIds: ['6d1f0c1e-0000-4000-8000-000000000001'],
        refusedDestinations: ['10.0.0.0/8'],
      },
    },
  ],
  [
    'labels and annotations',
    umbrella,
    {
      commonLabels: { owner: 'platform' },
      operator: { podLabels: { mesh: 'enabled' }, podAnnotations: { 'example.com/a': 'b' } },
    },
  ],
  ['other names', umbrella, { nameOverride: 'storage', fullnameOverride: 'storage' }],
  ['no limits', umbrella, { operator: { resources: {} } }],
  ['health and actions for Argo CD', umbrella, { argocd: { enabled: true } }],
];

/** A ConfigMap, as far as it matters here. */
interface ConfigMap {
  readonly kind: string;
  readonly data: Readonly<Record<string, string>>;
}

describe('the charts', () => {
  it.each(cases)('with %s are accepted by the API server without a warning', async (_title, chart, values) => {
    const manifests = await template(chart, values);
    await controlPlane.kubectl(['apply', '--dry-run=server', '--warnings-as-errors', '-f', '-'], manifests);
  });

  it.each([
    ['an unknown key', umbrella, { operater: {} }, /operater/],
    ['an unknown key deep inside', umbrella, { controllers: { bucket: { operator: { imge: {} } } } }, /imge/],
    ['an unknown controller', umbrella, { controllers: { buckets: {} } }, /buckets/],
    ['a text for a number', umbrella, { operator: { workers: 'ten' } }, /workers.*integer/s],
    ['too many workers', umbrella, { operator: { workers: 500 } }, /workers.*200/s],
    ['a label that is no text', umbrella, { operator: { podLabels: { mesh: true } } }, /mesh.*string/s],
    ['no digest', umbrella, { operator: { image: { digest: 'abc' } } }, /digest.*pattern/s],
    ['a preset that is none', umbrella, { rbac: { preset: 'all' } }, /preset.*minimal.*scoped.*full/s],
    ['no duration', umbrella, { operator: { resyncInterval: 'often' } }, /resyncInterval.*pattern/s],
    ['no namespace', umbrella, { watch: { namespaces: ['Team_A'] } }, /namespaces.*pattern/s],
    ['scoped without namespaces', umbrella, { rbac: { preset: 'scoped' } }, /watch\.namespaces is empty\. List/],
    [
      'namespaces of Providers without scoped',
      umbrella,
      { rbac: { providerNamespaces: ['a'] } },
      /providerNamespaces is for rbac\.preset: scoped/,
    ],
    [
      'a selector and shards',
      umbrella,
      { watch: { selector: 'a', shards: [{ name: 'a', selector: 'a' }] } },
      /Keep one of them/,
    ],
    [
      'two shards of one name',
      umbrella,
      {
        watch: {
          shards: [
            { name: 'a', selector: 'a' },
            { name: 'a', selector: '!a' },
          ],
        },
      },
      /the same name/,
    ],
    [
      'two replicas without election',
      umbrella,
      { operator: { replicas: 2, leaderElection: false } },
      /Turn the election on/,
    ],
    [
      'a ServiceMonitor without metrics',
      umbrella,
      { metrics: { enabled: false, serviceMonitor: { enabled: true } } },
      /serviceMonitor needs/,
    ],
  ])('refuse %s, and say what is wrong', async (_title, chart, values, message) => {
    await expect(template(chart, values)).rejects.toThrow(message);
  });

  it('have the alerts as they are tested, with the templates of Prometheus untouched', async () => {
    const manifests = await template(umbrella, { metrics: { prometheusRule: { enabled: true } } });
    const rules = parseAllDocuments(manifests)
      .map((document) => document.toJS() as { readonly kind?: string; readonly spec?: unknown } | null)
      .filter((manifest) => manifest?.kind === 'PrometheusRule');
    expect(rules.map((rule) => rule?.spec)).toEqual([parse(rulesFile())]);
  });

  it('have the dashboard as it is generated', async () => {
    const manifests = await template(umbrella, { metrics: { dashboard: { enabled: true } } });
    const dashboards = parseAllDocuments(manifests)
      .map((document) => document.toJS() as { readonly data?: Readonly<Record<string, string>> } | null)
      .flatMap((manifest) => manifest?.data?.['s3-provider-operator.json'] ?? []);
    expect(dashboards.map((text) => JSON.parse(text) as unknown)).toEqual([JSON.parse(dashboardFile())]);
  });

  it('add health and actions to the ConfigMap of Argo CD, and leave the rest of it', async () => {
    const argoCd = ['--namespace=argocd', 'configmap', 'argocd-cm'];
    await controlPlane.kubectl(['create', ...argoCd, '--from-literal=url=https://argocd.example.com']);
    const rendered = parseAllDocuments(await template(umbrella, { argocd: { enabled: true } }))
      .map((document) => document.toJS() as ConfigMap)
      .find(({ kind }) => kind === 'ConfigMap');
    await controlPlane.kubectl(
      ['apply', '--server-side', '--field-manager=s3-operator', '-f', '-'],
      JSON.stringify(rendered),
    );
    const { data } = JSON.parse(await controlPlane.kubectl(['get', ...argoCd, '-o', 'json'])) as ConfigMap;
    const kinds = ['AccessKey', 'Bucket', 'BucketPolicy', 'Provider'];
    expect(Object.keys(data).sort()).toEqual([
      ...kinds.map((kind) => `resource.customizations.actions.s3.cloud37.dev_${kind}`),
      ...kinds.map((kind) => `resource.customizations.health.s3.cloud37.dev_${kind}`),
      'url',
    ]);
    const script = (name: string) => readFile(join(projectRoot, 'charts/s3-provider-operator/argocd', name), 'utf8');
    for (const kind of kinds) {
      expect(data[`resource.customizations.health.s3.cloud37.dev_${kind}`]).toBe(await script('health.lua'));
      const actions = parse(data[`resource.customizations.actions.s3.cloud37.dev_${kind}`] ?? '') as {
        readonly 'discovery.lua': string;
        readonly definitions: readonly { readonly name: string; readonly 'action.lua': string }[];
      };
      expect(actions['discovery.lua']).toBe(await script('discovery.lua'));
      const offered = ['reconcile', 'pause', 'resume', ...(kind === 'AccessKey' ? ['rotate'] : [])];
      expect(actions.definitions.map(({ name }) => name)).toEqual(offered);
      for (const { name, 'action.lua': text } of actions.definitions)
        expect(text).toBe(await script(`actions/${name}.lua`));
    }
  });

  it('take the values that docs show', async () => {
    const pages = ['docs/install.md', 'docs/sharding.md', 'docs/gitops.md'];
    const texts = await Promise.all(pages.map((page) => readFile(join(projectRoot, page), 'utf8')));
    const shown = texts.flatMap((text) => [...text.matchAll(/<!-- values -->\n\n```yaml\n(.*?)```/gs)]);
    expect(shown.length).toBeGreaterThan(2);
    for (const [, values = ''] of shown) {
      const manifests = await template(umbrella, parse(values) as object);
      await controlPlane.kubectl(['apply', '--dry-run=server', '--warnings-as-errors', '-f', '-'], manifests);
    }
  });

  it('say what comes next', async () => {
    const archive = charts.get(umbrella) ?? '';
    const { stdout } = await run(helm, ['install', 's3', archive, '--dry-run=client', '--namespace=s3-operator']);
    expect(stdout).toContain('kubectl rollout status');
    expect(stdout).toContain('kind: Provider');
  });

  it('tell Artifact Hub their CRDs and examples', async () => {
    const { stdout } = await run(helm, ['show', 'chart', charts.get(umbrella) ?? '']);
    for (const kind of ['Provider', 'Bucket', 'BucketPolicy', 'AccessKey']) expect(stdout).toContain(`kind: ${kind}`);
  });

  it('hold up to lint', async () => {
    for (const archive of charts.values()) await run(helm, ['lint', '--strict', archive]);
  });
});
