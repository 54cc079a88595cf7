import { redact } from '@operator/outcome';
import type { KeyPair } from '@operator/s3';

const idCharacters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const secretCharacters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * A key pair of the usual form: an id of 20 characters, a secret of 40 (240 bits). `randomBytes`: cryptographically strong;
 * both alphabets divide 256, so that no character is likelier than another.
 */
export const makePair = (randomBytes: (length: number) => Uint8Array): KeyPair => {
  const text = (characters: string, length: number): string =>
    Array.from(randomBytes(length), (byte) => characters.charAt(byte % characters.length)).join('');
  return { accessKeyId: text(idCharacters, 20), secretAccessKey: redact(text(secretCharacters, 40)) };
};
