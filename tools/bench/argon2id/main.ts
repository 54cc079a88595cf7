import { fork, type ChildProcess } from 'node:child_process';
import { argon2, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { waysToDerive, type DeriveReport, type WayToDerive } from './ways.ts';

// Derives keys as the driver of MinIO does, in one of the ways, and tells what that took: the last word of the command line is the way, or
// `derive` for the child that does it for another.

const derivations = 10;
const derive = promisify(argon2);

const deriveHere = async (): Promise<void> => {
  const message = randomBytes(16);
  const nonce = randomBytes(16);
  await derive('argon2id', { message, nonce, parallelism: 4, tagLength: 32, memory: 65_536, passes: 1 });
};

const cpuMs = (): number => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  return (userCPUTime + systemCPUTime) / 1_000;
};

/** MiB that a limit of a container counts and that cannot be dropped. */
const anonymousOf = (pid: number): number => {
  try {
    return Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024;
  } catch {
    return 0; // it has ended
  }
};

const serve = (): void => {
  process.on('message', () => {
    deriveHere().then(
      () => process.send?.(cpuMs()),
      (error: unknown) => {
        throw error;
      },
    );
  });
};

const measure = async (way: WayToDerive): Promise<DeriveReport> => {
  let child: ChildProcess | undefined;
  let childCpuMs = 0;
  const begin = () => fork(import.meta.filename, ['derive'], { execArgv: process.execArgv });
  const ask = async (of: ChildProcess): Promise<number> => {
    const answer = once(of, 'message');
    of.send('derive');
    const [cpu] = (await answer) as [number];
    return cpu;
  };
  const all: Readonly<Record<WayToDerive, () => Promise<void>>> = {
    'in the process': deriveHere,
    'in a child that stays': async () => {
      child ??= begin();
      childCpuMs = await ask(child);
    },
    'in a child for each': async () => {
      child = begin();
      childCpuMs += await ask(child);
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
  const held = (): readonly number[] =>
    [process.pid, child?.pid].map((pid) => (pid === undefined ? 0 : anonymousOf(pid)));
  let most = 0;
  let mostOfParent = 0;
  const look = () => {
    const [parent = 0, other = 0] = held();
    most = Math.max(most, parent + other);
    mostOfParent = Math.max(mostOfParent, parent);
  };
  await delay(500);
  const before = cpuMs();
  const beat = setInterval(look, 2);
  const startedAt = performance.now();
  for (let nth = 0; nth < derivations; nth += 1) await all[way]();
  const ms = (performance.now() - startedAt) / derivations;
  clearInterval(beat);
  const cpu = (cpuMs() - before + childCpuMs) / derivations;
  await delay(500);
  const after = held().reduce((sum, one) => sum + one, 0);
  if (child?.connected === true) child.disconnect();
  return { ms, cpuMs: cpu, mostMebibytes: most, mostOfParentMebibytes: mostOfParent, afterMebibytes: after };
};

const asked = process.argv.at(-1);
if (asked === 'derive') serve();
else {
  const way = waysToDerive.find((one) => one === asked);
  if (way === undefined) throw new Error(`no way ${String(asked)}; there are: ${waysToDerive.join(', ')}`);
  console.log(JSON.stringify(await measure(way)));
}
