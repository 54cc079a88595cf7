import type { AccessKeyStatus } from '@operator/api';
import { annotations, bucketResource, conditionTypes, eventReasons, providerResource, reasons } from '@operator/api';
import { Fault, listFirst, oneLine, reworded, type Claim, type Warning } from '@operator/outcome';
import {
  describeProblems,
  explainRefusal,
  explainWide,
  findMismatches,
  findWideGrants,
  hashPolicy,
  type IamPolicy,
} from '@operator/policy';
import { isBorrowedBy, isProviderFault, providerNotReady, type Ownership, type Provided } from '@operator/references';
import type { Repair } from '@operator/runtime';
import type { Attachment, ObservedUser } from '@operator/s3';
import type { AccessKey } from './deps.ts';
import type { RolloutStatus } from './rollouts.ts';
import type { KeyPass, KeyWork } from './work.ts';
import {
  isNewPair,
  isPutIntoSecret,
  isRevocation,
  isYoung,
  propagationMs,
  requestsBehind,
  rolloutLookMs,
  type KeyPlan,
  type KeyRequests,
  type PreviousKey,
} from './plan.ts';

/** What is told by Ready alone: a Bucket that `access` names is missing, not granted, in doubt or not there yet. */
const bucketReasons: ReadonlySet<string> = new Set([
  reasons.BucketNotFound,
  reasons.BucketNotReady,
  reasons.OwnershipInDoubt,
  reasons.ReferenceNotGranted,
]);

/** The condition that a fault stands for on an AccessKey; `isCreated`: whether it has had a working key. */
export const claimsOfKeyFault = (fault: Fault, isCreated: boolean): readonly Claim[] => {
  const claim = (type: string): readonly Claim[] => [
    { type, status: 'True', reason: fault.reason, message: fault.message },
  ];
  if (isProviderFault(fault)) return [providerNotReady(fault)];
  if (bucketReasons.has(fault.reason)) return [];
  if (fault.reason === reasons.Unsupported) return claim(conditionTypes.Unsupported);
  if (fault.reason === reasons.KeyRefused) return claim(conditionTypes.KeyRefused);
  return fault.kind === 'transient' || isCreated ? [] : claim(conditionTypes.CreationFailed);
};

/**
 * Tells what the spec or an annotation asks for and this version or the server does not do; the key works all the same.
 * `unsupported`: the driver's own map.
 */
export const unsupportedKeyClaims = (
  { spec: { tags } }: Pick<AccessKey, 'spec'>,
  unsupported: ReadonlyMap<string, string>,
): readonly Claim[] => {
  const userTags = Object.keys(tags ?? {}).length > 0 ? unsupported.get('userTags') : undefined;
  if (userTags === undefined) return [];
  return [
    { type: conditionTypes.Unsupported, status: 'True', reason: reasons.Unsupported, message: `tags: ${userTags}` },
  ];
};

/** Ids of keys that the server lists. */
export const shownKeys = (ids: readonly string[]): string =>
  listFirst(
    ids.map((id) => oneLine(id, 128)),
    10,
  );

/** Tells a rotation that waits for room, and until when. */
export const waitingClaims = ({
  waits,
  previous,
  foreign,
}: Pick<KeyPlan, 'waits' | 'previous' | 'foreign'>): readonly Claim[] => {
  if (waits === undefined) return [];
  const [oldest] = previous;
  if (oldest === undefined && foreign.length > 0) {
    const message = `A rotation is ${waits}, and the server keeps no further key for this user: ${shownKeys(foreign)} ${foreign.length === 1 ? 'takes' : 'take'} its place. Delete what the operator did not make, at the provider.`;
    return [{ type: conditionTypes.RotationFailed, status: 'True', reason: reasons.RotationWaiting, message }];
  }
  const until = oldest === undefined ? '' : ` until ${oldest.expiresAt}, when key ${oldest.accessKeyId} expires`;
  const message =
    `A rotation is ${waits}, and the server keeps no further key for this user${until}. To remove that key now, set ${annotations.rotateRequestedAt} ` +
    `and ${annotations.force} to the same new value.`;
  return [{ type: conditionTypes.RotationFailed, status: 'True', reason: reasons.RotationWaiting, message }];
};

/** Tells keys of the user that somebody else made: the key pair works all the same. */
export const foreignClaims = ({ foreign }: Pick<KeyPlan, 'foreign'>, userName: string): readonly Claim[] => {
  if (foreign.length === 0) return [];
  const message =
    `User ${userName} has keys that the operator did not make: ${shownKeys(foreign)}. ` +
    `They have the same rights, and stay. Delete them at the provider, or set ${annotations.revokeRequestedAt} to a new value: that replaces the key pair and removes every other key.`;
  return [
    { type: conditionTypes.ForeignKeys, status: 'True', reason: reasons.ForeignKeys, message, onlyInforms: true },
  ];
};

/** Tells a former pair that stays beyond its time because Pods may use it, and until when. */
export const rolloutClaims = (
  { held }: Pick<KeyPlan, 'held'>,
  rollouts: readonly RolloutStatus[],
): readonly Claim[] => {
  if (held === undefined) return [];
  const unfinished = rollouts.filter(({ finished }) => !finished).map(({ kind, name }) => `${kind} ${name}`);
  const message =
    `The previous key ${held.accessKeyId} stays although its time is over: not all Pods of ${unfinished.join(', ')} have the new pair. ` +
    `It is removed when they have, or at ${held.until}.`;
  return [{ type: conditionTypes.RotationFailed, status: 'True', reason: reasons.RolloutPending, message }];
};

/** When rollouts that have not finished are looked at again: often within the first hour after a new pair. */
export const nextRolloutLook = ({ rollouts, lastRotateTime }: AccessKeyStatus, now: Date): Date | undefined => {
  const isUnfinished = rollouts?.some(({ finished }) => !finished) === true;
  const isRecent = lastRotateTime !== undefined && now.getTime() - Date.parse(lastRotateTime) < 3_600_000;
  return isUnfinished && isRecent ? new Date(now.getTime() + rolloutLookMs) : undefined;
};

/** What of a working key was most likely not meant: that it may do nothing or everything, and actions of its policy that match nothing. */
export const keyWarnings = ({ spec: { access, policy } }: Pick<AccessKey, 'spec'>): readonly Warning[] => {
  const isIdle = (access ?? []).length === 0 && policy?.statement.some(({ effect }) => effect === 'Allow') !== true;
  // But for its case the action is one, and a server that took the document knows it.
  const idle = policy === undefined ? [] : findMismatches(policy, 'identity').filter(({ is }) => is !== 'spelling');
  const wide = policy === undefined ? [] : findWideGrants(policy, 'identity');
  return [
    ...(isIdle
      ? [
          {
            reason: eventReasons.NoRights,
            message:
              'The key has no rights of its own: spec.access is empty, and spec.policy allows nothing. Set one of them, unless a bucket policy names its user.',
          },
        ]
      : []),
    ...(wide.length === 0
      ? []
      : [{ reason: eventReasons.WideGrant, message: explainWide(wide, 'spec.policy.statement') }]),
    ...(idle.length === 0
      ? []
      : [{ reason: eventReasons.MatchesNothing, message: `Without effect: spec.policy.${describeProblems(idle)}.` }]),
  ];
};

/** That others deny the user what it has: that stays, and asks for another key. */
export const denialWarnings = (
  { denials = [] }: Pick<ObservedUser, 'denials'>,
  userName: string,
): readonly Warning[] => {
  if (denials.length === 0) return [];
  const message =
    `User ${userName} has policies of others that only deny: ${listFirst(denials, 10)}. They stay. A key of it may have leaked: set ` +
    `${annotations.revokeRequestedAt} to a new value, which replaces the key pair and removes every other key. Then detach them at the provider.`;
  return [{ reason: eventReasons.DenialsAttached, message }];
};

const madeOf: ReadonlySet<string | undefined> = new Set([providerResource.kind, bucketResource.kind]);

/** Whether what was done to a key that was Ready undoes what somebody changed. A rotation does not, nor a Secret that follows its Provider or Bucket. */
export const isDrift = ({ reason, steps, cause }: Repair): boolean =>
  reason === reasons.Converging && !(madeOf.has(cause?.kind) && steps.every((step) => step === 'secret'));

/** A refusal of the policy by the server, with the statement that it is about and what was meant. For `promise.catch`. */
export const explainedBy =
  ({ policy }: AccessKey['spec']) =>
  (caught: unknown): never => {
    if (policy === undefined || !(caught instanceof Fault) || caught.reason !== reasons.PolicyInvalid) throw caught;
    const words = explainRefusal(policy, 'identity', caught.message);
    throw words === undefined ? caught : reworded(caught, words);
  };

/**
 * Tells what of others a write took off a user of ours. To whom the Provider is only lent, the names in the account of its owner are
 * nobody's business: they stand in the log.
 */
export const tellRemoved = (
  {
    accessKey,
    provided: { provider },
    user,
    pass,
  }: Pick<KeyWork, 'accessKey' | 'user'> & {
    readonly provided: Pick<Provided, 'provider'>;
    readonly pass: Pick<KeyPass, 'event'> & { readonly log: Pick<KeyPass['log'], 'info'> };
  },
  removed: readonly Attachment[],
): void => {
  if (removed.length === 0) return;
  const names = removed.map(({ kind, name }) => (name === undefined ? kind : `${kind} ${oneLine(name, 128)}`));
  pass.log.info(
    { event: eventReasons.AttachmentsRemoved, removed: names },
    `took off user ${user.name} what others had put there`,
  );
  const told = isBorrowedBy(accessKey, provider) ? countsOf(removed) : listFirst(names, 10);
  const message = `Removed from user ${user.name} what somebody else had put there: ${told}. The user is the operator's alone.`;
  pass.event('Warning', eventReasons.AttachmentsRemoved, message);
};

const countsOf = (removed: readonly Attachment[]): string =>
  [...new Set(removed.map(({ kind }) => kind))]
    .map((kind) => `${kind} (${String(removed.filter((one) => one.kind === kind).length)})`)
    .join(', ');

/** What the server and the Secret have. */
export interface KeyFacts {
  readonly accessKeyId: string;
  readonly userName: string;
  /** Undefined until the user was seen. */
  readonly userArn: string | undefined;
  readonly secretName: string;
  readonly policyHash: string | undefined;
  /** `namespace/name` of the Buckets that the key has rights in. Undefined: as it was last proved. */
  readonly grantedBuckets: readonly string[] | undefined;
  readonly rollouts: readonly RolloutStatus[];
}

/** The status with these former pairs; without the field where there are none. */
export const withPrevious = (status: AccessKeyStatus, previous: readonly PreviousKey[]): AccessKeyStatus => {
  if (previous.length > 0) return { ...status, previousKeys: [...previous] };
  const { previousKeys, ...others } = status;
  return previousKeys === undefined ? status : others;
};

/** The status with these keys of others; without the field where there are none. */
export const withForeign = (status: AccessKeyStatus, foreign: readonly string[]): AccessKeyStatus => {
  if (foreign.length > 0) return { ...status, foreignKeys: foreign.slice(0, 100) };
  const { foreignKeys, ...others } = status;
  return foreignKeys === undefined ? status : others;
};

/** The status without a pair that was about to be made. */
export const withoutIntent = (status: AccessKeyStatus): AccessKeyStatus => {
  const { keyIntent, ...others } = status;
  return keyIntent === undefined ? status : others;
};

/** The status with the hash of the policy that the user has; without the field where it has none. */
export const withPolicyHash = (status: AccessKeyStatus, policy: IamPolicy | undefined): AccessKeyStatus => {
  if (policy !== undefined) return { ...status, policyHash: hashPolicy(policy) };
  const { policyHash, ...others } = status;
  return policyHash === undefined ? status : others;
};

/**
 * The status with its proof. What it leaves open of the Buckets in which the key has rights stays as it was last proved; an
 * empty list says that there are none.
 */
export const sealKey = async (
  accessKey: AccessKey,
  { grantedBuckets, ...status }: AccessKeyStatus,
  ownership: Pick<Ownership, 'sealAccessKey' | 'provenAccessKey'>,
  signal: AbortSignal,
): Promise<AccessKeyStatus> => {
  const granted = grantedBuckets ?? (await ownership.provenAccessKey(accessKey, signal))?.grantedBuckets ?? [];
  return ownership.sealAccessKey(
    granted.length === 0 ? status : { ...status, grantedBuckets: [...granted].sort() },
    accessKey,
    signal,
  );
};

/** What a report of a key rests on beside the facts. */
interface KeyProgress {
  /** True when the pair was seen to work. */
  readonly isVerified: boolean;
  readonly plan: Pick<KeyPlan, 'pair' | 'dueAt' | 'remove' | 'retire'>;
  /** What the status said before a pair was made. */
  readonly keyIntent?: AccessKeyStatus['keyIntent'];
  /** When the pair that the pass puts into the Secret was made; undefined where an earlier pass did that. */
  readonly madeAt?: Date | undefined;
  /** True where no key of ours can be hidden: we choose its id. */
  readonly choosesPair: boolean;
  readonly now: Date;
}

/**
 * The requests for which the pair in the Secret was made. A revocation is answered only by a look that shows no key to remove: a server may
 * take a removal without effect.
 */
const requestsOf = (
  former: AccessKeyStatus | undefined,
  accessKeyId: string,
  { plan }: KeyProgress,
): { readonly answered: KeyRequests; readonly open: KeyRequests } => {
  const { pair, remove, retire } = plan;
  // That of a rotation is not in the Secret yet.
  if (isNewPair(pair) && !isPutIntoSecret(pair)) return { answered: {}, open: {} };
  const all = isNewPair(pair) ? pair.answers : requestsBehind(accessKeyId, former ?? {});
  if (remove.length + retire.length === 0) return { answered: all, open: {} };
  const { rotate, ...open } = all;
  return { answered: rotate === undefined ? {} : { rotate }, open };
};

/**
 * What the status goes on saying of a pair that is made: the revocation that is open, and since when a key may have been made that nothing
 * names, as long as the server may show it still.
 */
const intentAfter = (
  { accessKeyId, lastRotateTime, isSame }: Pick<KeyFacts, 'accessKeyId'> & { lastRotateTime: string; isSame: boolean },
  open: KeyRequests,
  { plan: { pair }, keyIntent, madeAt, choosesPair, now }: KeyProgress,
): AccessKeyStatus['keyIntent'] => {
  if (keyIntent === undefined || (isNewPair(pair) && !isPutIntoSecret(pair))) return keyIntent;
  const { at, userName } = keyIntent;
  const isNamed =
    isSame && keyIntent.accessKeyId === accessKeyId
      ? at === lastRotateTime
      : madeAt !== undefined && Date.parse(at) >= madeAt.getTime();
  const isHiding = !choosesPair && !isNamed && (isYoung(at, now) || isYoung(lastRotateTime, now));
  if (!isHiding && !isRevocation(open)) return undefined;
  const since = isHiding ? at : lastRotateTime;
  return { at: since, userName, accessKeyId, ...(isRevocation(open) ? { requests: open } : {}) };
};

/** When a key that the server may hide still is shown at the latest. */
export const nextStrayLook = ({ keyIntent, lastRotateTime }: AccessKeyStatus): Date | undefined =>
  keyIntent && new Date(Math.max(Date.parse(keyIntent.at), Date.parse(lastRotateTime ?? keyIntent.at)) + propagationMs);

/** The status of a key that stands at the server and in the Secret. */
export const reportKey = (
  former: AccessKeyStatus | undefined,
  facts: KeyFacts,
  progress: KeyProgress,
): AccessKeyStatus => {
  const { isVerified, plan, now } = progress;
  const { policyHash, userArn, grantedBuckets, rollouts, ...known } = facts;
  const isSame = former?.accessKeyId === facts.accessKeyId;
  const { answered, open } = requestsOf(former, facts.accessKeyId, progress);
  const rotate = answered.rotate ?? former?.answeredRotateRequest;
  const revoke = answered.revoke ?? former?.answeredRevokeRequest;
  const providerRevoke = answered.providerRevoke ?? former?.answeredProviderRevokeRequest;
  const lastRotateTime = (isSame ? former.lastRotateTime : undefined) ?? now.toISOString();
  const keyIntent = intentAfter({ accessKeyId: facts.accessKeyId, lastRotateTime, isSame }, open, progress);
  return {
    ...known,
    ...(userArn === undefined ? {} : { userArn }),
    created: isVerified || (isSame && former.created === true),
    ...(policyHash === undefined ? {} : { policyHash }),
    ...(grantedBuckets === undefined ? {} : { grantedBuckets }),
    pairGeneration: (former?.pairGeneration ?? 0) + (isSame && former.pairGeneration !== undefined ? 0 : 1),
    ...(rotate === undefined ? {} : { answeredRotateRequest: rotate }),
    ...(revoke === undefined ? {} : { answeredRevokeRequest: revoke }),
    ...(providerRevoke === undefined ? {} : { answeredProviderRevokeRequest: providerRevoke }),
    ...(plan.dueAt === undefined ? {} : { nextRotateTime: plan.dueAt.toISOString() }),
    lastRotateTime,
    ...(rollouts.length === 0 ? {} : { rollouts }),
    ...(keyIntent === undefined ? {} : { keyIntent }),
    ...(former?.foreignKeys === undefined ? {} : { foreignKeys: former.foreignKeys }),
    ...(former?.previousKeys === undefined ? {} : { previousKeys: former.previousKeys }),
  };
};
