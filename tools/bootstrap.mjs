#!/usr/bin/env node
// Runs on any Node from 18 on: sees to the dependencies, then starts the rest with the Node of node_modules.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { acquireLock } from './lock.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const inRoot = (...parts) => join(root, ...parts);
const pinnedNode = inRoot('node_modules', 'node', 'bin', 'node');

/** Commands that are programs of ours; every other word names a program of node_modules/.bin. */
const ours = [
  'trace-picture',
  'trial',
  'test',
  'local',
  'controller',
  'charts',
  'images',
  'bench',
  'prove',
  'commits',
  'secret-template',
  'conformance',
  'kubernetes-versions',
  'monitoring',
  'release',
];

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error(`usage: node tools/bootstrap.mjs ${ours.join('|')}|<program of node_modules/.bin> [arguments]`);
  process.exit(2);
}

try {
  await install();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
const program = ours.includes(command) ? inRoot('tools', command, 'main.ts') : inRoot('node_modules', '.bin', command);
replaceBy(pinnedNode, [program, ...args]);

async function install() {
  if (isInstalled()) return;
  const release = await acquireLock(inRoot('.local', 'install.lock'), {
    onWait: (pid) => console.error(`process ${pid} is installing dependencies: waiting for it`),
  });
  try {
    if (isInstalled()) return;
    const startedAt = Date.now();
    const seconds = () => Math.round((Date.now() - startedAt) / 1000);
    console.error('installing dependencies (npm ci) …');
    const beat = setInterval(() => console.error(`installing dependencies: ${seconds()} s so far`), 10_000);
    const status = await runNpm(['ci', '--no-audit', '--no-fund', '--loglevel=error']).finally(() =>
      clearInterval(beat),
    );
    if (status !== 0) {
      throw new Error(
        `npm ci failed (${status}), see above. Is the package registry reachable, and the disk not full?`,
      );
    }
    if (!isInstalled()) throw new Error('npm ci ended well, yet node_modules does not match package-lock.json');
    console.error(`installing dependencies: done in ${seconds()} s`);
  } finally {
    release();
  }
}

/**
 * npm writes node_modules/.package-lock.json last, with what it installed. Compared with package-lock.json it tells the truth
 * after an `npm install` by hand too, and an interrupted install has none.
 */
function isInstalled() {
  const installed = readPackages(inRoot('node_modules', '.package-lock.json'));
  if (!installed || !existsSync(pinnedNode)) return false;
  const wanted = readPackages(inRoot('package-lock.json'));
  if (!wanted) throw new Error('package-lock.json cannot be read: this is no clone of the project');
  return Object.entries(wanted).every(([path, { version, link, optional }]) => {
    if (!path.startsWith('node_modules/')) return true; // the root and the workspaces themselves
    const found = installed[path];
    if (!found) return optional === true; // for another platform
    return link === true ? found.link === true : found.version === version;
  });
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined; // absent, or cut off while it was written
  }
}

function runNpm(npmArgs) {
  const npm = process.env.npm_execpath;
  // Under npm, the same npm again; with the Node it runs on, as node_modules/.bin is about to be replaced.
  const [file, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  return new Promise((resolve) => {
    const child = spawn(file, [...first, ...npmArgs], { cwd: root, stdio: ['ignore', 2, 2] });
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
}

/**
 * Puts a program in our place: its output, our signals to it, its exit status. Where npm started us and is killed, it cannot hand on a
 * signal: then the program gets a SIGTERM. That npm is our parent is why the scripts of package.json say `exec`: a shell between us would
 * keep the signals that npm hands on.
 */
function replaceBy(file, fileArgs) {
  const paths = [inRoot('node_modules', '.bin'), process.env.PATH];
  const child = spawn(file, fileArgs, {
    stdio: 'inherit',
    // The pid is for tools/signals.ts: the program ends when we are gone.
    env: {
      ...process.env,
      PATH: paths.filter(Boolean).join(delimiter),
      WASABI_S3_OPERATOR_PARENT: String(process.pid),
    },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  if (process.env.npm_lifecycle_event !== undefined) {
    const npm = process.ppid;
    const look = setInterval(() => {
      if (process.ppid === npm) return;
      clearInterval(look);
      child.kill('SIGTERM');
    }, 500);
    look.unref();
  }
  child.once('error', (error) => {
    console.error(`${file} does not start: ${error.message}`);
    process.exit(127);
  });
  child.once('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
