import { redact } from '@operator/outcome';
import { describe, expect, it } from 'vitest';
import { serialKeyDerivation } from './derive-key.ts';
import { ContainerError, openContainer, sealContainer } from './encrypted-container.ts';

const deriveKey = serialKeyDerivation();
const password = redact('minioadmin-secret');
/** Bytes 00, 01, 02 …, as in the published vectors. */
const counting = (bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, index) => index);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const header = (id: number): string => Buffer.concat([counting(32), Buffer.of(id), counting(8)]).toString('hex');

const vectors = [
  { id: 0, block: 'fce5c34b9e47f3fb9404892a07a44214a6f293fd0162f7' },
  { id: 1, block: '41e15f113c943e8449d9a5ee5a30e22d1985b701adce0a' },
  { id: 2, block: 'a6c1b8465f8dcf4e070515de1bc8712363249235e24024' },
];

describe('the encrypted container', () => {
  it.each(vectors)('seals the published vector of id $id', async ({ id, block }) => {
    const sealed = await sealContainer(password, text('{"a":1}'), deriveKey, counting, id);
    expect(sealed.toString('hex')).toBe(header(id) + block);
    expect(sealed).toHaveLength(64);
  });

  it.each(vectors)('opens the published vector of id $id', async ({ id, block }) => {
    const opened = await openContainer(password, Buffer.from(header(id) + block, 'hex'), deriveKey);
    expect(opened.toString()).toBe('{"a":1}');
  });

  it('sends Argon2id when nothing else is asked for', async () => {
    const sealed = await sealContainer(password, text('{}'), deriveKey, counting);
    expect(sealed[32]).toBe(0x00);
  });

  // Each block adds a 16-byte tag; an exact multiple ends in a full block without an empty one behind it.
  it.each([
    { plainBytes: 0, blocks: 1 },
    { plainBytes: 1, blocks: 1 },
    { plainBytes: 16_383, blocks: 1 },
    { plainBytes: 16_384, blocks: 1 },
    { plainBytes: 16_385, blocks: 2 },
    { plainBytes: 32_768, blocks: 2 },
    { plainBytes: 40_000, blocks: 3 },
  ])('round-trips $plainBytes bytes in $blocks blocks', async ({ plainBytes, blocks }) => {
    const plain = counting(plainBytes);
    const sealed = await sealContainer(password, plain, deriveKey, counting, 2);
    expect(sealed).toHaveLength(41 + plainBytes + 16 * blocks);
    expect(await openContainer(password, sealed, deriveKey)).toEqual(Buffer.from(plain));
  });

  const sealedTwice = sealContainer(password, counting(20_000), deriveKey, counting, 2);
  it.each([
    { fault: 'a last block cut off', harm: (body: Buffer) => body.subarray(0, 41 + 16_400) },
    { fault: 'one byte cut off', harm: (body: Buffer) => body.subarray(0, -1) },
    { fault: 'a byte too many', harm: (body: Buffer) => Buffer.concat([body, Buffer.of(0)]) },
    {
      fault: 'a flipped bit',
      harm: (body: Buffer) => Buffer.from(body.map((byte, at) => (at === 50 ? byte ^ 1 : byte))),
    },
    { fault: 'an unknown id', harm: (body: Buffer) => Buffer.from(body.map((byte, at) => (at === 32 ? 3 : byte))) },
    { fault: 'no more than a header', harm: (body: Buffer) => body.subarray(0, 41) },
    { fault: 'no container at all', harm: () => Buffer.from('<html></html>') },
    { fault: 'nothing', harm: () => Buffer.alloc(0) },
  ])('refuses a body with $fault', async ({ harm }) => {
    await expect(openContainer(password, harm(await sealedTwice), deriveKey)).rejects.toBeInstanceOf(ContainerError);
  });

  it('refuses the wrong password', async () => {
    await expect(openContainer(redact('other'), await sealedTwice, deriveKey)).rejects.toBeInstanceOf(ContainerError);
  });
});

describe('the key derivation', () => {
  it('goes on after one that failed', async () => {
    const derive = serialKeyDerivation();
    // @ts-expect-error: an unusable salt makes this one derivation fail
    const failed = derive('pbkdf2', 'password', 7);
    const next = derive('pbkdf2', 'password', counting(32));
    await expect(failed).rejects.toThrow(TypeError);
    expect(await next).toHaveLength(32);
  });

  it('leaves the event loop free', async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    try {
      await serialKeyDerivation()('argon2id', 'password', counting(32));
    } finally {
      clearInterval(timer);
    }
    expect(turns).toBeGreaterThan(3);
  });
});
