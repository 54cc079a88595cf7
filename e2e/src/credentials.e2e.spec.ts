import { setTimeout as delay } from 'node:timers/promises';
import { AssumeRoleProvider } from 'minio/dist/esm/AssumeRoleProvider.mjs';
import {
  pairIn,
  bucketSpec,
  isReady,
  type Manifest,
  type Pair,
  publicPolicySpec,
  s3View,
  specChange,
  type Stored,
  until,
  type World,
} from '@operator/tools/harness';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld } from './world.ts';

/** How soon a changed Secret is noticed at the latest; the next check is a day away. */
const noticedWithinMs = 60_000;
const namespace = 'credentials';
const bucket = 'credentials-bucket';

let world: World;

beforeAll(async () => {
  world = await startWorld('credentials', ['minio']);
  await Promise.all(
    (['provider', 'bucket', 'policy', 'accesskey'] as const).map((name) => world.startController(name)),
  );
  await world.createNamespace(namespace);
  await world.createProvider(namespace, 'root', { server: 'minio' });
  await world.kube.untilReady('Provider', namespace, 'root', 60_000);
});
afterAll(() => world.stop());

/** Does `change` and waits, by a watch that began before, for an event of the Provider that `holds`. */
const noticed = async (
  name: string,
  change: () => Promise<unknown>,
  holds: (provider: Stored<'Provider'>) => boolean,
): Promise<Stored<'Provider'>> => {
  const over = new AbortController();
  const events = await world.kube.watch('Provider', namespace, over.signal);
  const see = async () => {
    for await (const { object } of events) if (object.metadata.name === name && holds(object)) return object;
    throw new Error('the watch ended');
  };
  const seen = see();
  seen.catch(() => undefined);
  try {
    await change();
    const tooLate = delay(noticedWithinMs, undefined, { signal: over.signal }).then(() => {
      throw new Error(`the Provider did not notice within ${noticedWithinMs / 1000} s`);
    });
    tooLate.catch(() => undefined);
    return await Promise.race([seen, tooLate]);
  } finally {
    over.abort();
  }
};

/** A Provider which is checked again of its own accord only tomorrow. */
const createProvider = (name: string, endpoint = world.server('minio').endpoint, auth: Manifest = {}) =>
  world.kube.create('Provider', namespace, name, {
    spec: {
      type: 'minio',
      endpoint,
      region: 'us-east-1',
      auth: { accessKeySecretRef: { name }, secretKeySecretRef: { name }, ...auth },
      checkIntervalSeconds: 86_400,
    },
  });
const secretData = ({ accessKey, secretKey }: Pair): Manifest => ({
  stringData: { 'access-key': accessKey, 'secret-key': secretKey },
});

/** A pair that may do everything in the bucket, of a user that goes with its AccessKey. */
const issuePair = async (name: string, to = bucket): Promise<Pair> => {
  const resource = [`arn:aws:s3:::${to}`, `arn:aws:s3:::${to}/*`];
  await world.kube.create('AccessKey', namespace, name, {
    spec: {
      providerRef: { name: 'root' },
      policy: {
        statement: [
          { effect: 'Allow', action: 's3:ListAllMyBuckets', resource: '*' },
          { effect: 'Allow', action: 's3:*', resource },
        ],
      },
    },
  });
  await world.kube.untilReady('AccessKey', namespace, name);
  return pairIn(await world.kube.get('Secret', namespace, `${name}-credentials`));
};

describe('the Secret of a Provider', () => {
  it('is noticed when its data change, long before the next check, and the version moves', async () => {
    const root = world.server('minio');
    await world.kube.create('Secret', namespace, 'changing', secretData(root));
    await createProvider('changing');
    const { status: before } = await world.kube.untilReady('Provider', namespace, 'changing');

    const wrong = secretData({ ...root, secretKey: 'no-longer-the-secret-key' });
    const refused = await noticed(
      'changing',
      () => world.kube.patch('Secret', namespace, 'changing', wrong),
      ({ status }) => status?.connected === false,
    );
    expect(refused.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'False', reason: 'AuthFailed' }),
    );

    const { status: after } = await noticed(
      'changing',
      () => world.kube.patch('Secret', namespace, 'changing', secretData(root)),
      (provider) => isReady(provider) && provider.status?.credentialsVersion !== before?.credentialsVersion,
    );
    const { metadata } = (await world.kube.get('Secret', namespace, 'changing')) ?? {};
    expect(after?.credentialsVersion).toBe(metadata?.resourceVersion);
  });

  it('is noticed when it was missing and is there, long before the next check', async () => {
    await createProvider('missing');
    await world.kube.untilNotReady('Provider', namespace, 'missing', 'SecretNotFound');
    await noticed(
      'missing',
      () => world.kube.create('Secret', namespace, 'missing', secretData(world.server('minio'))),
      isReady,
    );
  });

  it('has its new credentials used by the other controllers, so that the old ones can be revoked', async () => {
    const [first, second] = [await issuePair('first'), await issuePair('second')];
    const { url } = await world.proxyTo('minio', 'rotated');
    await world.kube.create('Secret', namespace, 'rotated', secretData(first));
    await createProvider('rotated', url);
    await world.kube.create('Bucket', namespace, 'bucket', bucketSpec('rotated', bucket));
    await world.kube.create('BucketPolicy', namespace, 'policy', publicPolicySpec('bucket', 's3:GetObject'));
    await world.kube.untilReady('BucketPolicy', namespace, 'policy', 60_000);
    const { status: before } = await world.kube.untilReady('Provider', namespace, 'rotated');

    await noticed(
      'rotated',
      () => world.kube.patch('Secret', namespace, 'rotated', secretData(second)),
      (provider) => isReady(provider) && provider.status?.credentialsVersion !== before?.credentialsVersion,
    );
    await world.kube.delete('AccessKey', namespace, 'first');
    const asFirst = s3View({ ...world.server('minio'), ...first });
    await until(
      () =>
        asFirst.client.listBuckets().then(
          () => 'accepted',
          (error: unknown) => (error as { code?: string }).code,
        ),
      (code) => code === 'InvalidAccessKeyId',
      { what: 'MinIO no longer knows the first key' },
    );

    const mark = world.traffic.mark();
    await world.kube.patch('Bucket', namespace, 'bucket', specChange({ tagging: { tags: { team: 'second' } } }));
    const { spec } = publicPolicySpec('bucket', 's3:PutObject') as { spec: object };
    await world.kube.patch('BucketPolicy', namespace, 'policy', { spec });
    await world.kube.untilReady('Bucket', namespace, 'bucket');
    await world.kube.untilReady('BucketPolicy', namespace, 'policy');
    const view = s3View(world.server('minio'));
    expect((await view.bucket(bucket))?.tags).toMatchObject({ team: 'second' });
    expect(await view.policy(bucket)).toMatchObject({ Statement: [{ Action: ['s3:PutObject'] }] });
    const asked = world.traffic.since(mark, ({ proxy }) => proxy === 'rotated');
    expect(asked.map(({ operation }) => operation)).toEqual(
      expect.arrayContaining(['PutBucketTagging', 'PutBucketPolicy']),
    );
    // Not one call with the old credentials.
    expect(asked.filter(({ status }) => status === 401 || status === 403)).toEqual([]);
  });

  it('has its new credentials given to the server that copies to its buckets', async () => {
    const copies = 'credentials-copies';
    const [first, second] = [await issuePair('copying-first', copies), await issuePair('copying-second', copies)];
    await world.kube.create('Secret', namespace, 'copies', secretData(first));
    await createProvider('copies');
    const versioning = { enabled: true };
    await world.kube.create('Bucket', namespace, 'copies', bucketSpec('copies', copies, { versioning }));
    const destination = { bucketRef: { name: 'copies' } };
    const replication = { rules: [{ id: 'all', destination }] };
    await world.kube.create(
      'Bucket',
      namespace,
      'source',
      bucketSpec('root', 'credentials-source', { versioning, replication }),
    );
    await world.kube.untilReady('Bucket', namespace, 'source', 60_000);
    const { client } = s3View(world.server('minio'));
    const arrives = async (key: string) => {
      await client.putObject('credentials-source', key, 'letter');
      const isThere = () => client.statObject(copies, key).then(Boolean, () => false);
      await until(isThere, Boolean, { what: `the copy of ${key} is there`, timeoutMs: 60_000 });
    };
    await arrives('before');

    const { status: before } = await world.kube.untilReady('Provider', namespace, 'copies');
    await noticed(
      'copies',
      () => world.kube.patch('Secret', namespace, 'copies', secretData(second)),
      (provider) => isReady(provider) && provider.status?.credentialsVersion !== before?.credentialsVersion,
    );
    await world.kube.delete('AccessKey', namespace, 'copying-first');
    await world.kube.untilGone('AccessKey', namespace, 'copying-first');
    await arrives('after');
  });

  it('may hold temporary credentials; a token of another session is told, and new ones heal it', async () => {
    const sessionOf = async () => {
      const { endpoint, accessKey, secretKey, region } = world.server('minio');
      const sts = { stsEndpoint: endpoint, accessKey, secretKey, region, action: 'AssumeRole', durationSeconds: 900 };
      const { accessKey: id, secretKey: secret, sessionToken } = await new AssumeRoleProvider(sts).getCredentials();
      return { accessKey: id, secretKey: secret, sessionToken: sessionToken ?? '' };
    };
    const [first, second] = [await sessionOf(), await sessionOf()];
    const temporary = ({ sessionToken, ...pair }: Pair & { sessionToken: string }): Manifest => ({
      stringData: { ...(secretData(pair).stringData as object), 'session-token': sessionToken },
    });
    await world.kube.create('Secret', namespace, 'temporary', temporary(first));
    await createProvider('temporary', undefined, { sessionTokenSecretRef: { name: 'temporary' } });
    await world.kube.untilReady('Provider', namespace, 'temporary');
    await world.kube.create('Bucket', namespace, 'temporary', bucketSpec('temporary', 'temporary-bucket'));
    await world.kube.untilReady('Bucket', namespace, 'temporary');

    const mixed = { ...first, sessionToken: second.sessionToken };
    await world.kube.patch('Secret', namespace, 'temporary', temporary(mixed));
    const condition = await world.kube.untilNotReady('Provider', namespace, 'temporary', 'AuthFailed');
    expect(condition.message).toMatch(/session token is expired or invalid/);

    await noticed('temporary', () => world.kube.patch('Secret', namespace, 'temporary', temporary(second)), isReady);
  });

  it('puts no secret out', async () => {
    expect(world.secrets.size).toBeGreaterThan(3);
    expect(await world.findLeaks()).toEqual([]);
  });
});
