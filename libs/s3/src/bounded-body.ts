import type { Readable } from 'node:stream';
import { isListOfBucket, isPage, rootOf } from './answer-root.ts';
import { AnsweredWithList, AnsweredWithPage, expectsNoList } from './misrouted.ts';

const mebibyte = 1024 * 1024;

/** Bytes that an answer may have. A page of 1000 keys, each of 1024 bytes that are encoded threefold, has room. */
export const largestListBytes = 8 * mebibyte;
const largestAnswerBytes = mebibyte;

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

/** In so many bytes most answers have said what they are; the others say it at their end. */
const headBytes = 256;
/** What the first chunk gets room for: most answers need no more, and Node takes so little from a pool of its own. */
const firstBytes = 2 * 1024;

/**
 * Reads a body to its end. Its memory is that of its bytes, however small the chunks are in which the server sends it.
 * @throws AnswerTooLarge once it is longer than `limitBytes`; with `noList` AnsweredWithList when it is the list of a bucket, with `noPage`
 * AnsweredWithPage when it is a web page, each with the connection ended; Error `ECONNRESET` when the connection ends before it does
 */
export const readBody = (
  source: Readable,
  limitBytes: number,
  { noList = false, noPage = false }: { readonly noList?: boolean; readonly noPage?: boolean } = {},
): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    // A chunk is an object of its own of some 200 bytes, and a server may put one byte into each: none is kept.
    let content: Buffer = Buffer.alloc(0);
    let length = 0;
    const end = (error: Error): void => {
      reject(error);
      source.destroy();
    };
    let root: string | undefined;
    const checkRoot = (): void => {
      if (!noList && !noPage) return;
      root ??= rootOf(content.subarray(0, length));
      if (noList && isListOfBucket(root)) end(new AnsweredWithList());
      else if (noPage && isPage(root)) end(new AnsweredWithPage());
    };
    source.on('data', (chunk: Buffer) => {
      const grown = length + chunk.length;
      if (grown > limitBytes) {
        end(new AnswerTooLarge(limitBytes));
        return;
      }
      if (grown > content.length) {
        const larger = Buffer.allocUnsafe(Math.min(limitBytes, Math.max(firstBytes, 2 * content.length, grown)));
        content.copy(larger, 0, 0, length);
        content = larger;
      }
      chunk.copy(content, length);
      const isHead = length < headBytes && grown >= headBytes;
      length = grown;
      if (isHead) checkRoot();
    });
    source.on('end', () => {
      checkRoot();
      resolve(content.subarray(0, length));
    });
    source.on('error', reject);
    source.on('close', () => {
      if (!source.readableEnded) reject(brokenOff());
    });
  });

/**
 * As `readBody`, of the answer to an operation of an AWS API: errors and what is no list are small, an object may hold anything.
 * DeleteObjects names what failed.
 */
export const readAnswer = (operation: string, status: number, source: Readable): Promise<Buffer> =>
  readBody(
    source,
    operation.startsWith('List') || operation === 'DeleteObjects' ? largestListBytes : largestAnswerBytes,
    {
      noList: expectsNoList(operation),
      noPage: operation !== 'GetObject' && status >= 200 && status < 300,
    },
  );
