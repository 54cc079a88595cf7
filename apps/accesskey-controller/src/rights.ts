import { reasons, type ObjectReference } from '@operator/api';
import { Fault, onlyFault, terminal, waiting } from '@operator/outcome';
import {
  describeProblems,
  mergePolicies,
  parsePolicy,
  partitionOf,
  policyFromAccess,
  renderPolicy,
  type BucketAccess,
  type IamPolicy,
} from '@operator/policy';
import { keyOfReference, type ReferredBucket, type Provided, type References } from '@operator/references';
import { keyOf } from '@operator/runtime';
import { allowedBeyond } from './confinement.ts';
import type { AccessKey } from './deps.ts';

/** The rights of an AccessKey: its document, and the buckets that `access` names. */
export interface Rights {
  /** Undefined: no rights at all. */
  readonly policy: IamPolicy | undefined;
  readonly buckets: readonly ReferredBucket[];
  /** Why an entry of `access` gives nothing now: its Bucket is gone, not granted, or does not hold its bucket. */
  readonly missing?: Fault;
}

/**
 * What the user may do: `access` and `policy` together. Rights end with the Bucket that gave them: the name may be
 * somebody else's next. While one is missing, a `policy` that cannot stand without it gives nothing either, and where the whole
 * is too large nothing is left.
 * @throws Fault `terminal` PolicyInvalid
 */
export const rightsOf = async (
  accessKey: AccessKey,
  { provider, driver }: Provided,
  references: References,
  maxPolicyBytes: number,
): Promise<Rights> => {
  const { spec, metadata } = accessKey;
  const buckets: ReferredBucket[] = [];
  const entries: BucketAccess[] = [];
  let missing: Fault | undefined;
  for (const { bucketRef, level, prefix } of spec.access ?? []) {
    const bucket = await ownedBucket(bucketRef, metadata.namespace, { provider, driver }, references);
    if (bucket instanceof Fault) {
      missing ??= bucket;
      continue;
    }
    if (!buckets.some(({ metadata: { uid } }) => uid === bucket.metadata.uid)) buckets.push(bucket);
    entries.push({ bucketName: bucket.spec.name, level, ...(prefix === undefined ? {} : { prefix }) });
  }
  const [only, ...others] = buckets;
  const isOne = others.length === 0 && missing === undefined;
  const bucket = isOne && only !== undefined ? { bucket: only.spec.name } : {};
  const isBorrowed = metadata.namespace !== provider.metadata.namespace;
  const own = ownPolicy(spec.policy, bucket, isBorrowed ? buckets : undefined, missing !== undefined);
  const document = mergePolicies(own, policyFromAccess(entries, partitionOf(provider.spec.region)));
  const policy = document && renderPolicy(document, bucket);
  const bytes = policy === undefined ? 0 : Buffer.byteLength(JSON.stringify(policy).replaceAll(/\s/g, ''));
  const isTooLarge = bytes > maxPolicyBytes;
  if (missing !== undefined) return { policy: isTooLarge ? undefined : policy, buckets, missing };
  if (isTooLarge) {
    throw terminal(
      reasons.PolicyInvalid,
      `The policy has ${String(bytes)} bytes; a user of this provider can have ${String(maxPolicyBytes)}.`,
    );
  }
  return { policy, buckets };
};

/** The own document, if it may stand. `within`: the buckets it is kept to; `lenient`: one that may not stand counts as none. */
const ownPolicy = (
  policy: AccessKey['spec']['policy'],
  bucket: { readonly bucket?: string },
  within: readonly ReferredBucket[] | undefined,
  lenient: boolean,
) => {
  if (policy === undefined) return undefined;
  try {
    const document = requireValid(policy, bucket);
    if (within !== undefined) requireConfined(renderPolicy(document, bucket), within);
    return document;
  } catch (caught) {
    if (lenient && caught instanceof Fault) return undefined;
    throw caught;
  }
};

/** The Bucket behind an entry of `access`, or why it gives no rights. */
const ownedBucket = async (
  ref: ObjectReference,
  from: string,
  provided: Provided,
  references: References,
): Promise<ReferredBucket | Fault> => {
  try {
    const bucket = await references.bucketFor(ref, from);
    requireOurs(bucket, provided.driver.serverIdentity);
    await requireSameAccount(bucket, provided.provider, references);
    return bucket;
  } catch (caught) {
    if (caught instanceof Fault && caught.kind === 'waiting') return caught;
    throw caught;
  }
};

/**
 * Rights are given only in a bucket that its object really owns: naming somebody else's bucket in a Bucket must open no way
 * into it.
 */
const requireOurs = ({ metadata, spec, status }: ReferredBucket, serverIdentity: string): void => {
  const at = `Bucket ${metadata.namespace}/${metadata.name}`;
  if (status?.ownership === undefined || status.bucketName !== spec.name) {
    throw waiting(reasons.BucketNotReady, `${at} is not there yet.`);
  }
  if (status.endpoint !== serverIdentity) {
    throw waiting(reasons.SpecInvalid, `${at} is on another server than this AccessKey.`);
  }
};

/** On a server of many accounts the key of one cannot reach what another one owns. */
const requireSameAccount = async (
  { metadata, spec }: ReferredBucket,
  provider: Provided['provider'],
  references: References,
): Promise<void> => {
  if (keyOfReference(spec.providerRef, metadata.namespace) === keyOf(provider)) return;
  const other = await references.providerFor(spec.providerRef, metadata.namespace).catch(onlyFault);
  if (other instanceof Fault) return;
  const [own, its] = [provider.status?.accountId, other.status?.accountId];
  if (own === undefined || its === undefined || own === its) return;
  const at = `Bucket ${metadata.namespace}/${metadata.name}`;
  throw waiting(reasons.SpecInvalid, `${at} is in another account than this AccessKey.`);
};

/** @throws Fault `terminal` PolicyInvalid when the policy of another namespace than the Provider's reaches beyond `access` */
const requireConfined = (policy: IamPolicy, buckets: readonly ReferredBucket[]): void => {
  const beyond = allowedBeyond(policy, new Set(buckets.map(({ spec }) => spec.name)));
  if (beyond.length === 0) return;
  throw terminal(
    reasons.PolicyInvalid,
    'Outside the namespace of its Provider an AccessKey can allow only actions of S3 in buckets that its access names: ' +
      beyond.join('; '),
  );
};

/** `bucket`: what `${bucket}` stands for, where there is one bucket. */
const requireValid = (policy: NonNullable<AccessKey['spec']['policy']>, bucket: { readonly bucket?: string }) => {
  const parsed = parsePolicy(policy, 'identity', bucket);
  if ('document' in parsed) return parsed.document;
  throw terminal(reasons.PolicyInvalid, describeProblems(parsed.problems));
};
