import { faultOfQuota, quotaRules, type Aspect, type QuotaWant } from '@operator/s3';
import { getBucketQuota, setBucketQuota } from './admin-api.ts';
import type { AdminClient } from './admin-client.ts';

export const quota = (admin: AdminClient): Aspect<QuotaWant, number> => ({
  ...quotaRules,
  read: ({ bucket }, context) => getBucketQuota(admin, bucket, context),
  async write({ bucket }, want, context) {
    // One that was set since the look counts too.
    const fault = want.isBorrowed ? faultOfQuota(want, await getBucketQuota(admin, bucket, context)) : undefined;
    if (fault !== undefined) throw fault;
    await setBucketQuota(admin, bucket, want.bytes, context);
  },
});
