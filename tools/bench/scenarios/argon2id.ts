import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { nodeFlags } from '@operator/tools/bundle';
import { waysToDerive, type DeriveReport } from '../argon2id/ways.ts';
import type { Figure, Scenario } from '../scenario.ts';

const program = join(import.meta.dirname, '..', 'argon2id', 'main.ts');
const run = promisify(execFile);

/** The derivations of keys that MinIO's admin API asks for, each with 64 MiB: whether a child should make them for a controller. */
export const argon2id: Scenario = {
  name: 'argon2id',
  title: 'Keys derived by argon2id in the process and in a child: memory and CPU time',
  isTimed: true,
  only: 'whole',
  async run({ runs, signal }) {
    const figures: Figure[] = [];
    for (const way of waysToDerive) {
      const reports: DeriveReport[] = [];
      for (let nth = 0; nth < runs; nth += 1) {
        const { stdout } = await run(process.execPath, [...nodeFlags, program, way], { signal });
        reports.push(JSON.parse(stdout) as DeriveReport);
      }
      const figure = (name: string, unit: Figure['unit'], value: (report: DeriveReport) => number) =>
        figures.push({ scenario: 'argon2id', name: `${way}: ${name}`, unit, values: reports.map(value) });
      figure('most memory, a child included', 'MiB', ({ mostMebibytes }) => mostMebibytes);
      figure('most memory of the process alone', 'MiB', ({ mostOfParentMebibytes }) => mostOfParentMebibytes);
      figure('memory afterwards', 'MiB', ({ afterMebibytes }) => afterMebibytes);
      figure('CPU time for one', 'ms', ({ cpuMs }) => cpuMs);
      figure('time for one', 'ms', ({ ms }) => ms);
    }
    return figures;
  },
};
