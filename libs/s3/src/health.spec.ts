import { asFault, redact } from '@operator/outcome';
import {
  html,
  listOfBuckets,
  recordingContext,
  refuse,
  startFakeDriver,
  succeed,
  type FakeAnswer,
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

  it('is good for credentials that may not list buckets', async () => {
    fake.answer(() => refuse(403, 'AccessDenied'));
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

  it('is good when it signs in, whatever it may do', async () => {
    fake.answer(() => refuse(403, 'AccessDenied'));
    expect(await verify()).toBe('accepted');
    expect(fake.requests[0]?.headers.authorization).toContain('AKIANEW');
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
    ['which it may not ask about', refuse(403, 'AccessDenied'), 'denied', 1],
    ['which is gone', refuse(404, 'NoSuchBucket'), 'accepted', 1],
    ['with another secret', refuse(403, 'SignatureDoesNotMatch'), 'wrongSecret', 1],
    ['which is in another region, where the list decides', refuse(301, 'PermanentRedirect'), 'accepted', 2],
  ])('is tried at a bucket %s', async (_title, answer, verdict, calls) => {
    fake.answer(({ path }) => (path.startsWith('/own') ? answer : refuse(403, 'AccessDenied')));
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
