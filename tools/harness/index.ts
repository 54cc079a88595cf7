export { bundleControllers, controllerNames, controllerOf } from './bundles.ts';
export { startCommand, type Command } from './command.ts';
export {
  startController,
  untilPasses,
  type Controller,
  type ControllerName,
  type ControllerOptions,
} from './controller.ts';
export { startCountingProxy, type CountingProxy, type ProxyOptions } from './counting-proxy.ts';
export { forEach } from './each.ts';
export {
  bucketList,
  s3Error,
  startBanner,
  startHostileEndpoint,
  type HostileAnswer,
  type HostileCall,
  type HostileEndpoint,
  type HostileOptions,
  type Script,
} from './hostile-endpoint.ts';
export {
  allKinds,
  conditionOf,
  isReady,
  Kube,
  KubeApiError,
  ourKinds,
  type Condition,
  type Kind,
  type Manifest,
  type Metadata,
  type OurKind,
  type Stored,
} from './kube.ts';
export {
  accessKeySpec,
  bucketSpec,
  listingKeySpec,
  passRequest,
  policySpec,
  publicPolicySpec,
  specChange,
} from './manifests.ts';
export { sumOfMetric } from './metrics.ts';
export { minioAdmin, type MinioAdmin, type MinioUser } from './minio-admin.ts';
export { canBePod } from './pod.ts';
export { namedHosts, shiftedClock } from './preloads.ts';
export { cpuSecondsOf, memoryOf, processesWith, type RunningProcess } from './proc.ts';
export { watchReady, type ReadyWatch } from './ready-watch.ts';
export { s3View, type Pair, type S3View } from './s3-view.ts';
export { searchLogs } from './search-logs.ts';
export { seeded, type Seeded } from './seeded.ts';
export { SecretsMade, type Leak } from './secrets-made.ts';
export {
  identifyKubeCall,
  identifyS3Call,
  tally,
  Traffic,
  type Call,
  type Effect,
  type Trap,
  type Verdict,
} from './traffic.ts';
export { until, type UntilOptions } from './until.ts';
export { untilQuiet } from './until-quiet.ts';
export {
  startWatchProxy,
  type HeldWrite,
  type SeenEvent,
  type SeenWrite,
  type Swallowing,
  type WatchProxy,
} from './watch-proxy.ts';
export {
  isRefusedWith,
  startWorld,
  type ProviderOptions,
  type ServerName,
  type World,
  type WorldOptions,
} from './world.ts';
