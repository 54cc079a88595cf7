import { conditionTypes, eventReasons, reasons, type PolicyDocument } from '@operator/api';
import { Fault, reworded, type Claim, type Warning } from '@operator/outcome';
import {
  describeProblems,
  explainRefusal,
  explainWide,
  findMismatches,
  findPublicWrites,
  findWideGrants,
  type IamPolicy,
} from '@operator/policy';

const invalidReasons: ReadonlySet<string> = new Set([reasons.PolicyInvalid]);

const applyReasons: ReadonlySet<string> = new Set([
  reasons.AccessKeyNotFound,
  reasons.AccessKeyNotReady,
  reasons.PolicyConflict,
  reasons.PublicPolicyBlocked,
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

type Statement = IamPolicy['Statement'][number];

// NotIpAddress is about an address that every request has.
const negated = /Not(?!IpAddress)(?!.*IfExists$)/i;

const conditionsOf = ({ Condition = {} }: Statement) => Object.entries(Condition);
const namesOf = ({ Principal = {} }: Statement): readonly string[] => Principal.AWS ?? [];
const isAccount = (name: string): boolean => /^[^:*]+$/.test(name) || /^arn:[a-z0-9-]+:iam::[^:]+:root$/.test(name);

/** What a server may keep and not heed, by the names that it has in `Driver.unsupported`. */
const unheededIn: ReadonlyMap<string, (statement: Statement) => boolean> = new Map([
  // A server that asks a bucket policy about anonymous requests alone heeds nothing but what allows everybody.
  ['policyPrincipals', (statement) => statement.Effect !== 'Allow' || !namesOf(statement).includes('*')],
  [
    'policyAbsentKeys',
    (statement) => statement.Effect === 'Deny' && conditionsOf(statement).some(([operator]) => negated.test(operator)),
  ],
  [
    'policySecureTransport',
    (statement) =>
      conditionsOf(statement)
        .flatMap(([operator, keys]) => (operator.endsWith('IfExists') ? [] : Object.keys(keys)))
        .some((key) => key.toLowerCase() === 'aws:securetransport'),
  ],
  ['policyAccountPrincipal', (statement) => statement.Effect === 'Allow' && namesOf(statement).some(isAccount)],
]);

/**
 * Tells when the server keeps the document and does not heed all of it, or not as Amazon does. `unsupported`: the driver's own map.
 */
export const unheededClaims = (policy: IamPolicy, unsupported: ReadonlyMap<string, string>): readonly Claim[] => {
  const told = [...unheededIn].flatMap(([part, isUnheeded]) => {
    const words = unsupported.get(part);
    const at = policy.Statement.flatMap((statement, index) =>
      isUnheeded(statement) ? [`statement[${String(index)}]`] : [],
    );
    return words === undefined || at.length === 0 ? [] : [`${at.join(', ')}: ${words}`];
  });
  if (told.length === 0) return [];
  return [{ type: conditionTypes.Unsupported, status: 'True', reason: reasons.Unsupported, message: told.join(' ') }];
};

/**
 * What of an applied document was most likely not meant: that the whole world may write, that somebody may do everything, and actions that match nothing. `document`: as
 * the spec has it and valid; `wanted`: the same as the server has it.
 */
export const policyWarnings = (document: PolicyDocument, wanted: IamPolicy): readonly Warning[] => {
  const open = findPublicWrites(wanted).map(
    ({ index, actions }) => `statement[${String(index)}] lets everybody write or delete: ${actions.join(', ')}.`,
  );
  // What is open to everybody is told already.
  const told = new Set(findPublicWrites(wanted).map(({ index }) => index));
  const wide = findWideGrants(document, 'bucket').filter(({ index }) => !told.has(index));
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
    ...(wide.length === 0 ? [] : [{ reason: eventReasons.WideGrant, message: explainWide(wide, 'statement') }]),
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
