import { declaredEverywhere } from '@operator/testing/declarations';
import type { Manifest } from './kube.ts';

/** Lets public policies in, which no Bucket does by itself. */
export const openAccess: Manifest = {
  publicAccess: {
    blockPublicAcls: false,
    blockPublicPolicy: false,
    ignorePublicAcls: false,
    restrictPublicBuckets: false,
  },
};

/**
 * A Bucket that goes with its contents and may be made public, with every feature that all servers have. `change`: over the rest of
 * the spec.
 */
export const bucketSpec = (provider: string, name: string, change: Manifest = {}): Manifest => ({
  spec: {
    providerRef: { name: provider },
    name,
    deletionPolicy: 'Delete',
    forceDelete: true,
    ...openAccess,
    ...declaredEverywhere(),
    ...change,
  },
});

/** Lets the user behind an AccessKey do `action` with the objects of the bucket. */
export const policySpec = (bucket: string, accessKey: string, action: string): Manifest => ({
  spec: {
    bucketRef: { name: bucket },
    policy: {
      statement: [
        {
          sid: 'one',
          effect: 'Allow',
          principal: { accessKeyRef: { name: accessKey } },
          action: [action],
          resource: 'arn:aws:s3:::${bucket}/*',
        },
      ],
    },
  },
});

/** Lets everybody do `action` with the objects of the bucket. */
export const publicPolicySpec = (bucket: string, action: string): Manifest => ({
  spec: {
    bucketRef: { name: bucket },
    policy: {
      statement: [{ sid: 'one', effect: 'Allow', principal: '*', action, resource: 'arn:aws:s3:::${bucket}/*' }],
    },
  },
});

/** A key pair with rights in one bucket. */
export const accessKeySpec = (provider: string, bucket: string, level: string, change: Manifest = {}): Manifest => ({
  spec: { providerRef: { name: provider }, access: [{ bucketRef: { name: bucket }, level }], ...change },
});

/** A key pair that may do nothing but list the names of all buckets. */
export const listingKeySpec = (provider: string): Manifest => ({
  spec: {
    providerRef: { name: provider },
    policy: { statement: [{ effect: 'Allow', action: 's3:ListAllMyBuckets', resource: '*' }] },
  },
});

/** A change of the spec for `Kube.patch`. */
export const specChange = (change: Manifest): Manifest => ({ spec: change });

/** A change of the annotations that asks for a pass now. `at`: any new text. */
export const passRequest = (at: string): Manifest => ({
  metadata: { annotations: { 's3.cloud37.dev/reconcile-requested-at': at } },
});
