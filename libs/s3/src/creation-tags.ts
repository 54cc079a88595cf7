import { refusalBelievedMs } from './lacking.ts';

/** Whether CreateBucket may carry tags, so that a bucket is created and marked in one call. */
export interface CreationTags {
  /** False while the server is known to refuse them. */
  areTaken(): boolean;
  /** It refused a creation with tags, and carried out the same one without. */
  refused(): void;
}

/** Of one driver. `elapsedMs`: milliseconds on a clock that never jumps. */
export const createCreationTags = (elapsedMs: () => number): CreationTags => {
  let refusedUntilMs = -Infinity;
  return {
    areTaken: () => elapsedMs() >= refusedUntilMs,
    refused: () => {
      refusedUntilMs = elapsedMs() + refusalBelievedMs;
    },
  };
};
