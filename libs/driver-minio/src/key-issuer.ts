import { reasons } from '@operator/api';
import { redact, waiting, type CallContext } from '@operator/outcome';
import {
  mostUsersLookedAt,
  type Attachment,
  type KeyIssuer,
  type KeyUser,
  type MarkedUser,
  type OwnerMark,
} from '@operator/s3';
import {
  addServiceAccount,
  addUser,
  attachPolicy,
  deleteServiceAccount,
  detachPolicies,
  getCannedPolicy,
  getUser,
  leaveGroup,
  listServiceAccounts,
  listUserNames,
  parentOf,
  putCannedPolicy,
  removeCannedPolicy,
  removeUser,
  updateServiceAccount,
  type AdminUser,
  type ServiceAccount,
} from './admin-api.ts';
import type { AdminClient } from './admin-client.ts';
import { markInPolicy, readUserPolicy, userPolicy, maxPolicyBytes } from './user-policy.ts';
import {
  isUserName,
  markInDescription,
  serviceAccountDescription,
  serviceAccountName,
  userNameFor,
} from './user-name.ts';

/** Names of attached policies that are not the user's own. */
const foreignPolicies = (name: string, user: AdminUser): readonly string[] =>
  user.policies.filter((policy) => policy !== name);

/** How many users of other clusters are remembered, so that they are not asked about again. */
const mostRemembered = 10_000;

/** Keys of ours that tell another display name than the user has by now; one that somebody else made tells none. */
const misnamed = (user: KeyUser, accounts: readonly ServiceAccount[]): readonly ServiceAccount[] => {
  const wanted = serviceAccountDescription(user);
  return accounts.filter(({ description }) => description !== wanted && isDescribedAs(user.mark, description));
};

/** Whether the description of a key is ours. */
const isDescribedAs = (mark: OwnerMark, description: string): boolean =>
  description.startsWith(serviceAccountDescription({ mark }));

/**
 * Issues keys on MinIO. Behind each AccessKey stands one user, the parent; its rights are one canned policy of the same name;
 * its keys are service accounts without a policy of their own, which have the parent's rights. So there may be many keys, and a
 * change of rights reaches all of them at once. The parent's own secret is random and never kept: nobody can log in as it.
 *
 * The user is created first and removed last: while anything of an AccessKey is left on the server, its user is there to show it.
 * `identity`: of the server. `randomSecret`: 40 unforeseeable characters.
 */
export const createKeyIssuer = (
  client: AdminClient,
  identity: string,
  randomSecret: () => string,
  /** Names of users of other clusters. */
  ofOthers = new Set<string>(),
): KeyIssuer => ({
  identity,
  maxKeysPerUser: Number.POSITIVE_INFINITY,
  // It has no access logs, reports or ACLs, and refuses a document with an action that it does not know.
  lacksActions: new Set([
    's3:PutBucketLogging',
    's3:PutInventoryConfiguration',
    's3:PutAnalyticsConfiguration',
    's3:Put*Acl',
    's3:PutBucketOwnershipControls',
  ]),
  // A version is deleted by who may delete the object. Tried: access-levels.integration.spec.ts.
  impliedActions: new Map([['s3:DeleteObjectVersion', 's3:DeleteObject']]),
  choosesPair: true,
  maxPolicyBytes,
  userNameFor,

  async observeUser(wanted, context) {
    const { name, mark } = wanted;
    const user = await getUser(client, name, context);
    if (user === undefined) return undefined;
    const isAttached = user.policies.includes(name);
    const stored = isAttached ? await getCannedPolicy(client, name, context) : undefined;
    const own = stored === undefined ? undefined : readUserPolicy(stored, mark);
    const accounts = await listServiceAccounts(client, name, context);
    return {
      arn: `arn:aws:iam:::user/${name}`,
      isOurs: own?.owner !== 'other',
      policy: own?.policy,
      // Whoever disabled the user wants its keys stopped: that is told, and not undone.
      keys: accounts.map(({ accessKeyId, isEnabled, description }) => ({
        accessKeyId,
        isActive: isEnabled && user.isEnabled,
        isMarked: isDescribedAs(mark, description),
      })),
      needsUpdate:
        foreignPolicies(name, user).length > 0 ||
        user.groups.length > 0 ||
        own?.owner === 'unknown' ||
        misnamed(wanted, accounts).length > 0,
    };
  },

  async putUser(wanted, context) {
    const { name, mark } = wanted;
    const user = await getUser(client, name, context);
    if (user === undefined) {
      await addUser(client, name, redact(randomSecret()), context);
      return [];
    }
    const foreign = foreignPolicies(name, user);
    const detached = [...foreign];
    // Whoever replaced our policy may have given rights that the comparison of documents would not show.
    if (user.policies.includes(name)) {
      const stored = await getCannedPolicy(client, name, context);
      if (stored !== undefined && readUserPolicy(stored, mark).owner === 'unknown') detached.push(name);
    }
    if (detached.length > 0) await detachPolicies(client, name, detached, context);
    // A group gives its members rights of its own.
    for (const group of user.groups) await leaveGroup(client, name, group, context);
    const description = serviceAccountDescription(wanted);
    for (const { accessKeyId } of misnamed(wanted, await listServiceAccounts(client, name, context))) {
      await updateServiceAccount(client, accessKeyId, { description }, context);
    }
    return attachmentsOf(foreign, user);
  },

  async putPolicy({ name, mark }, policy, context) {
    if (policy !== undefined) await putCannedPolicy(client, name, userPolicy(policy, mark), context);
    const user = await getUser(client, name, context);
    if (policy === undefined) {
      await detachAll(client, name, user, context);
      await removeCannedPolicy(client, name, context);
    } else if (user?.policies.includes(name) !== true) await attachPolicy(client, name, name, context);
  },

  async createKey(user, pair, context) {
    if (pair === undefined) throw new TypeError('on MinIO the caller chooses the key pair');
    const account = {
      parent: user.name,
      ...pair,
      name: serviceAccountName(user.mark),
      description: serviceAccountDescription(user),
    };
    if (await addServiceAccount(client, account, context)) return pair;
    // Taken: by an earlier attempt of ours whose answer was lost, or by somebody else.
    if ((await parentOf(client, pair.accessKeyId, context)) !== user.name) {
      throw waiting(
        reasons.NameTaken,
        `The access key id ${pair.accessKeyId} belongs to somebody else on this server.`,
        { retryAfterMs: 300_000 },
      );
    }
    await updateServiceAccount(client, pair.accessKeyId, { secret: pair.secretAccessKey }, context);
    return pair;
  },

  async deleteKey({ name }, accessKeyId, context) {
    // An id may have been taken up by somebody else since; only what hangs on our own user is removed.
    const isOurs = async () => (await parentOf(client, accessKeyId, context)) === name;
    if (!(await isOurs()) || (await deleteServiceAccount(client, accessKeyId, context)) || !(await isOurs())) return;
    throw waiting(
      reasons.AccessDenied,
      `The Provider's credentials may not remove the key ${accessKeyId}: they need admin:RemoveServiceAccount.`,
      {
        retryAfterMs: 60_000,
      },
    );
  },

  async listUsers(cluster, isKnown, context) {
    const unknown = (await listUserNames(client, context)).filter(
      (name) => isUserName(name) && !isKnown(name) && !ofOthers.has(name),
    );
    const users: MarkedUser[] = [];
    for (const name of unknown.slice(0, mostUsersLookedAt)) {
      const mark = await markOfUser(client, name, context);
      if (mark?.cluster === cluster) users.push({ name, mark });
      // A name has a digest of its mark, so that it never becomes ours.
      else if (mark !== undefined && ofOthers.size < mostRemembered) ofOthers.add(name);
    }
    return { users, isComplete: unknown.length <= mostUsersLookedAt };
  },

  async deleteUser({ name }, context) {
    const user = await getUser(client, name, context);
    // A disabled user counts as absent where policies are detached; it goes first, and its tie to the policy with it.
    const isDisabled = user?.isEnabled === false;
    const wasFirst = isDisabled && (await removeUser(client, name, context));
    if (!isDisabled) await detachAll(client, name, user, context);
    await removeCannedPolicy(client, name, context);
    const isRemoved = (await removeUser(client, name, context)) || wasFirst;
    if (!isRemoved) return undefined;
    return user === undefined ? [] : attachmentsOf(foreignPolicies(name, user), user);
  },
});

const attachmentsOf = (policies: readonly string[], { groups }: AdminUser): readonly Attachment[] => [
  ...policies.map((policy) => ({ kind: 'attached policy', name: policy })),
  ...groups.map((group) => ({ kind: 'membership of group', name: group })),
];

/** Whose a user is, as its policy or its keys say, and its name confirms; undefined when nothing of it tells. */
const markOfUser = async (client: AdminClient, name: string, context: CallContext): Promise<OwnerMark | undefined> => {
  const fits = (mark: OwnerMark | undefined): boolean => mark !== undefined && userNameFor(mark) === name;
  const policy = await getCannedPolicy(client, name, context);
  const inPolicy = policy && markInPolicy(policy);
  if (fits(inPolicy)) return inPolicy;
  const accounts = await listServiceAccounts(client, name, context);
  return accounts.map(({ description }) => markInDescription(description)).find(fits);
};

const detachAll = async (
  client: AdminClient,
  name: string,
  user: AdminUser | undefined,
  context: CallContext,
): Promise<void> => {
  if (user !== undefined && user.policies.length > 0) await detachPolicies(client, name, user.policies, context);
};
