import {
  GetUserPolicyCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListUserPoliciesCommand,
  ListUsersCommand,
} from '@aws-sdk/client-iam';
import {
  pairIn,
  accessKeySpec,
  isReady,
  minioAdmin,
  type OurKind,
  type Pair,
  s3View,
  specChange,
  type Stored,
  until,
  type World,
} from '@operator/tools/harness';
import type { KeyOperation, KeySystem } from '@operator/tools/prove';
import { expect } from 'vitest';
import { base, baseBucket, type Scenario, type Trial } from './battery.ts';

/** What a server has of one user. */
interface Account {
  readonly keys: readonly string[];
  /** The documents of its policies. */
  readonly policies: readonly string[];
}

/** The users of a server, seen past the product. */
export interface Accounts {
  /** Undefined when there is no such user. */
  of(user: string): Promise<Account | undefined>;
  userNames(): Promise<readonly string[]>;
  /** Names of policies that stand by themselves, where there are such. */
  policyNames(): Promise<readonly string[]>;
  destroy(): void;
}

const onMinio = (world: World): Accounts => {
  const admin = minioAdmin(world.server('minio'));
  return {
    async of(user) {
      const found = await admin.user(user);
      if (found === undefined) return undefined;
      const policies = (found.policyName ?? '').split(',').filter((name) => name !== '');
      return {
        keys: await admin.keysOf(user),
        policies: await Promise.all(policies.map(async (name) => JSON.stringify(await admin.policy(name)))),
      };
    },
    userNames: () => admin.userNames(),
    policyNames: () => admin.policyNames(),
    destroy: () => undefined,
  };
};

const byIam = (world: World, server: KeySystem): Accounts => {
  const { endpoint, iamEndpoint = endpoint, region, accessKey, secretKey } = world.server(server);
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const iam = new IAMClient({ endpoint: iamEndpoint, region, credentials });
  const userNames = async (): Promise<readonly string[]> => {
    const { Users: users = [] } = await iam.send(new ListUsersCommand({}));
    return users.map(({ UserName: name = '' }) => name);
  };
  return {
    async of(UserName) {
      if (!(await userNames()).includes(UserName)) return undefined;
      const { AccessKeyMetadata: keys = [] } = await iam.send(new ListAccessKeysCommand({ UserName }));
      const { PolicyNames: names = [] } = await iam.send(new ListUserPoliciesCommand({ UserName }));
      const documents = names.map(async (PolicyName) => {
        const { PolicyDocument: document = '' } = await iam.send(new GetUserPolicyCommand({ UserName, PolicyName }));
        return decodeURIComponent(document);
      });
      return { keys: keys.map(({ AccessKeyId: id = '' }) => id), policies: await Promise.all(documents) };
    },
    userNames,
    policyNames: () => Promise.resolve([]),
    destroy: () => iam.destroy(),
  };
};

export const accountsOn = (world: World, server: KeySystem): Accounts =>
  server === 'minio' ? onMinio(world) : byIam(world, server);

interface KeyScenario extends Scenario {
  readonly server: KeySystem;
  readonly action: KeyOperation;
}

/** `given`: the world and the server's accounts, once they are there. */
export const keyScenarios = (
  server: KeySystem,
  given: () => { readonly world: World; readonly accounts: Accounts },
): readonly KeyScenario[] => {
  const secretName = (name: string) => `${name}-credentials`;
  const keyOf = async ({ namespace, name }: Trial) => given().world.kube.get('AccessKey', namespace, name);
  const ready = async ({ namespace, name }: Trial) =>
    given().world.kube.untilReady('AccessKey', namespace, name, 120_000);
  const create = async ({ namespace, name }: Trial, change = {}): Promise<void> => {
    await given().world.kube.create('AccessKey', namespace, name, accessKeySpec('provider', base, 'ReadOnly', change));
  };
  const createReady = async (trial: Trial): Promise<void> => {
    await create(trial);
    await ready(trial);
  };
  const change = async ({ namespace, name }: Trial, to: object): Promise<void> => {
    await given().world.kube.patch('AccessKey', namespace, name, { ...to });
  };

  const pairOf = async ({ namespace, name }: Trial): Promise<Pair> =>
    pairIn(await given().world.kube.get('Secret', namespace, secretName(name)));
  /** `in` of a pair that the server knows and that may not write; what it says else. */
  const verdictOn = async ({ namespace }: Trial, pair: Pair): Promise<string> => {
    const { endpoint, region } = given().world.server(server);
    const { client, sdk } = s3View({ endpoint, region, ...pair });
    try {
      await client.putObject(baseBucket(namespace), 'probe', 'content');
      return 'writes';
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'AccessDenied') return code ?? String(error);
      // The key is known, and has its rights: this it may do.
      await client.listObjectsV2(baseBucket(namespace), '', true).toArray();
      return 'reads';
    } finally {
      sdk.destroy();
    }
  };

  /**
   * One user, the key that the Secret holds and the status names, the former ones that are to live and no others; the rights asked for, and
   * each pair that is to live works.
   */
  const expectKey = async (trial: Trial, { mayWrite = false, former = [] as readonly Pair[] } = {}): Promise<void> => {
    const { status } = await ready(trial);
    const pair = await pairOf(trial);
    const account = await given().accounts.of(status?.userName ?? '');
    expect(account?.keys.toSorted()).toEqual([pair, ...former].map(({ accessKey }) => accessKey).toSorted());
    expect((status?.previousKeys ?? []).map(({ accessKeyId }) => accessKeyId)).toEqual(
      former.map(({ accessKey }) => accessKey),
    );
    expect(status).toMatchObject({ created: true, accessKeyId: pair.accessKey, secretName: secretName(trial.name) });
    // Where the server chooses ids, a kill may have left a key that it does not show yet: the status says so for a while.
    expect(status?.keyIntent?.requests).toBeUndefined();
    if (server === 'minio') expect(status).not.toHaveProperty('keyIntent');
    expect(account?.policies).toHaveLength(1);
    expect(account?.policies[0]?.includes('s3:PutObject')).toBe(mayWrite);
    for (const each of [pair, ...former]) expect(await verdictOn(trial, each)).toBe(mayWrite ? 'writes' : 'reads');
  };

  const ask = (trial: Trial, annotation: 'rotate' | 'revoke', value: string): Promise<void> =>
    change(trial, { metadata: { annotations: { [`s3.cloud37.dev/${annotation}-requested-at`]: value } } });
  const statusOf = (object: Stored<OurKind> | undefined) => (object as Stored<'AccessKey'> | undefined)?.status;
  const isAnswered =
    (field: 'answeredRotateRequest' | 'answeredRevokeRequest') =>
    (object: Stored<OurKind> | undefined, { run }: Trial): boolean =>
      isReady(object) && statusOf(object)?.[field] === run;
  const untilAnswered = (
    trial: Trial,
    field: 'answeredRotateRequest' | 'answeredRevokeRequest',
    value: string,
  ): Promise<unknown> =>
    until(
      () => keyOf(trial),
      (object) => isReady(object) && object?.status?.[field] === value,
      { what: `${field} is ${value}`, timeoutMs: 120_000 },
    );
  /** One key, the same object in all trials. */
  const single = async (trial: Trial): Promise<void> => {
    if ((await keyOf(trial)) === undefined) await createReady(trial);
    await ask(trial, 'revoke', `single-${trial.run}`);
    await untilAnswered(trial, 'answeredRevokeRequest', `single-${trial.run}`);
  };
  /** By namespace, which each scenario has of its own. */
  const formerIn = new Map<string, Pair>();
  const remember = async (trial: Trial): Promise<void> => void formerIn.set(trial.namespace, await pairOf(trial));
  const former = ({ namespace }: Trial): Pair => {
    const pair = formerIn.get(namespace);
    if (pair === undefined) throw new Error(`nobody remembered a pair of ${namespace}`);
    return pair;
  };
  /** The current key, and a former one that stays for a week. */
  const rotated = async (trial: Trial): Promise<void> => {
    if ((await keyOf(trial)) === undefined) await createReady(trial);
    const rotate = { enabled: true, intervalDays: 90, previousKeysRetentionDays: 7 };
    await change(trial, {
      ...specChange({ rotate }),
      metadata: { annotations: { 's3.cloud37.dev/rotate-requested-at': `before-${trial.run}` } },
    });
    await untilAnswered(trial, 'answeredRotateRequest', `before-${trial.run}`);
    expect(statusOf(await keyOf(trial))?.previousKeys).toHaveLength(1);
  };

  const own = { kind: 'AccessKey', server } as const;
  const userNames = new Map<string, string>();
  return [
    { ...own, action: 'issue', act: create, check: expectKey },
    {
      // The user is taken over, its key is replaced.
      ...own,
      action: 'replace',
      prepare: createReady,
      act: ({ namespace, name }) => given().world.kube.delete('Secret', namespace, secretName(name)),
      // A lost Secret changes no generation: what must have changed is the key.
      isDone: (object, _trial, before) =>
        isReady(object) && statusOf(object)?.accessKeyId !== statusOf(before)?.accessKeyId,
      async check(trial) {
        await until(
          () => given().world.kube.get('Secret', trial.namespace, secretName(trial.name)),
          (secret) => secret !== undefined,
          { what: 'the Secret is there again' },
        );
        await expectKey(trial);
      },
    },
    {
      ...own,
      action: 'rights',
      prepare: createReady,
      act: (trial) => change(trial, specChange({ access: [{ bucketRef: { name: base }, level: 'ReadWrite' }] })),
      check: (trial) => expectKey(trial, { mayWrite: true }),
    },
    {
      ...own,
      action: 'rotate',
      staysOne: true,
      async prepare(trial) {
        await single(trial);
        await remember(trial);
      },
      act: (trial) => ask(trial, 'rotate', trial.run),
      isDone: isAnswered('answeredRotateRequest'),
      check: (trial) => expectKey(trial, { former: [former(trial)] }),
    },
    {
      ...own,
      action: 'retire',
      staysOne: true,
      prepare: rotated,
      // None outlives the retention that is asked for by now.
      act: (trial) => change(trial, specChange({ rotate: { previousKeysRetentionDays: 0 } })),
      check: expectKey,
    },
    {
      ...own,
      action: 'revoke',
      staysOne: true,
      async prepare(trial) {
        await rotated(trial);
        await remember(trial);
      },
      act: (trial) => ask(trial, 'revoke', trial.run),
      isDone: isAnswered('answeredRevokeRequest'),
      async check(trial) {
        await expectKey(trial);
        expect((await pairOf(trial)).accessKey).not.toBe(former(trial).accessKey);
      },
    },
    {
      ...own,
      action: 'delete',
      async prepare(trial) {
        await createReady(trial);
        userNames.set(trial.run, statusOf(await keyOf(trial))?.userName ?? '');
      },
      act: ({ namespace, name }) => given().world.kube.delete('AccessKey', namespace, name),
      async check({ namespace, name, run }) {
        const user = userNames.get(run) ?? '';
        expect(user).not.toBe('');
        expect(await given().accounts.of(user)).toBeUndefined();
        await given().world.kube.untilGone('Secret', namespace, secretName(name));
      },
    },
  ];
};
