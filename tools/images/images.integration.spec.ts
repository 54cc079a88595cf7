import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildImage, createBaseLayers, type BuiltImage } from './build.ts';
import { createLayer } from './layer.ts';
import { architectures, ownArchitecture as here } from './oci-layout.ts';

const run = promisify(execFile);
/** Of one build: only a hang is meant to end here. Bundling and compressing take minutes on a machine that is busy. */
const longestMs = 900_000;

interface Descriptor {
  readonly digest: string;
  readonly platform?: { readonly architecture: string };
}

let dir: string;
let image: BuiltImage;
let root: string;
let config: {
  readonly config: { readonly User: string; readonly Entrypoint: readonly string[]; readonly Env: readonly string[] };
};

const build = (outdir: string) =>
  buildImage('bucket', { outdir: join(dir, outdir), base: createBaseLayers(), architectures: [here] });

const jsonBlob = (digest: string, { layout } = image): unknown =>
  JSON.parse(readFileSync(join(layout, 'blobs', digest.replace(':', '/')), 'utf8'));

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'images-'));
  image = await build('first');
  root = join(dir, 'root');
  mkdirSync(root);
  const index = jsonBlob(image.digest) as { manifests: readonly Descriptor[] };
  const manifest = jsonBlob(index.manifests[0]?.digest ?? '') as { config: Descriptor; layers: readonly Descriptor[] };
  config = jsonBlob(manifest.config.digest) as typeof config;
  for (const { digest } of manifest.layers)
    await run('tar', ['-xzf', join(image.layout, 'blobs', digest.replace(':', '/')), '-C', root]);
}, longestMs);
afterAll(() => rmSync(dir, { recursive: true }));

describe('the image of a controller', () => {
  it(
    'is the same each time it is built',
    async () => {
      expect((await build('second')).digest).toBe(image.digest);
    },
    longestMs,
  );

  it(
    'is one for each architecture under one digest',
    async () => {
      // What is below the bundle takes long to compress, and is tried above for this machine's.
      const base = async () => [await createLayer([{ path: 'usr/bin/node', content: Buffer.from(''), mode: 0o755 }])];
      const both = await buildImage('provider', { outdir: join(dir, 'both'), base, architectures });
      const { manifests } = jsonBlob(both.digest, both) as { readonly manifests: readonly Descriptor[] };
      const configured = manifests.map(({ digest }) => {
        const { config: at } = jsonBlob(digest, both) as { readonly config: Descriptor };
        return (jsonBlob(at.digest, both) as { readonly architecture: string }).architecture;
      });
      expect(manifests.map(({ platform }) => platform?.architecture)).toEqual(architectures);
      expect(configured).toEqual(architectures);
    },
    longestMs,
  );

  it('has at most 60 MiB to pull', () => {
    expect(image.sizes.get(here)).toBeLessThan(60 * 1024 * 1024);
  });

  it('holds Node, the libraries that it needs, the bundle and notices, and no shell', () => {
    expect(readdirSync(root).sort()).toEqual(['app', 'etc', 'lib', 'lib64', 'usr']);
    expect(readdirSync(join(root, 'usr/bin'))).toEqual(['node']);
    expect(readdirSync(join(root, 'app'))).toContain('main.js');
    const files = readdirSync(join(root, 'usr'), { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /(^|\/)(sh|bash|dash|busybox|apt|dpkg|npm)$/.test(file))).toEqual([]);
  });

  it('runs as nobody', () => {
    expect(config.config.User).toBe('65532:65532');
  });

  it('gives memory back', () => {
    expect(config.config.Env).toEqual([
      'PATH=/usr/bin',
      'NODE_ENV=production',
      'MALLOC_ARENA_MAX=1',
      'MALLOC_TRIM_THRESHOLD_=65536',
    ]);
  });

  it('starts with nothing but what is in it', async () => {
    const libraries = join(root, 'usr/lib', here === 'amd64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu');
    const loader = join(libraries, readdirSync(libraries).find((file) => file.startsWith('ld-linux')) ?? '');
    const [node = '', ...args] = config.config.Entrypoint.map((part) =>
      part.startsWith('/') ? join(root, part) : part,
    );
    const { stdout } = await run(loader, ['--inhibit-cache', '--library-path', libraries, node, ...args, '--version'], {
      env: {},
    });
    expect(stdout).toContain('bucket-controller 0.');
  });

  it('comes with the licences and a list of what is in it', () => {
    const notices = readFileSync(join(root, 'usr/share/doc/operator/THIRD-PARTY-NOTICES'), 'utf8');
    expect(notices).toContain('@aws-sdk/client-s3');
    expect(notices).not.toMatch(/\(NOASSERTION\)|AGPL/);
    const sbom = JSON.parse(readFileSync(`${image.layout}.spdx.json`, 'utf8')) as {
      packages: readonly { SPDXID: string; name: string; versionInfo: string; licenseDeclared: string }[];
    };
    const names = sbom.packages.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['bucket-controller', '@aws-sdk/client-s3', 'pino', 'libc6', 'node']));
    const ids = sbom.packages.map(({ SPDXID }) => SPDXID);
    expect(ids).toHaveLength(new Set(ids).size);
    expect(sbom.packages.filter(({ licenseDeclared }) => /NOASSERTION|AGPL/.test(licenseDeclared))).toEqual([]);
    const node = sbom.packages.find(({ name }) => name === 'node')?.versionInfo;
    const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8')) as {
      packages: Readonly<Record<string, { version: string }>>;
    };
    expect(node).toBe(lock.packages['node_modules/node']?.version);
  });
});
