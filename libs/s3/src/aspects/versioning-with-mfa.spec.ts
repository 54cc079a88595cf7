import type { BucketSpec } from '@operator/api';
import { asFault, redact, waiting, type Fault } from '@operator/outcome';
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
import type { BoundAspect, BucketContext } from '../aspect.ts';
import { bindAspect } from '../bind-aspect.ts';
import { versioningWithMfa } from './versioning-with-mfa.ts';

type Declared = NonNullable<BucketSpec['versioning']>;

const serial = 'arn:aws:iam::123456789012:mfa/root';
/** The seed of RFC 6238, Appendix B, in base32; its code from 30 to 60 s and the one after it. */
const [seed, code, nextCode] = ['GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', '287082', '359152'];
const mfaSecretRef = { name: 'device', serialKey: 'serial', seedKey: 'seed' };
const guarded: Declared = { enabled: true, mfaDelete: true, mfaSecretRef };
const open: Declared = { enabled: true, mfaDelete: false, mfaSecretRef };
const off: Declared = { enabled: false, mfaDelete: false, mfaSecretRef };

const values = new Map([
  ['serial', redact(serial)],
  ['seed', redact(seed)],
]);
const found = bucketContext({ inputs: new Map([['versioning.mfa', { kind: 'Secret', values }]]) });
const missing = bucketContext({
  inputs: new Map([['versioning.mfa', waiting('SecretNotFound', 'Secret team-a/device does not exist.')]]),
});

describe('versioning with MFA delete', () => {
  let fake: FakeDriver['fake'];
  let driver: FakeDriver['driver'];
  beforeEach(async () => {
    const started = await startFakeDriver();
    ({ fake, driver } = started);
    return started.close;
  });
  const s3 = () => ({ wire: driver.wire(), bucket: 'photos' });
  const context = recordingContext({ now: new Date(31_000) });

  /** A server that checks codes as Ceph does: each is good once. It tells the time of that code. */
  const serve = ({ obeys = true, second = 31, answersLost = 0 } = {}) => {
    const server = { enabled: false, mfaDelete: false, second, used: new Set<string>() };
    let lost = answersLost;
    const clock = () => ({ date: new Date(server.second * 1_000).toUTCString() });
    fake.answer(({ method, body, headers }) => {
      if (method === 'GET') {
        const [status, mfa] = [server.enabled ? 'Enabled' : 'Suspended', server.mfaDelete ? 'Enabled' : 'Disabled'];
        return succeed(
          `<VersioningConfiguration><Status>${status}</Status><MfaDelete>${mfa}</MfaDelete></VersioningConfiguration>`,
          clock(),
        );
      }
      const enabled = body.includes('<Status>Enabled');
      const mfaDelete = body.includes('<MfaDelete>Enabled');
      const header = headers['x-amz-mfa'] ?? '';
      const isGood = header === `${serial} ${server.second < 60 ? code : nextCode}` && !server.used.has(header);
      server.used.add(header);
      const needs = mfaDelete !== server.mfaDelete || (server.mfaDelete && enabled !== server.enabled);
      if (obeys && needs && !isGood) return refuse(403, 'AccessDenied', `not with ${header}`, clock());
      Object.assign(server, { enabled, ...(obeys ? { mfaDelete } : {}) });
      lost -= 1;
      return lost >= 0 ? { kind: 'reset' } : succeed('', clock());
    });
    return server;
  };
  const puts = () => fake.requests.filter(({ method }) => method === 'PUT');

  let bound: BoundAspect;
  beforeEach(() => {
    bound = bindAspect(versioningWithMfa());
  });
  const look = (declared: Declared, bucket: BucketContext = found) =>
    bound.look(bucketSpec({ versioning: declared }), bucket, s3(), driver.unsupported, context);
  const apply = async (declared: Declared, bucket?: BucketContext) => {
    const view = await look(declared, bucket);
    if (view?.verdict !== 'different') throw new Error(`expected a gap, and it is ${String(view?.verdict)}`);
    return view.step.apply(context);
  };
  const faultOf = (call: Promise<unknown>): Promise<Fault> =>
    call.then(() => {
      throw new Error('expected a Fault');
    }, asFault);

  it('is switched on and off with codes, one for each half minute, and then nothing is left to do', async () => {
    const server = serve();
    expect(await apply(guarded)).toEqual({ end: 'done' });
    expect(server).toMatchObject({ enabled: true, mfaDelete: true });
    expect((await look(guarded))?.verdict).toBe('same');
    expect(await faultOf(apply(open))).toMatchObject({
      reason: 'Conflict',
      retryAfterMs: expect.any(Number) as number,
    });
    server.second = 61;
    expect(await apply(off)).toEqual({ end: 'done' });
    expect(server).toMatchObject({ enabled: false, mfaDelete: false });
    expect((await look(off))?.verdict).toBe('same');
    expect(puts().map(({ headers }) => headers['x-amz-mfa'])).toEqual([
      undefined,
      `${serial} ${code}`,
      `${serial} ${nextCode}`,
    ]);
  });

  it('asks for no Secret where the spec names none, and says what it needs to be switched', async () => {
    serve();
    const declared = { enabled: true, mfaDelete: true };
    expect(bound.refersTo(bucketSpec({ versioning: declared }))).toEqual([]);
    expect(await apply(declared, bucketContext())).toEqual({ end: 'done' });
    const view = await look(declared, bucketContext());
    expect(view).toMatchObject({
      verdict: 'unsupported',
      message: expect.stringMatching(
        /^MFA delete is switched with a code .* Set versioning\.mfaSecretRef .*manually/,
      ) as unknown,
    });
    expect(puts()).toHaveLength(1);
  });

  it('is not held up by a Secret that is not there in what needs no code', async () => {
    const server = serve();
    expect(await apply(guarded, missing)).toEqual({ end: 'done' });
    expect(await look(guarded, missing)).toMatchObject({ verdict: 'blocked', fault: { reason: 'SecretNotFound' } });
    expect(server).toMatchObject({ enabled: true, mfaDelete: false });
    expect((await look(open, missing))?.verdict).toBe('same');
    expect(await apply(off, missing)).toEqual({ end: 'done' });
  });

  it('cannot be suspended without a code once MFA delete is on, as the server would refuse it', async () => {
    const server = serve();
    Object.assign(server, { enabled: true, mfaDelete: true });
    const view = await look({ enabled: false, mfaDelete: false }, bucketContext());
    expect(view?.verdict).toBe('unsupported');
    expect(puts()).toEqual([]);
  });

  it('is found to be ignored by a server that answers 200, while versioning is on', async () => {
    const server = serve({ obeys: false });
    await apply(guarded);
    expect(server.enabled).toBe(true);
    expect(await look(guarded)).toMatchObject({
      verdict: 'unsupported',
      message: expect.stringMatching(/ignores it/) as unknown,
    });
  });

  it('counts as switched when the answer was lost and the same code was sent again', async () => {
    const server = serve({ answersLost: 1 });
    Object.assign(server, { enabled: true });
    expect(await apply(guarded)).toEqual({ end: 'done' });
    expect(server.mfaDelete).toBe(true);
    expect(puts().length).toBeGreaterThan(1);
  });

  it('that is refused names what to check, and nothing of the Secret, though the server repeats it', async () => {
    const server = serve();
    Object.assign(server, { enabled: true });
    server.used.add(`${serial} ${code}`);
    const fault = await faultOf(apply(guarded));
    expect(fault).toMatchObject({ kind: 'waiting', reason: 'AccessDenied', retryAfterMs: 60_000 });
    expect(fault.message).toMatch(
      /the device in Secret device.*serial number and seed.*not with \[redacted\] \[redacted\]/,
    );
    expect(fault.cause).toBeUndefined();
    for (const secret of [serial, seed, code]) expect(fault.message).not.toContain(secret);
  });

  it('that only the root user may switch is unsupported for others, with the way by hand', async () => {
    bound = bindAspect(versioningWithMfa({ needsRoot: true }));
    const server = serve();
    server.used.add(`${serial} ${code}`);
    await apply(guarded);
    expect(server).toMatchObject({ enabled: true, mfaDelete: false });
    const view = await look(guarded);
    expect(view).toMatchObject({
      verdict: 'unsupported',
      message: expect.stringMatching(
        /Only the root user .* manually \(aws s3api put-bucket-versioning --mfa/,
      ) as unknown,
    });
    expect(JSON.stringify(view)).not.toContain(serial);
  });

  it('is believed where a look right after a write is too early', async () => {
    bound = bindAspect(versioningWithMfa({ isLate: true }));
    serve({ obeys: false });
    expect(await apply(guarded)).toEqual({ end: 'done' });
  });

  describe('on a bucket that is to be emptied', () => {
    const retire = (declared: Declared, bucket: BucketContext, forceDelete = true) =>
      bound.retire?.(s3(), { spec: bucketSpec({ versioning: declared, forceDelete }), bucket }, context) ??
      Promise.reject(new Error('there is nothing to undo'));

    it('is switched off first', async () => {
      const server = serve();
      Object.assign(server, { enabled: true, mfaDelete: true });
      await retire(guarded, found, false);
      expect(fake.requests).toEqual([]);
      await retire(guarded, found);
      expect(server).toMatchObject({ enabled: true, mfaDelete: false });
      await retire(guarded, found);
      expect(puts()).toHaveLength(1);
    });

    it.each([
      [
        'without a device',
        bucketContext(),
        { enabled: true, mfaDelete: true },
        'RequestRefused',
        /Set versioning\.mfaSecretRef/,
      ],
      ['without its Secret', missing, guarded, 'SecretNotFound', /Secret team-a\/device does not exist/],
    ])('holds the deletion up %s, and says so', async (_title, bucket, declared, reason, message) => {
      Object.assign(serve(), { enabled: true, mfaDelete: true });
      const fault = await faultOf(retire(declared, bucket));
      expect(fault).toMatchObject({ kind: 'waiting', reason, retryAfterMs: 60_000 });
      expect(fault.message).toMatch(/^Bucket photos cannot be emptied: it has MFA delete/);
      expect(fault.message).toMatch(message);
      expect(puts()).toEqual([]);
    });

    it('holds it up where only the root user may switch it, and the user is another', async () => {
      bound = bindAspect(versioningWithMfa({ needsRoot: true }));
      const server = serve();
      Object.assign(server, { enabled: true, mfaDelete: true });
      server.used.add(`${serial} ${code}`);
      expect(await faultOf(retire(guarded, found))).toMatchObject({
        reason: 'RequestRefused',
        message: expect.stringMatching(/The deletion waits\. .*Only the root user/) as unknown,
      });
    });

    it.each(['NotImplemented', 'AccessDenied'])(
      'is left to the emptying where it cannot be seen: %s',
      async (denial) => {
        fake.answer(() => refuse(denial === 'AccessDenied' ? 403 : 501, denial));
        await retire(guarded, found);
        expect(puts()).toEqual([]);
      },
    );
  });
});
