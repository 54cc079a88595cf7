import { randomBytes } from 'node:crypto';
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
import { driversWith } from '@operator/drivers';
import {
  composeOwnership,
  createDriverPool,
  driverDepsFor,
  createReferences,
  isProviderGone,
  isToldElsewhere,
  keyOfReference,
  mayYetCome,
  namespaceLabels,
  policyFailed,
  trimReferredBucket,
  usable,
  waitFactsOf,
  wokenByBucket,
  wokenByProvider,
  type ReferredBucket,
  type Provider,
} from '@operator/references';
import { keyOf, runController, type ControllerTools } from '@operator/runtime';
import packageJson from '../package.json' with { type: 'json' };
import type { PrincipalKey, BucketPolicy, RivalPolicy } from './deps.ts';
import { policyReconciler } from './reconciler.ts';
import { hasLostDocument, trimRival } from './rivals.ts';
import { createWriteMemory } from './write-memory.ts';

/** What every driver needs of this process. */
const ofProcess = {
  random: Math.random,
  now: () => new Date(),
  elapsedMs: () => performance.now(),
  version: packageJson.version,
};

const keyOfBucket = ({ spec, metadata }: RivalPolicy): string => keyOfReference(spec.bucketRef, metadata.namespace);

/** The AccessKeys that a policy names as principals; none while it is not well formed. */
const accessKeysOf = ({ spec, metadata }: BucketPolicy): readonly string[] => {
  const parsed = parsePolicy(spec.policy, 'bucket');
  if (!('document' in parsed)) return [];
  return accessKeyRefs(parsed.document).map((name) => `${metadata.namespace}/${name}`);
};

/** The informers of this process, and what is found in them by an index. */
const openViews = (tools: ControllerTools) => {
  const policies = tools.informer<BucketPolicy>(bucketPolicyResource);
  // A bucket has one policy, whichever process looks after it: those of other shards are seen too.
  const { watchNamespaces, watchSelector } = tools.config;
  const isShard = watchNamespaces.length > 0 || watchSelector !== undefined;
  const rivals = isShard
    ? tools.informer<RivalPolicy>(bucketPolicyResource, { scope: 'all', view: 'rivals', trim: trimRival })
    : policies;
  const buckets = tools.informer<ReferredBucket>(bucketResource, { scope: 'all', trim: trimReferredBucket });
  const policiesOf = policies.index('bucket', (policy) => [keyOfBucket(policy)]);
  const placesOf = ({ status }: RivalPolicy) => (status?.bucketName === undefined ? [] : [status.bucketName]);
  return {
    policies,
    rivals,
    buckets,
    providers: tools.informer<Provider>(providerResource, { scope: 'all' }),
    accessKeys: tools.informer<PrincipalKey>(accessKeyResource),
    policiesOf,
    rivalsOf: isShard ? rivals.index('bucket', (policy) => [keyOfBucket(policy)]) : policiesOf,
    rivalsAt: rivals.index('place', placesOf),
    policiesNaming: policies.index('accessKey', accessKeysOf),
    bucketsOf: buckets.index('provider', ({ spec, metadata }) => [
      keyOfReference(spec.providerRef, metadata.namespace),
    ]),
  };
};

/** Which policies look again when another object changes. */
const wakePolicies = ({ mapEvents }: ControllerTools, views: ReturnType<typeof openViews>): void => {
  const { policiesOf, policiesNaming, bucketsOf } = views;
  mapEvents(views.buckets, (bucket, old) => wokenByBucket(bucket, old, policiesOf(keyOf(bucket))).map(keyOf));
  mapEvents(views.providers, (provider, old) => {
    const dependents = bucketsOf(keyOf(provider)).flatMap((bucket) => policiesOf(keyOf(bucket)));
    return wokenByProvider(provider, old, dependents).map(keyOf);
  });
  mapEvents(views.accessKeys, (accessKey, old) =>
    accessKey.status?.userArn === old?.status?.userArn && accessKey !== old
      ? []
      : policiesNaming(keyOf(accessKey)).map(keyOf),
  );
  // The loser of a conflict looks again when the winner comes or goes, or its document does, or nobody waits for it any more.
  mapEvents<RivalPolicy>(views.rivals, (policy, old) =>
    old === undefined || old === policy || waitFactsOf(old) !== waitFactsOf(policy) || hasLostDocument(policy, old)
      ? policiesOf(keyOfBucket(policy))
          .filter((other) => other.metadata.uid !== policy.metadata.uid)
          .map(keyOf)
      : [],
  );
};

const build = (tools: ControllerTools) => {
  const pool = createDriverPool(driversWith(driverDepsFor(tools, ofProcess)));
  const { kube } = tools;
  const views = openViews(tools);
  const { buckets, providers, accessKeys } = views;
  wakePolicies(tools, views);
  providers.on({
    onDelete: (provider) => {
      pool.drop(provider.metadata.uid);
      tools.metrics.forgetProvider(keyOf(provider));
    },
  });

  return {
    resource: bucketPolicyResource,
    finalizer: finalizerName,
    positiveConditions: positiveConditionTypes,
    isToldElsewhere,
    mayYetCome,
    isBeyondHelp: isProviderGone,
    isUsable: usable(providers),
    spreadsFirstLooks: true,
    failureEvent: policyFailed,
    reconciler: policyReconciler({
      references: createReferences({
        kube,
        pool,
        crossNamespaceRefs: tools.config.crossNamespaceRefs,
        providers,
        buckets,
      }),
      ownership: composeOwnership(tools, randomBytes),
      bucketAt: (key) => buckets.get(key),
      policiesOf: views.rivalsOf,
      policiesAt: views.rivalsAt,
      // What is destroyed because nobody else has it must not rest on a late watch.
      livePolicies: (signal) => tools.listLive(bucketPolicyResource, (policy: BucketPolicy) => policy, { signal }),
      lookAgain: (key) => {
        tools.enqueue(key);
      },
      accessKeyAt: (key) => accessKeys.get(key),
      labelsOf: namespaceLabels(kube),
      writes: createWriteMemory(),
    }),
  };
};

const exitStatus = await runController<BucketPolicySpec, BucketPolicyStatus>({
  name: 'policy-controller',
  version: packageJson.version,
  argv: process.argv.slice(2),
  env: process.env,
  build,
});
// A call that does not heed its signal must not keep the process.
process.exit(exitStatus);
