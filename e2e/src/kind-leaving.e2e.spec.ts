import { accessKeyResource, bucketPolicyResource, bucketResource } from '@operator/api';
import {
  accessKeySpec,
  bucketSpec,
  conditionOf,
  type Controller,
  type ControllerName,
  controllerOf,
  type OurKind,
  ourKinds,
  type Pair,
  pairIn,
  passRequest,
  publicPolicySpec,
  s3View,
  tally,
  until,
  untilPasses,
  type World,
} from '@operator/tools/harness';
import { installCrds } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld } from './world.ts';

/* Somebody deletes the definition of a kind, and with it every object of it. See decision 29. */

const namespace = 'leaving';
const bucketName = 'leaving-photos';
const name = 'photos';
const resources = { Bucket: bucketResource, BucketPolicy: bucketPolicyResource, AccessKey: accessKeyResource };

let world: World;
const controllers = {} as Record<ControllerName, Controller>;

/** Creates an object of the kind, as its owner has it in Git. */
const declare = (kind: OurKind): Promise<unknown> => {
  const { kube } = world;
  switch (kind) {
    case 'Provider':
      return world.createProvider(namespace, name, { server: 'minio' });
    case 'Bucket':
      // Its deletion would empty and delete the bucket.
      return kube.create('Bucket', namespace, name, bucketSpec(name, bucketName));
    case 'BucketPolicy':
      return kube.create('BucketPolicy', namespace, name, publicPolicySpec(name, 's3:GetObject'));
    case 'AccessKey':
      return kube.create('AccessKey', namespace, name, accessKeySpec(name, name, 'ReadWrite'));
  }
};

const allReady = async (): Promise<void> => {
  for (const kind of ourKinds) await world.kube.untilReady(kind, namespace, name, 60_000);
};

const pairInSecret = async (): Promise<Pair> =>
  pairIn(await world.kube.get('Secret', namespace, `${name}-credentials`));

/** `works`, or the code with which the server refuses what the application does all day. */
const application = (pair: Pair): Promise<string> => {
  const { endpoint, region } = world.server('minio');
  return s3View({ endpoint, region, ...pair })
    .client.putObject(bucketName, 'letter.txt', 'mine')
    .then(
      () => 'works',
      (error: unknown) => (error as { code?: string }).code ?? String(error),
    );
};

const writesSince = (mark: number): string =>
  tally(world.traffic.since(mark, ({ effect, side }) => effect === 'write' && side === 's3'));

/** Has every object of the other kinds looked at once more. */
const passOthers = async (kind: OurKind, at: string): Promise<void> => {
  for (const other of ourKinds.filter((one) => one !== kind)) {
    const controller = controllers[controllerOf[other]];
    const before = await controller.passes(other);
    await world.kube.patch(other, namespace, name, passRequest(`${at}-${kind}`));
    await untilPasses(controller, other, before + 1);
  }
};

beforeAll(async () => {
  world = await startWorld('kind-leaving', ['minio']);
  await world.createNamespace(namespace);
  for (const controller of Object.values(controllerOf))
    controllers[controller] = await world.startController(controller);
  for (const kind of ourKinds) await declare(kind);
  await allReady();
});
afterAll(() => world.stop());

it.each(['AccessKey', 'BucketPolicy', 'Bucket'] as const)(
  'the definition of a %s goes: nothing is undone, the application works on, and what is declared again is Ready',
  { timeout: 180_000 },
  async (kind) => {
    const { kube, controlPlane } = world;
    const { plural, group } = resources[kind];
    const crd = `${plural}.${group}`;
    const pair = await pairInSecret();
    const uid = (await kube.get(kind, namespace, name))?.metadata.uid;
    const mark = world.traffic.mark();
    await controlPlane.kubectl(['delete', 'crd', crd, '--wait=false']);
    const held = await until(
      () => kube.get(kind, namespace, name),
      (object) => conditionOf(object, 'Ready')?.reason === 'OwnershipInDoubt',
      { what: `the ${kind} is in doubt`, timeoutMs: 60_000 },
    );
    const { message = '' } = conditionOf(held, 'Ready') ?? {};
    expect(message).toContain(`The definition ${crd} is being deleted`);
    await passOthers(kind, 'while');
    expect(writesSince(mark)).toBe('');
    expect(await application(pair)).toBe('works');

    // The command of the message, as it stands.
    const [, ...words] = (/kubectl annotate .*$/.exec(message)?.[0] ?? '').split(' ');
    await controlPlane.kubectl(words);
    await until(
      () => controlPlane.kubectl(['get', 'crd', '--ignore-not-found', crd]),
      (found) => found === '',
      { what: `${crd} is gone`, timeoutMs: 60_000 },
    );
    await passOthers(kind, 'without');
    expect(writesSince(mark)).toBe('');
    expect(await application(pair)).toBe('works');

    await installCrds(controlPlane.kubectl);
    await declare(kind);
    const again = await kube.untilReady(kind, namespace, name, 60_000);
    expect(again.metadata.uid).not.toBe(uid);
    await allReady();
    expect(await application(await pairInSecret())).toBe('works');
  },
);

it('the definition of Providers goes: they wait for their users, and are checked meanwhile', async () => {
  const { kube, controlPlane } = world;
  await controlPlane.kubectl(['delete', 'crd', 'providers.s3.cloud37.dev', '--wait=false']);
  await until(
    () => kube.get('Provider', namespace, name),
    (provider) => conditionOf(provider, 'Ready')?.reason === 'InUse',
    { what: 'the Provider waits', timeoutMs: 60_000 },
  );
  await kube.patch('Bucket', namespace, name, { spec: { tagging: { tags: { after: 'all' } } } });
  await kube.untilReady('Bucket', namespace, name, 60_000);
  expect(await application(await pairInSecret())).toBe('works');
});
