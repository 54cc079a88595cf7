export { startControlPlane, type ControlPlane } from './control-plane.ts';
export { installCrds } from './crds.ts';
export { startMinio, startMoto, startSeaweedfs, startVersitygw, type S3Server } from './s3-servers.ts';
export { s3Starters } from './starters.ts';
export { startCeph } from './ceph.ts';
export { startCollector, type CollectedSpan, type Collector } from './collector.ts';
export { obtainServers } from './servers/obtain.ts';
export { freePort } from './ports.ts';
export { startChild, waitUntilReady, logTail, type Child } from './child.ts';
