import {
  bucketContext,
  bucketSpec,
  refuse,
  recordingContext,
  startFakeDriver,
  succeed,
  type FakeDriver,
} from '@operator/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { accelerate } from './accelerate.ts';

const configuration = (status = '') =>
  `<AccelerateConfiguration>${status === '' ? '' : `<Status>${status}</Status>`}</AccelerateConfiguration>`;

describe('accelerate', () => {
  let fake: FakeDriver['fake'];
  let driver: FakeDriver['driver'];
  beforeEach(async () => {
    const started = await startFakeDriver();
    ({ fake, driver } = started);
    return started.close;
  });
  const s3 = () => ({ wire: driver.wire(), bucket: 'photos' });

  it('is not ours to manage when the spec is silent', () => {
    expect(accelerate.desired(bucketSpec(), bucketContext())).toBeUndefined();
    expect(accelerate.desired(bucketSpec({ accelerate: { enabled: false } }), bucketContext())).toBe(false);
  });

  it.each([
    [true, ''],
    [true, 'Suspended'],
    [false, 'Enabled'],
  ] as const)('%s is written over "%s", and then nothing is left to do', async (want, former) => {
    let stored = configuration(former);
    fake.answer(({ method, body }) => {
      if (method === 'PUT') stored = body;
      return succeed(method === 'PUT' ? '' : stored);
    });
    expect(accelerate.diff(want, await accelerate.read(s3(), recordingContext()))).toBe(want);
    await accelerate.write(s3(), want, recordingContext());
    expect(stored).toContain(want ? '<Status>Enabled<' : '<Status>Suspended<');
    expect(accelerate.diff(want, await accelerate.read(s3(), recordingContext()))).toBeUndefined();
  });

  it.each(['', 'Suspended'])('"%s" is off already', async (status) => {
    fake.answer(() => succeed(configuration(status)));
    expect(accelerate.diff(false, await accelerate.read(s3(), recordingContext()))).toBeUndefined();
  });

  it.each([
    [405, 'MethodNotAllowed'],
    [400, 'UnsupportedArgument'],
  ])('is lacked by a region that answers %s %s', async (status, code) => {
    fake.answer(() => refuse(status, code));
    await expect(accelerate.read(s3(), recordingContext())).rejects.toMatchObject({
      kind: 'terminal',
      reason: 'Unsupported',
    });
  });
});
