import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../paths.ts';
import { isVersion, ownVersions, setVersion } from './version.ts';

describe('a version', () => {
  it.each(['0.2.0', '1.0.0-rc.1', '10.20.30'])('may be %s', (text) => expect(isVersion(text)).toBe(true));
  it.each(['v0.2.0', '0.2', '0.2.0.1', '01.2.3', '1.0.0+build', '', '1.0.0-'])('is not %j', (text) =>
    expect(isVersion(text)).toBe(false),
  );

  it('is one for the whole project', async () => {
    const versions = await ownVersions(projectRoot);
    expect([...versions.keys()]).toContain('apps/bucket-controller/package.json');
    expect(new Set(versions.values())).toEqual(new Set([versions.get('package.json')]));
  });
});

describe('setVersion', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'version-'));
    mkdirSync(join(root, 'libs/a'), { recursive: true });
    const described = (name: string) =>
      `${JSON.stringify({ name, version: '0.1.0', dependencies: { b: '0.1.0' } }, null, 2)}\n`;
    writeFileSync(join(root, 'package.json'), described('whole'));
    writeFileSync(join(root, 'libs/a/package.json'), described('a'));
    const packages = {
      '': { version: '0.1.0' },
      'libs/a': { version: '0.1.0' },
      'libs/a/node_modules/b': { version: '0.1.0' },
      'node_modules/b': { version: '0.1.0' },
    };
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ version: '0.1.0', packages }));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('changes every package of the project, and none of others', async () => {
    await setVersion(root, '0.2.0');
    expect(await ownVersions(root)).toEqual(
      new Map([
        ['package.json', '0.2.0'],
        ['libs/a/package.json', '0.2.0'],
      ]),
    );
    expect(JSON.parse(readFileSync(join(root, 'libs/a/package.json'), 'utf8'))).toEqual({
      name: 'a',
      version: '0.2.0',
      dependencies: { b: '0.1.0' },
    });
    expect(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))).toEqual({
      version: '0.2.0',
      packages: {
        '': { version: '0.2.0' },
        'libs/a': { version: '0.2.0' },
        'libs/a/node_modules/b': { version: '0.1.0' },
        'node_modules/b': { version: '0.1.0' },
      },
    });
  });
});
