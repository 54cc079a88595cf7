import type { BucketPolicyStatus } from '@operator/api';
import { conditionTypes, reasons } from '@operator/api';
import type { Claim, Fault } from '@operator/outcome';

const invalidReasons: ReadonlySet<string> = new Set([reasons.PolicyInvalid, reasons.UnknownPrincipal]);

const applyReasons: ReadonlySet<string> = new Set([
  reasons.PolicyConflict,
  reasons.AccessDenied,
  reasons.RequestRefused,
  reasons.Unsupported,
  reasons.LimitExceeded,
]);

/** The condition that a fault stands for on a BucketPolicy. What is neither the document's nor the server's is the Bucket's. */
export const claimsOfPolicyFault = (fault: Fault): readonly Claim[] => {
  const claim = (type: string): readonly Claim[] => [
    { type, status: 'True', reason: fault.reason, message: fault.message },
  ];
  if (invalidReasons.has(fault.reason)) return claim(conditionTypes.PolicyInvalid);
  if (applyReasons.has(fault.reason)) return claim(conditionTypes.ApplyFailed);
  return fault.kind === 'waiting' ? claim(conditionTypes.BucketNotReady) : [];
};

/** What a look found where the server has the policy. */
export interface PolicyFacts {
  readonly bucketName: string;
  readonly region: string;
  readonly providerRef: { readonly namespace: string; readonly name: string };
  readonly hash: string;
  readonly lastSyncTime: string;
}

/** The status of a policy that stands at the server. */
export const reportPolicy = ({ hash, ...facts }: PolicyFacts): BucketPolicyStatus => ({
  applied: true,
  appliedHash: hash,
  ...facts,
});
