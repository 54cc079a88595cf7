import { join } from 'node:path';
import { bundleProgram } from '@operator/tools/bundle';
import type { World } from '@operator/tools/harness';
import { freePort, startChild, waitUntilReady } from '@operator/tools/local';
import type { Bench } from '../scenario.ts';

/** A server of bucket settings that costs next to nothing, as a process of its own. */
export interface SettingsProcess {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Starts it beside a world, whose logs have its own. It checks no signatures, and holds what it was told in memory. */
export async function startSettings({ dir, signal }: Bench, world: World): Promise<SettingsProcess> {
  const { main } = await bundleProgram(join(import.meta.dirname, 'main.ts'), join(dir, 'settings'));
  const port = await freePort();
  const child = await startChild({
    name: 'settings server',
    command: process.execPath,
    args: [main],
    env: { SETTINGS_PORT: String(port) },
    logPath: join(world.dir, 'logs', 'settings.log'),
    lifetime: 'parent',
  });
  const endpoint = `http://127.0.0.1:${String(port)}`;
  await waitUntilReady(child, async () => (await fetch(endpoint)).ok, { signal });
  return { endpoint, stop: () => child.stop() };
}

/** How it is spoken to; it takes any credentials. */
export const settingsServer = {
  type: 'aws',
  region: 'us-east-1',
  accessKey: 'bench',
  secretKey: 'bench-secret',
} as const;

/** A Provider that leads to it. */
export const createSettingsProvider = async (
  { kube }: World,
  endpoint: string,
  namespace: string,
  name: string,
): Promise<void> => {
  const { type, region, accessKey, secretKey } = settingsServer;
  const secret = { name: `${name}-root` };
  await kube.create('Secret', namespace, secret.name, {
    stringData: { 'access-key': accessKey, 'secret-key': secretKey },
  });
  await kube.create('Provider', namespace, name, {
    spec: {
      type,
      endpoint,
      region,
      auth: { accessKeySecretRef: secret, secretKeySecretRef: secret },
      // A check of its own accord would disturb what is counted.
      checkIntervalSeconds: 86_400,
    },
  });
};
