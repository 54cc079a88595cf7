import { join } from 'node:path';
import { packageCharts } from '../charts/package.ts';
import { controllerNames } from '../controllers.ts';
import { obtainServers } from '../local/servers/obtain.ts';
import { until } from '../harness/until.ts';
import { narrate } from '../narrate.ts';
import {
  apply,
  consumerManifest,
  helmFor,
  loadClusterImages,
  restrictedNamespace,
  startMinioPod,
  untilRolledOut,
  type MinioPod,
  type NodeCluster,
} from '../node/index.ts';

const operator = 's3-operator';

/** Installs the operator as it is shipped, by helm and from its images, and MinIO in a pod. */
export async function installOnNode(
  cluster: NodeCluster,
  { dir, log, signal }: { readonly dir: string; readonly log: (line: string) => void; readonly signal: AbortSignal },
): Promise<MinioPod> {
  const { helm } = await obtainServers(['helm', 'minio'], { log, signal });
  await narrate('building the images and loading them onto the node', log, () => loadClusterImages(cluster, signal));
  return narrate('installing the operator by helm, and MinIO', log, async () => {
    const charts = await packageCharts(helm, join(dir, 'charts'));
    await apply(cluster, restrictedNamespace(operator));
    await helmFor(cluster)('install', 's3', charts.get('s3-provider-operator') ?? '', `--namespace=${operator}`);
    const minio = await startMinioPod(cluster);
    for (const name of controllerNames) await untilRolledOut(cluster, operator, `s3-${name}-controller`);
    return minio;
  });
}

/** Proves the issued key by an application in a pod that reads it from its environment; returns what the application says. */
export async function proveOnNode(cluster: NodeCluster, secretName: string): Promise<string[]> {
  await apply(cluster, consumerManifest('default', 'application', secretName, 'environment'));
  const said = await until(
    () => cluster.kubectl(['logs', 'deployment/application', '--tail=1']),
    (line) => line.trim().endsWith(' works'),
    { what: 'an application in a pod is let in', timeoutMs: 120_000, everyMs: 500 },
  );
  return [`an application in a pod says: key ${said.trim()}`];
}
