import {
  accessKeyResource,
  bucketPolicyResource,
  bucketResource,
  finalizerName,
  positiveConditionTypes,
  providerResource,
  type BucketPolicySpec,
  type BucketPolicyStatus,
} from '@operator/api';
import { accessKeyRefs, parsePolicy } from '@operator/policy';
import {
  createDriverPool,
  createReferences,
  keyOfReference,
  type Bucket,
  type DriverFactories,
  type Provider,
} from '@operator/references';
import { keyOf, runController, type ControllerTools } from '@operator/runtime';
import packageJson from '../package.json' with { type: 'json' };
import type { AccessKeyUser, BucketPolicy } from './deps.ts';
import { policyReconciler } from './reconciler.ts';

/** What every driver needs of this process. */
const driverDeps = { random: Math.random, elapsedMs: () => performance.now(), version: packageJson.version };

const drivers: DriverFactories = {
  aws: async (connection) => (await import('@operator/driver-aws')).createAwsDriver(connection, driverDeps),
  wasabi: async (connection) => (await import('@operator/driver-wasabi')).createWasabiDriver(connection, driverDeps),
  minio: async (connection) => (await import('@operator/driver-minio')).createMinioDriver(connection, driverDeps),
  custom: async (connection) => (await import('@operator/driver-generic')).createGenericDriver(connection, driverDeps),
};

const keyOfBucket = ({ spec, metadata }: BucketPolicy): string => keyOfReference(spec.bucketRef, metadata.namespace);

/** The AccessKeys that a policy names as principals; none while it is not well formed. */
const accessKeysOf = ({ spec, metadata }: BucketPolicy): readonly string[] => {
  const parsed = parsePolicy(spec.policy, 'bucket');
  if (!('document' in parsed)) return [];
  return accessKeyRefs(parsed.document).map((name) => `${metadata.namespace}/${name}`);
};

const build = (tools: ControllerTools) => {
  const { kube, informer, mapEvents } = tools;
  const policies = informer<BucketPolicy>(bucketPolicyResource);
  const buckets = informer<Bucket>(bucketResource, { scope: 'all' });
  const providers = informer<Provider>(providerResource, { scope: 'all' });
  const accessKeys = informer<AccessKeyUser>(accessKeyResource);
  const policiesOf = policies.index('bucket', (policy) => [keyOfBucket(policy)]);
  const policiesNaming = policies.index('accessKey', accessKeysOf);
  const bucketsOf = buckets.index('provider', ({ spec, metadata }) => [
    keyOfReference(spec.providerRef, metadata.namespace),
  ]);

  mapEvents(buckets, (bucket) => policiesOf(keyOf(bucket)).map(keyOf));
  mapEvents(providers, (provider) =>
    bucketsOf(keyOf(provider)).flatMap((bucket) => policiesOf(keyOf(bucket)).map(keyOf)),
  );
  mapEvents(accessKeys, (accessKey) => policiesNaming(keyOf(accessKey)).map(keyOf));
  // The loser of a conflict looks again when the winner changes or goes.
  mapEvents(policies, (policy) => policiesOf(keyOfBucket(policy)).map(keyOf));

  const pool = createDriverPool(drivers);
  tools.signal.addEventListener('abort', pool.close, { once: true });
  providers.on({ onDelete: ({ metadata }) => { pool.drop(metadata.uid); } });

  return {
    resource: bucketPolicyResource,
    finalizer: finalizerName,
    positiveConditions: positiveConditionTypes,
    reconciler: policyReconciler({
      references: createReferences({ kube, pool, providers, buckets }),
      bucketAt: (key) => buckets.get(key),
      policiesOf,
      accessKeyAt: (key) => accessKeys.get(key),
    }),
  };
};

process.exitCode = await runController<BucketPolicySpec, BucketPolicyStatus>({
  name: 'policy-controller',
  argv: process.argv.slice(2),
  env: process.env,
  build,
});
