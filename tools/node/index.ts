export { withForwarded } from './forward.ts';
export { startNodeCluster, type NodeCluster } from '../local/node/start.ts';
export { consumerManifest, restrictedNamespace } from './manifests.ts';
export {
  apply,
  helmFor,
  loadClusterImages,
  startMinioPod,
  tagImage,
  untilRolledOut,
  type MinioPod,
} from './operator.ts';
