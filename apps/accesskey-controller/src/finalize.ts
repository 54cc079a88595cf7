import type { AccessKeyStatus } from '@operator/api';
import { annotations, eventReasons, reasons } from '@operator/api';
import { onlyFault, waiting } from '@operator/outcome';
import { explainWait } from '@operator/references';
import type { Finalized, Pass } from '@operator/runtime';
import type { KeyUser } from '@operator/s3';
import { deleteOwnedSecret } from '@operator/secrets';
import { markOf, type AccessKey, type AccessKeyDeps } from './deps.ts';
import { secretNameOf, unlessForeign } from './output-secret.ts';

const done: Finalized<AccessKeyStatus> = { result: 'done' };

/**
 * Removes keys, rights and user at the provider, then the Secret. What is gone counts as removed.
 * @throws the Faults of the Provider: a key is not forgotten because its server is away, unless the object is to be let go
 */
export const finalizeAccessKey = async (
  accessKey: AccessKey,
  deps: AccessKeyDeps,
  pass: Pass<AccessKeyStatus>,
): Promise<Finalized<AccessKeyStatus>> => {
  const { metadata, status } = accessKey;
  // The name stands in the status before the user is made: without it there is none.
  if (status?.userName === undefined) return done;
  const { userName } = status;
  await removeUser(accessKey, userName, deps, pass).catch((caught: unknown) => {
    const fault = onlyFault(caught);
    if (metadata.annotations?.[annotations.abandon] !== 'true') throw fault;
    const what = `User ${userName} and its keys stay at the provider.`;
    pass.event('Warning', eventReasons.AccessKeyAbandoned, `${what} ${fault.message}`);
  });
  const secretName = status.secretName ?? secretNameOf(accessKey);
  await deleteOwnedSecret(deps.kube, accessKey, secretName, { signal: pass.signal }).catch(unlessForeign);
  return done;
};

const removeUser = async (
  accessKey: AccessKey,
  name: string,
  deps: AccessKeyDeps,
  pass: Pass<AccessKeyStatus>,
): Promise<void> => {
  const { spec, metadata } = accessKey;
  const cannot = explainWait('The key cannot be removed yet');
  const { driver } = await deps.references
    .driverForRemoval(spec.providerRef, metadata.namespace, pass.signal)
    .catch(cannot);
  const issuer = driver.keys;
  if (typeof issuer === 'string') return cannot(waiting(reasons.Unsupported, issuer));
  const user: KeyUser = { name, mark: markOf(accessKey, await deps.clusterId(pass.signal)), tags: new Map() };
  const observed = await issuer.observeUser(user, pass);
  if (observed?.isOurs === false) {
    pass.event('Warning', reasons.UserConflict, `User ${name} at the provider is not ours; it stays.`);
    return;
  }
  // Also where the user is gone: its policy may have outlived it.
  await pass.step('remove', () => issuer.deleteUser(user, pass));
  pass.event('Normal', eventReasons.AccessKeyDeleted, `Removed user ${name} and its keys.`);
};
