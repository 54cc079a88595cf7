import type { Aspect } from '@operator/s3';
import { getBucketQuota, setBucketQuota } from './admin-api.ts';
import type { AdminClient } from './admin-client.ts';

/** How many bytes the bucket may hold; 0: as many as there is room for. */
export const quota = (admin: AdminClient): Aspect<number> => ({
  name: 'quota',
  isApart: true,
  desired: ({ quota: declared }) => declared?.maxBytes,
  read: ({ bucket }, context) => getBucketQuota(admin, bucket, context),
  isSet: (bytes) => bytes > 0,
  diff: (want, have) => (want === have ? undefined : want),
  write: ({ bucket }, bytes, context) => setBucketQuota(admin, bucket, bytes, context),
});
