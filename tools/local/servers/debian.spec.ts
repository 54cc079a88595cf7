import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverSources, type DebianInstall } from '../versions.ts';
import { debianFolder, findDebianRoot, findMirror, parseOsRelease } from './debian.ts';

const install: DebianInstall = { suite: 'forky', packages: ['radosgw'], accepts: /^20\.2\.\d+$/ };
let cache: string;
beforeEach(() => (cache = mkdtempSync(join(tmpdir(), 'debian-'))));
afterEach(() => rmSync(cache, { recursive: true }));

describe('findDebianRoot', () => {
  const folder = () => debianFolder(cache, serverSources.ceph, install);
  const plant = (...versions: readonly string[]) => {
    for (const version of versions) mkdirSync(join(folder(), version), { recursive: true });
  };

  it('finds nothing in an empty cache, and nothing in one with other versions and half an installation', () => {
    expect(findDebianRoot(folder(), install)).toBeUndefined();
    plant('19.2.3', '21.1.0', '.install-20.2.4');
    expect(findDebianRoot(folder(), install)).toBeUndefined();
  });

  it('finds the newest version that serves, by number', () => {
    plant('20.2.4', '20.2.10', '20.2.9', '21.1.0');
    expect(findDebianRoot(folder(), install)).toBe(join(cache, 'ceph', 'forky', '20.2.10'));
  });
});

describe('findMirror', () => {
  const targets = [
    'http://vendor.example/apt/ stable main',
    'http://mirror.example/debian/ bookworm-updates main',
    'http://mirror.example/debian/ bookworm contrib',
    'http://mirror.example/debian/ bookworm main',
    'http://other.example/debian/ bookworm main',
  ].join('\n');

  it.each([
    ['the archive of the release that runs here', targets, 'bookworm', 'http://mirror.example/debian/'],
    ['nothing for another release', targets, 'forky', undefined],
    ['nothing without sources', '', 'bookworm', undefined],
    ['nothing for a machine that does not name its release', targets, '', undefined],
  ])('finds %s', (_title, text, codename, want) => {
    expect(findMirror(text, codename)).toBe(want);
  });
});

describe('parseOsRelease', () => {
  it.each([
    [
      'Debian',
      'NAME="Debian GNU/Linux"\nVERSION_CODENAME=bookworm\nID=debian\n',
      { id: 'debian', codename: 'bookworm' },
    ],
    ['quotes', 'ID="debian"\nVERSION_CODENAME="trixie"\nID_LIKE=other', { id: 'debian', codename: 'trixie' }],
    ['no release', 'ID=alpine\n', { id: 'alpine', codename: '' }],
  ])('reads %s', (_title, text, want) => {
    expect(parseOsRelease(text)).toEqual(want);
  });
});
