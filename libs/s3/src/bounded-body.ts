import { Transform, type Readable } from 'node:stream';

const mebibyte = 1024 * 1024;

/** Bytes that an answer may have. A page of 1000 keys, each of 1024 bytes that are encoded threefold, has room. */
export const largestListBytes = 8 * mebibyte;
const largestAnswerBytes = mebibyte;

/** Bytes that the answer to an operation may have; errors and what is no list are small. DeleteObjects names what failed. */
export const largestAnswerOf = (operation: string): number =>
  operation.startsWith('List') || operation === 'DeleteObjects' ? largestListBytes : largestAnswerBytes;

/** An answer that was longer than it may be; its connection was ended. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';
  readonly limitBytes: number;

  constructor(limitBytes: number) {
    super(`The answer has more than ${String(limitBytes / mebibyte)} MiB.`);
    this.limitBytes = limitBytes;
  }
}

/** The same stream, which ends with an `AnswerTooLarge` once it is longer than `limitBytes`; the source is then destroyed. */
export const boundBody = (source: Readable, limitBytes: number): Readable => {
  let length = 0;
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      if (length <= limitBytes) {
        done(null, chunk);
        return;
      }
      source.destroy();
      done(new AnswerTooLarge(limitBytes));
    },
  });
  source.on('error', (error) => bounded.destroy(error));
  source.on('close', () => {
    if (!source.readableEnded && !bounded.destroyed) {
      bounded.destroy(Object.assign(new Error('The connection ended within the answer.'), { code: 'ECONNRESET' }));
    }
  });
  // Whoever stops reading ends the connection too.
  bounded.on('close', () => source.destroy());
  return source.pipe(bounded);
};
