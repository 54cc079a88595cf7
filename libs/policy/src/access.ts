import type { AccessLevel, IdentityPolicyDocument, PolicyDocument, PolicyStatement } from '@operator/api';
import { bucketArn } from './arn.ts';
import { asList } from './json.ts';
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
  implied: ImpliedActions,
): readonly PolicyStatement[] => {
  if (level === 'Admin' || buckets.length === 0) return [];
  const { object } = rights[level];
  const action = [...implied].filter(([one, by]) => object.includes(by) && !object.includes(one)).map(([one]) => one);
  return action.length === 0 ? [] : [{ effect: 'Deny', action, resource: objectsIn(buckets, prefix) }];
};

/** Actions that a server lets those do who have another one: action → the one by which it is allowed, unless it is denied. */
type ImpliedActions = ReadonlyMap<string, string>;

/** What differs from server to server. */
interface AccessOptions {
  /** Of the ARNs; `aws` everywhere but in China and GovCloud. */
  readonly partition?: string;
  /** Actions that the server does not know; they are left out. */
  readonly lacks?: ReadonlySet<string>;
  /** Those are denied where a level has the one and not the other, but for buckets of which an entry is Admin. */
  readonly implied?: ImpliedActions;
}

/**
 * The statements that give these rights. Entries of one level for whole buckets share their statements, for policies of
 * users are short (AWS: 2 048 characters).
 */
export const policyFromAccess = (
  entries: readonly BucketAccess[],
  { partition = 'aws', lacks = new Set(), implied = new Map() }: AccessOptions = {},
): readonly PolicyStatement[] => {
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
      ...withheldFrom(level, others, prefix, implied),
    ];
  });
};

/** Whether a document allows an action on anything. Names of actions have no case. */
export const allowsAction = ({ statement }: IdentityPolicyDocument, action: string): boolean =>
  statement.some(
    (one) =>
      one.effect === 'Allow' &&
      (one.notAction !== undefined ||
        asList(one.action).some((pattern) => matches(String(pattern).toLowerCase(), action.toLowerCase()))),
  );

/** A user's own policy joined with further statements; undefined when there is nothing to allow. */
export const mergePolicies = (
  policy: IdentityPolicyDocument | undefined,
  statements: readonly PolicyStatement[],
): PolicyDocument | undefined => {
  const statement = [...(policy?.statement ?? []), ...statements];
  return statement.length === 0 ? undefined : { version: policy?.version ?? '2012-10-17', statement };
};
