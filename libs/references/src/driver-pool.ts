import type { ProviderSpec } from '@operator/api';
import type { Connection, Driver } from '@operator/s3';
import type { Provider, ResolvedConnection } from './connection.ts';

/** Makes a driver for each type of Provider; the modules behind it are loaded on first use. */
export type DriverFactories = Readonly<Record<ProviderSpec['type'], (connection: Connection) => Promise<Driver>>>;

interface Pooled {
  readonly version: string;
  readonly driver: Promise<Driver>;
}

/** One driver for each Provider, kept until its spec or its credentials change. */
export interface DriverPool {
  /**
   * The driver of this Provider at this version. `resolve` reads the Secrets; it is called only when the pool has no driver
   * of that version, and once for callers that come together.
   */
  driverOf(provider: Provider, version: string, resolve: () => Promise<ResolvedConnection>): Promise<Driver>;
  /** Ends the driver of a Provider that is gone. */
  drop(providerUid: string): void;
  close(): void;
}

/** Of each field of a Provider's spec, whether its connection is made of it. */
const isOfConnection: Readonly<Record<keyof ProviderSpec, boolean>> = {
  type: true,
  endpoint: true,
  region: true,
  iamEndpoint: true,
  iamRegion: true,
  adminEndpoint: true,
  permissionsBoundaryArn: true,
  auth: true,
  tls: true,
  pathStyle: true,
  retry: true,
  requestsPerSecond: true,
  allowedNamespaces: false,
  borrowerTagKeys: false,
  checkIntervalSeconds: false,
};

/**
 * What of a Provider a driver depends on: the fields that its connection is made of, and its credentials by their Secrets' versions.
 * Whatever else changes, calls in flight go on. Not its generation, which a deletion moves too: who leaves goes on with the driver
 * that there is, also when the Secrets went first.
 */
export const driverVersion = ({ spec }: Pick<Provider, 'spec'>, credentialsVersion: string): string => {
  const fields = Object.entries(isOfConnection).flatMap(([field, counts]) => (counts ? [field] : []));
  return JSON.stringify([fields.map((field) => spec[field as keyof ProviderSpec] ?? null), credentialsVersion]);
};

/** Pools the drivers of one process. */
export const createDriverPool = (factories: DriverFactories): DriverPool => {
  const pool = new Map<string, Pooled>();
  const end = (pooled: Pooled | undefined): void => {
    // A driver that could not be made has nothing to end, and its caller was told.
    pooled?.driver.then(
      (driver) => {
        driver.close();
      },
      () => undefined,
    );
  };

  return {
    driverOf: async (provider, version, resolve) => {
      const { uid } = provider.metadata;
      const current = pool.get(uid);
      if (current?.version === version) return current.driver;
      end(current);
      const driver = resolve().then(({ connection }) => factories[provider.spec.type](connection));
      const made: Pooled = { version, driver };
      pool.set(uid, made);
      try {
        return await driver;
      } catch (caught) {
        if (pool.get(uid) === made) pool.delete(uid);
        throw caught;
      }
    },
    drop: (uid) => {
      end(pool.get(uid));
      pool.delete(uid);
    },
    close: () => {
      for (const pooled of pool.values()) end(pooled);
      pool.clear();
    },
  };
};
