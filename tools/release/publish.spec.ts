import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishRelease, verifyRelease, type Target } from './publish.ts';
import { checksumsOf, placesIn, type Release } from './release.ts';

const registry = 'ghcr.io/somebody/404';
const tagged = `${registry}/charts/operator:0.2.0`;
const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const release: Release = { version: '0.2.0', commit: 'c', images: [], charts: ['operator'] };
const provenance = { buildType: 'one' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'publish-'));
  const places = placesIn(folder);
  await mkdir(places.assets);
  await writeFile(places.chart('operator', '0.2.0'), 'built');
  await writeFile(places.provenance, JSON.stringify(provenance));
  await writeFile(places.checksums, await checksumsOf(places.assets, await readdir(places.assets)));
});
afterAll(() => rm(folder, { recursive: true }));

/** As crane and helm fail: the command, with what it was about, before their words. */
const failed = (command: string, stderr: string) =>
  Object.assign(new Error(`Command failed: ${command}\n${stderr}`), { stderr });

/** A registry that has this archive under the tag, if any. `absence`: what it says where it has none. */
const begin = (there: string | undefined, absence = 'unexpected status code 404 Not Found') => {
  const pushes: string[] = [];
  const signed: string[] = [];
  let content = there;
  const run: Target['run'] = async (program, ...args) => {
    const command = [program, ...args].join(' ');
    if (program === 'helm') {
      pushes.push(args[1] ?? '');
      content = 'built';
      return `Pushed: ${tagged}\nDigest: ${sha256('manifest of built')}\n`;
    }
    if (content === undefined) throw failed(command, `Error: HEAD https://ghcr.io/v2/…: ${absence}`);
    if (args[0] === 'digest') return `${sha256(`manifest of ${content}`)}\n`;
    const layers = [{ mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', digest: sha256(content) }];
    return JSON.stringify({ config: { digest: sha256('config') }, layers });
  };
  const signing: Target['signing'] = {
    sign: async (ref) => void signed.push(ref),
    attest: async () => undefined,
    signFile: async () => undefined,
    verify: async () => undefined,
    verifyAttestation: async () => [provenance],
    verifyFile: async () => undefined,
  };
  return { pushes, signed, target: { folder, registry, run, signing, log: () => undefined } };
};
const refOf = (content: string) => `${registry}/charts/operator@${sha256(`manifest of ${content}`)}`;

describe('a chart', () => {
  it.each(['404 Not Found', 'MANIFEST_UNKNOWN: manifest unknown', 'NAME_UNKNOWN: repository name not known'])(
    'that the registry does not have, %s, is pushed, and what was pushed is signed',
    async (absence) => {
      const { pushes, signed, target } = begin(undefined, absence);
      await publishRelease(release, target);
      expect(pushes).toEqual([placesIn(folder).chart('operator', '0.2.0')]);
      expect(signed).toEqual([refOf('built')]);
    },
  );

  it('that is there with the same content is signed, and stays', async () => {
    const { pushes, signed, target } = begin('built');
    await publishRelease(release, target);
    expect(pushes).toEqual([]);
    expect(signed).toEqual([refOf('built')]);
  });

  it('that is there with another content is refused, unsigned', async () => {
    const { pushes, signed, target } = begin('of somebody else');
    await expect(publishRelease(release, target)).rejects.toThrow(
      `${tagged} has ${sha256('of somebody else')} in the registry, and ${sha256('built')} was built. Give the release another version.`,
    );
    expect([...pushes, ...signed]).toEqual([]);
  });

  it('is not pushed where the registry does not say that it lacks it, whatever its name has', async () => {
    const { pushes, target } = begin(undefined, 'unexpected status code 503 Service Unavailable');
    await expect(publishRelease(release, target)).rejects.toThrow('503 Service Unavailable');
    expect(pushes).toEqual([]);
  });

  it('is verified when its content is the one that was built', async () => {
    await verifyRelease(release, begin('built').target);
    await expect(verifyRelease(release, begin('of somebody else').target)).rejects.toThrow(
      `${tagged} has ${sha256('of somebody else')} in the registry, and ${sha256('built')} was built`,
    );
    await expect(verifyRelease(release, begin(undefined).target)).rejects.toThrow(`${tagged} is not in the registry`);
  });
});
