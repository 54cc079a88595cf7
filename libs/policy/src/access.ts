import type { AccessLevel, IdentityPolicyDocument, PolicyDocument, PolicyStatement } from '@operator/api';
import { bucketArn } from './arn.ts';
import { namesAction } from './lockout.ts';
import type { IamStatement } from './render.ts';
import { matches } from './wildcard.ts';

/** Rights in one bucket, by its name at the server. */
export interface BucketAccess {
  readonly bucketName: string;
  readonly level: AccessLevel;
  /** Plain text, no wildcards; the whole bucket when left out. */
  readonly prefix?: string;
}

/** What a level allows. `list` heeds a prefix by condition; `bucket` cannot, so it is only for what tells no keys. */
interface Rights {
  readonly bucket: readonly string[];
  readonly list: readonly string[];
  readonly object: readonly string[];
}

const readObject = [
  's3:GetObject',
  's3:GetObjectVersion',
  's3:GetObjectTagging',
  's3:GetObjectVersionTagging',
  's3:GetObjectRetention',
  's3:GetObjectLegalHold',
];
const writeObject = ['s3:PutObject', 's3:PutObjectTagging', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'];
const list = ['s3:ListBucket', 's3:ListBucketVersions'];

// Versions stay out of ReadWrite's reach: what it deletes in a versioned bucket can be brought back.
const rights: Readonly<Record<Exclude<AccessLevel, 'Admin'>, Rights>> = {
  ReadOnly: { bucket: ['s3:GetBucketLocation', 's3:GetBucketVersioning'], list, object: readObject },
  WriteOnly: { bucket: ['s3:GetBucketLocation', 's3:GetBucketVersioning'], list: [], object: writeObject },
  ReadWrite: {
    bucket: ['s3:GetBucketLocation', 's3:GetBucketVersioning'],
    list,
    object: [...readObject, ...writeObject, 's3:DeleteObject', 's3:DeleteObjectTagging'],
  },
};

const allow = (
  action: readonly string[],
  resource: readonly string[],
  extra: Partial<PolicyStatement> = {},
): PolicyStatement => ({
  effect: 'Allow',
  action,
  resource,
  ...extra,
});

const without = ({ action = [], ...rest }: PolicyStatement, lacks: ReadonlySet<string>): PolicyStatement => ({
  ...rest,
  action: [action].flat().filter((one) => !lacks.has(one)),
});

const objectsIn = (buckets: readonly string[], prefix = ''): readonly string[] =>
  buckets.map((arn) => `${arn}/${prefix}*`);

const statementsFor = (
  level: AccessLevel,
  buckets: readonly string[],
  prefix: string | undefined,
): readonly PolicyStatement[] => {
  const objects = objectsIn(buckets, prefix);
  if (level === 'Admin') return [allow(['s3:*'], [...buckets, ...objects])];
  const { bucket, list: listing, object } = rights[level];
  if (prefix === undefined) {
    // Uploads are listed by key and know no prefix condition, hence only where the whole bucket is granted.
    const uploads = level === 'ReadOnly' ? [] : ['s3:ListBucketMultipartUploads'];
    return [allow([...bucket, ...listing, ...uploads], buckets), allow(object, objects)];
  }
  return [
    allow(bucket, buckets),
    ...(listing.length === 0
      ? []
      : [allow(listing, buckets, { condition: { StringLike: { 's3:prefix': [`${prefix}*`] } } })]),
    allow(object, objects),
  ];
};

/** Denies what the server would allow by another action of the level, and the level does not. */
const withheldFrom = (
  level: AccessLevel,
  buckets: readonly string[],
  prefix: string | undefined,
  { implied = new Map(), own = [] }: AccessOptions,
): readonly PolicyStatement[] => {
  if (level === 'Admin') return [];
  const { object } = rights[level];
  const actions = [...implied].filter(([one, by]) => object.includes(by) && !object.includes(one)).map(([one]) => one);
  return actions.flatMap((action) => {
    const others = buckets.filter((bucket) => !own.some((statement) => mayAllow(statement, action, bucket)));
    return others.length === 0 ? [] : [{ effect: 'Deny', action: [action], resource: objectsIn(others, prefix) }];
  });
};

/** Whether a statement allows an action on any object of a bucket. A variable may stand for anything. */
const mayAllow = (statement: IamStatement, action: string, bucket: string): boolean => {
  const { Effect: effect, Resource: resources, NotResource: otherResources } = statement;
  const isAbout = (arn: string): boolean => fitsBelow(arn.replaceAll(/\$\{[^}]*\}/g, '*'), `${bucket}/`);
  return (
    effect === 'Allow' &&
    namesAction(statement, action) &&
    (resources === undefined
      ? otherResources?.some((arn) => matches(arn, `${bucket}/*`)) !== true
      : resources.some(isAbout))
  );
};

/** Whether a pattern fits anything that begins so. */
const fitsBelow = (pattern: string, beginning: string): boolean =>
  Array.from({ length: pattern.length + 1 }, (_, end) => pattern.slice(0, end)).some((part) =>
    matches(part, beginning),
  );

/** Actions that a server lets those do who have another one: action → the one by which it is allowed, unless it is denied. */
type ImpliedActions = ReadonlyMap<string, string>;

/** What differs from server to server. */
interface AccessOptions {
  /** Of the ARNs; `aws` everywhere but in China and GovCloud. */
  readonly partition?: string;
  /** Actions that the server does not know; they are left out. */
  readonly lacks?: ReadonlySet<string>;
  /** Those are denied where a level has the one and not the other, but for buckets of which an entry is Admin or in which `own` allows it. */
  readonly implied?: ImpliedActions;
  /** What the user has beside these rights. */
  readonly own?: readonly IamStatement[];
}

/**
 * The statements that give these rights. Entries of one level for whole buckets share their statements, for policies of
 * users are short (2 048 characters on most servers).
 */
export const policyFromAccess = (
  entries: readonly BucketAccess[],
  options: AccessOptions = {},
): readonly PolicyStatement[] => {
  const { partition = 'aws', lacks = new Set() } = options;
  const groups = new Map<string, { level: AccessLevel; prefix: string | undefined; buckets: Set<string> }>();
  const administered = new Set<string>();
  for (const { level, prefix, bucketName } of entries) {
    const arn = bucketArn(bucketName, partition);
    const key = JSON.stringify([level, prefix ?? null]);
    const group = groups.get(key) ?? { level, prefix, buckets: new Set<string>() };
    groups.set(key, group);
    group.buckets.add(arn);
    if (level === 'Admin') administered.add(arn);
  }
  return [...groups.values()].flatMap(({ level, prefix, buckets }) => {
    const arns = [...buckets].sort();
    const others = arns.filter((arn) => !administered.has(arn));
    return [
      ...statementsFor(level, arns, prefix).map((statement) => without(statement, lacks)),
      ...withheldFrom(level, others, prefix, options),
    ];
  });
};

/** A user's own policy joined with further statements; undefined when there is nothing to allow. */
export const mergePolicies = (
  policy: IdentityPolicyDocument | undefined,
  statements: readonly PolicyStatement[],
): PolicyDocument | undefined => {
  const statement = [...(policy?.statement ?? []), ...statements];
  return statement.length === 0 ? undefined : { version: policy?.version ?? '2012-10-17', statement };
};
