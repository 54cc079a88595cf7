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
  type Settled,
} from '@operator/outcome';
import { hashPolicy } from '@operator/policy';
import { keyOfReference, type Provided } from '@operator/references';
import type { Reconciler } from '@operator/runtime';
import type { ObservedKey } from '@operator/s3';
import { secretNameOf } from '@operator/secret-content';
import { applyKeys, applyRights, applyUser, findUnwritable, removeKeys, type KeySeen } from './apply.ts';
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
  formerPairs,
  isNewPair,
  isRotation,
  isYoung,
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
  nextStrayLook,
  reportKey,
  rolloutClaims,
  sealKey,
  shownKeys,
  unsupportedKeyClaims,
  waitingClaims,
  withForeign,
  withPolicyHash,
  withPrevious,
  withoutIntent,
  type KeyFacts,
} from './report.ts';
import { asItStands, onlyLess, withoutDenials, type Rights } from './rights.ts';
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
  const found = await observeUser(work);
  if (found.user !== undefined) deps.places.saw(accessKey);
  // With a policy and without a mark a user would be somebody else's. The boundary comes before all rights; no owner of a key can spoil it.
  const comesFirst = found.user?.isUnmarked === true || found.user?.isBounded === false;
  const unbound = comesFirst ? await applyUser(work, found).catch(onlyFault) : undefined;
  if (unbound instanceof Fault) {
    const less = found.user?.isUnmarked === true ? asFound(found, unbound) : await giveLess(work, found, unbound);
    return withoutPair(work, less, less.rights.refused ?? unbound);
  }
  const seen = await giveRights(work, found);
  const outdated = comesFirst ? undefined : await applyUser(work, seen).catch(onlyFault);
  // The rights of keys that stand are in line, as far as they can be: what is refused beyond that is told at the end.
  const refused = seen.rights.refused ?? (outdated instanceof Fault ? outdated : findRefusedTags(work));
  const mayGoOn = seen.rights.missing === undefined && (seen.user?.keys.length ?? 0) > 0;
  const missing = mayGoOn ? undefined : (refused ?? seen.rights.missing);
  const secret = missing ?? (await observePair(work, seen).catch(onlyFault));
  if (secret instanceof Fault) return withoutPair(work, seen, secret);
  const pairSeen = { ...seen, ...secret };
  const output = await observeOutput(work, pairSeen).catch(onlyFault);
  if (output instanceof Fault) return withoutOutput(work, pairSeen, output);
  return converge(work, { ...pairSeen, ...output }, refused);
};

/** Brings the rights into line, as far as the server takes them. */
const giveRights = async (work: KeyWork, seen: UserSight): Promise<UserSight> => {
  const fault = await applyRights(work, seen).catch(onlyFault);
  if (!(fault instanceof Fault)) return seen;
  if (fault.kind !== 'transient') return giveLess(work, seen, seen.rights.refused ?? fault);
  return asFound(seen, fault);
};

const asFound = (seen: UserSight, fault: Fault): UserSight => ({
  ...seen,
  rights: asItStands(seen.user?.policy, seen.rights.buckets, fault),
});

/** Takes the rights that are no longer asked for; `fault`: why no others are given. */
const giveLess = async (work: KeyWork, seen: UserSight, fault: Fault): Promise<UserSight> => {
  const first = await tryLess(work, seen, fault);
  // What the server takes in no policy, or no more of, is a denial then: it must not keep what is to go.
  const mayBeDenial = first instanceof Fault && refusesPolicy.has(first.reason);
  const less = mayBeDenial ? await tryLess(work, { ...seen, rights: withoutDenials(seen.rights) }, fault) : first;
  if (!(less instanceof Fault)) return less;
  const stay = `${fault.message} Rights that are no longer asked for stay: ${less.message}`;
  return asFound(seen, reworded(fault, stay));
};

const refusesPolicy: ReadonlySet<string> = new Set([reasons.PolicyInvalid, reasons.LimitExceeded]);

const tryLess = async (work: KeyWork, seen: UserSight, fault: Fault): Promise<UserSight | Fault> => {
  const less = { ...seen, rights: onlyLess(seen.rights, seen.user?.policy, fault) };
  const refusal = await applyRights(work, less).catch(onlyFault);
  return refusal instanceof Fault ? refusal : less;
};

/**
 * A pair that is made now would have no rights, or get nowhere. What is to go waits for nothing: previous keys whose time is over, and
 * all keys when they are revoked.
 */
const withoutPair = async (
  work: KeyWork,
  { rights, user: found }: UserSight,
  fault: Fault,
): Promise<Outcome<AccessKeyStatus>> => {
  const { accessKey, memory, user, pass, deps } = work;
  const known = withRights(memory, rights);
  if (fault.kind === 'transient') return pause(withNothingRevoked(known, work, found?.keys), fault);
  // A Secret of somebody else's keeps no key alive.
  const opened = await openPair(work).catch(onlyFault);
  const pair = opened instanceof Fault ? undefined : opened.pair;
  const removal = planRemoval(sightOf(work, { user: found, pair, isRefused: false }), memory, wishOf(work), pass.now);
  if (removal.isRevoked) deps.candidates.drop(accessKey.metadata.uid);
  await removeKeys(work, removal);
  if (removal.isRevoked && removal.remove.length > 0) {
    const message = `Removed all keys of user ${user.name}: ${removal.remove.join(', ')}. A new one follows when this is settled: ${fault.message}`;
    pass.event('Warning', eventReasons.AccessKeyRevoked, message);
  }
  const left = await keysLeft(work, removal, found);
  const kept = removal.isRevoked && !mayAppear(work, known.keyIntent?.at) ? withoutIntent(known) : known;
  const status = withPrevious(kept, stillShown(removal, left, pass.now));
  const strayLook = removal.isRevoked ? nextStrayLook(status) : undefined;
  const isLeftDisabled = removal.isRevoked && fault.reason === reasons.KeyDisabled;
  const told = isLeftDisabled ? reworded(fault, `${fault.message} ${revocationWaits}`) : fault;
  return blocked(withNothingRevoked(status, work, left), told, [], dueAt(pass.now, removal.nextAt, strayLook));
};

/** What an outcome says of the first of these looks, which time alone asks for. */
const dueAt = (now: Date, ...looks: readonly (Date | undefined)[]): Pick<Settled<never>, 'dueInMs'> => {
  const first = Math.min(...looks.map((at) => at?.getTime() ?? Infinity));
  return first === Infinity ? {} : { dueInMs: Math.max(0, first - now.getTime()) };
};

const revocationWaits = 'The revocation that is asked for has removed every other key, and is answered after that.';

/** The keys that the server shows after a removal, which it may have taken without effect. */
const keysLeft = async (
  { issuer, user, pass }: KeyWork,
  { remove }: Pick<KeyPlan, 'remove'>,
  found: UserSight['user'],
): Promise<readonly ObservedKey[]> => (remove.length === 0 ? found : await issuer.observeUser(user, pass))?.keys ?? [];

const stillShown = (plan: Pick<KeyPlan, 'previous' | 'remove'>, left: readonly ObservedKey[], now: Date) =>
  formerPairs(plan, now).filter(({ accessKeyId }) => left.some((key) => key.accessKeyId === accessKeyId));

/** That a young key spreads is no failure, so the pauses do not grow. */
const pause = (status: AccessKeyStatus, fault: Fault): Outcome<AccessKeyStatus> => {
  const { reason, message, retryAfterMs } = fault;
  if (reason !== reasons.KeyNotUsableYet) return blocked(status, fault);
  return progressing(status, { reason, message, steps: [], ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
};

/** The status with what the user may do now. */
const withRights = (status: AccessKeyStatus, { policy, granted }: Rights): AccessKeyStatus => ({
  ...withPolicyHash(status, policy),
  ...(granted === undefined ? {} : { grantedBuckets: [...granted] }),
});

/** True while the server may hide a key that was made at that time. */
const mayAppear = ({ issuer, pass }: KeyWork, madeAt: string | undefined): boolean =>
  !issuer.choosesPair && isYoung(madeAt, pass.now);

/** Where the user has no key, nor one that the server does not show yet, the owner of the Provider who asks to revoke it is answered. */
const withNothingRevoked = (
  status: AccessKeyStatus,
  work: KeyWork,
  keys: readonly ObservedKey[] = [],
): AccessKeyStatus => {
  const {
    providerRevoke,
    memory: { lastRotateTime, keyIntent },
  } = work;
  const mayHide = mayAppear(work, lastRotateTime) || mayAppear(work, keyIntent?.at);
  if (providerRevoke === undefined || keys.length > 0 || mayHide) return status;
  return { ...status, answeredProviderRevokeRequest: providerRevoke };
};

/** The Secret cannot be as declared: it keeps what it has, and no pair is made that would never get there. Previous keys go in their time. */
const withoutOutput = async (
  work: KeyWork,
  seen: UserSight & PairSight,
  fault: Fault,
): Promise<Outcome<AccessKeyStatus>> => {
  const { accessKey, memory, deps, pass } = work;
  const told = reworded(
    fault,
    `${fault.message} Until then the Secret stays as it is, and no key is issued or rotated.`,
  );
  const wish = wishOf(work);
  if (planRemoval(sightOf(work, seen), memory, wish, pass.now).isRevoked) return withoutPair(work, seen, told);
  const plan = planOf(work, seen, { ...wish, intervalMs: undefined, requests: {} });
  deps.candidates.drop(accessKey.metadata.uid);
  const isKept = plan.pair.is === 'keep';
  if (isKept) await removeKeys(work, plan);
  const left = await keysLeft(work, isKept ? plan : { remove: [] }, seen.user);
  const status = withRights(isKept ? withPrevious(memory, stillShown(plan, left, pass.now)) : memory, seen.rights);
  return blocked(withNothingRevoked(status, work, left), told, [], dueAt(pass.now, plan.nextAt));
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

/** `refused`: what is told once the keys are as they should be. */
const converge = async (
  work: KeyWork,
  seen: KeySeen,
  refused: Fault | undefined,
): Promise<Outcome<AccessKeyStatus>> => {
  const { accessKey, pass, deps } = work;
  const { uid } = accessKey.metadata;
  const candidate = deps.candidates.of(uid);
  const plan = planOf(work, seen, wishOf(work), candidate);
  const hindrance = findDisabled(plan) ?? findUnwritable(seen, plan);
  if (hindrance !== undefined) return withoutPair(work, seen, hindrance);
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
  const madeAt = plan.pair.is === 'switch' ? candidate?.madeAt : plan.pair.is === 'issue' ? pass.now : undefined;
  // Pods are restarted for a pair that stands in Secret and status.
  if (work.steps.length === 0 && (await rollOut(work, seen))) work.steps.push('rollout');
  return report(work, seen, plan, { pair, keyIntent, madeAt, refused });
};

const findDisabled = ({ pair }: KeyPlan): Fault | undefined =>
  pair.is === 'leave'
    ? waiting(
        reasons.KeyDisabled,
        `Key ${pair.accessKeyId} was disabled at the provider. Enable or delete it there; a deleted key is replaced.`,
      )
    : undefined;

/** @throws Fault `waiting` KeyLimitReached where keys of others leave no room for one that is needed now */
const requireRoom = ({ issuer, user }: KeyWork, seen: KeySeen, { pair, remove, foreign }: KeyPlan): void => {
  const count = (seen.user?.keys.length ?? 0) - remove.length;
  if (pair.is !== 'issue' || foreign.length === 0 || count < issuer.maxKeysPerUser) return;
  throw waiting(
    reasons.KeyLimitReached,
    `User ${user.name} needs a new key, and keys that the operator did not make leave no room for it: ${shownKeys(foreign)}. Delete them at the provider.`,
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
  const status = withRights(memory, rights);
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
  { accessKey, provided, issuer, user, memory, steps, pass }: KeyWork,
  { rights, user: observed, rollouts }: KeySeen,
  plan: KeyPlan,
  {
    pair: { accessKeyId },
    keyIntent,
    madeAt,
    refused,
  }: Awaited<ReturnType<typeof applyKeys>> & { readonly madeAt: Date | undefined; readonly refused: Fault | undefined },
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
  const former = withForeign(withPrevious(memory, formerPairs(plan, pass.now)), plan.foreign);
  const { choosesPair } = issuer;
  const status = reportKey(former, facts, { isVerified, plan, keyIntent, madeAt, choosesPair, now: pass.now });
  if (!isVerified) return progressing(status, { reason: progressReason(plan), steps, claims });
  const due = dueAt(pass.now, plan.nextAt, nextRolloutLook(status, pass.now), nextStrayLook(status));
  if (refused !== undefined) return blocked(status, refused, claims, due);
  return settled(status, {
    claims,
    warnings: [...keyWarnings(accessKey), ...denialWarnings(observed ?? {}, user.name)],
    ...due,
  });
};

const progressReason = ({ pair }: KeyPlan): string => {
  if (!isNewPair(pair) || !isRotation(pair.because)) return reasons.Converging;
  return pair.because === 'revoked' ? reasons.Revoking : reasons.Rotating;
};
