import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { projectRoot } from '../paths.ts';
import { ownServers, type OwnServer } from './command.ts';
import { toMatrix } from './matrix.ts';
import { readReport, type Report } from './report.ts';

const folder = join(projectRoot, 'docs', 'conformance');
const page = join(projectRoot, 'docs', 'compatibility.md');

/** The kept report of one of the project's servers; undefined when there is none. */
export const keptReport = (server: OwnServer): Report | undefined => {
  const path = join(folder, `${server}.yaml`);
  return existsSync(path) ? readReport(readFileSync(path, 'utf8')) : undefined;
};

const matrixOfKept = async (): Promise<string> => {
  const reports = ownServers.flatMap((server) => keptReport(server) ?? []);
  return format(toMatrix(reports), { ...(await resolveConfig(page)), filepath: page });
};

/** Writes docs/compatibility.md from the kept reports. */
export const writeMatrix = async (): Promise<void> => writeFileSync(page, await matrixOfKept());

/** True when docs/compatibility.md is what the kept reports make. */
export const isMatrixCurrent = async (): Promise<boolean> =>
  existsSync(page) && readFileSync(page, 'utf8') === (await matrixOfKept());
