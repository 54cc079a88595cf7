import type { BucketSpec } from '@operator/api';
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
import { birthOf } from '../features.ts';
import { objectLock } from './object-lock.ts';

type Declared = NonNullable<BucketSpec['objectLock']>;
const governed: Declared = { enabled: true, defaultRetention: { mode: 'GOVERNANCE', days: 30 } };
const compliant: Declared = { enabled: true, defaultRetention: { mode: 'COMPLIANCE', years: 7 } };
const bare: Declared = { enabled: true };

const unset = refuse(404, 'ObjectLockConfigurationNotFoundError');
const configuration = (rule = '') =>
  `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`;

describe('objectLock', () => {
  let fake: FakeDriver['fake'];
  let driver: FakeDriver['driver'];
  beforeEach(async () => {
    const started = await startFakeDriver();
    ({ fake, driver } = started);
    return started.close;
  });
  const s3 = () => ({ wire: driver.wire(), bucket: 'photos' });
  const wanting = (declared: Declared) => {
    const want = objectLock.desired(bucketSpec({ objectLock: declared }), bucketContext());
    if (want === undefined) throw new Error('expected a wish');
    return want;
  };

  it('is not ours to manage when the spec is silent', () => {
    expect(objectLock.desired(bucketSpec(), bucketContext())).toBeUndefined();
  });

  it('is what a bucket is created with, where it is declared', () => {
    const bound = bindAspect(objectLock);
    const born = (spec: BucketSpec) => birthOf({ ...driver, aspects: [bound] }, spec, bucketContext()).input;
    expect(born(bucketSpec({ objectLock: governed }))).toEqual({ ObjectLockEnabledForBucket: true });
    expect(born(bucketSpec({ objectLock: { enabled: false } }))).toEqual({});
    expect(born(bucketSpec())).toEqual({});
  });

  it.each([
    ['over none', unset, governed],
    ['over none, in years', unset, compliant],
    [
      'over another',
      succeed(configuration('<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>')),
      compliant,
    ],
    [
      'without a default, over one with',
      succeed(
        configuration('<Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Years>1</Years></DefaultRetention></Rule>'),
      ),
      bare,
    ],
  ])('is written %s, and then nothing is left to do', async (_title, former, declared) => {
    let stored = former;
    fake.answer(({ method, body }) => {
      if (method !== 'PUT') return stored;
      stored = succeed(body);
      return succeed();
    });
    const want = wanting(declared);
    const change = objectLock.diff(want, await objectLock.read(s3(), recordingContext()));
    if (change === undefined) throw new Error('expected a gap');
    await objectLock.write(s3(), change, recordingContext());
    expect(objectLock.diff(want, await objectLock.read(s3(), recordingContext()))).toBeUndefined();
  });

  it('takes a period of 0 for none', async () => {
    const days =
      '<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>30</Days><Years>0</Years></DefaultRetention></Rule>';
    fake.answer(() => succeed(configuration(days)));
    expect(await objectLock.read(s3(), recordingContext())).toEqual(wanting(governed));
    fake.answer(() => succeed(configuration('<Rule><DefaultRetention/></Rule>')));
    expect(await objectLock.read(s3(), recordingContext())).toEqual(wanting(bare));
  });

  it('is lacked by a server that answers with another document', async () => {
    fake.answer(() => succeed('<ListBucketResult><Name>photos</Name></ListBucketResult>'));
    await expect(objectLock.read(s3(), recordingContext())).rejects.toMatchObject({
      kind: 'terminal',
      reason: 'Unsupported',
    });
  });

  const lookAt = (declared: Declared) =>
    bindAspect(objectLock).look(
      bucketSpec({ objectLock: declared }),
      bucketContext(),
      s3(),
      new Map(),
      recordingContext(),
    );

  it('that is declared off where it is on is said to stay, though off asks for nothing', async () => {
    fake.answer(() => succeed(configuration()));
    expect(await lookAt({ enabled: false })).toMatchObject({
      verdict: 'unsupported',
      message: expect.stringMatching(
        /no server takes away\. Set objectLock.enabled: true, or leave objectLock out\./,
      ) as unknown,
    });
    fake.answer(() => unset);
    expect((await lookAt({ enabled: false }))?.verdict).toBe('same');
  });

  const refusedWhileVersioningIs = (status: string) => {
    fake.answer(({ method }) =>
      method === 'PUT'
        ? refuse(409, 'InvalidBucketState')
        : succeed(`<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`),
    );
    return objectLock.write(s3(), wanting(bare), recordingContext());
  };

  it('that is refused to a bucket with versions is what only new buckets get', async () => {
    const written = await refusedWhileVersioningIs('Enabled');
    expect([...(written?.lost?.keys() ?? [])]).toEqual(['laterObjectLock']);
  });

  it('that is refused to a bucket without versions waits for them', async () => {
    await expect(refusedWhileVersioningIs('Suspended')).rejects.toMatchObject({
      kind: 'waiting',
      reason: 'RequestRefused',
    });
  });
});
