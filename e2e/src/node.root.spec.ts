import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageCharts } from '@operator/tools/charts';
import { controllerNames, Kube, s3View, until, type S3View } from '@operator/tools/harness';
import { obtainServers } from '@operator/tools/local';
import {
  apply,
  consumerManifest,
  helmFor,
  loadClusterImages,
  restrictedNamespace,
  startMinioPod,
  startNodeCluster,
  tagImage,
  untilRolledOut,
  withForwarded,
  type MinioPod,
  type NodeCluster,
} from '@operator/tools/node';
import { projectRoot } from '@operator/tools/paths';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';

/* The charts and images as they are shipped, on a node that runs pods. Each test goes on from where the one before it has ended. */

const release = 's3';
const operator = 's3-operator';
const team = 'team-a';
const repository = 'ghcr.io/cloud37/wasabi-s3-operator';

let dir: string;
let cluster: NodeCluster;
let kube: Kube;
let charts: ReadonlyMap<string, string>;
let minio: MinioPod;
let isWhole = true;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'node-'));
  cluster = await startNodeCluster({ dir: join(dir, 'cluster'), log: console.log });
  kube = new Kube(cluster);
  charts = await packageCharts((await obtainServers(['helm'])).helm, join(dir, 'charts'));
  await loadClusterImages(cluster);
  await apply(cluster, restrictedNamespace(operator), restrictedNamespace(team));
});
afterAll(async () => {
  await kube.close();
  await cluster.stop();
  if (isWhole) rmSync(dir, { recursive: true });
  else console.log(`The logs stay in ${dir}`);
});
beforeEach(() => {
  if (!isWhole) throw new Error('a test before this one has failed');
  onTestFailed(async () => {
    isWhole = false;
    console.log(await cluster.kubectl(['get', 'pods,s3', '--all-namespaces', '-o', 'wide']));
    console.log(await cluster.kubectl(['get', 'events', '--all-namespaces', '--field-selector=type=Warning']));
  });
});

const helm = (...args: readonly string[]) => helmFor(cluster)(...args, `--namespace=${operator}`);
const chart = (name: string): string => {
  const archive = charts.get(name);
  if (archive === undefined) throw new Error(`no chart ${name}`);
  return archive;
};
/** The umbrella's release with these values and no others: with none, helm would keep the former ones. */
const upgrade = (...values: readonly string[]) =>
  helm('upgrade', release, chart('s3-provider-operator'), '--reset-values', ...values.map((value) => `--set=${value}`));

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly containers: readonly { readonly image: string }[] };
}

/** Pods that are not about to end, by the name of their controller. */
const podsOf = async (controller: string): Promise<readonly Pod[]> => {
  const selector = `app.kubernetes.io/name=${controller}-controller`;
  const list = await cluster.kubectl([
    'get',
    'pods',
    `--namespace=${operator}`,
    `--selector=${selector}`,
    '-o',
    'json',
  ]);
  const { items } = JSON.parse(list) as { readonly items: readonly Pod[] };
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
};
const podNamesOf = async (controllers: readonly string[]): Promise<readonly string[]> => {
  const pods = await Promise.all(controllers.map(podsOf));
  return pods.flat().map(({ metadata }) => metadata.name);
};
/** Waits until the controllers have so many pods; returns their names. */
const untilPods = (controllers: readonly string[], count: number): Promise<readonly string[]> =>
  until(
    () => podNamesOf(controllers),
    ({ length }) => length === count,
    { what: `${controllers.join(', ')} have ${count} pods`, timeoutMs: 120_000, everyMs: 500 },
  );
/** The memory of the operator's pods in MiB, as the kubelet has last measured it; 0 where it has not yet. */
const memoryOfPods = async (): Promise<readonly (readonly [name: string, mebibytes: number])[]> => {
  const summary = await cluster.kubectl(['get', '--raw', '/api/v1/nodes/node/proxy/stats/summary']);
  const { pods } = JSON.parse(summary) as {
    readonly pods: readonly {
      readonly podRef: { readonly name: string; readonly namespace: string };
      readonly memory?: { readonly workingSetBytes: number };
    }[];
  };
  return pods
    .filter(({ podRef }) => podRef.namespace === operator)
    .map(({ podRef, memory }) => [podRef.name, Math.round((memory?.workingSetBytes ?? 0) / 1024 / 1024)] as const);
};

const untilImage = async (controller: string, wanted: string): Promise<void> => {
  await until(
    async () => (await podsOf(controller)).flatMap(({ spec }) => spec.containers.map(({ image }) => image)),
    (images) => images.join() === wanted,
    { what: `the ${controller}-controller is ${wanted}`, timeoutMs: 120_000, everyMs: 500 },
  );
};
const holderOf = async (controller: string): Promise<string> => {
  const lease = await kube.get('Lease', operator, `${controller}-controller`);
  return lease?.spec.holderIdentity?.split('_')[0] ?? '';
};
const allRolledOut = async (nameOf = (name: string) => `${release}-${name}-controller`): Promise<void> => {
  for (const name of controllerNames) await untilRolledOut(cluster, operator, nameOf(name));
};

/** Asks the API server to evict a pod of the operator, as a drain does; returns `evicted`, or why it is not. */
const evict = async (name: string): Promise<string> => {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: operator } };
  const path = `/api/v1/namespaces/${operator}/pods/${name}/eviction`;
  return cluster.kubectl(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction)).then(
    () => 'evicted',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
};

/** Has a controller begin anew, with no connection from before. */
const restart = async (controller: string): Promise<void> => {
  const name = `${release}-${controller}-controller`;
  await cluster.kubectl(['rollout', 'restart', `deployment/${name}`, `--namespace=${operator}`]);
  await untilRolledOut(cluster, operator, name);
};

/** What an application is answered by the accesskey-controller: a status, or that it is not let in. */
const asks = async (port: number, path: string): Promise<string> => {
  const selector = '--selector=app.kubernetes.io/name=accesskey-controller';
  const address = ['get', 'pods', `--namespace=${operator}`, selector, '-o', 'jsonpath={.items[0].status.podIP}'];
  const url = `http://${await cluster.kubectl(address)}:${port}${path}`;
  const script = `fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(5_000) }).then(({ status }) => status, () => 'shut').then(console.log)`;
  const exec = ['exec', 'deployment/by-files', `--namespace=${team}`, '--', '/usr/bin/node', '--eval', script];
  return (await cluster.kubectl(exec)).trim();
};

/** docs/examples, with the address that MinIO has here. */
const applyExample = async (path: string): Promise<void> => {
  const example = readFileSync(join(projectRoot, 'docs/examples', path), 'utf8');
  await cluster.kubectl(
    ['apply', `--namespace=${team}`, '-f', '-'],
    example.replace('http://127.0.0.1:9000', minio.endpoint),
  );
};
const quickstart = {
  Provider: 'quickstart/provider.yaml',
  Bucket: 'quickstart/bucket.yaml',
  BucketPolicy: 'quickstart/bucket-policy.yaml',
  AccessKey: 'quickstart/access-key.yaml',
} as const;
const kinds = Object.keys(quickstart) as (keyof typeof quickstart)[];
const bucketName = 'quickstart-documents';
const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { readonly version: string };

const allReady = async (): Promise<void> => {
  for (const kind of kinds) await kube.untilReady(kind, team, 'quickstart', 180_000);
};
const inStorage = <T>(use: (view: S3View) => Promise<T>): Promise<T> =>
  withForwarded(cluster, { namespace: 'storage', service: 'minio', port: 9000 }, (endpoint) =>
    use(s3View({ ...minio, endpoint, region: 'us-east-1' })),
  );

/** A change goes through: it is asked for, Ready again, and seen at the server. */
const changesTag = async (stage: string): Promise<void> => {
  await kube.patch('Bucket', team, 'quickstart', { spec: { tagging: { tags: { stage } } } });
  await kube.untilReady('Bucket', team, 'quickstart', 180_000);
  const bucket = await inStorage((view) => view.bucket(bucketName));
  expect(bucket?.tags.stage).toBe(stage);
};

const wordsOf = async (application: string): Promise<readonly string[]> =>
  (await cluster.kubectl(['logs', `deployment/${application}`, `--namespace=${team}`])).trim().split('\n');
/** Waits until an application says anew, with this key, that it is let in. */
const works = async (application: string, key: string): Promise<void> => {
  const { length: before } = await wordsOf(application).catch(() => []);
  await until(
    () => wordsOf(application),
    (words) => words.length > before && words.at(-1) === `${key} works`,
    {
      what: `${application} works with ${key}`,
      timeoutMs: 180_000,
      everyMs: 500,
      show: (words) => words?.at(-1) ?? '',
    },
  );
};
const currentKey = async (): Promise<string> =>
  (await kube.get('AccessKey', team, 'quickstart'))?.status?.accessKeyId ?? 'none';
/** Asks for another key and waits until it is in the Secret; returns it. `request`: any new text. */
const rotate = async (request: string): Promise<string> => {
  await kube.patch('AccessKey', team, 'quickstart', {
    metadata: { annotations: { 's3.cloud37.dev/rotate-requested-at': request } },
  });
  await until(
    () => kube.get('AccessKey', team, 'quickstart'),
    (object) => object?.status?.answeredRotateRequest === request,
    { what: 'the rotation is answered', timeoutMs: 120_000 },
  );
  return currentKey();
};
const applicationsWork = async (): Promise<void> => {
  const key = await currentKey();
  for (const application of ['by-environment', 'by-files']) await works(application, key);
};

describe('the operator on a node', () => {
  it('is installed by helm in a namespace that lets in what is restricted alone', async () => {
    await helm('install', release, chart('s3-provider-operator'));
    await allRolledOut();
  });

  it('makes the examples Ready', async () => {
    minio = await startMinioPod(cluster);
    await kube.create('Secret', team, 'quickstart-provider', {
      stringData: { 'access-key': minio.accessKey, 'secret-key': minio.secretKey },
    });
    for (const path of Object.values(quickstart)) await applyExample(path);
    await allReady();
    await applyExample('features/bucket.yaml');
    // It asks for what MinIO lacks.
    await kube.untilNotReady('Bucket', team, 'features', 'Unsupported', 120_000);
    expect(await inStorage((view) => view.bucketNames(''))).toEqual(['features-example', bucketName]);
  });

  it('gives a key to applications, by environment and by file, through a rotation', async () => {
    await apply(
      cluster,
      consumerManifest(team, 'by-environment', 'quickstart-credentials', 'environment'),
      consumerManifest(team, 'by-files', 'quickstart-credentials', 'files'),
    );
    const former = await currentKey();
    await applicationsWork();

    const key = await rotate('now');
    expect(key).not.toBe(former);
    await works('by-files', key);
    await works('by-environment', former);
    for (const application of ['by-environment', 'by-files'])
      expect((await wordsOf(application)).filter((line) => line.includes(' fails'))).toEqual([]);

    await cluster.kubectl(['rollout', 'restart', 'deployment/by-environment', `--namespace=${team}`]);
    await untilRolledOut(cluster, team, 'by-environment');
    await works('by-environment', key);
  });

  it('restarts who cannot read a key again, once the chart gives the right to', async () => {
    const rollout = [{ kind: 'Deployment', name: 'by-environment' }];
    await kube.patch('AccessKey', team, 'quickstart', { spec: { rollout } });
    await kube.untilNotReady('AccessKey', team, 'quickstart', 'Forbidden', 120_000);
    await upgrade('rbac.rollouts=true');
    await works('by-environment', await rotate('again'));
    const { status } = await until(
      () => kube.untilReady('AccessKey', team, 'quickstart', 180_000),
      (object) => object.status?.rollouts?.every(({ finished }) => finished) === true,
      { what: 'the restart has finished', timeoutMs: 120_000 },
    );
    expect(status?.rollouts).toMatchObject(rollout);
    await kube.patch('AccessKey', team, 'quickstart', { spec: { rollout: null } });
    await upgrade();
    await applicationsWork();
  });

  it('goes on when all its pods are killed', async () => {
    await cluster.kubectl(['delete', 'pods', '--all', `--namespace=${operator}`, '--grace-period=0', '--force']);
    await changesTag('after-kill');
    await allRolledOut();
  });

  it('goes on when the API server is killed and comes back', async () => {
    await cluster.restartApiServer({ kill: true });
    await changesTag('after-restart');
  });

  it('keeps within its memory limits', async () => {
    // The kubelet measures every few seconds: of a pod that is younger it knows nothing yet.
    const used = await until(
      memoryOfPods,
      (pods) => pods.length === controllerNames.length && pods.every(([, mebibytes]) => mebibytes > 0),
      { what: 'the kubelet has measured every pod', timeoutMs: 120_000, everyMs: 2_000 },
    );
    console.log(used.map(([name, mebibytes]) => `${name}: ${mebibytes} MiB of 256 MiB`).join('\n'));
    for (const [name, mebibytes] of used) expect(mebibytes, name).toBeLessThan(200);
  });

  it('is reached and reaches others as its NetworkPolicy says, and no further', async () => {
    const port = new URL(cluster.url).port;
    const toApiServer = 'operator.networkPolicy.apiServer[0].ports[0]';
    const policy = [
      'operator.networkPolicy.enabled=true',
      `${toApiServer}.port=${port}`,
      `${toApiServer}.protocol=TCP`,
    ];
    expect([await asks(8081, '/healthz'), await asks(8080, '/metrics')]).toEqual(['200', '200']);
    await upgrade(...policy);
    await until(
      () => asks(8081, '/healthz'),
      (answer) => answer !== '200',
      { what: 'the health port is shut', timeoutMs: 60_000, everyMs: 500 },
    );
    expect(await asks(8080, '/metrics')).toBe('200');
    await restart('bucket');
    await changesTag('behind-a-policy');

    const toStorage = 'operator.networkPolicy.storage[0].ports[0]';
    await upgrade(...policy, `${toStorage}.port=1`, `${toStorage}.protocol=TCP`);
    await restart('provider');
    await kube.untilNotReady('Provider', team, 'quickstart', 'EndpointUnreachable', 120_000);
    await upgrade();
    await allReady();
  });

  it('comes back, and so does what uses it, when its node was drained', async () => {
    await cluster.kubectl(['drain', 'node', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=180s']);
    await cluster.kubectl(['uncordon', 'node']);
    await allRolledOut();
    await untilRolledOut(cluster, 'storage', 'minio');
    await changesTag('after-drain');
    await allReady();
    await applicationsWork();
  });

  it('lets one of two replicas be evicted, and the other only when there are two again', async () => {
    await upgrade('operator.replicas=2', 'operator.podDisruptionBudget.enabled=true');
    await allRolledOut();
    const [one = '', other = ''] = await untilPods(['bucket'], 2);
    await until(
      () => evict(one),
      (answer) => answer === 'evicted',
      { what: 'one of two is evicted', timeoutMs: 60_000, everyMs: 500 },
    );
    expect(await evict(other)).toContain("violate the pod's disruption budget");
    await allRolledOut();
    await until(
      () => evict(other),
      (answer) => answer === 'evicted',
      { what: 'the other one is evicted', timeoutMs: 60_000, everyMs: 500 },
    );
    await allRolledOut();
    await changesTag('after-evictions');
  });

  it('has another leader when the one that leads is killed', async () => {
    await upgrade('operator.replicas=2');
    await allRolledOut();
    const pods = await untilPods(['bucket'], 2);
    const leader = await holderOf('bucket');
    expect(pods).toContain(leader);
    await cluster.kubectl(['delete', 'pod', leader, `--namespace=${operator}`, '--grace-period=0', '--force']);
    await until(
      () => holderOf('bucket'),
      (holder) => holder !== '' && holder !== leader,
      { what: 'another bucket-controller leads', timeoutMs: 120_000, everyMs: 500 },
    );
    await changesTag('after-change-of-leaders');
  });

  it('has one controller upgraded and rolled back, while the others stay as they are', async () => {
    await upgrade();
    await allRolledOut();
    const others = ['provider', 'policy', 'accesskey'];
    const before = await untilPods(others, others.length);
    const image = `${repository}/bucket-controller`;
    await tagImage(cluster, `${image}:${version}`, `${image}:next`);

    await upgrade('controllers.bucket.operator.image.tag=next');
    await allRolledOut();
    await untilImage('bucket', `${image}:next`);
    await changesTag('after-upgrade');

    await helm('rollback', release);
    await allRolledOut();
    await untilImage('bucket', `${image}:${version}`);
    await changesTag('after-rollback');
    expect(await podNamesOf(others)).toEqual(before);
  });

  it('works with one controller less', async () => {
    await upgrade('controllers.policy.enabled=false');
    await untilPods(['policy'], 0);
    await changesTag('without-policies');
    await kube.untilReady('BucketPolicy', team, 'quickstart');
    expect(await inStorage((view) => view.policy(bucketName))).toBeDefined();
    await upgrade();
    await allRolledOut();
  });

  it('leaves CRDs, objects, buckets and keys when it is uninstalled', async () => {
    const key = await currentKey();
    await helm('uninstall', release, '--wait');
    await untilPods(controllerNames, 0);
    await allReady();
    expect(await inStorage((view) => view.bucketNames(''))).toEqual(['features-example', bucketName]);
    for (const application of ['by-environment', 'by-files']) await works(application, key);
  });

  it('is four releases as well, each upgraded, rolled back and uninstalled by itself', async () => {
    for (const name of controllerNames) await helm('install', name, chart(`${name}-controller`));
    await allRolledOut((name) => `${name}-${name}-controller`);
    await changesTag('with-four-releases');
    const others = ['provider', 'policy', 'accesskey'];
    const before = await untilPods(others, others.length);

    await helm('upgrade', 'bucket', chart('bucket-controller'), '--set=operator.image.tag=next');
    await untilRolledOut(cluster, operator, 'bucket-bucket-controller');
    await changesTag('after-upgrade-of-one');
    await helm('rollback', 'bucket');
    await untilRolledOut(cluster, operator, 'bucket-bucket-controller');
    await changesTag('after-rollback-of-one');
    await helm('uninstall', 'policy', '--wait');
    await changesTag('after-uninstall-of-one');
    expect(await podNamesOf(['provider', 'accesskey'])).toEqual(before.filter((name) => !name.startsWith('policy')));
  });
});
