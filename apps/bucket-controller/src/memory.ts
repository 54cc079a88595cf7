import type { BucketStatus } from '@operator/api';
import type { Bucket } from '@operator/references';
import { longestCreationMs } from '@operator/references';

/** True when there is, or after a crash may be, a bucket at the server that is ours. Of the status alone: it proves nothing. */
export const mayHave = ({ status }: Pick<Bucket, 'status'>): boolean =>
  status?.ownership !== undefined || status?.createIntent !== undefined;

/** Milliseconds, by the operator's clock, that a creation which was asked for may still take; 0 when it has surely ended. */
export const creationLeftMs = (status: BucketStatus | undefined, now: Date): number => {
  if (status?.createIntent === undefined) return 0;
  const askedAtMs = Date.parse(status.createIntent.at);
  // An instant that lies ahead is of a clock that was put back: then the whole time is waited out.
  const leftMs = Math.min(askedAtMs, now.getTime()) + longestCreationMs - now.getTime();
  return Math.max(0, leftMs);
};
