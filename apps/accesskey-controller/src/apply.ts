import { eventReasons, reasons, type AccessKeyStatus } from '@operator/api';
import { Fault, onlyFault, terminal, waiting } from '@operator/outcome';
import { sameByResource, samePolicy } from '@operator/policy';
import { isKubeError } from '@operator/runtime';
import type { KeyPair, ObservedUser } from '@operator/s3';
import { deleteOwnedConfigMap, deleteOwnedSecret, openOwnedSecret, type StoredSecret } from '@operator/secrets';
import { secretNameOf } from '@operator/secret-content';
import type { OutputSight, PairSight, UserSight } from './observe.ts';
import { hasConfigMap, secretFor, unlessForeign } from './output-secret.ts';
import { formerPairs, isNewPair, isRevocation, isRotation, unnamedSince, type KeyPlan } from './plan.ts';
import { explainedBy, sealKey, tellRemoved, withForeign, withPrevious } from './report.ts';
import type { Rights } from './rights.ts';
import type { KeyWork } from './work.ts';

/** Brings the rights of a user that exists into line: before all else, for that must wait for nothing that the owner of the key can spoil. */
export const applyRights = async (work: KeyWork, { rights, user }: UserSight): Promise<void> => {
  if (user === undefined) return;
  if (user.hasTwoPolicies === true) return putPolicy(work, rights);
  if (isSamePolicy(user.policy, rights.policy)) return;
  // Statements that stay as they stand may be put together in another way than those that are asked for.
  if ((rights.missing ?? rights.refused) !== undefined && sameByResource(user.policy, rights.policy)) return;
  await putPolicy(work, rights);
};

/** Everything that the plan of the keys and the pair need; `keep` has its pair already. */
export interface KeySeen extends UserSight, PairSight, OutputSight {}

/**
 * Brings keys and Secret into line, and makes the user where there is none. What is about to be made stands in the status before it is made; rights come before the
 * key, so that no key ever has more than it should.
 * @returns the pair that the Secret holds, and what the status said before one was made
 */
export const applyKeys = async (
  work: KeyWork,
  seen: KeySeen,
  plan: KeyPlan,
): Promise<{ readonly pair: KeyPair; readonly keyIntent: AccessKeyStatus['keyIntent'] }> => {
  const { deps, memory } = work;
  const chosen = choosePair(work, seen, plan);
  const isAboutToMake = seen.user === undefined || isNewPair(plan.pair);
  const keyIntent = isAboutToMake ? await remember(work, seen, plan, chosen) : memory.keyIntent;
  if (seen.user === undefined) await makeUser(work, seen);
  await removeKeys(work, plan);
  const pair = await currentPair(work, seen, plan, chosen).catch(withoutSuccessor(work, seen, plan));
  if (await writeSecret(work, seen, pair)) work.steps.push('secret');
  await retireKeys(work, plan);
  if (plan.pair.is === 'switch') {
    deps.candidates.drop(work.accessKey.metadata.uid);
    tellPair(work, plan, pair);
  }
  return { pair, keyIntent };
};

/** Removes the keys that the plan names. */
export const removeKeys = async (work: KeyWork, { remove }: Pick<KeyPlan, 'remove'>): Promise<void> => {
  const { issuer, user, memory, pass } = work;
  for (const accessKeyId of remove) {
    const isRetired = memory.previousKeys?.some((key) => key.accessKeyId === accessKeyId) === true;
    if (isRetired) await retireKey(work, accessKeyId);
    else await take(work, 'strayKey', () => issuer.deleteKey(user, accessKeyId, pass));
  }
};

/** Removes what a revocation leaves, now that its pair is in the Secret. */
const retireKeys = async (work: KeyWork, { retire }: KeyPlan): Promise<void> => {
  for (const accessKeyId of retire) await retireKey(work, accessKeyId);
};

/** For `promise.catch`: where no pair can be made, the keys that are revoked go without a successor. */
const withoutSuccessor =
  (work: KeyWork, { user }: UserSight, { pair, remove }: KeyPlan) =>
  async (caught: unknown): Promise<never> => {
    const fault = onlyFault(caught);
    // A key that was removed may take its place for a while.
    const mayPass = fault.kind === 'transient' || fault.reason === reasons.KeyLimitReached;
    if (mayPass || pair.is !== 'issue' || !isRevocation(pair.answers)) throw fault;
    const revoked = user?.keys.filter(({ accessKeyId }) => !remove.includes(accessKeyId)) ?? [];
    for (const { accessKeyId } of revoked) await retireKey(work, accessKeyId);
    throw fault;
  };

const retireKey = async (work: KeyWork, accessKeyId: string): Promise<void> => {
  const { issuer, user, pass } = work;
  await take(work, 'previousKey', () => issuer.deleteKey(user, accessKeyId, pass));
  pass.event('Normal', eventReasons.KeyRetired, `Removed the previous key ${accessKeyId} of user ${user.name}.`);
};

const take = async <T>({ pass, steps }: KeyWork, name: string, run: () => Promise<T>): Promise<T> => {
  const result = await pass.step(name, run);
  steps.push(name);
  return result;
};

const makeUser = async (work: KeyWork, { rights }: UserSight): Promise<void> => {
  work.deps.places.saw(work.accessKey);
  await putUser(work);
  if (rights.policy !== undefined) await putPolicy(work, rights);
};

/** Brings a user that exists into line, tags included. */
export const applyUser = async (work: KeyWork, { user }: UserSight): Promise<void> => {
  if (user?.needsUpdate === true) await putUser(work);
};

const putUser = async (work: KeyWork): Promise<void> => {
  const { issuer, user, pass } = work;
  tellRemoved(work, await take(work, 'user', () => issuer.putUser(user, pass)));
};

const isSamePolicy = (have: ObservedUser['policy'], want: Rights['policy']): boolean =>
  have === undefined || want === undefined ? have === want : samePolicy(have, want);

const putPolicy = (work: KeyWork, { policy }: Rights): Promise<void> =>
  take(work, 'policy', () => work.issuer.putPolicy(work.user, policy, work.pass)).catch(
    explainedBy(work.accessKey.spec),
  );

/** Where there is no user, there is no key of the id that was to be made for it either: it serves again. */
const choosePair = ({ issuer, deps, memory }: KeyWork, { user }: UserSight, { pair }: KeyPlan): KeyPair | undefined => {
  if (pair.is !== 'issue' || !issuer.choosesPair) return undefined;
  const fresh = deps.newPair();
  const accessKeyId = user === undefined ? memory.keyIntent?.accessKeyId : undefined;
  return accessKeyId === undefined ? fresh : { ...fresh, accessKeyId };
};

const remember = async (
  work: KeyWork,
  { user: observed }: UserSight,
  plan: KeyPlan,
  chosen: KeyPair | undefined,
): Promise<AccessKeyStatus['keyIntent']> => {
  const { accessKey, deps, memory, issuer, user, pass } = work;
  const limits = { now: pass.now, choosesPair: issuer.choosesPair };
  const intent = { at: unnamedSince(observed?.keys ?? [], memory, limits), userName: user.name };
  const keyIntent: AccessKeyStatus['keyIntent'] = isNewPair(plan.pair)
    ? {
        ...intent,
        ...(chosen === undefined ? {} : { accessKeyId: chosen.accessKeyId }),
        ...(Object.keys(plan.pair.answers).length === 0 ? {} : { requests: plan.pair.answers }),
      }
    : (memory.keyIntent ?? intent);
  const known = withForeign(withPrevious(memory, formerPairs(plan, pass.now)), plan.foreign);
  await pass.record(
    await sealKey(accessKey, { ...known, userName: user.name, keyIntent }, deps.ownership, pass.signal),
  );
  return keyIntent;
};

/** The pair that the Secret is to hold, made at the server where it is not there yet. */
const currentPair = async (
  work: KeyWork,
  seen: KeySeen,
  plan: KeyPlan,
  chosen: KeyPair | undefined,
): Promise<KeyPair> => {
  const { deps, accessKey } = work;
  const { uid } = accessKey.metadata;
  if (plan.pair.is === 'keep' && seen.pair !== undefined) return seen.pair;
  if (plan.pair.is === 'switch') {
    const candidate = deps.candidates.of(uid);
    if (candidate === undefined) throw new Error(`no pair waits to take the place of that of ${uid}`);
    return candidate.pair;
  }
  if (plan.pair.is === 'issue' && isRotation(plan.pair.because) && seen.pair !== undefined) {
    // What applications read works: the new pair gets there once it works too.
    const pair = await take(work, 'key', () => work.issuer.createKey(work.user, chosen, work.pass));
    deps.candidates.keep(uid, { pair, madeAt: work.pass.now });
    return seen.pair;
  }
  return replaceLost(work, seen, plan, chosen);
};

/** A pair where none works: into the Secret at once. */
const replaceLost = async (
  work: KeyWork,
  seen: KeySeen,
  plan: KeyPlan,
  chosen: KeyPair | undefined,
): Promise<KeyPair> => {
  const { issuer, user, pass } = work;
  const fixed = chosen ?? (plan.pair.is === 'finish' ? seen.pair : undefined);
  // A pair that we choose stands in the Secret first: it can then be finished after a crash, and is never lost.
  if (fixed !== undefined) await writeSecret(work, seen, fixed);
  const pair = await take(work, 'key', () => issuer.createKey(user, fixed, pass));
  if (fixed === undefined) {
    await writeSecret(work, seen, pair).catch(async (caught: unknown) => {
      // A Secret that is refused will never hold this pair: nobody knows it, and its place is needed.
      if (isKubeError(caught instanceof Fault ? caught.cause : caught, 400, 403, 422))
        await issuer.deleteKey(user, pair.accessKeyId, pass);
      throw caught;
    });
  }
  tellPair(work, plan, pair);
  return pair;
};

const tellPair = ({ memory, user, pass }: KeyWork, { pair: planned }: KeyPlan, { accessKeyId }: KeyPair): void => {
  const isRevocation = planned.is === 'switch' && planned.because === 'revoked';
  const reason = isRevocation
    ? eventReasons.AccessKeyRevoked
    : memory.accessKeyId === undefined
      ? eventReasons.AccessKeyCreated
      : eventReasons.AccessKeyRotated;
  const what = isRevocation ? ` All earlier keys are removed.` : '';
  pass.event('Normal', reason, `Issued key ${accessKeyId} for user ${user.name}.${what}`);
};

/**
 * Writes the Secret where it differs, then the ConfigMap beside it, and removes those of a former name. The Secret says whether there is a
 * ConfigMap: it does so before that is made, and until that is gone.
 * @returns whether anything was written
 */
const writeSecret = async (work: KeyWork, { rights, opened, configMap }: KeySeen, pair: KeyPair): Promise<boolean> => {
  const { accessKey, provided, deps, memory, pass } = work;
  const { signal } = pass;
  const wanted = secretFor(accessKey, pair, provided, rights.buckets);
  const name = secretNameOf(accessKey);
  const existing = opened.current();
  if (wanted.configMap === undefined && hasConfigMap(existing)) await removeConfigMap(work, name);
  const wrote = await pass
    .step('secret', () => opened.write(wanted.secret))
    .catch((caught: unknown) => {
      if (isKubeError(caught, 422) && existing?.isImmutable === true) throw immutable(existing);
      // What we add to it is legal: the spec's own labels, annotations or keys are not.
      if (isKubeError(caught, 422)) throw terminal(reasons.SpecInvalid, caught.message, { cause: caught });
      throw caught;
    });
  const content = wanted.configMap;
  const isBeside =
    content !== undefined && (await pass.step('configMap', async () => configMap?.write(content))) === true;
  const former = memory.secretName;
  if (former === undefined || former === name) return wrote || isBeside;
  const renamed = await openOwnedSecret(deps.kube, accessKey, former, { signal }).catch(unlessForeign);
  if (hasConfigMap(renamed?.current())) await removeConfigMap(work, former);
  await deleteOwnedSecret(deps.kube, accessKey, former, { signal }).catch(unlessForeign);
  return true;
};

const removeConfigMap = async ({ accessKey, deps: { kube }, pass }: KeyWork, name: string): Promise<void> => {
  const { signal } = pass;
  await pass.step('configMap', () => deleteOwnedConfigMap(kube, accessKey, name, { signal })).catch(unlessForeign);
};

/** Why a pair that is to be made would never get into its Secret. */
export const findUnwritable = ({ opened }: Pick<PairSight, 'opened'>, { pair }: KeyPlan): Fault | undefined => {
  const existing = opened.current();
  return pair.is !== 'keep' && existing?.isImmutable === true ? immutable(existing) : undefined;
};

const immutable = ({ namespace, name }: StoredSecret): Fault =>
  waiting(
    reasons.SecretConflict,
    `Secret ${namespace}/${name} is immutable, and has to change. Delete it: it is written again with a key pair.`,
    { retryAfterMs: 60_000 },
  );
