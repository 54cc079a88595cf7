export {
  startControlPlane,
  type ControlPlane,
  type ControlPlaneOptions,
  type ControlPlaneUser,
} from './control-plane.ts';
export {
  startMinio,
  startMoto,
  startSeaweedfs,
  startVersitygw,
  type S3Credentials,
  type S3Server,
  type S3ServerOptions,
} from './s3-servers.ts';
export { s3Starters } from './starters.ts';
export { startCeph, type CephOptions } from './ceph.ts';
export { obtainServers, Unobtainable } from './servers/obtain.ts';
export { freePort, freePorts } from './ports.ts';
export { startChild, waitUntilReady, logTail, type Child, type ChildSpec, type Lifetime } from './child.ts';
