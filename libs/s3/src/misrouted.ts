/*
 * Servers that do not know a sub-resource may take a request about it for one about the bucket itself: a GET lists it, a PUT creates it.
 * Both are answered with 200. What gives them away is in the answer.
 */

/** The cause of a Fault: a PUT of a setting was answered as CreateBucket is. */
export class TakenForCreation extends Error {
  override readonly name = 'TakenForCreation';
  /** True when there surely was no such bucket, and the PUT has made one. */
  readonly hasMade: boolean;

  constructor(hasMade: boolean) {
    super(hasMade ? 'The server has made a bucket.' : 'The server has changed nothing.');
    this.hasMade = hasMade;
  }
}

/** An answer that lists the bucket, to a call that asked for something else. */
export class AnsweredWithList extends Error {
  override readonly name = 'AnsweredWithList';

  constructor() {
    super('The answer lists the bucket.');
  }
}

/** A web page in place of an answer, which its status calls a success: something before the server has answered for it. */
export class AnsweredWithPage extends Error {
  override readonly name = 'AnsweredWithPage';

  constructor() {
    super('The answer is a web page.');
  }
}

/** True for the operations whose answer never is the list of a bucket. An object may hold anything. */
export const expectsNoList = (operation: string): boolean => !/^(List|GetObject$)/.test(operation);

/**
 * True when that answer to a PUT of a setting is one of CreateBucket, which alone says where the new thing is.
 * Source: Amazon S3 API, CreateBucket, response headers.
 */
export const isTakenForCreation = (operation: string, headers: Readonly<Record<string, string>>): boolean =>
  /^Put(?!Object$)/.test(operation) && (headers.location ?? '') !== '';
