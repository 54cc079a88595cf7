import { randomBytes } from 'node:crypto';
import {
  accessKeyResource,
  bucketPolicyResource,
  bucketResource,
  finalizerName,
  positiveConditionTypes,
  providerResource,
  type BucketSpec,
  type BucketStatus,
} from '@operator/api';
import { driversWith } from '@operator/drivers';
import {
  bucketMatters,
  composeOwnership,
  confirmedWithdrawals,
  createDriverPool,
  driverDepsFor,
  createReferences,
  isProviderGone,
  isToldElsewhere,
  keyOfReference,
  mayYetCome,
  namespaceLabels,
  trimReferredBucket,
  usable,
  usableVersion,
  waitFactsOf,
  wokenByProvider,
  type Bucket,
  type Provider,
  type ReferredBucket,
} from '@operator/references';
import { keyOf, runController, type ControllerTools, type Informer } from '@operator/runtime';
import packageJson from '../package.json' with { type: 'json' };
import {
  borrowersOf,
  bucketsBorrowedBy,
  bucketsRememberedBy,
  trimBorrowingKey,
  type BorrowingKey,
} from './borrowers.ts';
import { createInputs } from './inputs.ts';
import { policiesOn, trimPolicy, type TrimmedPolicy } from './policies.ts';
import { bucketReconciler } from './reconciler.ts';

/** What every driver needs of this process. */
const ofProcess = {
  random: Math.random,
  now: () => new Date(),
  elapsedMs: () => performance.now(),
  version: packageJson.version,
};

const keyOfProvider = ({ spec, metadata }: ReferredBucket): string =>
  keyOfReference(spec.providerRef, metadata.namespace);
const keyOfBucket = ({ spec, metadata }: TrimmedPolicy): string => keyOfReference(spec.bucketRef, metadata.namespace);

/** True when nothing of a BucketPolicy has changed that its Bucket shows or waits for. */
const isAsBefore = (policy: TrimmedPolicy, old: TrimmedPolicy | undefined): boolean =>
  policy.metadata.generation === old?.metadata.generation && waitFactsOf(policy) === waitFactsOf(old);

/** The Buckets that features may refer to, whichever process looks after them, and those that have a Provider. */
const openReferred = (tools: ControllerTools, buckets: Informer<Bucket>) => {
  const { watchNamespaces, watchSelector } = tools.config;
  const isShard = watchNamespaces.length > 0 || watchSelector !== undefined;
  const referred: Informer<ReferredBucket> = isShard
    ? tools.informer<ReferredBucket>(bucketResource, { scope: 'all', view: 'referred', trim: trimReferredBucket })
    : buckets;
  const rememberingOf = referred.index('remembering', bucketsRememberedBy);
  return {
    referred,
    rememberingOf,
    referredOf: referred.index('referredProvider', (bucket) => [keyOfProvider(bucket)]),
  };
};

/** True when its owner confirms the same withdrawals as before. */
const isAsConfirmed = (provider: Provider, old: Provider): boolean =>
  [...confirmedWithdrawals(provider)].join() === [...confirmedWithdrawals(old)].join();

const build = (tools: ControllerTools) => {
  const pool = createDriverPool(driversWith(driverDepsFor(tools, ofProcess)));
  const { kube } = tools;
  const buckets = tools.informer<Bucket>(bucketResource);
  const { referred, referredOf, rememberingOf } = openReferred(tools, buckets);
  const providers = tools.informer<Provider>(providerResource, { scope: 'all' });
  const policies = tools.informer<TrimmedPolicy>(bucketPolicyResource, { scope: 'all', trim: trimPolicy });
  const accessKeys = tools.informer<BorrowingKey>(accessKeyResource, { scope: 'all', trim: trimBorrowingKey });
  const keysOf = accessKeys.index('bucket', bucketsBorrowedBy);
  const bucketsOf = buckets.index('provider', (bucket) => [keyOfProvider(bucket)]);
  const sameName = buckets.index('name', ({ spec }) => [spec.name]);
  const policiesOf = policies.index('bucket', (policy) => [keyOfBucket(policy)]);
  const rivalsOf = ({ spec, metadata }: Bucket) =>
    sameName(spec.name).filter((other) => other.metadata.uid !== metadata.uid);

  tools.mapEvents(providers, (provider, old) => wokenByProvider(provider, old, bucketsOf(keyOf(provider))).map(keyOf));
  tools.mapEvents(policies, (policy, old) => (old !== policy && isAsBefore(policy, old) ? [] : [keyOfBucket(policy)]));
  // The loser of a claim looks again when the winner changes or goes.
  tools.mapEvents(buckets, (bucket, old) => (bucketMatters(bucket, old) ? rivalsOf(bucket).map(keyOf) : []));

  providers.on({
    onDelete: (provider) => {
      pool.drop(provider.metadata.uid);
      tools.metrics.forgetProvider(keyOf(provider));
    },
  });

  const ownership = composeOwnership(tools, randomBytes);
  const references = createReferences({
    kube,
    pool,
    crossNamespaceRefs: tools.config.crossNamespaceRefs,
    providers,
    buckets: referred,
  });
  const inputs = createInputs({ kube, references, ownership });
  // What another Bucket's features name is watched as long as they do, and so is the Provider that it has.
  const referrersOf = (bucket: ReferredBucket) => [
    ...inputs.referrersOf(keyOf(bucket)),
    ...rememberingOf(keyOf(bucket)).map(keyOf),
  ];
  tools.mapEvents(referred, referrersOf);
  tools.mapEvents(providers, (provider, old) =>
    old !== undefined && usableVersion(provider) === usableVersion(old) && isAsConfirmed(provider, old)
      ? []
      : referredOf(keyOf(provider)).flatMap(referrersOf),
  );
  buckets.on({
    onDelete: (bucket) => {
      inputs.forget(keyOf(bucket));
    },
  });
  return {
    resource: bucketResource,
    finalizer: finalizerName,
    positiveConditions: positiveConditionTypes,
    isToldElsewhere,
    // A bucket that stays bears its owner tags, and can be adopted or removed; one that is deleted does not come back.
    keepsWhenStripped: true,
    mayYetCome,
    isBeyondHelp: isProviderGone,
    isUsable: usable(providers),
    spreadsFirstLooks: true,
    reconciler: bucketReconciler({
      references,
      inputs,
      ownership,
      vanished: tools.metrics.vanishedBuckets(),
      sameName,
      borrowersOf: (bucket, signal) => {
        const key = keyOf(bucket);
        const referrers = { policies: policiesOf(key), accessKeys: keysOf(key), buckets: rememberingOf(key) };
        return borrowersOf(bucket, referrers, ownership, signal);
      },
      labelsOf: namespaceLabels(kube),
      policiesOf: (bucket, labelsOf, signal) =>
        policiesOn(bucket, policiesOf(keyOf(bucket)), { labelsOf, ownership }, signal),
    }),
  };
};

const exitStatus = await runController<BucketSpec, BucketStatus>({
  name: 'bucket-controller',
  version: packageJson.version,
  argv: process.argv.slice(2),
  env: process.env,
  build,
});
// A call that does not heed its signal must not keep the process.
process.exit(exitStatus);
