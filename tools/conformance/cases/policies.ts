import {
  DeleteBucketPolicyCommand,
  GetBucketPolicyCommand,
  PutBucketPolicyCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { until, type Manifest } from '../../harness/index.ts';
import { asLie, Lie, Mismatch, sayingOf, type Bench, type RawAnswer } from '../bench.ts';
import { holds, type SaysUnsupported, type Scenario } from '../scenario.ts';
import { anonymousOf, failureOf } from '../target.ts';
import { can, may, putObject } from './access.ts';
import { keyOf, type KeyInHand } from './keys.ts';

const open = {
  blockPublicAcls: false,
  blockPublicPolicy: false,
  ignorePublicAcls: false,
  restrictPublicBuckets: false,
};

/** A Bucket that may have a public policy, also where public policies are blocked by default. */
const makeBucket = async (bench: Bench, name: string, publicAccess: Manifest | undefined): Promise<string> => {
  await bench.declare('Bucket', name, {
    providerRef: { name: bench.provider },
    name: bench.named(name),
    ...(publicAccess === undefined ? {} : { publicAccess }),
  });
  const { isReady, unsupported, message } = await bench.settles('Bucket', name);
  if (!isReady && unsupported === undefined) throw new Mismatch(`Bucket ${name} is not Ready: ${message}`);
  return bench.named(name);
};

const policy = (bucketName: string, ...statement: readonly Manifest[]): Manifest => ({
  bucketRef: { name: bucketName },
  policy: { statement },
});

const objects = (path: string) => `arn:aws:s3:::\${bucket}/${path}`;
const readable = (path: string): Manifest => ({
  effect: 'Allow',
  principal: '*',
  action: 's3:GetObject',
  resource: objects(path),
});

/** The verdict on a BucketPolicy: nothing when it is applied, or what it says that the server lacks. */
const applies = async (bench: Bench, name: string): Promise<SaysUnsupported | undefined> => {
  const { isReady, unsupported, reason, message } = await bench.settles('BucketPolicy', name);
  if (unsupported !== undefined) return { unsupported };
  if (reason === 'RequestRefused' || reason === 'PolicyInvalid') return { unsupported: message };
  if (!isReady) throw new Mismatch(`BucketPolicy ${name} says Ready=False ${reason}: ${message}`);
  return undefined;
};

const documentOf = async (client: S3Client, Bucket: string): Promise<string | undefined> => {
  try {
    return (await client.send(new GetBucketPolicyCommand({ Bucket }))).Policy;
  } catch (error) {
    if (failureOf(error).startsWith('NoSuchBucketPolicy')) return undefined;
    throw error;
  }
};

/** A plain client puts a document there and looks at its effect, for as long as servers need to know of it. */
const tryPolicy = async (
  bench: Bench,
  Bucket: string,
  statement: Readonly<Record<string, unknown>>,
  hasEffect: () => Promise<boolean>,
): Promise<RawAnswer> => {
  const name = 'PutBucketPolicy';
  try {
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await bench.independent.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  } catch (error) {
    return { raw: 'refused', words: `${name}: ${failureOf(error)}.` };
  }
  const works = await until(hasEffect, (effect) => effect, { what: 'an effect', timeoutMs: 5_000 }).catch(() => false);
  return works
    ? { raw: 'works', words: `${name}: 200, and it has its effect.` }
    : { raw: 'ignored', words: `${name}: 200, and it has no effect.` };
};

const publicKey = 'public/object';
const privateKey = 'private/object';

const anonymous: Scenario = {
  profile: 'Policy',
  name: 'anonymous',
  async run(bench, it) {
    const feature = 'anonymous access';
    const bucket = bench.named('public');
    const nobody = anonymousOf(bench);
    const at = (key: string) => ({ bucket, key });
    await it(
      { feature, title: 'a bucket without a policy is closed to whoever does not sign in' },
      holds(async () => {
        await makeBucket(bench, 'public', open);
        await putObject(bench, bucket, publicKey);
        await putObject(bench, bucket, privateKey);
        await can(bench, nobody, at(publicKey), { refused: ['read', 'list', 'write'] });
      }),
    );
    const first = await it({ feature, title: 'allowed by a policy, everybody reads', decides: true }, async () => {
      await bench.declare('BucketPolicy', 'public', policy('public', readable('public/*')));
      const lack = await applies(bench, 'public');
      if (lack !== undefined) return lack;
      await can(bench, nobody, at(publicKey), { allowed: ['read'] }).catch(asLie);
      return undefined;
    });
    if (first !== 'holds') {
      await it(
        { feature, title: 'lacking, BucketPolicy and Bucket go all the same' },
        holds(async () => {
          await bench.deletes('BucketPolicy', 'public');
          await bench.deletes('Bucket', 'public');
        }),
      );
      return;
    }
    await it(
      { feature, title: 'the stored document names the bucket in place of ${bucket}' },
      holds(async () => {
        const document = await documentOf(bench.independent, bucket);
        if (document?.includes(`arn:aws:s3:::${bucket}/public/*`) !== true)
          throw new Mismatch(`the document is ${document ?? 'not there'}`);
      }),
    );
    await it(
      { feature, title: 'what the policy does not name stays closed' },
      holds(() => can(bench, nobody, at(privateKey), { refused: ['read', 'list', 'write', 'remove'] })),
    );
    await it({ feature, title: 'a deny outweighs the allow, or its lack is said' }, async () => {
      await putObject(bench, bucket, 'public/closed/object');
      await bench.change('BucketPolicy', 'public', {
        policy: { statement: [readable('public/*'), { ...readable('public/closed/*'), effect: 'Deny' }] },
      });
      const lack = await applies(bench, 'public');
      await can(bench, nobody, at('public/closed/object'), { refused: ['read'] });
      await can(bench, nobody, at(publicKey), { allowed: ['read'] });
      return lack;
    });
    await it(
      { feature, title: 'a changed policy has its new effect, and not its old one' },
      holds(async () => {
        await bench.change('BucketPolicy', 'public', { policy: { statement: [readable('private/*')] } });
        await bench.becomesReady('BucketPolicy', 'public');
        await can(bench, nobody, at(privateKey), { allowed: ['read'] });
        await can(bench, nobody, at(publicKey), { refused: ['read'] });
      }),
    );
    await it(
      { feature, title: 'listing can be allowed to everybody' },
      holds(async () => {
        const list = { effect: 'Allow', principal: '*', action: 's3:ListBucket', resource: 'arn:aws:s3:::${bucket}' };
        await bench.change('BucketPolicy', 'public', { policy: { statement: [list] } });
        await bench.becomesReady('BucketPolicy', 'public');
        await can(bench, nobody, at(publicKey), { allowed: ['list'], refused: ['read', 'write'] });
      }),
    );
    await it(
      { feature, title: 'a policy that somebody removed is put back, and told' },
      holds(async () => {
        await bench.independent.send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
        await bench.look('BucketPolicy', 'public');
        await can(bench, nobody, at(publicKey), { allowed: ['list'] });
        await bench.sees(
          'an Event DriftRepaired',
          () => bench.events('BucketPolicy', 'public'),
          (events) => events.some((event) => event.startsWith('DriftRepaired: ')),
        );
      }),
    );
    await it(
      { feature, title: 'a policy that somebody replaced is put back' },
      holds(async () => {
        const Policy = JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: '*',
              Action: ['s3:GetObject'],
              Resource: [`arn:aws:s3:::${bucket}/private/*`],
            },
          ],
        });
        const repairs = async () =>
          (await bench.events('BucketPolicy', 'public')).filter((event) => event.startsWith('DriftRepaired: '));
        const before = await repairs();
        await bench.independent.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
        await bench.look('BucketPolicy', 'public');
        await can(bench, nobody, at(privateKey), { allowed: ['list'], refused: ['read'] });
        await bench.becomesReady('BucketPolicy', 'public');
        // An Event may come later than what it tells.
        await bench.sees('an Event DriftRepaired', repairs, ({ length }) => length > before.length);
      }),
    );
    await it(
      { feature, title: 'settled, the document is not written again' },
      holds(async () => {
        const before = await bench.events('BucketPolicy', 'public');
        await bench.look('BucketPolicy', 'public');
        await bench.change('BucketPolicy', 'public', { policy: { version: '2012-10-17' } });
        await bench.becomesReady('BucketPolicy', 'public');
        const since = (await bench.events('BucketPolicy', 'public')).slice(before.length);
        if (since.length > 0) throw new Mismatch(`Events since: ${since.join('; ')}`);
      }),
    );
    await it(
      { feature, title: 'the policy goes with its BucketPolicy' },
      holds(async () => {
        await bench.deletes('BucketPolicy', 'public');
        const document = await documentOf(bench.independent, bucket);
        if (document !== undefined) throw new Mismatch(`the document is ${document}`);
        await can(bench, nobody, at(publicKey), { refused: ['read', 'list'] });
      }),
    );
    await it(
      { feature, title: 'the Bucket goes with its bucket' },
      holds(() => bench.deletes('Bucket', 'public')),
    );
  },
};

/** Whether a policy about a user has its effect, where the operator says that it has none. */
const tryUser = async (bench: Bench, bucket: string, { client }: KeyInHand): Promise<RawAnswer> => {
  const { userArn, userName = '' } = (await bench.get('AccessKey', 'user'))?.status ?? {};
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: [userArn ?? `arn:aws:iam:::user/${userName}`] },
    Action: ['s3:GetObject'],
    Resource: [`arn:aws:s3:::${bucket}/public/*`],
  };
  const mayRead = async () => (await may(client, 'read', bucket, publicKey)) === 'yes';
  return tryPolicy(bench, bucket, statement, mayRead).finally(() =>
    bench.independent.send(new DeleteBucketPolicyCommand({ Bucket: bucket })).catch(() => undefined),
  );
};

/** Statements about the user behind an AccessKey. */
const users: Scenario = {
  profile: 'Policy',
  name: 'users',
  async run(bench, it) {
    const feature = 'users';
    const bucket = bench.named('shared-with');
    let key: KeyInHand | undefined;
    const statement = (effect: 'Allow' | 'Deny', action: string, path: string): Manifest => ({
      effect,
      principal: { accessKeyRef: { name: 'user' } },
      action,
      resource: objects(path),
    });
    const first = await it(
      { feature, title: 'a policy allows what the user may not do by itself', decides: true },
      async () => {
        await makeBucket(bench, 'shared-with', undefined);
        await putObject(bench, bucket, publicKey);
        await putObject(bench, bucket, privateKey);
        await bench.declare('AccessKey', 'user', {
          providerRef: { name: bench.provider },
          policy: { statement: [{ effect: 'Allow', action: 's3:ListAllMyBuckets', resource: '*' }] },
        });
        const says = await bench.settles('AccessKey', 'user');
        if (says.unsupported !== undefined) return { unsupported: `There are no users: ${says.unsupported}` };
        key = await keyOf(bench, 'user');
        await can(bench, key.client, { bucket, key: publicKey }, { refused: ['read'] });
        await bench.declare(
          'BucketPolicy',
          'shared-with',
          policy('shared-with', statement('Allow', 's3:GetObject', 'public/*')),
        );
        const lack = await applies(bench, 'shared-with');
        if (lack !== undefined) return { ...lack, raw: await tryUser(bench, bucket, key) };
        await can(bench, key.client, { bucket, key: publicKey }, { allowed: ['read'] }).catch(asLie);
        return undefined;
      },
    );
    if (first === 'holds') {
      const user = () => {
        if (key === undefined) throw new Mismatch('there is no key');
        return key.client;
      };
      await it(
        { feature, title: 'what the policy does not name stays closed to the user' },
        holds(() => can(bench, user(), { bucket, key: privateKey }, { refused: ['read', 'write', 'list'] })),
      );
      await it(
        { feature, title: 'nobody else has the right that a user was given' },
        holds(() => can(bench, anonymousOf(bench), { bucket, key: publicKey }, { refused: ['read'] })),
      );
      await it(
        { feature, title: 'a deny for the user outweighs what it may do' },
        holds(async () => {
          await bench.change('AccessKey', 'user', {
            access: [{ bucketRef: { name: 'shared-with' }, level: 'ReadWrite' }],
          });
          await bench.becomesReady('AccessKey', 'user');
          await bench.change('BucketPolicy', 'shared-with', {
            policy: { statement: [statement('Deny', 's3:GetObject', 'private/*')] },
          });
          await bench.becomesReady('BucketPolicy', 'shared-with');
          await can(bench, user(), { bucket, key: publicKey }, { allowed: ['read', 'write'] });
          await can(bench, user(), { bucket, key: privateKey }, { refused: ['read'] });
        }),
      );
      await it(
        { feature, title: 'with the policy gone the user has its own rights alone' },
        holds(async () => {
          await bench.deletes('BucketPolicy', 'shared-with');
          await can(bench, user(), { bucket, key: privateKey }, { allowed: ['read'] });
        }),
      );
    } else {
      await it(
        { feature, title: 'lacking, the document that is said to have no effect goes with its BucketPolicy' },
        holds(async () => {
          await bench.deletes('BucketPolicy', 'shared-with');
          const document = await documentOf(bench.independent, bucket);
          if (document !== undefined) throw new Mismatch(`the document is ${document}`);
        }),
      );
    }
    await it(
      { feature, title: 'AccessKey and Bucket go' },
      holds(async () => {
        await bench.deletes('AccessKey', 'user');
        await bench.deletes('Bucket', 'shared-with');
      }),
    );
  },
};

/** What a document may say beside who, what and where. */
const statements: Scenario = {
  profile: 'Policy',
  name: 'statements',
  async run(bench, it) {
    const bucket = bench.named('spoken');
    const nobody = anonymousOf(bench);
    const arn = (path: string) => [`arn:aws:s3:::${bucket}/${path}`];
    const everybody = { Effect: 'Allow', Principal: '*' };
    const kinds: readonly {
      feature: string;
      statement: readonly Manifest[];
      check: () => Promise<void>;
      /** A statement of the kind as a plain client sends it, by which everybody may read the public object. */
      raw: Readonly<Record<string, unknown>>;
    }[] = [
      {
        feature: 'notAction',
        // Allowed is all but what is named: to read, and not to write.
        statement: [
          {
            effect: 'Allow',
            principal: '*',
            notAction: ['s3:PutObject', 's3:DeleteObject', 's3:PutObjectAcl'],
            resource: objects('public/*'),
          },
        ],
        check: () => can(bench, nobody, { bucket, key: publicKey }, { allowed: ['read'], refused: ['write'] }),
        raw: { ...everybody, NotAction: ['s3:PutObject'], Resource: arn('public/*') },
      },
      {
        feature: 'notResource',
        statement: [{ effect: 'Allow', principal: '*', action: 's3:GetObject', notResource: [objects('private/*')] }],
        check: async () => {
          await can(bench, nobody, { bucket, key: publicKey }, { allowed: ['read'] });
          await can(bench, nobody, { bucket, key: privateKey }, { refused: ['read'] });
        },
        raw: { ...everybody, Action: ['s3:GetObject'], NotResource: arn('private/*') },
      },
      {
        feature: 'conditions',
        statement: [
          {
            ...readable('public/*'),
            condition: { StringEquals: { 'aws:UserAgent': ['nobody has this user agent'] } },
          },
          {
            ...readable('private/*'),
            condition: { StringNotEquals: { 'aws:UserAgent': ['nobody has this user agent'] } },
          },
        ],
        check: async () => {
          await can(bench, nobody, { bucket, key: publicKey }, { refused: ['read'] });
          await can(bench, nobody, { bucket, key: privateKey }, { allowed: ['read'] });
        },
        raw: {
          ...everybody,
          Action: ['s3:GetObject'],
          Resource: arn('public/*'),
          Condition: { StringNotEquals: { 'aws:UserAgent': ['nobody has this user agent'] } },
        },
      },
      {
        feature: 'wildcards in actions',
        statement: [{ ...readable('public/*'), action: 's3:Get*' }],
        check: () => can(bench, nobody, { bucket, key: publicKey }, { allowed: ['read'], refused: ['write', 'list'] }),
        raw: { ...everybody, Action: ['s3:Get*'], Resource: arn('public/*') },
      },
    ];
    await it(
      { feature: 'wildcards in actions', title: 'a Bucket for the statements becomes Ready' },
      holds(async () => {
        await makeBucket(bench, 'spoken', open);
        await putObject(bench, bucket, publicKey);
        await putObject(bench, bucket, privateKey);
        await bench.declare('BucketPolicy', 'spoken', policy('spoken', readable('nothing/*')));
        await bench.settles('BucketPolicy', 'spoken');
      }),
    );
    const hasEffect = async () => (await may(nobody, 'read', bucket, publicKey)) === 'yes';
    for (const { feature, statement, check, raw } of kinds) {
      await it({ feature, title: 'a statement with it has its effect', decides: true }, async () => {
        await bench.change('BucketPolicy', 'spoken', { policy: { statement } });
        const lack = await applies(bench, 'spoken');
        if (lack !== undefined) return { ...lack, raw: await tryPolicy(bench, bucket, raw, hasEffect) };
        await check().catch(asLie);
        return undefined;
      });
    }
    await it(
      { feature: 'wildcards in actions', title: 'the policy and its Bucket go' },
      holds(async () => {
        await bench.deletes('BucketPolicy', 'spoken');
        await bench.deletes('Bucket', 'spoken');
      }),
    );
  },
};

/** Whose policy a bucket has, and which are refused. */
const rules: Scenario = {
  profile: 'Policy',
  name: 'rules',
  async run(bench, it) {
    const feature = 'rules';
    const bucket = bench.named('ruled');
    await it(
      { feature, title: 'the older of two BucketPolicies has the bucket, the other says so', decides: true },
      async () => {
        await makeBucket(bench, 'ruled', open);
        await bench.declare('BucketPolicy', 'ruled-older', policy('ruled', readable('public/*')));
        const lack = await applies(bench, 'ruled-older');
        if (lack !== undefined) return lack;
        await bench.declare('BucketPolicy', 'ruled-younger', policy('ruled', readable('private/*')));
        await bench.saysNotReady('BucketPolicy', 'ruled-younger', 'PolicyConflict');
        const document = (await documentOf(bench.independent, bucket)) ?? '';
        if (document.includes('/private/*') || !document.includes('/public/*'))
          throw new Mismatch(`the document is ${document}`);
        return undefined;
      },
    );
    await it(
      { feature, title: 'the Bucket of two BucketPolicies says PolicyConflict and stays Ready' },
      holds(async () => {
        await bench.sees(
          'PolicyConflict on the Bucket',
          () => bench.get('Bucket', 'ruled'),
          (object) =>
            object?.status?.conditions?.some(({ type, status }) => type === 'PolicyConflict' && status === 'True') ===
            true,
        );
        await bench.deletes('BucketPolicy', 'ruled-younger');
        await bench.deletes('BucketPolicy', 'ruled-older');
      }),
    );
    await it(
      { feature, title: 'a BucketPolicy without its Bucket waits, and says so' },
      holds(async () => {
        await bench.declare('BucketPolicy', 'lonely', policy('missing', readable('*')));
        await bench.saysNotReady('BucketPolicy', 'lonely', 'BucketNotFound');
        await bench.deletes('BucketPolicy', 'lonely');
      }),
    );
    await it(
      { feature, title: 'a policy that would shut the operator out does not' },
      holds(async () => {
        const everything = {
          effect: 'Deny',
          principal: '*',
          action: 's3:*',
          resource: ['arn:aws:s3:::${bucket}', objects('*')],
        };
        await bench.declare('BucketPolicy', 'lockout', policy('ruled', everything));
        // Where a policy says nothing to users, it shuts nobody out.
        await bench.saysNotReady('BucketPolicy', 'lockout', 'PolicyInvalid', 'Unsupported');
        const { reason } = await bench.settles('BucketPolicy', 'lockout');
        const document = await documentOf(bench.independent, bucket);
        if (reason === 'PolicyInvalid' && document !== undefined) throw new Mismatch(`the document is ${document}`);
        await bench.deletes('BucketPolicy', 'lockout');
      }),
    );
    const wrong: readonly (readonly [title: string, statement: Manifest])[] = [
      ["with IAM's capitals", { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: objects('*') }],
      ['without a principal', { effect: 'Allow', action: 's3:GetObject', resource: objects('*') }],
      ['with action and notAction', { ...readable('*'), notAction: 's3:PutObject' }],
      ['with an effect that does not exist', { ...readable('*'), effect: 'Permit' }],
    ];
    for (const [title, statement] of wrong) {
      await it(
        { feature, title: `a statement ${title} is refused before anything is sent` },
        holds(async () => {
          try {
            await bench.declare('BucketPolicy', 'wrong', policy('ruled', statement));
          } catch {
            return;
          }
          // Taken by the API server, it is refused by the controller.
          try {
            await bench.saysNotReady('BucketPolicy', 'wrong', 'PolicyInvalid');
          } finally {
            await bench.deletes('BucketPolicy', 'wrong');
          }
        }),
      );
    }
    await it(
      { feature, title: 'the Bucket goes with its bucket' },
      holds(() => bench.deletes('Bucket', 'ruled')),
    );
  },
};

/** How a BucketPolicy says that a block keeps it off. */
const refusals: readonly string[] = ['PublicPolicyBlocked', 'AccessDenied', 'RequestRefused', 'PolicyInvalid'];

/** A public policy on a bucket that is closed to the public. */
const block: Scenario = {
  profile: 'Policy',
  name: 'block',
  async run(bench, it) {
    const feature = 'public policies are blocked';
    const bucket = bench.named('closed');
    const nobody = anonymousOf(bench);
    await it(
      { feature, title: 'a public policy has no effect on a bucket that blocks such', decides: true },
      async () => {
        await bench.declare('Bucket', 'closed', {
          providerRef: { name: bench.provider },
          name: bucket,
          publicAccess: {},
        });
        const { unsupported } = await bench.settles('Bucket', 'closed');
        if (unsupported !== undefined) return { unsupported };
        await putObject(bench, bucket, publicKey);
        await bench.declare('BucketPolicy', 'closed', policy('closed', readable('public/*')));
        // Some refuse it, some store it and let nobody in.
        const { isReady } = await bench.sees(
          'the BucketPolicy is applied or refused',
          async () => sayingOf(await bench.get('BucketPolicy', 'closed')),
          (says) => says.isReady || refusals.includes(says.reason),
        );
        if (isReady)
          throw new Lie('The server shows a public access block, and has taken a public policy all the same.');
        await can(bench, nobody, { bucket, key: publicKey }, { refused: ['read'] });
        return undefined;
      },
    );
    await it(
      { feature, title: 'whoever does not sign in reads nothing from it' },
      holds(async () => {
        if ((await may(nobody, 'read', bucket, publicKey)) === 'yes') throw new Mismatch('everybody reads the object');
      }),
    );
    await it(
      { feature, title: 'BucketPolicy and Bucket go' },
      holds(async () => {
        await bench.deletes('BucketPolicy', 'closed');
        await bench.deletes('Bucket', 'closed');
      }),
    );
  },
};

export const policyScenarios: readonly Scenario[] = [anonymous, users, statements, rules, block];
