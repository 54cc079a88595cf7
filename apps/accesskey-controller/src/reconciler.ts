import type { AccessKeySpec, AccessKeyStatus } from '@operator/api';
import { reasons } from '@operator/api';
import { Fault, blocked, onlyFault, progressing, settled, waiting, type Outcome } from '@operator/outcome';
import { hashPolicy } from '@operator/policy';
import { keyOfReference, providerNotReady } from '@operator/references';
import { ownStatus, type Reconciler } from '@operator/runtime';
import type { KeyPair } from '@operator/s3';
import { applyKeys, applyRights, removeKeys, type KeySeen } from './apply.ts';
import type { AccessKey, AccessKeyDeps } from './deps.ts';
import { finalizeAccessKey } from './finalize.ts';
import { observePair, observeUser } from './observe.ts';
import { secretNameOf } from './output-secret.ts';
import { mostKeys, planKeys, type KeyPlan } from './plan.ts';
import { claimsOfKeyFault, reportKey, unsupportedKeyClaims, withPrevious, type KeyFacts } from './report.ts';
import { takeRights } from './withdraw.ts';
import { openWork, wishOf, type KeyPass, type Work } from './work.ts';

/** Issues a key pair into a Secret, and keeps user, rights, key and Secret as the spec says. */
export const accessKeyReconciler = (deps: AccessKeyDeps): Reconciler<AccessKeySpec, AccessKeyStatus> => ({
  async reconcile(accessKey, pass) {
    const { spec, metadata, status } = accessKey;
    const provided = await deps.references
      .driverFor(spec.providerRef, metadata.namespace, pass.signal, { isNew: status?.userName === undefined })
      .catch(onlyFault);
    if (provided instanceof Fault) return withoutProvider(accessKey, provided, deps, pass);
    const work = await openWork(accessKey, provided, deps, pass);
    const seen = await observeUser(work);
    await applyRights(work, seen);
    // What is left of the rights stands, what the missing Bucket gave is taken back; the rest waits.
    const secret = seen.rights.missing ?? (await observePair(work, seen).catch(onlyFault));
    if (secret instanceof Fault) return blocked(work.memory, secret);
    return converge(work, { ...seen, ...secret });
  },

  finalize: (accessKey, pass) => finalizeAccessKey(accessKey, deps, pass),

  claimsOf: (fault, accessKey) => claimsOfKeyFault(fault, accessKey.status?.created === true),

  providerOf: ({ spec, metadata }) => keyOfReference(spec.providerRef, metadata.namespace),
});

const withoutProvider = async (
  accessKey: AccessKey,
  fault: Fault,
  deps: AccessKeyDeps,
  pass: KeyPass,
): Promise<Outcome<AccessKeyStatus>> => {
  const isTakenBack = fault.reason === reasons.ReferenceNotGranted && (await takeRights(accessKey, deps, pass));
  const { policyHash, ...rest } = ownStatus(accessKey);
  const status = isTakenBack || policyHash === undefined ? rest : { ...rest, policyHash };
  return blocked(status, fault, [providerNotReady(fault)]);
};

const converge = async (work: Work, seen: KeySeen): Promise<Outcome<AccessKeyStatus>> => {
  const { accessKey, issuer, memory, pass } = work;
  const plan = planKeys(
    { inSecret: seen.pair?.accessKeyId, isRefused: seen.isRefused, keys: seen.user?.keys ?? [] },
    memory,
    wishOf(accessKey),
    { now: pass.now, most: Math.min(issuer.maxKeysPerUser, mostKeys), choosesPair: issuer.choosesPair },
  );
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
  const pair = await applyKeys(work, seen, plan);
  return report(work, seen, plan, pair);
};

const report = (
  { accessKey, provided, user, memory, steps, pass }: Work,
  { rights, user: observed }: KeySeen,
  { previous }: KeyPlan,
  { accessKeyId }: KeyPair,
): Outcome<AccessKeyStatus> => {
  const facts: KeyFacts = {
    accessKeyId,
    userName: user.name,
    userArn: observed?.arn ?? memory.userArn,
    secretName: secretNameOf(accessKey),
    policyHash: rights.policy && hashPolicy(rights.policy),
  };
  const claims = unsupportedKeyClaims(accessKey, provided.driver.unsupported);
  const isVerified = steps.length === 0;
  const status = reportKey(withPrevious(memory, previous), facts, isVerified, pass.now);
  return isVerified ? settled(status, { claims }) : progressing(status, { reason: reasons.Converging, steps, claims });
};
