import { parseArgs } from 'node:util';

export const s3ServerNames = ['minio', 'moto', 'versitygw', 'seaweedfs', 'ceph'] as const;
export type S3ServerName = (typeof s3ServerNames)[number];

export interface UpCommand {
  readonly verb: 'up';
  readonly servers: readonly S3ServerName[];
  /** With a node that runs pods. */
  readonly node: boolean;
  readonly kind: boolean;
  /** The folder of the state; `.local` of this clone when absent. */
  readonly state?: string;
}

export type LocalCommand = UpCommand | { readonly verb: 'down' | 'status'; readonly state?: string };

const usage = `usage: npm run local -- up|down|status [--state FOLDER] [--servers ${s3ServerNames.join(',')}] [--node|--kind]`;

/** @throws Error with one line that says what is wrong */
export function parseLocalCommand(args: readonly string[]): LocalCommand {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      servers: { type: 'string' },
      node: { type: 'boolean' },
      kind: { type: 'boolean' },
      state: { type: 'string' },
    },
    allowPositionals: true,
  });
  const [verb, ...rest] = positionals;
  const { state: folder, ...upOnly } = values;
  if (folder === '') throw new Error(`--state wants a folder. ${usage}`);
  const state = folder === undefined ? {} : { state: folder };
  if (rest.length > 0) throw new Error(`what is ${rest.join(' ')}? ${usage}`);
  if (verb === 'down' || verb === 'status') {
    if (Object.keys(upOnly).length > 0) throw new Error(`${verb} takes no option but --state. ${usage}`);
    return { verb, ...state };
  }
  if (verb !== 'up') throw new Error(usage);
  const { node = false, kind = false } = values;
  if (node && kind) throw new Error(`--node and --kind are two ways to have a node: use one. ${usage}`);
  const wanted = (values.servers ?? 'minio').split(',').filter((name) => name !== '');
  const servers = wanted.map((name) => {
    const known = s3ServerNames.find((candidate) => candidate === name);
    if (!known) throw new Error(`--servers knows ${s3ServerNames.join(', ')}, not ${name}`);
    return known;
  });
  return { verb, servers: [...new Set(servers)], node, kind, ...state };
}
