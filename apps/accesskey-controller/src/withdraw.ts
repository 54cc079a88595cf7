import { reasons } from '@operator/api';
import { Fault, onlyFault } from '@operator/outcome';
import type { AccessKey, AccessKeyDeps } from './deps.ts';
import { userOf, type KeyPass } from './work.ts';

/**
 * Takes all rights from a user whose namespace may no longer use the Provider: its key stays, and can do nothing. @returns false
 * when there is no user, or the Provider cannot be used now: the next look tries again
 */
export const takeRights = async (accessKey: AccessKey, deps: AccessKeyDeps, pass: KeyPass): Promise<boolean> => {
  const { spec, metadata, status } = accessKey;
  if (status?.userName === undefined) return false;
  const provided = await deps.references
    .driverForRemoval(spec.providerRef, metadata.namespace, pass.signal)
    .catch(onlyFault);
  if (provided instanceof Fault || typeof provided.driver.keys === 'string') return false;
  const issuer = provided.driver.keys;
  const user = await userOf(accessKey, issuer, deps, pass.signal);
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
