import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { obtainServers } from '../local/servers/obtain.ts';

/** Gets crane, helm and cosign; `run` runs one of them to its end and returns what it printed. @throws Error with its words */
export const obtainPrograms = async (options: {
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}) => {
  const paths = await obtainServers(['crane', 'helm', 'cosign'], options);
  const run = async (name: keyof typeof paths, ...args: readonly string[]): Promise<string> => {
    // A key pair of a trial has no password; nobody is asked for one.
    const env = { ...process.env, COSIGN_PASSWORD: '' };
    const execution = { signal: options.signal, env, maxBuffer: 64 * 2 ** 20 };
    return (await promisify(execFile)(paths[name], [...args], execution)).stdout;
  };
  return { paths, run };
};
