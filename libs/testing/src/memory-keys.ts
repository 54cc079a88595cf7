import { redact, type CallContext } from '@operator/outcome';
import type { Credentials, KeyIssuer, OwnerMark } from '@operator/s3';

/** A user as the server has it; tests look at it and change it behind the operator's back. */
export interface MemoryUser {
  /** Empty for one whose creation broke off before its mark. */
  readonly owner: string;
  /** Of a user that was made by the issuer. */
  readonly mark?: OwnerMark;
  policy: Readonly<Record<string, unknown>> | undefined;
  tags: ReadonlyMap<string, string>;
  /** False while it has not the permissions boundary that is wanted. */
  isBounded?: boolean;
  /** Policies of others that only deny. */
  denials?: readonly string[];
  readonly keys: Map<string, { secret: string; isActive: boolean }>;
}

/** An issuer of keys in memory, for a reconciler's tests. `refusalOf`: the code with which a pair is refused; undefined when it signs in. */
export interface MemoryKeys {
  readonly users: Map<string, MemoryUser>;
  readonly issuer: KeyIssuer;
  readonly refusalOf: (credentials: Credentials) => string | undefined;
}

/** `choosesPair`: as MinIO, with many keys for a user; else as AWS, with two at most. */
export const createMemoryKeys = ({ choosesPair }: { readonly choosesPair: boolean }): MemoryKeys => {
  const users = new Map<string, MemoryUser>();
  const maxKeysPerUser = choosesPair ? 100 : 2;
  let made = 0;
  const call = <T>(context: CallContext, operation: string, run: () => T): Promise<T> =>
    context.call({ service: 'iam', operation, write: !operation.startsWith('Get') }, async () => run());
  const userNamed = (name: string): MemoryUser => {
    const user = users.get(name);
    if (user === undefined) throw new Error(`there is no user ${name}`);
    return user;
  };
  const issuer: KeyIssuer = {
    identity: 'memory+http://s3.test',
    maxKeysPerUser,
    lacksActions: new Set(),
    choosesPair,
    maxPolicyBytes: 2048,
    userNameFor: ({ namespace, name, uid }) => `${namespace}-${name}-${uid}`,
    observeUser: ({ name, mark, tags }, context) =>
      call(context, 'GetUser', () => {
        const user = users.get(name);
        return (
          user && {
            arn: `arn:aws:iam::1:user/${name}`,
            isOurs: user.owner === mark.uid || (user.owner === '' && user.policy === undefined && user.keys.size === 0),
            ...(user.owner === '' ? { isUnmarked: true } : {}),
            policy: user.policy,
            keys: [...user.keys].map(([accessKeyId, { isActive }]) => ({ accessKeyId, isActive })),
            ...(user.isBounded === undefined ? {} : { isBounded: user.isBounded }),
            ...(user.denials === undefined ? {} : { denials: user.denials }),
            needsUpdate:
              user.owner === '' ||
              user.isBounded === false ||
              JSON.stringify([...user.tags]) !== JSON.stringify([...tags]),
          }
        );
      }),
    putUser: ({ name, mark, tags }, context) =>
      call(context, 'PutUser', () => {
        const user = users.get(name);
        if (user === undefined) users.set(name, { owner: mark.uid, mark, policy: undefined, tags, keys: new Map() });
        else if (user.owner === '') {
          if (user.policy !== undefined) throw new Error(`the user ${name} has a policy and no mark: it is not ours`);
          users.set(name, { ...user, owner: mark.uid, mark, tags });
        } else {
          user.tags = tags;
          if (user.isBounded === false) user.isBounded = true;
        }
        return [];
      }),
    putPolicy: ({ name }, policy, context) =>
      call(context, 'PutPolicy', () => {
        userNamed(name).policy = policy;
      }),
    createKey: ({ name }, pair, context) =>
      call(context, 'CreateKey', () => {
        const { keys } = userNamed(name);
        if (keys.size >= maxKeysPerUser) throw new Error(`the user ${name} has ${String(keys.size)} keys already`);
        made += 1;
        const issued = pair ?? {
          accessKeyId: `AKIA${String(made)}`,
          secretAccessKey: redact(`secret-${String(made)}`),
        };
        keys.set(issued.accessKeyId, { secret: issued.secretAccessKey.reveal(), isActive: true });
        return issued;
      }),
    deleteKey: ({ name }, accessKeyId, context) =>
      call(context, 'DeleteKey', () => {
        users.get(name)?.keys.delete(accessKeyId);
      }),
    listUsers: (cluster, isKnown, context) =>
      call(context, 'GetUsers', () => ({
        users: [...users]
          .filter(([name, { mark }]) => mark?.cluster === cluster && !isKnown(name))
          .map(([name, { mark }]) => ({ name, mark })),
        isComplete: true,
      })),
    deleteUser: ({ name }, context) => call(context, 'DeleteUser', () => (users.delete(name) ? [] : undefined)),
  };
  return {
    users,
    issuer,
    refusalOf: ({ accessKeyId, secretAccessKey }) => {
      const key = [...users.values()].map(({ keys }) => keys.get(accessKeyId)).find((found) => found !== undefined);
      if (key?.isActive !== true) return 'InvalidAccessKeyId';
      return key.secret === secretAccessKey.reveal() ? undefined : 'SignatureDoesNotMatch';
    },
  };
};
