import { Transform, type Readable } from 'node:stream';
import { AnsweredWithList, AnsweredWithPage, beginsAsList, beginsAsPage } from './misrouted.ts';

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

/** The error of a connection on which no answer can be read any more; it counts as a reset. */
export const brokenOff = (cause?: unknown): Error =>
  Object.assign(new Error('The connection ended within the answer.', { cause }), { code: 'ECONNRESET' });

/** In so many bytes an answer has said what it is. */
const headBytes = 256;

/**
 * The same stream, which ends with an `AnswerTooLarge` once it is longer than `limitBytes`; with `noList` it ends with an
 * `AnsweredWithList` when it is the list of a bucket, with `noPage` with an `AnsweredWithPage` when it is a web page. The source is then
 * destroyed.
 */
export const boundBody = (
  source: Readable,
  limitBytes: number,
  { noList = false, noPage = false }: { readonly noList?: boolean; readonly noPage?: boolean } = {},
): Readable => {
  let length = 0;
  let head = '';
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const end = (error: Error): void => {
        source.destroy();
        done(error);
      };
      if ((noList || noPage) && length < headBytes) {
        head += chunk.toString('latin1', 0, headBytes - length);
      }
      length += chunk.length;
      if (noList && beginsAsList(head)) end(new AnsweredWithList());
      else if (noPage && beginsAsPage(head)) end(new AnsweredWithPage());
      else if (length > limitBytes) end(new AnswerTooLarge(limitBytes));
      else done(null, chunk);
    },
  });
  source.on('error', (error) => bounded.destroy(error));
  source.on('close', () => {
    if (!source.readableEnded && !bounded.destroyed) {
      bounded.destroy(brokenOff());
    }
  });
  // Whoever stops reading ends the connection too.
  bounded.on('close', () => source.destroy());
  return source.pipe(bounded);
};
