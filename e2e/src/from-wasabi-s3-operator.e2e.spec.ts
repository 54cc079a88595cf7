import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { PutBucketTaggingCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { controllerNames, s3View, type Pair, type S3View, type World } from '@operator/tools/harness';
import { obtainServers } from '@operator/tools/local';
import { projectRoot } from '@operator/tools/paths';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startWorld } from './world.ts';

/*
 * docs/from-wasabi-s3-operator.md, as it stands: its commands and its manifests, on what the Python operator leaves in a cluster and at a
 * server. Its chart is told here by what matters: CRDs among the templates, and objects of its shape with its finalizers.
 */

const page = readFileSync(join(projectRoot, 'docs/from-wasabi-s3-operator.md'), 'utf8');
const snippet = (name: string): string => {
  const [, text] = new RegExp(`<!-- snippet: ${name} -->\\n\\n\`\`\`sh\\n(.*?)\`\`\``, 's').exec(page) ?? [];
  if (text === undefined) throw new Error(`the page has no snippet ${name}`);
  return text;
};
const [, manifests = ''] = /```yaml\n(.*?)```/s.exec(page) ?? [];

const release = 'wasabi-s3-operator';
const system = 'wasabi-s3-operator-system';
const namespace = 'team-a';
const bucketName = 'team-a-photos';
const oldUser = 'team-a-photos';
const finalizers = ['s3.cloud37.dev/finalizer', 'kopf.zalando.org/KopfFinalizerMarker'];

let world: World;
let dir: string;
let view: S3View;
let shell: (script: string) => Promise<string>;
let oldPair: Pair;

const definition = (kind: string, plural: string, shortName: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.s3.cloud37.dev` },
  spec: {
    group: 's3.cloud37.dev',
    scope: 'Namespaced',
    names: { kind, plural, singular: kind.toLowerCase(), shortNames: [shortName] },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

const oldKinds = [
  ['Provider', 'providers', 's3prov'],
  ['Bucket', 'buckets', 's3bkt'],
  ['BucketPolicy', 'bucketpolicies', 's3policy'],
  ['AccessKey', 'accesskeys', 's3key'],
  ['User', 'users', 's3user'],
  ['IAMPolicy', 'iampolicies', 'iamp'],
] as const;

const labels = { 'app.kubernetes.io/name': release, 'app.kubernetes.io/instance': release };
const template = [
  ...oldKinds.map(([kind, plural, shortName]) => definition(kind, plural, shortName)),
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: release, namespace: system, labels } },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: release, namespace: system, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { serviceAccountName: release, containers: [{ name: 'operator', image: 'example.com/operator' }] },
      },
    },
  },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: release, labels }, rules: [] },
];

const status = {
  observedGeneration: 1,
  conditions: [
    { type: 'Ready', status: 'True', reason: 'Ready', message: 'is ready', lastTransitionTime: '2026-01-01T00:00:00Z' },
    {
      type: 'CreationFailed',
      status: 'False',
      reason: 'Created',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    },
  ],
};
const old = (kind: string, name: string, spec: object, owner?: { readonly uid: string }) => ({
  apiVersion: 's3.cloud37.dev/v1alpha1',
  kind,
  metadata: {
    name,
    namespace,
    finalizers,
    ...(owner === undefined
      ? {}
      : {
          ownerReferences: [
            { apiVersion: 's3.cloud37.dev/v1alpha1', kind: 'Bucket', name: 'photos', uid: owner.uid, controller: true },
          ],
        }),
  },
  spec,
});
const apply = (object: object) => world.controlPlane.kubectl(['apply', '-f', '-'], JSON.stringify(object));

const isLetIn = async ({ accessKey, secretKey }: Pair): Promise<boolean> => {
  const { client, sdk } = s3View({ ...world.server('moto'), accessKey, secretKey });
  try {
    await client.statObject(bucketName, 'kept');
    return true;
  } catch {
    return false; // refused
  } finally {
    sdk.destroy();
  }
};
const pairIn = async (): Promise<Pair & { readonly uid: string }> => {
  const secret = await world.kube.get('Secret', namespace, 'photos-accesskey-credentials');
  const value = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString('utf8');
  return {
    accessKey: value('access-key-id'),
    secretKey: value('secret-access-key'),
    uid: secret?.metadata.uid ?? 'none',
  };
};
const definitions = async () =>
  (await shell('kubectl get crd --output name')).match(/\w+(?=\.s3\.cloud37\.dev)/g) ?? [];

beforeAll(async () => {
  world = await startWorld('from-wasabi', ['moto']);
  const { helm } = await obtainServers(['helm']);
  dir = mkdtempSync(join(tmpdir(), 'from-wasabi-'));
  symlinkSync(join(projectRoot, 'charts'), join(dir, 'charts'));
  const { kubectlPath, kubeconfigPath } = world.controlPlane;
  const env = {
    ...process.env,
    PATH: `${dirname(kubectlPath)}:${dirname(helm)}:${process.env.PATH ?? ''}`,
    KUBECONFIG: kubeconfigPath,
  };
  shell = async (script) =>
    (await promisify(execFile)('sh', ['-euc', script], { cwd: dir, env, maxBuffer: 64 * 1024 * 1024 })).stdout;

  const chart = join(dir, 'old');
  mkdirSync(join(chart, 'templates'), { recursive: true });
  writeFileSync(join(chart, 'Chart.yaml'), stringify({ apiVersion: 'v2', name: release, version: '0.2.4' }));
  writeFileSync(join(chart, 'templates/all.yaml'), template.map((object) => stringify(object)).join('---\n'));
  await shell(`kubectl delete --filename ${join(projectRoot, 'crds')}`);
});
afterAll(async () => {
  view.sdk.destroy();
  await world.stop();
  rmSync(dir, { recursive: true });
});

const install = `helm install ${release} old --namespace ${system} --create-namespace`;

it('the old chart takes its CRDs away with it', async () => {
  await shell(install);
  expect(await definitions()).toContain('buckets');
  await shell(`helm uninstall ${release} --namespace ${system} --wait`);
  expect(await definitions()).toEqual([]);
});

it('a cluster has what the old operator makes of a Bucket with autoManage', async () => {
  const { kube } = world;
  await shell(install);
  await shell('kubectl wait crd --all --for=condition=established --timeout=60s');
  await world.createNamespace(namespace);
  const { endpoint, region, accessKey, secretKey } = world.server('moto');
  view = s3View(world.server('moto'));
  await view.client.makeBucket(bucketName, region);
  await view.client.putObject(bucketName, 'kept', 'content');
  await view.sdk.send(
    new PutBucketVersioningCommand({ Bucket: bucketName, VersioningConfiguration: { Status: 'Enabled' } }),
  );
  const TagSet = [{ Key: 'team', Value: 'photos' }];
  await view.sdk.send(new PutBucketTaggingCommand({ Bucket: bucketName, Tagging: { TagSet } }));
  const iam = new IAMClient({ endpoint, region, credentials: { accessKeyId: accessKey, secretAccessKey: secretKey } });
  await iam.send(new CreateUserCommand({ UserName: oldUser }));
  const Statement = [{ Effect: 'Allow', Action: 's3:*', Resource: `arn:aws:s3:::${bucketName}*` }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new PutUserPolicyCommand({ UserName: oldUser, PolicyName: `${oldUser}-policy`, PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: oldUser }));
  iam.destroy();
  oldPair = { accessKey: AccessKey?.AccessKeyId ?? '', secretKey: AccessKey?.SecretAccessKey ?? '' };

  await world.createProvider(namespace, 'wasabi', { server: 'moto', spec: { type: 'wasabi' } });
  const providerRef = { name: 'wasabi', namespace };
  await apply(
    old('Bucket', 'photos', {
      providerRef: { name: 'wasabi' },
      name: bucketName,
      autoManage: { enabled: true, accessLevel: 'readwrite' },
      versioning: { enabled: true, mfaDelete: false },
    }),
  );
  const bucket = await kube.get('Bucket', namespace, 'photos');
  await apply(old('User', 'photos-user', { providerRef, name: oldUser }, bucket?.metadata));
  const userRef = { name: 'photos-user' };
  await apply(old('AccessKey', 'photos-accesskey', { providerRef, userRef, rotate: {} }, bucket?.metadata));
  const statement = [
    {
      effect: 'Allow',
      principal: `arn:aws:iam::*:user/${oldUser}`,
      action: ['s3:GetObject'],
      resource: [`arn:aws:s3:::${bucketName}/*`],
    },
  ];
  const policy = { version: '2012-10-17', statement };
  await apply(
    old('BucketPolicy', 'photos-policy', { bucketRef: { name: 'photos', namespace }, policy }, bucket?.metadata),
  );
  const key = await kube.get('AccessKey', namespace, 'photos-accesskey');
  await kube.create('Secret', namespace, 'photos-accesskey-credentials', {
    metadata: {
      ownerReferences: [
        {
          apiVersion: 's3.cloud37.dev/v1alpha1',
          kind: 'AccessKey',
          name: 'photos-accesskey',
          uid: key?.metadata.uid,
          controller: true,
        },
      ],
    },
    stringData: { 'access-key-id': oldPair.accessKey, 'secret-access-key': oldPair.secretKey },
  });
  for (const [kind, name] of [
    ['Bucket', 'photos'],
    ['AccessKey', 'photos-accesskey'],
    ['BucketPolicy', 'photos-policy'],
  ] as const)
    await kube.patchStatus(kind, namespace, name, { ...status, accessKeyId: oldPair.accessKey, bucketName });
  expect(await isLetIn(oldPair)).toBe(true);
});

it('the commands of the page leave the four kinds, without finalizers and without the old release', async () => {
  for (const step of ['stop', 'forget', 'release', 'replace']) await shell(snippet(step));
  expect((await definitions()).sort()).toEqual(['accesskeys', 'bucketpolicies', 'buckets', 'providers']);
  expect((await shell(`helm list --all-namespaces --short`)).trim()).toBe('');
  expect(await shell(`kubectl get all --namespace ${system} --output name`)).toBe('');
  const bucket = await world.kube.get('Bucket', namespace, 'photos');
  expect(bucket?.metadata.finalizers).toBeUndefined();
  expect(bucket?.status).toEqual({ observedGeneration: -1 });
  expect(readFileSync(join(dir, 'before-users.yaml'), 'utf8')).toContain(`name: ${oldUser}`);
});

it('its manifests make all Ready: the same bucket, the same Secret with a new pair, and the old pair works', async () => {
  const { kube } = world;
  const before = await pairIn();
  await world.controlPlane.kubectl(['apply', '--validate=strict', '-f', '-'], manifests);
  for (const name of controllerNames) await world.startController(name);
  await kube.untilReady('Provider', namespace, 'wasabi');
  const bucket = await kube.untilReady('Bucket', namespace, 'photos');
  const key = await kube.untilReady('AccessKey', namespace, 'photos-accesskey');
  expect([bucket, key].map(({ metadata }) => metadata.finalizers)).toEqual([
    ['s3.cloud37.dev/cleanup'],
    ['s3.cloud37.dev/cleanup'],
  ]);
  expect(key.status?.conditions?.map(({ type }) => type)).not.toContain('CreationFailed');
  expect(bucket.spec).not.toHaveProperty('autoManage');
  expect(key.spec).not.toHaveProperty('userRef');

  expect(await view.differencesFrom({ versioning: { enabled: true, mfaDelete: false } }, bucketName)).toEqual([]);
  expect((await view.bucket(bucketName))?.tags).toMatchObject({ team: 'photos', 's3.cloud37.dev/name': 'photos' });
  const after = await pairIn();
  expect(after.uid).toBe(before.uid);
  expect(after.accessKey).not.toBe(oldPair.accessKey);
  expect([await isLetIn(oldPair), await isLetIn(after)]).toEqual([true, true]);

  await kube.patch('Bucket', namespace, 'photos', { spec: { adoptionPolicy: null } });
  await kube.untilReady('Bucket', namespace, 'photos');
});
