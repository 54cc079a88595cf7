import { argon2, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';

const keyBytes = 32;
const argon2Async = promisify(argon2);
const pbkdf2Async = promisify(pbkdf2);

/** How a container's key comes from a password and a salt. */
export type KeyDerivation = 'argon2id' | 'pbkdf2';

/** Derives the 32-byte key of one container. */
export type DeriveKey = (derivation: KeyDerivation, password: string, salt: Uint8Array) => Promise<Buffer>;

/**
 * Makes a derivation that runs one at a time: each Argon2id takes 64 MiB and 0.1–0.2 s, so that ten at once would cost a
 * controller its memory limit. The work itself runs on Node's thread pool, never on the event loop.
 *
 * Argon2id v1.3: time 1, memory 65 536 KiB, 4 lanes. PBKDF2: HMAC-SHA256, 8 192 iterations.
 */
export const serialKeyDerivation = (): DeriveKey => {
  let last: Promise<unknown> = Promise.resolve();
  return (derivation, password, salt) => {
    const next = last.then(() =>
      derivation === 'argon2id'
        ? argon2Async('argon2id', {
            message: password,
            nonce: salt,
            parallelism: 4,
            tagLength: keyBytes,
            memory: 65_536,
            passes: 1,
          })
        : pbkdf2Async(password, salt, 8192, keyBytes, 'sha256'),
    );
    last = next.catch(() => undefined); // one failure is told to its own caller, not to those behind it
    return next;
  };
};
