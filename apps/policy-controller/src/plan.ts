import type { BucketPolicyStatus, PolicyDocument } from '@operator/api';
import { annotations, reasons } from '@operator/api';
import { terminal, waiting, type Fault } from '@operator/outcome';
import {
  describeProblems,
  findLockouts,
  hashPolicy,
  parsePolicy,
  renderPolicy,
  samePolicy,
  type IamPolicy,
  type LockoutOptions,
} from '@operator/policy';
import type { AccessKeyNamed } from './deps.ts';

/** One BucketPolicy that refers to a bucket. */
export interface Contender {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** RFC 3339, to the second. */
  readonly creationTimestamp: string;
  /** True while it is under deletion. */
  readonly isLeaving: boolean;
  /** True when its document stands at the server, or may stand there after a crash. */
  readonly holds: boolean;
}

/**
 * The one that is applied where several refer to one bucket: the oldest; of equal ages, told by the second, one that
 * is applied already, then the lower uid. One that is leaving still counts until its document is gone from the server.
 */
export const winnerOf = (contenders: readonly Contender[]): Contender | undefined =>
  contenders
    .filter(({ isLeaving, holds }) => !isLeaving || holds)
    .sort(
      (a, b) =>
        Number(b.isLeaving) - Number(a.isLeaving) ||
        Date.parse(a.creationTimestamp) - Date.parse(b.creationTimestamp) ||
        Number(b.holds) - Number(a.holds) ||
        (a.uid < b.uid ? -1 : 1),
    )[0];

/** The document, if it is well formed. @throws Fault `terminal` PolicyInvalid naming every element that is wrong */
export const requireValid = (policy: unknown, bucketName: string): PolicyDocument => {
  const parsed = parsePolicy(policy, 'bucket', { bucket: bucketName });
  if ('document' in parsed) return parsed.document;
  throw terminal(reasons.PolicyInvalid, describeProblems(parsed.problems));
};

/** Where a statement has what a server may lack; by the names that the parts of a policy have in `Driver.unsupported`. */
const elementsOf: ReadonlyMap<string, (statement: IamPolicy['Statement'][number]) => readonly string[]> = new Map([
  ['policyNotAction', ({ NotAction }) => (NotAction === undefined ? [] : ['notAction'])],
  ['policyNotPrincipal', ({ NotPrincipal }) => (NotPrincipal === undefined ? [] : ['notPrincipal'])],
  [
    'policyPrincipalKinds',
    ({ Principal = {} }) =>
      Object.keys(Principal)
        .filter((kind) => kind !== 'AWS')
        .map((kind) => `principal.${kind}`),
  ],
]);

/**
 * Looks for what the server is known not to take, or to drop silently. `unsupported`: the driver's own map.
 * @returns Fault `terminal` Unsupported naming every such element
 */
export const findUnsupported = (policy: IamPolicy, unsupported: ReadonlyMap<string, string>): Fault | undefined => {
  const messages = [...elementsOf].flatMap(([part, find]) => {
    const words = unsupported.get(part);
    if (words === undefined) return [];
    const at = policy.Statement.flatMap((statement, index) =>
      find(statement).map((element) => `statement[${String(index)}].${element}`),
    );
    return at.length === 0 ? [] : [`${at.join(', ')}: ${words}`];
  });
  return messages.length === 0 ? undefined : terminal(reasons.Unsupported, messages.join(' '));
};

/**
 * Looks for statements that would shut the operator out of the bucket, so that it could not even take them back. `isAllowed`: the
 * annotation says that this is meant.
 * @returns Fault `terminal` PolicyInvalid naming them and the annotation
 */
export const findLockout = (
  policy: IamPolicy,
  options: LockoutOptions & { readonly isAllowed: boolean },
): Fault | undefined => {
  const lockouts = options.isAllowed ? [] : findLockouts(policy, options);
  if (lockouts.length === 0) return undefined;
  const told = lockouts
    .map(({ index, denied }) => `statement[${String(index)}] denies ${denied.join(', ')}`)
    .join('; ');
  return terminal(
    reasons.PolicyInvalid,
    `The policy would lock the operator out of the bucket: ${told}, without a condition. Spare the operator by a condition, ` +
      `or annotate this object with ${annotations.allowLockout}="true" to apply it all the same; only the owner of the account can undo it then.`,
  );
};

/** What one look found, where the bucket is ours and the document may stand on it. */
export interface PolicySight {
  readonly place: Required<Pick<BucketPolicyStatus, 'bucketName' | 'region' | 'providerRef'>>;
  readonly wanted: IamPolicy;
  /** What the server has, in its own form; undefined when there is none. */
  readonly current: Readonly<Record<string, unknown>> | undefined;
  /** True when the look came right after a write of `wanted`, and showed what the server makes of it. */
  readonly isStoredForm: boolean;
}

/** What is to be done, and what the status says then, without its proof. */
export type PolicyPlan =
  | { readonly kind: 'keep'; readonly status: BucketPolicyStatus }
  | { readonly kind: 'put'; readonly document: IamPolicy; readonly status: BucketPolicyStatus };

/** Compares what is wanted with what is there. `memory`: what the status remembers, with proof. Pure. */
export const planPolicy = (sight: PolicySight, memory: BucketPolicyStatus | undefined, now: Date): PolicyPlan => {
  const { place, wanted, current } = sight;
  const hash = hashPolicy(wanted);
  const found = current && hashPolicy(current);
  if (found !== undefined && samePolicy(current, wanted)) {
    return { kind: 'keep', status: keptStatus({ appliedHash: hash }, place, memory, now) };
  }
  const isKnownForm = memory?.applied === true && memory.pendingHash === hash && memory.appliedHash === found;
  if (found !== undefined && (isKnownForm || sight.isStoredForm)) {
    return { kind: 'keep', status: keptStatus({ appliedHash: found, pendingHash: hash }, place, memory, now) };
  }
  // Both hashes stand in the status while the server may have either document, so that a removal knows both as ours. What was
  // pending before and has arrived takes the place of what it replaced.
  const standing = [memory?.appliedHash, memory?.pendingHash].find((known) => known !== undefined && known === found);
  const appliedHash = standing ?? memory?.appliedHash;
  const status: BucketPolicyStatus = {
    ...place,
    applied: false,
    pendingHash: hash,
    ...(appliedHash === undefined ? {} : { appliedHash }),
    ...(memory?.lastSyncTime === undefined ? {} : { lastSyncTime: memory.lastSyncTime }),
  };
  return { kind: 'put', document: wanted, status };
};

const keptStatus = (
  hashes: Pick<BucketPolicyStatus, 'appliedHash' | 'pendingHash'>,
  place: PolicySight['place'],
  memory: BucketPolicyStatus | undefined,
  now: Date,
): BucketPolicyStatus => {
  const isAsBefore = memory?.applied === true && memory.appliedHash === hashes.appliedHash;
  const lastSyncTime = (isAsBefore ? memory.lastSyncTime : undefined) ?? now.toISOString();
  return { applied: true, ...hashes, ...place, lastSyncTime };
};

/**
 * The IAM document for the bucket. A principal `accessKeyRef` becomes the ARN of the user behind that AccessKey.
 * @throws Fault `waiting` AccessKeyNotFound, AccessKeyNotReady
 */
export const renderFor = (document: PolicyDocument, bucketName: string, accessKeyNamed: AccessKeyNamed): IamPolicy =>
  renderPolicy(document, {
    bucket: bucketName,
    resolvePrincipal: (name) => {
      const accessKey = accessKeyNamed(name);
      if (accessKey === undefined) throw waiting(reasons.AccessKeyNotFound, `AccessKey ${name} does not exist.`);
      const arn = accessKey.status?.userArn;
      if (arn === undefined) throw waiting(reasons.AccessKeyNotReady, `AccessKey ${name} has no user yet.`);
      return arn;
    },
  });
