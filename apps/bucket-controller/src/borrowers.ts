import type { AccessKeySpec } from '@operator/api';
import { keyOfReference, type Borrower } from '@operator/references';
import { bareMetadata, type KubeObject, type ObjectKey } from '@operator/runtime';
import type { BucketPolicy } from './policies.ts';

/** An AccessKey, as far as the Buckets of other namespaces are concerned. */
export type BorrowingKey = KubeObject<Pick<AccessKeySpec, 'access'>, Record<string, never>>;

/** Drops, on arrival, all but the references into other namespaces: there may be thousands. */
export const trimBorrowingKey = ({ apiVersion, kind, metadata, spec }: BorrowingKey): BorrowingKey => ({
  apiVersion,
  kind,
  metadata: bareMetadata(metadata),
  spec: {
    access: (spec.access ?? []).filter(
      ({ bucketRef: { namespace } }) => (namespace ?? metadata.namespace) !== metadata.namespace,
    ),
  },
});

/** `namespace/name` of the Buckets of other namespaces that the key has rights in. */
export const bucketsBorrowedBy = ({ spec, metadata }: BorrowingKey): readonly ObjectKey[] =>
  (spec.access ?? []).map(({ bucketRef }) => keyOfReference(bucketRef, metadata.namespace));

/** Who uses a Bucket from another namespace. `policies`, `accessKeys`: all that refer to it. */
export const borrowersOf = (
  owner: string,
  policies: readonly BucketPolicy[],
  accessKeys: readonly BorrowingKey[],
): readonly Borrower[] =>
  [...policies, ...accessKeys].flatMap(({ kind, metadata: { namespace } }) =>
    namespace === owner ? [] : [{ kind, namespace }],
  );
