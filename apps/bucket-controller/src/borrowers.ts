import type { AccessKeySpec, AccessKeyStatus } from '@operator/api';
import { keyOfReference, type Borrower, type Bucket, type Ownership, type ReferredBucket } from '@operator/references';
import { provenKeyFields } from '@operator/ownership';
import { bareMetadata, keyOf, pick, type KubeObject, type ObjectKey } from '@operator/runtime';
import { keyOfEntry } from './kept-references.ts';
import type { TrimmedPolicy } from './policies.ts';

/** An AccessKey, as far as the Buckets of other namespaces are concerned. */
export type BorrowingKey = KubeObject<
  Pick<AccessKeySpec, 'access' | 'providerRef'>,
  Pick<AccessKeyStatus, (typeof provenKeyFields)[number]>
>;

/** Drops, on arrival, all but the references into other namespaces: there may be thousands. */
export const trimBorrowingKey = ({ apiVersion, kind, metadata, spec, status }: BorrowingKey): BorrowingKey => ({
  apiVersion,
  kind,
  metadata: bareMetadata(metadata),
  ...(status?.grantedBuckets === undefined ? {} : { status: pick(status, ...provenKeyFields) }),
  spec: {
    providerRef: spec.providerRef,
    access: (spec.access ?? []).filter(
      ({ bucketRef: { namespace } }) => (namespace ?? metadata.namespace) !== metadata.namespace,
    ),
  },
});

/** `namespace/name` of the Buckets of other namespaces that the key has rights in. */
export const bucketsBorrowedBy = ({ spec, metadata }: BorrowingKey): readonly ObjectKey[] =>
  (spec.access ?? []).map(({ bucketRef }) => keyOfReference(bucketRef, metadata.namespace));

/** All that refer to a Bucket, of whatever namespace. */
export interface Referrers {
  readonly policies: readonly TrimmedPolicy[];
  readonly accessKeys: readonly BorrowingKey[];
  readonly buckets: readonly ReferredBucket[];
}

/** `namespace/name` of the Buckets for which something of a Bucket stands, as its status says without proof. */
export const bucketsRememberedBy = ({ status }: ReferredBucket): readonly ObjectKey[] => [
  ...new Set(
    Object.values(status?.references?.buckets ?? {})
      .flat()
      .map(keyOfEntry),
  ),
];

/**
 * Who has something by the grant of a Bucket, in other namespaces, as their statuses prove. Anybody may refer to any Bucket; that
 * alone must show nothing on it.
 */
export const borrowersOf = async (
  { metadata }: Pick<Bucket, 'metadata'>,
  { policies, accessKeys, buckets }: Referrers,
  ownership: Pick<Ownership, 'provenPolicy' | 'provenAccessKey' | 'provenReferences'>,
  signal: AbortSignal,
): Promise<readonly Borrower[]> => {
  const key = keyOf({ metadata });
  const borrowers: Borrower[] = [];
  const isForeign = ({ metadata: { namespace } }: KubeObject) => namespace !== metadata.namespace;
  for (const policy of policies.filter(isForeign)) {
    const proven = await ownership.provenPolicy(policy, signal);
    if (proven?.appliedHash !== undefined) borrowers.push({ kind: policy.kind, namespace: policy.metadata.namespace });
  }
  for (const accessKey of accessKeys.filter(isForeign)) {
    const proven = await ownership.provenAccessKey(accessKey, signal);
    if (proven?.grantedBuckets?.includes(key) === true)
      borrowers.push({ kind: accessKey.kind, namespace: accessKey.metadata.namespace });
  }
  for (const bucket of buckets.filter(isForeign)) {
    const references = await ownership.provenReferences(bucket, signal);
    if (Object.values(references).flat().map(keyOfEntry).includes(key))
      borrowers.push({ kind: bucket.kind, namespace: bucket.metadata.namespace });
  }
  return borrowers;
};
