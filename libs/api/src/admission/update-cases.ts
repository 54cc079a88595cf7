import {
  accessKeyWith as accessKey,
  bucketPolicyWith as bucketPolicy,
  bucketWith as bucket,
  providerWith as provider,
  statementWith,
  type Complaint,
  type KindName,
  type UpdateCase,
} from './case.ts';

const update = (
  kind: KindName,
  title: string,
  before: unknown,
  spec: unknown,
  ...complaints: readonly Complaint[]
): UpdateCase => ({ kind, title, before, spec, complaints });

const after = (status: unknown, change: UpdateCase): UpdateCase => ({ ...change, status });

const now = '2030-01-31T10:00:00Z';
const again = 'delete the object and create it again';
const locked = { versioning: { enabled: true }, objectLock: { enabled: true } };

/** A field that may be mended until something was made: how the object looked, how it shall look, and what makes it fixed. */
interface Mend {
  readonly kind: KindName;
  readonly what: string;
  readonly before: unknown;
  readonly spec: unknown;
  readonly complaint: Complaint;
  readonly made: Readonly<Record<string, unknown>>;
  /** A status that shows no such thing. */
  readonly unmade: unknown;
}

const ofBucket = {
  kind: 'Bucket',
  made: {
    'the bucket was created': { ownership: 'Created' },
    'the bucket was adopted': { ownership: 'Adopted', bucketName: 'example-bucket' },
    'its creation began': { createIntent: { at: now, bucketName: 'example-bucket' } },
  },
  unmade: { observedGeneration: 1, exists: false, conditions: [] },
} as const;
const ofPolicy = {
  kind: 'BucketPolicy',
  made: {
    'the policy was applied': { applied: true, appliedHash: 'a' },
    'its application began': { pendingHash: 'a' },
  },
  unmade: { observedGeneration: 1, applied: false, conditions: [] },
} as const;
const ofKey = {
  kind: 'AccessKey',
  made: {
    'its user was created': { userName: 'user' },
    'its creation began': { keyIntent: { at: now, userName: 'user' } },
  },
  unmade: { observedGeneration: 1, created: false, conditions: [] },
} as const;

const bucketComplaint = (field: string): Complaint => [
  `spec.${field}`,
  `${field} cannot be changed once the bucket was created; ${again}`,
];

const mends: readonly Mend[] = [
  {
    ...ofBucket,
    what: 'the name of a bucket',
    before: bucket(),
    spec: bucket({ name: 'another' }),
    complaint: bucketComplaint('name'),
  },
  {
    ...ofBucket,
    what: 'the Provider of a bucket',
    before: bucket(),
    spec: bucket({ providerRef: { name: 'another' } }),
    complaint: bucketComplaint('providerRef'),
  },
  {
    ...ofBucket,
    what: "the namespace of a bucket's Provider",
    before: bucket(),
    spec: bucket({ providerRef: { name: 'provider', namespace: 'b' } }),
    complaint: bucketComplaint('providerRef'),
  },
  {
    ...ofBucket,
    what: 'the region of a bucket',
    before: bucket({ region: 'a' }),
    spec: bucket({ region: 'b' }),
    complaint: bucketComplaint('region'),
  },
  {
    ...ofBucket,
    what: 'a region that was left out',
    before: bucket(),
    spec: bucket({ region: 'b' }),
    complaint: bucketComplaint('region'),
  },
  {
    ...ofBucket,
    what: 'a region that is taken away',
    before: bucket({ region: 'a' }),
    spec: bucket(),
    complaint: bucketComplaint('region'),
  },
  {
    ...ofPolicy,
    what: 'the bucket of a policy',
    before: bucketPolicy(),
    spec: bucketPolicy({ bucketRef: { name: 'another' } }),
    complaint: ['spec.bucketRef', `bucketRef cannot be changed once the policy was applied; ${again}`],
  },
  {
    ...ofKey,
    what: 'the Provider of a key',
    before: accessKey(),
    spec: accessKey({ providerRef: { name: 'another' } }),
    complaint: ['spec.providerRef', `providerRef cannot be changed once a user or key was created; ${again}`],
  },
];

const mendCases = mends.flatMap(({ kind, what, before, spec, complaint, made, unmade }) => [
  update(kind, `${what} can be changed before there is a status`, before, spec),
  after(unmade, update(kind, `${what} can be changed while nothing was made`, before, spec)),
  ...Object.entries(made).map(([since, status]) =>
    after(status, update(kind, `${what} cannot be changed once ${since}`, before, spec, complaint)),
  ),
]);

export const updateCases: readonly UpdateCase[] = [
  ...mendCases,
  after(
    { ownership: 'Created' },
    update(
      'Bucket',
      'everything else of a bucket can be changed once it was created',
      bucket({ region: 'a' }),
      bucket({ region: 'a', versioning: { enabled: true }, deletionPolicy: 'Delete', forceDelete: true }),
    ),
  ),
  update(
    'Bucket',
    'object lock cannot be switched off',
    bucket(locked),
    bucket({ ...locked, objectLock: { enabled: false } }),
    ['spec.objectLock', 'object lock cannot be switched off'],
  ),
  update('Bucket', 'object lock can be left unmanaged', bucket(locked), bucket({ versioning: { enabled: true } })),
  update(
    'Bucket',
    'object lock can be switched on',
    bucket({ ...locked, objectLock: { enabled: false } }),
    bucket(locked),
  ),
  update(
    'Provider',
    'everything of a Provider can be changed',
    provider(),
    provider({ type: 'custom', endpoint: 'http://other:9000', region: 'x' }),
  ),
  update(
    'BucketPolicy',
    'a policy can be changed',
    bucketPolicy(),
    bucketPolicy({ policy: { statement: [statementWith({ effect: 'Deny' })] } }),
  ),
  update(
    'AccessKey',
    'rights of a key can be changed',
    accessKey(),
    accessKey({ access: [{ bucketRef: { name: 'a' }, level: 'Admin' }], secretName: 'other' }),
  ),
];
