import { bareMetadata, pick } from '@operator/runtime';
import type { RivalPolicy } from './deps.ts';

/** Drops, on arrival, what rivals for a bucket need not know of each other, such as the document: there may be many thousands. */
export const trimRival = ({ apiVersion, kind, metadata, spec, status }: RivalPolicy): RivalPolicy => ({
  apiVersion,
  kind,
  metadata: bareMetadata(metadata),
  spec: pick(spec, 'bucketRef'),
  ...(status === undefined
    ? {}
    : {
        status: pick(status, 'applied', 'appliedHash', 'pendingHash', 'bucketName', 'region', 'providerRef', 'proof'),
      }),
});
