import { reasons } from '@operator/api';
import { Fault, onlyFault } from '@operator/outcome';
import { driverVersion, namespaceResource, resolveConnection } from '@operator/references';
import type { Driver } from '@operator/s3';
import type { ProviderWork } from './deps.ts';

/** A driver for the Secrets as they are now. */
export interface Connected {
  readonly driver: Driver;
  readonly version: string;
  readonly credentialsVersion: string;
}

/** The driver for the Secrets as they are now. @throws the Faults of `resolveConnection` */
export const connect = async (work: ProviderWork): Promise<Connected> => {
  const { provider, deps, pass } = work;
  const resolved = await resolveConnection(deps.kube, provider, pass.signal).catch(onlyFault);
  const credentialsVersion =
    resolved instanceof Fault ? await versionInMemory(resolved, work) : resolved.credentialsVersion;
  const version = driverVersion(provider, credentialsVersion);
  const driver = await deps.pool.driverOf(provider, version, () =>
    resolved instanceof Fault ? Promise.reject(resolved) : Promise.resolve(resolved),
  );
  return { driver, version, credentialsVersion };
};

/**
 * The version of the credentials that are still in memory, when a Secret went before those who need it: a namespace under
 * deletion loses its Secrets first. @throws `missing` where nobody leaves: then it is a mistake, or the end of the credentials
 */
const versionInMemory = async (missing: Fault, { provider, deps, pass }: ProviderWork): Promise<string> => {
  const { metadata, status } = provider;
  const isLeaving = async () => {
    if (metadata.deletionTimestamp !== undefined) return true;
    const namespace = await deps.kube.get(namespaceResource, { name: metadata.namespace }, { signal: pass.signal });
    return namespace?.metadata.deletionTimestamp !== undefined;
  };
  const version = status?.credentialsVersion;
  if (missing.reason === reasons.SecretNotFound && version !== undefined && (await isLeaving())) return version;
  throw missing;
};
