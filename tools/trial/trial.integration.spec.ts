import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

it('proves the quickstart example with the issued key and exits 0', { timeout: 300_000 }, async () => {
  const trial = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--once'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors, status] = await Promise.all([
    text(trial.stdout),
    text(trial.stderr),
    new Promise((resolve) => trial.once('close', resolve)),
  ]);
  expect({ status, errors }, output).toEqual({ status: 0, errors: '' });
  expect(output.match(/^proved: .*/gm)).toHaveLength(3);
  for (const kind of ['provider', 'bucket', 'bucketpolicy', 'accesskey']) {
    expect(output).toMatch(new RegExp(`^${kind}\\.s3\\.cloud37\\.dev/quickstart .* True `, 'm'));
  }
});
