import {
  bucketContext,
  bucketSpec,
  recordingContext,
  refuse,
  startFakeDriver,
  succeed,
  type FakeDriver,
} from '@operator/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { bindAspect } from '../bind-aspect.ts';
import { encryption, isSameKey, type EncryptionHave, type EncryptionWant } from './encryption.ts';

const kms = (keyId = 'key', bucketKey = false) => ({ algorithm: 'aws:kms', keyId, bucketKey }) as const;
const aes = { algorithm: 'AES256' } as const;
const off = { algorithm: 'none' } as const;
const have = (algorithm: string, keyId?: string, bucketKey = false): EncryptionHave => ({
  algorithm,
  bucketKey,
  ...(keyId === undefined ? {} : { keyId }),
});
const arn = (key: string, region = 'us-east-1') => `arn:aws:kms:${region}:123456789012:key/${key}`;

it.each([
  ['key', 'key', true],
  ['key', 'other', false],
  ['key', arn('key'), true],
  ['arn:aws:kms:key', 'key', true],
  [arn('mrk-1'), arn('mrk-1', 'eu-west-1'), false],
  ['alias/a', 'arn:aws:kms:us-east-1:123456789012:alias/a', true],
])('the keys %s and %s are one: %s', (one, other, want) => {
  expect([isSameKey(one, other), isSameKey(other, one)]).toEqual([want, want]);
});

describe('encryption', () => {
  it.each<[string, EncryptionWant, EncryptionHave, boolean, EncryptionWant | undefined]>([
    ['nothing there', aes, have('none'), false, aes],
    ['as wanted', aes, have('AES256'), false, undefined],
    ['another algorithm', aes, have('aws:kms', 'key'), false, aes],
    ['another key', kms(), have('aws:kms', 'other'), false, kms()],
    ['the server’s own key in place of ours', kms(), have('aws:kms'), false, kms()],
    ['no bucket key', kms('key', true), have('aws:kms', 'key'), false, kms('key', true)],
    ['off', off, have('none'), false, undefined],
    ['to be off', off, have('AES256'), false, off],
    ['to be off where it is always on', off, have('AES256'), true, undefined],
    ['to be off where it is always on, and has a key', off, have('aws:kms', 'key'), true, off],
  ])('%s', (_title, want, found, alwaysOn, to) => {
    expect(encryption({ alwaysOn }).diff(want, found)).toEqual(to);
  });

  it('leaves what is there where the server has no keys of a key service', () => {
    const aspect = encryption();
    for (const found of [have('none'), have('aws:kms:dsse', 'x'), have('aws:kms', 'other')]) {
      const rest = aspect.without?.(kms(), found, ['kmsEncryption']) ?? off;
      expect(aspect.diff(rest, found)).toBeUndefined();
    }
    expect(aspect.without?.(kms('key', true), have('none'), ['bucketKey'])).toEqual(kms('key', false));
  });

  let fake: FakeDriver['fake'];
  let driver: FakeDriver['driver'];
  let stored: string | undefined;
  beforeEach(async () => {
    const started = await startFakeDriver();
    ({ fake, driver } = started);
    stored = undefined;
    fake.answer(({ method, body }) => {
      if (method === 'PUT') stored = body;
      if (method === 'DELETE') stored = undefined;
      if (method !== 'GET') return succeed();
      return stored === undefined ? refuse(404, 'ServerSideEncryptionConfigurationNotFoundError') : succeed(stored);
    });
    return started.close;
  });
  const s3 = () => ({ wire: driver.wire(), bucket: 'photos' });

  it.each([aes, kms(), kms('key', true), off] as const)('has nothing left to do after a write of %j', async (want) => {
    const aspect = encryption();
    await aspect.write(s3(), want, recordingContext());
    expect(aspect.diff(want, await aspect.read(s3(), recordingContext()))).toBeUndefined();
  });

  it('is deleted only where a read has shown it', async () => {
    await encryption().write(s3(), off, recordingContext());
    expect(fake.requests.map(({ method }) => method)).toEqual(['GET']);
  });

  it('keeps what else stands in the rule', async () => {
    stored =
      '<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>';
    await encryption().write(s3(), kms(), recordingContext());
    expect(stored).toContain('<EncryptionType>SSE-C</EncryptionType>');
    expect(stored).toContain('<SSEAlgorithm>aws:kms</SSEAlgorithm>');
  });

  it('that a server always has is said to stay on, after one try', async () => {
    const always =
      '<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>';
    fake.answer(({ method }) => succeed(method === 'GET' ? always : ''));
    const bound = bindAspect(encryption());
    const spec = bucketSpec({ encryption: { enabled: false, algorithm: 'AES256' } });
    const look = () => bound.look(spec, bucketContext(), s3(), new Map(), recordingContext());
    const view = await look();
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    expect(await view.step.apply(recordingContext())).toMatchObject({ end: 'refused' });
    expect(await look()).toMatchObject({
      verdict: 'unsupported',
      message: expect.stringMatching(/Declare enabled: true/) as string,
    });
  });
});
