import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Leak, SecretsMade } from './secrets-made.ts';

/** Searches every log below a folder; of the servers too, for what they log of a request came from us. */
export async function searchLogs(secrets: SecretsMade, folder: string): Promise<readonly Leak[]> {
  const logs = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('.log'));
  if (logs.length === 0) throw new Error(`there is no log in ${folder}`);
  const found = logs.map(async (log) => secrets.search(log, await readFile(join(folder, log), 'utf8')));
  return (await Promise.all(found)).flat();
}
