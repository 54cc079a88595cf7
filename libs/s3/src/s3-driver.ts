import type { UnsupportedFeatures } from './aspect.ts';
import type { Connection } from './connection.ts';
import { createCreationTags } from './creation-tags.ts';
import type { DriverDeps } from './deps.ts';
import type { Driver } from './driver.ts';
import { checkS3Health, createUnknownKeyCheck } from './health.ts';
import { probeFeatures } from './probe.ts';
import { createWirePool, type WirePool, type WirePoolOptions } from './wire-pool.ts';

/** What makes a driver of a plain S3 server its own. */
export interface DriverTraits
  extends WirePoolOptions, Pick<Driver, 'serverIdentity' | 'deletionWarning' | 'settlesInMs'> {
  /** As `Driver.unsupported`; `software`: what the server says it is, once it has said something. */
  readonly unsupported: UnsupportedFeatures | ((software: string | undefined) => UnsupportedFeatures);
  /** `pool`: for features that are not of the S3 API. */
  readonly aspects: (pool: WirePool) => Driver['aspects'];
  readonly keys: (pool: WirePool) => Driver['keys'];
  /** True when the server is known to have every feature of the list that is not in `unsupported`; else reads find out. */
  readonly isCertain: boolean;
  /** As `Driver.guardsContent`; false when absent. */
  readonly guardsContent?: boolean;
  /** True when tags in CreateBucket are known to do no harm; false when absent. */
  readonly tagsAtCreation?: boolean;
  /** Finds by the settings alone what cannot work. @throws Fault */
  readonly checkSettings?: () => void;
}

/** Assembles a driver for a server whose health, clients and probing are those of any S3 server. */
export const createS3Driver = (connection: Connection, deps: DriverDeps, traits: DriverTraits): Driver => {
  const pool = createWirePool(connection, deps, traits);
  const driver: Driver = {
    connection,
    aspects: traits.aspects(pool),
    get unsupported() {
      return typeof traits.unsupported === 'function' ? traits.unsupported(pool.software()) : traits.unsupported;
    },
    keys: traits.keys(pool),
    serverIdentity: traits.serverIdentity,
    guardsContent: traits.guardsContent ?? false,
    ...(traits.tagsAtCreation === true ? { creationTags: createCreationTags(deps.elapsedMs) } : {}),
    ...(traits.settlesInMs === undefined ? {} : { settlesInMs: traits.settlesInMs }),
    ...(traits.deletionWarning === undefined ? {} : { deletionWarning: traits.deletionWarning }),
    get marksBuckets() {
      return !pool.lacks('GetBucketTagging');
    },
    wire: (region) => pool.wire(region),
    wireAs: (credentials) => pool.wireAs(credentials),
    deniesUnknownKeys: createUnknownKeyCheck((credentials) => pool.wireAs(credentials), deps.random),
    async checkHealth(context) {
      traits.checkSettings?.();
      return checkS3Health(driver, pool, context);
    },
    probe: (context, bucket) => probeFeatures(driver, context, { bucket, isCertain: traits.isCertain }),
    close: () => pool.close(),
  };
  return driver;
};

/** The identity of a server that is known by its address alone: scheme, host and port in their normal form. */
export const endpointIdentity = (endpoint: string): string => new URL(endpoint).origin;
