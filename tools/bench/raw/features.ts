import {
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketRequestPaymentCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import type { BucketSpec } from '@operator/api';
import type { CallContext } from '@operator/outcome';
import type { Driver, Wire } from '@operator/s3';
import type { eightFeatures } from '../eight-features.ts';

/** A bucket, and what its calls go through. */
export interface RawBucket {
  readonly wire: Wire;
  readonly context: CallContext;
  readonly Bucket: string;
}

/** The calls of one feature, with the settings of `eightFeatures`. */
interface RawFeature {
  readonly look: (at: RawBucket) => Promise<unknown>;
  /** Absent for tags, which the mark is among. */
  readonly write?: (at: RawBucket) => Promise<unknown>;
}

const absent = [404];

const lookAtEncryption = ({ wire, context, Bucket }: RawBucket) =>
  wire.sendOrAbsent(new GetBucketEncryptionCommand({ Bucket }), absent, context);
const lookAtLifecycle = ({ wire, context, Bucket }: RawBucket) =>
  wire.sendOrAbsent(new GetBucketLifecycleConfigurationCommand({ Bucket }), absent, context);

/** What stands there already is read once more right before it is replaced, where others may have a part in it. */
const rawFeatures: Readonly<Record<keyof typeof eightFeatures, RawFeature>> = {
  tagging: {
    look: ({ wire, context, Bucket }) => wire.sendOrAbsent(new GetBucketTaggingCommand({ Bucket }), absent, context),
  },
  versioning: {
    look: ({ wire, context, Bucket }) => wire.send(new GetBucketVersioningCommand({ Bucket }), context),
    write: ({ wire, context, Bucket }) =>
      wire.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }), context),
  },
  objectLock: {
    look: ({ wire, context, Bucket }) =>
      wire.sendOrAbsent(new GetObjectLockConfigurationCommand({ Bucket }), absent, context),
    write: ({ wire, context, Bucket }) =>
      wire.send(
        new PutObjectLockConfigurationCommand({
          Bucket,
          ObjectLockConfiguration: {
            ObjectLockEnabled: 'Enabled',
            Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 30 } },
          },
        }),
        context,
      ),
  },
  publicAccess: {
    look: ({ wire, context, Bucket }) =>
      wire.sendOrAbsent(new GetPublicAccessBlockCommand({ Bucket }), absent, context),
    write: ({ wire, context, Bucket }) =>
      wire.send(
        new PutPublicAccessBlockCommand({
          Bucket,
          PublicAccessBlockConfiguration: {
            BlockPublicAcls: true,
            BlockPublicPolicy: true,
            IgnorePublicAcls: true,
            RestrictPublicBuckets: true,
          },
        }),
        context,
      ),
  },
  encryption: {
    look: lookAtEncryption,
    write: async (at) => {
      const { wire, context, Bucket } = at;
      await lookAtEncryption(at);
      await wire.send(
        new PutBucketEncryptionCommand({
          Bucket,
          ServerSideEncryptionConfiguration: {
            Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false }],
          },
        }),
        context,
      );
    },
  },
  cors: {
    look: ({ wire, context, Bucket }) => wire.sendOrAbsent(new GetBucketCorsCommand({ Bucket }), absent, context),
    write: ({ wire, context, Bucket }) =>
      wire.send(
        new PutBucketCorsCommand({
          Bucket,
          CORSConfiguration: {
            CORSRules: [{ AllowedOrigins: ['https://app.example'], AllowedMethods: ['GET', 'PUT'] }],
          },
        }),
        context,
      ),
  },
  lifecycle: {
    look: lookAtLifecycle,
    write: async (at) => {
      const { wire, context, Bucket } = at;
      await lookAtLifecycle(at);
      await wire.send(
        new PutBucketLifecycleConfigurationCommand({
          Bucket,
          LifecycleConfiguration: {
            Rules: [
              {
                ID: 'old',
                Status: 'Enabled',
                Filter: { Prefix: '' },
                NoncurrentVersionExpiration: { NoncurrentDays: 30 },
              },
            ],
          },
        }),
        context,
      );
    },
  },
  requestPayment: {
    look: ({ wire, context, Bucket }) => wire.send(new GetBucketRequestPaymentCommand({ Bucket }), context),
    write: ({ wire, context, Bucket }) =>
      wire.send(
        new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration: { Payer: 'Requester' } }),
        context,
      ),
  },
};

/** Those that a Bucket declares, and its tags, which the mark is among. Without a public access block there is none to ask for. */
export const featuresOf = (spec: BucketSpec, { unsupported }: Driver): readonly RawFeature[] => {
  const declared = new Set(['tagging', ...Object.keys(spec)]);
  if (unsupported.has('publicPolicyBlock')) declared.delete('publicAccess');
  return Object.entries(rawFeatures).flatMap(([key, feature]) => (declared.has(key) ? [feature] : []));
};
