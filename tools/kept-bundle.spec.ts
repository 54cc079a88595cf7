import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keptBundle } from './kept-bundle.ts';
import { localFolder, projectRoot } from './paths.ts';

let dir: string;
let entry: string;
beforeEach(() => {
  mkdirSync(localFolder, { recursive: true });
  dir = mkdtempSync(join(localFolder, 'kept-bundle-'));
  mkdirSync(join(dir, 'program/src'), { recursive: true });
  entry = relative(projectRoot, join(dir, 'program/src/main.ts'));
  write('program/src/main.ts', "import { word } from './word.ts';\nconsole.log(word);\n");
  write('program/src/word.ts', "export const word: string = 'first';\n");
  write('program/src/other.ts', "export const word: string = 'other';\n");
});
afterEach(() => rmSync(dir, { recursive: true }));

/** As it would be some time after it was written: a bundle trusts nothing that changed while it was made. */
function write(path: string, text: string): void {
  writeFileSync(join(dir, path), text);
  utimesSync(join(dir, path), new Date('2026-01-01'), new Date('2026-01-01'));
}
const bundle = (folder: string, options = {}) => keptBundle(entry, join(dir, folder), options, join(dir, 'kept'));
const said = (main: string) => execFileSync(process.execPath, [main], { encoding: 'utf8' }).trim();
/** What is kept, told apart by the file and the time at which it was made. */
const made = () =>
  readdirSync(join(dir, 'kept'), { recursive: true, encoding: 'utf8' })
    .filter((path) => basename(path) === 'manifest.json')
    .map((path) => statSync(join(dir, 'kept', path)))
    .map(({ ino, mtimeMs }) => `${ino} ${mtimeMs}`);

describe('a kept bundle', () => {
  it('is taken again while all that went into it is as it was', async () => {
    expect(said(await bundle('out-1'))).toBe('first');
    const before = made();
    expect(said(await bundle('out-2'))).toBe('first');
    expect(made()).toEqual(before);
  });

  it('is made anew when a module has changed', async () => {
    await bundle('out');
    write('program/src/word.ts', "export const word: string = 'second';\n");
    expect(said(await bundle('out'))).toBe('second');
  });

  it('is made anew when a module went, and says so', async () => {
    await bundle('out');
    rmSync(join(dir, 'program/src/word.ts'));
    await expect(bundle('out')).rejects.toThrow('word.ts');
  });

  it('is made anew when a package says otherwise how its modules are found', async () => {
    write('program/package.json', '{"type":"module"}');
    await bundle('out');
    const before = made();
    write('program/package.json', '{"type":"module","sideEffects":false}');
    await bundle('out');
    expect(made()).not.toEqual(before);
  });

  it('is made anew when a module was written while it was made', async () => {
    utimesSync(join(dir, 'program/src/word.ts'), new Date(), new Date(Date.now() + 3_600_000));
    await bundle('out');
    const before = made();
    await bundle('out');
    expect(made()).not.toEqual(before);
  });

  it('is another one with another module in the place of one', async () => {
    const folder = relative(projectRoot, join(dir, 'program/src'));
    const replace = { module: join(folder, 'word.ts'), by: join(folder, 'other.ts') };
    expect(said(await bundle('out', { replace }))).toBe('other');
    expect(said(await bundle('out'))).toBe('first');
    expect(said(await bundle('out', { replace }))).toBe('other');
  });

  it('is made once for all who want it at the same time, and is whole for each', async () => {
    const mains = await Promise.all(['a', 'b', 'c'].map((folder) => bundle(folder)));
    expect(mains.map(said)).toEqual(['first', 'first', 'first']);
    expect(made()).toHaveLength(1);
    expect(statSync(join(dir, 'a/main.js.map')).size).toBeGreaterThan(0);
  });

  it('keeps nothing of a program that cannot be bundled', async () => {
    write('program/src/main.ts', "import './not-there.ts';\n");
    await expect(bundle('out')).rejects.toThrow('not-there.ts');
    expect(existsSync(join(dir, 'out'))).toBe(false);
    expect(made()).toEqual([]);
  });
});
