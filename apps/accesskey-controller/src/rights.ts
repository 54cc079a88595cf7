import { reasons } from '@operator/api';
import { terminal, waiting } from '@operator/outcome';
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
import type { Bucket, Provided, References } from '@operator/references';
import { allowedBeyond } from './confinement.ts';
import type { AccessKey } from './deps.ts';

/** The rights of an AccessKey: its document, and the buckets that `access` names. */
export interface Rights {
  /** Undefined: no rights at all. */
  readonly policy: IamPolicy | undefined;
  readonly buckets: readonly Bucket[];
}

/**
 * What the user may do: `access` and `policy` together.
 * @throws Fault `terminal` PolicyInvalid; `waiting` BucketNotFound, ReferenceNotGranted, BucketNotReady
 */
export const rightsOf = async (
  accessKey: AccessKey,
  { provider, driver }: Provided,
  references: References,
  maxPolicyBytes: number,
): Promise<Rights> => {
  const { spec, metadata } = accessKey;
  const buckets: Bucket[] = [];
  const entries: BucketAccess[] = [];
  for (const { bucketRef, level, prefix } of spec.access ?? []) {
    const bucket = await references.bucketFor(bucketRef, metadata.namespace);
    requireOurs(bucket, driver.serverIdentity);
    if (!buckets.includes(bucket)) buckets.push(bucket);
    entries.push({ bucketName: bucket.spec.name, level, ...(prefix === undefined ? {} : { prefix }) });
  }
  const [only, ...others] = buckets;
  const bucket = only === undefined || others.length > 0 ? {} : { bucket: only.spec.name };
  const own = spec.policy === undefined ? undefined : requireValid(spec.policy, bucket);
  if (own !== undefined && metadata.namespace !== provider.metadata.namespace) {
    requireConfined(renderPolicy(own, bucket), buckets);
  }
  const document = mergePolicies(own, policyFromAccess(entries, partitionOf(provider.spec.region)));
  if (document === undefined) return { policy: undefined, buckets };
  const policy = renderPolicy(document, bucket);
  const bytes = Buffer.byteLength(JSON.stringify(policy).replaceAll(/\s/g, ''));
  if (bytes > maxPolicyBytes) {
    throw terminal(
      reasons.PolicyInvalid,
      `The policy has ${String(bytes)} bytes; a user of this provider can have ${String(maxPolicyBytes)}.`,
    );
  }
  return { policy, buckets };
};

/**
 * Rights are given only in a bucket that its object really owns: naming somebody else's bucket in a Bucket must open no way
 * into it.
 */
const requireOurs = ({ metadata, spec, status }: Bucket, serverIdentity: string): void => {
  const at = `Bucket ${metadata.namespace}/${metadata.name}`;
  if (status?.ownership === undefined || status.bucketName !== spec.name) {
    throw waiting(reasons.BucketNotReady, `${at} is not there yet.`);
  }
  if (status.endpoint !== serverIdentity) {
    throw waiting(reasons.SpecInvalid, `${at} is on another server than this AccessKey.`);
  }
};

/** @throws Fault `terminal` PolicyInvalid when the policy of another namespace than the Provider's reaches beyond `access` */
const requireConfined = (policy: IamPolicy, buckets: readonly Bucket[]): void => {
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
