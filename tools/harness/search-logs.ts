import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Leak, SecretsMade } from './secrets-made.ts';

/** Searches every log below a folder; of the servers too, for what they log of a request came from us. Their data come and go meanwhile. */
export async function searchLogs(secrets: SecretsMade, folder: string): Promise<readonly Leak[]> {
  const leaks: Leak[] = [];
  let searched = 0;
  for await (const log of glob('**/*.log', { cwd: folder, exclude: ['**/data'] })) {
    leaks.push(...secrets.search(log, await readFile(join(folder, log), 'utf8')));
    searched += 1;
  }
  if (searched === 0) throw new Error(`there is no log in ${folder}`);
  return leaks;
}
