import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../paths.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ci-'));
  mkdirSync(join(dir, 'bin'));
  mkdirSync(join(dir, '.ci'));
  cpSync(join(projectRoot, '.ci', 'run'), join(dir, '.ci', 'run'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Runs .ci/run with an npm that does for each command what this says: a line of shell; `$counts` is the file for its numbers. */
function runCi(commands: Readonly<Record<'commits' | 'test' | 'test:root', string>>) {
  const cases = Object.entries(commands).map(([command, script]) => `${command}) ${script} ;;`);
  const npm = `#!/bin/sh\n[ "$1" = run ] || exit 99\ncounts=$5\necho "ran $2"\ncase $2 in\n${cases.join('\n')}\nesac\n`;
  writeFileSync(join(dir, 'bin', 'npm'), npm, { mode: 0o755 });
  const { status, stdout } = spawnSync(join(dir, '.ci', 'run'), {
    env: { ...process.env, PATH: [join(dir, 'bin'), process.env.PATH].join(delimiter) },
    encoding: 'utf8',
  });
  const lines = stdout.trimEnd().split('\n');
  return { status, ran: lines.filter((line) => line.startsWith('ran ')), last: lines.at(-1), lines };
}

const all = ['ran commits', 'ran test', 'ran test:root'];
const counts = (passed: number, failed: number) => `echo ${passed} ${failed} >"$counts"; exit ${failed === 0 ? 0 : 1}`;

describe('.ci/run', () => {
  it.each([
    ['adds up what held', counts(700, 0), counts(45, 0), 0, '745 passed, 0 failed'],
    [
      'fails when the first fails, and runs the second all the same',
      counts(699, 1),
      counts(45, 0),
      1,
      '744 passed, 1 failed',
    ],
    ['fails when the second fails', counts(700, 0), counts(40, 5), 1, '740 passed, 5 failed'],
    ['counts nothing where nothing could be run', counts(700, 0), counts(0, 0), 0, '700 passed, 0 failed'],
    ['fails when a command ends without its numbers', counts(700, 0), 'exit 0', 1, '700 passed, 1 failed'],
    [
      'fails when a command ends badly after good numbers',
      counts(700, 0),
      'echo 45 0 >"$counts"; exit 7',
      1,
      '745 passed, 1 failed',
    ],
  ])('%s', (_title, test, root, status, last) => {
    expect(runCi({ commits: 'exit 0', test, 'test:root': root })).toMatchObject({ status, ran: all, last });
  });

  it('says again at its end what did not hold', () => {
    const test = 'printf "%s\\n" "699 1" "FAILED unit tests" "       a works: expected 1" >"$counts"; exit 1';
    const { lines } = runCi({ commits: 'exit 0', test, 'test:root': counts(45, 0) });
    expect(lines.slice(-3)).toEqual(['FAILED unit tests', '       a works: expected 1', '744 passed, 1 failed']);
  });

  it('stops at commits that do not say what they are', () => {
    const { status, ran } = runCi({ commits: 'exit 3', test: counts(1, 0), 'test:root': counts(1, 0) });
    expect({ status, ran }).toEqual({ status: 3, ran: ['ran commits'] });
  });
});
