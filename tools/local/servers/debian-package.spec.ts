import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { unpackDebianPackage } from './debian-package.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'debian-package-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

const unpack = () => unpackDebianPackage({ name: 'prometheus', accepts: /^3\./ }, ['promtool'], join(dir, 'cache'));

it('says that there is no apt, and leaves nothing behind', async () => {
  vi.stubEnv('PATH', dir);
  await expect(unpack()).rejects.toThrow(/^this machine has no apt-get$/);
  expect(readdirSync(join(dir, 'cache'))).toEqual([]);
});

it('says in one line what apt said last, after it has asked for new lists', async () => {
  const script = `#!/bin/sh
    echo "W: a warning" >&2
    [ "$1" = update ] && exit 0
    echo "E: Unable to locate package prometheus" >&2
    echo "E: something more" >&2
    exit 100`;
  writeFileSync(join(dir, 'apt-get'), script);
  chmodSync(join(dir, 'apt-get'), 0o755);
  vi.stubEnv('PATH', dir);
  await expect(unpack()).rejects.toThrow(/^apt-get download prometheus: E: Unable to locate package prometheus$/);
});
