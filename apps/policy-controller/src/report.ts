import { conditionTypes, reasons } from '@operator/api';
import type { Claim, Fault } from '@operator/outcome';
import type { IamPolicy } from '@operator/policy';

const invalidReasons: ReadonlySet<string> = new Set([reasons.PolicyInvalid]);

const applyReasons: ReadonlySet<string> = new Set([
  reasons.AccessKeyNotFound,
  reasons.AccessKeyNotReady,
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

/**
 * Tells when the server keeps the document and does not heed all of it: there are servers that ask a bucket policy about
 * anonymous requests alone. `lacking`: the driver's words, undefined where the server heeds principals.
 */
export const unheededClaims = (policy: IamPolicy, lacking: string | undefined): readonly Claim[] => {
  const isForEverybody = ({ Effect, Principal }: IamPolicy['Statement'][number]): boolean =>
    Effect === 'Allow' && Principal?.AWS?.includes('*') === true;
  const unheeded = policy.Statement.some((statement) => !isForEverybody(statement));
  if (lacking === undefined || !unheeded) return [];
  return [{ type: conditionTypes.Unsupported, status: 'True', reason: reasons.Unsupported, message: lacking }];
};
