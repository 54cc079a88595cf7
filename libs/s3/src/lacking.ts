import { reasons } from '@operator/api';
import type { Fault } from '@operator/outcome';
import { TakenForCreation } from './misrouted.ts';
import { isAnsweredWithList } from './network-error.ts';
import { answerOf } from './wire-answer.ts';

/** Milliseconds for which a confirmed lack is believed: a server may be updated, and then has the operation. */
export const lackBelievedMs = 600_000;

/** Milliseconds for which a refused write is not tried again: a server may get its key service, and credentials a right. */
export const refusalBelievedMs = 3_600_000;

/**
 * True when the S3 server itself shows that it lacks an operation: by an error code in the API's own form, or by taking it for
 * another one. A bare status or a web page may come from a proxy before it.
 */
export const isOwnRefusal = ({ reason, cause }: Fault): boolean =>
  reason === reasons.Unsupported &&
  (isAnsweredWithList(cause) || cause instanceof TakenForCreation || (answerOf(cause)?.code ?? '') !== '');

/**
 * What a server has been found to lack. One refusal proves nothing: it counts once the server has answered something else and
 * then refuses again. An operation that was ever carried out is not lacking; a single bucket may be refused what others are not.
 */
export interface Lacking {
  /** The server carried an operation out, or said that what it is about does not exist. */
  answered(operation: string): void;
  refused(operation: string, fault: Fault): void;
  /** True while a confirmed lack is believed. */
  lacks(operation: string): boolean;
}

/** `elapsedMs`: milliseconds on a clock that never jumps. */
export const createLacking = (elapsedMs: () => number): Lacking => {
  const carriedOut = new Set<string>();
  const refusals = new Map<string, { readonly answersBefore: number; readonly believedUntilMs?: number }>();
  let answers = 0;
  return {
    answered(operation) {
      answers += 1;
      carriedOut.add(operation);
      refusals.delete(operation);
    },
    refused(operation, fault) {
      if (carriedOut.has(operation) || !isOwnRefusal(fault)) return;
      const first = refusals.get(operation);
      if (first === undefined) refusals.set(operation, { answersBefore: answers });
      else if (first.answersBefore < answers) {
        refusals.set(operation, { ...first, believedUntilMs: elapsedMs() + lackBelievedMs });
      }
    },
    lacks: (operation) => (refusals.get(operation)?.believedUntilMs ?? -Infinity) > elapsedMs(),
  };
};
