import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inChroot } from './chroot.ts';

let bin: string;
beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'chroot-'));
  for (const name of ['mount', 'chroot'])
    writeFileSync(join(bin, name), `#!/bin/sh\nfor word in ${name} "$@"; do printf '[%s]' "$word"; done; echo\n`, {
      mode: 0o755,
    });
});
afterEach(() => rmSync(bin, { recursive: true }));

/** What the call does inside its mounts of its own, line by line. */
const run = (call: ReturnType<typeof inChroot>) => {
  const [mounts, shell = '', ...rest] = call.args;
  expect([call.command, mounts]).toEqual(['unshare', '--mount']);
  return execFileSync(shell, rest, { encoding: 'utf8', env: { PATH: bin } })
    .trim()
    .split('\n');
};

describe('inChroot', () => {
  it('mounts what every program needs, then becomes the program with its arguments as they are', () => {
    expect(run(inChroot('/a root', ['ls', '-l', 'a b', '$HOME']))).toEqual([
      '[mount][--bind][/proc][/a root/proc]',
      '[mount][--bind][/dev][/a root/dev]',
      '[mount][--bind][/sys][/a root/sys]',
      '[chroot][/a root][ls][-l][a b][$HOME]',
    ]);
  });

  it('mounts a folder of ours where it is wanted', () => {
    expect(run(inChroot('/root', ['true'], { from: '/my state', to: '/mnt' })).slice(3)).toEqual([
      '[mount][--bind][/my state][/root/mnt]',
      '[chroot][/root][true]',
    ]);
  });
});
