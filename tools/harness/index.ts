export { controllerNames, type ControllerName } from '../controllers.ts';
export { bundleControllers, bundleWithDecisionClock, controllerOf } from './bundles.ts';
export { untilPasses, type Controller } from './controller.ts';
export { startCountingProxy } from './counting-proxy.ts';
export { createDecisionClock } from './decision-clock.ts';
export { forEach } from './each.ts';
export {
  s3Error,
  startBanner,
  startHostileEndpoint,
  type HostileAnswer,
  type HostileEndpoint,
  type HostileOptions,
} from './hostile-endpoint.ts';
export {
  allKinds,
  conditionOf,
  isReady,
  Kube,
  KubeApiError,
  ourKinds,
  type Manifest,
  type Metadata,
  type OurKind,
  type Stored,
} from './kube.ts';
export {
  accessKeySpec,
  bucketSpec,
  listingKeySpec,
  openAccess,
  passRequest,
  policySpec,
  publicPolicySpec,
  specChange,
} from './manifests.ts';
export { sumOfMetric } from './metrics.ts';
export { minioAdmin, type MinioAdmin } from './minio-admin.ts';
export { canBePod } from './pod.ts';
export { namedHosts, shiftedClock } from './preloads.ts';
export { cpuSecondsOf, memoryOf } from './proc.ts';
export { watchReady, type ReadyWatch } from './ready-watch.ts';
export { pairIn, s3View, type Pair, type S3View } from './s3-view.ts';
export { searchLogs } from './search-logs.ts';
export { seeded, type Seeded } from './seeded.ts';
export { SecretsMade } from './secrets-made.ts';
export { tally, Traffic, type Call, type Trap, type Verdict } from './traffic.ts';
export { until } from './until.ts';
export { untilQuiet } from './until-quiet.ts';
export { startWatchProxy, type WatchProxy } from './watch-proxy.ts';
export { isRefusedWith, startWorld, type ServerName, type World } from './world.ts';
