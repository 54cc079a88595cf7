import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { obtainCeph } from '../local/ceph.ts';
import { obtainServers } from '../local/index.ts';
import { localFolder } from '../paths.ts';
import { untilSignal } from '../signals.ts';
import { BadInput, readCommand, usage, type KeyServer, type RotationCommand } from './command.ts';
import { describeResult, tableOf } from './report.ts';
import { holds, proveRotation, type RotationResult } from './rotation.ts';

// npm run prove: see `usage`. Progress goes to standard error, the results to standard output.

const log = (line: string) => console.error(line);
const { signal } = untilSignal();
const args = process.argv.slice(2);

if (args.includes('--help') || args.includes('-h')) {
  console.log(usage);
} else {
  try {
    process.exitCode = await rotation(readCommand(args, () => Date.now() % 2 ** 32));
  } catch (error) {
    if (signal.aborted) {
      process.exitCode = 130;
      log(signal.reason instanceof Error ? signal.reason.message : 'interrupted');
    } else {
      process.exitCode = 2;
      log(error instanceof Error ? error.message : String(error));
      if (error instanceof BadInput) log('npm run prove -- --help shows how it is called.');
    }
  }
}

/** The exit status. */
async function rotation({ servers, rotations, rate, rereadSeconds, seed }: RotationCommand): Promise<number> {
  const chosen = servers ?? (process.getuid?.() === 0 ? ['minio', 'moto', 'ceph'] : ['minio', 'moto']);
  if (!chosen.includes('ceph') && servers === undefined) log('not run: ceph (it needs root)');
  for (const server of chosen) await obtain(server);
  await obtainServers(['etcd', 'kube-apiserver', 'kubectl'], { log, signal });
  log(`seed ${String(seed)}`);
  const runs = join(localFolder, 'prove');
  mkdirSync(runs, { recursive: true, mode: 0o700 });
  const results: RotationResult[] = [];
  let isProved = true;
  for (const server of chosen) {
    const folder = mkdtempSync(join(runs, `${server}-`));
    try {
      const options = { server, rotations, perSecond: rate, rereadMs: rereadSeconds * 1_000, seed };
      const result = await proveRotation({ ...options, folder, log, signal });
      results.push(result);
      if (holds(result)) rmSync(folder, { recursive: true, force: true });
      else log(`${server}: ${describeResult(result)}; logs are in ${folder}`);
      isProved &&= holds(result);
    } catch (error) {
      signal.throwIfAborted();
      isProved = false;
      log(`${server}: ${error instanceof Error ? error.message : String(error)}; logs are in ${folder}`);
    }
  }
  if (results.length > 0) console.log(tableOf(results));
  return isProved ? 0 : 1;
}

async function obtain(server: KeyServer): Promise<void> {
  await (server === 'ceph' ? obtainCeph({ log, signal }) : obtainServers([server], { log, signal }));
}
