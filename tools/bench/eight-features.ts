import type { BucketFeature, BucketSpec } from '@operator/api';

/** Eight features as a Bucket in production may declare them: each is a setting of the bucket itself, and one read. */
export const eightFeatures = {
  tagging: { tags: { team: 'storage', stage: 'production' } },
  versioning: { enabled: true, mfaDelete: false },
  objectLock: { enabled: true, defaultRetention: { mode: 'GOVERNANCE', days: 30 } },
  publicAccess: { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
  encryption: { enabled: true, algorithm: 'AES256', bucketKeyEnabled: false },
  cors: { rules: [{ allowedOrigins: ['https://app.example'], allowedMethods: ['GET', 'PUT'] }], others: 'Remove' },
  lifecycle: {
    rules: [{ id: 'old', status: 'Enabled', noncurrentVersionExpiration: { noncurrentDays: 30 } }],
    others: 'Remove',
  },
  requestPayment: { payer: 'Requester' },
} as const satisfies Partial<Pick<BucketSpec, BucketFeature>>;
