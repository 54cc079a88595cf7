import {
  AttachUserPolicyCommand,
  CreatePolicyCommand,
  DeleteUserCommand,
  DetachUserPolicyCommand,
  GetPolicyVersionCommand,
  GetUserPolicyCommand,
  IAMClient,
  ListAttachedUserPoliciesCommand,
  ListPoliciesCommand,
  ListPolicyVersionsCommand,
  ListUserPoliciesCommand,
} from '@aws-sdk/client-iam';
import type { CallContext } from '@operator/outcome';
import type { Driver, KeyIssuer, KeyUser, RenderedPolicy } from '@operator/s3';
import { driverDeps, ownerMark, recordingContext, startUnderTest, type ServerUnderTest } from '@operator/testing';
import { startMoto } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAwsDriver } from './aws-driver.ts';

let moto: ServerUnderTest;
let iam: IAMClient;
let driver: Driver;

beforeAll(async () => {
  moto = await startUnderTest(startMoto)();
  const { endpoint, region, credentials } = moto.connection;
  const { accessKeyId, secretAccessKey } = credentials;
  iam = new IAMClient({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey: secretAccessKey.reveal() },
  });
  driver = createAwsDriver(moto.connection, driverDeps());
});
afterAll(async () => {
  driver.close();
  iam.destroy();
  await moto.stop();
});

const issuer = (): KeyIssuer => {
  if (typeof driver.keys === 'string') throw new Error(driver.keys);
  return driver.keys;
};
const userOf = (name: string): KeyUser => {
  const mark = ownerMark({ name, uid: `uid-${name}` });
  return { name: issuer().userNameFor(mark), mark, tags: new Map() };
};
/** A document that allows one action in so many places; a hundred are too many for an inline policy. */
const allowing = (action: string, count: number): RenderedPolicy => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: [action],
      Resource: Array.from({ length: count }, (_, index) => `arn:aws:s3:::photos/${String(index)}/*`),
    },
  ],
});

/** What the user may do, as IAM itself shows it. */
const documentsOf = async (UserName: string) => {
  const { PolicyNames = [] } = await iam.send(new ListUserPoliciesCommand({ UserName }));
  const { AttachedPolicies = [] } = await iam.send(new ListAttachedUserPoliciesCommand({ UserName }));
  const inline: unknown[] = [];
  for (const PolicyName of PolicyNames) {
    const { PolicyDocument = '' } = await iam.send(new GetUserPolicyCommand({ UserName, PolicyName }));
    inline.push(JSON.parse(decodeURIComponent(PolicyDocument)));
  }
  const managed: unknown[] = [];
  for (const { PolicyArn } of AttachedPolicies) {
    const { Versions = [] } = await iam.send(new ListPolicyVersionsCommand({ PolicyArn }));
    const VersionId = Versions.find(({ IsDefaultVersion }) => IsDefaultVersion)?.VersionId;
    const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }));
    managed.push(JSON.parse(decodeURIComponent(PolicyVersion?.Document ?? '')));
  }
  return { inline, managed };
};
const policiesOfOurs = async (name: string) =>
  ((await iam.send(new ListPoliciesCommand({ Scope: 'Local' }))).Policies ?? []).filter(
    ({ PolicyName }) => PolicyName === name,
  );

class Killed extends Error {}
/** Ends after so many writes, as a process that is killed before it learns of the answer. */
const killedAfter = (writes: number): CallContext & { readonly done: () => number } => {
  const context = recordingContext();
  let made = 0;
  return {
    ...context,
    done: () => made,
    async call(call, run) {
      const result = await context.call(call, run);
      if (call.write && ++made === writes) throw new Killed(call.operation);
      return result;
    },
  };
};

const small = allowing('s3:GetObject', 2);
const otherSmall = allowing('s3:PutObject', 2);
const large = allowing('s3:GetObject', 100);
const otherLarge = allowing('s3:PutObject', 120);

it.each<[string, RenderedPolicy | undefined, RenderedPolicy | undefined]>([
  ['the first of a user', undefined, large],
  ['in the place of an inline one', small, large],
  ['with another content', large, otherLarge],
  ['that is inline again', large, otherSmall],
  ['that gives no rights any more', large, undefined],
])('a large policy %s is finished whichever write was the last one of a process', async (title, before, after) => {
  for (let writes = 1; ; writes += 1) {
    const user = userOf(`${title.replaceAll(/[^a-z]+/g, '')}-${String(writes)}`);
    const context = recordingContext();
    await issuer().putUser(user, context);
    await issuer().putPolicy(user, before, context);
    const killing = killedAfter(writes);
    const isKilled = await issuer()
      .putPolicy(user, after, killing)
      .then(
        () => false,
        (error: unknown) => {
          if (error instanceof Killed || killing.done() === writes) return true;
          throw error;
        },
      );
    const trial = `killed after write ${String(writes)}`;
    // At every moment it has all of what it had, or of what it is to have, and nothing else.
    const halfway = await documentsOf(user.name);
    const has = [...halfway.inline, ...halfway.managed];
    const may = [before, after].filter((policy) => policy !== undefined);
    expect(may, trial).toEqual(expect.arrayContaining(has));
    if (before !== undefined && after !== undefined) expect(has, trial).not.toEqual([]);

    // What is seen then is enough for the next process to know that it is not done.
    const seen = await issuer().observeUser(user, context);
    expect(seen, trial).toMatchObject({ isOurs: true, needsUpdate: false });
    const isSettled = JSON.stringify(seen?.policy) === JSON.stringify(after) && seen?.hasTwoPolicies !== true;
    if (!isSettled) await issuer().putPolicy(user, after, context);
    expect(await documentsOf(user.name), trial).toEqual({
      inline: after === otherSmall ? [after] : [],
      managed: after !== undefined && after !== otherSmall ? [after] : [],
    });
    expect(await issuer().observeUser(user, context)).toMatchObject({ needsUpdate: false });

    expect(await issuer().deleteUser(user, context), trial).toEqual([]);
    expect(await policiesOfOurs(user.name), trial).toEqual([]);
    if (!isKilled) {
      expect(writes).toBeGreaterThan(1);
      return;
    }
  }
});

it('a user with a large policy is gone with it, whichever write was the last one of a process', async () => {
  for (let writes = 1; ; writes += 1) {
    const user = userOf(`deleted-${String(writes)}`);
    const context = recordingContext();
    await issuer().putUser(user, context);
    await issuer().putPolicy(user, large, context);
    await issuer().putPolicy(user, otherLarge, context);
    await issuer().createKey(user, undefined, context);
    const killing = killedAfter(writes);
    await issuer()
      .deleteUser(user, killing)
      .catch(() => undefined);
    const isKilled = killing.done() >= writes;
    await issuer().deleteUser(user, context);
    expect(await issuer().observeUser(user, context)).toBeUndefined();
    expect(await policiesOfOurs(user.name), `killed after write ${String(writes)}`).toEqual([]);
    if (!isKilled) return;
  }
});

it('a large policy goes also where a person detached it and deleted the user', async () => {
  const user = userOf('lost');
  const context = recordingContext();
  await issuer().putUser(user, context);
  await issuer().putPolicy(user, large, context);
  const arn = (await issuer().observeUser(user, context))?.arn ?? '';
  const [policy] = await policiesOfOurs(user.name);
  await iam.send(new DetachUserPolicyCommand({ UserName: user.name, PolicyArn: policy?.Arn }));
  await iam.send(new DeleteUserCommand({ UserName: user.name }));
  expect(await issuer().observeUser(user, context)).toBeUndefined();
  expect(await issuer().deleteUser({ ...user, arn }, context)).toBeUndefined();
  expect(await policiesOfOurs(user.name)).toEqual([]);
});

it('keeps few versions of a large policy, however often it changes', async () => {
  const user = userOf('versions');
  const context = recordingContext();
  await issuer().putUser(user, context);
  for (let count = 100; count < 108; count += 1)
    await issuer().putPolicy(user, allowing('s3:GetObject', count), context);
  const [policy] = await policiesOfOurs(user.name);
  const { Versions = [] } = await iam.send(new ListPolicyVersionsCommand({ PolicyArn: policy?.Arn }));
  expect(Versions).toHaveLength(2);
  expect((await documentsOf(user.name)).managed).toEqual([allowing('s3:GetObject', 107)]);
});

it('a policy of the same name that is somebody else’s is neither used nor deleted, and taken off the user', async () => {
  const user = userOf('taken');
  const context = recordingContext();
  await issuer().putUser(user, context);
  await issuer().putPolicy(user, small, context);
  const Path = `/s3-operator/${user.mark.cluster}/`;
  const PolicyDocument = JSON.stringify(otherLarge);
  const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: user.name, Path, PolicyDocument }));
  await expect(issuer().putPolicy(user, large, context)).rejects.toMatchObject({ kind: 'waiting', reason: 'NotOwned' });
  expect(await documentsOf(user.name)).toEqual({ inline: [small], managed: [] });

  await iam.send(new AttachUserPolicyCommand({ UserName: user.name, PolicyArn: Policy?.Arn }));
  expect(await issuer().observeUser(user, context)).toMatchObject({ needsUpdate: true, policy: small });
  expect(await issuer().putUser(user, context)).toEqual([{ kind: 'attached policy', name: Policy?.Arn }]);
  expect(await issuer().deleteUser(user, context)).toEqual([]);
  expect(await policiesOfOurs(user.name)).toHaveLength(1);
});
