import { Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readBody } from './bounded-body.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const kibibyte = 1024;
const open = () => new Readable({ read: () => undefined });
/** The bytes of each buffer that is made while `run` goes on. */
const allocatedBytes = async (run: () => Promise<unknown>): Promise<readonly number[]> => {
  const allocate = vi.spyOn(Buffer, 'allocUnsafe');
  await run();
  return allocate.mock.calls.map(([bytes]) => bytes);
};

describe('a body in chunks of one byte', () => {
  it('is read without any of them being kept', async () => {
    const source = open();
    const reading = readBody(source, kibibyte * kibibyte);
    const chunk = Buffer.alloc(1);
    // One and the same chunk: whoever keeps it finds the last byte everywhere.
    for (const byte of Buffer.from('<Tagging/>')) {
      chunk[0] = byte;
      source.emit('data', chunk);
    }
    source.push(null);
    expect((await reading).toString()).toBe('<Tagging/>');
  });

  it('takes memory for its bytes, not for its chunks, and never more than it may have', async () => {
    const limitBytes = 100 * kibibyte;
    const body = Buffer.from('0123456789'.repeat(limitBytes / 10));
    const source = open();
    const allocated = await allocatedBytes(async () => {
      const reading = readBody(source, limitBytes);
      for (let at = 0; at < body.length; at += 1) source.emit('data', body.subarray(at, at + 1));
      source.push(null);
      expect((await reading).equals(body)).toBe(true);
    });
    expect(allocated).toEqual([
      2 * kibibyte,
      4 * kibibyte,
      8 * kibibyte,
      16 * kibibyte,
      32 * kibibyte,
      64 * kibibyte,
      limitBytes,
    ]);
  });
});

it('a chunk beyond the limit is not copied', async () => {
  const source = open();
  const allocated = await allocatedBytes(async () => {
    const reading = readBody(source, kibibyte);
    source.emit('data', Buffer.alloc(kibibyte));
    source.emit('data', Buffer.alloc(64 * kibibyte));
    await expect(reading).rejects.toMatchObject({ name: 'AnswerTooLarge', limitBytes: kibibyte });
  });
  expect(allocated).toEqual([kibibyte]);
  expect(source.destroyed).toBe(true);
});

describe('what a body is', () => {
  const read = (chunks: readonly string[], refuse: { readonly noList?: boolean; readonly noPage?: boolean }) =>
    readBody(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), kibibyte * kibibyte, refuse);

  it.each([
    ['at once', ['<html>no</html>']],
    ['byte by byte', Array.from('<html>no</html>')],
    ['byte by byte, and goes on for long', Array.from(`<!DOCTYPE html>${'-'.repeat(1_000)}`)],
  ])('is seen when it comes %s', async (_title, chunks) => {
    await expect(read(chunks, { noPage: true })).rejects.toMatchObject({ name: 'AnsweredWithPage' });
    expect((await read(chunks, { noList: true })).toString()).toBe(chunks.join(''));
  });

  it('is seen before its end', async () => {
    const source = open();
    const reading = readBody(source, kibibyte * kibibyte, { noList: true });
    source.push(`<ListBucketResult>${' '.repeat(kibibyte)}`);
    await expect(reading).rejects.toMatchObject({ name: 'AnsweredWithList' });
    expect(source.destroyed).toBe(true);
  });
});
