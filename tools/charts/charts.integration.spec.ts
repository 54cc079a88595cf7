import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { controllerNames } from '../controllers.ts';
import { startControlPlane, type ControlPlane } from '../local/index.ts';
import { installCrds } from '../local/crds.ts';
import { obtainServers } from '../local/servers/obtain.ts';
import { dashboardFile } from '../monitoring/dashboard.ts';
import { rulesFile } from '../monitoring/alerts.ts';
import { projectRoot } from '../paths.ts';
import { until } from '../harness/until.ts';
import { packageCharts } from './package.ts';
import { chartValues, valuePaths } from './values.ts';

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
    const level = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
    await controlPlane.kubectl(['label', 'namespace', namespace, ...level]);
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

/** The charts of the release before this commit, or those that the project had first. */
const chartsBefore = async (): Promise<string> => {
  const git = async (...args: readonly string[]) => (await run('git', [...args], { cwd: projectRoot })).stdout.trim();
  const released = await git('describe', '--tags', '--abbrev=0', '--match=v*', 'HEAD^').catch(() => ''); // none yet
  const first = (await git('log', '--format=%H', '--diff-filter=A', '--', 'charts/s3-provider-operator/Chart.yaml'))
    .split('\n')
    .at(-1);
  const [archive, folder] = [join(dir, 'before.tar'), join(dir, 'before-sources')];
  await git('archive', `--output=${archive}`, released === '' ? (first ?? '') : released, 'charts');
  await mkdir(folder);
  await run('tar', ['-xf', archive, '-C', folder]);
  return join(folder, 'charts');
};

interface Rule {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly uid?: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template?: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly { image: string; args: readonly string[] }[];
      };
    };
  };
}
const manifestsOf = async (chart: string, values: object, kind: string): Promise<readonly Manifest[]> =>
  parseAllDocuments(await template(chart, values))
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest?.kind === kind) as readonly Manifest[];

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
  ['no guard of the CRDs', umbrella, { crds: { guard: false } }],
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
  ['no limits', umbrella, { operator: { resources: { limits: null } } }],
  [
    'what few set',
    umbrella,
    {
      operator: {
        image: { repository: 'mirror/s3', pullPolicy: 'Always' },
        networkPolicy: {
          enabled: true,
          storage: [{ ports: [{ port: 7480, protocol: 'TCP' }] }],
          dns: [{ to: [{ ipBlock: { cidr: '10.0.0.10/32' } }], ports: [{ port: 53, protocol: 'UDP' }] }],
          metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        },
      },
      metrics: {
        port: 9090,
        service: { annotations: { 'example.com/a': 'b' } },
        serviceMonitor: { enabled: true, interval: '1m' },
        dashboard: { enabled: true, labels: { grafana: 'main' } },
      },
      argocd: { enabled: true, namespace: 'team-a' },
      controllers: { provider: { enabled: false }, bucket: { enabled: false } },
    },
  ],
  ['health and actions for Argo CD', umbrella, { argocd: { enabled: true } }],
];

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The paths of what is set in values, each as long as the chart declares it. */
const setIn = (values: object, declared: ReadonlySet<string>, above = ''): readonly string[] =>
  Object.entries(values).flatMap(([name, below]: [string, unknown]) => {
    const path = `${above}${name}`;
    return declared.has(path) || !isRecord(below) ? [path] : setIn(below, declared, `${path}.`);
  });

/** The values without the one at this path. */
const without = (values: object, path: string): object => {
  const [name = '', ...rest] = path.split('.');
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, below]: [string, unknown]) =>
      key !== name ? [[key, below]] : rest.length > 0 && isRecord(below) ? [[key, without(below, rest.join('.'))]] : [],
    ),
  );
};

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

  it.each(cases.slice(1))(
    'with %s are other ones than without any one of the values',
    async (_title, chart, values) => {
      const declared = new Set(chartValues.filter((one) => one.chart === chart).flatMap(valuePaths));
      const whole = await template(chart, values);
      for (const path of setIn(values, declared)) {
        // Some values are needed by others.
        const less = await template(chart, without(values, path)).catch((error: unknown) => String(error));
        expect(less === whole, `${path} has no effect`).toBe(false);
      }
    },
  );

  it('are tried with each of their values', () => {
    const declared = chartValues.filter(({ chart }) => chart === umbrella).flatMap(valuePaths);
    const set = cases
      .flatMap(([, , values]) => setIn(values, new Set(declared)))
      // Of one controller or of all.
      .map((path) => path.replace(/^controllers\.\w+\.(?!enabled)/, ''));
    expect(declared.filter((path) => !set.includes(path))).toEqual([]);
  });

  it('have of one controller what is said of it, also that it is off, and of the others what is said of all', async () => {
    const values = {
      operator: { replicas: 2, leaderElection: true, tolerations: [{ operator: 'Exists' }] },
      controllers: {
        policy: { operator: { replicas: 0, leaderElection: false, logLevel: 'debug' }, metrics: { enabled: false } },
      },
    };
    const deployments = await manifestsOf(umbrella, values, 'Deployment');
    const services = await manifestsOf(umbrella, values, 'Service');
    const told = deployments.map(({ metadata, spec }) => [
      metadata.name,
      spec?.replicas,
      spec?.template?.spec.containers[0]?.args.filter((arg) =>
        /^--(leader-elect|log-level|metrics-address)=/.test(arg),
      ),
    ]);
    const usual = ['--leader-elect=true', '--metrics-address=:8080', '--log-level=info'];
    const own = ['--leader-elect=false', '--metrics-address=0', '--log-level=debug'];
    expect(told).toEqual(
      controllerNames.map((name) =>
        name === 'policy' ? [`s3-${name}-controller`, 0, own] : [`s3-${name}-controller`, 2, usual],
      ),
    );
    const others = controllerNames.filter((name) => name !== 'policy');
    expect(services.map(({ metadata }) => metadata.name)).toEqual(others.map((name) => `s3-${name}-controller`));
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
    [
      'a duration no controller takes',
      umbrella,
      { operator: { shutdownDeadline: '1.5h' } },
      /shutdownDeadline.*pattern/s,
    ],
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
      'two shards of one selector',
      umbrella,
      {
        watch: {
          shards: [
            { name: 'a', selector: 'a' },
            { name: 'b', selector: 'a' },
          ],
        },
      },
      /the same selector/,
    ],
    [
      'two replicas without election',
      umbrella,
      { operator: { replicas: 2, leaderElection: false } },
      /Turn the election on/,
    ],
    [
      'a budget that keeps the only replica',
      umbrella,
      { operator: { podDisruptionBudget: { enabled: true } } },
      /provider-controller: .*minAvailable is 1 and operator\.replicas is 1: no Pod could ever be evicted/,
    ],
    [
      'a budget whose share is rounded up to all replicas',
      'bucket-controller',
      { operator: { replicas: 2, podDisruptionBudget: { enabled: true, minAvailable: '51%' } } },
      /minAvailable is 51% and operator\.replicas is 2/,
    ],
    [
      'a tag that its digest would win over',
      umbrella,
      {
        operator: { image: { tag: 'v2' } },
        controllers: { bucket: { operator: { image: { digest: `sha256:${'a'.repeat(64)}` } } } },
      },
      /bucket-controller: operator\.image\.tag is v2, and operator\.image\.digest, which wins/,
    ],
    [
      'one digest for four images',
      umbrella,
      { operator: { image: { digest: `sha256:${'a'.repeat(64)}` } } },
      /set controllers\.<name>\.operator\.image\.digest/,
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

  it('make a Deployment of each shard, which takes its objects alone', async () => {
    const shards = ['a', 'b', 'rest'].map((name) => ({ name, selector: `shard=${name}` }));
    const deployments = await manifestsOf('bucket-controller', { watch: { shards } }, 'Deployment');
    const told = deployments.map(({ metadata, spec }) => [
      metadata.name,
      spec?.template?.spec.containers[0]?.args.filter((arg) => arg.startsWith('--watch-selector=')),
    ]);
    expect(told).toEqual(
      shards.map(({ name, selector }) => [`s3-bucket-controller-${name}`, [`--watch-selector=${selector}`]]),
    );
  });

  it('keep Pods of each shard from being evicted together', async () => {
    const shards = ['a', 'rest'].map((name) => ({ name, selector: `shard=${name}` }));
    const operator = { replicas: 3, podDisruptionBudget: { enabled: true, minAvailable: '50%' } };
    const budgets = await manifestsOf('bucket-controller', { operator, watch: { shards } }, 'PodDisruptionBudget');
    const deployments = await manifestsOf('bucket-controller', { operator, watch: { shards } }, 'Deployment');
    const kept = (manifests: readonly Manifest[]) =>
      manifests.map(({ metadata, spec }) => [metadata.name, spec?.selector?.matchLabels]);
    expect(kept(budgets)).toEqual(kept(deployments));
    expect(budgets.map(({ spec }) => spec?.selector?.matchLabels['s3.cloud37.dev/shard'])).toEqual(['a', 'rest']);
  });

  it.each([
    ['', 35],
    ['40s', 50],
    ['1m30s', 100],
    ['1h1s', 3_611],
  ])('give a Pod ten seconds more than the shutdown deadline "%s"', async (shutdownDeadline, seconds) => {
    const deployments = await manifestsOf(umbrella, { operator: { shutdownDeadline } }, 'Deployment');
    const given = deployments.map(({ spec }) => spec?.template?.spec.terminationGracePeriodSeconds);
    expect(given).toEqual(controllerNames.map(() => seconds));
  });

  it.each([
    ['minimal', { rbac: { preset: 'minimal', userRoles: { create: false } } }],
    ['scoped', { rbac: { preset: 'scoped', userRoles: { create: false } }, watch: { namespaces: ['team-a'] } }],
  ])('let nobody see Secrets of the whole cluster with the preset %s', async (preset, values) => {
    const roles = await manifestsOf(umbrella, values, 'ClusterRole');
    expect(roles.length > 0).toBe(preset === 'scoped');
    const rules = roles.flatMap((role) => role.rules ?? []);
    expect(rules.filter(({ resources }) => resources.some((one) => one === 'secrets' || one === '*'))).toEqual([]);
  });

  it('let the accesskey-controller alone write Secrets, but for the proof key', async () => {
    for (const preset of ['minimal', 'full']) {
      const roles = (
        await Promise.all(['Role', 'ClusterRole'].map((kind) => manifestsOf(umbrella, { rbac: { preset } }, kind)))
      ).flat();
      const writers = roles.filter(({ rules = [] }) =>
        rules.some(
          ({ resources, verbs }) =>
            resources.includes('secrets') &&
            verbs.some((verb) => ['create', 'update', 'patch', 'delete'].includes(verb)),
        ),
      );
      // Roles that end in -own hold in the namespace of the release, where the proof key is created once.
      const names = writers.map(({ metadata }) => metadata.name).filter((name) => !name.endsWith('-own'));
      expect(names).toEqual(['s3-operator:s3-accesskey-controller']);
    }
  });

  it('give people who view, edit or administer a namespace what their role has there, and nowhere else', async () => {
    const group = 's3.cloud37.dev';
    const resources = ['providers', 'buckets', 'bucketpolicies', 'accesskeys'];
    const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
    const [read, write] = [verbs.slice(0, 3), verbs.slice(3)];
    const ours = (await manifestsOf(umbrella, {}, 'ClusterRole')).filter(({ metadata }) =>
      /^s3-operator-(view|edit|admin)$/.test(metadata.name),
    );
    expect(ours).toHaveLength(3);
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: ours });
    await controlPlane.kubectl(['apply', '-f', '-'], list);
    onTestFinished(async () => {
      await controlPlane.kubectl(['delete', '-f', '-'], list);
    });
    for (const role of ['view', 'edit', 'admin'])
      await controlPlane.kubectl([
        'create',
        'rolebinding',
        role,
        `--clusterrole=${role}`,
        `--user=${role}`,
        '-n=team-a',
      ]);

    /** The verbs that a user has, by resource; those of a status are told as a resource of their own. */
    const rightsOf = async (user: string, namespace: string) => {
      const asked = [...resources.map((resource) => ({ resource })), { resource: 'buckets', subresource: 'status' }];
      const items = asked.flatMap((about) =>
        verbs.map((verb) => ({
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: { user, resourceAttributes: { namespace, group, verb, ...about } },
        })),
      );
      const reviews = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
      const told = ['-o', String.raw`jsonpath={.status.allowed}{"\n"}`];
      const answers = (await controlPlane.kubectl(['create', '-f', '-', ...told], reviews)).trim().split('\n');
      expect(answers).toHaveLength(items.length);
      const allowed = items.filter((_, index) => answers[index] === 'true');
      const named = allowed.map(({ spec: { resourceAttributes: about } }) => ({
        verb: about.verb,
        name: 'subresource' in about ? `${about.resource}/${about.subresource}` : about.resource,
      }));
      return Object.fromEntries(
        [...Map.groupBy(named, ({ name }) => name)].map(([name, of]) => [name, of.map(({ verb }) => verb)]),
      );
    };
    // Kubernetes adds them to its own a moment later.
    await until(
      () => rightsOf('admin', 'team-a'),
      (rights) => rights.providers?.length === verbs.length,
      { what: 'the roles are added to those of Kubernetes' },
    );
    const all = (of: readonly string[]) => Object.fromEntries(resources.map((resource) => [resource, of]));
    expect(await rightsOf('view', 'team-a')).toEqual(all(read));
    expect(await rightsOf('edit', 'team-a')).toEqual({ ...all([...read, ...write]), providers: read });
    expect(await rightsOf('admin', 'team-a')).toEqual(all(verbs));
    for (const user of ['view', 'edit', 'admin']) expect(await rightsOf(user, 'team-b')).toEqual({});
  });

  it.each([umbrella, 'provider-controller'])(
    'keep our CRDs from being deleted, as %s does, until somebody says that it is meant',
    async (chart) => {
      const policies = ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'];
      const items = (await Promise.all(policies.map((kind) => manifestsOf(chart, {}, kind)))).flat();
      expect(items).toHaveLength(2);
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
      await controlPlane.kubectl(['apply', '-f', '-'], list);
      onTestFinished(async () => {
        await controlPlane.kubectl(['delete', '-f', '-'], list);
      });
      const ours = ['providers', 'buckets', 'bucketpolicies', 'accesskeys'].map((kind) => `${kind}.s3.cloud37.dev`);
      const deletionOf = (...names: readonly string[]) =>
        controlPlane.kubectl(['delete', 'crd', '--dry-run=server', ...names]).then(
          () => 'deleted',
          (error: unknown) => String(error),
        );
      for (const name of ours) {
        const refused = await until(
          () => deletionOf(name),
          (answer) => answer !== 'deleted',
          { what: 'the policy is in force' },
        );
        const [plural = ''] = name.split('.');
        expect(refused).toContain(`With this CRD all ${plural} would be deleted`);
        expect(refused).toContain(`kubectl annotate crd ${name} s3.cloud37.dev/allow-deletion=true`);
      }
      expect(await deletionOf('--all')).toContain('With this CRD all');
      expect(await deletionOf('servicemonitors.monitoring.coreos.com')).toBe('deleted');

      const word = ['annotate', 'crd', 'accesskeys.s3.cloud37.dev'];
      await controlPlane.kubectl([...word, 's3.cloud37.dev/allow-deletion=true']);
      expect(await deletionOf('accesskeys.s3.cloud37.dev')).toBe('deleted');
      await controlPlane.kubectl([...word, 's3.cloud37.dev/allow-deletion-']);
    },
  );

  it('name images by digest, and tell Artifact Hub what has changed, as they are released', async () => {
    const digests = new Map(
      controllerNames.map((name, at): [string, string] => [`${name}-controller`, `sha256:${String(at).repeat(64)}`]),
    );
    const changes = [{ kind: 'added', description: 's3: cors' }];
    const released = await packageCharts(helm, join(dir, 'released'), { released: { digests, changes } });
    for (const chart of [umbrella, 'policy-controller']) {
      const { stdout } = await run(helm, ['template', 's3', released.get(chart) ?? '']);
      const images = [...stdout.matchAll(/image: (\S+)/g)].map(([, image = '']) => image);
      expect(images.length).toBeGreaterThan(0);
      for (const image of images) {
        const [, name = '', digest = ''] = /([\w-]+)@(.*)$/.exec(image) ?? [];
        expect(digest).toBe(digests.get(name));
      }
    }
    const { stdout } = await run(helm, ['show', 'chart', released.get(umbrella) ?? '']);
    expect(stdout).toContain('- kind: added\n      description: "s3: cors"');
    expect(stdout).toContain(`bucket-controller@${digests.get('bucket-controller') ?? ''}`);
  });

  it('upgrade what the charts before them have installed, and make no Deployment anew', async () => {
    const before = await packageCharts(helm, join(dir, 'before'), { from: await chartsBefore() });
    const helmIn = (...args: readonly string[]) =>
      run(helm, [...args, `--kubeconfig=${controlPlane.kubeconfigPath}`, '--namespace=s3-operator']);
    const uids = async () => {
      const list = await controlPlane.kubectl(['get', 'deployments', '--namespace=s3-operator', '-o', 'json']);
      const { items } = JSON.parse(list) as { readonly items: readonly Manifest[] };
      return items.map(({ metadata }) => [metadata.name, metadata.uid]);
    };
    await helmIn('install', 's3', before.get(umbrella) ?? '', '--skip-crds');
    const installed = await uids();
    expect(installed).toHaveLength(controllerNames.length);
    await helmIn('upgrade', 's3', charts.get(umbrella) ?? '', '--reset-then-reuse-values');
    expect(await uids()).toEqual(installed);
    await helmIn('rollback', 's3');
    expect(await uids()).toEqual(installed);
    await helmIn('uninstall', 's3');
    expect(await controlPlane.kubectl(['get', 'crds', '-o', 'name'])).toContain('buckets.s3.cloud37.dev');
  });

  it.each([
    ['provider-controller', [], ''],
    [umbrella, [], ''],
    [umbrella, ['--set=rbac.preset=minimal'], ', in a namespace that is watched (s3-operator)'],
    [
      umbrella,
      ['--set=rbac.preset=scoped', '--set=watch.namespaces={team-a,team-b}'],
      ', in a namespace that is watched (team-a, team-b)',
    ],
  ])('say what comes next, as %s with %j', async (chart, values, where) => {
    // helm 3 asks a cluster even then.
    const inCluster = [`--kubeconfig=${controlPlane.kubeconfigPath}`, '--namespace=s3-operator'];
    const install = ['install', 's3', charts.get(chart) ?? '', '--dry-run=client', ...inCluster, ...values];
    const { stdout } = await run(helm, install);
    expect(stdout).toContain(`a Provider that names it${where}:`);
    const [, manifest = ''] = /<<'END'\n(.*?)^ *END$/ms.exec(stdout) ?? [];
    expect(manifest).toContain('kind: Provider');
    await controlPlane.kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], manifest);
    const selectors = [...stdout.matchAll(/rollout status .* -l (\S+)/g)].map(([, selector]) => selector);
    const deployments = await manifestsOf(chart, {}, 'Deployment');
    expect(selectors).toEqual(
      deployments.map(({ spec }) =>
        Object.entries(spec?.selector?.matchLabels ?? {})
          .map((label) => label.join('='))
          .toSorted()
          .join(),
      ),
    );
  });

  it('have the CRDs of crds/, as the step before an upgrade applies them', async () => {
    const { stdout } = await run(helm, ['show', 'crds', charts.get(umbrella) ?? ''], { maxBuffer: 64 * 1024 * 1024 });
    const said = await controlPlane.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], stdout);
    expect(said.trim().split('\n')).toHaveLength(4);
    const folder = join(projectRoot, 'crds');
    const files = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8')));
    const byName = (definitions: readonly unknown[]) =>
      new Map((definitions as readonly Manifest[]).map((definition) => [definition.metadata.name, definition]));
    const shown = parseAllDocuments(stdout).flatMap((document) => (document.toJS() as Manifest | null) ?? []);
    expect(byName(shown)).toEqual(byName(files.map((file) => parse(file) as unknown)));
  });

  it('tell Artifact Hub their CRDs and examples', async () => {
    const { stdout } = await run(helm, ['show', 'chart', charts.get(umbrella) ?? '']);
    for (const kind of ['Provider', 'Bucket', 'BucketPolicy', 'AccessKey']) expect(stdout).toContain(`kind: ${kind}`);
  });

  it('hold up to lint', async () => {
    for (const archive of charts.values()) await run(helm, ['lint', '--strict', archive]);
  });
});
