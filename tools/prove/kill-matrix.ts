import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { parse, stringify } from 'yaml';
import { versionOfServer } from '../conformance/version.ts';
import { projectRoot } from '../paths.ts';

/** The servers that issue keys, and that this project starts by itself. */
export const keySystems = ['minio', 'moto', 'seaweedfs', 'ceph'] as const;
export type KeySystem = (typeof keySystems)[number];

/** What happens to a key. */
export const keyOperations = ['issue', 'replace', 'rights', 'rotate', 'retire', 'revoke', 'delete'] as const;
export type KeyOperation = (typeof keyOperations)[number];

/** After which calls of an operation the controller was killed, by their names, in their order. */
export interface KilledAfter {
  readonly writes: readonly string[];
  readonly reads: readonly string[];
  /** All reads of the operation. */
  readonly allReads: number;
}

/** The results of the kill battery on one server. */
interface KeptKills {
  readonly server: { readonly name: KeySystem; readonly version: string };
  readonly date: string;
  readonly operations: Readonly<Record<KeyOperation, KilledAfter>>;
}

const folder = join(projectRoot, 'docs', 'kill-matrix');
const page = join(projectRoot, 'docs', 'kill-matrix.md');

/** The kept results on a server; undefined when there are none. */
export const keptKills = (system: KeySystem): KeptKills | undefined => {
  const path = join(folder, `${system}.yaml`);
  return existsSync(path) ? (parse(readFileSync(path, 'utf8')) as KeptKills) : undefined;
};

/** Keeps the results of a run on a server, in place of earlier ones. */
export const writeKills = async (system: KeySystem, operations: KeptKills['operations']): Promise<void> => {
  const server = { name: system, version: await versionOfServer(system) };
  const kept: KeptKills = { server, date: new Date().toISOString().slice(0, 10), operations };
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${system}.yaml`);
  writeFileSync(path, await formatted(stringify(kept), path));
};

const formatted = async (text: string, path: string): Promise<string> =>
  format(text, { ...(await resolveConfig(path)), filepath: path });

/** What is asked for, and what must be true after each kill and a new start. */
const meanings: Readonly<Record<KeyOperation, readonly [asked: string, end: string]>> = {
  issue: ['an AccessKey is created', 'one user with one key'],
  replace: ['the Secret is deleted', 'the same user with one other key'],
  rights: ['`access` changes', 'the same key with the other rights'],
  rotate: ['`rotate-requested-at`', 'two keys: that of the Secret, and the former one; both work'],
  retire: ['the retention ends for the former key', 'one key, that of the Secret'],
  revoke: ['`revoke-requested-at`, while a former key is retained', 'one key, none of the two before'],
  delete: ['the AccessKey is deleted', 'no user, no key, no Secret'],
};

const counted = (names: readonly string[]): string => {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `\`${name}\`${count === 1 ? '' : ` ×${String(count)}`}`).join(', ');
};

/** The page of the kept results. @throws Error where a server or an operation is missing */
export const toPage = (all: readonly (KeptKills | undefined)[]): string => {
  const kept = keySystems.map((system) => {
    const found = all.find((each) => each?.server.name === system);
    if (found === undefined)
      throw new Error(`There are no results on ${system}. Run: npm run prove -- kills --servers ${system}`);
    return found;
  });
  const rowOf = ({ server, operations }: KeptKills, operation: KeyOperation): string => {
    const found = operations[operation] as KilledAfter | undefined;
    if (found === undefined)
      throw new Error(`The results on ${server.name} have no ${operation}. Run the kills again.`);
    const { writes, reads, allReads } = found;
    const cells = [
      server.name,
      String(writes.length + reads.length),
      counted(writes),
      `${String(reads.length)} of ${String(allReads)}: ${counted(reads)}`,
    ];
    return `| ${cells.join(' | ')} |`;
  };
  const sections = keyOperations.map(
    (operation) => `## ${operation}

| server | kills | after each of these writes | after these reads |
| --- | --- | --- | --- |
${kept.map((each) => rowOf(each, operation)).join('\n')}
`,
  );
  const sum = kept
    .flatMap(({ operations }) => keyOperations.map((operation) => operations[operation]))
    .reduce((kills, { writes, reads }) => kills + writes.length + reads.length, 0);
  return `# Kill matrix of keys

<!-- Written by \`npm run prove -- kills --page\` from docs/kill-matrix. Do not edit it. -->

The accesskey-controller is killed (SIGKILL) between the answer of a server to one call and its own knowledge of it, then started again. That is
done for **every write** of each operation, and for reads; ${String(sum)} kills are below. After each of them server, Secret and status are compared:

- The server has exactly the keys that are to live, of exactly one user, with the rights that are declared.
- The Secret holds a pair that works, and \`status.accessKeyId\` is its id. Former keys in \`status.previousKeys\` work too.
- In the end no user, policy or bucket is left that nobody asked for, and no secret stands in logs, status, Events or metrics.

| operation | asked for by | in the end |
| --- | --- | --- |
${keyOperations.map((operation) => `| ${operation} | ${meanings[operation].join(' | ')} |`).join('\n')}

| server | version | date |
| --- | --- | --- |
${kept.map(({ server, date }) => `| ${server.name} | ${server.version} | ${date} |`).join('\n')}

\`npm test\` kills after every write and two drawn reads of each operation on MinIO, moto and SeaweedFS, \`npm run test:root\` the same on Ceph RGW; both
fail where a write is not in the kept results, and let the answer to two drawn writes of each operation get lost after the server has carried them out.
A process whose lease is lost in the middle of a rotation is in \`e2e/src/key-mishaps.e2e.spec.ts\`, one that starts with a view from the past in
\`e2e/src/stale-views.e2e.spec.ts\`. \`npm run prove -- kills --reads all\` kills after every read too, and keeps the results. Wasabi and AWS
speak the protocol that moto speaks.

${sections.join('\n')}`;
};

const pageOfKept = async (): Promise<string> => formatted(toPage(keySystems.map(keptKills)), page);

/** Writes docs/kill-matrix.md from the kept results. */
export const writePage = async (): Promise<void> => writeFileSync(page, await pageOfKept());

/** True when docs/kill-matrix.md is what the kept results make. */
export const isPageCurrent = async (): Promise<boolean> =>
  existsSync(page) && readFileSync(page, 'utf8') === (await pageOfKept());
