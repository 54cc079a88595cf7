import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { proveKey, type IssuedSecret } from '../trial/proof.ts';

// An application in a pod, for tests and the trial: uses the key of a Secret again and again, and says in one line each time which key
// it was and whether it was let in. With a folder as argument it reads the mounted Secret each time; else its environment holds it.

const [folder] = process.argv.slice(2);

const environment = (): IssuedSecret =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

/**
 * All files of one moment: `..data` leads to a folder, and to another one once the Secret has changed.
 * Source: Kubernetes, k8s.io/kubernetes/pkg/volume/util, AtomicWriter.
 */
const filesOf = (mount: string): IssuedSecret => {
  const moment = realpathSync(join(mount, '..data'));
  return Object.fromEntries(readdirSync(moment).map((name) => [name, readFileSync(join(moment, name), 'utf8')]));
};

/** The folder of a moment may go while it is read. */
const readAgain = <T>(read: () => T): T => {
  try {
    return read();
  } catch {
    return read();
  }
};

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
while (!stop.signal.aborted) {
  const secret = folder === undefined ? environment() : readAgain(() => filesOf(folder));
  const key = secret.AWS_ACCESS_KEY_ID ?? 'none';
  try {
    await proveKey(secret);
    console.log(`${key} works`);
  } catch (error) {
    console.log(`${key} fails: ${error instanceof Error ? error.message : String(error)}`);
  }
  await delay(1_000, undefined, { signal: stop.signal }).catch(() => undefined); // told to stop
}
