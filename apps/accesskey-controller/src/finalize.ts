import type { AccessKeyStatus } from '@operator/api';
import { eventReasons, reasons } from '@operator/api';
import { onlyFault, reworded, transient, waiting } from '@operator/outcome';
import { explainWait, isProviderGone, keyOfReference } from '@operator/references';
import { isAbandoned, type Finalized, type Pass } from '@operator/runtime';
import { deleteOwnedSecret } from '@operator/secrets';
import { secretNameOf } from '@operator/secret-content';
import type { AccessKey, AccessKeyDeps } from './deps.ts';
import { unlessForeign } from './output-secret.ts';
import { tellRemoved } from './report.ts';
import { openRemoval, type KeyWork } from './work.ts';

/** Milliseconds in which IAM may say of a user that it has made that there is none. */
const hiddenUserMs = 20_000;

const done: Finalized<AccessKeyStatus> = { result: 'done' };

/**
 * Removes keys, rights and user at the provider, then the Secret. What is gone counts as removed. The user is found by the
 * object's uid; a status that names none says only that there may be nothing to remove.
 * @throws the Faults of the Provider: a key is not forgotten because its server is away, unless the object is to be let go
 */
export const finalizeAccessKey = async (
  accessKey: AccessKey,
  deps: AccessKeyDeps,
  pass: Pass<AccessKeyStatus>,
): Promise<Finalized<AccessKeyStatus>> => {
  const { status } = accessKey;
  await leaveFormerProviders(accessKey, deps, pass);
  await removeUser(accessKey, deps, pass).catch((caught: unknown) => {
    const fault = onlyFault(caught);
    // The name stands in the status before the user is made. Without it there is hardly one, and nothing to wait for.
    if (status?.userName === undefined && fault.kind !== 'transient') return;
    if (!isAbandoned(accessKey)) throw fault;
    const what = `User ${status?.userName ?? 'of this object'} and its keys stay at the provider.`;
    pass.event('Warning', eventReasons.AccessKeyAbandoned, `${what} ${fault.message}`);
  });
  const secretName = status?.secretName ?? secretNameOf(accessKey);
  await deleteOwnedSecret(deps.kube, accessKey, secretName, { signal: pass.signal }).catch(unlessForeign);
  return done;
};

/**
 * Removes the users that the object has through Providers that its spec named before, see `UserPlaces`. A Provider that is gone may come
 * back while the object lives.
 * @throws the Faults of those Providers, unless the object is to be let go
 */
export const leaveFormerProviders = async (
  accessKey: AccessKey,
  deps: AccessKeyDeps,
  pass: Pass<AccessKeyStatus>,
): Promise<void> => {
  const { metadata, spec } = accessKey;
  const isLeaving = metadata.deletionTimestamp !== undefined;
  const isLetGo = isLeaving && isAbandoned(accessKey);
  for (const place of deps.places.formerOf(accessKey)) {
    const there = { ...accessKey, spec: { ...spec, providerRef: place } };
    const fault = await removeUser(there, deps, pass).catch(onlyFault);
    const key = keyOfReference(place, metadata.namespace);
    if (fault !== undefined && !isLetGo && !isProviderGone(fault))
      throw reworded(fault, `Of the former Provider ${key}: ${fault.message}`);
    if (fault !== undefined && !isLeaving) continue;
    if (fault !== undefined) {
      const what = `The user of this object and its keys stay at the provider of ${key}.`;
      pass.event('Warning', eventReasons.AccessKeyAbandoned, `${what} ${fault.message}`);
    }
    deps.places.left(accessKey, place);
  }
};

const removeUser = async (accessKey: AccessKey, deps: AccessKeyDeps, pass: Pass<AccessKeyStatus>): Promise<void> => {
  const { status } = accessKey;
  const cannot = explainWait('The key cannot be removed yet');
  const work = await openRemoval(accessKey, deps, pass).catch((caught: unknown) => {
    const fault = onlyFault(caught);
    return cannot(fault.reason === reasons.Unsupported ? waiting(fault.reason, fault.message) : fault);
  });
  const { issuer, user, memory } = work;
  const observed = await issuer.observeUser(user, pass);
  if (observed?.isOurs === false) {
    pass.event('Warning', reasons.UserConflict, `User ${user.name} at the provider is not ours; it stays.`);
    return;
  }
  if (observed === undefined && status?.userName === undefined) return;
  // Also where the user is gone: its policy may have outlived it, and one that is too young is not shown everywhere.
  const { userArn: arn } = memory;
  const known = arn === undefined ? user : { ...user, arn };
  const taken = await pass.step('remove', () => issuer.deleteUser(known, pass));
  // A deletion may be repeated, also within one pass. Only the call that removed the user tells of it.
  if (taken === undefined) {
    requireOld(work);
    return;
  }
  tellRemoved(work, taken);
  pass.event('Normal', eventReasons.AccessKeyDeleted, `Removed user ${user.name} and its keys.`);
};

/** One that was never shown may be there all the same. @throws Fault `transient` KeyNotUsableYet while it may be too young to be shown */
const requireOld = ({ memory: { userArn, keyIntent, lastRotateTime }, issuer, user, pass }: KeyWork): void => {
  const madeAt = lastRotateTime ?? keyIntent?.at;
  if (issuer.choosesPair || userArn !== undefined || madeAt === undefined) return;
  if (pass.now.getTime() - Date.parse(madeAt) >= hiddenUserMs) return;
  const message = `The server does not show user ${user.name}, which may be too young for that. It is looked for again.`;
  throw transient(reasons.KeyNotUsableYet, message, { retryAfterMs: 10_000 });
};
