import type { AccessKeySpec, AccessKeyStatus } from '@operator/api';
import { conditionTypes, eventReasons, reasons } from '@operator/api';
import {
  Fault,
  blocked,
  onlyFault,
  progressing,
  settled,
  terminal,
  transient,
  waiting,
  type Outcome,
} from '@operator/outcome';
import { hashPolicy, samePolicy } from '@operator/policy';
import { keyOfReference, providerNotReady, type Provided } from '@operator/references';
import { isKubeError, ownStatus, type Pass, type Reconciler } from '@operator/runtime';
import { verifyKey, type KeyIssuer, type KeyPair, type KeyUser, type ObservedUser } from '@operator/s3';
import { deleteOwnedSecret, openOwnedSecret, type OpenedSecret } from '@operator/secrets';
import { markOf, type AccessKey, type AccessKeyDeps } from './deps.ts';
import { finalizeAccessKey } from './finalize.ts';
import { pairIn, secretFor, secretNameOf, unlessForeign } from './output-secret.ts';
import { planPair } from './plan.ts';
import { claimsOfKeyFault, reportKey, unsupportedKeyClaims, type KeyFacts } from './report.ts';
import { rightsOf, type Rights } from './rights.ts';

/** Milliseconds in which a refusal may mean that a part of the server does not know the key: yet, or for the moment. */
const propagationMs = 120_000;

type KeyPass = Pass<AccessKeyStatus>;

/** Issues a key pair into a Secret, and keeps user, rights, key and Secret as the spec says. */
export const accessKeyReconciler = (deps: AccessKeyDeps): Reconciler<AccessKeySpec, AccessKeyStatus> => ({
  async reconcile(accessKey, pass) {
    const { spec, metadata } = accessKey;
    const isNew = accessKey.status?.userName === undefined;
    const provided = await deps.references
      .driverFor(spec.providerRef, metadata.namespace, pass.signal, { isNew })
      .catch(onlyFault);
    if (provided instanceof Fault) {
      const isTakenBack = provided.reason === reasons.ReferenceNotGranted && (await takeRights(accessKey, deps, pass));
      return blocked(isTakenBack ? withoutRights(accessKey) : ownStatus(accessKey), provided, [
        providerNotReady(provided),
      ]);
    }
    const issuer = provided.driver.keys;
    if (typeof issuer === 'string') throw terminal(reasons.Unsupported, issuer);
    const rights = await rightsOf(accessKey, provided, deps.references, issuer.maxPolicyBytes);
    const user = await userOf(accessKey, issuer, deps, pass);
    if (rights.missing !== undefined && isNew) throw rights.missing;
    const observed = await issuer.observeUser(user, pass);
    if (observed?.isOurs === false) {
      throw waiting(
        reasons.UserConflict,
        `User ${user.name} exists at the provider and is not ours; it is left alone.`,
      );
    }
    // Rights go before all else: to take them away must wait for nothing that the owner of the key can spoil, such as the Secret.
    const steps: string[] = [];
    if (observed !== undefined && !isSamePolicy(observed.policy, rights.policy)) {
      await pass.step('policy', () => issuer.putPolicy(user, rights.policy, pass));
      steps.push('policy');
    }
    // What is left of the rights stands, what the missing Bucket gave is taken back; the rest waits.
    if (rights.missing !== undefined) throw rights.missing;
    const secret = await openSecret(accessKey, deps, pass);
    return converge({ accessKey, provided, issuer, rights, user, secret, observed }, steps, deps, pass);
  },

  finalize: (accessKey, pass) => finalizeAccessKey(accessKey, deps, pass),

  claimsOf: (fault, accessKey) => claimsOfKeyFault(fault, accessKey.status?.created === true),

  providerOf: ({ spec, metadata }) => keyOfReference(spec.providerRef, metadata.namespace),
});

/** The user behind the key, as it is wanted. */
const userOf = async (
  accessKey: AccessKey,
  issuer: KeyIssuer,
  deps: AccessKeyDeps,
  { signal }: KeyPass,
): Promise<KeyUser> => {
  const { spec, status } = accessKey;
  const mark = markOf(accessKey, await deps.clusterId(signal));
  return {
    name: status?.userName ?? issuer.userNameFor(mark),
    mark,
    ...(spec.displayName === undefined ? {} : { displayName: spec.displayName }),
    tags: new Map(Object.entries(spec.tags ?? {})),
  };
};

/**
 * Takes all rights from a user whose namespace may no longer use the Provider: its key stays, and can do nothing. @returns false
 * when there is no user, or the Provider is not to be had: the next look tries again
 */
const takeRights = async (accessKey: AccessKey, deps: AccessKeyDeps, pass: KeyPass): Promise<boolean> => {
  const { spec, metadata, status } = accessKey;
  if (status?.userName === undefined) return false;
  const provided = await deps.references
    .driverForRemoval(spec.providerRef, metadata.namespace, pass.signal)
    .catch(onlyFault);
  if (provided instanceof Fault || typeof provided.driver.keys === 'string') return false;
  const issuer = provided.driver.keys;
  const user = await userOf(accessKey, issuer, deps, pass);
  const observed = await issuer.observeUser(user, pass);
  if (observed?.isOurs === true && observed.policy !== undefined) {
    await pass.step('policy', () => issuer.putPolicy(user, undefined, pass));
    pass.event(
      'Warning',
      reasons.ReferenceNotGranted,
      `Took all rights from user ${user.name}: its namespace may no longer use the Provider.`,
    );
  }
  return true;
};

const withoutRights = (accessKey: AccessKey): AccessKeyStatus => {
  const { policyHash, ...status } = ownStatus(accessKey);
  return policyHash === undefined ? ownStatus(accessKey) : status;
};

interface Observed {
  readonly accessKey: AccessKey;
  readonly provided: Provided;
  readonly issuer: KeyIssuer;
  readonly rights: Rights;
  readonly user: KeyUser;
  readonly secret: { readonly opened: OpenedSecret; readonly pair: KeyPair | undefined };
  readonly observed: ObservedUser | undefined;
}

/** The Secret of the wanted name, and the pair in it, or else in the one of the name that it had before. */
const openSecret = async (accessKey: AccessKey, { kube }: AccessKeyDeps, { signal }: KeyPass) => {
  const wanted = secretNameOf(accessKey);
  const opened = await openOwnedSecret(kube, accessKey, wanted, { signal });
  const pair = pairIn(accessKey, opened.current());
  const former = accessKey.status?.secretName;
  if (pair !== undefined || former === undefined || former === wanted) return { opened, pair };
  const renamed = await openOwnedSecret(kube, accessKey, former, { signal }).catch(unlessForeign);
  return { opened, pair: pairIn(accessKey, renamed?.current()) };
};

/** `steps`: what this pass has done so far. */
const converge = async (
  seen: Observed,
  steps: string[],
  deps: AccessKeyDeps,
  pass: KeyPass,
): Promise<Outcome<AccessKeyStatus>> => {
  const { accessKey, issuer, rights, user, secret, observed } = seen;
  const { status } = accessKey;

  const isBroken = await isRefused(seen, pass);
  const plan = planPair(secret.pair?.accessKeyId, isBroken, observed, status);
  if (plan.action === 'leave') {
    throw waiting(
      reasons.KeyDisabled,
      `Key ${plan.accessKeyId} was disabled at the provider. Enable or delete it there; a deleted key is replaced.`,
    );
  }

  if (isBroken) {
    pass.event(
      'Warning',
      reasons.KeyRefused,
      `The server refuses key ${secret.pair?.accessKeyId ?? ''} with the secret that stands in the Secret; it is replaced.`,
    );
  }

  // The user's name, and what key is about to be made, stand in the status before anything is made.
  const chosen = plan.action === 'issue' && issuer.choosesPair ? deps.newPair() : undefined;
  if (observed === undefined || plan.action === 'issue') {
    const intent = { at: pass.now.toISOString(), userName: user.name };
    await pass.record({
      ...ownStatus(accessKey),
      userName: user.name,
      keyIntent:
        plan.action === 'issue'
          ? { ...intent, ...(chosen === undefined ? {} : { accessKeyId: chosen.accessKeyId }) }
          : (status?.keyIntent ?? intent),
    });
  }

  if (observed === undefined || observed.needsUpdate) {
    await pass.step('user', () => issuer.putUser(user, pass));
    steps.push('user');
  }
  // Rights come before the key: no key ever has more than it should.
  if (observed === undefined && rights.policy !== undefined) {
    await pass.step('policy', () => issuer.putPolicy(user, rights.policy, pass));
    steps.push('policy');
  }
  const strays = plan.action === 'finish' ? [] : plan.strays;
  for (const accessKeyId of strays) {
    await pass.step('strayKey', () => issuer.deleteKey(user, accessKeyId, pass));
    steps.push('strayKey');
  }

  const pair = await currentPair(plan.action, chosen, seen, deps, pass, steps);
  if (await writeSecret(seen, pair, deps, pass)) steps.push('secret');

  const facts: KeyFacts = {
    accessKeyId: pair.accessKeyId,
    userName: user.name,
    userArn: observed?.arn ?? status?.userArn,
    secretName: secretNameOf(accessKey),
    policyHash: rights.policy && hashPolicy(rights.policy),
  };
  const claims = unsupportedKeyClaims(accessKey, seen.provided.driver.unsupported);
  const isVerified = steps.length === 0;
  const report = reportKey(status, facts, isVerified, pass.now);
  return isVerified ? settled(report, { claims }) : progressing(report, { reason: reasons.Converging, steps, claims });
};

const isSamePolicy = (have: ObservedUser['policy'], want: Rights['policy']): boolean =>
  have === undefined || want === undefined ? have === want : samePolicy(have, want);

/**
 * Tries the pair in the Secret as its application would, in every pass: that it worked once says nothing of now.
 * @returns true when the pair is to be replaced: the server has the key with another secret, or has refused it for long
 * @throws Fault `transient` KeyNotUsableYet while a new key may still spread; KeyRefused while a refusal may pass
 */
const isRefused = async (
  { accessKey, provided, issuer, rights, secret, observed }: Observed,
  pass: KeyPass,
): Promise<boolean> => {
  const { pair } = secret;
  if (pair === undefined) return false;
  const { accessKeyId, lastRotateTime, keyIntent, conditions } = accessKey.status ?? {};
  const isOlderThan = (instant: string | undefined, ms: number) =>
    instant !== undefined && pass.now.getTime() - Date.parse(instant) >= ms;
  // After a crash the status does not name the key yet; the intent says when it was made.
  const issuedAt = accessKeyId === pair.accessKeyId ? lastRotateTime : keyIntent?.at;
  const isNew = issuedAt !== undefined && !isOlderThan(issuedAt, propagationMs);
  const notYet = (what: string) =>
    transient(reasons.KeyNotUsableYet, `The server does not ${what} yet.`, { retryAfterMs: 5_000 });

  const known = observed?.keys.find((key) => key.accessKeyId === pair.accessKeyId);
  // IAM shows a new user and a new key some time after it has made them. An id that somebody put in place of ours is no such key.
  const mayBeOurs = accessKeyId === undefined || accessKeyId === pair.accessKeyId;
  if (known === undefined && mayBeOurs && isNew && !issuer.choosesPair)
    throw notYet(`show the new key ${pair.accessKeyId}`);
  if (known?.isActive !== true) return false;
  const verdict = await verifyKey(provided.driver, pair, pass, rights.buckets[0]?.spec.name);
  if (verdict === 'accepted') return false;
  if (verdict === 'denied') {
    // Every level of access may ask where its bucket is; later than this, a denial is somebody's wish.
    if (isNew) throw notYet(`grant the new key ${pair.accessKeyId} its rights`);
    return false;
  }
  if (isNew) throw notYet(`accept the new key ${pair.accessKeyId}`);
  // A server that refuses the Provider's credentials too says nothing about the key.
  await provided.driver.checkHealth(pass);
  if (verdict === 'wrongSecret') return true;
  // One that starts, or a part of it that lags behind, refuses keys that it has.
  const refusal = conditions?.find(({ type }) => type === conditionTypes.KeyRefused);
  if (isOlderThan(refusal?.lastTransitionTime, propagationMs)) return true;
  throw transient(
    reasons.KeyRefused,
    `The server has key ${pair.accessKeyId} and does not accept it. It is replaced when that lasts ${String(propagationMs / 1_000)} seconds.`,
    { retryAfterMs: 30_000 },
  );
};

/** The pair that the Secret is to hold, made at the server where it is not there yet. */
const currentPair = async (
  action: 'keep' | 'finish' | 'issue',
  chosen: KeyPair | undefined,
  seen: Observed,
  deps: AccessKeyDeps,
  pass: KeyPass,
  steps: string[],
): Promise<KeyPair> => {
  const { issuer, user, secret, accessKey } = seen;
  if (action === 'keep' && secret.pair !== undefined) return secret.pair;
  const fixed = chosen ?? (action === 'finish' ? secret.pair : undefined);
  // A pair that we choose stands in the Secret first: it can then be finished after a crash, and is never lost.
  if (fixed !== undefined) await writeSecret(seen, fixed, deps, pass);
  const pair = await pass.step('key', () => issuer.createKey(user, fixed, pass));
  steps.push('key');
  if (fixed === undefined) {
    await writeSecret(seen, pair, deps, pass).catch(async (caught: unknown) => {
      // A Secret that is refused will never hold this pair: nobody knows it, and its place is needed.
      if (isKubeError(caught instanceof Fault ? caught.cause : caught, 400, 403, 422))
        await issuer.deleteKey(user, pair.accessKeyId, pass);
      throw caught;
    });
  }
  const isFirst = accessKey.status?.accessKeyId === undefined;
  pass.event(
    'Normal',
    isFirst ? eventReasons.AccessKeyCreated : eventReasons.AccessKeyRotated,
    `Issued key ${pair.accessKeyId} for user ${user.name}.`,
  );
  return pair;
};

/** Writes the Secret where it differs, and removes the one of a former name. @returns whether anything was written */
const writeSecret = async (
  { accessKey, provided, rights, secret }: Observed,
  pair: KeyPair,
  { kube }: AccessKeyDeps,
  pass: KeyPass,
): Promise<boolean> => {
  const wanted = secretFor(accessKey, pair, provided.driver, rights.buckets);
  const wrote = await pass
    .step('secret', () => secret.opened.write(wanted))
    .catch((caught: unknown) => {
      // What we add to it is legal: the spec's own labels, annotations or keys are not.
      if (isKubeError(caught, 422)) throw terminal(reasons.SpecInvalid, caught.message, { cause: caught });
      throw caught;
    });
  const former = accessKey.status?.secretName;
  if (former === undefined || former === secretNameOf(accessKey)) return wrote;
  await deleteOwnedSecret(kube, accessKey, former, { signal: pass.signal }).catch(unlessForeign);
  return true;
};
