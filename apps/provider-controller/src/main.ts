import { randomBytes } from 'node:crypto';
import {
  finalizerName,
  positiveConditionTypes,
  providerResource,
  type ProviderSpec,
  type ProviderStatus,
} from '@operator/api';
import { driversWith } from '@operator/drivers';
import {
  composeOwnership,
  createDriverPool,
  driverDepsFor,
  mayYetCome,
  namespaceLabels,
  type Provider,
} from '@operator/references';
import { keyOf, runController, seesNamespace, type ControllerTools } from '@operator/runtime';
import packageJson from '../package.json' with { type: 'json' };
import { createCheckMemory } from './check.ts';
import { createNamespaceWatch } from './namespace-watch.ts';
import { createOrphanMemory } from './orphans.ts';
import { providerReconciler } from './reconciler.ts';
import { validateFailed } from './report.ts';
import { createRetainedMemory } from './retained.ts';
import { createSecretWatches } from './secret-watches.ts';
import { createUserWatches, liveAccessKeys, liveUsers } from './user-watches.ts';

/** What every driver needs of this process. */
const ofProcess = {
  random: Math.random,
  now: () => new Date(),
  elapsedMs: () => performance.now(),
  version: packageJson.version,
};

const build = (tools: ControllerTools) => {
  const pool = createDriverPool(driversWith(driverDepsFor(tools, ofProcess)));
  const { kube, metrics } = tools;
  const users = createUserWatches(tools);
  const orphans = createOrphanMemory();
  const retained = createRetainedMemory();
  const checks = createCheckMemory();
  const secrets = createSecretWatches(tools);
  const namespaces = tools.config.crossNamespaceRefs ? createNamespaceWatch(tools) : undefined;
  // However it went, nothing is kept of a Provider that is gone.
  tools.informer<Provider>(providerResource).on({
    onDelete: (provider) => {
      secrets.unfollow(keyOf(provider));
      namespaces?.unfollow(keyOf(provider));
      checks.forget(provider.metadata.uid);
      orphans.forget(provider.metadata.uid);
      retained.forget(provider.metadata.uid);
      pool.drop(provider.metadata.uid);
      metrics.forgetProvider(keyOf(provider));
    },
  });

  return {
    resource: providerResource,
    finalizer: finalizerName,
    positiveConditions: positiveConditionTypes,
    failureEvent: validateFailed,
    leavesNothing: true,
    mayYetCome,
    reconciler: providerReconciler({
      kube,
      pool,
      metrics,
      checks,
      secrets,
      usersOf: users.usersOf,
      liveUsersOf: liveUsers(tools.listLive),
      accessKeys: { known: users.accessKeys, live: liveAccessKeys(tools.listLive) },
      orphans,
      buckets: { known: users.buckets, sees: (namespace) => seesNamespace(tools.config, namespace) },
      retained,
      namespaces,
      labelsOf: namespaceLabels(kube),
      ownership: composeOwnership(tools, randomBytes),
    }),
  };
};

const exitStatus = await runController<ProviderSpec, ProviderStatus>({
  name: 'provider-controller',
  version: packageJson.version,
  argv: process.argv.slice(2),
  env: process.env,
  build,
});
// A call that does not heed its signal must not keep the process.
process.exit(exitStatus);
