import {
  bucketContext,
  bucketSpec,
  connectionTo,
  driverDeps,
  recordingContext,
  refuse,
  startFakeS3,
  succeed,
  type FakeS3,
} from '@operator/testing';
import { lookAtFeatures, type Driver } from '@operator/s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { createGenericDriver } from './generic-driver.ts';

let fake: FakeS3;
let driver: Driver;
const context = recordingContext();
const owner = (id: string) =>
  succeed(`<ListAllMyBucketsResult><Owner><ID>${id}</ID></Owner><Buckets/></ListAllMyBucketsResult>`);
const info = (quota: object) => succeed(JSON.stringify({ bucket_quota: quota }));
const none = { enabled: false, max_size: -1, max_objects: -1 };

/** Answers about the user and the bucket, and to the write. */
const serve = (quota: object, user = 'root'): void =>
  fake.answer(({ path, method }) => {
    if (!path.startsWith('/admin/')) return owner(user);
    return method === 'GET' ? info(quota) : succeed();
  });

beforeEach(async () => {
  fake = await startFakeS3();
  driver = createGenericDriver(connectionTo(fake.endpoint, { adminEndpoint: fake.endpoint }), driverDeps());
  return async () => {
    driver.close();
    await fake.close();
  };
});

const look = async (maxBytes: number, others: Parameters<typeof bucketSpec>[0] = {}, isBorrowed = false) => {
  const spec = bucketSpec({ quota: { maxBytes }, ...others });
  const s3 = { wire: driver.wire(), bucket: 'photos', tags: new Map<string, string>() };
  const views = await lookAtFeatures(driver, spec, bucketContext({ created: false, isBorrowed }), s3, context);
  return views.filter(({ aspect }) => aspect !== 'tagging');
};

const written = async (maxBytes: number): Promise<Readonly<Record<string, string>>> => {
  const view = (await look(maxBytes)).find(({ aspect }) => aspect === 'quota');
  if (view?.verdict !== 'different') throw new Error('expected a gap');
  await view.step.apply(context);
  const put = fake.requests.at(-1);
  expect(put).toMatchObject({ method: 'PUT', path: '/admin/bucket' });
  return Object.fromEntries(put?.query ?? []);
};

it.each([
  ['of bytes alone', 500, none, { enabled: 'true', 'max-size': '500', 'max-objects': '-1' }],
  [
    'of bytes beside one of objects, which stays',
    500,
    { enabled: true, max_size: -1, max_objects: 7 },
    { enabled: 'true', 'max-size': '500', 'max-objects': '7' },
  ],
  [
    'of bytes, and brings no limit of objects into force that was not',
    500,
    { enabled: false, max_size: 9, max_objects: 7 },
    { enabled: 'true', 'max-size': '500', 'max-objects': '-1' },
  ],
  [
    'of nothing, and leaves that of objects',
    0,
    { enabled: true, max_size: 9, max_objects: 0 },
    { enabled: 'true', 'max-size': '-1', 'max-objects': '0' },
  ],
  [
    'of nothing at all',
    0,
    { enabled: true, max_size: 9, max_objects: -1 },
    { enabled: 'false', 'max-size': '-1', 'max-objects': '-1' },
  ],
])('sets a quota %s', async (_what, maxBytes, found, sent) => {
  serve(found);
  expect(await written(maxBytes)).toEqual({ quota: '', uid: 'root', bucket: 'photos', ...sent });
});

it.each([
  ['absent', 0, none],
  ['not in force', 0, { enabled: false, max_size: 500, max_objects: -1 }],
  ['as wanted', 500, { enabled: true, max_size: 500, max_objects: 7 }],
])('leaves a quota that is %s', async (_what, maxBytes, found) => {
  serve(found);
  expect(await look(maxBytes)).toMatchObject([{ aspect: 'quota', verdict: 'same' }]);
});

describe('of a borrower', () => {
  const inForce = { enabled: true, max_size: 500, max_objects: -1 };

  it.each([
    ['set where there is none', 900, none, 'different'],
    ['lowered', 400, inForce, 'different'],
    ['kept', 500, inForce, 'same'],
    ['raised', 501, inForce, 'blocked'],
    ['removed', 0, inForce, 'blocked'],
  ])('a quota may be %s, or not', async (_what, maxBytes, found, verdict) => {
    serve(found);
    const [view] = await look(maxBytes, {}, true);
    expect(view).toMatchObject({ aspect: 'quota', verdict });
    if (view?.verdict !== 'blocked') return;
    expect(view.fault).toMatchObject({
      reason: 'ReferenceNotGranted',
      message: expect.stringMatching(/quota of 500 bytes.*Declare at most 500/) as string,
    });
  });

  it('one that its lender sets at that moment stays', async () => {
    serve(none);
    const [view] = await look(900, {}, true);
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    serve(inForce);
    await expect(view.step.apply(context)).rejects.toMatchObject({ reason: 'ReferenceNotGranted' });
    expect(fake.requests.filter(({ method }) => method === 'PUT')).toEqual([]);
  });
});

it("asks about the bucket of the user's own tenant, and asks for the user once", async () => {
  serve(none, 'acme$joe');
  expect(await written(500)).toMatchObject({ uid: 'acme$joe', bucket: 'photos' });
  const asked = fake.requests.filter(({ method, path }) => method === 'GET' && path === '/admin/bucket');
  expect(asked.map(({ query }) => query.get('bucket'))).toEqual(['acme/photos', 'acme/photos']);
  expect(fake.requests.filter(({ path }) => path === '/')).toHaveLength(1);
});

it.each([
  [
    'has no such bucket',
    refuse(404, 'NoSuchBucket'),
    'RequestRefused',
    /no bucket photos\..*spec\.adminEndpoint right/,
  ],
  ['answers of something else', succeed('{}'), 'RequestRefused', /no bucket_quota .*spec\.adminEndpoint right/],
  ['answers with a document', succeed('<ok/>'), 'RequestRefused', /not JSON/],
  ['refuses the right to look', refuse(403, 'AccessDenied'), 'AccessDenied', /GetBucketInfo/],
  ['does not know the key', refuse(403, 'InvalidAccessKeyId'), 'AuthFailed', /GetBucketInfo/],
  ['fails', refuse(500, 'InternalError'), 'ServerError', /GetBucketInfo/],
] as const)('holds up no other feature where the admin endpoint %s', async (_what, answer, reason, message) => {
  fake.answer(({ path, query }) => {
    if (path.startsWith('/admin/')) return answer;
    return query.has('versioning') ? succeed('<VersioningConfiguration/>') : owner('root');
  });
  expect(await look(500, { versioning: { enabled: true, mfaDelete: false } })).toMatchObject([
    { aspect: 'versioning', verdict: 'different' },
    { aspect: 'quota', verdict: 'blocked', fault: { reason, message: expect.stringMatching(message) as string } },
  ]);
});

it('says what to set where no admin endpoint is', async () => {
  driver.close();
  driver = createGenericDriver(connectionTo(fake.endpoint), driverDeps());
  const [view] = await look(500);
  expect(view).toMatchObject({ aspect: 'quota', verdict: 'unsupported' });
  expect(view).toMatchObject({ message: expect.stringMatching(/set spec\.adminEndpoint/) as string });
  expect(await look(0)).toEqual([]);
  expect(fake.requests).toEqual([]);
});
