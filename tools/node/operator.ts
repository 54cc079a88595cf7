import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { S3Credentials } from '../local/s3-servers.ts';
import type { NodeCluster } from '../local/node/start.ts';
import { onNode } from '../local/node/settings.ts';
import { obtainServers } from '../local/servers/obtain.ts';
import { buildClusterImages } from './images.ts';
import { minioManifests, restrictedNamespace } from './manifests.ts';

/** Builds the images that pods run, and loads them onto the node. */
export async function loadClusterImages(cluster: NodeCluster, signal?: AbortSignal): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'images-'));
  try {
    for await (const layout of buildClusterImages(folder)) {
      signal?.throwIfAborted();
      await cluster.loadImage(layout);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Applies objects as YAML of a person would be. */
export const apply = async (
  { kubectl }: Pick<NodeCluster, 'kubectl'>,
  ...objects: readonly object[]
): Promise<void> => {
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
};

/** Gives an image that is on the node a further name. */
export const tagImage = async (cluster: NodeCluster, image: string, name: string): Promise<void> => {
  await cluster.ctr(['images', 'tag', '--force', image, name]);
};

/** MinIO as pods reach it, and its root user. */
export interface MinioPod extends S3Credentials {
  readonly endpoint: string;
}

/** Runs MinIO in a namespace of its own; resolves once it is ready. */
export async function startMinioPod(cluster: NodeCluster): Promise<MinioPod> {
  const namespace = 'storage';
  const folder = `${onNode.folder}/minio`;
  await cluster.runOnNode('install', ['--directory', '--owner=65532', folder]);
  const credentials = { accessKey: 'root-user', secretKey: randomBytes(18).toString('base64url') };
  await apply(cluster, restrictedNamespace(namespace), ...minioManifests(namespace, { ...credentials, folder }));
  await untilRolledOut(cluster, namespace, 'minio');
  const address = await cluster.kubectl([
    'get',
    'service',
    'minio',
    '-n',
    namespace,
    '-o',
    'jsonpath={.spec.clusterIP}',
  ]);
  return { ...credentials, endpoint: `http://${address}:9000` };
}

/** @throws Error with what kubectl says of the Deployment */
export const untilRolledOut = async (
  { kubectl }: Pick<NodeCluster, 'kubectl'>,
  namespace: string,
  name: string,
): Promise<void> => {
  await kubectl(['rollout', 'status', `deployment/${name}`, '-n', namespace, '--timeout=180s']);
};

/** helm as the administrator of the cluster. Returns its output. @throws Error with its words */
export const helmFor =
  ({ kubeconfigPath }: Pick<NodeCluster, 'kubeconfigPath'>) =>
  async (...args: readonly string[]): Promise<string> => {
    const { helm } = await obtainServers(['helm']);
    return (await promisify(execFile)(helm, [...args, `--kubeconfig=${kubeconfigPath}`])).stdout;
  };
