import { bucketFeatures, isFeatureOff, type BucketFeature, type BucketSpec } from '@operator/api';
import { terminal, transient, waiting } from '@operator/outcome';
import { bucketContext, bucketSpec, recordingContext } from '@operator/testing';
import { declarationsWith, surroundings } from '@operator/testing/declarations';
import { describe, expect, it } from 'vitest';
import type { Aspect, BucketWire, UnsupportedFeatures } from './aspect.ts';
import { bindAspect } from './bind-aspect.ts';
import { lookAtFeatures } from './features.ts';
import type { Driver } from './driver.ts';
import { tagging } from './aspects/tagging.ts';
import { versioning, type VersioningWant } from './aspects/versioning.ts';

const s3 = { bucket: 'photos', wire: { lacks: () => false } } as unknown as BucketWire;
const lacks = (code = 'NotImplemented') =>
  terminal('Unsupported', 'the server lacks it', { cause: { name: code, $metadata: { httpStatusCode: 501 } } });
const spec = (enabled: boolean, mfaDelete = false) => bucketSpec({ versioning: { enabled, mfaDelete } });

/** Versioning on a server that is only a variable. */
const serverWith = (start: VersioningWant, refuses?: (to: VersioningWant) => Error | undefined) => {
  const server = { state: start, reads: 0, writes: 0 };
  const aspect: Aspect<VersioningWant> = {
    ...versioning,
    read: async () => {
      server.reads += 1;
      return server.state;
    },
    write: async (_s3, to) => {
      server.writes += 1;
      const refusal = refuses?.(to);
      if (refusal) throw refusal;
      server.state = to;
    },
  };
  return { server, bound: bindAspect(aspect) };
};
const off = { enabled: false, mfaDelete: false };
const look = (bound: ReturnType<typeof bindAspect>, wanted: BucketSpec, unsupported: UnsupportedFeatures = new Map()) =>
  bound.look(wanted, bucketContext(), s3, unsupported, recordingContext());

describe('a bound aspect', () => {
  it('reads nothing when the spec is silent', async () => {
    const { server, bound } = serverWith(off);
    expect(await look(bound, bucketSpec())).toBeUndefined();
    expect(server.reads).toBe(0);
  });

  it('finds the gap, closes it in one step, and then finds none', async () => {
    const { bound } = serverWith(off);
    const view = await look(bound, spec(true));
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    await view.step.apply(recordingContext());
    expect(await look(bound, spec(true))).toEqual({ aspect: 'versioning', verdict: 'same' });
  });

  it('brings the rest about before it says that a part is unsupported', async () => {
    const { server, bound } = serverWith(off);
    const unsupported = new Map([['mfaDelete', 'not here']] as const);
    const view = await look(bound, spec(true, true), unsupported);
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    await view.step.apply(recordingContext());
    expect(server.state).toEqual({ enabled: true, mfaDelete: false });
    expect(await look(bound, spec(true, true), unsupported)).toEqual({
      aspect: 'versioning',
      verdict: 'unsupported',
      message: 'not here',
    });
    expect(server.writes).toBe(1);
  });

  it('remembers refusals of ten thousand buckets at most, the latest', async () => {
    const { server, bound } = serverWith(off, () => lacks());
    const lookAt = (bucket: string) =>
      bound.look(spec(true), bucketContext(), { ...s3, bucket }, new Map(), recordingContext());
    for (let count = 0; count <= 10_000; count += 1) {
      const view = await lookAt(`b-${String(count)}`);
      if (view?.verdict === 'different') await view.step.apply(recordingContext());
    }
    expect(server.writes).toBe(10_001);
    expect(await lookAt('b-10000')).toMatchObject({ verdict: 'unsupported' });
    expect(await lookAt('b-1')).toMatchObject({ verdict: 'unsupported' });
    expect(await lookAt('b-0')).toMatchObject({ verdict: 'different' });
  });

  it('is content when somebody else has set the part that the driver cannot set', async () => {
    const { bound } = serverWith({ enabled: true, mfaDelete: true });
    const view = await look(bound, spec(true, true), new Map([['mfaDelete', 'not here']] as const));
    expect(view?.verdict).toBe('same');
  });

  it('says unsupported without a read when the driver knows that the server lacks the feature', async () => {
    const { server, bound } = serverWith(off);
    const view = await look(bound, spec(true), new Map([['versioning', 'no such thing']] as const));
    expect(view).toEqual({ aspect: 'versioning', verdict: 'unsupported', message: 'no such thing' });
    expect(server.reads).toBe(0);
  });

  it('says unsupported when the server refuses the read, and nothing when the wish was its absence', async () => {
    const bound = bindAspect({ ...versioning, read: () => Promise.reject(lacks()) });
    expect((await look(bound, spec(true)))?.verdict).toBe('unsupported');
    expect(await look(bound, spec(false))).toBeUndefined();
  });

  it('remembers a refused write for that declaration, so that it is told and not repeated', async () => {
    const { server, bound } = serverWith(off, ({ enabled }) => (enabled ? lacks() : undefined));
    const view = await look(bound, spec(true));
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    await view.step.apply(recordingContext());
    expect(await look(bound, spec(true))).toMatchObject({ verdict: 'unsupported', message: 'the server lacks it' });
    expect(server.writes).toBe(1);
    expect((await look(bound, spec(false)))?.verdict).toBe('same');
  });

  it('says that what is on stays on, where the spec wants it off and the server refuses that', async () => {
    const { server, bound } = serverWith({ enabled: true, mfaDelete: false }, () => lacks('MethodNotAllowed'));
    const view = await look(bound, spec(false));
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    expect(await view.step.apply(recordingContext())).toEqual({ end: 'refused', message: 'the server lacks it' });
    expect(await look(bound, spec(false))).toEqual({
      aspect: 'versioning',
      verdict: 'unsupported',
      message: 'the server lacks it',
    });
    expect(server.writes).toBe(1);
  });

  it('says nothing of a refused write where the spec is silent', async () => {
    const bound = bindAspect({
      ...tagging,
      read: async () => new Map<string, string>(),
      write: () => Promise.reject(lacks()),
    });
    const view = await look(bound, bucketSpec());
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    await view.step.apply(recordingContext());
    expect(await look(bound, bucketSpec())).toBeUndefined();
  });

  it('tries a refused write again an hour later: the server may have got what it lacked', async () => {
    const { bound } = serverWith(off, () => lacks());
    const at = (now: string) =>
      bound.look(spec(true), bucketContext(), s3, new Map(), { ...recordingContext(), now: new Date(now) });
    const refused = await at('2026-05-05T10:00:00Z');
    if (refused?.verdict !== 'different') throw new Error('there is a step');
    await refused.step.apply({ ...recordingContext(), now: new Date('2026-05-05T10:00:00Z') });
    expect(await at('2026-05-05T10:59:00Z')).toMatchObject({ verdict: 'unsupported' });
    expect(await at('2026-05-05T11:00:00Z')).toMatchObject({ verdict: 'different' });
  });

  it('does not remember a refusal that may be that of a proxy, and tries again', async () => {
    let isProxyInTheWay = true;
    const { server, bound } = serverWith(off, () => (isProxyInTheWay ? lacks('UnknownError') : undefined));
    const view = await look(bound, spec(true));
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    await expect(view.step.apply(recordingContext())).rejects.toMatchObject({
      kind: 'waiting',
      reason: 'RequestRefused',
    });
    isProxyInTheWay = false;
    const again = await look(bound, spec(true));
    if (again?.verdict !== 'different') throw new Error('expected the same gap');
    await again.step.apply(recordingContext());
    expect(server.state.enabled).toBe(true);
  });

  it('is blocked by an answer that is about its own call, and throws what concerns the whole bucket', async () => {
    const denied = waiting('AccessDenied', 'no right');
    expect(await look(bindAspect({ ...versioning, read: () => Promise.reject(denied) }), spec(true))).toEqual({
      aspect: 'versioning',
      verdict: 'blocked',
      fault: denied,
    });
    const gone = waiting('BucketMissing', 'gone');
    await expect(look(bindAspect({ ...versioning, read: () => Promise.reject(gone) }), spec(true))).rejects.toBe(gone);
  });

  it('is blocked by whatever fails where it alone is read', async () => {
    const unreachable = transient('EndpointUnreachable', 'no answer');
    const bound = bindAspect({ ...versioning, isApart: true, read: () => Promise.reject(unreachable) });
    expect(await look(bound, spec(true))).toEqual({ aspect: 'versioning', verdict: 'blocked', fault: unreachable });
  });

  it('does not ask again for what the server is known to lack', async () => {
    let reads = 0;
    let isKnown = false;
    const wire = { lacks: (operation: string) => isKnown && operation === 'GetBucketVersioning' };
    const bound = bindAspect({
      ...versioning,
      read: () => {
        reads += 1;
        return Promise.reject(lacks());
      },
    });
    const at = { ...s3, wire } as unknown as BucketWire;
    const ask = () => bound.look(spec(true), bucketContext(), at, new Map(), recordingContext());
    expect(await ask()).toMatchObject({ verdict: 'unsupported' });
    isKnown = true;
    expect(await ask()).toMatchObject({ verdict: 'unsupported', message: 'the server lacks it' });
    expect(reads).toBe(1);
    isKnown = false;
    await ask();
    expect(reads).toBe(2);
  });

  it('throws every other Fault of a write', async () => {
    const { bound } = serverWith(off, () => transient('Throttled', 'slow down'));
    const view = await look(bound, spec(true));
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    await expect(view.step.apply(recordingContext())).rejects.toMatchObject({ reason: 'Throttled' });
  });

  it('says nothing about the mark on a server without tags', async () => {
    const bound = bindAspect({ ...tagging, read: () => Promise.reject(lacks()) });
    expect(await look(bound, bucketSpec())).toBeUndefined();
    expect((await look(bound, bucketSpec({ tagging: { tags: { team: 'a' } } })))?.verdict).toBe('unsupported');
  });

  it.each([
    ['Supported', 'that shows content', () => Promise.resolve({ ...off, enabled: true })],
    ['Unknown', 'that shows nothing', () => Promise.resolve(off)],
    ['Unsupported', 'that the server does not have', () => Promise.reject(lacks())],
    ['Unknown', 'that failed', () => Promise.reject(transient('Throttled', 'slow down'))],
  ] as const)('is found to be %s by a read %s', async (support, _what, read) => {
    expect(await bindAspect({ ...versioning, read }).probe(s3, recordingContext())).toBe(support);
  });
});

describe('a part that the server takes and does not keep', () => {
  const lost = new Map([['mfaDelete', 'not kept']] as const);
  /** Versioning on a server that answers 200 to MFA delete and ignores it. */
  const forgetful = () => {
    const { server } = serverWith(off);
    const bound = bindAspect<VersioningWant, VersioningWant, VersioningWant>({
      ...versioning,
      read: async () => server.state,
      write: async (_s3, to) => {
        server.writes += 1;
        server.state = { ...to, mfaDelete: false };
        return to.mfaDelete ? { lost, note: 'a note' } : undefined;
      },
    });
    return { server, bound };
  };
  const at = (bound: ReturnType<typeof bindAspect>, now = '2026-05-05T10:00:00Z') => {
    const context = recordingContext({ now: new Date(now) });
    return {
      look: (wanted: BucketSpec) => bound.look(wanted, bucketContext(), s3, new Map(), context),
      apply: async (wanted: BucketSpec) => {
        const view = await bound.look(wanted, bucketContext(), s3, new Map(), context);
        return view?.verdict === 'different' ? view.step.apply(context) : view?.verdict;
      },
    };
  };

  it('is unsupported after one write, and the rest is in place and is kept so', async () => {
    const { server, bound } = forgetful();
    const { look: see, apply } = at(bound);
    expect(await apply(spec(true, true))).toEqual({ end: 'done', note: 'a note' });
    expect(await see(spec(true, true))).toMatchObject({ verdict: 'unsupported', message: 'not kept' });
    expect(server).toMatchObject({ state: { enabled: true }, writes: 1 });
    server.state = off;
    expect(await apply(spec(true, true))).toEqual({ end: 'done' });
    expect(await see(spec(true, true))).toMatchObject({ verdict: 'unsupported', message: 'not kept' });
    expect(await see(spec(true))).toMatchObject({ verdict: 'same' });
  });

  it('was not done when nothing else was to be written', async () => {
    const { bound } = forgetful();
    const { apply } = at(bound);
    await apply(spec(true));
    expect(await apply(spec(true, true))).toEqual({ end: 'refused', message: 'not kept' });
    expect(await apply(spec(true, true))).toBe('unsupported');
  });

  it('is tried again an hour later', async () => {
    const { server, bound } = forgetful();
    await at(bound).apply(spec(true, true));
    expect(await at(bound, '2026-05-05T10:59:00Z').apply(spec(true, true))).toBe('unsupported');
    expect(await at(bound, '2026-05-05T11:00:00Z').apply(spec(true, true))).toMatchObject({ end: 'refused' });
    expect(server.writes).toBe(2);
  });
});

describe('what a server can do is learned by writes', () => {
  const closing = async (bound: ReturnType<typeof bindAspect>) => {
    const view = await look(bound, spec(true));
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    return view.step.apply(recordingContext());
  };

  it('that it carried out', async () => {
    const { server, bound } = serverWith(off);
    expect(await closing(bound)).toEqual({ end: 'done' });
    server.state = off;
    expect(await bound.probe(s3, recordingContext())).toBe('Supported');
  });

  it('that it refused although it answers the read', async () => {
    const { bound } = serverWith(off, () => lacks());
    expect(await closing(bound)).toEqual({ end: 'refused', message: 'the server lacks it' });
    expect(await bound.probe(s3, recordingContext())).toBe('Unsupported');
  });

  it('unless it carried out the same for another bucket', async () => {
    const { server, bound } = serverWith(off, ({ enabled }) => (server.writes > 1 && enabled ? lacks() : undefined));
    await closing(bound);
    server.state = off;
    expect(await closing(bound)).toMatchObject({ end: 'refused' });
    expect(await bound.probe(s3, recordingContext())).toBe('Supported');
  });
});

/** A feature declared on and declared off, from the table of declarations. */
const declarationOf = (feature: BucketFeature): readonly [unknown, unknown] => {
  const declared = declarationsWith(surroundings.moto).find((one) => one.feature === feature);
  if (declared === undefined) throw new Error(`libs/testing/src/declarations.ts has no entry for ${feature}`);
  return [declared.full, declared.none];
};

it('features are looked at in the one order that is stated, however a driver lists them', async () => {
  const names = [...bucketFeatures].reverse();
  const aspects = names.map((name) => bindAspect({ ...versioning, name, desired: () => off, read: async () => off }));
  const driver = { aspects, unsupported: new Map() } as unknown as Driver;
  const found = await lookAtFeatures(driver, bucketSpec(), bucketContext(), s3, recordingContext());
  expect(found.map(({ aspect }) => aspect)).toEqual(bucketFeatures);
});

describe.each(bucketFeatures)('the feature %s', (feature) => {
  const [on, none] = declarationOf(feature);
  const declared = bucketSpec({ [feature]: on });
  const emptied = bucketSpec({ [feature]: none });
  const driverLacking = (unsupported: UnsupportedFeatures) => ({ aspects: [], unsupported }) as unknown as Driver;
  const views = (wanted: BucketSpec, unsupported: UnsupportedFeatures) =>
    lookAtFeatures(driverLacking(unsupported), wanted, bucketContext(), s3, recordingContext());

  it('is told apart, declared on and declared off', () => {
    expect([
      isFeatureOff(feature, bucketSpec()),
      isFeatureOff(feature, emptied),
      isFeatureOff(feature, declared),
    ]).toEqual([true, true, false]);
  });

  it('without an aspect is said to be unsupported, in either declaration', async () => {
    for (const wanted of [declared, emptied]) {
      expect(await views(wanted, new Map())).toMatchObject([{ aspect: feature, verdict: 'unsupported' }]);
    }
    expect(await views(bucketSpec(), new Map())).toEqual([]);
  });

  it('that the server lacks is unsupported when declared on, and fulfilled when declared off', async () => {
    const unsupported = new Map([[feature, 'not here']]);
    expect(await views(declared, unsupported)).toEqual([
      { aspect: feature, verdict: 'unsupported', message: 'not here' },
    ]);
    expect(await views(emptied, unsupported)).toEqual([]);
  });
});
