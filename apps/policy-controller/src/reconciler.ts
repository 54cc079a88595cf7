import type { BucketPolicySpec, BucketPolicyStatus } from '@operator/api';
import { eventReasons, reasons } from '@operator/api';
import { Fault, blocked, onlyFault, progressing, settled, type Outcome } from '@operator/outcome';
import { hashPolicy } from '@operator/policy';
import { tellKept } from '@operator/references';
import { ownStatus, type Pass, type Reconciler } from '@operator/runtime';
import { putBucketPolicy } from '@operator/s3';
import type { BucketPolicy, PolicyDeps, PolicyWork } from './deps.ts';
import { finalizePolicy, leaveFormerBucket } from './finalize.ts';
import { followBucket, isWithdrawn } from './grant.ts';
import {
  documentFor,
  findUnfit,
  observe,
  keptOf,
  providerKeyOf,
  reachBucket,
  tellAcross,
  type ReachedBucket,
} from './observe.ts';
import { planPolicy, type PolicyPlan, type PolicySight } from './plan.ts';
import { findKeptOff } from './public-access.ts';
import { claimsOfPolicyFault, explainedBy, policyWarnings, unheededClaims } from './report.ts';
import { leaveWithdrawn, leaveWithdrawnWhilePaused } from './withdrawal.ts';

/** Keeps one document on one bucket. */
export const policyReconciler = (deps: PolicyDeps): Reconciler<BucketPolicySpec, BucketPolicyStatus> => ({
  async reconcile(policy, pass) {
    const work = await begin(policy, deps, pass);
    if (await isWithdrawn(policy, deps, pass.signal)) return leaveWithdrawn(work);
    return keepDocument(work);
  },

  finalize: async (policy, pass) => finalizePolicy(await begin(policy, deps, pass)),

  whilePaused: async (policy, pass) => leaveWithdrawnWhilePaused(await begin(policy, deps, pass)),

  claimsOf: claimsOfPolicyFault,

  providerOf: (policy) => providerKeyOf(policy, deps),
});

const begin = async (policy: BucketPolicy, deps: PolicyDeps, pass: Pass<BucketPolicyStatus>): Promise<PolicyWork> => ({
  policy,
  memory: await deps.ownership.provenPolicy(policy, pass.signal),
  deps,
  pass,
});

const keepDocument = async (given: PolicyWork): Promise<Outcome<BucketPolicyStatus>> => {
  const bucket = await followBucket(given);
  const work = await leaveFormerBucket(bucket, given);
  // Whatever the bucket has, it is not this policy.
  const isNotApplied = (fault: Fault) => blocked({ ...ownStatus(work.policy), applied: false }, fault);

  const wanted = await documentFor(bucket, work).catch(onlyFault);
  if (wanted instanceof Fault) return isNotApplied(wanted);
  const reached = await reachBucket(bucket, work)
    .catch(tellAcross(bucket, work))
    .catch(tellKept(keptOf(work)));
  const unfit = findUnfit(wanted, reached, work) ?? (await findKeptOff(wanted, bucket, reached, work));
  if (unfit !== undefined) return isNotApplied(unfit);

  const seen = await observe(wanted, reached, work);
  const plan = planPolicy(seen, work.memory, work.pass.now);
  const status = await work.deps.ownership.sealPolicy(plan.status, work.policy, work.pass.signal);
  if (plan.kind === 'put') await apply({ ...plan, status }, seen, reached, work);
  return report({ ...plan, status }, seen, reached, work);
};

const apply = async (
  { document, status }: Extract<PolicyPlan, { kind: 'put' }>,
  { current }: PolicySight,
  { s3, place }: ReachedBucket,
  { policy, deps, pass }: PolicyWork,
): Promise<void> => {
  await pass.record(status);
  const before = current && hashPolicy(current);
  deps.writes.willWrite(policy.metadata.uid, hashPolicy(document), before, pass.now);
  await pass.step('policy', () => putBucketPolicy(s3, document, pass)).catch(explainedBy(policy.spec.policy));
  pass.event('Normal', eventReasons.PolicyApplied, `Applied the policy to bucket ${place.bucketName}.`);
};

const report = (
  plan: PolicyPlan,
  { wanted }: PolicySight,
  { provided }: ReachedBucket,
  { policy }: PolicyWork,
): Outcome<BucketPolicyStatus> => {
  const claims = unheededClaims(wanted, provided.driver.unsupported);
  return plan.kind === 'keep'
    ? settled(plan.status, { claims, warnings: policyWarnings(policy.spec.policy, wanted) })
    : progressing(plan.status, { reason: reasons.Converging, steps: ['policy'], claims });
};
