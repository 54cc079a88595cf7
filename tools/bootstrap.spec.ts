import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { projectRoot } from './paths.ts';

// A project of its own in a temporary folder, with an npm that notes its calls and installs a `node` and what the lock says.

let root: string;
const at = (...parts: string[]) => join(root, ...parts);

const npm = `
import fs from 'node:fs';
fs.appendFileSync('npm-calls', process.argv.slice(2).join(' ') + '\\n');
if (fs.existsSync('npm-fails')) process.exit(7);
fs.mkdirSync('node_modules/node/bin', { recursive: true });
fs.rmSync('node_modules/node/bin/node', { force: true });
fs.symlinkSync(process.execPath, 'node_modules/node/bin/node');
fs.mkdirSync('node_modules/.bin', { recursive: true });
fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
`;

function lock(version: string): void {
  const packages = {
    '': { version: '0.1.0' },
    'libs/own': { version: '0.1.0' },
    'node_modules/thing': { version },
    'node_modules/of-another-platform': { version: '1.0.0', optional: true },
  };
  writeFileSync(at('package-lock.json'), JSON.stringify({ packages }));
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bootstrap-'));
  mkdirSync(at('tools/test'), { recursive: true });
  for (const file of ['bootstrap.mjs', 'lock.mjs']) cpSync(join(import.meta.dirname, file), at('tools', file));
  writeFileSync(at('package.json'), '{"type":"module"}');
  writeFileSync(at('npm.js'), npm);
  writeFileSync(
    at('tools/test/main.ts'),
    `console.log('ran', process.argv.slice(2).join(' '), process.env.PATH.split(':')[0]);
     const wait = setTimeout(() => {}, process.argv[2] === 'stay' ? 60_000 : 0);
     process.on('SIGTERM', () => { console.log('stopping'); clearTimeout(wait); });
     process.exitCode = Number(process.argv[3] ?? 0);`,
  );
  lock('1.0.0');
});
afterEach(() => rmSync(root, { recursive: true }));

function start(...args: string[]) {
  const child = spawn(process.execPath, [at('tools/bootstrap.mjs'), ...args], {
    env: { ...process.env, npm_execpath: at('npm.js') },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = Promise.all([
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ]);
  return { child, output: () => output, ended: ended.then(([errors, status]) => ({ output, errors, status })) };
}

const calls = () => (existsSync(at('npm-calls')) ? readFileSync(at('npm-calls'), 'utf8').trim().split('\n') : []);

describe('bootstrap', () => {
  it('installs what is missing, then runs the command with the Node of node_modules and its exit status', async () => {
    const { output, errors, status } = await start('test', 'go', '3').ended;
    expect(calls()).toEqual(['ci --no-audit --no-fund --loglevel=error']);
    expect(output).toBe(`ran go 3 ${at('node_modules/.bin')}\n`);
    expect(errors).toMatch(/installing dependencies \(npm ci\) …\n.*done in/);
    expect(status).toBe(3);
  });

  it('installs again only when the lock file asks for something else', async () => {
    await start('test').ended;
    await start('test').ended;
    expect(calls()).toHaveLength(1);
    lock('2.0.0');
    await start('test').ended;
    expect(calls()).toHaveLength(2);
  });

  it('installs once when two start together', async () => {
    const both = await Promise.all([start('test').ended, start('test').ended]);
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(calls()).toHaveLength(1);
  });

  it('says that the installation failed and runs nothing', async () => {
    writeFileSync(at('npm-fails'), '');
    const { output, errors, status } = await start('test').ended;
    expect({ output, status }).toEqual({ output: '', status: 1 });
    expect(errors).toContain('npm ci failed (7)');
  });

  it('hands signals on and waits for the end', async () => {
    const { child, output, ended } = start('test', 'stay', '5');
    await vi.waitUntil(() => output().includes('ran stay'), { timeout: 5_000 });
    child.kill('SIGTERM');
    const { output: all, status } = await ended;
    expect({ last: all.trim().split('\n').at(-1), status }).toEqual({ last: 'stopping', status: 5 });
  });

  it('ends the program when npm, which started it, is killed', async () => {
    const npmRun = `require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit' })`;
    const child = spawn(process.execPath, ['-e', npmRun, at('tools/bootstrap.mjs'), 'test', 'stay'], {
      env: { ...process.env, npm_execpath: at('npm.js'), npm_lifecycle_event: 'test' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const closed = new Promise((resolve) => child.stdout.once('close', resolve));
    await vi.waitUntil(() => output.includes('ran stay'), { timeout: 20_000 });
    child.kill('SIGKILL');
    await closed;
    expect(output.trim().split('\n').at(-1)).toBe('stopping');
  });

  it('is what npm starts, with no shell between them', () => {
    const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    expect(Object.values(scripts).filter((script) => !script.startsWith('exec node tools/bootstrap.mjs '))).toEqual([]);
  });
});
