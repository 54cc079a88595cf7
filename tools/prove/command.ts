import { parseArgs } from 'node:util';

/** The servers that issue keys, and that this project starts by itself. */
export const keyServers = ['minio', 'moto', 'seaweedfs', 'ceph'] as const;
export type KeyServer = (typeof keyServers)[number];

export interface RotationCommand {
  readonly does: 'rotation';
  /** Undefined: those that can be had here. */
  readonly servers: readonly KeyServer[] | undefined;
  readonly rotations: number;
  /** Requests a second. */
  readonly rate: number;
  readonly rereadSeconds: number;
  readonly seed: number;
}

/** Something on the command line is wrong; the message says what, and what to do. */
export class BadInput extends Error {}

export const usage = `usage: npm run prove -- rotation [options]

rotation: an application uses the Secret of an AccessKey as mounted files, while the key is rotated and the controllers are killed in the
middle of it. No request may be refused for its credentials. A second one never reads the files again: it must work until the retention of
its key ends, and fail after. Days pass by a clock that only the controllers decide by.

  --servers LIST        some of ${keyServers.join(',')}; default minio,moto, and ceph for root
  --rotations N         of the key on each server; default 6
  --rate N              requests a second, puts and gets by turns; default 100
  --reread-seconds N    how long the application keeps what it has read; default 10
  --seed N              draws after which calls the controllers are killed; default another one in each run

Ceph needs root on Debian. Prints the requests, refusals, kills and rotations on each server.
Exit status: 0 it holds, 1 it does not, 2 wrong input or something cannot be had, 130 interrupted.`;

/** `newSeed`: for where none is given. @throws BadInput */
export const readCommand = (args: readonly string[], newSeed: () => number): RotationCommand => {
  const { values, positionals } = parse(args);
  const [what, ...others] = positionals;
  if (what !== 'rotation' || others.length > 0)
    throw new BadInput(
      positionals.length === 0
        ? 'Say what to prove: rotation.'
        : `There is no proof "${positionals.join(' ')}". Try: rotation.`,
    );
  return {
    does: 'rotation',
    servers: values.servers === undefined ? undefined : readServers(values.servers),
    rotations: whole('--rotations', values.rotations ?? '6', 1),
    rate: whole('--rate', values.rate ?? '100', 1),
    rereadSeconds: whole('--reread-seconds', values['reread-seconds'] ?? '10', 0),
    seed: values.seed === undefined ? newSeed() : whole('--seed', values.seed, 0),
  };
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        servers: { type: 'string' },
        rotations: { type: 'string' },
        rate: { type: 'string' },
        'reread-seconds': { type: 'string' },
        seed: { type: 'string' },
      },
    });
  } catch (error) {
    throw new BadInput(error instanceof Error ? error.message : String(error), { cause: error });
  }
};

const readServers = (list: string): readonly KeyServer[] =>
  list.split(',').map((name) => {
    const found = keyServers.find((server) => server === name);
    if (found === undefined)
      throw new BadInput(`--servers: "${name}" is none of ${keyServers.join(', ')}. Name some of these.`);
    return found;
  });

const whole = (flag: string, text: string, least: number): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || !Number.isSafeInteger(value))
    throw new BadInput(`${flag}: "${text}" is no whole number from ${String(least)} on.`);
  return value;
};
