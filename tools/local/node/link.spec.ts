import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('the inner end of a link does not stay when its outer end is gone before it began', async () => {
  const socket = join(tmpdir(), `link-${process.pid}.sock`);
  const args = [join(import.meta.dirname, 'link.ts'), 'inside', '1', socket];
  await expect(promisify(execFile)(process.execPath, args)).resolves.toEqual({ stdout: '', stderr: '' });
  expect(existsSync(socket)).toBe(false);
});
