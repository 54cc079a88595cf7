import { cephProcesses, startCeph } from './ceph.ts';
import {
  startMinio,
  startMoto,
  startSeaweedfs,
  startVersitygw,
  type S3Server,
  type S3ServerOptions,
} from './s3-servers.ts';

/** How each server is started, by its name. */
export const s3Starters: Readonly<Record<S3Server['name'], (options: S3ServerOptions) => Promise<S3Server>>> = {
  minio: startMinio,
  moto: startMoto,
  versitygw: startVersitygw,
  seaweedfs: startSeaweedfs,
  ceph: startCeph,
};

/** What a server's processes are called. */
export const processesOf = (server: S3Server['name']): readonly string[] =>
  server === 'ceph' ? cephProcesses : [server];
