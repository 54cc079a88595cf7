import { annotations, type BucketSpec, type BucketStatus } from '@operator/api';
import { bareMetadata, pick, readyIn, type KubeObject } from '@operator/runtime';

/** What those that refer to a Bucket need of it. */
export type ReferredBucket = KubeObject<
  Pick<BucketSpec, 'name' | 'providerRef' | 'region' | 'allowedNamespaces' | 'adoptionPolicy' | 'publicAccess'>,
  Pick<BucketStatus, (typeof statusFields)[number]>
>;

const statusFields = [
  'exists',
  'ownership',
  'bucketName',
  'region',
  'endpoint',
  'ownedSince',
  'createIntent',
  'proof',
  'references',
] as const satisfies readonly (keyof BucketStatus)[];

/** Drops, on arrival, what they do not need: there may be many thousands. Of the conditions stays Ready: whether it is True, and else why. */
export const trimReferredBucket = ({ apiVersion, kind, metadata, spec, status }: ReferredBucket): ReferredBucket => ({
  apiVersion,
  kind,
  // The word of its owner about withdrawn grants stays.
  metadata: bareMetadata(metadata, annotations.confirmWithdrawal),
  spec: pick(spec, 'name', 'providerRef', 'region', 'allowedNamespaces', 'adoptionPolicy', 'publicAccess'),
  ...(status === undefined ? {} : { status: { ...pick(status, ...statusFields), ...readyIn(status) } }),
});
