import { createHmac } from 'node:crypto';
import { GetBucketVersioningCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { Fault, redact, waiting, type Redacted } from '@operator/outcome';
import {
  bucketContext,
  bucketSpec,
  recordingContext,
  startFakeDriver,
  succeed,
  type FakeDriver,
} from '@operator/testing';
import { beforeEach, expect, it } from 'vitest';
import type { Aspect } from './aspect.ts';
import { bindAspect } from './bind-aspect.ts';

/* A feature that needs a Secret and the time, by a small aspect. */

/** The code of a 30-second step. Source: RFC 6238, TOTP, and RFC 4226, HOTP. */
const codeAt = (seed: string, at: Date): string => {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at.getTime() / 30_000)));
  const hash = createHmac('sha1', seed).update(counter).digest();
  const offset = (hash.at(-1) ?? 0) & 0xf;
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
};

interface Want {
  readonly mfaDelete: boolean;
  readonly serial: string;
  readonly seed: Redacted<string>;
}

const mfa = 'versioning.mfa';
/** A code is good for one write. */
const mfaDelete = (): Aspect<Want, boolean> => {
  let usedStep: number | undefined;
  return {
    name: 'versioning',
    refersTo: ({ versioning: declared }) =>
      declared === undefined ? [] : [{ as: mfa, kind: 'Secret', name: 'device', keys: ['serial', 'seed'] }],
    desired({ versioning: declared }, { inputs }) {
      const input = inputs.get(mfa);
      if (declared === undefined || input === undefined || input instanceof Fault || input.kind !== 'Secret')
        return undefined;
      const [serial, seed] = [input.values.get('serial'), input.values.get('seed')];
      return serial && seed && { mfaDelete: declared.mfaDelete, serial: serial.reveal(), seed };
    },
    async read({ wire, bucket }, context) {
      const { MFADelete } = await wire.send(new GetBucketVersioningCommand({ Bucket: bucket }), context);
      return MFADelete === 'Enabled';
    },
    isSet: (have) => have,
    diff: (want, have) => (want.mfaDelete === have ? undefined : want),
    async write({ wire, bucket }, to, context) {
      const step = Math.floor(context.now.getTime() / 30_000);
      if (step === usedStep)
        throw waiting('Conflict', 'The code was used; the next one comes soon.', { retryAfterMs: 30_000 });
      usedStep = step;
      const MFA = `${to.serial} ${codeAt(to.seed.reveal(), context.now)}`;
      const VersioningConfiguration = { Status: 'Enabled', MFADelete: to.mfaDelete ? 'Enabled' : 'Disabled' } as const;
      await wire.send(new PutBucketVersioningCommand({ Bucket: bucket, MFA, VersioningConfiguration }), context);
    },
  };
};

let fake: FakeDriver['fake'];
let driver: FakeDriver['driver'];
beforeEach(async () => {
  const started = await startFakeDriver();
  ({ fake, driver } = started);
  return started.close;
});

it('computes the code of RFC 6238', () => {
  expect(codeAt('12345678901234567890', new Date(59_000))).toBe('287082');
});

it('a feature that needs a Secret and the time switches on and off, with one code for each step of time', async () => {
  let isOn = false;
  fake.answer(({ method, body }) => {
    if (method === 'PUT') isOn = body.includes('<MfaDelete>Enabled');
    return succeed(
      method === 'PUT'
        ? ''
        : `<VersioningConfiguration><MfaDelete>${isOn ? 'Enabled' : 'Disabled'}</MfaDelete></VersioningConfiguration>`,
    );
  });
  const bound = bindAspect(mfaDelete());
  const s3 = { wire: driver.wire(), bucket: 'photos' };
  const values = new Map([
    ['serial', redact('arn:mfa')],
    ['seed', redact('12345678901234567890')],
  ]);
  const found = bucketContext({ inputs: new Map([[mfa, { kind: 'Secret', values }]]) });
  const at = (seconds: number) => recordingContext({ now: new Date(seconds * 1_000) });
  const look = (wanted: boolean, bucket = found) =>
    bound.look(bucketSpec({ versioning: { enabled: true, mfaDelete: wanted } }), bucket, s3, new Map(), at(0));
  const apply = async (wanted: boolean, seconds: number) => {
    const view = await look(wanted);
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    return view.step.apply(at(seconds));
  };

  const missing = waiting('SecretNotFound', 'Secret team-a/device does not exist.');
  expect(await look(true, bucketContext({ inputs: new Map([[mfa, missing]]) }))).toMatchObject({
    verdict: 'blocked',
    fault: missing,
  });
  expect(await apply(true, 59)).toEqual({ end: 'done' });
  expect(fake.requests.at(-1)?.headers['x-amz-mfa']).toBe('arn:mfa 287082');
  expect((await look(true))?.verdict).toBe('same');
  await expect(apply(false, 59)).rejects.toMatchObject({ reason: 'Conflict', retryAfterMs: 30_000 });
  expect(await apply(false, 90)).toEqual({ end: 'done' });
  expect((await look(false))?.verdict).toBe('same');
});
