import { bucketArn } from './arn.ts';
import { asList, isJsonObject, own, texts, type JsonObject } from './json.ts';
import { normalisePolicy } from './normalise.ts';
import type { IamPolicy, IamStatement } from './render.ts';
import { matches } from './wildcard.ts';

/** The bucket part of an ARN of S3, wildcards as they stand; undefined for an ARN of something else. */
export const bucketInArn = (arn: string): string | undefined => /^arn:[a-z-]+:s3:::([^/]*)(?:\/.*)?$/.exec(arn)?.[1];

export const statementsOf = (document: unknown): readonly JsonObject[] =>
  isJsonObject(document) ? asList(own(document, 'Statement')).filter(isJsonObject) : [];

const isIn = (buckets: ReadonlySet<string>, arn: string): boolean => buckets.has(bucketInArn(arn) ?? '');

/** A statement kept to some of its resources, without its sid: another part of it may stand elsewhere in the document. */
const narrowed = (statement: JsonObject, resources: readonly string[]): IamStatement =>
  ({ ...without(statement, 'Sid'), Resource: resources }) as unknown as IamStatement;

export const without = (statement: JsonObject, element: string): JsonObject =>
  Object.fromEntries(Object.entries(statement).filter(([name]) => name !== element));

/**
 * What a stored document says about some buckets: its statements, each with those of its resources that lie in them. What it says
 * about all but some resources, or about names with wildcards, is left out. `document`: as a server gave it; undefined is none.
 */
export const statementsAbout = (document: unknown, buckets: ReadonlySet<string>): readonly IamStatement[] =>
  statementsOf(document).flatMap((statement) => {
    const about = texts(own(statement, 'Resource')).filter((arn) => isIn(buckets, arn));
    return about.length === 0 ? [] : [narrowed(statement, about)];
  });

/** Statements without what they allow outside of some buckets. Only for those that list their resources. */
export const allowedWithin = (
  statements: readonly IamStatement[],
  buckets: ReadonlySet<string>,
): readonly IamStatement[] =>
  statements.flatMap((statement) => {
    const { Effect: effect, Resource: resources = [] } = statement;
    if (effect === 'Deny' || resources.every((arn) => isIn(buckets, arn))) return [statement];
    const within = resources.filter((arn) => isIn(buckets, arn));
    return within.length === 0 ? [] : [{ ...statement, Resource: within }];
  });

/**
 * A stored document without what it says about some buckets. They also go from the exceptions of a `NotResource` that denies, so
 * that nothing else can give rights in them. Undefined when nothing is left that allows anything.
 */
export const withoutBuckets = (document: unknown, buckets: ReadonlySet<string>): IamPolicy | undefined => {
  const left = statementsOf(document).flatMap((statement) => {
    const resources = texts(own(statement, 'Resource'));
    const others = resources.filter((arn) => !isIn(buckets, arn));
    if (resources.length > 0) return others.length === 0 ? [] : [withResources(statement, 'Resource', others)];
    const isDenied = own(statement, 'Effect') === 'Deny';
    const exceptions = texts(own(statement, 'NotResource'));
    if (!isDenied || exceptions.length === 0) return [statement];
    const kept = exceptions.filter((arn) => !isIn(buckets, arn));
    return [kept.length === 0 ? denyAll(statement) : withResources(statement, 'NotResource', kept)];
  });
  if (left.length === 0 || !isJsonObject(document)) return undefined;
  return { ...document, Statement: left } as unknown as IamPolicy;
};

const withResources = (statement: JsonObject, element: 'Resource' | 'NotResource', arns: readonly string[]) => ({
  ...statement,
  [element]: arns,
});

const denyAll = (statement: JsonObject) => ({ ...without(statement, 'NotResource'), Resource: ['*'] });

/**
 * The statement that holds a user to some buckets, whatever policies of other resources say: everything else of S3 is denied.
 * Source: IAM User Guide, policy evaluation logic: an explicit deny outweighs every allow.
 */
export const heldTo = (buckets: readonly string[], partition: string): IamStatement => ({
  Effect: 'Deny',
  Action: ['s3:*'],
  ...(buckets.length === 0 ? { Resource: ['*'] } : { NotResource: arnsOf(buckets, partition) }),
});

/** Of the buckets, and of what is in them. */
const arnsOf = (buckets: readonly string[], partition: string): readonly string[] =>
  [...buckets].sort().flatMap((name) => [bucketArn(name, partition), `${bucketArn(name, partition)}/*`]);

/**
 * What the owner of a lent bucket keeps to itself, as short patterns, since policies of users are short: to make and remove the bucket, to
 * write its tags, which say whose it is, and what would stay when the bucket is taken back: where its events go, and rights by ACLs, which no
 * policy shows. Source: Service Authorization Reference, Amazon S3: s3:PutBucketTagging is asked for removing tags, too. MinIO asks
 * s3:ForceDeleteBucket for a bucket with content.
 */
export const ownerActions: readonly string[] = [
  's3:*teBucket', // CreateBucket, DeleteBucket, ForceDeleteBucket
  's3:PutBucketT*', // PutBucketTagging
  's3:PutBucketN*', // PutBucketNotification
  's3:Put*Acl', // PutBucketAcl, PutObjectAcl, PutObjectVersionAcl
  's3:PutBucketOw*', // PutBucketOwnershipControls
];

/** By which a server itself takes from one bucket to another, with rights that are not of who asked for it: where that may go, Buckets say. */
export const sendingActions: readonly string[] = [
  's3:PutBucketLo*', // PutBucketLogging
  's3:PutRep*', // PutReplicationConfiguration
  's3:PutInv*', // PutInventoryConfiguration
  's3:PutAn*', // PutAnalyticsConfiguration
];

/**
 * The statement that denies actions in some buckets and what is in them, or everywhere, which takes the same room for any number of buckets.
 * `lacks`: actions that the server does not know; it refuses a pattern that fits no other. None where nothing is left to deny.
 */
export const denied = (
  actions: readonly string[],
  buckets: readonly string[] | 'everywhere',
  { partition, lacks }: { readonly partition: string; readonly lacks: ReadonlySet<string> },
): readonly IamStatement[] => {
  const known = actions.filter((pattern) => ![...lacks].some((action) => matches(pattern, action)));
  const Resource = buckets === 'everywhere' ? ['*'] : arnsOf(buckets, partition);
  return known.length === 0 || Resource.length === 0 ? [] : [{ Effect: 'Deny', Action: known, Resource }];
};

/** Those of some statements that a document does not have in these very words. */
export const notYetIn = (
  document: readonly IamStatement[],
  statements: readonly IamStatement[],
): readonly IamStatement[] => {
  const content = (statement: IamStatement): string | undefined =>
    normalisePolicy({ Statement: [statement] }).statements[0]?.content;
  const known = new Set(document.map(content));
  return statements.filter((statement) => {
    const text = content(statement);
    if (known.has(text)) return false;
    known.add(text);
    return true;
  });
};

/**
 * Whether two documents give the same rights when each statement is taken apart by its resources, so that it plays no part how
 * they are put together. Both as stored or rendered; undefined is none.
 */
export const sameByResource = (one: unknown, other: unknown): boolean => {
  const [left, right] = [apart(one), apart(other)];
  return left.size === right.size && [...left].every((part) => right.has(part));
};

const apart = (document: unknown): ReadonlySet<string> => {
  const single = statementsOf(document).flatMap((statement) => {
    const rest = without(statement, 'Sid');
    const resources = texts(own(statement, 'Resource'));
    return resources.length === 0 ? [rest] : resources.map((arn) => ({ ...rest, Resource: [arn] }));
  });
  return new Set(normalisePolicy({ Statement: single }).statements.map(({ content }) => content));
};
