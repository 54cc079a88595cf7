import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleProgram, nodeFlags } from '@operator/tools/bundle';
import type { World } from '@operator/tools/harness';
import { startChild } from '@operator/tools/local';
import type { RawOrder, RawReport } from './order.ts';

/** Bundles the raw loop, as the controllers are bundled; returns its path. */
export const bundleRawLoop = async (dir: string): Promise<string> =>
  (await bundleProgram(join(import.meta.dirname, 'main.ts'), join(dir, 'raw-loop'))).main;

/** A raw loop that runs, as a process of its own. */
export interface RawLoop {
  /** Resolves with what it did. @throws Error with its log when it failed */
  report(): Promise<RawReport>;
  stop(): Promise<void>;
}

/** Where a raw loop sends its calls. */
export type RawServer = Pick<RawOrder, 'type' | 'endpoint' | 'region' | 'accessKey' | 'secretKey'>;

/** MinIO of this world. */
export const minioOf = (world: World): RawServer => ({ type: 'minio', ...world.server('minio') });

/** Starts it on the objects of one namespace. `program`: see `bundleRawLoop`; `flags`: of Node, besides those of a controller. */
export async function startRawLoop(
  program: string,
  world: World,
  task: RawOrder['task'],
  namespace: string,
  { type, endpoint, region, accessKey, secretKey }: RawServer,
  concurrency: number,
  { rounds = 1, flags = [] }: { readonly rounds?: number; readonly flags?: readonly string[] } = {},
): Promise<RawLoop> {
  const kubeconfig = world.controlPlane.kubeconfigPath;
  const server: RawServer = { type, endpoint, region, accessKey, secretKey };
  const order: RawOrder = { task, namespace, kubeconfig, ...server, concurrency, rounds };
  const logPath = join(world.dir, 'logs', `raw-${task}-${namespace}.log`);
  const child = await startChild({
    name: 'raw loop',
    command: process.execPath,
    args: [...nodeFlags, ...flags, program],
    env: { RAW_ORDER: JSON.stringify(order) },
    logPath,
    lifetime: 'parent',
  });
  return {
    async report() {
      const end = await child.exited;
      const output = (await readFile(logPath, 'utf8')).trimEnd();
      if (end !== 'ended with status 0') throw new Error(`the raw loop ${end}:\n${output}`);
      return JSON.parse(output.slice(output.lastIndexOf('\n') + 1)) as RawReport;
    },
    stop: () => child.stop(),
  };
}

/** As `startRawLoop`, to its end. @throws Error with its log when it failed */
export const runRawLoop = async (...given: Parameters<typeof startRawLoop>): Promise<RawReport> => {
  const loop = await startRawLoop(...given);
  try {
    return await loop.report();
  } finally {
    await loop.stop();
  }
};
