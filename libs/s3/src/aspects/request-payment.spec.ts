import {
  bucketContext,
  bucketSpec,
  recordingContext,
  startFakeDriver,
  succeed,
  type FakeDriver,
} from '@operator/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { requestPayment } from './request-payment.ts';

const configuration = (payer: string) =>
  `<RequestPaymentConfiguration><Payer>${payer}</Payer></RequestPaymentConfiguration>`;

describe('requestPayment', () => {
  let fake: FakeDriver['fake'];
  let driver: FakeDriver['driver'];
  beforeEach(async () => {
    const started = await startFakeDriver();
    ({ fake, driver } = started);
    return started.close;
  });
  const s3 = () => ({ wire: driver.wire(), bucket: 'photos' });

  it('is not ours to manage when the spec is silent', () => {
    expect(requestPayment.desired(bucketSpec(), bucketContext())).toBeUndefined();
    expect(requestPayment.desired(bucketSpec({ requestPayment: { payer: 'Requester' } }), bucketContext())).toBe(
      'Requester',
    );
  });

  it.each([
    ['Requester', 'BucketOwner'],
    ['BucketOwner', 'Requester'],
  ] as const)('%s is written over %s, and then nothing is left to do', async (want, former) => {
    let stored = configuration(former);
    fake.answer(({ method, body }) => {
      if (method === 'PUT') stored = body;
      return succeed(method === 'PUT' ? '' : stored);
    });
    const before = await requestPayment.read(s3(), recordingContext());
    expect(requestPayment.diff(want, before)).toBe(want);
    await requestPayment.write(s3(), want, recordingContext());
    const have = await requestPayment.read(s3(), recordingContext());
    expect(have).toBe(want);
    expect(requestPayment.diff(want, have)).toBeUndefined();
  });

  it('is lacked by a server that answers with another document', async () => {
    fake.answer(() => succeed('<ListBucketResult><Name>photos</Name></ListBucketResult>'));
    await expect(requestPayment.read(s3(), recordingContext())).rejects.toMatchObject({
      kind: 'terminal',
      reason: 'Unsupported',
    });
  });

  it('proves that the server has it only where a requester pays', () => {
    expect(requestPayment.isSet('Requester')).toBe(true);
    expect(requestPayment.isSet('BucketOwner')).toBe(false);
  });
});
