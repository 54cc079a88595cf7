import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireLock, identityOf, isRunning } from './lock.mjs';

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'lock-'))));
afterEach(() => rmSync(dir, { recursive: true }));

describe('identityOf', () => {
  it('tells a running process and not one that has ended', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const identity = identityOf(child.pid ?? 0);
    expect(identity?.pid).toBe(child.pid);
    expect(identity && isRunning(identity)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(identity && isRunning(identity)).toBe(false);
  });

  it('does not take a later process with the same pid for the earlier one', () => {
    expect(isRunning({ pid: process.pid, startedAt: 'another time' })).toBe(false);
  });
});

describe('acquireLock', () => {
  it('lets one in after the other', async () => {
    const path = join(dir, 'deep', 'lock');
    const inside: string[] = [];
    const work = async (name: string) => {
      const release = await acquireLock(path);
      inside.push(`${name} in`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside.push(`${name} out`);
      release();
    };
    await Promise.all([work('a'), work('b')]);
    expect(inside.map((entry) => entry.split(' ')[1])).toEqual(['in', 'out', 'in', 'out']);
    expect(readdirSync(join(dir, 'deep'))).toEqual([]);
  });

  it('tells once whom it waits for', async () => {
    const path = join(dir, 'lock');
    const release = await acquireLock(path);
    const told: number[] = [];
    const second = acquireLock(path, { onWait: (pid) => told.push(pid) });
    await new Promise((resolve) => setTimeout(resolve, 600));
    release();
    (await second)();
    expect(told).toEqual([process.pid]);
  });

  it('takes over the lock of a process that is gone', async () => {
    const path = join(dir, 'lock');
    writeFileSync(path, JSON.stringify({ pid: process.pid, startedAt: 'before the last boot' }));
    const release = await acquireLock(path);
    expect(existsSync(path)).toBe(true);
    release();
    expect(existsSync(path)).toBe(false);
  });

  it('stops waiting when it is aborted', async () => {
    const path = join(dir, 'lock');
    const release = await acquireLock(path);
    await expect(acquireLock(path, { signal: AbortSignal.timeout(50) })).rejects.toThrow(/abort/i);
    release();
  });
});
