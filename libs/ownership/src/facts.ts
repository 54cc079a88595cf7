import type { AccessKeyStatus, BucketPolicyStatus, BucketStatus, ProviderStatus } from '@operator/api';
import type { OwnerMark } from './mark.ts';
import type { Facts } from './proof.ts';

/** The object whose status remembers. */
export interface Rememberer {
  /** uid of the namespace kube-system. */
  readonly cluster: string;
  readonly uid: string;
}

/** What a Bucket's status remembers of a bucket at one place, as its proof covers it. */
export const bucketFacts = (
  { cluster, uid }: Rememberer,
  place: string,
  {
    bucketName,
    ownership,
    ownedSince,
    createIntent,
  }: Pick<BucketStatus, 'bucketName' | 'ownership' | 'ownedSince' | 'createIntent'>,
): Facts => ({
  kind: 'bucket',
  cluster,
  uid,
  place,
  bucketName,
  ownership,
  ownedSince,
  intent: createIntent && [createIntent.at, createIntent.serverTime ?? '', createIntent.bucketName],
});

/** The other Buckets (`namespace/name`) for which something of a Bucket stands at its server, by feature and entry. */
export const bucketReferenceFacts = (
  { cluster, uid }: Rememberer,
  buckets: Readonly<Record<string, readonly string[]>>,
): Facts => ({
  kind: 'bucketReferences',
  cluster,
  uid,
  buckets: Object.entries(buckets)
    .flatMap(([entry, keys]) => keys.map((key) => `${entry} ${key}`))
    .toSorted(),
});

/**
 * What the proof of a mark covers: the object, the bucket, and `lender`, the namespace of the Provider through which the operator
 * wrote it. Nothing in it moves with an endpoint, an account or a Provider's uid. Without the lender, a tenant could have the
 * operator sign a mark through a Provider of its own, and put that on a bucket that it borrows.
 */
export const markFacts = (
  { cluster, namespace, name, uid }: OwnerMark,
  { bucketName, lender }: { readonly bucketName: string; readonly lender: string },
): Facts => ({ kind: 'mark', cluster, namespace, name, uid, bucketName, lender });

/**
 * What a BucketPolicy's status remembers: where its document is, and which. `bucket`: the Bucket, `namespace/name`, that it refers to, so
 * that a memory does not count for another one.
 */
export const bucketPolicyFacts = (
  { cluster, uid }: Rememberer,
  bucket: string,
  { bucketName, region, providerRef, appliedHash, pendingHash }: BucketPolicyStatus,
): Facts => ({
  kind: 'bucketPolicy',
  cluster,
  uid,
  bucket,
  bucketName,
  region,
  providerRef: providerRef && [providerRef.namespace, providerRef.name],
  appliedHash,
  pendingHash,
});

/** The fields of an AccessKey's status without which its proof cannot be checked. */
export const provenKeyFields = [
  'userName',
  'grantedBuckets',
  'answeredProviderRevokeRequest',
  'keyIntent',
  'accessKeyId',
  'previousKeys',
  'proof',
] as const satisfies readonly (keyof AccessKeyStatus)[];

/**
 * What an AccessKey's status remembers: its user at a Provider (`namespace/name`), the Buckets that it has rights in, and which revocation
 * of all keys of that Provider it has answered, or answers with the pair that is being made: any but those that it had by then.
 */
export const accessKeyFacts = (
  { cluster, uid }: Rememberer,
  provider: string,
  status: Pick<AccessKeyStatus, (typeof provenKeyFields)[number]>,
): Facts => {
  const { userName, grantedBuckets, answeredProviderRevokeRequest, accessKeyId = '', previousKeys = [] } = status;
  const intended = status.keyIntent?.requests?.providerRevoke;
  const intendedFor = status.keyIntent?.accessKeyId;
  return {
    kind: 'accessKey',
    cluster,
    uid,
    provider,
    userName,
    grantedBuckets,
    answeredProviderRevokeRequest,
    intendedProviderRevoke:
      intended === undefined ? undefined : [intended, accessKeyId, ...previousKeys.map((key) => key.accessKeyId)],
    intendedAccessKeyId: intended === undefined ? undefined : intendedFor,
  };
};

/** What a Provider's status says of where it leads. */
export const providerFacts = ({ cluster, uid }: Rememberer, { endpoint, accountId }: ProviderStatus): Facts => ({
  kind: 'provider',
  cluster,
  uid,
  endpoint,
  accountId,
});

/**
 * Names for where a bucket is, the best first: the server with its account, where the server tells it, and the server as this
 * very Provider object reaches it. A memory is proved for the first and believed for any.
 */
export const placesOf = (
  serverIdentity: string,
  accountId: string | undefined,
  providerUid: string,
): readonly [string, ...string[]] => {
  const byProvider = `${serverIdentity} provider ${providerUid}`;
  return accountId === undefined ? [byProvider] : [`${serverIdentity} account ${accountId}`, byProvider];
};

/**
 * The name that outlasts a move of a Provider to another address of the same server: the server and its account as this very Provider
 * object reaches them. A memory is proved for it as well, and it is believed only of a former address. Where the account is not told
 * it is the last one of `placesOf`.
 */
export const lastingPlaceOf = (serverIdentity: string, accountId: string | undefined, providerUid: string): string =>
  [serverIdentity, 'provider', providerUid, ...(accountId === undefined ? [] : ['account', accountId])].join(' ');
