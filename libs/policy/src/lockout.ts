import type { IamPolicy, IamPrincipal, IamStatement } from './render.ts';
import { matches } from './wildcard.ts';

/**
 * What the operator must be able to do with a bucket: to see whose it is, and to read, change and remove the very policy that denies
 * it. Source: Amazon S3, Service Authorization Reference.
 */
const neededActions = [
  's3:GetBucketTagging',
  's3:PutBucketTagging',
  's3:ListBucket',
  's3:GetBucketPolicy',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
];

/** A statement that shuts the operator out. */
export interface Lockout {
  /** Its place in the document, from 0. */
  readonly index: number;
  readonly denied: readonly string[];
}

export interface LockoutOptions {
  /** ARN of the bucket. */
  readonly bucketArn: string;
  /** The account behind the operator's credentials, where it is known: a number, or a canonical id. */
  readonly accountId?: string | undefined;
}

/**
 * The statements of a bucket policy that surely deny the operator something it needs on the bucket itself: without a condition, for
 * everybody or for the whole account of the operator. What holds only under a condition, or spares somebody by `NotPrincipal`, may
 * spare the operator and is let pass. Pure.
 */
export const findLockouts = (policy: IamPolicy, options: LockoutOptions): readonly Lockout[] =>
  policy.Statement.flatMap((statement, index) => {
    const denied = isAgainstOperator(statement, options)
      ? neededActions.filter((action) => namesAction(statement, action))
      : [];
    return denied.length === 0 ? [] : [{ index, denied }];
  });

const isAgainstOperator = (statement: IamStatement, { bucketArn, accountId }: LockoutOptions): boolean =>
  statement.Effect === 'Deny' &&
  Object.keys(statement.Condition ?? {}).length === 0 &&
  isOperator(statement.Principal, accountId) &&
  isAbout(statement, bucketArn);

const isOperator = (principal: IamPrincipal | undefined, accountId: string | undefined): boolean =>
  Object.values(principal ?? {}).some((values) =>
    values.some((value) => value === '*' || (accountId !== undefined && isAccount(value, accountId))),
  );

/** An account as a principal means everybody in it. Source: IAM User Guide, AWS account principals. */
const isAccount = (principal: string, accountId: string): boolean =>
  principal === accountId || /^arn:[a-z0-9-]+:iam::(.+):root$/.exec(principal)?.[1] === accountId;

const isAbout = ({ Resource, NotResource }: IamStatement, bucketArn: string): boolean =>
  Resource === undefined
    ? NotResource !== undefined && !NotResource.some((pattern) => matches(pattern, bucketArn))
    : Resource.some((pattern) => matches(pattern, bucketArn));

/** Whether a statement is about an action, whose name has no case. */
export const namesAction = ({ Action, NotAction }: IamStatement, action: string): boolean => {
  const isNamed = (patterns: readonly string[]) =>
    patterns.some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase()));
  return Action === undefined ? NotAction !== undefined && !isNamed(NotAction) : isNamed(Action);
};
