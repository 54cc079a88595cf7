import { parseArgs } from 'node:util';
import { keySystems, type KeySystem } from './kill-matrix.ts';

export interface RotationCommand {
  readonly does: 'rotation';
  /** Undefined: those that can be had here. */
  readonly servers: readonly KeySystem[] | undefined;
  readonly rotations: number;
  /** Requests a second. */
  readonly rate: number;
  readonly rereadSeconds: number;
  readonly seed: number;
}

export interface KillsCommand {
  readonly does: 'kills';
  readonly servers: readonly KeySystem[] | undefined;
  /** Of each operation so many reads are drawn; undefined: all. */
  readonly reads: number | undefined;
  readonly seed: number;
}

/** Writes docs/kill-matrix.md from the kept results, or says whether it is current. */
export interface PageCommand {
  readonly does: 'page';
  readonly check: boolean;
}

/** Something on the command line is wrong; the message says what, and what to do. */
export class BadInput extends Error {}

export const usage = `usage: npm run prove -- rotation [--servers LIST] [--rotations N] [--rate N] [--reread-seconds N] [--seed N]
       npm run prove -- kills [--servers LIST] [--reads N|all] [--seed N]
       npm run prove -- kills --page [--check]

rotation: an application uses the Secret of an AccessKey as mounted files, while the key is rotated and the controllers are killed in the
middle of it. No request may be refused for its credentials. A second one never reads the files again: it must work until the retention of
its key ends, and fail after. Days pass by a clock that only the controllers decide by. Prints requests, refusals, kills and rotations.

kills: the controller is killed after every write, and after reads, of everything that happens to a key; then server, Secret and status
are compared. Keeps the results in docs/kill-matrix, and writes docs/kill-matrix.md from them.

  --servers LIST        some of ${keySystems.join(',')}; default minio,moto (kills: and seaweedfs), and ceph for root
  --rotations N         of the key on each server; default 6
  --rate N              requests a second, puts and gets by turns; default 100
  --reread-seconds N    how long the application keeps what it has read; default 10
  --reads N|all         after how many reads of each operation it is killed, drawn; default all
  --seed N              draws after which calls the controllers are killed; default another one in each run
  --page                writes docs/kill-matrix.md from the kept results; --check: only says whether it is current

Ceph needs root on Debian.
Exit status: 0 it holds, 1 it does not, 2 wrong input or something cannot be had, 130 interrupted.`;

const options = {
  servers: { type: 'string' },
  rotations: { type: 'string' },
  rate: { type: 'string' },
  'reread-seconds': { type: 'string' },
  reads: { type: 'string' },
  seed: { type: 'string' },
  page: { type: 'boolean' },
  check: { type: 'boolean' },
} as const;
type Flag = keyof typeof options;

/** Flags that each command knows. */
const known: Readonly<Record<'rotation' | 'kills' | 'page', readonly Flag[]>> = {
  rotation: ['servers', 'rotations', 'rate', 'reread-seconds', 'seed'],
  kills: ['servers', 'reads', 'seed'],
  page: ['page', 'check'],
};

/** `newSeed`: for where none is given. @throws BadInput */
export const readCommand = (
  args: readonly string[],
  newSeed: () => number,
): RotationCommand | KillsCommand | PageCommand => {
  const { values, positionals } = parse(args);
  const [what, ...others] = positionals;
  if (what === undefined) throw new BadInput('Say what to prove: rotation or kills.');
  if ((what !== 'rotation' && what !== 'kills') || others.length > 0)
    throw new BadInput(`There is no proof "${positionals.join(' ')}". Try: rotation or kills.`);
  const does = what === 'kills' && values.page === true ? 'page' : what;
  const foreign = (Object.keys(values) as Flag[]).find((flag) => !known[does].includes(flag));
  if (foreign !== undefined)
    throw new BadInput(`--${foreign} has no meaning for ${does === 'page' ? 'kills --page' : what}. Leave it out.`);
  if (does === 'page') return { does, check: values.check === true };
  const servers = values.servers === undefined ? undefined : readServers(values.servers);
  const seed = values.seed === undefined ? newSeed() : whole('--seed', values.seed, 0);
  if (does === 'kills') {
    const { reads = 'all' } = values;
    return { does, servers, reads: reads === 'all' ? undefined : whole('--reads', reads, 0), seed };
  }
  return {
    does,
    servers,
    rotations: whole('--rotations', values.rotations ?? '6', 1),
    rate: whole('--rate', values.rate ?? '100', 1),
    rereadSeconds: whole('--reread-seconds', values['reread-seconds'] ?? '10', 0),
    seed,
  };
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new BadInput(error instanceof Error ? error.message : String(error), { cause: error });
  }
};

const readServers = (list: string): readonly KeySystem[] =>
  list.split(',').map((name) => {
    const found = keySystems.find((server) => server === name);
    if (found === undefined)
      throw new BadInput(`--servers: "${name}" is none of ${keySystems.join(', ')}. Name some of these.`);
    return found;
  });

const whole = (flag: string, text: string, least: number): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || !Number.isSafeInteger(value))
    throw new BadInput(`${flag}: "${text}" is no whole number from ${String(least)} on.`);
  return value;
};
