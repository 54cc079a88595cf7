import {
  accessKeyWith as accessKey,
  bucketPolicyWith as bucketPolicy,
  bucketWith as bucket,
  providerWith as provider,
  statementWith,
  type Complaint,
  type Kind,
  type UpdateCase,
} from './case.ts';

const update = (
  kind: Kind,
  title: string,
  before: unknown,
  spec: unknown,
  ...complaints: readonly Complaint[]
): UpdateCase => ({ kind, title, before, spec, complaints });

const fixed = 'cannot be changed; delete the object and create it anew';
const locked = { versioning: { enabled: true }, objectLock: { enabled: true } };

export const updateCases: readonly UpdateCase[] = [
  update('Bucket', 'the name of a bucket cannot be changed', bucket(), bucket({ name: 'another' }), [
    'spec.name',
    `name ${fixed}`,
  ]),
  update(
    'Bucket',
    'the Provider of a bucket cannot be changed',
    bucket(),
    bucket({ providerRef: { name: 'another' } }),
    ['spec.providerRef', `providerRef ${fixed}`],
  ),
  update(
    'Bucket',
    "the Provider's namespace cannot be changed",
    bucket(),
    bucket({ providerRef: { name: 'provider', namespace: 'b' } }),
    ['spec.providerRef', `providerRef ${fixed}`],
  ),
  update('Bucket', 'the region of a bucket cannot be changed', bucket({ region: 'a' }), bucket({ region: 'b' }), [
    'spec.region',
    `region ${fixed}`,
  ]),
  update('Bucket', 'a region cannot be added', bucket(), bucket({ region: 'b' }), ['spec.region', `region ${fixed}`]),
  update('Bucket', 'a region cannot be taken away', bucket({ region: 'a' }), bucket(), [
    'spec.region',
    `region ${fixed}`,
  ]),
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
    'Bucket',
    'features can be changed',
    bucket({ region: 'a' }),
    bucket({ region: 'a', versioning: { enabled: true }, deletionPolicy: 'Delete' }),
  ),
  update(
    'Provider',
    'everything of a Provider can be changed',
    provider(),
    provider({ type: 'custom', endpoint: 'http://other:9000', region: 'x' }),
  ),
  update(
    'BucketPolicy',
    'the bucket of a policy cannot be changed',
    bucketPolicy(),
    bucketPolicy({ bucketRef: { name: 'another' } }),
    ['spec.bucketRef', `bucketRef ${fixed}`],
  ),
  update(
    'BucketPolicy',
    'a policy can be changed',
    bucketPolicy(),
    bucketPolicy({ policy: { statement: [statementWith({ effect: 'Deny' })] } }),
  ),
  update(
    'AccessKey',
    'the Provider of a key cannot be changed',
    accessKey(),
    accessKey({ providerRef: { name: 'another' } }),
    ['spec.providerRef', `providerRef ${fixed}`],
  ),
  update(
    'AccessKey',
    'rights of a key can be changed',
    accessKey(),
    accessKey({ access: [{ bucketRef: { name: 'a' }, level: 'Admin' }], secretName: 'other' }),
  ),
];
