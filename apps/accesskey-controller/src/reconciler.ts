import type { AccessKeySpec, AccessKeyStatus } from '@operator/api';
import { conditionTypes, eventReasons, reasons } from '@operator/api';
import {
  Fault,
  blocked,
  onlyFault,
  progressing,
  reworded,
  settled,
  transient,
  waiting,
  type Outcome,
} from '@operator/outcome';
import { hashPolicy } from '@operator/policy';
import { keyOfReference, type Provided } from '@operator/references';
import type { Reconciler } from '@operator/runtime';
import type { ObservedKey } from '@operator/s3';
import { secretNameOf } from '@operator/secret-content';
import { applyKeys, applyRights, applyUser, removeKeys, type KeySeen } from './apply.ts';
import type { Candidate } from './candidates.ts';
import type { AccessKey, AccessKeyDeps } from './deps.ts';
import { finalizeAccessKey, leaveFormerProviders } from './finalize.ts';
import {
  observeOutput,
  observePair,
  observeUser,
  openPair,
  pairInSecret,
  rolloutPlace,
  verifyCandidate,
  type OutputSight,
  type PairSight,
  type UserSight,
} from './observe.ts';
import {
  isNewPair,
  isRotation,
  mostKeys,
  planKeys,
  planRemoval,
  type KeyPlan,
  type KeySight,
  type KeyWish,
} from './plan.ts';
import {
  claimsOfKeyFault,
  denialWarnings,
  foreignClaims,
  keyWarnings,
  nextRolloutLook,
  reportKey,
  rolloutClaims,
  sealKey,
  unsupportedKeyClaims,
  waitingClaims,
  withForeign,
  withPolicyHash,
  withPrevious,
  withoutIntent,
  type KeyFacts,
} from './report.ts';
import { onlyLess } from './rights.ts';
import { applyRollouts } from './rollouts.ts';
import { takeConfirmed, withoutProvider } from './withdraw.ts';
import { findRefusedTags, openWork, wishOf, type KeyPass, type KeyWork } from './work.ts';

/** Issues a key pair into a Secret, and keeps user, rights, key and Secret as the spec says. */
export const accessKeyReconciler = (deps: AccessKeyDeps): Reconciler<AccessKeySpec, AccessKeyStatus> => ({
  async reconcile(accessKey, pass) {
    const { spec, metadata, status } = accessKey;
    await leaveFormerProviders(accessKey, deps, pass);
    const provided = await deps.references
      .driverFor(spec.providerRef, metadata.namespace, pass.signal, { isNew: status?.userName === undefined })
      .catch(onlyFault);
    if (provided instanceof Fault) return withoutProvider(accessKey, provided, deps, pass);
    const outcome = await look(accessKey, provided, deps, pass);
    // Only what this pass has seen at the server is proved: a status that was merely kept may be anybody's.
    return { ...outcome, status: await sealKey(accessKey, outcome.status, deps.ownership, pass.signal) };
  },

  finalize: (accessKey, pass) => finalizeAccessKey(accessKey, deps, pass),

  whilePaused: (accessKey, pass) => takeConfirmed(accessKey, deps, pass),

  claimsOf: (fault, accessKey) => claimsOfKeyFault(fault, accessKey.status?.created === true),

  providerOf: ({ spec, metadata }) => keyOfReference(spec.providerRef, metadata.namespace),
});

const look = async (
  accessKey: AccessKey,
  provided: Provided,
  deps: AccessKeyDeps,
  pass: KeyPass,
): Promise<Outcome<AccessKeyStatus>> => {
  const work = await openWork(accessKey, provided, deps, pass);
  const seen = await observeUser(work);
  if (seen.user !== undefined) deps.places.saw(accessKey);
  // With a policy and without a mark a user would be somebody else's.
  if (seen.user?.isUnmarked === true) await applyUser(work, seen);
  // The boundary comes before all rights, and there is none that the owner of the key could spoil.
  else if (seen.user?.isBounded === false) {
    const fault = await applyUser(work, seen).catch(onlyFault);
    if (fault instanceof Fault) return takeAway(work, seen, fault);
  }
  await applyRights(work, seen);
  const refusedTags = findRefusedTags(work);
  if (refusedTags !== undefined) await applyUser(work, seen);
  // Rights are in line, as far as they can be; the rest waits for what is missing.
  const secret = refusedTags ?? seen.rights.missing ?? (await observePair(work, seen).catch(onlyFault));
  if (secret instanceof Fault) {
    const { policy, granted } = seen.rights;
    const status = withNothingRevoked(
      { ...withPolicyHash(work.memory, policy), grantedBuckets: [...granted] },
      work,
      seen.user?.keys,
    );
    // That a young key spreads is no failure, so the pauses do not grow.
    const { reason, message, retryAfterMs } = secret;
    return reason === reasons.KeyNotUsableYet
      ? progressing(status, { reason, message, steps: [], ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
      : blocked(status, secret);
  }
  const pairSeen = { ...seen, ...secret };
  const output = await observeOutput(work, pairSeen).catch(onlyFault);
  if (output instanceof Fault) return withoutOutput(work, pairSeen, output);
  return converge(work, { ...pairSeen, ...output });
};

/**
 * The user does not get its permissions boundary. Nothing is given without it, and what is to go waits for none: rights that are no longer
 * asked for, previous keys whose time is over, and all keys when they are revoked.
 */
const takeAway = async (work: KeyWork, seen: UserSight, fault: Fault): Promise<Outcome<AccessKeyStatus>> => {
  const { accessKey, memory, user, pass, deps } = work;
  const rights = onlyLess(seen.rights, seen.user?.policy, fault);
  const refusal = await applyRights(work, { ...seen, rights }).catch(onlyFault);
  // A Secret of somebody else's keeps no key alive.
  const opened = await openPair(work).catch(onlyFault);
  const pair = opened instanceof Fault ? undefined : opened.pair;
  deps.candidates.drop(accessKey.metadata.uid);
  const removal = planRemoval(sightOf(work, { ...seen, pair, isRefused: false }), memory, wishOf(work), pass.now);
  await removeKeys(work, removal);
  if (removal.isRevoked && removal.remove.length > 0) {
    const message = `Removed all keys of user ${user.name}: ${removal.remove.join(', ')}. It gets a new one when it has its permissions boundary.`;
    pass.event('Warning', eventReasons.AccessKeyRevoked, message);
  }
  const left = seen.user?.keys.filter(({ accessKeyId }) => !removal.remove.includes(accessKeyId)) ?? [];
  const known = withPrevious(removal.isRevoked ? withoutIntent(memory) : memory, removal.previous);
  if (refusal instanceof Fault) {
    const message = `${fault.message} Rights that are no longer asked for stay: ${refusal.message}`;
    return blocked(withNothingRevoked(known, work, left), reworded(fault, message));
  }
  const status = { ...withPolicyHash(known, rights.policy), grantedBuckets: [...rights.granted] };
  return blocked(withNothingRevoked(status, work, left), fault);
};

/** Where the user has no key, the owner of the Provider who asks to revoke it is answered. */
const withNothingRevoked = (
  status: AccessKeyStatus,
  { providerRevoke }: KeyWork,
  keys: readonly ObservedKey[] = [],
): AccessKeyStatus =>
  providerRevoke === undefined || keys.length > 0
    ? status
    : { ...status, answeredProviderRevokeRequest: providerRevoke };

/** The Secret cannot be as declared: it keeps what it has, and no pair is made that would never get there. Previous keys go in their time. */
const withoutOutput = async (
  work: KeyWork,
  seen: UserSight & PairSight,
  fault: Fault,
): Promise<Outcome<AccessKeyStatus>> => {
  const { accessKey, memory, deps } = work;
  const plan = planOf(work, seen, { ...wishOf(work), intervalMs: undefined, requests: {} });
  deps.candidates.drop(accessKey.metadata.uid);
  const isKept = plan.pair.is === 'keep';
  if (isKept) await removeKeys(work, plan);
  const { policy, granted } = seen.rights;
  const status = withPolicyHash(isKept ? withPrevious(memory, plan.previous) : memory, policy);
  return blocked(
    withNothingRevoked({ ...status, grantedBuckets: [...granted] }, work, seen.user?.keys),
    reworded(fault, `${fault.message} Until then the Secret stays as it is, and no key is issued, rotated or revoked.`),
  );
};

const sightOf = (
  { accessKey }: KeyWork,
  seen: Pick<UserSight, 'user'> & Pick<PairSight, 'pair' | 'isRefused'> & Partial<Pick<OutputSight, 'rollouts'>>,
  candidate?: Candidate,
): KeySight => ({
  inSecret: seen.pair?.accessKeyId,
  isRefused: seen.isRefused,
  keys: seen.user?.keys ?? [],
  candidate: candidate?.pair.accessKeyId,
  // What could not be looked at may roll out still.
  isRollingOut: seen.rollouts?.some(({ status }) => !status.finished) ?? (accessKey.spec.rollout ?? []).length > 0,
});

const planOf = (
  work: KeyWork,
  seen: UserSight & PairSight & Partial<OutputSight>,
  wish: KeyWish,
  candidate?: Candidate,
) => {
  const { issuer, memory, pass } = work;
  const limits = {
    now: pass.now,
    most: Math.min(issuer.maxKeysPerUser, mostKeys),
    choosesPair: issuer.choosesPair,
  };
  return planKeys(sightOf(work, seen, candidate), memory, wish, limits);
};

const converge = async (work: KeyWork, seen: KeySeen): Promise<Outcome<AccessKeyStatus>> => {
  const { accessKey, pass, deps } = work;
  const { uid } = accessKey.metadata;
  const candidate = deps.candidates.of(uid);
  const plan = planOf(work, seen, wishOf(work), candidate);
  if (plan.pair.is === 'leave') {
    await removeKeys(work, plan);
    throw waiting(
      reasons.KeyDisabled,
      `Key ${plan.pair.accessKeyId} was disabled at the provider. Enable or delete it there; a deleted key is replaced.`,
    );
  }
  if (seen.isRefused) {
    pass.event(
      'Warning',
      reasons.KeyRefused,
      `The server refuses key ${seen.pair?.accessKeyId ?? ''} with the secret that stands in the Secret; it is replaced.`,
    );
  }
  if (candidate !== undefined && plan.pair.is !== 'switch') deps.candidates.drop(uid);
  if (candidate !== undefined && plan.pair.is === 'switch') {
    const verdict = await verifyCandidate(work, candidate, seen);
    if (verdict !== 'works') return postpone(work, seen, candidate, verdict);
  }
  requireRoom(work, seen, plan);
  const { pair, keyIntent } = await applyKeys(work, seen, plan);
  // Pods are restarted for a pair that stands in Secret and status.
  if (work.steps.length === 0 && (await rollOut(work, seen))) work.steps.push('rollout');
  return report(work, seen, plan, { pair, keyIntent });
};

/** @throws Fault `waiting` KeyLimitReached where keys of others leave no room for one that is needed now */
const requireRoom = ({ issuer, user }: KeyWork, seen: KeySeen, { pair, remove, foreign }: KeyPlan): void => {
  const count = (seen.user?.keys.length ?? 0) - remove.length;
  if (pair.is !== 'issue' || foreign.length === 0 || count < issuer.maxKeysPerUser) return;
  throw waiting(
    reasons.KeyLimitReached,
    `User ${user.name} needs a new key, and keys that the operator did not make leave no room for it: ${foreign.join(', ')}. Delete them at the provider.`,
    { retryAfterMs: 60_000 },
  );
};

const rollOut = (work: KeyWork, seen: KeySeen): Promise<boolean> =>
  work.pass.step('rollout', () => applyRollouts(seen.rollouts, pairInSecret(work, seen), rolloutPlace(work)));

/** The new pair of a rotation does not work yet: that in the Secret stays. */
const postpone = (
  { memory, deps, accessKey, pass }: KeyWork,
  { rights }: KeySeen,
  { pair }: Candidate,
  verdict: 'waits' | 'refused',
): Outcome<AccessKeyStatus> => {
  const status = { ...withPolicyHash(memory, rights.policy), grantedBuckets: [...rights.granted] };
  if (verdict === 'waits') {
    return progressing(status, {
      reason: reasons.Rotating,
      message: `The server does not accept the new key ${pair.accessKeyId} yet; the Secret keeps the one that works.`,
      steps: [],
      retryAfterMs: 2_000,
    });
  }
  deps.candidates.drop(accessKey.metadata.uid);
  const message = `The server does not accept the new key ${pair.accessKeyId}. The Secret keeps the one that works; another one is tried.`;
  pass.event('Warning', reasons.KeyRefused, message);
  return blocked(status, transient(reasons.KeyRefused, message), [
    { type: conditionTypes.RotationFailed, status: 'True', reason: reasons.KeyRefused, message },
  ]);
};

const report = (
  { accessKey, provided, user, memory, steps, pass }: KeyWork,
  { rights, user: observed, rollouts }: KeySeen,
  plan: KeyPlan,
  { pair: { accessKeyId }, keyIntent }: Awaited<ReturnType<typeof applyKeys>>,
): Outcome<AccessKeyStatus> => {
  const facts: KeyFacts = {
    accessKeyId,
    userName: user.name,
    userArn: observed?.arn ?? memory.userArn,
    secretName: secretNameOf(accessKey),
    policyHash: rights.policy && hashPolicy(rights.policy),
    grantedBuckets: rights.granted,
    rollouts: rollouts.map(({ status }) => status),
  };
  const claims = [
    ...unsupportedKeyClaims(accessKey, provided.driver.unsupported),
    ...waitingClaims(plan),
    ...rolloutClaims(plan, facts.rollouts),
    ...foreignClaims(plan, user.name),
  ];
  const isVerified = steps.length === 0;
  const previous = plan.previous.filter((key) => !plan.retire.includes(key.accessKeyId));
  const former = withForeign(withPrevious(memory, previous), plan.foreign);
  const status = reportKey(former, facts, { isVerified, plan, keyIntent, now: pass.now });
  if (!isVerified) return progressing(status, { reason: progressReason(plan), steps, claims });
  const nextAt = Math.min(plan.nextAt?.getTime() ?? Infinity, nextRolloutLook(status, pass.now)?.getTime() ?? Infinity);
  const nextInMs = nextAt === Infinity ? undefined : Math.max(0, nextAt - pass.now.getTime());
  return settled(status, {
    claims,
    warnings: [...keyWarnings(accessKey), ...denialWarnings(observed ?? {}, user.name)],
    ...(nextInMs === undefined ? {} : { dueInMs: nextInMs }),
  });
};

const progressReason = ({ pair }: KeyPlan): string => {
  if (!isNewPair(pair) || !isRotation(pair.because)) return reasons.Converging;
  return pair.because === 'revoked' ? reasons.Revoking : reasons.Rotating;
};
