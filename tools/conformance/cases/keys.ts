import type { S3Client } from '@aws-sdk/client-s3';
import type { Manifest } from '../../harness/index.ts';
import { asLie, Mismatch, sayingOf, type Bench } from '../bench.ts';
import { holds, type Scenario, type Try } from '../scenario.ts';
import { can, may, putObject, type Deed } from './access.ts';

/** A key pair out of the Secret of an AccessKey. */
export interface KeyInHand {
  readonly accessKey: string;
  readonly client: S3Client;
  /** All of the Secret. */
  readonly values: Readonly<Record<string, string>>;
}

const secretOf = async (bench: Bench, name: string): Promise<Readonly<Record<string, string>> | undefined> => {
  const secretName = (await bench.get('AccessKey', name))?.status?.secretName;
  const stored = await bench.kube.get('Secret', bench.namespace, secretName ?? `${name}-credentials`);
  if (stored?.data === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(stored.data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
};

/** Reads the key pair as an application would. */
export const keyOf = async (bench: Bench, name: string): Promise<KeyInHand> => {
  const values = await secretOf(bench, name);
  const accessKey = values?.['access-key-id'];
  const secretKey = values?.['secret-access-key'];
  if (values === undefined || accessKey === undefined || secretKey === undefined)
    throw new Mismatch(`the Secret has ${Object.keys(values ?? {}).join(', ')}`);
  bench.world.secrets.add(`the secret key of ${name}`, secretKey);
  return { accessKey, client: bench.clientWith({ accessKey, secretKey }), values };
};

const levels: readonly { level: string; allowed: readonly Deed[]; refused: readonly Deed[] }[] = [
  { level: 'ReadOnly', allowed: ['read', 'list'], refused: ['write', 'remove', 'settings'] },
  { level: 'WriteOnly', allowed: ['write'], refused: ['read', 'list', 'remove', 'settings'] },
  { level: 'ReadWrite', allowed: ['read', 'list', 'write', 'remove'], refused: ['settings'] },
  { level: 'Admin', allowed: ['read', 'list', 'write', 'remove', 'settings'], refused: [] },
];

const key = 'inside/object';

/** A Bucket with an object, for keys. */
const makeBucket = async (bench: Bench, name: string): Promise<string> => {
  await bench.declare('Bucket', name, { providerRef: { name: bench.provider }, name: bench.named(name) });
  await bench.becomesReady('Bucket', name);
  await putObject(bench, bench.named(name), key);
  await putObject(bench, bench.named(name), 'outside/object');
  return bench.named(name);
};

const accessTo = (bench: Bench, bucket: string, level: string, more: Manifest = {}): Manifest => ({
  providerRef: { name: bench.provider },
  access: [{ bucketRef: { name: bucket }, level, ...more }],
});

/** The first AccessKey of a scenario; without it the server issues no keys, as it says. */
const opens = (
  bench: Bench,
  it: Try,
  at: { feature: string; title: string; name: string },
  spec: () => Promise<Manifest>,
) =>
  it({ feature: at.feature, title: at.title, decides: true }, async () => {
    await bench.declare('AccessKey', at.name, await spec());
    const { isReady, unsupported, reason, message } = await bench.settles('AccessKey', at.name);
    if (unsupported !== undefined) return { unsupported };
    if (!isReady) throw new Mismatch(`AccessKey ${at.name} says Ready=False ${reason}: ${message}`);
    return undefined;
  });

/** The objects of a scenario on a server without keys go all the same. */
const goes = (bench: Bench, it: Try, feature: string, accessKey: string, bucket: string) =>
  it(
    { feature, title: 'AccessKey and Bucket go' },
    holds(async () => {
      await bench.deletes('AccessKey', accessKey);
      await bench.deletes('Bucket', bucket);
    }),
  );

const rights: Scenario = {
  profile: 'Keys',
  name: 'rights',
  async run(bench, it) {
    const feature = 'access levels';
    const bucket = bench.named('levels');
    const first = await opens(bench, it, { feature, title: 'an AccessKey becomes Ready', name: 'levels' }, async () => {
      await makeBucket(bench, 'levels');
      return accessTo(bench, 'levels', 'ReadOnly');
    });
    if (first === 'holds') {
      const user = async () => (await keyOf(bench, 'levels')).client;
      for (const { level, allowed, refused } of levels) {
        await it(
          {
            feature,
            title: `${level} may ${allowed.join(', ')}${refused.length === 0 ? '' : ` and not ${refused.join(', ')}`}`,
          },
          holds(async () => {
            await bench.change('AccessKey', 'levels', { access: [{ bucketRef: { name: 'levels' }, level }] });
            await bench.becomesReady('AccessKey', 'levels');
            // What is to be removed is there, whatever level came before.
            await putObject(bench, bucket, `${key}-written`);
            await can(bench, await user(), { bucket, key }, { allowed, refused });
          }),
        );
      }
      await it(
        { feature: 'access prefixes', title: 'a prefix holds the key to what begins so', decides: true },
        holds(async () => {
          await bench.change('AccessKey', 'levels', {
            access: [{ bucketRef: { name: 'levels' }, level: 'ReadWrite', prefix: 'inside/' }],
          });
          await bench.becomesReady('AccessKey', 'levels');
          await can(bench, await user(), { bucket, key }, { allowed: ['read', 'write', 'list', 'remove'] });
          const outside = { bucket, key: 'outside/object' };
          await can(bench, await user(), outside, { refused: ['read', 'write', 'list'] }).catch(asLie);
        }),
      );
      await it(
        { feature, title: 'another bucket stays closed' },
        holds(async () => {
          await makeBucket(bench, 'not-theirs');
          const elsewhere = { bucket: bench.named('not-theirs'), key };
          await can(bench, await user(), elsewhere, { refused: ['read', 'list', 'write'] });
        }),
      );
      await it(
        { feature, title: 'two buckets have two levels' },
        holds(async () => {
          await bench.change('AccessKey', 'levels', {
            access: [
              { bucketRef: { name: 'levels' }, level: 'ReadOnly' },
              { bucketRef: { name: 'not-theirs' }, level: 'WriteOnly' },
            ],
          });
          await bench.becomesReady('AccessKey', 'levels');
          await can(bench, await user(), { bucket, key }, { allowed: ['read'], refused: ['write'] });
          const elsewhere = { bucket: bench.named('not-theirs'), key };
          await can(bench, await user(), elsewhere, { allowed: ['write'], refused: ['read'] });
        }),
      );
      await it(
        { feature, title: 'a bucket that is no longer named is closed' },
        holds(async () => {
          await bench.change('AccessKey', 'levels', {
            access: [{ bucketRef: { name: 'not-theirs' }, level: 'ReadOnly' }],
          });
          await bench.becomesReady('AccessKey', 'levels');
          await can(bench, await user(), { bucket, key }, { refused: ['read', 'list', 'write'] });
        }),
      );
      await it(
        { feature, title: 'a policy of its own gives what no level gives' },
        holds(async () => {
          await bench.change('AccessKey', 'levels', {
            access: null,
            policy: {
              statement: [{ effect: 'Allow', action: 's3:GetObject', resource: `arn:aws:s3:::${bucket}/inside/*` }],
            },
          });
          await bench.becomesReady('AccessKey', 'levels');
          await can(bench, await user(), { bucket, key }, { allowed: ['read'], refused: ['list', 'write'] });
          await can(bench, await user(), { bucket, key: 'outside/object' }, { refused: ['read'] });
        }),
      );
      await it({ feature, title: 'a deny of its own outweighs its level, or is refused' }, async () => {
        await bench.change('AccessKey', 'levels', {
          access: [{ bucketRef: { name: 'levels' }, level: 'ReadWrite' }],
          policy: {
            statement: [{ effect: 'Deny', action: 's3:GetObject', resource: `arn:aws:s3:::${bucket}/outside/*` }],
          },
        });
        const { isReady, reason, message } = await bench.settles('AccessKey', 'levels');
        if (reason === 'PolicyInvalid') return { unsupported: message };
        if (!isReady) throw new Mismatch(`AccessKey levels says Ready=False ${reason}: ${message}`);
        await can(bench, await user(), { bucket, key }, { allowed: ['read', 'write'] });
        await can(bench, await user(), { bucket, key: 'outside/object' }, { refused: ['read'] });
        return undefined;
      });
      await it(
        { feature, title: 'a Bucket that no key names any more goes' },
        holds(() => bench.deletes('Bucket', 'not-theirs')),
      );
    }
    await goes(bench, it, feature, 'levels', 'levels');
  },
};

const life: Scenario = {
  profile: 'Keys',
  name: 'life',
  async run(bench, it) {
    const feature = 'life of a key';
    const bucket = bench.named('life');
    const at = { bucket, key };
    const named = { feature, title: 'a key is issued into a Secret, and works', name: 'life' };
    const first = await opens(bench, it, named, async () => {
      await makeBucket(bench, 'life');
      return accessTo(bench, 'life', 'ReadWrite');
    });
    if (first !== 'holds') {
      await it(
        { feature, title: 'lacking, no Secret is written' },
        holds(async () => {
          if ((await secretOf(bench, 'life')) !== undefined) throw new Mismatch('there is a Secret');
        }),
      );
      await goes(bench, it, feature, 'life', 'life');
      return;
    }
    let old: KeyInHand | undefined;
    const oldClient = () => {
      if (old === undefined) throw new Mismatch('there was no key before');
      return old.client;
    };
    /** The pair that replaced the last one works, and that one does not. */
    const isReplaced = async () => {
      const former = old?.accessKey;
      await bench.sees(
        'another key pair in the Secret',
        () => secretOf(bench, 'life'),
        (values) => values?.['access-key-id'] !== undefined && values['access-key-id'] !== former,
      );
      await bench.becomesReady('AccessKey', 'life');
      const next = await keyOf(bench, 'life');
      await can(bench, next.client, at, { allowed: ['read', 'write'] });
      await can(bench, oldClient(), at, { refused: ['read', 'write'] });
      old = next;
    };
    await it(
      { feature, title: 'the Secret has all that a client needs' },
      holds(async () => {
        old = await keyOf(bench, 'life');
        const { values } = old;
        const { target } = bench;
        const wanted: Readonly<Record<string, string>> = {
          AWS_ACCESS_KEY_ID: values['access-key-id'] ?? '',
          AWS_SECRET_ACCESS_KEY: values['secret-access-key'] ?? '',
          bucket,
          'force-path-style': String(target.pathStyle),
        };
        const wrong = Object.entries(wanted).filter(([name, value]) => values[name] !== value);
        const missing = ['endpoint', 'region', 'AWS_ENDPOINT_URL_S3', 'AWS_REGION'].filter(
          (name) => (values[name] ?? '') === '',
        );
        if (wrong.length + missing.length > 0)
          throw new Mismatch(`wrong: ${[...wrong.map(([name]) => name), ...missing].join(', ')}`);
        await can(bench, old.client, at, { allowed: ['read', 'write', 'list'] });
      }),
    );
    await it(
      { feature, title: 'the status has the id of the key, and no secret' },
      holds(async () => {
        const { status } = (await bench.get('AccessKey', 'life')) ?? {};
        if (status?.accessKeyId !== old?.accessKey) throw new Mismatch(`accessKeyId is ${String(status?.accessKeyId)}`);
        if (JSON.stringify(status).includes(old?.values['secret-access-key'] ?? 'none'))
          throw new Mismatch('the secret stands in the status');
      }),
    );
    await it(
      { feature, title: 'what somebody changed in the Secret is put back' },
      holds(async () => {
        await bench.kube.patch('Secret', bench.namespace, 'life-credentials', { stringData: { region: 'elsewhere' } });
        await bench.sees(
          'the region of the Provider',
          () => secretOf(bench, 'life'),
          (values) => values?.region === old?.values.region,
        );
        if ((await secretOf(bench, 'life'))?.['access-key-id'] !== old?.accessKey)
          throw new Mismatch('the key pair is another');
      }),
    );
    await it(
      { feature, title: 'a Secret that somebody deleted comes back with another key, and the lost one is revoked' },
      holds(async () => {
        await bench.kube.delete('Secret', bench.namespace, 'life-credentials');
        await isReplaced();
      }),
    );
    await it(
      { feature, title: 'a secret that somebody overwrote does not pass for the key' },
      holds(async () => {
        const wrong = { 'secret-access-key': 'x'.repeat(40), AWS_SECRET_ACCESS_KEY: 'x'.repeat(40) };
        await bench.kube.patch('Secret', bench.namespace, 'life-credentials', { stringData: wrong });
        // A key that is this young may not be known everywhere yet: it is replaced later, and said to be of no use until then.
        await bench.sees(
          'another key pair, or that this one is of no use',
          async () => ({
            id: (await secretOf(bench, 'life'))?.['access-key-id'],
            says: sayingOf(await bench.get('AccessKey', 'life')),
          }),
          ({ id, says }) => id !== old?.accessKey || !says.isReady,
        );
        await bench.kube.delete('Secret', bench.namespace, 'life-credentials');
        await isReplaced();
      }),
    );
    await it(
      { feature, title: 'two AccessKeys have two users, and the end of one is not that of the other' },
      holds(async () => {
        await bench.declare('AccessKey', 'second', accessTo(bench, 'life', 'ReadOnly'));
        await bench.becomesReady('AccessKey', 'second');
        const second = await keyOf(bench, 'second');
        if (second.accessKey === old?.accessKey) throw new Mismatch('both have the same key');
        await can(bench, second.client, at, { allowed: ['read'], refused: ['write'] });
        await bench.deletes('AccessKey', 'second');
        await can(bench, second.client, at, { refused: ['read'] });
        await can(bench, oldClient(), at, { allowed: ['read', 'write'] });
      }),
    );
    await it(
      { feature, title: 'settled, another look keeps the key pair' },
      holds(async () => {
        await bench.look('AccessKey', 'life');
        await bench.change('AccessKey', 'life', { secretLabels: { looked: 'again' } });
        await bench.becomesReady('AccessKey', 'life');
        if ((await secretOf(bench, 'life'))?.['access-key-id'] !== old?.accessKey)
          throw new Mismatch('the key pair is another');
      }),
    );
    await it(
      { feature, title: 'the key goes with its AccessKey, and so does the Secret' },
      holds(async () => {
        await bench.deletes('AccessKey', 'life');
        await can(bench, oldClient(), at, { refused: ['read', 'write'] });
        await bench.sees(
          'no Secret',
          () => bench.kube.get('Secret', bench.namespace, 'life-credentials'),
          (secret) => secret === undefined,
        );
      }),
    );
    await it(
      { feature, title: 'created again under its name, it has another key' },
      holds(async () => {
        await bench.declare('AccessKey', 'life', accessTo(bench, 'life', 'ReadOnly'));
        await bench.becomesReady('AccessKey', 'life');
        const next = await keyOf(bench, 'life');
        if (next.accessKey === old?.accessKey) throw new Mismatch('the key pair is the old one');
        await can(bench, next.client, at, { allowed: ['read'], refused: ['write'] });
        await can(bench, oldClient(), at, { refused: ['read'] });
      }),
    );
    await goes(bench, it, feature, 'life', 'life');
  },
};

const outputs: Scenario = {
  profile: 'Keys',
  name: 'Secrets',
  async run(bench, it) {
    const feature = 'Secrets';
    const first = await opens(
      bench,
      it,
      {
        feature,
        title: 'the Secret has the name, labels, annotations and keys that the spec asks for',
        name: 'output',
      },
      async () => {
        await makeBucket(bench, 'output');
        return {
          ...accessTo(bench, 'output', 'ReadOnly'),
          secretName: 'output-elsewhere',
          secretLabels: { team: 'storage' },
          secretAnnotations: { note: 'for the suite' },
          secretKeys: { 'access-key-id': 'id', 'secret-access-key': 'password' },
        };
      },
    );
    if (first === 'holds') {
      await it(
        { feature, title: 'it is where the spec says, and the old name is not' },
        holds(async () => {
          const secret = await bench.kube.get('Secret', bench.namespace, 'output-elsewhere');
          const { labels, annotations } = (secret?.metadata ?? {}) as {
            readonly labels?: Readonly<Record<string, string>>;
            readonly annotations?: Readonly<Record<string, string>>;
          };
          const names = Object.keys(secret?.data ?? {});
          const isWhole = names.includes('id') && names.includes('password') && !names.includes('access-key-id');
          if (!isWhole || labels?.team !== 'storage' || annotations?.note !== 'for the suite')
            throw new Mismatch(`keys ${names.join(', ')}, labels ${JSON.stringify(labels)}`);
        }),
      );
      await it(
        { feature, title: 'a Secret of somebody else is left alone, and the AccessKey says so' },
        holds(async () => {
          await bench.kube.create('Secret', bench.namespace, 'somebodys', { stringData: { mine: 'kept as it was' } });
          await bench.declare('AccessKey', 'rival', {
            ...accessTo(bench, 'output', 'ReadOnly'),
            secretName: 'somebodys',
          });
          await bench.saysNotReady('AccessKey', 'rival', 'SecretConflict');
          const secret = await bench.kube.get('Secret', bench.namespace, 'somebodys');
          if (Object.keys(secret?.data ?? {}).join() !== 'mine')
            throw new Mismatch(`it has ${Object.keys(secret?.data ?? {}).join()}`);
          await bench.deletes('AccessKey', 'rival');
          if ((await bench.kube.get('Secret', bench.namespace, 'somebodys')) === undefined)
            throw new Mismatch('the Secret of somebody else is gone');
        }),
      );
      await it(
        { feature, title: 'a key to a Bucket that is missing is not issued until it is there' },
        holds(async () => {
          await bench.declare('AccessKey', 'early', accessTo(bench, 'late', 'ReadOnly'));
          await bench.saysNotReady('AccessKey', 'early', 'BucketNotFound', 'BucketNotReady');
          await makeBucket(bench, 'late');
          await bench.becomesReady('AccessKey', 'early');
          const { client } = await keyOf(bench, 'early');
          await can(bench, client, { bucket: bench.named('late'), key }, { allowed: ['read'] });
          await bench.deletes('AccessKey', 'early');
          await bench.deletes('Bucket', 'late');
        }),
      );
      await it(
        { feature, title: 'an AccessKey without rights is told so in an Event, and can do nothing' },
        holds(async () => {
          await bench.declare('AccessKey', 'powerless', { providerRef: { name: bench.provider } });
          await bench.sees(
            'an Event NoRights',
            () => bench.events('AccessKey', 'powerless'),
            (events) => events.some((event) => event.startsWith('NoRights')),
          );
          await bench.sees(
            'the Secret',
            () => secretOf(bench, 'powerless'),
            (values) => values !== undefined,
          );
          const { client } = await keyOf(bench, 'powerless');
          const answer = await may(client, 'read', bench.named('output'), key);
          if (answer === 'yes') throw new Mismatch('it may read');
          await bench.deletes('AccessKey', 'powerless');
        }),
      );
    }
    await goes(bench, it, feature, 'output', 'output');
  },
};

export const keyScenarios: readonly Scenario[] = [rights, life, outputs];
