import type { AccessKeyStatus } from '@operator/api';
import { annotations, eventReasons, reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import { explainWait } from '@operator/references';
import type { Finalized, Pass } from '@operator/runtime';
import type { KeyUser } from '@operator/s3';
import { deleteOwnedSecret } from '@operator/secrets';
import { markOf, type AccessKey, type AccessKeyDeps } from './deps.ts';
import { secretNameOf, unlessForeign } from './output-secret.ts';

const done: Finalized<AccessKeyStatus> = { result: 'done' };

/**
 * Removes keys, rights and user at the provider, then the Secret. What is gone counts as removed.
 * @throws the Faults of the Provider: a key is not forgotten because its server is away
 */
export const finalizeAccessKey = async (
  accessKey: AccessKey,
  deps: AccessKeyDeps,
  pass: Pass<AccessKeyStatus>,
): Promise<Finalized<AccessKeyStatus>> => {
  const { spec, metadata, status } = accessKey;
  // The name stands in the status before the user is made: without it there is none.
  if (status?.userName === undefined || metadata.annotations?.[annotations.abandon] === 'true') return done;
  const cannot = explainWait('The key cannot be removed yet');
  const { driver } = await deps.references
    .driverForRemoval(spec.providerRef, metadata.namespace, pass.signal)
    .catch(cannot);
  const issuer = driver.keys;
  if (typeof issuer === 'string') return cannot(waiting(reasons.Unsupported, issuer));
  const mark = markOf(accessKey, await deps.clusterId(pass.signal));
  const user: KeyUser = { name: status.userName, mark, tags: new Map() };
  const observed = await issuer.observeUser(user, pass);
  if (observed?.isOurs === false) {
    pass.event('Warning', reasons.UserConflict, `User ${user.name} at the provider is not ours; it stays.`);
  } else {
    // Also where the user is gone: its policy may have outlived it.
    await issuer.deleteUser(user, pass);
    pass.event('Normal', eventReasons.AccessKeyDeleted, `Removed user ${user.name} and its keys.`);
  }
  const secretName = status.secretName ?? secretNameOf(accessKey);
  await deleteOwnedSecret(deps.kube, accessKey, secretName, { signal: pass.signal }).catch(unlessForeign);
  return done;
};
