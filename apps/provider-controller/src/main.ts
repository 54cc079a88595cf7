import {
  accessKeyResource,
  bucketResource,
  eventReasons,
  finalizerName,
  positiveConditionTypes,
  providerResource,
  type ProviderSpec,
  type ProviderStatus,
} from '@operator/api';
import {
  createDriverPool,
  keyOfReference,
  namespaceLabels,
  type DriverFactories,
  type Provider,
} from '@operator/references';
import { keyOf, runController, type ControllerTools } from '@operator/runtime';
import packageJson from '../package.json' with { type: 'json' };
import { createCheckMemory } from './check.ts';
import { providerReconciler } from './reconciler.ts';
import { createSecretWatches } from './secret-watches.ts';
import type { AccessKeyUser, BucketUser } from './users.ts';

/** What every driver needs of this process. */
const driverDeps = { random: Math.random, elapsedMs: () => performance.now(), version: packageJson.version };

const drivers: DriverFactories = {
  aws: async (connection) => (await import('@operator/driver-aws')).createAwsDriver(connection, driverDeps),
  wasabi: async (connection) => (await import('@operator/driver-wasabi')).createWasabiDriver(connection, driverDeps),
  minio: async (connection) => (await import('@operator/driver-minio')).createMinioDriver(connection, driverDeps),
  custom: async (connection) => (await import('@operator/driver-generic')).createGenericDriver(connection, driverDeps),
};

/** Milliseconds to gather changes of the objects that use a Provider, so that a thousand new Buckets are counted in few passes. */
const usersSettleMs = 2_000;

const keyOfProvider = ({ spec, metadata }: BucketUser | AccessKeyUser): string =>
  keyOfReference(spec.providerRef, metadata.namespace);

/** Only what the counts need: there may be many thousands. */
const trimBucket = ({ spec, status, ...rest }: BucketUser): BucketUser => ({
  ...rest,
  spec: { providerRef: spec.providerRef, name: spec.name },
  ...(status === undefined ? {} : { status: trimBucketStatus(status) }),
});

const trimBucketStatus = ({
  bucketName,
  exists,
  ownership,
  createIntent,
  region,
}: NonNullable<BucketUser['status']>) => ({
  ...(bucketName === undefined ? {} : { bucketName }),
  ...(exists === undefined ? {} : { exists }),
  ...(ownership === undefined ? {} : { ownership }),
  ...(createIntent === undefined ? {} : { createIntent }),
  ...(region === undefined ? {} : { region }),
});

const trimAccessKey = ({ spec, status, ...rest }: AccessKeyUser): AccessKeyUser => ({
  ...rest,
  spec: { providerRef: spec.providerRef },
  ...(status?.userName === undefined ? {} : { status: { userName: status.userName } }),
});

const pool = createDriverPool(drivers);

const build = (tools: ControllerTools) => {
  const { kube, metrics } = tools;
  const buckets = tools.informer<BucketUser>(bucketResource, { trim: trimBucket });
  const accessKeys = tools.informer<AccessKeyUser>(accessKeyResource, { trim: trimAccessKey });
  const bucketsOf = buckets.index('provider', (bucket) => [keyOfProvider(bucket)]);
  const accessKeysOf = accessKeys.index('provider', (accessKey) => [keyOfProvider(accessKey)]);
  const count = (user: BucketUser | AccessKeyUser) => tools.enqueue(keyOfProvider(user), usersSettleMs);
  buckets.on({
    onAdd: count,
    onDelete: count,
    onUpdate: (bucket, old) => {
      // A bucket that comes into being can be read from; one that lets go counts no more.
      if (bucket.status?.exists !== old.status?.exists || bucket.status?.ownership !== old.status?.ownership)
        count(bucket);
    },
  });
  accessKeys.on({ onAdd: count, onDelete: count });

  const checks = createCheckMemory();
  const secrets = createSecretWatches(tools);
  // However it went, nothing is kept of a Provider that is gone.
  tools.informer<Provider>(providerResource).on({
    onDelete: (provider) => {
      secrets.unfollow(keyOf(provider));
      checks.forget(provider.metadata.uid);
      pool.drop(provider.metadata.uid);
      metrics.providerConnectivity(keyOf(provider), undefined);
    },
  });

  return {
    resource: providerResource,
    finalizer: finalizerName,
    positiveConditions: positiveConditionTypes,
    failureEvent: eventReasons.ValidateFailed,
    reconciler: providerReconciler({
      kube,
      pool,
      metrics,
      checks,
      secrets,
      usersOf: (key) => ({ buckets: bucketsOf(key), accessKeys: accessKeysOf(key) }),
      labelsOf: namespaceLabels(kube),
    }),
  };
};

const exitStatus = await runController<ProviderSpec, ProviderStatus>({
  name: 'provider-controller',
  argv: process.argv.slice(2),
  env: process.env,
  build,
});
pool.close();
// A call that does not heed its signal must not keep the process.
process.exit(exitStatus);
