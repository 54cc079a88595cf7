import { describe, expect, it } from 'vitest';
import {
  isRotation,
  issuedAtMs,
  mostKeys,
  planKeys,
  type Because,
  type KeyLimits,
  type KeyMemory,
  type KeyPlan,
  type KeySight,
  type KeyWish,
} from './plan.ts';

const dayMs = 86_400_000;
const now = new Date('2026-05-05T10:00:00.000Z');
/** An instant some days from now; a negative number is in the past. */
const inDays = (days: number): string => new Date(now.getTime() + days * dayMs).toISOString();

/** `-` before an id: a disabled key. */
const keys = (...ids: readonly string[]): KeySight['keys'] =>
  ids.map((id) => ({ accessKeyId: id.replace('-', ''), isActive: !id.startsWith('-') }));
const intent = (accessKeyId?: string, at = inDays(0)): NonNullable<KeyMemory['keyIntent']> => ({
  at,
  userName: 'u',
  ...(accessKeyId === undefined ? {} : { accessKeyId }),
});
const previous = (...entries: readonly (readonly [id: string, days: number])[]): KeyPlan['previous'] =>
  entries.map(([accessKeyId, days]) => ({ accessKeyId, expiresAt: inDays(days) }));

/** A pair that nobody can read any more: so long over that no rollout holds it back. */
const lost = (id: string): KeyPlan['previous'] => previous([id, -1]);

const issue = (because: Because, rotate?: string): KeyPlan['pair'] => ({
  is: 'issue',
  because,
  answers: rotate === undefined ? {} : { rotate },
});
const keep: KeyPlan['pair'] = { is: 'keep' };
const leave = (accessKeyId: string): KeyPlan['pair'] => ({ is: 'leave', accessKeyId });

const quiet: KeyWish = { intervalMs: undefined, retentionMs: 7 * dayMs, requests: {}, isForced: false };
const every90: KeyWish = { ...quiet, intervalMs: 90 * dayMs };
const asked: KeyWish = { ...quiet, requests: { rotate: 'now' } };
/** As AWS: two keys, which the server chooses. As MinIO: we choose, and there is no limit of the server's. */
const two: KeyLimits = { now, most: 2, choosesPair: false };
const many: KeyLimits = { now, most: mostKeys, choosesPair: true };

interface Given {
  readonly inSecret?: string;
  readonly isRefused?: boolean;
  readonly keys?: KeySight['keys'];
  readonly candidate?: string;
  readonly isRollingOut?: boolean;
  readonly memory?: KeyMemory;
  readonly wish?: KeyWish;
  readonly limits?: KeyLimits;
}
interface Want {
  readonly pair: KeyPlan['pair'];
  readonly previous?: KeyPlan['previous'];
  readonly remove?: readonly string[];
  readonly foreign?: readonly string[];
  readonly retire?: readonly string[];
  readonly waits?: KeyPlan['waits'];
  readonly held?: KeyPlan['held'];
  /** Days from now. */
  readonly nextIn?: number;
}

const check = (given: Given, want: Want): void => {
  const { inSecret, isRefused = false, keys: there = [], candidate, isRollingOut = false } = given;
  const sight = { inSecret, isRefused, keys: there, candidate, isRollingOut };
  const { dueAt, ...plan } = planKeys(sight, given.memory ?? {}, given.wish ?? quiet, given.limits ?? two);
  expect(plan).toEqual({
    pair: want.pair,
    previous: want.previous ?? [],
    remove: want.remove ?? [],
    foreign: want.foreign ?? [],
    retire: want.retire ?? [],
    waits: want.waits,
    held: want.held,
    nextAt: want.nextIn === undefined ? undefined : new Date(inDays(want.nextIn)),
  });
  expect(dueAt === undefined).toBe(plan.pair.is !== 'keep' || given.wish?.intervalMs === undefined);
};

const K1 = { accessKeyId: 'K1' };
/** Issued so many days ago. */
const aged = (days: number, more: Partial<KeyMemory> = {}): KeyMemory => ({
  ...K1,
  lastRotateTime: inDays(-days),
  ...more,
});

describe('what is there, lost or refused', () => {
  it.each<[string, Given, Want]>([
    ['no user', {}, { pair: issue('first') }],
    [
      'a stray of a crash before the Secret',
      { keys: keys('K1'), memory: { keyIntent: intent() } },
      { pair: issue('first'), remove: ['K1'] },
    ],
    ['the pair in the Secret', { inSecret: 'K1', keys: keys('K1'), memory: K1 }, { pair: keep }],
    [
      'a pair that the status does not know yet',
      { inSecret: 'K2', keys: keys('K1', 'K2'), memory: K1 },
      { pair: keep, remove: ['K1'] },
    ],
    [
      'a former pair that is still valid, and a stray',
      {
        inSecret: 'K2',
        keys: keys('K1', 'K2', 'K3'),
        memory: { accessKeyId: 'K2', previousKeys: previous(['K1', 5]), keyIntent: intent() },
      },
      { pair: keep, previous: previous(['K1', 5]), remove: ['K3'], nextIn: 5 },
    ],
    ['a pair that a person disabled', { inSecret: 'K1', keys: keys('-K1'), memory: K1 }, { pair: leave('K1') }],
    ['the Secret of a pair that a person disabled lost', { keys: keys('-K1'), memory: K1 }, { pair: leave('K1') }],
    [
      'another id in the Secret, and a pair that a person disabled',
      { inSecret: 'X', keys: keys('-K1'), memory: K1 },
      { pair: leave('K1') },
    ],
    [
      'a pair that was refused, and a stray',
      { inSecret: 'K1', isRefused: true, keys: keys('K1', 'K0'), memory: { ...K1, keyIntent: intent() } },
      { pair: issue('refused'), previous: lost('K1'), remove: ['K0'], nextIn: 0 },
    ],
    [
      'a pair that was refused before the status knew it',
      { inSecret: 'K1', isRefused: true, keys: keys('K1') },
      { pair: issue('first'), remove: ['K1'] },
    ],
    [
      'the Secret lost, and a stray',
      { keys: keys('K1', 'K0'), memory: { ...K1, keyIntent: intent() } },
      { pair: issue('secretLost'), previous: lost('K1'), remove: ['K0'], nextIn: 0 },
    ],
    [
      'another id in the Secret',
      { inSecret: 'X', keys: keys('K1'), memory: K1 },
      { pair: issue('secretLost'), previous: lost('K1'), nextIn: 0 },
    ],
    ['the key lost', { inSecret: 'K1', memory: K1 }, { pair: issue('keyLost') }],
    ['Secret and key lost', { memory: K1 }, { pair: issue('secretLost') }],
    [
      'the key lost, although a clock says that it is of tomorrow',
      { inSecret: 'K1', memory: aged(-1) },
      { pair: issue('keyLost') },
    ],
    [
      'a chosen pair that is not made yet',
      { inSecret: 'K1', memory: { keyIntent: intent('K1') }, limits: many },
      { pair: { is: 'finish' } },
    ],
    [
      'a chosen pair of another intent',
      { inSecret: 'K1', memory: { keyIntent: intent('K2') }, limits: many },
      { pair: issue('first') },
    ],
    [
      'a chosen pair that was made and removed',
      { inSecret: 'K1', memory: { ...K1, keyIntent: intent('K1') }, limits: many },
      { pair: issue('keyLost') },
    ],
    [
      'an intent with an id where the server chooses',
      { inSecret: 'K1', memory: { keyIntent: intent('K1') } },
      { pair: issue('first') },
    ],
  ])('%s', (_title, given, want) => {
    check(given, want);
  });
});

describe('room for a pair that replaces a lost one', () => {
  it.each<[string, Given, Want]>([
    [
      'is made by the previous pair where two are the most, and the current one stays',
      { keys: keys('K0', 'K1'), memory: { ...K1, previousKeys: previous(['K0', 3]) } },
      { pair: issue('secretLost'), previous: lost('K1'), remove: ['K0'], nextIn: 0 },
    ],
    [
      'is there where the current pair is the one that is gone',
      { inSecret: 'K1', keys: keys('K0'), memory: { ...K1, previousKeys: previous(['K0', 3]) } },
      { pair: issue('keyLost'), previous: previous(['K0', 3]), nextIn: 3 },
    ],
    [
      'is made by the oldest of several previous pairs, whatever their order',
      {
        inSecret: 'K1',
        isRefused: true,
        keys: keys('A', 'B', 'K1'),
        memory: { ...K1, previousKeys: previous(['B', 4], ['A', 2]) },
        limits: { ...many, most: 3 },
      },
      { pair: issue('refused'), previous: [...previous(['B', 4]), ...lost('K1')], remove: ['A'], nextIn: 0 },
    ],
    [
      'costs no previous pair where a stray makes it',
      {
        keys: keys('A', 'K1', 'S'),
        memory: { ...K1, previousKeys: previous(['A', 2]), keyIntent: intent() },
        limits: { ...many, most: 3 },
      },
      { pair: issue('secretLost'), previous: [...previous(['A', 2]), ...lost('K1')], remove: ['S'], nextIn: 0 },
    ],
    [
      'is made at once when the Secret was put back to a previous pair',
      {
        inSecret: 'K0',
        keys: keys('K0', 'K1'),
        memory: { ...K1, previousKeys: previous(['K0', 3]) },
      },
      { pair: issue('secretLost'), previous: lost('K1'), remove: ['K0'], nextIn: 0 },
    ],
  ])('%s', (_title, given, want) => {
    check(given, want);
  });
});

const inUse = { inSecret: 'K1', keys: keys('K1') };

describe('a rotation', () => {
  it.each<[string, Given, Want]>([
    ['is not due a day before', { ...inUse, memory: aged(89), wish: every90 }, { pair: keep, nextIn: 1 }],
    [
      'is due after the interval, and the former pair stays valid for the retention',
      { ...inUse, memory: aged(90), wish: every90 },
      { pair: issue('due'), previous: previous(['K1', 7]), nextIn: 7 },
    ],
    [
      'is caught up once after a year of silence',
      { ...inUse, memory: aged(365), wish: every90 },
      { pair: issue('due'), previous: previous(['K1', 7]), nextIn: 7 },
    ],
    [
      'is caught up once: the pair of the catching up is new',
      {
        inSecret: 'K2',
        keys: keys('K1', 'K2'),
        memory: { accessKeyId: 'K2', lastRotateTime: inDays(0), previousKeys: previous(['K1', 7]) },
        wish: every90,
      },
      { pair: keep, previous: previous(['K1', 7]), nextIn: 7 },
    ],
    ['never happens where it is off', { ...inUse, memory: aged(4_000) }, { pair: keep }],
    [
      'is made on request whatever the age',
      { ...inUse, memory: aged(1), wish: asked },
      { pair: issue('requested', 'now'), previous: previous(['K1', 7]), nextIn: 7 },
    ],
    [
      'on request is told as such where it is due as well',
      { ...inUse, memory: aged(100), wish: { ...every90, requests: { rotate: 'now' } } },
      { pair: issue('requested', 'now'), previous: previous(['K1', 7]), nextIn: 7 },
    ],
    [
      'on request is made once',
      { ...inUse, memory: aged(1, { answeredRotateRequest: 'now' }), wish: asked },
      { pair: keep },
    ],
    [
      'on request is made again for another request',
      { ...inUse, memory: aged(1, { answeredRotateRequest: 'before' }), wish: asked },
      { pair: issue('requested', 'now'), previous: previous(['K1', 7]), nextIn: 7 },
    ],
    [
      'on an empty request is made too',
      { ...inUse, memory: aged(1), wish: { ...quiet, requests: { rotate: '' } } },
      { pair: issue('requested', ''), previous: previous(['K1', 7]), nextIn: 7 },
    ],
    ['on request is answered by the first pair', { wish: asked }, { pair: issue('first', 'now') }],
    [
      'on request is answered by the pair that replaces a lost one',
      { inSecret: 'K1', memory: K1, wish: asked },
      { pair: issue('keyLost', 'now') },
    ],
    [
      'of a disabled pair does not happen',
      { inSecret: 'K1', keys: keys('-K1'), memory: aged(100), wish: { ...every90, requests: { rotate: 'now' } } },
      { pair: leave('K1') },
    ],
    [
      'leaves the former pair no time where the retention is 0',
      { ...inUse, memory: aged(90), wish: { ...every90, retentionMs: 0 } },
      { pair: issue('due'), previous: previous(['K1', 0]), nextIn: 0 },
    ],
    [
      'waits where two are the most and the previous pair is still valid, and looks again when that expires',
      {
        inSecret: 'K1',
        keys: keys('K0', 'K1'),
        memory: aged(90, { previousKeys: previous(['K0', 2]) }),
        wish: every90,
      },
      { pair: keep, previous: previous(['K0', 2]), waits: 'due', nextIn: 2 },
    ],
    [
      'on request waits for room as well',
      {
        inSecret: 'K1',
        keys: keys('K0', 'K1'),
        memory: aged(1, { previousKeys: previous(['K0', 2]) }),
        wish: asked,
      },
      { pair: keep, previous: previous(['K0', 2]), waits: 'requested', nextIn: 2 },
    ],
    [
      'has the room of a previous pair that expires in this pass',
      {
        inSecret: 'K1',
        keys: keys('K0', 'K1'),
        memory: aged(90, { previousKeys: previous(['K0', 0]) }),
        wish: every90,
      },
      { pair: issue('due'), previous: previous(['K1', 7]), remove: ['K0'], nextIn: 7 },
    ],
    [
      'keeps several previous pairs where there is room for them',
      {
        inSecret: 'K1',
        keys: keys('K0', 'K1'),
        memory: aged(90, { previousKeys: previous(['K0', 2]) }),
        wish: every90,
        limits: many,
      },
      { pair: issue('due'), previous: previous(['K0', 2], ['K1', 7]), nextIn: 2 },
    ],
    [
      'waits at our own bound where the server has none',
      {
        inSecret: 'K1',
        keys: keys('K1', ...Array.from({ length: 9 }, (_, index) => `P${String(index)}`)),
        memory: aged(1, {
          previousKeys: previous(
            ...Array.from({ length: 9 }, (_, index) => [`P${String(index)}`, index / 2 + 1] as const),
          ),
        }),
        wish: asked,
        limits: many,
      },
      {
        pair: keep,
        previous: previous(...Array.from({ length: 9 }, (_, index) => [`P${String(index)}`, index / 2 + 1] as const)),
        waits: 'requested',
        nextIn: 1,
      },
    ],
    [
      'that a crash stopped before the Secret begins again: its pair is a stray, and the current one no former one',
      {
        inSecret: 'K1',
        keys: keys('K1', 'K2'),
        memory: aged(90, { previousKeys: previous(['K1', 7]), keyIntent: intent('K2') }),
        wish: every90,
        limits: many,
      },
      { pair: issue('due'), previous: previous(['K1', 7]), remove: ['K2'], nextIn: 7 },
    ],
    [
      'that a crash stopped after the Secret keeps the former pair, which the status named before',
      {
        inSecret: 'K2',
        keys: keys('K1', 'K2'),
        memory: aged(90, { previousKeys: previous(['K1', 7]), keyIntent: intent() }),
        wish: every90,
      },
      { pair: keep, previous: previous(['K1', 7]), nextIn: 7 },
    ],
  ])('%s', (_title, given, want) => {
    check(given, want);
  });
});

describe('a pair that was made for a rotation', () => {
  const made: Given = { inSecret: 'K1', keys: keys('K1', 'K2'), candidate: 'K2', memory: aged(90) };
  const switchTo = (because: Because, answers: KeyWish['requests'] = {}): KeyPlan['pair'] => ({
    is: 'switch',
    because,
    answers,
  });
  it.each<[string, Given, Want]>([
    [
      'takes the place of the one in the Secret, which stays valid',
      { ...made, wish: every90 },
      { pair: switchTo('due'), previous: previous(['K1', 7]), nextIn: 7 },
    ],
    [
      'does so before the server lists it',
      { ...made, keys: keys('K1'), wish: every90 },
      { pair: switchTo('due'), previous: previous(['K1', 7]), nextIn: 7 },
    ],
    ['is a stray where nobody asks for it any more', made, { pair: keep, remove: ['K2'] }],
    [
      'is a stray where the Secret was lost meanwhile',
      { keys: keys('K1', 'K2'), candidate: 'K2', memory: aged(90), wish: every90 },
      { pair: issue('secretLost'), previous: lost('K1'), remove: ['K2'], nextIn: 0 },
    ],
  ])('%s', (_title, given, want) => {
    check(given, want);
  });
});

describe('a revocation', () => {
  const revoke: KeyWish = { ...quiet, requests: { revoke: 'now' } };
  // So long ago that no rollout holds it back.
  const revoked = (...ids: readonly string[]) => previous(...ids.map((id) => [id, -1] as const));
  const issued = (because: Because): KeyPlan['pair'] => ({ is: 'issue', because, answers: { revoke: 'now' } });
  it.each<[string, Given, Want]>([
    [
      'lets no earlier pair live',
      {
        inSecret: 'K1',
        keys: keys('K0', 'K1'),
        memory: aged(1, { previousKeys: previous(['K0', 5]) }),
        wish: revoke,
        limits: many,
      },
      { pair: issued('revoked'), previous: revoked('K0', 'K1'), nextIn: 0 },
    ],
    [
      'takes the place of the oldest previous pair where two are the most',
      { inSecret: 'K1', keys: keys('K0', 'K1'), memory: aged(1, { previousKeys: previous(['K0', 5]) }), wish: revoke },
      { pair: issued('revoked'), previous: revoked('K1'), remove: ['K0'], nextIn: 0 },
    ],
    [
      'of a pair whose Secret is lost leaves no previous one either',
      { keys: keys('K0', 'K1'), memory: aged(1, { previousKeys: previous(['K0', 5]) }), wish: revoke, limits: many },
      { pair: issued('secretLost'), previous: revoked('K0', 'K1'), retire: ['K0', 'K1'], nextIn: 0 },
    ],
    [
      'removes all earlier pairs once its own is in the Secret',
      {
        inSecret: 'K1',
        keys: keys('K0', 'K1', 'K2', 'K9'),
        candidate: 'K2',
        memory: aged(1, { previousKeys: previous(['K0', 5]) }),
        wish: revoke,
        limits: many,
      },
      {
        pair: { is: 'switch', because: 'revoked', answers: { revoke: 'now' } },
        previous: revoked('K0', 'K1'),
        remove: ['K9'],
        retire: ['K0', 'K1'],
        nextIn: 0,
      },
    ],
    [
      'does so too where its pair, which we chose, was in the Secret before a crash',
      {
        inSecret: 'K2',
        keys: keys('K1'),
        memory: aged(1, { keyIntent: { ...intent('K2'), requests: { providerRevoke: 'all' } } }),
        wish: { ...quiet, requests: { providerRevoke: 'all' } },
        limits: many,
      },
      { pair: { is: 'finish' }, previous: revoked('K1'), retire: ['K1'], nextIn: 0 },
    ],
    [
      "of all keys of a Provider is one as well, and the key's own that stands is answered with it",
      { ...inUse, memory: aged(1), wish: { ...quiet, requests: { revoke: 'now', providerRevoke: 'all' } } },
      {
        pair: { is: 'issue', because: 'revoked', answers: { revoke: 'now', providerRevoke: 'all' } },
        previous: revoked('K1'),
        nextIn: 0,
      },
    ],
    [
      'of all keys of a Provider is answered once',
      {
        ...inUse,
        memory: aged(1, { answeredProviderRevokeRequest: 'all' }),
        wish: { ...quiet, requests: { providerRevoke: 'all' } },
      },
      { pair: keep },
    ],
    ['is made once', { ...inUse, memory: aged(1, { answeredRevokeRequest: 'now' }), wish: revoke }, { pair: keep }],
    [
      'is not made again after a crash between Secret and status',
      {
        inSecret: 'K2',
        keys: keys('K1', 'K2'),
        memory: aged(1, { previousKeys: previous(['K1', 0]), keyIntent: { ...intent(), requests: { revoke: 'now' } } }),
        wish: revoke,
      },
      { pair: keep, remove: ['K1'] },
    ],
  ])('%s', (_title, given, want) => {
    check(given, want);
  });
});

describe('a key that neither Secret nor status names', () => {
  const marked = (id: string, isMarked: boolean): KeySight['keys'][number] => ({
    accessKeyId: id,
    isActive: true,
    isMarked,
  });
  const current = keys('K1');
  it.each<[string, Given, Want]>([
    ["is somebody else's", { inSecret: 'K1', keys: keys('K1', 'F'), memory: K1 }, { pair: keep, foreign: ['F'] }],
    [
      'stays so when a pair is made: the status named it before',
      { inSecret: 'K1', keys: keys('K1', 'F', 'S'), memory: { ...K1, keyIntent: intent(), foreignKeys: ['F'] } },
      { pair: keep, foreign: ['F'], remove: ['S'] },
    ],
    [
      'is ours where it bears our mark',
      { inSecret: 'K1', keys: [...current, marked('S', true), marked('F', false)], memory: K1, limits: many },
      { pair: keep, foreign: ['F'], remove: ['S'] },
    ],
    [
      'without our mark is not ours, whatever was about to be made',
      {
        inSecret: 'K1',
        keys: [...current, marked('F', false)],
        memory: { ...K1, keyIntent: intent('K9') },
        limits: many,
      },
      { pair: keep, foreign: ['F'] },
    ],
    [
      'is ours where the status names it as the current one, and the Secret has its successor',
      { inSecret: 'K2', keys: keys('K1', 'K2'), memory: { ...K1, foreignKeys: ['F'] } },
      { pair: keep, remove: ['K1'] },
    ],
    [
      'goes with all others when they are revoked',
      {
        inSecret: 'K1',
        keys: keys('K1', 'F'),
        memory: { ...K1, foreignKeys: ['F'] },
        wish: { ...quiet, requests: { revoke: 'now' } },
      },
      {
        pair: { is: 'issue', because: 'revoked', answers: { revoke: 'now' } },
        previous: lost('K1'),
        remove: ['F'],
        nextIn: 0,
      },
    ],
    [
      'keeps a rotation waiting where two are the most, even one that is forced',
      { inSecret: 'K1', keys: keys('K1', 'F'), memory: aged(90), wish: { ...asked, isForced: true } },
      { pair: keep, foreign: ['F'], waits: 'requested' },
    ],
    [
      'in the Secret of an object that lost its status is used on',
      { inSecret: 'K1', keys: keys('K1') },
      { pair: keep },
    ],
  ])('%s', (_title, given, want) => {
    check(given, want);
  });
});

describe('a rollout that has not finished', () => {
  const seconds = (count: number): number => count / 86_400;
  const rolling = (...entries: readonly (readonly [id: string, days: number])[]): Given => ({
    inSecret: 'K1',
    keys: keys('K0', 'K1'),
    memory: aged(1, { previousKeys: previous(...entries) }),
    isRollingOut: true,
  });
  it.each<[string, Given, Want]>([
    [
      'changes nothing before the retention is over',
      rolling(['K0', 2]),
      { pair: keep, previous: previous(['K0', 2]), nextIn: 2 },
    ],
    [
      'keeps a previous pair beyond its retention, is looked at again soon, and says until when',
      rolling(['K0', -0.5]),
      {
        pair: keep,
        previous: previous(['K0', -0.5]),
        held: { accessKeyId: 'K0', until: inDays(0.5) },
        nextIn: seconds(30),
      },
    ],
    [
      'keeps it for a day at most',
      rolling(['K0', seconds(10) - 1]),
      {
        pair: keep,
        previous: previous(['K0', seconds(10) - 1]),
        held: { accessKeyId: 'K0', until: inDays(seconds(10)) },
        nextIn: seconds(10),
      },
    ],
    ['keeps none after that', rolling(['K0', -1]), { pair: keep, remove: ['K0'] }],
    ['that has finished keeps none', { ...rolling(['K0', -0.5]), isRollingOut: false }, { pair: keep, remove: ['K0'] }],
    [
      'keeps none that was revoked',
      {
        ...rolling(['K0', -1]),
        wish: { ...quiet, requests: { revoke: 'then' } },
        memory: aged(0, { previousKeys: previous(['K0', -1]), answeredRevokeRequest: 'then' }),
      },
      { pair: keep, remove: ['K0'] },
    ],
    [
      'does not keep a lost pair from being replaced where two are the most',
      {
        ...rolling(['K0', -0.5]),
        keys: keys('K0', 'K2'),
        inSecret: 'K9',
        memory: aged(1, { previousKeys: previous(['K0', -0.5]), keyIntent: intent() }),
      },
      {
        pair: issue('secretLost'),
        previous: previous(['K0', -0.5]),
        remove: ['K2'],
        held: { accessKeyId: 'K0', until: inDays(0.5) },
        nextIn: seconds(30),
      },
    ],
  ])('%s', (_title, given, want) => {
    check(given, want);
  });
});

describe('a forced rotation', () => {
  const full = { inSecret: 'K1', keys: keys('K0', 'K1'), memory: aged(1, { previousKeys: previous(['K0', 2]) }) };
  it('takes the place of the oldest previous pair', () => {
    check(
      { ...full, wish: { ...asked, isForced: true } },
      { pair: issue('requested', 'now'), previous: previous(['K1', 7]), remove: ['K0'], nextIn: 7 },
    );
  });
  it('that is due and was not requested waits all the same', () => {
    const due = { ...full, memory: aged(90, { previousKeys: previous(['K0', 2]) }) };
    check(
      { ...due, wish: { ...every90, isForced: true } },
      { pair: keep, previous: previous(['K0', 2]), waits: 'due', nextIn: 2 },
    );
  });
});

describe('a previous pair', () => {
  const beside = (days: number): Given => ({
    inSecret: 'K2',
    keys: keys('K1', 'K2'),
    memory: { accessKeyId: 'K2', previousKeys: previous(['K1', days]) },
  });
  it.each<[string, Given, Want]>([
    ['stays until it expires', beside(1), { pair: keep, previous: previous(['K1', 1]), nextIn: 1 }],
    ['goes when it has expired', beside(0), { pair: keep, remove: ['K1'] }],
    ['goes long after it has expired', beside(-400), { pair: keep, remove: ['K1'] }],
    [
      'goes also while a person has disabled the current one',
      { ...beside(-1), keys: keys('K1', '-K2') },
      { pair: leave('K2'), remove: ['K1'] },
    ],
    ['that is gone at the server is forgotten', { ...beside(3), keys: keys('K2') }, { pair: keep }],
    [
      'does not outlive a retention that was shortened, nor a clock that was ahead for a while',
      beside(300),
      { pair: keep, previous: previous(['K1', 7]), nextIn: 7 },
    ],
    [
      'that stands in the Secret is the current one, even if it has expired by the status',
      { inSecret: 'K1', keys: keys('K1'), memory: { ...K1, previousKeys: previous(['K1', -1]) } },
      { pair: keep },
    ],
  ])('%s', (_title, given, want) => {
    check(given, want);
  });
});

describe('a clock', () => {
  it.each<[string, Given, Want]>([
    [
      'that was ahead at the last rotation makes none: the time of issue counts as now',
      { ...inUse, memory: aged(-400), wish: every90 },
      { pair: keep, nextIn: 90 },
    ],
    [
      'that jumps over the due time rotates once, and not again from where it jumped to',
      {
        inSecret: 'K2',
        keys: keys('K1', 'K2'),
        memory: { accessKeyId: 'K2', lastRotateTime: inDays(500), previousKeys: previous(['K1', 507]) },
        wish: every90,
      },
      { pair: keep, previous: previous(['K1', 7]), nextIn: 7 },
    ],
    ['that falls back makes nothing due', { ...inUse, memory: aged(-1), wish: every90 }, { pair: keep, nextIn: 90 }],
    [
      'that nobody asked says of a pair of unknown age that it is new',
      { ...inUse, memory: K1, wish: every90 },
      { pair: keep, nextIn: 90 },
    ],
  ])('%s', (_title, given, want) => {
    check(given, want);
  });
});

/** Every combination of one value from each list. */
const combine = function* <A, B, C>(as: readonly A[], bs: readonly B[], cs: readonly C[]): Generator<[A, B, C]> {
  for (const a of as) for (const b of bs) for (const c of cs) yield [a, b, c];
};

describe('whatever is there and remembered, a plan', () => {
  const ids = ['K0', 'K1', 'K2'];
  /** Each id is absent, there, or disabled. */
  const subsets = Array.from({ length: 27 }, (_, number) =>
    ids.flatMap((id, place) => [[], [id], [`-${id}`]][Math.floor(number / 3 ** place) % 3] ?? []),
  );
  const memories = [...combine([undefined, ...ids], [undefined, ...ids], [0])].map(([current, former]): KeyMemory => ({
    ...(current === undefined ? {} : { accessKeyId: current, lastRotateTime: inDays(-91) }),
    ...(former === undefined ? {} : { previousKeys: previous([former, 3]) }),
  }));
  const sights = [...combine([undefined, ...ids, 'X'], [false, true], subsets)].map(
    ([inSecret, isRefused, there]): KeySight => ({ inSecret, isRefused, keys: keys(...there) }),
  );
  const all = [...combine(sights, memories, [...combine([quiet, every90, asked], [two, many], [0])])].map(
    ([sight, memory, [wish, limits]]) => ({
      sight,
      memory,
      limits,
      plan: planKeys(sight, memory, wish, limits),
    }),
  );

  it('never removes the current pair, nor the one that its successor has not replaced yet', () => {
    const wrong = all.filter(({ sight, memory, plan: { pair, remove } }) => {
      const isHeld = pair.is === 'keep' || (pair.is === 'issue' && isRotation(pair.because));
      return remove.includes((isHeld ? sight.inSecret : memory.accessKeyId) ?? '');
    });
    expect(wrong).toEqual([]);
    expect(all).toHaveLength(25_920);
  });

  it('never removes what it tells as still valid', () => {
    const wrong = all.filter(({ plan }) => plan.previous.some(({ accessKeyId }) => plan.remove.includes(accessKeyId)));
    expect(wrong).toEqual([]);
  });

  it('never asks for more keys than the user may have', () => {
    const wrong = all.filter(
      ({ sight, limits, plan }) =>
        plan.pair.is === 'issue' &&
        plan.foreign.length === 0 &&
        sight.keys.length - plan.remove.length + 1 > limits.most,
    );
    expect(wrong).toEqual([]);
  });
});

describe('issuedAtMs', () => {
  it.each<[string, KeyMemory, string | undefined, number | undefined]>([
    ['the current pair', aged(3), 'K1', -3],
    ['a pair that the status does not know yet', aged(3, { keyIntent: intent('K2', inDays(-1)) }), 'K2', -1],
    ['a pair of the future', aged(-3), 'K1', 0],
    ['an intent of the future', aged(3, { keyIntent: intent('K2', inDays(2)) }), 'K2', 0],
    ['nothing', {}, 'K1', undefined],
  ])('of %s', (_title, memory, inSecret, days) => {
    expect(issuedAtMs(memory, inSecret, now)).toBe(days === undefined ? undefined : now.getTime() + days * dayMs);
  });
});
