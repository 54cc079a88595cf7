import { oneLine } from '@operator/outcome';
import type { MarkedBucket } from '@operator/s3';

/** The owner that a mark names, within what a status takes: whoever may write tags at the server has written it. */
export const shownOwner = ({
  namespace,
  name,
  uid,
}: Pick<MarkedBucket['mark'], 'namespace' | 'name' | 'uid'>): {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
} => ({ namespace: oneLine(namespace, 63), name: oneLine(name, 253), uid: oneLine(uid, 64) });
