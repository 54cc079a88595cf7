import { eventReasons, reasons } from '@operator/api';

const policyReasons: ReadonlySet<string> = new Set([
  reasons.PolicyInvalid,
  reasons.PolicyConflict,
  reasons.PublicPolicyBlocked,
]);

/** The Event for what is wrong with a document, on a BucketPolicy and an AccessKey alike; undefined for every other cause. */
export const policyFailed = (reason: string): string | undefined =>
  policyReasons.has(reason) ? eventReasons.PolicyFailed : undefined;
