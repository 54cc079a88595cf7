import type { PolicyDocument } from '@operator/api';
import { reasons } from '@operator/api';
import { terminal, waiting, type Fault } from '@operator/outcome';
import { describeProblems, parsePolicy, renderPolicy, type IamPolicy } from '@operator/policy';
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
