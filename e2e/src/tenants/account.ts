import {
  CloudTrailClient,
  CreateTrailCommand,
  GetEventSelectorsCommand,
  PutEventSelectorsCommand,
} from '@aws-sdk/client-cloudtrail';
import { conditionOf, s3View } from '@operator/tools/harness';
import { Found, platform, undisclosed, type Attempt, type Case } from './case.ts';

const serial = (whose: string): string => `arn:aws:iam::123456789012:mfa/${whose}`;
const seed = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

/** A Bucket on the tenant's own server, which hears the codes of the device that it names. @returns what it heard */
const mfaWith = async (given: Case, name: string, device: object): Promise<readonly string[]> => {
  const endpoint = await given.hostile({ owner: 'tenant' });
  await given.provider(name, endpoint.url);
  const versioning = { enabled: true, mfaDelete: true, mfaSecretRef: device };
  await given.bucket(name, name, given.freshName('source'), { versioning });
  await given.verdictBeyond('Bucket', name, name);
  await given.again('Bucket', name);
  if (endpoint.calls.some(({ headers, path, body }) => JSON.stringify([headers, path, body]).includes(seed)))
    throw new Found('harm', 'a seed was sent to the server');
  return endpoint.calls.flatMap(({ headers }) => headers['x-amz-mfa'] ?? []).flat();
};

/** A trail of the lender's account, and a Provider on that account that is lent to this attempt alone. */
const lentTrail = async (given: Case) => {
  const server = given.world.server('moto');
  const { endpoint, region, accessKey, secretKey } = server;
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const client = new CloudTrailClient({ endpoint, region, credentials });
  given.onClose(() => {
    client.destroy();
    return Promise.resolve();
  });
  const [provider, trail] = [given.freshName('trails'), given.freshName('trail')];
  await given.world.createProvider(platform, provider, {
    server: 'moto',
    endpoint,
    spec: { allowedNamespaces: { names: [given.namespace] } },
  });
  await given.admin.untilReady('Provider', platform, provider, 60_000);
  const { bucket: logs } = await given.lawfulBucket('shared-aws');
  await client.send(new CreateTrailCommand({ Name: trail, S3BucketName: logs }));
  const EventSelectors = [{ ReadWriteType: 'All' as const, IncludeManagementEvents: true, DataResources: [] }];
  await client.send(new PutEventSelectorsCommand({ TrailName: trail, EventSelectors }));
  const selectors = async (): Promise<string> =>
    JSON.stringify((await client.send(new GetEventSelectorsCommand({ TrailName: trail }))).EventSelectors);
  return { provider, trail, selectors };
};

/** What a lent MinIO answers to an object of so many bytes in the bucket. */
const writing = async (given: Case, bucket: string, bytes: number): Promise<string> =>
  s3View(given.world.server('minio'))
    .client.putObject(bucket, `of-${String(bytes)}`, 'x'.repeat(bytes))
    .then(
      () => 'done',
      (error: unknown) => (error as { code?: string }).code ?? String(error),
    );

/** A Bucket whose quota refuses two thousand bytes. */
const bounded = async (given: Case): Promise<string> => {
  const { name, bucket } = await given.lawfulBucket();
  for (const maxBytes of [1_500, 1_000]) {
    await given.again('Bucket', name, { quota: { maxBytes } });
    await given.admin.untilReady('Bucket', given.namespace, name, 60_000);
  }
  const answer = await writing(given, bucket, 2_000);
  if (answer !== 'XMinioAdminBucketQuotaExceeded') throw new Found('broken', `the quota is not there: ${answer}`);
  return name;
};

export const ofTheAccount: readonly Attempt[] = [
  {
    threat: 'T145',
    title: 'a borrower raises the quota that its bucket has, or removes it',
    async act(given) {
      const name = await bounded(given);
      for (const maxBytes of [1_000_000, 0]) {
        await given.again('Bucket', name, { quota: { maxBytes } });
        const answer = await writing(given, name, 2_000);
        if (answer !== 'XMinioAdminBucketQuotaExceeded')
          throw new Found('harm', `the quota was lifted to ${String(maxBytes)}: ${answer}`);
      }
      given.refuse('Bucket', name);
    },
    async twin(given) {
      await bounded(given);
    },
  },
  {
    threat: 'T136',
    title: 'the MFA device of another namespace is named, so that its codes go to a server of the tenant',
    async act(given) {
      const secret = given.freshName('device');
      await given.admin.create('Secret', undisclosed, secret, { stringData: { serial: serial('theirs'), seed } });
      // It has written down the names itself.
      given.namesHidden = false;
      for (const [name, device] of [
        ['plain', { name: secret }],
        ['elsewhere', { name: secret, namespace: undisclosed }],
      ] as const) {
        const codes = await mfaWith(given, name, device);
        if (codes.length > 0) throw new Found('harm', `a code of somebody else's device was sent: ${codes.join(', ')}`);
        given.refuse('Bucket', name);
      }
    },
    async twin(given) {
      await given.tenant.create('Secret', given.namespace, 'device', { stringData: { serial: serial('own'), seed } });
      const codes = await mfaWith(given, 'lawful', { name: 'device' });
      if (!codes.some((code) => code.startsWith(`${serial('own')} `)))
        throw new Error(`no code of the own device was sent: ${codes.join(', ')}`);
    },
  },
  {
    threat: 'T137',
    title: "a borrower changes a trail of the lender's account, one that exists, and asks for one that does not",
    async act(given) {
      const { provider, trail, selectors } = await lentTrail(given);
      const before = await selectors();
      const said = new Set<string>();
      for (const [name, named] of [
        ['there', trail],
        ['nowhere', 'nosuchtrail'],
      ] as const) {
        const providerRef = { name: provider, namespace: platform };
        const cloudTrail = { enabled: true, trail: named };
        await given.bucket(name, 'shared-aws', given.freshName('source'), { providerRef, cloudTrail });
        await given.verdict('Bucket', name);
        const ready = conditionOf(await given.again('Bucket', name), 'Ready');
        said.add(`${String(ready?.reason)} ${String(ready?.message)}`);
        given.refuse('Bucket', name);
      }
      const after = await selectors();
      if (before !== after) throw new Found('harm', `the trail was changed: ${before} became ${after}`);
      if (said.size !== 1) throw new Found('name', `the messages tell what exists: ${JSON.stringify([...said])}`);
    },
    async twin(given) {
      const { provider: name, trail, selectors } = await lentTrail(given);
      const bucket = given.freshName('recorded');
      await given.admin.create('Bucket', platform, bucket, {
        spec: { providerRef: { name }, name: bucket, cloudTrail: { enabled: true, trail } },
      });
      await given.admin.untilReady('Bucket', platform, bucket, 60_000);
      if (!(await selectors()).includes(`arn:aws:s3:::${bucket}/`)) throw new Error('the trail does not record it');
    },
  },
];
