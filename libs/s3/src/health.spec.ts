import { asFault, redact } from '@operator/outcome';
import {
  html,
  listOfBuckets,
  recordingContext,
  refuse,
  startFakeDriver,
  succeed,
  type FakeAnswer,
  type FakeRequest,
  type FakeS3,
} from '@operator/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from './driver.ts';
import { verifyKey } from './health.ts';

let fake: FakeS3;
let driver: Driver;
beforeEach(async () => {
  const started = await startFakeDriver();
  ({ fake, driver } = started);
  return started.close;
});

describe('health', () => {
  it('names the account', async () => {
    fake.answer(() => listOfBuckets('a'));
    expect(await driver.checkHealth(recordingContext())).toEqual({ listDenied: false, accountId: 'account-1' });
  });

  it.each(['', 'a&#10;b', 'x'.repeat(257)])('names no account that has no name to show: %j', async (id) => {
    const owner = `<Owner><ID>${id}</ID></Owner>`;
    fake.answer(() => succeed(`<ListAllMyBucketsResult>${owner}<Buckets></Buckets></ListAllMyBucketsResult>`));
    expect(await driver.checkHealth(recordingContext())).toEqual({ listDenied: false });
  });

  /** Answers what is signed with the Provider's own key so, and an unknown key otherwise. */
  const answerKeys = (known: FakeAnswer, unknown: FakeAnswer) => {
    fake.answer(({ headers }) => (headers.authorization?.includes('AKIATEST') === true ? known : unknown));
  };

  it('is good for credentials that may not list buckets', async () => {
    answerKeys(refuse(403, 'AccessDenied'), refuse(403, 'InvalidAccessKeyId'));
    expect(await driver.checkHealth(recordingContext())).toEqual({ listDenied: true });
    expect(await driver.checkHealth(recordingContext())).toEqual({ listDenied: true });
    // The server was asked once how it takes a key that nobody has.
    expect(fake.requests).toHaveLength(3);
  });

  it('is AuthFailed where unknown keys are denied alike, and says what proves the credentials', async () => {
    fake.answer(() => refuse(403, 'AccessDenied'));
    const fault = await driver.checkHealth(recordingContext()).catch(asFault);
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'AuthFailed', retryAfterMs: 60_000 });
    expect(asFault(fault).message).toContain('s3:ListAllMyBuckets');
  });

  it('is good where unknown keys are denied alike, and the credentials may list', async () => {
    answerKeys(listOfBuckets(), refuse(403, 'AccessDenied'));
    expect(await driver.checkHealth(recordingContext())).toMatchObject({ listDenied: false });
    expect(fake.requests).toHaveLength(1);
  });

  it('asks again how the server takes unknown keys when it gave no answer', async () => {
    answerKeys(refuse(403, 'AccessDenied'), refuse(503, 'SlowDown'));
    expect(await driver.checkHealth(recordingContext()).catch(asFault)).toMatchObject({ reason: 'Throttled' });
    answerKeys(refuse(403, 'AccessDenied'), refuse(403, 'InvalidAccessKeyId'));
    expect(await driver.checkHealth(recordingContext())).toEqual({ listDenied: true });
  });

  it.each<[string, FakeAnswer]>([
    ['a web page', html()],
    ['a web page that is well-formed XML', succeed('<html><body><p>It works!</p></body></html>')],
    ['JSON', succeed('{"status":"ok"}')],
    ['plain text', succeed('ok')],
    ['nothing', succeed('')],
    ['a missing page', html(404)],
  ])('is NotAnS3Server when the answer is %s', async (_title, answer) => {
    fake.answer(() => answer);
    expect(await driver.checkHealth(recordingContext()).catch(asFault)).toMatchObject({
      kind: 'waiting',
      reason: 'NotAnS3Server',
    });
  });

  it('makes one attempt', async () => {
    fake.answer(() => refuse(503, 'SlowDown'));
    expect(await driver.checkHealth(recordingContext()).catch(asFault)).toMatchObject({ reason: 'Throttled' });
    expect(fake.requests).toHaveLength(1);
  });
});

describe('a key', () => {
  const key = { accessKeyId: 'AKIANEW', secretAccessKey: redact('new') };
  const verify = () => verifyKey(driver, key, recordingContext());

  const isNew = ({ headers }: FakeRequest) => headers.authorization?.includes('AKIANEW') === true;

  it('is good when it signs in, whatever it may do', async () => {
    fake.answer((request) => refuse(403, isNew(request) ? 'AccessDenied' : 'InvalidAccessKeyId'));
    expect(await verify()).toBe('accepted');
    expect(fake.requests[0]?.headers.authorization).toContain('AKIANEW');
  });

  it.each([undefined, 'own'])(
    'is not proven by AccessDenied where an unknown key gets that too (bucket: %s)',
    async (own) => {
      fake.answer(() => refuse(403, 'AccessDenied'));
      expect(await verifyKey(driver, key, recordingContext(), own)).toBe('unproven');
    },
  );

  it('is proven there by what it may do', async () => {
    fake.answer(({ path }) =>
      path.startsWith('/own') ? succeed('<LocationConstraint/>') : refuse(403, 'AccessDenied'),
    );
    expect(await verifyKey(driver, key, recordingContext(), 'own')).toBe('accepted');
  });

  it.each([
    ['InvalidAccessKeyId', 'unknown'],
    ['UserSuspended', 'unknown'],
    ['SignatureDoesNotMatch', 'wrongSecret'],
  ])('is told from a good one on %s, after one attempt', async (code, verdict) => {
    fake.answer(() => refuse(403, code));
    expect(await verify()).toBe(verdict);
    expect(fake.requests).toHaveLength(1);
  });

  it.each([
    ['which it may ask about', succeed('<LocationConstraint/>'), 'accepted', 1],
    ['which it may not ask about', refuse(403, 'AccessDenied'), 'denied', 2],
    ['which is gone', refuse(404, 'NoSuchBucket'), 'accepted', 1],
    ['with another secret', refuse(403, 'SignatureDoesNotMatch'), 'wrongSecret', 1],
    ['which is in another region, where the list decides', refuse(301, 'PermanentRedirect'), 'accepted', 3],
  ])('is tried at a bucket %s', async (_title, answer, verdict, calls) => {
    fake.answer((request) =>
      request.path.startsWith('/own') ? answer : refuse(403, isNew(request) ? 'AccessDenied' : 'InvalidAccessKeyId'),
    );
    expect(await verifyKey(driver, key, recordingContext(), 'own')).toBe(verdict);
    expect(fake.requests).toHaveLength(calls);
  });

  it('is not blamed for an account that is locked', async () => {
    fake.answer(() => refuse(403, 'AuthenticationLockout'));
    expect(await verify().catch(asFault)).toMatchObject({ kind: 'waiting', reason: 'AuthFailed' });
  });

  it('says nothing of a server that fails', async () => {
    fake.answer(() => refuse(500, 'InternalError'));
    expect(await verify().catch(asFault)).toMatchObject({ kind: 'transient', reason: 'ServerError' });
  });
});
