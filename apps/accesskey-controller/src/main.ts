import { randomBytes } from 'node:crypto';
import {
  accessKeyResource,
  bucketResource,
  finalizerName,
  positiveConditionTypes,
  providerResource,
  type AccessKeySpec,
  type AccessKeyStatus,
} from '@operator/api';
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
  policyFailed,
  trimReferredBucket,
  usable,
  wokenByBucket,
  wokenByProvider,
  wokenByRevocation,
  type ReferredBucket,
  type Provider,
} from '@operator/references';
import { keyOf, runController, type ControllerTools, type StoredObject } from '@operator/runtime';
import { createOwnWrites, secretResource } from '@operator/secrets';
import { secretNameOf } from '@operator/secret-content';
import packageJson from '../package.json' with { type: 'json' };
import type { AccessKey } from './deps.ts';
import { issuedKeys } from './issued-keys.ts';
import { issuedLabel } from './output-secret.ts';
import { makePair } from './pair.ts';
import { createCandidates } from './candidates.ts';
import { createUserPlaces } from './places.ts';
import { accessKeyReconciler } from './reconciler.ts';
import { isDrift } from './report.ts';

/** What every driver needs of this process. */
const ofProcess = {
  random: Math.random,
  now: () => new Date(),
  elapsedMs: () => performance.now(),
  version: packageJson.version,
};

/** A Secret whose content is not kept. */
type IssuedSecret = StoredObject & { readonly data?: unknown };

const withoutContent = (secret: IssuedSecret): IssuedSecret => ({ ...secret, data: undefined });

const ownersOf = ({ metadata }: StoredObject): readonly string[] =>
  (metadata.ownerReferences ?? [])
    .filter(({ kind }) => kind === accessKeyResource.kind)
    .map(({ name }) => `${metadata.namespace}/${name}`);

const build = (tools: ControllerTools) => {
  const pool = createDriverPool(driversWith(driverDepsFor(tools, ofProcess)));
  const { kube } = tools;
  const places = createUserPlaces();
  const candidates = createCandidates();
  const accessKeys = tools.informer<AccessKey>(accessKeyResource);
  const providers = tools.informer<Provider>(providerResource, { scope: 'all' });
  const buckets = tools.informer<ReferredBucket>(bucketResource, { scope: 'all', trim: trimReferredBucket });
  const secrets = tools.informer<IssuedSecret>(secretResource, {
    labelSelector: `${issuedLabel.key}=${issuedLabel.value}`,
    trim: withoutContent,
  });
  const keysOfProvider = accessKeys.index('provider', ({ spec, metadata }) => [
    keyOfReference(spec.providerRef, metadata.namespace),
  ]);
  const keysOfBucket = accessKeys.index('bucket', ({ spec, metadata }) =>
    (spec.access ?? []).map(({ bucketRef }) => keyOfReference(bucketRef, metadata.namespace)),
  );

  tools.mapEvents(providers, (provider, old) => {
    const keys = keysOfProvider(keyOf(provider));
    return [...wokenByProvider(provider, old, keys), ...wokenByRevocation(provider, old, keys)].map(keyOf);
  });
  tools.mapEvents(buckets, (bucket, old) => wokenByBucket(bucket, old, keysOfBucket(keyOf(bucket))).map(keyOf));
  // A Secret that was deleted or altered gets a pair again. What a pass wrote itself it has looked at already.
  const ownWrites = createOwnWrites(kube, ownersOf, (key) => {
    tools.enqueue(key);
  });
  tools.mapEvents(secrets, ownWrites.foreignChange);
  accessKeys.on({
    onDelete: (accessKey) => {
      ownWrites.forget(`${accessKey.metadata.namespace}/${secretNameOf(accessKey)}`);
    },
  });

  tools.metrics.accessKeys(() => issuedKeys(accessKeys.list(), tools.clock.now()));

  providers.on({
    onDelete: (provider) => {
      pool.drop(provider.metadata.uid);
      tools.metrics.forgetProvider(keyOf(provider));
    },
  });

  return {
    resource: accessKeyResource,
    finalizer: finalizerName,
    positiveConditions: positiveConditionTypes,
    isToldElsewhere,
    mayYetCome,
    failureEvent: policyFailed,
    isBeyondHelp: isProviderGone,
    isUsable: usable(providers),
    isDrift,
    // A user's name follows from the uid, and a Secret says whose it is.
    isBoundToUid: true,
    forgotten: (uid: string) => {
      places.forget(uid);
      candidates.drop(uid);
    },
    reconciler: accessKeyReconciler({
      kube: ownWrites.kube,
      references: createReferences({
        kube,
        pool,
        crossNamespaceRefs: tools.config.crossNamespaceRefs,
        providers,
        buckets,
      }),
      ownership: composeOwnership(tools, randomBytes),
      places,
      candidates,
      newPair: () => makePair(randomBytes),
    }),
  };
};

const exitStatus = await runController<AccessKeySpec, AccessKeyStatus>({
  name: 'accesskey-controller',
  version: packageJson.version,
  argv: process.argv.slice(2),
  env: process.env,
  build,
});
// A call that does not heed its signal must not keep the process.
process.exit(exitStatus);
