import { asFault } from '@operator/outcome';
import {
  createMemoryS3,
  html,
  ownerMark,
  recordingContext,
  refuse,
  startFakeDriver,
  succeed,
  type FakeAnswer,
  type FakeS3,
} from '@operator/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { createCreationTags } from './creation-tags.ts';
import type { Driver } from './driver.ts';
import { createBucket, lookUpCreation, observeExistence, removeBucket } from './existence.ts';

let fake: FakeS3;
let driver: Driver;
beforeEach(async () => {
  const started = await startFakeDriver();
  ({ fake, driver } = started);
  return started.close;
});
const bucket = 'photos';
const locatedIn = (constraint: string) =>
  succeed(`<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${constraint}</LocationConstraint>`);
const region = (name: string) => ({ 'x-amz-bucket-region': name });

describe('a look for a bucket', () => {
  it.each<[string, FakeAnswer, FakeAnswer, object]>([
    ['200: present', succeed(), refuse(500, 'Unexpected'), { state: 'present' }],
    [
      '200 with a region: present there',
      succeed('', region('eu-west-1')),
      refuse(500, 'Unexpected'),
      { state: 'present', region: 'eu-west-1' },
    ],
    ['404: absent', refuse(404, ''), refuse(500, 'Unexpected'), { state: 'absent' }],
    [
      '301: elsewhere',
      refuse(301, '', '', region('eu-west-1')),
      refuse(500, 'Unexpected'),
      { state: 'elsewhere', region: 'eu-west-1' },
    ],
    [
      '400 with another region: elsewhere',
      refuse(400, '', '', region('eu-west-1')),
      refuse(500, 'Unexpected'),
      { state: 'elsewhere', region: 'eu-west-1' },
    ],
    ['403, then AccessDenied: forbidden', refuse(403, ''), refuse(403, 'AccessDenied'), { state: 'forbidden' }],
    [
      '400, then another location: elsewhere',
      refuse(400, ''),
      locatedIn('eu-west-1'),
      { state: 'elsewhere', region: 'eu-west-1' },
    ],
    [
      '400, then the location it should have: forbidden',
      refuse(400, ''),
      succeed('<LocationConstraint/>'),
      { state: 'forbidden' },
    ],
    [
      '403, then another location: elsewhere',
      refuse(403, ''),
      locatedIn('EU'),
      { state: 'elsewhere', region: 'eu-west-1' },
    ],
    ['403, then NoSuchBucket: absent', refuse(403, ''), refuse(404, 'NoSuchBucket'), { state: 'absent' }],
    [
      '400, then another region: elsewhere',
      refuse(400, ''),
      refuse(400, 'AuthorizationHeaderMalformed'),
      { state: 'elsewhere' },
    ],
  ])('%s', async (_title, head, get, state) => {
    fake.answer(({ method }) => (method === 'HEAD' ? head : get));
    expect(await observeExistence(driver, { bucket }, recordingContext())).toMatchObject(state);
  });

  it('shows of the name of a region no token, no line end, and no more than a few words', async () => {
    const shown = [];
    for (const name of [`a${'b'.repeat(300)}`, 'eu\tx', 'long '.repeat(200)]) {
      for (const [head, location] of [
        [succeed('', region(name)), succeed()],
        [refuse(403, ''), locatedIn(name)],
      ] as const) {
        fake.answer(({ method }) => (method === 'HEAD' ? head : location));
        shown.push(JSON.stringify(await observeExistence(driver, { bucket }, recordingContext())));
      }
    }
    expect(shown.filter((text) => text.length > 250 || /b{80}|\\[nt]/.test(text))).toEqual([]);
  });

  it.each([
    [400, { state: 'elsewhere', region: 'us-east-1' }],
    // MinIO without a region of its own names none, and is in each.
    [403, { state: 'forbidden' }],
  ])('%i, then a location without a name, which is that of us-east-1', async (status, state) => {
    fake.answer(({ method, query }) => {
      if (method === 'HEAD') return refuse(status, '');
      return query.has('location') ? succeed('<LocationConstraint/>') : refuse(403, 'AccessDenied');
    });
    expect(await observeExistence(driver, { bucket, region: 'eu-west-1' }, recordingContext())).toMatchObject(state);
  });

  it.each<[string, FakeAnswer, object]>([
    ['refuses the same: forbidden', refuse(403, 'AccessDenied'), { state: 'forbidden' }],
    ['lists: present, for a 403 may be of the moment', succeed('<ListBucketResult/>'), { state: 'present' }],
    ['finds none: absent', refuse(404, 'NoSuchBucket'), { state: 'absent' }],
  ])('403 where the location may be asked, and then a list that %s', async (_title, list, state) => {
    fake.answer(({ method, query }) => {
      if (method === 'HEAD') return refuse(403, '');
      return query.has('location') ? succeed('<LocationConstraint/>') : list;
    });
    expect(await observeExistence(driver, { bucket }, recordingContext())).toMatchObject(state);
  });

  it.each<[string, FakeAnswer, object]>([
    ['NoSuchBucket: absent', refuse(404, 'NoSuchBucket'), { state: 'absent' }],
    ['an answer: present', succeed('<ListBucketResult/>'), { state: 'present' }],
    ['a 404 of a proxy: a Fault', { ...html(404) }, { kind: 'waiting', reason: 'NotAnS3Server' }],
    [
      'an empty 404: a Fault',
      { ...succeed(), status: 404 } as FakeAnswer,
      { kind: 'waiting', reason: 'BucketMissing' },
    ],
  ])('that was there believes in its absence only by name: 404, then %s', async (_title, get, want) => {
    fake.answer(({ method }) => (method === 'HEAD' ? refuse(404, '') : get));
    const seen = await observeExistence(driver, { bucket, wasThere: true }, recordingContext()).catch(asFault);
    expect(seen).toMatchObject(want);
  });

  it('tells bad credentials apart, which a HEAD cannot', async () => {
    fake.answer(({ method }) => refuse(403, method === 'HEAD' ? '' : 'InvalidAccessKeyId'));
    const fault = await observeExistence(driver, { bucket }, recordingContext()).catch(asFault);
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'AuthFailed' });
  });
});

describe('creation', () => {
  it('sends the region of the client as the location, except for us-east-1', async () => {
    fake.answer(() => succeed());
    await createBucket(driver, { bucket }, recordingContext());
    await createBucket(driver, { bucket, region: 'eu-west-1' }, recordingContext());
    expect(fake.requests.map(({ body }) => /<LocationConstraint>(.*?)</.exec(body)?.[1])).toEqual([
      undefined,
      'eu-west-1',
    ]);
  });

  it.each([
    ['BucketAlreadyOwnedByYou', { outcome: 'alreadyOurs' }],
    ['BucketAlreadyExists', { kind: 'waiting', reason: 'NameTaken' }],
    ['OperationAborted', { kind: 'transient', reason: 'Conflict', retryAfterMs: 60_000 }],
  ])('%s ends as it should', async (code, end) => {
    fake.answer(() => refuse(409, code));
    const outcome = await createBucket(driver, { bucket }, recordingContext()).catch(asFault);
    expect(outcome).toMatchObject(end);
    expect(fake.requests).toHaveLength(1);
  });
});

describe('creation with the mark', () => {
  const mark = ownerMark();
  const hourMs = 3_600_000;
  let nowMs = 0;
  let marking: Driver;
  beforeEach(() => {
    nowMs = 0;
    marking = Object.assign(Object.create(driver) as Driver, { creationTags: createCreationTags(() => nowMs) });
  });
  const create = (region?: string) => createBucket(marking, { bucket, region, mark }, recordingContext());
  const hasTags = (body: string) => body.includes('<Tags>');

  it('is one call that carries the owner tags, beside the region', async () => {
    fake.answer(() => succeed());
    expect(await create()).toMatchObject({ outcome: 'created' });
    await create('eu-west-1');
    const [first = '', second = ''] = fake.requests.map(({ body }) => body);
    expect(first).toContain(`<Tag><Key>s3.cloud37.dev/uid</Key><Value>${mark.uid}</Value></Tag>`);
    expect(first).not.toContain('<LocationConstraint>');
    expect(hasTags(second) && second.includes('<LocationConstraint>eu-west-1<')).toBe(true);
  });

  it('carries none where the driver does not know what becomes of them', async () => {
    fake.answer(() => succeed());
    await createBucket(driver, { bucket, mark }, recordingContext());
    expect(fake.requests.map(({ body }) => hasTags(body))).toEqual([false]);
  });

  it.each([
    [400, 'MalformedXML'],
    [403, 'AccessDenied'],
    [501, 'NotImplemented'],
  ])(
    'is done without where the server answers %s %s to it, and is not tried again for an hour',
    async (status, code) => {
      fake.answer(({ body }) => (hasTags(body) ? refuse(status, code) : succeed()));
      expect(await create()).toMatchObject({ outcome: 'created' });
      await create();
      expect(fake.requests.map(({ body }) => hasTags(body))).toEqual([true, false, false]);
      nowMs = hourMs;
      await create();
      expect(fake.requests.map(({ body }) => hasTags(body)).slice(3)).toEqual([true, false]);
    },
  );

  it('that is refused with and without learns nothing', async () => {
    fake.answer(() => refuse(403, 'AccessDenied'));
    expect(await create().catch(asFault)).toMatchObject({ kind: 'waiting', reason: 'AccessDenied' });
    expect(marking.creationTags?.areTaken()).toBe(true);
  });

  it('that may have made the bucket although it was refused is for the next look to judge', async () => {
    fake.answer(({ body }) => (hasTags(body) ? refuse(403, 'AccessDenied') : refuse(409, 'BucketAlreadyOwnedByYou')));
    const fault = asFault(await create().catch(asFault));
    expect(fault).toMatchObject({ kind: 'transient', reason: 'Conflict' });
    // With the code of an answer it would count as a refusal that surely made nothing.
    expect(fault.cause).toBeUndefined();
  });

  it('whose answer is lost is not repeated', async () => {
    fake.answer(() => ({ kind: 'reset' }));
    await expect(create()).rejects.toMatchObject({ reason: 'EndpointUnreachable' });
    expect(fake.requests).toHaveLength(1);
  });
});

describe('the time of creation', () => {
  const entry = (name: string, date = '2026-01-02T03:04:05.000Z') =>
    `<Bucket><Name>${name}</Name><CreationDate>${date}</CreationDate></Bucket>`;
  const page = (buckets: string, token = '') =>
    succeed(
      `<ListAllMyBucketsResult><Buckets>${buckets}</Buckets><ContinuationToken>${token}</ContinuationToken></ListAllMyBucketsResult>`,
    );
  const lookUp = () => lookUpCreation(driver, { bucket }, recordingContext());

  it('is looked for page by page', async () => {
    fake.answer(({ query }) =>
      query.has('continuation-token') ? page(entry('photos')) : page(entry('photos-old'), 'next'),
    );
    expect(await lookUp()).toEqual({ kind: 'listed', at: new Date('2026-01-02T03:04:05.000Z') });
  });

  it.each<[string, FakeAnswer, Awaited<ReturnType<typeof lookUp>>['kind'], number]>([
    ['of a bucket that a whole list lacks: notListed', page(entry('photos-old')), 'notListed', 1],
    ['of a bucket in an empty account: notListed', page(''), 'notListed', 1],
    ['that the server has lost: dateLost', page(entry('photos', '0001-01-01T00:00:00.000Z')), 'dateLost', 1],
    ['behind a list that may not be read: mayNotList', refuse(403, 'AccessDenied'), 'mayNotList', 1],
    ['on a server without the list: mayNotList', refuse(501, 'NotImplemented'), 'mayNotList', 1],
    ['behind a page that repeats its token: mayNotList', page(entry('photos-old'), 'same'), 'mayNotList', 2],
  ])('%s', async (_title, answer, kind, calls) => {
    fake.answer(() => answer);
    expect((await lookUp()).kind).toBe(kind);
    expect(fake.requests).toHaveLength(calls);
  });

  it('is not read from a web page', async () => {
    fake.answer(() => succeed('<html><body><p>It works!</p></body></html>'));
    expect(await lookUp().catch(asFault)).toMatchObject({ kind: 'waiting', reason: 'NotAnS3Server' });
  });

  it('is told by the clock of the server, as the answer to the creation is', async () => {
    fake.answer(() => succeed('', { date: 'Fri, 02 Jan 2026 03:04:05 GMT' }));
    const { outcome, at } = await createBucket(driver, { bucket }, recordingContext());
    expect(outcome).toBe('created');
    expect(at?.toISOString()).toMatch(/^2026-01-02T03:04:05/);
  });

  it('is told by the clock of the server also after a refusal', async () => {
    expect(driver.wire().serverNow()).toBeUndefined();
    fake.answer(() => refuse(404, 'NoSuchBucket', 'none', { date: 'Fri, 02 Jan 2026 03:04:05 GMT' }));
    await observeExistence(driver, { bucket }, recordingContext());
    expect(driver.wire().serverNow()?.toISOString()).toMatch(/^2026-01-02T03:04:0[5-9]/);
  });
});

describe('the removal', () => {
  const removal = () => removeBucket(driver, { bucket }, recordingContext());
  const listing = (versions: string, objects = '', uploads = '') =>
    fake.answer(({ method, query }) => {
      if (method === 'DELETE') return succeed();
      if (query.has('versions')) return succeed(`<ListVersionsResult>${versions}</ListVersionsResult>`);
      if (query.has('uploads')) return succeed(`<ListMultipartUploadsResult>${uploads}</ListMultipartUploadsResult>`);
      return succeed(`<ListBucketResult>${objects}</ListBucketResult>`);
    });
  const isDeleted = () => fake.requests.some(({ method }) => method === 'DELETE');

  it('of an absent bucket is a success', async () => {
    fake.answer(() => refuse(404, 'NoSuchBucket'));
    await removal();
  });

  it('of an empty bucket comes right after a look into it', async () => {
    listing('');
    await removal();
    expect(fake.requests.map(({ method }) => method)).toEqual(['GET', 'GET', 'GET', 'DELETE']);
  });

  it.each([
    ['a version', ['<Version><Key>a/b</Key><VersionId>1</VersionId></Version>'], 'objects or versions, such as "a/b"'],
    ['a delete marker', ['<DeleteMarker><Key>gone</Key><VersionId>1</VersionId></DeleteMarker>'], 'such as "gone"'],
    ['an object that no version shows', ['', '<Contents><Key>a</Key></Contents>'], 'such as "a"'],
    [
      'an upload',
      ['', '', '<Upload><Key>big</Key><UploadId>1</UploadId></Upload>'],
      'unfinished multipart uploads, such as "big"',
    ],
  ] as const)('is refused while the bucket holds %s, whatever the server would do', async (_title, lists, words) => {
    listing(...(lists as unknown as [string, string?, string?]));
    const fault = await removal().catch(asFault);
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'BucketNotEmpty', retryAfterMs: 60_000 });
    expect(asFault(fault).message).toContain(words);
    expect(isDeleted()).toBe(false);
  });

  it('is refused while the bucket cannot be looked into', async () => {
    fake.answer(({ method }) => (method === 'DELETE' ? succeed() : refuse(403, 'AccessDenied')));
    expect(await removal().catch(asFault)).toMatchObject({ kind: 'waiting', reason: 'AccessDenied' });
    expect(isDeleted()).toBe(false);
  });

  it('is left to a server that is known to refuse it', async () => {
    fake.answer(() => refuse(409, 'BucketNotEmpty'));
    const guarding = Object.assign(Object.create(driver) as Driver, { guardsContent: true });
    const fault = await removeBucket(guarding, { bucket }, recordingContext()).catch(asFault);
    expect(fault).toMatchObject({ reason: 'BucketNotEmpty' });
    expect(fake.requests).toHaveLength(1);
  });

  it('keeps what a server in memory would remove with its bucket', async () => {
    const s3 = createMemoryS3({ now: () => new Date('2026-01-01T00:00:00Z'), removesFullBuckets: true });
    s3.make(bucket, { versions: [{ Key: 'a', VersionId: '1', isLocked: false }] });
    const fault = await removeBucket(s3.driver, { bucket }, recordingContext()).catch(asFault);
    expect(fault).toMatchObject({ reason: 'BucketNotEmpty' });
    expect(s3.buckets.has(bucket)).toBe(true);
  });
});
