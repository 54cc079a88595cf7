import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeactivateMFADeviceCommand,
  DeleteSSHPublicKeyCommand,
  DeleteServiceSpecificCredentialCommand,
  DeleteSigningCertificateCommand,
  DeleteVirtualMFADeviceCommand,
  ListMFADevicesCommand,
  ListSSHPublicKeysCommand,
  ListServiceSpecificCredentialsCommand,
  ListSigningCertificatesCommand,
  DeleteAccessKeyCommand,
  DeleteLoginProfileCommand,
  DeleteUserCommand,
  DeleteUserPermissionsBoundaryCommand,
  DeleteUserPolicyCommand,
  DetachUserPolicyCommand,
  GetUserCommand,
  GetUserPolicyCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListAttachedUserPoliciesCommand,
  ListGroupsForUserCommand,
  ListUserPoliciesCommand,
  ListUserTagsCommand,
  ListUsersCommand,
  PutUserPermissionsBoundaryCommand,
  PutUserPolicyCommand,
  RemoveUserFromGroupCommand,
  TagUserCommand,
  UntagUserCommand,
  type IAMClientResolvedConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  type User,
} from '@aws-sdk/client-iam';
import { ownerTagKeys, reasons } from '@operator/api';
import { Fault, redact, terminal, transient, waiting, type CallContext } from '@operator/outcome';
import { kinshipOf, markIn, tagsOfOwner } from '@operator/ownership';
import type { Command } from '@smithy/core/client';
import type { OwnerMark } from '../aspect.ts';
import { answerOf, answerOfFault } from '../wire-answer.ts';
import { faultFromError } from '../wire-fault.ts';
import {
  type Attachment,
  type KeyUser,
  type MarkedUser,
  type ObservedUser,
  type RenderedPolicy,
  mostUsersLookedAt,
} from '../key-issuer.ts';
import type { Tags } from '../owner-mark.ts';
import { operationOf, type HearHeaders, type Uplink } from '../uplink.ts';
import { type IamSettings, type IamUsers, iamUserNameFor, mayBeIamUserName } from './iam-key-issuer.ts';
import { conflict, exists, gone, limit } from './iam-codes.ts';
import { planUserTags, wantedUserTags } from './iam-user-tags.ts';
import {
  createManagedPolicies,
  documentIn,
  isLarge,
  tagList,
  type ManagedPolicy,
  type SendIam,
} from './managed-policy.ts';

const policyName = 's3-operator';

/** What others have put on a user of ours. */
interface ForeignRights {
  readonly policyNames: readonly string[];
  readonly policyArns: readonly string[];
  readonly groupNames: readonly string[];
}

/** What hangs on a user beside its inline policy: the managed one that is ours, and what others put there. */
interface RightsBeside extends ForeignRights {
  readonly managed: ManagedPolicy | undefined;
}

const countOf = ({ policyNames, policyArns, groupNames }: ForeignRights): number =>
  policyNames.length + policyArns.length + groupNames.length;

/**
 * A policy of Amazon's own that denies and allows nothing: what it attaches to a user whose key leaked, and what people attach to stop one.
 * Source: AWS managed policy reference, AWSCompromisedKeyQuarantineV3, AWSDenyAll.
 */
const denial = /^arn:aws[a-z-]*:iam::aws:policy\/(AWSCompromisedKeyQuarantine(?:V\d+)?|AWSDenyAll)$/;

const denialsIn = ({ policyArns }: ForeignRights): readonly string[] =>
  policyArns.flatMap((arn) => denial.exec(arn)?.[1] ?? []);

/** What of that gives rights, or may. */
const withoutDenials = <T extends ForeignRights>(rights: T): T => ({
  ...rights,
  policyArns: rights.policyArns.filter((arn) => !denial.test(arn)),
});

/** The path of all users that the operators of one cluster own. */
const pathOf = ({ cluster }: Pick<OwnerMark, 'cluster'>): string => `/s3-operator/${cluster}/`;

/** Users in one answer, the most that IAM gives; and answers that one search reads. Source: IAM API, ListUsers. */
const usersInPage = 1_000;
const mostPages = 50;

const tagsOf = ({ Tags = [] }: Pick<User, 'Tags'>): Tags =>
  new Map(Tags.map(({ Key, Value }) => [Key ?? '', Value ?? '']));

/** What IAM gives a user for whom no path was named; also what servers show that drop the path. */
const noPath = '/';

/** True when the tags are the mark of this very object. */
const isMarkOf = (tags: Tags, mark: OwnerMark): boolean => {
  const found = markIn(tags);
  return found !== undefined && kinshipOf(found, mark) === 'own';
};

interface ListPage {
  readonly IsTruncated?: boolean | undefined;
  readonly Marker?: string | undefined;
}

/** All pages of a list. A server that ignores the marker repeats its first page: nothing comes after a marker that came before. */
const allPages = async <Page extends ListPage>(
  list: (from: { readonly Marker?: string }) => Promise<Page | undefined>,
): Promise<readonly Page[]> => {
  const pages: Page[] = [];
  const markers = new Set<string>();
  for (let from: { readonly Marker?: string } | undefined = {}; from !== undefined;) {
    const page: Page | undefined = await list(from);
    const marker = page?.IsTruncated === true ? page.Marker : undefined;
    if (page === undefined || (marker !== undefined && markers.has(marker))) break;
    pages.push(page);
    if (marker !== undefined) markers.add(marker);
    from = marker === undefined ? undefined : { Marker: marker };
  }
  return pages;
};

/** The calls of a key issuer over the AWS IAM protocol. `hear`: gets the headers of every answer. */
export const createIamUsers = (uplink: Uplink, settings: IamSettings, hear: HearHeaders): IamUsers => {
  const { endpoint, region, credentials, userTags, managedPolicies, permissionsBoundaryArn } = settings;
  const target = { service: 'iam', endpoint };
  const client = new IAMClient({ ...uplink.clientSettings(credentials), endpoint, region });
  // A repeated CreateAccessKey would make a second key that nobody knows.
  const once = new IAMClient({ ...uplink.clientSettings(credentials, { singleAttempt: true }), endpoint, region });

  const send = async <Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: Command<Input, Output, IAMClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes>,
    context: CallContext,
    absentCodes: readonly string[] = [],
    through = client,
  ): Promise<Output | undefined> => {
    try {
      return await uplink.send(target, command, (options) => through.send(command, options), context, hear);
    } catch (error) {
      if (absentCodes.includes(answerOf(error)?.code ?? '')) return undefined;
      const call = { service: 'iam', operation: operationOf(command), endpoint };
      throw faultFromError(call, error);
    }
  };

  const managed = managedPolicies
    ? createManagedPolicies(send, {
        pathOf: ({ mark }) => pathOf(mark),
        isOwn: ({ mark }, Tags) => isMarkOf(tagsOf({ Tags: [...Tags] }), mark),
      })
    : undefined;

  const getUser = async ({ name }: KeyUser, context: CallContext): Promise<User | undefined> =>
    (await send(new GetUserCommand({ UserName: name }), context, gone))?.User;

  const listKeys = async ({ name: UserName }: KeyUser, context: CallContext) =>
    (await allPages((from) => send(new ListAccessKeysCommand({ UserName, ...from }), context, gone))).flatMap(
      ({ AccessKeyMetadata: keys = [] }) => keys,
    );

  const getPolicy = async ({ name }: KeyUser, context: CallContext): Promise<RenderedPolicy | undefined> => {
    const command = new GetUserPolicyCommand({ UserName: name, PolicyName: policyName });
    const document = (await send(command, context, gone))?.PolicyDocument;
    return document === undefined ? undefined : documentIn(document);
  };

  const updateTags = async (user: KeyUser, found: User, context: CallContext): Promise<void> => {
    if (!userTags) return;
    const { set, remove } = planUserTags(wantedUserTags(user), tagsOf(found));
    if (remove.length > 0) await send(new UntagUserCommand({ UserName: user.name, TagKeys: [...remove] }), context);
    if (set.size > 0) await send(new TagUserCommand({ UserName: user.name, Tags: tagList(set) }), context);
  };

  const deleteKey = async ({ name }: KeyUser, accessKeyId: string, context: CallContext): Promise<void> => {
    await send(new DeleteAccessKeyCommand({ UserName: name, AccessKeyId: accessKeyId }), context, gone);
  };

  /** As `send`, for what not every server has: undefined where it lacks the call. */
  const sendIfThere: SendIam = async (command, context) => {
    try {
      return await send(command, context, gone);
    } catch (error) {
      if (error instanceof Fault && error.reason === reasons.Unsupported) return undefined;
      throw error;
    }
  };

  /** True for a user without a path, on a server of which it is not known that it keeps paths. */
  const dropsPath = (path = noPath): boolean => !userTags && path === noPath;

  /** Undefined where the server lacks tags of users. */
  const listTags = async (UserName: string, context: CallContext): Promise<Tags | undefined> => {
    const found = await sendIfThere(new ListUserTagsCommand({ UserName }), context);
    return found && tagsOf(found);
  };

  /**
   * Whose a user of our name is. The name has a hash of the mark, and the path the cluster, so nobody else makes such a user by chance. Where
   * the server drops the path, the mark stands in tags; one that has neither, nor anything else, is ours from a creation that broke off.
   */
  const ownershipOf = async (
    found: User,
    user: KeyUser,
    context: CallContext,
  ): Promise<Pick<ObservedUser, 'isOurs' | 'isUnmarked'>> => {
    const { mark, name } = user;
    if (found.Path === pathOf(mark)) return { isOurs: (tagsOf(found).get(ownerTagKeys.uid) ?? mark.uid) === mark.uid };
    if (!dropsPath(found.Path)) return { isOurs: false };
    const tags = await listTags(name, context);
    if (tags === undefined) {
      const message = `The IAM service at ${endpoint} shows user ${name} and not its tags, so that nothing shows whose it is.`;
      throw transient(reasons.KeyNotUsableYet, message, { retryAfterMs: 30_000 });
    }
    if (isMarkOf(tags, mark)) return { isOurs: true };
    const isBare = tags.size === 0 && (await getPolicy(user, context)) === undefined && !(await hasMore(user, context));
    return isBare ? { isOurs: true, isUnmarked: true } : { isOurs: false };
  };

  const isBounded = ({ PermissionsBoundary }: Pick<User, 'PermissionsBoundary'>): boolean =>
    permissionsBoundaryArn === undefined ||
    (PermissionsBoundary?.PermissionsBoundaryArn ?? '') === permissionsBoundaryArn;

  /** For `promise.catch`. IAM says NoSuchEntity of the policy that is to be the boundary, and of a user that it does not show yet. */
  const explainBoundary = (error: unknown): never => {
    if (permissionsBoundaryArn === undefined || !gone.includes(answerOfFault(error)?.code ?? '')) throw error;
    throw waiting(
      reasons.RequestRefused,
      'IAM does not find the policy that spec.permissionsBoundaryArn of the Provider names. Until it does, no rights are given.',
      { retryAfterMs: 30_000 },
    );
  };

  /**
   * Gives the user the wanted permissions boundary, and reads it back: some servers take it and drop it.
   * @throws Fault `terminal` Unsupported where there is none; `waiting` RequestRefused while it does not show
   */
  const bind = async (
    { name }: KeyUser,
    found: Pick<User, 'PermissionsBoundary'>,
    context: CallContext,
  ): Promise<void> => {
    if (permissionsBoundaryArn === undefined || isBounded(found)) return;
    const UserName = name;
    const change =
      permissionsBoundaryArn === ''
        ? send(new DeleteUserPermissionsBoundaryCommand({ UserName }), context, gone)
        : send(
            new PutUserPermissionsBoundaryCommand({ UserName, PermissionsBoundary: permissionsBoundaryArn }),
            context,
          ).catch(explainBoundary);
    await change.catch((error: unknown) => {
      if (!(error instanceof Fault) || error.reason !== reasons.Unsupported) throw error;
      throw terminal(
        reasons.Unsupported,
        `The IAM service at ${endpoint} has no permissions boundaries, so that user ${name} gets no rights. Remove spec.permissionsBoundaryArn of the Provider to issue keys without one.`,
      );
    });
    const shown = (await send(new GetUserCommand({ UserName }), context, gone))?.User;
    if (shown !== undefined && isBounded(shown)) return;
    throw waiting(
      reasons.RequestRefused,
      `IAM took the permissions boundary of user ${name} and does not show it. Until it does, the user gets no rights.`,
      { retryAfterMs: 10_000 },
    );
  };

  /** Whether the user has keys, or rights beside our policy. */
  const hasMore = async (user: KeyUser, context: CallContext): Promise<boolean> =>
    (await listKeys(user, context)).length > 0 || countOf(await foreignRights(user, context)) > 0;

  /** Puts the mark into the tags of a user whose path the server dropped, and reads it back. @throws Fault `terminal` Unsupported */
  const markByTags = async ({ name, mark }: KeyUser, context: CallContext): Promise<void> => {
    await sendIfThere(new TagUserCommand({ UserName: name, Tags: tagList(tagsOfOwner(mark)) }), context);
    const tags = await listTags(name, context);
    if (tags !== undefined && isMarkOf(tags, mark)) return;
    await send(new DeleteUserCommand({ UserName: name }), context, gone);
    throw terminal(
      reasons.Unsupported,
      `The IAM service at ${endpoint} keeps neither the path nor the tags of a user, so that nothing would show whose it is. No AccessKeys can be issued there.`,
    );
  };

  /** What a user has beside our inline policy. It is ours alone, so what others have put there is to go. */
  const foreignRights = async (user: KeyUser, context: CallContext): Promise<RightsBeside> => {
    const UserName = user.name;
    const [inline, attached, memberships] = await Promise.all([
      allPages((from) => sendIfThere(new ListUserPoliciesCommand({ UserName, ...from }), context)),
      listAttached(UserName, context),
      allPages((from) => sendIfThere(new ListGroupsForUserCommand({ UserName, ...from }), context)),
    ]);
    const own = await managed?.readAmong(user, attached, context);
    return {
      managed: own,
      policyNames: inline.flatMap(({ PolicyNames: names = [] }) => names).filter((other) => other !== policyName),
      policyArns: attached.filter((arn) => arn !== own?.arn),
      groupNames: memberships.flatMap(({ Groups: all = [] }) => all.flatMap(({ GroupName }) => GroupName ?? [])),
    };
  };

  const listAttached = async (UserName: string, context: CallContext): Promise<readonly string[]> => {
    const pages = await allPages((from) =>
      sendIfThere(new ListAttachedUserPoliciesCommand({ UserName, ...from }), context),
    );
    return pages.flatMap(({ AttachedPolicies: all = [] }) => all.flatMap(({ PolicyArn }) => PolicyArn ?? []));
  };

  /** @returns what was removed */
  const removeRights = async (
    { name }: KeyUser,
    rights: ForeignRights,
    context: CallContext,
  ): Promise<readonly Attachment[]> => {
    const UserName = name;
    return [
      ...(await removeEach('inline policy', rights.policyNames, (PolicyName) =>
        send(new DeleteUserPolicyCommand({ UserName, PolicyName }), context, gone),
      )),
      ...(await removeEach('attached policy', rights.policyArns, (PolicyArn) =>
        send(new DetachUserPolicyCommand({ UserName, PolicyArn }), context, gone),
      )),
      ...(await removeEach('membership of group', rights.groupNames, (GroupName) =>
        send(new RemoveUserFromGroupCommand({ UserName, GroupName }), context, gone),
      )),
    ];
  };

  /** Removes each of a list. @returns those that were there: a list may lag, and show what is gone */
  const removeEach = async (
    kind: string,
    ids: readonly (string | undefined)[],
    remove: (id: string) => Promise<unknown>,
  ): Promise<readonly Attachment[]> => {
    const removed: Attachment[] = [];
    for (const name of ids) {
      if (name !== undefined && (await remove(name)) !== undefined) removed.push({ kind, name });
    }
    return removed;
  };

  /**
   * What a person can hang on a user beside rights, each with how it is removed. IAM keeps the user until all of it is gone.
   * Source: IAM API, DeleteUser.
   */
  const attachments = (
    UserName: string,
    context: CallContext,
  ): readonly { readonly what: string; readonly remove: () => Promise<readonly Attachment[]> }[] => [
    {
      what: 'its login profile',
      async remove() {
        const deleted = await sendIfThere(new DeleteLoginProfileCommand({ UserName }), context);
        return deleted === undefined ? [] : [{ kind: 'login profile' }];
      },
    },
    {
      what: 'its signing certificates',
      async remove() {
        const found = await sendIfThere(new ListSigningCertificatesCommand({ UserName }), context);
        const ids = (found?.Certificates ?? []).map((one) => one.CertificateId);
        return removeEach('signing certificate', ids, (CertificateId) =>
          sendIfThere(new DeleteSigningCertificateCommand({ UserName, CertificateId }), context),
        );
      },
    },
    {
      what: 'its SSH public keys',
      async remove() {
        const found = await sendIfThere(new ListSSHPublicKeysCommand({ UserName }), context);
        const ids = (found?.SSHPublicKeys ?? []).map((one) => one.SSHPublicKeyId);
        return removeEach('SSH public key', ids, (SSHPublicKeyId) =>
          sendIfThere(new DeleteSSHPublicKeyCommand({ UserName, SSHPublicKeyId }), context),
        );
      },
    },
    {
      what: 'its service-specific credentials',
      async remove() {
        const found = await sendIfThere(new ListServiceSpecificCredentialsCommand({ UserName }), context);
        const ids = (found?.ServiceSpecificCredentials ?? []).map((one) => one.ServiceSpecificCredentialId);
        return removeEach('service-specific credential', ids, (ServiceSpecificCredentialId) =>
          sendIfThere(new DeleteServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId }), context),
        );
      },
    },
    {
      what: 'its MFA devices',
      async remove() {
        const found = await sendIfThere(new ListMFADevicesCommand({ UserName }), context);
        const ids = (found?.MFADevices ?? []).map((one) => one.SerialNumber);
        return removeEach('MFA device', ids, async (SerialNumber) => {
          const taken = await sendIfThere(new DeactivateMFADeviceCommand({ UserName, SerialNumber }), context);
          // A virtual device has an ARN; a thing of metal has no other owner to take from.
          if (SerialNumber.startsWith('arn:'))
            await sendIfThere(new DeleteVirtualMFADeviceCommand({ SerialNumber }), context);
          return taken;
        });
      },
    },
  ];

  /** Removes what others have hung on the user. `denied`: the kinds that the credentials may not look for. */
  const detach = async ({ name }: KeyUser, context: CallContext) => {
    const denied: string[] = [];
    const removed: Attachment[] = [];
    for (const { what, remove } of attachments(name, context)) {
      await remove().then(
        (found) => removed.push(...found),
        (error: unknown) => {
          // Whether it matters is seen when the user is deleted: there may be nothing of that kind.
          if (!(error instanceof Fault) || error.reason !== reasons.AccessDenied) throw error;
          denied.push(what);
        },
      );
    }
    return { denied, removed };
  };

  const tryDelete = async ({ name }: KeyUser, context: CallContext): Promise<'deleted' | 'gone' | 'kept'> => {
    try {
      const deleted = await send(new DeleteUserCommand({ UserName: name }), context, gone);
      return deleted === undefined ? 'gone' : 'deleted';
    } catch (error) {
      if (conflict.includes(answerOfFault(error)?.code ?? '')) return 'kept';
      throw error;
    }
  };

  /** The users of a cluster by their path; of those without a path, all that could be. Not all servers heed the prefix. */
  const listOurs = async (cluster: string, context: CallContext) => {
    const PathPrefix = pathOf({ cluster });
    const users: { readonly name: string; readonly hasPath: boolean }[] = [];
    let Marker: string | undefined;
    for (let page = 1; page <= mostPages; page += 1) {
      const input = { PathPrefix, MaxItems: usersInPage, ...(Marker === undefined ? {} : { Marker }) };
      const answer = await send(new ListUsersCommand(input), context);
      for (const { UserName: name = '', Path } of answer?.Users ?? []) {
        if (Path === PathPrefix) users.push({ name, hasPath: true });
        else if (dropsPath(Path) && mayBeIamUserName(name)) users.push({ name, hasPath: false });
      }
      Marker = answer?.IsTruncated === true ? answer.Marker : undefined;
      if (Marker === undefined) return { users, isComplete: true };
    }
    return { users, isComplete: false };
  };

  /** Undefined: it is gone, or its tags do not fit its name. */
  const markedUser = async (
    { name, hasPath }: { readonly name: string; readonly hasPath: boolean },
    cluster: string,
    context: CallContext,
  ): Promise<MarkedUser | undefined> => {
    if (!hasPath) {
      const mark = markIn((await listTags(name, context)) ?? new Map());
      return mark?.cluster === cluster && iamUserNameFor(mark) === name ? { name, mark } : undefined;
    }
    if (!userTags) return { name, mark: undefined };
    const found = (await send(new GetUserCommand({ UserName: name }), context, gone))?.User;
    if (found?.Path !== pathOf({ cluster })) return undefined;
    const mark = markIn(new Map([...tagsOf(found), [ownerTagKeys.cluster, cluster]]));
    if (mark === undefined) return { name, mark };
    return iamUserNameFor(mark) === name ? { name, mark } : undefined;
  };

  const notOurs = (name: string): Fault =>
    waiting(reasons.NotOwned, `A user named ${name} exists and does not carry the mark of this object.`, {
      retryAfterMs: 300_000,
    });

  const notShown = (name: string): Fault =>
    transient(reasons.KeyNotUsableYet, `IAM has user ${name} and does not show it yet.`, { retryAfterMs: 5_000 });

  /** Removes our managed policy, attached or not. Who may not look for one has none. */
  const removeManaged = async (user: KeyUser, arn: string | undefined, context: CallContext): Promise<void> => {
    if (managed === undefined || arn === undefined) return;
    const own = await managed.readOf(user, arn, context).catch((error: unknown) => {
      if (error instanceof Fault && error.reason === reasons.AccessDenied) return undefined;
      throw error;
    });
    if (own !== undefined) await managed.remove(user, own, context);
  };

  return {
    async signsIn(other, context) {
      const settingsOfOther = uplink.clientSettings(other, { singleAttempt: true });
      const asOther = new IAMClient({ ...settingsOfOther, endpoint, region });
      try {
        await send(new GetUserCommand({}), context, [], asOther);
        return true;
      } catch (error) {
        if (error instanceof Fault && error.kind !== 'transient') return false;
        throw error;
      }
    },

    async observeUser(user, context) {
      const found = await getUser(user, context);
      if (found === undefined) return undefined;
      const arn = found.Arn ?? '';
      const ownership = await ownershipOf(found, user, context);
      if (!ownership.isOurs) return { arn, isOurs: false, policy: undefined, keys: [], needsUpdate: false };
      const [inline, keys, foreign] = await Promise.all([
        getPolicy(user, context),
        listKeys(user, context),
        foreignRights(user, context),
      ]);
      const changes = planUserTags(wantedUserTags(user), tagsOf(found));
      const denials = denialsIn(foreign);
      return {
        arn,
        ...ownership,
        ...policiesOf(inline, foreign.managed?.document),
        keys: keys.map(({ AccessKeyId, Status, CreateDate }) => ({
          accessKeyId: AccessKeyId ?? '',
          isActive: Status === 'Active',
          ...(CreateDate === undefined ? {} : { createdAt: CreateDate }),
        })),
        isBounded: isBounded(found),
        needsUpdate:
          ownership.isUnmarked === true ||
          !isBounded(found) ||
          countOf(withoutDenials(foreign)) > 0 ||
          (userTags && changes.set.size + changes.remove.length > 0),
        ...(denials.length === 0 ? {} : { denials }),
      };
    },

    async putUser(user, context) {
      const create = new CreateUserCommand({
        UserName: user.name,
        Path: pathOf(user.mark),
        ...(userTags ? { Tags: tagList(wantedUserTags(user)) } : {}),
        ...(permissionsBoundaryArn === undefined || permissionsBoundaryArn === ''
          ? {}
          : { PermissionsBoundary: permissionsBoundaryArn }),
      });
      const found = await getUser(user, context);
      if (found === undefined) {
        const made = await send(create, context, exists).catch(explainBoundary);
        if (made !== undefined) {
          if (dropsPath(made.User?.Path)) await markByTags(user, context);
          await bind(user, made.User ?? {}, context);
          return [];
        }
      }
      const existing = found ?? (await getUser(user, context));
      if (existing === undefined) {
        // Eventually consistent: what refuses the creation is not shown yet.
        throw notShown(user.name);
      }
      const { isOurs, isUnmarked } = await ownershipOf(existing, user, context);
      if (!isOurs) throw notOurs(user.name);
      if (isUnmarked === true) {
        await markByTags(user, context);
        await bind(user, existing, context);
        return [];
      }
      await bind(user, existing, context);
      const removed = await removeRights(user, withoutDenials(await foreignRights(user, context)), context);
      await updateTags(user, existing, context);
      return removed;
    },

    async putPolicy(user, policy, context) {
      const key = { UserName: user.name, PolicyName: policyName };
      // The one that is to be comes first: the user has at every moment what it had before, or is to have.
      if (managed !== undefined && policy !== undefined && isLarge(policy)) {
        const arn = (await getUser(user, context))?.Arn;
        if (arn === undefined) throw notShown(user.name);
        await managed.put(user, arn, policy, context);
        await send(new DeleteUserPolicyCommand(key), context, gone);
        return;
      }
      if (policy === undefined) await send(new DeleteUserPolicyCommand(key), context, gone);
      else await send(new PutUserPolicyCommand({ ...key, PolicyDocument: JSON.stringify(policy) }), context);
      if (managed === undefined) return;
      const former = await managed.readAmong(user, await listAttached(user.name, context), context);
      if (former !== undefined) await managed.remove(user, former, context);
    },

    async createKey({ name }, _pair, context) {
      const made = await send(new CreateAccessKeyCommand({ UserName: name }), context, limit, once);
      if (made === undefined) {
        throw waiting(reasons.KeyLimitReached, `The user ${name} holds two keys already, the most that IAM allows.`, {
          retryAfterMs: 60_000,
        });
      }
      const { AccessKeyId, SecretAccessKey } = made.AccessKey ?? {};
      if (AccessKeyId === undefined || SecretAccessKey === undefined) {
        throw waiting(reasons.NotAnS3Server, `CreateAccessKey at ${endpoint}: the answer has no key.`);
      }
      return { accessKeyId: AccessKeyId, secretAccessKey: redact(SecretAccessKey) };
    },

    deleteKey,

    async listUsers(cluster, isKnown, context) {
      const { users: listed, isComplete } = await listOurs(cluster, context);
      const unknown = listed.filter(({ name }) => !isKnown(name));
      const users: MarkedUser[] = [];
      for (const one of unknown.slice(0, mostUsersLookedAt)) {
        const user = await markedUser(one, cluster, context);
        if (user !== undefined) users.push(user);
      }
      return { users, isComplete: isComplete && unknown.length <= mostUsersLookedAt };
    },

    async deleteUser(user, context) {
      const found = await getUser(user, context);
      // One that is not shown may be too young to be: its name, which has a hash of the mark, is proof enough for going on.
      if (found !== undefined && !(await ownershipOf(found, user, context)).isOurs) throw notOurs(user.name);
      for (const { AccessKeyId } of await listKeys(user, context)) {
        if (AccessKeyId !== undefined) await deleteKey(user, AccessKeyId, context);
      }
      await send(new DeleteUserPolicyCommand({ UserName: user.name, PolicyName: policyName }), context, gone);
      await removeManaged(user, found?.Arn ?? user.arn, context);
      const first = await tryDelete(user, context);
      if (first === 'deleted') return [];
      // IAM keeps a user as long as others have put something on it.
      const { denied, removed } = first === 'kept' ? await detach(user, context) : { denied: [], removed: [] };
      const rights = await removeRights(user, await foreignRights(user, context), context);
      const second = await tryDelete(user, context);
      if (second === 'deleted') return [...removed, ...rights];
      if (second === 'gone') return undefined;
      throw waiting(
        reasons.RequestRefused,
        `IAM does not delete user ${user.name}, because something that others put on it is still there (DeleteConflict). ` +
          (denied.length === 0
            ? 'Remove it manually.'
            : `The Provider's credentials may not look for ${denied.join(', ')}: allow that, or remove them manually.`),
        { retryAfterMs: 300_000 },
      );
    },
  };
};

/** The policy of a user that may have both kinds, from a change that broke off. */
const policiesOf = (
  inline: RenderedPolicy | undefined,
  managed: RenderedPolicy | undefined,
): Pick<ObservedUser, 'policy' | 'hasTwoPolicies'> => {
  if (inline === undefined || managed === undefined) return { policy: managed ?? inline };
  const Statement: readonly unknown[] = [managed, inline].flatMap((policy) => policy.Statement);
  return { policy: { ...managed, Statement }, hasTwoPolicies: true };
};
