import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { annotations, conditionTypes, labels as labelNames } from '@operator/api';
import { grants, packageCharts } from '@operator/tools/charts';
import {
  accessKeySpec,
  bucketSpec,
  controllerNames,
  isReady,
  publicPolicySpec,
  startWorld as startHarnessWorld,
  until,
  type Controller,
  type ControllerName,
  type Manifest,
  type Stored,
  type World,
} from '@operator/tools/harness';
import { obtainServers } from '@operator/tools/local';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { runsFolder } from './bundles.ts';

const release = 's3-operator';
const run = promisify(execFile);

/** One request as the API server has logged it. Source: Kubernetes, audit.k8s.io/v1 Event. */
interface Audited {
  readonly stage: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly requestURI: string;
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code: number; readonly message?: string };
}

interface Preset {
  readonly preset: 'minimal' | 'scoped' | 'full';
  readonly values: object;
  /** Rights that are given only where somebody asks for them, to write ConfigMaps and to restart workloads, and the use of them. */
  readonly asked: boolean;
  /** Where the Provider is, and where the objects that use it are. */
  readonly lender: string;
  readonly borrower: string;
}

const presets: readonly Preset[] = [
  { preset: 'minimal', values: {}, asked: false, lender: release, borrower: release },
  {
    preset: 'scoped',
    values: { watch: { namespaces: ['storage', 'team-a'] } },
    asked: true,
    lender: 'storage',
    borrower: 'team-a',
  },
  { preset: 'full', values: {}, asked: true, lender: 'storage', borrower: 'team-a' },
];

const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', userGroups: [`system:serviceaccounts:${release}`] }, { level: 'None' }],
};

let dir: string;
let helm: string;
let chart: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'rbac-'));
  ({ helm } = await obtainServers(['helm']));
  chart = (await packageCharts(helm, dir)).get('s3-provider-operator') ?? '';
  writeFileSync(join(dir, 'audit.yaml'), JSON.stringify(auditPolicy));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** What uses the Provider, in an order in which it can be made and unmade. */
const users = [
  ['Bucket', 'photos'],
  ['AccessKey', 'app'],
  ['BucketPolicy', 'public'],
] as const;

/** `controller verb resource`, over all presets; with the name of the object where rights are given by name. */
const used = new Set<string>();
const isByName = (controller: ControllerName, verb: string, resource: string, name: string): boolean =>
  grants[controller].some(
    (grant) => grant.resource === resource && grant.verbs.includes(verb) && grant.names?.includes(name) === true,
  );

/** What an AccessKey may have restarted, and nothing runs of. */
const workloads = [
  ['Deployment', { replicas: 0 }],
  ['StatefulSet', { replicas: 0, serviceName: 'app' }],
  ['DaemonSet', {}],
] as const;
const workload = (kind: string, more: object) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'app' },
  spec: {
    ...more,
    selector: { matchLabels: { app: 'app' } },
    template: {
      metadata: { labels: { app: 'app' } },
      spec: { containers: [{ name: 'app', image: 'example.com/app:1' }] },
    },
  },
});

describe.each(presets)('the rights of the preset $preset', ({ preset, values, asked, lender, borrower }) => {
  let world: World;
  let auditLog: string;
  const controllers: Controller[] = [];

  const audited = (): readonly Audited[] =>
    readFileSync(auditLog, 'utf8')
      .split('\n')
      .flatMap((line) => (line.endsWith('}') ? [JSON.parse(line) as Audited] : []));

  beforeAll(async () => {
    auditLog = join(dir, `${preset}.log`);
    world = await startHarnessWorld('rbac', ['minio'], {
      bundles: inject('bundles'),
      folder: runsFolder,
      proxies: false,
      apiServerArgs: [
        `--audit-policy-file=${join(dir, 'audit.yaml')}`,
        `--audit-log-path=${auditLog}`,
        '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
      ],
    });
    const { controlPlane } = world;
    for (const namespace of new Set([release, lender, borrower])) await world.createNamespace(namespace);
    const valuesFile = join(dir, `${preset}.json`);
    writeFileSync(valuesFile, JSON.stringify({ rbac: { preset, configMaps: asked, rollouts: asked }, ...values }));
    await run(helm, [
      'install',
      release,
      chart,
      `--kubeconfig=${controlPlane.kubeconfigPath}`,
      `--namespace=${release}`,
      '--skip-crds',
      `--values=${valuesFile}`,
    ]);
    for (const name of controllerNames) controllers.push(await startAsInstalled(name));
  });
  afterAll(() => world.stop());

  /** With the flags of the Deployment and the rights of its ServiceAccount. */
  const startAsInstalled = async (name: ControllerName): Promise<Controller> => {
    const { controlPlane } = world;
    const found = await controlPlane.kubectl([
      'get',
      'deployment',
      `${release}-${name}-controller`,
      '-n',
      release,
      '-o',
      'json',
    ]);
    const { spec } = JSON.parse(found) as {
      spec: { template: { spec: { serviceAccountName: string; containers: readonly { args: readonly string[] }[] } } };
    };
    const { serviceAccountName, containers } = spec.template.spec;
    const token = await controlPlane.serviceAccountToken(release, serviceAccountName);
    const flags = (containers[0]?.args ?? []).filter((flag) => !/^--(metrics|health)-address=/.test(flag));
    return world.startController(name, {
      kubeconfig: controlPlane.kubeconfigFor(serviceAccountName, token),
      // As from the namespace of a Pod.
      flags: [...flags, `--operator-namespace=${release}`, `--leader-election-namespace=${release}`],
    });
  };

  const untilSecret = (isAsWanted: (secret: Stored<'Secret'>) => boolean) =>
    until(
      () => world.kube.get('Secret', borrower, 'app-credentials'),
      (secret) => secret !== undefined && isAsWanted(secret),
      { what: 'the Secret of the AccessKey is as wanted', timeoutMs: 60_000 },
    );

  const untilConnected = (isConnected: boolean) =>
    until(
      () => world.kube.get('Provider', lender, 'store'),
      (provider) => provider?.status?.connected === isConnected,
      { what: `the Provider is ${isConnected ? 'connected' : 'not connected'}`, timeoutMs: 60_000 },
    );

  const untilAllReady = async () => {
    for (const [kind, name] of users) await world.kube.untilReady(kind, borrower, name, 90_000);
  };

  /** Told each time, however new the key is. */
  const pauseKey = async () => {
    const { kube } = world;
    const annotate = (paused: string | null) =>
      kube.patch('AccessKey', borrower, 'app', { metadata: { annotations: { [annotations.paused]: paused } } });
    const untilPaused = (isPaused: boolean) =>
      until(
        () => kube.get('AccessKey', borrower, 'app'),
        (key) => key?.status?.conditions?.some(({ type }) => type === conditionTypes.Paused) === isPaused,
        { what: `the AccessKey ${isPaused ? 'is paused' : 'goes on'}`, timeoutMs: 60_000 },
      );
    await annotate('true');
    await untilPaused(true);
    await annotate(null);
    await untilPaused(false);
  };

  /** A lost Secret, an altered one, and each change more than once, so that its Event is told again. */
  const changeAll = async () => {
    const { kube } = world;
    await kube.delete('Secret', borrower, 'app-credentials');
    await untilSecret(() => true);
    await kube.patch('Secret', borrower, 'app-credentials', { data: { endpoint: 'eA==' } });
    await untilSecret(({ data }) => data?.endpoint !== 'eA==');
    const secretKey = (await kube.get('Secret', lender, 'store-root'))?.data?.['secret-key'];
    for (const round of ['one', 'two', 'three']) {
      await kube.patch('Bucket', borrower, 'photos', { spec: { tagging: { tags: { round } } } });
      const action = round === 'two' ? 's3:GetObject' : 's3:GetObjectTagging';
      await kube.patch('BucketPolicy', borrower, 'public', publicPolicySpec('photos', action));
      await pauseKey();
      await untilAllReady();
      await kube.patch('Secret', lender, 'store-root', { data: { 'secret-key': 'd3Jvbmctd3Jvbmc=' } });
      await untilConnected(false);
      await kube.patch('Secret', lender, 'store-root', { data: { 'secret-key': secretKey } });
      await untilConnected(true);
    }
    await untilAllReady();
  };

  const rookOf = async () => (await world.kube.get('ConfigMap', borrower, 'app-credentials'))?.data;
  const untilRook = (isAsWanted: (data: Awaited<ReturnType<typeof rookOf>>) => boolean) =>
    until(rookOf, isAsWanted, { what: 'the ConfigMap of the AccessKey is as wanted', timeoutMs: 60_000 });

  /** A ConfigMap beside the Secret, which somebody alters, and workloads that are restarted for each pair; and no more of both. */
  const useWhatIsAsked = async () => {
    const { kube, controlPlane } = world;
    const items = workloads.map(([kind, more]) => workload(kind, more));
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    await controlPlane.kubectl(['apply', '-n', borrower, '-f', '-'], list);
    const rollout = workloads.map(([kind]) => ({ kind, name: 'app' }));
    const secretTemplate = { presets: ['RookObjectBucketClaim'] };
    await kube.patch('AccessKey', borrower, 'app', { spec: { secretTemplate, rollout } });
    await untilRook((data) => data?.BUCKET_NAME === `rbac-${preset}`);
    await kube.patch('ConfigMap', borrower, 'app-credentials', { data: { BUCKET_NAME: 'somebody-elses' } });
    await kube.patch('AccessKey', borrower, 'app', {
      metadata: { annotations: { [annotations.rotateRequestedAt]: 'once' } },
    });
    await untilRook((data) => data?.BUCKET_NAME === `rbac-${preset}`);
    await until(
      () => kube.get('AccessKey', borrower, 'app'),
      (key) =>
        key?.status?.answeredRotateRequest === 'once' &&
        key.status.rollouts?.length === workloads.length &&
        key.status.rollouts.every(({ finished }) => finished),
      { what: 'the workloads were restarted for the new pair', timeoutMs: 120_000 },
    );
    await kube.patch('AccessKey', borrower, 'app', { spec: { secretTemplate: null, rollout: null } });
    await untilRook((data) => data === undefined);
    await untilAllReady();
  };

  /** The lender takes its grant back, says so, and then gives it again. */
  const withdrawAndGrantAgain = async () => {
    const { kube } = world;
    const confirmed = { metadata: { annotations: { 's3.cloud37.dev/confirm-withdrawal': borrower } } };
    await kube.patch('Provider', lender, 'store', { ...confirmed, spec: { allowedNamespaces: null } });
    for (const [kind, name] of users)
      await until(
        () => kube.get(kind, borrower, name),
        (object) => object !== undefined && !isReady(object),
        { what: `${kind} ${name} has lost its grant`, timeoutMs: 60_000 },
      );
    await kube.patch('Provider', lender, 'store', {
      metadata: { annotations: { 's3.cloud37.dev/confirm-withdrawal': null } },
      spec: { allowedNamespaces: { names: [borrower] } },
    });
    await untilAllReady();
  };

  /** The lender grants by a selector, and may see whom that hits. */
  const grantBySelector = async () => {
    const { kube } = world;
    for (const [namespace, labels] of [
      [lender, { [labelNames.showGrantedNamespaces]: 'true' }],
      [borrower, { s3: 'allowed' }],
    ] as const)
      await kube.patch('Namespace', undefined, namespace, { metadata: { labels } });
    await kube.patch('Provider', lender, 'store', {
      spec: { allowedNamespaces: { names: null, selector: { matchLabels: { s3: 'allowed' } } } },
    });
    const granted = (await kube.untilReady('Provider', lender, 'store', 60_000)).status;
    if (lender === borrower) {
      // With Roles alone nothing is known of other namespaces, and nothing is asked for.
      expect(granted).not.toHaveProperty('grantedNamespaceCount');
      return;
    }
    const shown = await until(
      async () => (await kube.get('Provider', lender, 'store'))?.status as Manifest,
      (status) => status.grantedNamespaceCount === 1,
      { what: 'the Provider shows whom it grants', timeoutMs: 60_000 },
    );
    expect(shown.grantedNamespaces).toEqual([borrower]);
    await untilAllReady();
  };

  it('are enough for the whole life of every kind', async () => {
    const { kube } = world;
    const isLent = lender !== borrower;
    await world.createProvider(lender, 'store', {
      server: 'minio',
      spec: isLent ? { allowedNamespaces: { names: [borrower] } } : {},
    });
    const providerRef = { name: 'store', ...(isLent ? { namespace: lender } : {}) };
    await kube.create('Bucket', borrower, 'photos', bucketSpec('store', `rbac-${preset}`, { providerRef }));
    await kube.create('AccessKey', borrower, 'app', accessKeySpec('store', 'photos', 'ReadWrite', { providerRef }));
    await kube.create('BucketPolicy', borrower, 'public', publicPolicySpec('photos', 's3:GetObject'));
    await kube.untilReady('Provider', lender, 'store', 60_000);
    await untilAllReady();
    await changeAll();
    if (asked) await useWhatIsAsked();
    if (isLent) await withdrawAndGrantAgain();
    await grantBySelector();

    for (const [kind, name] of users.toReversed()) {
      await kube.delete(kind, borrower, name);
      await kube.untilGone(kind, borrower, name, 60_000);
    }
    await kube.delete('Provider', lender, 'store');
    await kube.untilGone('Provider', lender, 'store', 60_000);
    for (const controller of controllers) await controller.stop();
    const refused = audited().filter(({ responseStatus }) => responseStatus?.code === 403);
    expect(refused.map(({ user, verb, requestURI }) => `${user.username} ${verb} ${requestURI}`)).toEqual([]);
    const heard = new Set<ControllerName>();
    for (const { user, verb, objectRef } of audited()) {
      const name = controllerNames.find((one) => user.username.endsWith(`-${one}-controller`));
      if (name === undefined || objectRef === undefined) continue;
      heard.add(name);
      const { resource, subresource, name: object = '' } = objectRef;
      const of = isByName(name, verb, resource, object) ? ` ${object}` : '';
      used.add(`${name} ${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}${of}`);
    }
    // What is not in the log was not refused there either.
    expect([...heard].toSorted()).toEqual(controllerNames.toSorted());
  });
});

it('no verb is granted that is not used under one of the presets', () => {
  const unused = controllerNames.flatMap((name) =>
    grants[name].flatMap(({ resource, verbs, names = [''], unseen }) =>
      unseen !== undefined
        ? []
        : verbs
            .flatMap((verb) => names.map((object) => `${name} ${verb} ${resource} ${object}`.trim()))
            .filter((granted) => !used.has(granted)),
    ),
  );
  expect(unused).toEqual([]);
});
