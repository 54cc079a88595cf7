import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { identityOf, isRunning } from '../lock.mjs';
import { logTail, retryPortRaces, startChild, StartFailed, waitUntilReady, type Ending } from './child.ts';

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'child-'))));
afterEach(() => rmSync(dir, { recursive: true }));

const shell = (script: string, ending: Ending = {}) =>
  startChild({
    name: 'shell',
    command: '/bin/sh',
    args: ['-c', script],
    cwd: dir,
    logPath: join(dir, 'shell.log'),
    lifetime: 'parent',
    ...ending,
  });

describe('startChild', () => {
  it('says plainly that a program cannot be started', async () => {
    const spec = {
      name: 'etcd',
      command: join(dir, 'nowhere'),
      args: [],
      logPath: join(dir, 'log'),
      lifetime: 'parent',
    } as const;
    await expect(startChild(spec)).rejects.toThrow(/^etcd does not start: .*ENOENT/);
  });

  it('stops a program, and one that does not heed with SIGKILL', async () => {
    const willing = await shell('exec sleep 60');
    await willing.stop();
    expect(willing.ended()).toBe('was ended by SIGTERM');
    const deaf = await shell('trap "" TERM; echo ready; while :; do sleep 0.1; done');
    await vi.waitUntil(() => logTail(deaf.logPath).includes('ready'), { timeout: 5_000 });
    await deaf.stop(100);
    expect(deaf.ended()).toBe('was ended by SIGKILL');
  });

  it('waits as long as a program is given, and removes what it leaves, ended by us or not', async () => {
    const leaves = [join(dir, 'socket')];
    const deaf = await shell('trap "" TERM; touch socket; echo ready; while :; do sleep 0.1; done', {
      graceMs: 100,
      leaves,
    });
    await vi.waitUntil(() => logTail(deaf.logPath).includes('ready'), { timeout: 5_000 });
    expect(existsSync(join(dir, 'socket'))).toBe(true);
    const startedAt = performance.now();
    await deaf.stop();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(existsSync(join(dir, 'socket'))).toBe(false);
    const ended = await shell('touch socket', { leaves });
    await ended.exited;
    await ended.stop();
    expect(existsSync(join(dir, 'socket'))).toBe(false);
  });

  it('leaves nothing behind when its parent is killed', async () => {
    const script = `
      import { startChild } from ${JSON.stringify(join(import.meta.dirname, 'child.ts'))};
      const child = await startChild({ name: 'sleep', command: 'sleep', args: ['60'], logPath: ${JSON.stringify(join(dir, 'sleep.log'))}, lifetime: 'parent' });
      console.log(child.pid);`;
    writeFileSync(join(dir, 'parent.mjs'), script);
    const parent = spawn(process.execPath, [join(dir, 'parent.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((resolve) =>
      createInterface({ input: parent.stdout }).once('line', (line) => resolve(Number(line))),
    );
    const identity = identityOf(pid);
    if (!identity) throw new Error('the child of the parent does not run');
    parent.kill('SIGKILL');
    await vi.waitUntil(() => !isRunning(identity), { timeout: 5_000 });
  });
});

describe('waitUntilReady', () => {
  it('fails at once, with the end of the log, when the program has ended', async () => {
    const child = await shell('echo something is wrong; exit 3');
    await expect(waitUntilReady(child, async () => false)).rejects.toThrow(/ended with status 3[^]*something is wrong/);
  });

  it('fails with the last look when the time is over', async () => {
    const child = await shell('exec sleep 60');
    const looks = waitUntilReady(child, () => Promise.reject(new Error('connection refused')), { timeoutMs: 100 });
    await expect(looks).rejects.toThrow('did not answer within 0.1 s (last look: connection refused)');
    await child.stop();
  });
});

describe('retryPortRaces', () => {
  const lose = async () => {
    const child = await shell('echo "listen tcp 127.0.0.1:80: bind: address already in use"; exit 1');
    await child.exited;
    throw new StartFailed(child, 'ended');
  };

  it('tries anew when another program took the port', async () => {
    let tries = 0;
    const start = async () => ((tries += 1) < 3 ? lose() : 'started');
    expect(await retryPortRaces(start)).toBe('started');
    expect(tries).toBe(3);
  });

  it('gives up after three times', async () => {
    const start = vi.fn(lose);
    await expect(retryPortRaces(start)).rejects.toThrow(/address already in use/);
    expect(start).toHaveBeenCalledTimes(3);
  });

  it('does not repeat what failed for another reason', async () => {
    const start = vi.fn(() => Promise.reject(new Error('no such flag')));
    await expect(retryPortRaces(start)).rejects.toThrow('no such flag');
    expect(start).toHaveBeenCalledTimes(1);
  });
});
