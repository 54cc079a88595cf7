import { conditionTypes, reasons } from '@operator/api';
import { redact, transient, waiting, type Fault } from '@operator/outcome';
import { verifyKey, type KeyPair, type ObservedUser } from '@operator/s3';
import { openOwnedConfigMap, openOwnedSecret, type OpenedConfigMap, type OpenedSecret } from '@operator/secrets';
import { secretNameOf } from '@operator/secret-content';
import type { Candidate } from './candidates.ts';
import { explainForbidden } from './forbidden.ts';
import { observeBuckets } from './observe-buckets.ts';
import { pairIn, secretFor, unlessForeign } from './output-secret.ts';
import { isYoung, issuedAt, propagationMs } from './plan.ts';
import { rightsOf, type Rights } from './rights.ts';
import { observeRollouts, type PairInSecret, type RolloutPlace, type SeenRollout } from './rollouts.ts';
import type { KeyWork } from './work.ts';

/** The user at the server, and the rights that it is to have. */
export interface UserSight {
  readonly rights: Rights;
  /** Undefined when there is no such user. */
  readonly user: ObservedUser | undefined;
}

/** The Secret, and the pair in it. */
export interface PairSight {
  readonly opened: OpenedSecret;
  readonly pair: KeyPair | undefined;
  /** True when the server has the key with another secret, or has refused it for long. */
  readonly isRefused: boolean;
}

/** @throws Fault `waiting` UserConflict */
export const observeUser = async (work: KeyWork): Promise<UserSight> => {
  const { accessKey, provided, issuer, user, pass } = work;
  const observed = await issuer.observeUser(user, pass);
  if (observed?.isOurs === false) {
    throw waiting(reasons.UserConflict, `User ${user.name} exists at the provider and is not ours; it is left alone.`);
  }
  const rights = rightsOf({
    accessKey,
    provider: provided.provider,
    sights: await observeBuckets(work, observed?.policy),
    standing: observed?.policy,
    server: issuer,
  });
  return { rights, user: observed };
};

/**
 * Opens the Secret and tries the pair in it as its application would, in every pass: that it worked once says nothing of now.
 * @throws Fault `waiting` SecretConflict; `transient` KeyNotUsableYet, KeyRefused
 */
export const observePair = async (work: KeyWork, seen: UserSight): Promise<PairSight> => {
  const { opened, pair } = await openPair(work);
  return { opened, pair, isRefused: pair !== undefined && (await isRefused(work, pair, seen)) };
};

/** The Secret of the wanted name, and the pair in it, or else in the one of the name that it had before. @throws Fault `waiting` SecretConflict */
export const openPair = async ({
  accessKey,
  deps: { kube },
  memory,
  pass: { signal },
}: KeyWork): Promise<Pick<PairSight, 'opened' | 'pair'>> => {
  const wanted = secretNameOf(accessKey);
  const opened = await openOwnedSecret(kube, accessKey, wanted, { signal });
  const pair = pairIn(accessKey, opened.current());
  const former = memory.secretName;
  if (pair !== undefined || former === undefined || former === wanted) return { opened, pair };
  const renamed = await openOwnedSecret(kube, accessKey, former, { signal }).catch(unlessForeign);
  return { opened, pair: pairIn(accessKey, renamed?.current()) };
};

/** Where the content of the Secret goes beside it. */
export interface OutputSight {
  /** Undefined where nothing asks for one. */
  readonly configMap: OpenedConfigMap | undefined;
  /** What `spec.rollout` names. */
  readonly rollouts: readonly SeenRollout[];
}

/** As long as any server's: whether the content can be made must not depend on the pair. */
const longestPair: KeyPair = { accessKeyId: 'A'.repeat(128), secretAccessKey: redact('s'.repeat(128)) };

/**
 * Sees that what the Secret is to have can be made, before there is a pair that would need it.
 * @throws Fault `terminal` TemplateInvalid; `waiting` SecretValueInvalid, SecretConflict, Forbidden
 */
export const observeOutput = async (work: KeyWork, seen: UserSight & PairSight): Promise<OutputSight> => {
  const { accessKey, provided, deps, pass } = work;
  const { configMap } = secretFor(accessKey, longestPair, provided, seen.rights.buckets);
  const rollouts = await observeRollouts(accessKey.spec.rollout ?? [], pairInSecret(work, seen), rolloutPlace(work));
  if (configMap === undefined) return { configMap: undefined, rollouts };
  const { signal } = pass;
  const opened = openOwnedConfigMap(deps.kube, accessKey, secretNameOf(accessKey), { signal });
  return { configMap: await opened.catch(explainNoConfigMaps), rollouts };
};

/** After a crash the status does not name the pair yet, and counts it next. */
export const pairInSecret = ({ accessKey, memory }: KeyWork, { pair }: PairSight): PairInSecret => {
  const { accessKeyId, pairGeneration = 0 } = memory;
  const isCounted = pairGeneration > 0 && (pair === undefined || accessKeyId === pair.accessKeyId);
  return { uid: accessKey.metadata.uid, pairGeneration: isCounted ? pairGeneration : pairGeneration + 1 };
};

export const rolloutPlace = ({ accessKey, deps: { kube }, pass: { signal } }: KeyWork): RolloutPlace => ({
  kube,
  namespace: accessKey.metadata.namespace,
  signal,
});

const explainNoConfigMaps = explainForbidden(
  'The preset RookObjectBucketClaim writes a ConfigMap, and the controller may not: set rbac.configMaps to true in the values of its chart.',
);

/** What a server answers to a key that may not do what was tried. */
const denials: ReadonlySet<string> = new Set(['denied', 'unproven']);

/**
 * @returns true when the pair is to be replaced: the server has the key with another secret, or has refused it for long
 * @throws Fault `transient` KeyNotUsableYet while a new key may still spread; KeyRefused while a refusal may pass
 */
const isRefused = async (work: KeyWork, pair: KeyPair, { rights, user }: UserSight): Promise<boolean> => {
  const isNew = isYoung(issuedAt(work.memory, pair.accessKeyId), work.pass.now);
  const known = user?.keys.find((key) => key.accessKeyId === pair.accessKeyId);
  if (known === undefined && isNew && mayBeShownLater(work, pair)) throw notYet(`show the new key ${pair.accessKeyId}`);
  if (known?.isActive !== true) return false;
  const verdict = await verifyKey(work.provided.driver, pair, work.pass, rights.buckets[0]?.spec.name);
  if (verdict === 'accepted') return false;
  const isDenied = denials.has(verdict);
  const { accessKeyId } = pair;
  if (isNew)
    throw notYet(isDenied ? `grant the new key ${accessKeyId} its rights` : `accept the new key ${accessKeyId}`);
  // Every level of access may ask where its bucket is; of a key that is not new, a denial is somebody's wish.
  return !isDenied && hasBeenRefused(work, pair, verdict === 'wrongSecret');
};

/**
 * Whether a pair that was made for a rotation works, as its application would try it. `waits`: the server may not know it everywhere yet.
 * `refused`: it does not let it in, and has had the time to learn of it.
 */
export const verifyCandidate = async (
  { provided, pass }: KeyWork,
  { pair, madeAt }: Candidate,
  { rights, user }: UserSight,
): Promise<'works' | 'waits' | 'refused'> => {
  const verdict = await verifyKey(provided.driver, pair, pass, rights.buckets[0]?.spec.name);
  if (verdict === 'accepted') return 'works';
  if (pass.now.getTime() - madeAt.getTime() < propagationMs) return 'waits';
  // What it may do is what the pair before it may do. A server that denies unknown keys alike must show it in its list.
  const isThere = user?.keys.some(({ accessKeyId }) => accessKeyId === pair.accessKeyId) === true;
  return denials.has(verdict) && isThere ? 'works' : 'refused';
};

/** IAM shows a new user and a new key some time after it has made them. An id that somebody put in place of ours is no such key. */
const mayBeShownLater = ({ memory, issuer }: KeyWork, { accessKeyId }: KeyPair): boolean =>
  !issuer.choosesPair && (memory.accessKeyId === undefined || memory.accessKeyId === accessKeyId);

/** Whether a refusal is for good. @throws Fault `transient` KeyRefused while it may pass; those of the Provider */
const hasBeenRefused = async (
  { accessKey, provided, pass }: KeyWork,
  { accessKeyId }: KeyPair,
  isWrongSecret: boolean,
): Promise<boolean> => {
  // A server that refuses the Provider's credentials too says nothing about the key.
  await provided.driver.checkHealth(pass);
  if (isWrongSecret) return true;
  // One that starts, or a part of it that lags behind, refuses keys that it has.
  const refusal = accessKey.status?.conditions?.find(({ type }) => type === conditionTypes.KeyRefused);
  if (refusal !== undefined && isLongAgo(refusal.lastTransitionTime, pass.now)) return true;
  throw transient(
    reasons.KeyRefused,
    `The server has key ${accessKeyId} and does not accept it. It is replaced when that lasts ${String(propagationMs / 1_000)} seconds.`,
    { retryAfterMs: 30_000 },
  );
};

const notYet = (what: string): Fault =>
  transient(reasons.KeyNotUsableYet, `The server does not ${what} yet.`, { retryAfterMs: 5_000 });

/** Also what a clock that was ahead has put far into the future. */
const isLongAgo = (instant: string, now: Date): boolean =>
  Math.abs(now.getTime() - Date.parse(instant)) >= propagationMs;
