import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Redacted } from '@operator/outcome';
import type { DeriveKey, KeyDerivation } from './derive-key.ts';

/**
 * The container in which MinIO's admin API carries bodies that hold secrets.
 *
 *     32 bytes salt | 1 byte id | 8 bytes nonce prefix | blocks: ciphertext and a 16-byte tag
 *
 * Every block but the last holds 16 384 bytes; the last is marked by a flag in its associated data, so that a body cut short
 * does not open. The first sequence number seals nothing: its tag binds all blocks to this key.
 */
const tagBytes = 16;
const authTagLength = tagBytes;

const aes = {
  encryptor: (key: Buffer, nonce: Buffer) => createCipheriv('aes-256-gcm', key, nonce, { authTagLength }),
  decryptor: (key: Buffer, nonce: Buffer) => createDecipheriv('aes-256-gcm', key, nonce, { authTagLength }),
};
const chaCha = {
  encryptor: (key: Buffer, nonce: Buffer) => createCipheriv('chacha20-poly1305', key, nonce, { authTagLength }),
  decryptor: (key: Buffer, nonce: Buffer) => createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength }),
};

interface Format {
  readonly derivation: KeyDerivation;
  readonly cipher: typeof aes | typeof chaCha;
}

const formats: ReadonlyMap<number, Format> = new Map<number, Format>([
  [0x00, { derivation: 'argon2id', cipher: aes }],
  [0x01, { derivation: 'argon2id', cipher: chaCha }],
  [0x02, { derivation: 'pbkdf2', cipher: aes }],
]);

const saltBytes = 32;
const noncePrefixBytes = 8;
const headerBytes = saltBytes + 1 + noncePrefixBytes;
const blockBytes = 16_384;
const sealedBlockBytes = blockBytes + tagBytes;
/** Argon2id, since its password may be short and chosen by a person. */
const sentId = 0x00;

/** A body that is no container, or one sealed with another password, or altered on its way. */
export class ContainerError extends Error {
  override readonly name = 'ContainerError';
}

const nonceOf = (prefix: Uint8Array, sequence: number): Buffer => {
  const nonce = Buffer.alloc(noncePrefixBytes + 4);
  nonce.set(prefix);
  nonce.writeUInt32LE(sequence, noncePrefixBytes);
  return nonce;
};

const sealBlock = (format: Format, key: Buffer, nonce: Buffer, associated: Uint8Array, plain: Uint8Array): Buffer => {
  const cipher = format.cipher.encryptor(key, nonce);
  cipher.setAAD(associated, { plaintextLength: plain.length });
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
};

const openBlock = (format: Format, key: Buffer, nonce: Buffer, associated: Uint8Array, sealed: Uint8Array): Buffer => {
  const length = sealed.length - tagBytes;
  if (length < 0) throw new ContainerError('the last block is shorter than its tag');
  const decipher = format.cipher.decryptor(key, nonce);
  decipher.setAAD(associated, { plaintextLength: length });
  decipher.setAuthTag(sealed.subarray(length));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, length)), decipher.final()]);
  } catch (cause) {
    throw new ContainerError('a block does not open: another password, or an altered body', { cause });
  }
};

/** The data that binds a block to its container and says whether it is the last. */
const associatedWith = (binding: Buffer, isLast: boolean): Buffer =>
  Buffer.concat([Buffer.of(isLast ? 0x80 : 0x00), binding]);

/** Seals `plain` with `password`. `random`: a source of that many unforeseeable bytes. `id`: 0, 1 or 2. */
export const sealContainer = async (
  password: Redacted<string>,
  plain: Uint8Array,
  deriveKey: DeriveKey,
  random: (bytes: number) => Uint8Array,
  id: number = sentId,
): Promise<Buffer> => {
  const format = formats.get(id);
  if (format === undefined) throw new ContainerError(`unknown container id ${id}`);
  const salt = random(saltBytes);
  const prefix = random(noncePrefixBytes);
  const key = await deriveKey(format.derivation, password.reveal(), salt);
  const binding = sealBlock(format, key, nonceOf(prefix, 0), Buffer.alloc(0), Buffer.alloc(0));
  const parts: Uint8Array[] = [salt, Buffer.of(id), prefix];
  const blocks = Math.max(1, Math.ceil(plain.length / blockBytes));
  for (let block = 0; block < blocks; block += 1) {
    const associated = associatedWith(binding, block === blocks - 1);
    const piece = plain.subarray(block * blockBytes, (block + 1) * blockBytes);
    parts.push(sealBlock(format, key, nonceOf(prefix, block + 1), associated, piece));
  }
  return Buffer.concat(parts);
};

/**
 * Opens a container of any of the three ids; the server chooses which it sends.
 * @throws ContainerError when it is none, is altered, or was sealed with another password
 */
export const openContainer = async (
  password: Redacted<string>,
  container: Uint8Array,
  deriveKey: DeriveKey,
): Promise<Buffer> => {
  if (container.length < headerBytes + tagBytes)
    throw new ContainerError('the body is shorter than an empty container');
  const id = container[saltBytes] ?? -1;
  const format = formats.get(id);
  if (format === undefined) throw new ContainerError(`unknown container id ${id}`);
  const prefix = container.subarray(saltBytes + 1, headerBytes);
  const key = await deriveKey(format.derivation, password.reveal(), container.subarray(0, saltBytes));
  const binding = sealBlock(format, key, nonceOf(prefix, 0), Buffer.alloc(0), Buffer.alloc(0));
  const pieces: Buffer[] = [];
  let rest = container.subarray(headerBytes);
  for (let sequence = 1; ; sequence += 1) {
    const isLast = rest.length <= sealedBlockBytes;
    const sealed = isLast ? rest : rest.subarray(0, sealedBlockBytes);
    pieces.push(openBlock(format, key, nonceOf(prefix, sequence), associatedWith(binding, isLast), sealed));
    if (isLast) return Buffer.concat(pieces);
    rest = rest.subarray(sealedBlockBytes);
  }
};
