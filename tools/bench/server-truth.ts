import {
  isReady,
  s3View,
  type Kube,
  type MinioAdmin,
  type OurKind,
  type S3View,
  type Stored,
} from '@operator/tools/harness';
import type { Declared } from './random-changes.ts';

const builtInPolicies: ReadonlySet<string> = new Set([
  'consoleAdmin',
  'diagnostics',
  'readonly',
  'readwrite',
  'writeonly',
]);
const ownTag = 's3.cloud37.dev/';

/** In what the objects in the API differ from those declared: missing, too many, or not Ready. Empty: they are the same. */
export async function compareWithApi(declared: Declared, kube: Kube): Promise<readonly string[]> {
  const wanted: readonly (readonly [OurKind, ReadonlyMap<string, unknown>])[] = [
    ['Bucket', declared.buckets],
    ['BucketPolicy', declared.policies],
    ['AccessKey', declared.keys],
  ];
  const differences: string[] = [];
  for (const [kind, want] of wanted) {
    const objects = new Map<string, Stored<OurKind>>();
    for (const object of await kube.list(kind)) objects.set(keyOf(object), object);
    for (const key of want.keys()) {
      const object = objects.get(key);
      if (object === undefined) differences.push(`${kind} ${key} is missing`);
      else if (!isReady(object)) differences.push(`${kind} ${key} is not Ready: ${readyOf(object)}`);
    }
    for (const key of objects.keys()) if (!want.has(key)) differences.push(`${kind} ${key} is still there`);
  }
  return differences;
}

/**
 * In what the server differs from what is declared, seen by clients that are not the product's: buckets, their features
 * and policies; users, their keys and rights; and whether each key in a Secret is good. Empty: nothing is missing, nothing is
 * too much.
 */
export async function compareWithServer(
  declared: Declared,
  at: {
    readonly kube: Kube;
    readonly view: S3View;
    readonly admin: MinioAdmin;
    readonly server: Parameters<typeof s3View>[0];
  },
): Promise<readonly string[]> {
  return [
    ...(await compareBuckets(declared, at.view)),
    ...(await compareKeys(declared, at.kube, at.admin)),
    ...(await comparePairs(declared, at.kube, at.server)),
  ];
}

async function compareBuckets({ buckets, policies }: Declared, view: S3View): Promise<readonly string[]> {
  const differences = compareSets(
    'bucket',
    [...buckets.values()].map(({ bucket }) => bucket),
    await view.bucketNames(''),
  );
  for (const [key, { bucket, features }] of buckets) {
    const found = await view.bucket(bucket);
    if (found === undefined) continue; // said already
    const inFeatures = await view.differencesFrom(features, bucket);
    differences.push(...inFeatures.map((difference) => `${bucket}: ${difference}`));
    if (found.tags[`${ownTag}name`] !== key.split('/')[1]) differences.push(`${bucket}: has the mark of another`);
    const document = (await view.policy(bucket)) as { Statement: readonly { Action: readonly string[] }[] } | undefined;
    const action = document?.Statement.flatMap(({ Action }) => Action).join();
    const wanted = [...policies.values()].find((policy) => policy.bucket.bucket === bucket)?.action;
    if (action !== wanted)
      differences.push(`${bucket}: the policy allows ${action ?? 'nothing'}, not ${wanted ?? 'nothing'}`);
  }
  return differences;
}

async function compareKeys({ keys }: Declared, kube: Kube, admin: MinioAdmin): Promise<readonly string[]> {
  const objects = (await kube.list('AccessKey')).filter((object) => keys.has(keyOf(object)));
  const users = objects.map(({ status }) => status?.userName ?? '(none)');
  const differences = [
    ...compareSets('user', users, await admin.userNames()),
    ...compareSets(
      'policy of a user',
      users,
      (await admin.policyNames()).filter((name) => !builtInPolicies.has(name)),
    ),
  ];
  for (const { status } of objects) {
    if (status?.userName === undefined) continue;
    const wanted = [
      status.accessKeyId ?? '(none)',
      ...(status.previousKeys ?? []).map(({ accessKeyId }) => accessKeyId),
    ];
    differences.push(...compareSets(`key of ${status.userName}`, wanted, await admin.keysOf(status.userName)));
  }
  return differences;
}

/** The pair in each Secret opens its bucket as its level says, and no Secret of a key is left over. */
async function comparePairs(
  { keys }: Declared,
  kube: Kube,
  server: Parameters<typeof s3View>[0],
): Promise<readonly string[]> {
  const secrets = new Map((await kube.list('Secret')).map((secret) => [keyOf(secret), secret]));
  const issued = [...secrets.values()].filter(({ data }) => data?.['access-key-id'] !== undefined).map(keyOf);
  const differences = compareSets(
    'Secret',
    [...keys.keys()].map((key) => `${key}-credentials`),
    issued,
  );
  for (const [key, { bucket, level }] of keys) {
    const data = secrets.get(`${key}-credentials`)?.data;
    if (data === undefined) continue; // said already
    const text = (name: string) => Buffer.from(data[name] ?? '', 'base64').toString();
    const { client } = s3View({ ...server, accessKey: text('access-key-id'), secretKey: text('secret-access-key') });
    const may = { read: level !== 'WriteOnly', write: level !== 'ReadOnly' };
    const tried = {
      read: await isAllowed(client.statObject(bucket.bucket, 'probe-of-the-benchmark')),
      write: await isAllowed(client.putObject(bucket.bucket, 'probe-of-the-benchmark', 'content')),
    };
    if (JSON.stringify(tried) !== JSON.stringify(may)) {
      differences.push(`AccessKey ${key} of level ${level} may: ${JSON.stringify(tried)}`);
    }
  }
  return differences;
}

/** An object that is not there may be read all the same. */
const isAllowed = async (attempt: Promise<unknown>): Promise<boolean> => {
  try {
    await attempt;
    return true;
  } catch (error) {
    return ['NoSuchKey', 'NotFound'].includes((error as { code?: string }).code ?? '');
  }
};

const keyOf = ({ metadata }: { metadata: { namespace?: string; name: string } }): string =>
  `${metadata.namespace ?? ''}/${metadata.name}`;

const readyOf = (object: Stored<OurKind>): string => {
  const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready === undefined ? 'no verdict yet' : `${ready.reason} ${ready.message}`;
};

const compareSets = (what: string, wanted: readonly string[], found: readonly string[]): string[] => [
  ...wanted.filter((name) => !found.includes(name)).map((name) => `${what} ${name} is missing`),
  ...found.filter((name) => !wanted.includes(name)).map((name) => `${what} ${name} is too much`),
  ...(new Set(wanted).size === wanted.length ? [] : [`${what}: two objects have the same`]),
];
