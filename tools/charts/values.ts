import Type, { type TSchema } from 'typebox';
import { controllerNames, type ControllerName } from '../controllers.ts';

/*
 * The values of the charts, declared once: values.yaml, values.schema.json and the tables of the READMEs are generated from here. An object
 * refuses keys that it does not list, except where it is passed on to Kubernetes as it is.
 */

interface Value {
  readonly description: string;
  readonly default?: unknown;
}

const text = (description: string, fallback: string, more: object = {}) =>
  Type.String({ description, default: fallback, ...more });
const flag = (description: string, fallback: boolean) => Type.Boolean({ description, default: fallback });
const integer = (description: string, fallback: number, minimum: number, maximum: number) =>
  Type.Integer({ description, default: fallback, minimum, maximum });
const oneOf = (description: string, values: readonly string[], fallback: string) =>
  Type.Enum([...values], { description, default: fallback });
const object = (description: string, properties: Record<string, TSchema>) =>
  Type.Object(properties, { description, additionalProperties: false });
/** Handed on to Kubernetes, which checks it. */
const passedOn = (description: string, fallback: Record<string, unknown> = {}) =>
  Type.Unsafe<Record<string, unknown>>({ type: 'object', description, default: fallback });
/** Labels, annotations and the like. */
const texts = (description: string, fallback: Record<string, string> = {}) =>
  Type.Unsafe<Record<string, string>>({
    type: 'object',
    description,
    additionalProperties: { type: 'string' },
    default: fallback,
  });
const listOf = (description: string, items: TSchema, fallback: readonly unknown[] = []) =>
  Type.Array(items, { description, default: [...fallback] });
const passedOnList = (description: string) =>
  listOf(description, Type.Unsafe<Record<string, unknown>>({ type: 'object' }));

/** Source: Kubernetes, names of objects. */
const dnsLabel = { pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' };
/** As the controllers read it (`parseDuration` of @operator/api); empty leaves it to them. */
const duration = { pattern: '^$|^([0-9]{1,6}[hms])+$' };
const digest = { pattern: '^$|^sha256:[0-9a-f]{64}$' };
/** Empty for the controller's own default. */
const ownDefault = "Empty: the controller's own default.";

const operator = {
  image: object('Where the image comes from: `<registry>/<repository>/<name>-controller`.', {
    registry: text('Registry.', 'ghcr.io'),
    repository: text('Repository that the images of all controllers lie in.', 'cloud37/wasabi-s3-operator'),
    tag: text("Tag. Empty: the chart's appVersion. Refused beside a digest, which would win.", ''),
    digest: text('Digest, `sha256:…`. It differs for each controller: set it per controller.', '', digest),
    pullPolicy: oneOf('When the image is pulled.', ['IfNotPresent', 'Always', 'Never'], 'IfNotPresent'),
  }),
  replicas: integer('Replicas. One leads, the others stand by. With 0 nothing is reconciled.', 1, 0, 10),
  leaderElection: flag('Whether replicas elect a leader. Off only with one replica and no rolling update.', true),
  workers: Type.Integer({
    description: 'Objects of one Provider that are reconciled at the same time.',
    default: 10,
    minimum: 1,
    maximum: 200,
  }),
  resyncInterval: text(
    `How often a settled object is looked at again, such as \`10m\`. A value here is kept to; the default grows while nothing changes. ${ownDefault}`,
    '',
    duration,
  ),
  logLevel: oneOf('How much is logged.', ['trace', 'debug', 'info', 'warn', 'error'], 'info'),
  shutdownDeadline: text(
    `How long a graceful stop may take; the Pod gets ten seconds more. ${ownDefault}`,
    '',
    duration,
  ),
  formerClusterIds: listOf(
    'uids of the namespace kube-system of clusters that this one has replaced; buckets with their owner tags can be adopted.',
    Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
  ),
  refusedDestinations: listOf(
    `Addresses and ranges (CIDR) that no Provider may lead to; \`none\` for no such range. Empty: link-local and cloud metadata addresses.`,
    Type.String(),
  ),
  serviceAccount: object('ServiceAccount of the controller.', {
    create: flag('Whether it is created. If not, `name` must exist.', true),
    name: text('Its name. Empty: that of the Deployment.', ''),
    annotations: texts('Its annotations.'),
  }),
  resources: passedOn('Requests and limits. docs/performance.md has the memory for each number of objects.', {
    requests: { cpu: '20m', memory: '96Mi' },
    limits: { memory: '256Mi' },
  }),
  nodeSelector: texts('Node labels that the Pods need.', { 'kubernetes.io/os': 'linux' }),
  tolerations: passedOnList('Taints that the Pods tolerate.'),
  affinity: passedOn('Affinity of the Pods. Empty: replicas prefer different nodes.'),
  topologySpreadConstraints: passedOnList('How replicas spread. The label selector is added where it is left out.'),
  priorityClassName: text('PriorityClass of the Pods.', ''),
  podAnnotations: texts('Annotations of the Pods.'),
  podLabels: texts('Labels of the Pods, beside those of the chart.'),
  extraArgs: listOf('Further flags of the controller; `--help` lists them.', Type.String({ pattern: '^--' })),
  extraEnv: passedOnList('Further environment, such as HTTPS_PROXY or the OTEL_* variables.'),
  extraEnvFrom: passedOnList('ConfigMaps and Secrets that the environment comes from.'),
  extraVolumes: passedOnList('Further volumes of the Pods.'),
  extraVolumeMounts: passedOnList('Where they are mounted.'),
  podDisruptionBudget: object('PodDisruptionBudget of each Deployment.', {
    enabled: flag(
      'Whether there is one. It needs two replicas or more: with one, no node of it could be drained.',
      false,
    ),
    minAvailable: Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: '^[0-9]+%$' })], {
      description: 'Pods that must stay, a number or `50%`: fewer than `replicas`.',
      default: 1,
    }),
  }),
  networkPolicy: object('NetworkPolicy: what the Pods may reach, and who may reach them.', {
    enabled: flag('Whether there is one. It needs a network plugin that enforces it.', false),
    apiServer: listOf('Egress rules to the API server.', Type.Unsafe<Record<string, unknown>>({ type: 'object' }), [
      {
        ports: [
          { port: 443, protocol: 'TCP' },
          { port: 6443, protocol: 'TCP' },
        ],
      },
    ]),
    storage: listOf(
      'Egress rules to storage servers, IAM and the collector of traces.',
      Type.Unsafe<Record<string, unknown>>({ type: 'object' }),
      [
        {
          ports: [
            { port: 80, protocol: 'TCP' },
            { port: 443, protocol: 'TCP' },
            { port: 9000, protocol: 'TCP' },
          ],
        },
      ],
    ),
    dns: listOf('Egress rules to DNS.', Type.Unsafe<Record<string, unknown>>({ type: 'object' }), [
      {
        ports: [
          { port: 53, protocol: 'UDP' },
          { port: 53, protocol: 'TCP' },
        ],
      },
    ]),
    metricsFrom: passedOnList('Peers that may scrape `/metrics`. Empty: every Pod of the cluster.'),
  }),
};

const watch = {
  namespaces: listOf(
    'Namespaces whose objects are reconciled. Empty: all with `rbac.preset: full`, the namespace of the release with `minimal`.',
    Type.String(dnsLabel),
  ),
  selector: text('Label selector on the objects that are reconciled.', ''),
  shards: listOf(
    'One Deployment for each entry, in place of `selector`. Together the selectors must cover every object, and no two the same.',
    object('One shard.', {
      name: Type.String({ description: 'Ends the name of the Deployment.', ...dnsLabel }),
      selector: Type.String({ description: 'Label selector of this shard.', minLength: 1 }),
    }),
  ),
};

const metrics = {
  enabled: flag('Whether `/metrics` is served.', true),
  port: integer('Its port.', 8080, 1, 65_535),
  service: object('Service of the metrics.', {
    enabled: flag('Whether there is one.', true),
    annotations: texts('Its annotations.'),
  }),
  serviceMonitor: object('ServiceMonitor of the Prometheus operator.', {
    enabled: flag('Whether there is one. It needs `metrics.service`.', false),
    interval: text('How often it is scraped.', '30s', { pattern: '^[0-9]+(ms|s|m|h)$' }),
    labels: texts('Its labels, as Prometheus selects by.'),
  }),
};

/** Of the whole operator, so in its own chart alone. */
const monitoring = {
  prometheusRule: object('PrometheusRule of the Prometheus operator: the alerts of docs/runbooks.', {
    enabled: flag('Whether there is one.', false),
    labels: texts('Its labels, as Prometheus selects by.'),
  }),
  dashboard: object('ConfigMap with a dashboard of Grafana.', {
    enabled: flag('Whether there is one.', false),
    labels: texts('Its labels, as the sidecar of Grafana selects by.', { grafana_dashboard: '1' }),
    annotations: texts('Its annotations, such as the folder.'),
  }),
};

const rbac = {
  create: flag('Whether roles and bindings are created. If not, docs/rbac.md lists what to grant.', true),
  preset: oneOf(
    'How far the rights reach. minimal: Roles in `watch.namespaces` only, and references to other namespaces are not granted. scoped: Roles in `watch.namespaces`, and the four kinds are read everywhere. full: everywhere.',
    ['minimal', 'scoped', 'full'],
    'full',
  ),
  configMaps: flag(
    'Whether the accesskey-controller may write ConfigMaps, which `secretTemplate.presets: [RookObjectBucketClaim]` needs.',
    false,
  ),
  rollouts: flag(
    'Whether the accesskey-controller may restart Deployments, StatefulSets and DaemonSets, which `rollout` of an AccessKey needs. Who may write an AccessKey can then restart any of its namespace.',
    false,
  ),
  providerNamespaces: listOf(
    'With `scoped`: namespaces beside `watch.namespaces` whose Providers are used; their Secrets are read there.',
    Type.String(dnsLabel),
  ),
};

const userRoles = {
  userRoles: object('ClusterRoles for people, which add to Kubernetes’ own `view`, `edit` and `admin`.', {
    create: flag(
      'Whether they are created: s3-operator-view, -edit and -admin. One release of the cluster needs them.',
      true,
    ),
  }),
};

/** Of the cluster, as the CRDs are. */
const crds = {
  crds: object('The CRDs.', {
    guard: flag(
      'Whether a ValidatingAdmissionPolicy refuses to delete them, since all objects would go with them. One release of the cluster needs it.',
      true,
    ),
  }),
};

/** In the one chart that has the CRDs. */
const argocd = {
  argocd: object('Health checks and actions of the four kinds for Argo CD, as keys of its ConfigMap.', {
    enabled: flag(
      'Whether `argocd-cm` is rendered, with these keys alone. Apply it on the server side, see docs/gitops.md: `helm install` refuses a ConfigMap that exists.',
      false,
    ),
    namespace: text('Namespace of Argo CD.', 'argocd', dnsLabel),
  }),
};

const common = {
  nameOverride: text('In place of the name of the chart in labels.', ''),
  fullnameOverride: text('In place of the name of the release in names of objects.', ''),
  commonLabels: texts('Labels of every object.'),
  imagePullSecrets: passedOnList('Secrets for the registry: `[{name: …}]`.'),
};

/** Helm's own; it writes them into the values of every chart. */
const ofHelm = {
  global: Type.Unsafe<Record<string, unknown>>({ type: 'object' }),
  's3-operator-library': Type.Unsafe<Record<string, unknown>>({ type: 'object' }),
};

/** All may be left out: what is not said of one controller is as it is for all. */
const overridden = (properties: Readonly<Record<string, TSchema>>): Record<string, TSchema> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => {
      const below = (schema as JsonSchema).properties as Readonly<Record<string, TSchema>> | undefined;
      const rest = without(schema, 'default');
      return [name, below === undefined ? rest : { ...rest, properties: overridden(below) }];
    }),
  );

const without = <T extends object>(schema: T, key: string): T =>
  Object.fromEntries(Object.entries(schema).filter(([name]) => name !== key)) as T;

const overrides = (name: ControllerName) =>
  object(`What differs for the ${name}-controller.`, {
    enabled: flag('Whether it is installed.', true),
    operator: object('As `operator`.', overridden(operator)),
    watch: object('As `watch`.', overridden(watch)),
    metrics: object('As `metrics`.', overridden(metrics)),
  });

const shared = {
  operator: object('How each controller runs.', operator),
  rbac: object('Rights in Kubernetes.', rbac),
  watch: object('Which objects are reconciled.', watch),
  metrics: object('Metrics.', metrics),
};

export interface ChartValues {
  readonly chart: string;
  readonly schema: TSchema;
}

/** The values of each chart that can be installed. */
export const chartValues: readonly ChartValues[] = [
  {
    chart: 's3-provider-operator',
    schema: object('', {
      ...common,
      ...shared,
      rbac: object('Rights in Kubernetes.', { ...rbac, ...userRoles }),
      metrics: object('Metrics.', { ...metrics, ...monitoring }),
      ...crds,
      ...argocd,
      controllers: object(
        'What differs for one controller.',
        Object.fromEntries(controllerNames.map((name) => [name, overrides(name)])),
      ),
    }),
  },
  ...controllerNames.map((name) => ({
    chart: `${name}-controller`,
    schema: object('', {
      ...common,
      ...shared,
      ...(name === 'provider' ? { rbac: object('Rights in Kubernetes.', { ...rbac, ...userRoles }), ...crds } : {}),
    }),
  })),
];

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

/** `values.schema.json`. Source: Helm, schema files; JSON Schema draft 7. */
export const schemaFile = ({ chart, schema }: ChartValues): string => {
  const { properties = {} } = withoutRequired(JSON.parse(JSON.stringify(schema)) as JsonSchema);
  const whole = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: `Values of the chart ${chart}`,
    type: 'object',
    additionalProperties: false,
    properties: { ...properties, ...ofHelm },
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
};

/** A value that is left out has its default, except in a list, whose entries have none. */
const withoutRequired = (schema: JsonSchema): JsonSchema => {
  const { properties, ...rest } = without(schema, 'required');
  if (properties === undefined) return rest;
  return {
    ...rest,
    properties: Object.fromEntries(Object.entries(properties).map(([name, below]) => [name, withoutRequired(below)])),
  };
};

/** A value by its path, such as `operator.image.tag`. */
interface Leaf extends Value {
  readonly path: readonly string[];
  readonly schema: JsonSchema;
}

/** True where the values below are declared one by one. */
const isBranch = (schema: JsonSchema): boolean => schema.type === 'object' && schema.properties !== undefined;

/** All values of a chart that have a default, in order. */
const leavesOf = (schema: JsonSchema, path: readonly string[] = []): readonly Leaf[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, below]) =>
    isBranch(below)
      ? leavesOf(below, [...path, name])
      : 'default' in below
        ? [{ path: [...path, name], schema: below, description: below.description ?? '', default: below.default }]
        : [],
  );

/** The path of each value of a chart that has a default, such as `operator.image.tag`. */
export const valuePaths = ({ schema }: ChartValues): readonly string[] =>
  leavesOf(schema).map(({ path }) => path.join('.'));

/** `values.yaml`, with every description as a comment. */
export const valuesFile = ({ chart, schema }: ChartValues): string =>
  [
    `# Values of the chart ${chart}. Generated from tools/charts/values.ts by \`npm run generate\`.`,
    ...linesOf(schema, 0),
    '',
  ].join('\n');

const linesOf = (schema: JsonSchema, depth: number): readonly string[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, below]) => {
    const indent = '  '.repeat(depth);
    const comment =
      below.description === undefined || below.description === '' ? [] : [`${indent}# ${below.description}`];
    if (!isBranch(below))
      return 'default' in below ? [...comment, `${indent}${name}: ${JSON.stringify(below.default)}`] : [];
    const lines = linesOf(below, depth + 1);
    return [...comment, ...(lines.length === 0 ? [`${indent}${name}: {}`] : [`${indent}${name}:`, ...lines])];
  });

/** The table of the README. */
export const valuesTable = ({ schema }: ChartValues): string => {
  const cell = (content: string) => content.replaceAll('|', '\\|');
  return [
    '| value | default | meaning |',
    '| --- | --- | --- |',
    ...leavesOf(schema).map(
      (leaf) =>
        `| \`${leaf.path.join('.')}\` | \`${cell(JSON.stringify(leaf.default))}\` | ${cell(leaf.description)} |`,
    ),
  ].join('\n');
};
