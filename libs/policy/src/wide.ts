import type { PolicyDocument, PolicyStatement } from '@operator/api';
import { texts } from './json.ts';
import type { PolicyKind } from './parse.ts';

/** A statement that gives more than anybody is likely to need. */
interface WideGrant {
  /** Its place in the document, from 0. */
  readonly index: number;
  /** What it gives, in words: follows "statement[0] ". */
  readonly gives: string;
}

const isEverything = (action: string): boolean => /^(\*|s3:\*)+$/i.test(action);

const isEveryBucket = (resource: string): boolean => /^(\*+|arn:[a-z0-9*-]+:s3:::\*+(\/\*+)?)$/.test(resource);

const givesOf = (statement: PolicyStatement, kind: PolicyKind): string | undefined => {
  if (statement.effect !== 'Allow') return undefined;
  const everything = texts(statement.action).find(isEverything);
  const spares = statement.notAction === undefined ? undefined : texts(statement.notAction).join(', ');
  const actions = everything ?? (spares === undefined ? undefined : `all but ${spares}`);
  if (actions === undefined) return undefined;
  if (kind === 'bucket') return `allows ${actions}, also to delete the bucket and to change this policy`;
  const isUnbound = statement.notResource !== undefined || texts(statement.resource).some(isEveryBucket);
  return isUnbound ? `allows ${actions} on every bucket of the account` : undefined;
};

/**
 * The statements of a parsed document that allow every action: of a bucket policy, to whomever; of a user's, on every bucket. Access
 * that has a condition counts too, for it is as wide where that is met. Pure.
 */
export const findWideGrants = (
  { statement }: Pick<PolicyDocument, 'statement'>,
  kind: PolicyKind,
): readonly WideGrant[] =>
  statement.flatMap((one, index) => {
    const gives = givesOf(one, kind);
    return gives === undefined ? [] : [{ index, gives }];
  });

/** One warning about all of them. `path`: of the list of statements, such as `spec.policy.statement`. */
export const explainWide = (grants: readonly WideGrant[], path: string): string =>
  `${grants.map(({ index, gives }) => `${path}[${String(index)}] ${gives}.`).join(' ')} List the actions that are needed, and the resources, unless all are.`;
