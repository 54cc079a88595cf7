import { annotations, conditionTypes, type BucketSpec, type BucketStatus } from '@operator/api';
import { bareMetadata, pick, type KubeObject } from '@operator/runtime';

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

/** Drops, on arrival, what they do not need: there may be many thousands. Of the conditions stays Ready while it is not True, to say why. */
export const trimReferredBucket = ({ apiVersion, kind, metadata, spec, status }: ReferredBucket): ReferredBucket => ({
  apiVersion,
  kind,
  metadata: trimMetadata(metadata),
  spec: pick(spec, 'name', 'providerRef', 'region', 'allowedNamespaces', 'adoptionPolicy', 'publicAccess'),
  ...(status === undefined ? {} : { status: trimStatus(status) }),
});

/** The word of its owner about withdrawn grants stays. */
const trimMetadata = (metadata: ReferredBucket['metadata']): ReferredBucket['metadata'] => {
  const confirmed = metadata.annotations?.[annotations.confirmWithdrawal];
  const bare = bareMetadata(metadata);
  return confirmed === undefined ? bare : { ...bare, annotations: { [annotations.confirmWithdrawal]: confirmed } };
};

const trimStatus = (status: NonNullable<ReferredBucket['status']>): NonNullable<ReferredBucket['status']> => {
  const kept = pick(status, ...statusFields);
  const ready = status.conditions?.find(({ type }) => type === conditionTypes.Ready);
  return ready === undefined || ready.status === 'True' ? kept : { ...kept, conditions: [ready] };
};
