import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../paths.ts';
import { nxEnvironment } from './nx-environment.ts';

let dir: string;

/** Without what Nx, or the Nx that runs this very test, is told by its environment. */
const environment = () => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NX_'))),
  NX_DAEMON: 'false',
  NX_TUI: 'false',
  FORCE_COLOR: '0',
  HOME: join(dir, 'home'),
  PATH: [join(projectRoot, 'node_modules', '.bin'), process.env.PATH].join(':'),
});

const run = (
  cwd: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
) => {
  const { status, stdout, stderr } = spawnSync(program, [...args], { cwd, env: { ...env }, encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
};

const write = (path: string, content: string | object) => {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
};

/** A clone, and another one of the same repository. The file that the project needs, Nx does not look at. */
const clone = (name: string, needed: string) => {
  const path = join(dir, name);
  const cloned = run(dir, 'git', ['clone', '--quiet', join(dir, 'origin'), name], environment());
  expect(cloned).toMatchObject({ status: 0 });
  symlinkSync(join(projectRoot, 'node_modules'), join(path, 'node_modules'));
  write(join(path, 'needed', 'needed.ts'), needed);
  return path;
};

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nx-'));
  mkdirSync(join(dir, 'home'));
  const origin = join(dir, 'origin');
  mkdirSync(origin);
  for (const file of ['nx.json', 'tsconfig.base.json', '.gitignore'])
    cpSync(join(projectRoot, file), join(origin, file));
  write(join(origin, 'package.json'), { name: 'few', private: true, type: 'module', workspaces: ['libs/*'] });
  const nx = { name: 'one', targets: { typecheck: {} } };
  write(join(origin, 'libs/one/package.json'), { name: '@few/one', private: true, type: 'module', nx });
  const files = ['src/index.ts', '../../needed/needed.ts'];
  write(join(origin, 'libs/one/tsconfig.json'), { extends: '../../tsconfig.base.json', files });
  write(join(origin, 'libs/one/src/index.ts'), 'export const one: number = 1;\n');
  write(join(origin, 'libs/two/package.json'), {
    name: '@few/two',
    private: true,
    type: 'module',
    nx: { ...nx, name: 'two' },
  });
  write(join(origin, 'libs/two/tsconfig.json'), { extends: '../../tsconfig.base.json', files: ['src/index.ts'] });
  const importOfOne = "import { one } from '../../one/src/index.ts';\n";
  write(join(origin, 'libs/two/src/index.ts'), `${importOfOne}export const two: number = one;\n`);
  const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
  for (const args of [
    ['init', '--quiet', '--initial-branch=main'],
    ['add', '.'],
    [...identity, 'commit', '--quiet', '--no-verify', '-m', 'feat: begin'],
  ])
    expect(run(origin, 'git', args, environment())).toMatchObject({ status: 0 });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const right = 'export const needed: number = 1;\n';
const wrong = "export const needed: number = 'one';\n";
const typecheck = ['run-many', '-t', 'typecheck', '--outputStyle=static'];

describe('a type error in a clone is found', () => {
  it.each([
    ['although another clone of the user had none', 'plain', () => ({})],
    [
      'although the environment leads to the results of another clone',
      'led',
      (path: string) => ({
        NX_CACHE_DIRECTORY: join(dir, 'led', 'cache'),
        NX_WORKSPACE_DATA_DIRECTORY: join(dir, 'led', 'data'),
        ...nxEnvironment(path),
      }),
    ],
  ])('%s', (_title, name, more) => {
    const [green, red] = [clone(`${name}-green`, right), clone(`${name}-red`, wrong)];
    const first = run(green, 'nx', typecheck, { ...environment(), ...more(green) });
    expect(first, first.output).toMatchObject({ status: 0 });
    const second = run(red, 'nx', typecheck, { ...environment(), ...more(red) });
    expect(second.output).toContain('error TS2322');
    expect(second.status).not.toBe(0);
  });

  it('although it is in a project that has not changed, since it imports one that has', () => {
    const path = clone('imports', right);
    const first = run(path, 'nx', typecheck, environment());
    expect(first, first.output).toMatchObject({ status: 0 });
    write(join(path, 'libs/one/src/index.ts'), "export const one: string = 'one';\n");
    const second = run(path, 'nx', typecheck, environment());
    expect(second.output).toContain('error TS2322');
    expect(second.status).not.toBe(0);
  });
});
