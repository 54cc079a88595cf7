import { conditionTypes, eventReasons, reasons, type PolicyDocument } from '@operator/api';
import { Fault, reworded, type Claim, type Warning } from '@operator/outcome';
import { describeProblems, explainRefusal, findMismatches, findPublicWrites, type IamPolicy } from '@operator/policy';

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

/**
 * What of an applied document was most likely not meant: that the whole world may write, and actions that match nothing. `document`: as
 * the spec has it and valid; `wanted`: the same as the server has it.
 */
export const policyWarnings = (document: PolicyDocument, wanted: IamPolicy): readonly Warning[] => {
  const open = findPublicWrites(wanted).map(
    ({ index, actions }) => `statement[${String(index)}] lets everybody write or delete: ${actions.join(', ')}.`,
  );
  // But for its case the action is one, and a server that took the document knows it.
  const idle = findMismatches(document, 'bucket').filter(({ is }) => is !== 'spelling');
  return [
    ...(open.length === 0
      ? []
      : [
          {
            reason: eventReasons.PublicPolicy,
            message: `${open.join(' ')} Name in principal who may, or add a condition, unless the whole world is meant.`,
          },
        ]),
    ...(idle.length === 0
      ? []
      : [{ reason: eventReasons.MatchesNothing, message: `Without effect: ${describeProblems(idle)}.` }]),
  ];
};

/** A refusal by the server, with the statement that it is about and what was meant. For `promise.catch`. */
export const explainedBy =
  (document: PolicyDocument) =>
  (caught: unknown): never => {
    if (!(caught instanceof Fault) || !refusals.has(caught.reason)) throw caught;
    const words = explainRefusal(document, 'bucket', caught.message);
    throw words === undefined ? caught : reworded(caught, words);
  };

const refusals: ReadonlySet<string> = new Set([reasons.PolicyInvalid, reasons.RequestRefused]);
