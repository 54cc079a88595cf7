import { revokedAtOnce, type Revocation } from '@operator/api';
import { providerOf } from '@operator/references/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainLate, explainRevocation, patienceMs, planRevocation, type RevocableKey } from './revocation.ts';

const start = new Date('2026-05-05T10:00:00.000Z');
const later = (ms: number): Date => new Date(start.getTime() + ms);

const keyOf = (key: string, more: Partial<RevocableKey> = {}): RevocableKey => ({
  key,
  namespace: key.slice(0, key.indexOf('/')),
  hasAnswered: false,
  heldBecause: undefined,
  unreadySince: undefined,
  ...more,
});
const many = (namespace: string, count: number, more: Partial<RevocableKey> = {}): readonly RevocableKey[] =>
  Array.from({ length: count }, (_, at) => keyOf(`${namespace}/k${String(at).padStart(3, '0')}`, more));
const answered = (keys: readonly RevocableKey[], ...names: readonly string[]): readonly RevocableKey[] =>
  keys.map((one) => (names.includes(one.key) ? { ...one, hasAnswered: true } : one));

const plan = (
  stored: Revocation | undefined,
  keys: readonly RevocableKey[],
  { now = start, request = 'now', isUsable = true }: { now?: Date; request?: string | null; isUsable?: boolean } = {},
) => planRevocation(stored, request ?? undefined, keys, { now, isUsable });
const begun = (keys: readonly RevocableKey[]): Revocation => {
  const { revocation } = plan(undefined, keys);
  if (revocation === undefined) throw new Error('nothing began');
  return revocation;
};
const turnsOf = (revocation: Revocation | undefined) => revocation?.current.map(({ accessKey }) => accessKey);

describe('a revocation of all keys of a Provider', () => {
  it('is none without the annotation', () => {
    expect(plan(undefined, many('a', 3), { request: null })).toEqual({ revocation: undefined, nextAt: undefined });
  });

  it('begins with the first few, by namespace and name', () => {
    const keys = [...many('b', 4), ...many('a', 3)];
    expect(plan(undefined, keys)).toEqual({
      revocation: {
        request: 'now',
        state: 'Running',
        startedAt: start.toISOString(),
        total: 7,
        done: 0,
        current: ['a/k000', 'a/k001', 'a/k002', 'b/k000', 'b/k001'].map((accessKey) => ({
          accessKey,
          since: start.toISOString(),
        })),
      },
      nextAt: later(patienceMs),
    });
  });

  it('goes on with the next one for each that has answered, and writes nothing while none has', () => {
    const keys = many('a', 8);
    const first = begun(keys);
    expect(plan(first, keys, { now: later(1_000) }).revocation).toEqual(first);
    const next = plan(first, answered(keys, 'a/k001', 'a/k003'), { now: later(1_000) }).revocation;
    expect(next).toMatchObject({ total: 8, done: 2 });
    expect(turnsOf(next)).toEqual(['a/k000', 'a/k002', 'a/k004', 'a/k005', 'a/k006']);
    expect(next?.current[0]?.since).toBe(start.toISOString());
    expect(next?.current[4]?.since).toBe(later(1_000).toISOString());
  });

  it('stops when the annotation is removed, goes on with the same value, and begins again with another one', () => {
    const keys = answered(many('a', 8), 'a/k000');
    const stopped = plan(begun(keys), keys, { request: null }).revocation;
    expect(stopped).toEqual({ ...begun(keys), state: 'Stopped', current: [] });
    expect(plan(stopped, keys, { request: null }).revocation).toBe(stopped);
    const resumed = plan(stopped, keys, { now: later(1_000) }).revocation;
    expect(resumed).toMatchObject({ state: 'Running', startedAt: start.toISOString(), done: 1 });
    expect(turnsOf(resumed)).toEqual(['a/k001', 'a/k002', 'a/k003', 'a/k004', 'a/k005']);
    const another = plan(stopped, many('a', 8), { now: later(1_000), request: 'again' }).revocation;
    expect(another).toMatchObject({ request: 'again', startedAt: later(1_000).toISOString(), done: 0 });
    expect(turnsOf(another)?.[0]).toBe('a/k000');
  });

  it('that has finished is left alone, whatever AccessKeys come', () => {
    const finished: Revocation = { ...begun([]), state: 'Finished', finishedAt: start.toISOString() };
    expect(plan(finished, many('a', 3))).toEqual({ revocation: finished, nextAt: undefined });
    expect(plan(finished, many('a', 3), { request: null }).revocation).toBe(finished);
  });

  it('gives nobody a turn while the Provider cannot be used', () => {
    const keys = many('a', 3);
    expect(plan(begun(keys), keys, { isUsable: false })).toMatchObject({
      revocation: { state: 'Running', current: [] },
      nextAt: undefined,
    });
  });

  it('names those that get no turn, and waits for none of them', () => {
    const keys = [
      keyOf('a/deleting', { heldBecause: 'Deleting' }),
      keyOf('a/paused', { heldBecause: 'Paused' }),
      keyOf('b/withdrawn', { heldBecause: 'NotGranted' }),
      ...many('c', 1),
    ];
    const { revocation } = plan(undefined, keys);
    expect(turnsOf(revocation)).toEqual(['c/k000']);
    expect(revocation?.held).toEqual([
      { accessKey: 'a/deleting', because: 'Deleting' },
      { accessKey: 'a/paused', because: 'Paused' },
      { accessKey: 'b/withdrawn', because: 'NotGranted' },
    ]);
    const paused = many('a', 1000, { heldBecause: 'Paused' });
    expect(plan(undefined, paused).revocation?.held).toHaveLength(20);
  });

  it('takes last those that were not Ready before it began', () => {
    const keys = [...many('a', 5, { unreadySince: later(-1_000).toISOString() }), ...many('b', 4)];
    expect(turnsOf(begun(keys))).toEqual(['b/k000', 'b/k001', 'b/k002', 'b/k003', 'a/k000']);
    const since = many('a', 1, { unreadySince: later(1_000).toISOString() });
    expect(turnsOf(plan(begun(since), since, { now: later(2_000) }).revocation)).toEqual(['a/k000']);
  });

  it('takes last the namespaces of which one did not answer in its turn', () => {
    const keys = [...many('a', 9), ...many('b', 3)];
    const { revocation, nextAt } = plan(begun(keys), keys, { now: later(patienceMs) });
    // Two of the late ones keep their turns: nobody else could use them.
    expect(turnsOf(revocation)).toEqual(['b/k000', 'b/k001', 'b/k002', 'a/k005', 'a/k006']);
    expect(revocation?.late).toEqual(['a']);
    expect(nextAt).toEqual(later(2 * patienceMs));
    const over = plan(revocation, answered(keys, 'b/k000', 'b/k001', 'b/k002'), { now: later(patienceMs + 1_000) });
    expect(turnsOf(over.revocation)).toEqual(['a/k005', 'a/k006', 'a/k007', 'a/k008', 'a/k000']);
  });

  it('leaves the turn to a late one where nobody else waits, and says nothing new of it', () => {
    const keys = many('a', 2);
    const late = plan(begun(keys), keys, { now: later(patienceMs) });
    expect(turnsOf(late.revocation)).toEqual(['a/k000', 'a/k001']);
    expect(late.nextAt).toBeUndefined();
    expect(plan(late.revocation, keys, { now: later(3 * patienceMs) })).toEqual(late);
  });
});

describe('whatever AccessKeys do', () => {
  const scene = fc.array(
    fc.record({
      namespace: fc.constantFrom('a', 'b', 'c'),
      behaviour: fc.constantFrom('answers', 'answers', 'isStuck', 'isHeld', 'wasNotReady'),
    }),
    { maxLength: 40 },
  );

  it('at most a few have a turn, each that can answer gets one, and the count never falls', () => {
    fc.assert(
      fc.property(scene, fc.integer({ min: 1, max: 1_000_000 }), (members, stepMs) => {
        let keys = members.map(({ namespace, behaviour }, at) =>
          keyOf(`${namespace}/k${String(at).padStart(3, '0')}`, {
            ...(behaviour === 'isHeld' ? { heldBecause: 'Paused' as const } : {}),
            ...(behaviour === 'wasNotReady' ? { unreadySince: later(-1).toISOString() } : {}),
          }),
        );
        const canAnswer = new Set(
          keys.filter((_, at) => !['isStuck', 'isHeld'].includes(members[at]?.behaviour ?? '')).map(({ key }) => key),
        );
        let stored: Revocation | undefined;
        let [done, nowMs] = [0, 0];
        // Each pass somebody answers, or somebody's patience ends; both come to an end.
        for (let passes = 0; passes < 300; passes += 1) {
          const { revocation, nextAt } = plan(stored, keys, { now: later(nowMs) });
          if (revocation === undefined) throw new Error('it went away');
          expect(revocation.current.length).toBeLessThanOrEqual(revokedAtOnce);
          expect(revocation.done).toBeGreaterThanOrEqual(done);
          expect(new Set(turnsOf(revocation)).size).toBe(revocation.current.length);
          done = revocation.done;
          // Nobody has a turn taken away who can answer, before its time.
          for (const { accessKey, since } of stored?.current ?? [])
            if (later(nowMs).getTime() < Date.parse(since) + patienceMs && canAnswer.has(accessKey))
              expect([
                ...(turnsOf(revocation) ?? []),
                ...keys.filter((one) => one.hasAnswered).map(({ key }) => key),
              ]).toContain(accessKey);
          stored = revocation;
          const answering = turnsOf(revocation)?.find((key) => canAnswer.has(key));
          keys =
            answering === undefined
              ? keys
              : keys.map((one) => (one.key === answering ? { ...one, hasAnswered: true } : one));
          nowMs =
            answering === undefined && nextAt !== undefined
              ? nextAt.getTime() - start.getTime()
              : nowMs + (stepMs % 1_000);
        }
        expect(done).toBe(canAnswer.size);
      }),
      { numRuns: 100 },
    );
  });
});

it('a thousand stuck keys of one namespace hold up the others for one turn', () => {
  const stuck = many('a', 1000);
  const others = many('b', 3);
  const first = begun([...stuck, ...others]);
  expect(turnsOf(first)?.every((key) => key.startsWith('a/'))).toBe(true);
  const next = plan(first, [...stuck, ...others], { now: later(patienceMs) }).revocation;
  expect(turnsOf(next)?.slice(0, 3)).toEqual(others.map(({ key }) => key));
});

describe('what an Event says', () => {
  const stored = (revocation?: Revocation) =>
    providerOf({ serverIdentity: 'http://s3.test' }, {}, revocation === undefined ? {} : { revocation });
  const running = begun(many('a', 3));
  it.each([
    ['nothing of progress', running, { ...running, done: 2 }, undefined],
    [
      'the start, and how to stop it',
      undefined,
      running,
      'RevocationStarted: Replacing the key pairs of 3 AccessKeys, 5 at a time. status.revocation says how far it is. To stop: kubectl ' +
        'annotate providers.s3.cloud37.dev provider -n team-a s3.cloud37.dev/revoke-requested-at-',
    ],
    [
      'the stop, and how to go on',
      running,
      { ...running, state: 'Stopped' as const, done: 1 },
      'RevocationStopped: Annotation s3.cloud37.dev/revoke-requested-at was removed: 1 of 3 AccessKeys have answered, the others keep ' +
        'their key pairs. To go on, set it to the value of status.revocation.request.',
    ],
    [
      'the end',
      running,
      { ...running, state: 'Finished' as const, done: 3 },
      'RevocationFinished: None of the 3 AccessKeys has a key pair from before the request any more.',
    ],
  ])('%s', (_title, former, now, want) => {
    const told = explainRevocation(stored(former), now);
    expect(told && `${told.reason}: ${told.message}`).toBe(want);
  });
});

describe('the Event of late namespaces', () => {
  const keys = [...many('a', 5), ...many('b', 2)];
  const told = (former: Revocation | undefined, now: Revocation | undefined) =>
    explainLate({ status: former === undefined ? {} : { revocation: former } }, now)?.message;

  it('names those that are late for the first time in this revocation, once', () => {
    const first = begun(keys);
    expect(told(undefined, first)).toBeUndefined();
    const late = plan(first, keys, { now: later(patienceMs) }).revocation;
    expect(late?.late).toEqual(['a']);
    expect(told(first, late)).toMatch(/^AccessKeys of namespace a did not replace their key pairs within 5 minutes/);
    expect(told(late, late)).toBeUndefined();
    expect(told(late && { ...late, request: 'before' }, late)).toBeDefined();
    expect(told(late, late && { ...late, late: ['a', 'b', 'c'] })).toContain('namespaces b, c ');
    expect(told(late, undefined)).toBeUndefined();
  });

  it('has room for ten', () => {
    const late = Array.from({ length: 12 }, (_, at) => `n${String(at)}`);
    expect(told(undefined, { ...begun(keys), late })).toContain('n9, and 2 more did not');
  });
});
