import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { downloadVerified, findDigest, unpackPrograms } from './download.ts';
import { sha256, startPublisher, type Publisher } from './publisher.ts';

let dir: string;
let publisher: Publisher;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'download-'));
  publisher = await startPublisher();
});
afterEach(async () => {
  await publisher.close();
  rmSync(dir, { recursive: true });
});

const content = Buffer.from('a program '.repeat(1000));
const offer = () => ({
  url: `${publisher.url}/v1/tool`,
  checksumUrl: `${publisher.url}/v1/tool.sha256`,
  algorithm: 'sha256' as const,
  archive: false,
});

function publish(digest = sha256(content)) {
  publisher.files.set('/v1/tool', content);
  publisher.files.set('/v1/tool.sha256', Buffer.from(`${digest}\n`));
}

describe('downloadVerified', () => {
  it('brings a file whose checksum holds', async () => {
    publish();
    const received: number[] = [];
    const path = await downloadVerified(offer(), { folder: dir, onBytes: (bytes) => received.push(bytes) });
    expect(readFileSync(path)).toEqual(content);
    expect(received.at(-1)).toBe(content.length);
  });

  it('refuses a file whose checksum does not hold, and leaves nothing of it', async () => {
    publish('0'.repeat(64));
    await expect(downloadVerified(offer(), { folder: dir })).rejects.toThrow(/is not what its publisher states/);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('fetches no file for which the publisher states no checksum', async () => {
    publish('no digest');
    await expect(downloadVerified(offer(), { folder: dir })).rejects.toThrow(/states no sha256/);
    expect(publisher.asked.map(({ path }) => path)).toEqual(['/v1/tool.sha256']);
  });

  it('goes on where an interrupted download stopped', async () => {
    publish();
    writeFileSync(join(dir, 'tool.part'), content.subarray(0, 4000));
    expect(readFileSync(await downloadVerified(offer(), { folder: dir }))).toEqual(content);
    expect(publisher.asked.at(-1)?.headers.range).toBe('bytes=4000-');
  });

  it('takes an interrupted download that was complete', async () => {
    publish();
    writeFileSync(join(dir, 'tool.part'), content);
    expect(readFileSync(await downloadVerified(offer(), { folder: dir }))).toEqual(content);
  });

  it('names the host and why when there is nothing to have', async () => {
    await expect(downloadVerified(offer(), { folder: dir })).rejects.toThrow(/^127\.0\.0\.1:\d+: answered 404$/);
  });

  it('does not wait long for a host that is silent', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const wanted = { ...offer(), url: `${url}/tool`, checksumUrl: `${url}/tool.sha256` };
    await expect(downloadVerified(wanted, { folder: dir, connectMs: 100 })).rejects.toThrow(/no answer within 0.1 s/);
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });
});

describe('findDigest', () => {
  const digest = 'A'.repeat(64);
  const other = 'b'.repeat(64);
  it.each([
    ['a digest alone', `${digest}\n`, digest.toLowerCase()],
    ['a line with the file', `${digest}  tool`, digest.toLowerCase()],
    ['a line in binary mode', `${digest} *tool`, digest.toLowerCase()],
    ['one line of many', `${other}  tool.sig\n${digest}  out/tool\n`, digest.toLowerCase()],
    ['another file only', `${other}  tool.sig`, undefined],
    ['a digest of another length', 'abc', undefined],
    ['a page', '<html><body>Not here</body></html>', undefined],
  ])('reads %s', (_name, text, want) => {
    expect(findDigest(text, 'tool', 64)).toBe(want);
  });
});

describe('unpackPrograms', () => {
  function pack(...names: string[]): string {
    const folder = join(dir, 'in', 'deep');
    mkdirSync(folder, { recursive: true });
    for (const name of names) writeFileSync(join(folder, name), name, { mode: 0o644 });
    execFileSync('tar', ['-czf', join(dir, 'archive.tar.gz'), '-C', dir, 'in']);
    return join(dir, 'archive.tar.gz');
  }

  it('takes the named programs out of any folder and makes them runnable', async () => {
    const target = join(dir, 'out');
    await unpackPrograms(pack('etcd', 'kubectl', 'readme'), ['etcd', 'kubectl'], target, true);
    expect(readdirSync(target).sort()).toEqual(['etcd', 'kubectl']);
    expect(statSync(join(target, 'etcd')).mode & 0o111).toBe(0o111);
  });

  it('refuses an archive that lacks one', async () => {
    await expect(unpackPrograms(pack('etcd'), ['kubectl'], join(dir, 'out'), true)).rejects.toThrow(
      'has no kubectl in it',
    );
  });
});
