import type { AccessKeyStatus } from '@operator/api';
import type { ObservedKey } from '@operator/s3';

/** What the Secret and the server have. */
export interface KeySight {
  /** Id of the pair in the Secret; undefined where there is no whole pair of ours. */
  readonly inSecret: string | undefined;
  /** True when that pair was tried, and the server refuses it for good. */
  readonly isRefused: boolean;
  /** All keys of our user; empty where there is no user. */
  readonly keys: readonly ObservedKey[];
  /** Id of a pair that this process has made for a rotation, and that is not in the Secret yet. */
  readonly candidate?: string | undefined;
  /** True when Pods that are to be restarted may still use a former pair. */
  readonly isRollingOut?: boolean;
}

export type PreviousKey = NonNullable<AccessKeyStatus['previousKeys']>[number];

/** What the status remembers, as far as it may be believed. */
export interface KeyMemory extends Pick<
  AccessKeyStatus,
  | 'accessKeyId'
  | 'lastRotateTime'
  | 'keyIntent'
  | 'answeredRotateRequest'
  | 'answeredRevokeRequest'
  | 'answeredProviderRevokeRequest'
> {
  readonly previousKeys?: readonly PreviousKey[];
  readonly foreignKeys?: readonly string[];
}

/** Requests of a person, any text; each is answered once. */
export interface KeyRequests {
  readonly rotate?: string;
  readonly revoke?: string;
  /** The owner of the Provider asks it of all keys, and it is this one's turn. */
  readonly providerRevoke?: string;
}

/** What is asked for beyond one key pair that works. */
export interface KeyWish {
  /** Milliseconds after which a pair is replaced; undefined: never. */
  readonly intervalMs: number | undefined;
  /** Milliseconds for which a pair that was replaced by a rotation stays valid. */
  readonly retentionMs: number;
  /** What a person asks for now. */
  readonly requests: KeyRequests;
  /** True when the requested rotation may take the place of the oldest previous pair. */
  readonly isForced: boolean;
}

export interface KeyLimits {
  readonly now: Date;
  /** Keys that the user may have at once. */
  readonly most: number;
  /** True when we choose the pair, so that it can stand in the Secret before it is at the server. */
  readonly choosesPair: boolean;
}

/** Why a new pair is needed; where several are true, the first of this list. */
export type Because = 'first' | 'secretLost' | 'keyLost' | 'refused' | 'revoked' | 'requested' | 'due';

/** What is to be done about the pair in the Secret. */
export type PairPlan =
  /** It is the one to use. */
  | { readonly is: 'keep' }
  /** It stands in the Secret and must still be made at the server: only where we choose pairs. */
  | { readonly is: 'finish' }
  /** A person disabled it at the server: not for us to undo. */
  | { readonly is: 'leave'; readonly accessKeyId: string }
  | NewPair;

/**
 * Another pair than the one in the Secret. `issue`: it is to be made. `switch`: it was made for a rotation, and takes the place of the one in
 * the Secret, once it is seen to work.
 */
export interface NewPair {
  readonly is: 'issue' | 'switch';
  readonly because: Because;
  /** The requests that it answers. */
  readonly answers: KeyRequests;
}

/** True when a request asks that no earlier key works. */
export const isRevocation = ({ revoke, providerRevoke }: KeyRequests): boolean =>
  revoke !== undefined || providerRevoke !== undefined;

export const isNewPair = (pair: PairPlan): pair is NewPair => pair.is === 'issue' || pair.is === 'switch';

export interface KeyPlan {
  readonly pair: PairPlan;
  /** The former pairs that stay valid, for the status: it must name them before a new pair is in the Secret. */
  readonly previous: readonly PreviousKey[];
  /** Ids to remove at the server before a pair is made: expired ones, strays of ours, and what makes room. */
  readonly remove: readonly string[];
  /** Ids of keys that somebody else made for our user: they stay, unless all keys are revoked. */
  readonly foreign: readonly string[];
  /** Ids that a revocation removes once its pair is in the Secret: all that the user has then. */
  readonly retire: readonly string[];
  /** When time alone asks for the next step; undefined: it never does. */
  readonly nextAt: Date | undefined;
  /** Why a rotation would be made if there was room for another pair; undefined when none waits. */
  readonly waits: 'requested' | 'due' | undefined;
  /** When the current pair is to be replaced; undefined: never by time alone. */
  readonly dueAt: Date | undefined;
  /** The former pair that stays for a rollout alone, and until when at the latest. */
  readonly held: { readonly accessKeyId: string; readonly until: string } | undefined;
}

/** Milliseconds in which a server may not show or accept everywhere what it has made. */
export const propagationMs = 120_000;

/** Milliseconds that a rollout keeps a former pair beyond its retention at most. */
const longestRolloutMs = 86_400_000;

/** Milliseconds after which a rollout is looked at again. */
export const rolloutLookMs = 30_000;

/** Keys that a user has at most where the server sets no limit. */
export const mostKeys = 10;

/** True when the former pair works, so that the new one is tried before it gets into the Secret. */
export const isRotation = (because: Because): boolean =>
  because === 'revoked' || because === 'requested' || because === 'due';

/** True when this pass puts a new pair into the Secret. That of a rotation is tried first, by a later pass. */
export const isPutIntoSecret = (pair: PairPlan): pair is NewPair =>
  isNewPair(pair) && (pair.is === 'switch' || !isRotation(pair.because));

/** When the pair in the Secret was issued; undefined when nothing tells. After a crash the status does not name it yet: the intent says when it was made. */
export const issuedAt = (memory: KeyMemory, inSecret: string | undefined): string | undefined =>
  memory.accessKeyId === inSecret ? memory.lastRotateTime : memory.keyIntent?.at;

/** The same as milliseconds since the epoch. An instant in the future is a clock's error and counts as now. */
export const issuedAtMs = (memory: KeyMemory, inSecret: string | undefined, now: Date): number | undefined => {
  const instant = issuedAt(memory, inSecret);
  return instant === undefined ? undefined : Math.min(Date.parse(instant), now.getTime());
};

/**
 * Since when a key may have been made that nothing names: a pair whose making broke off, or a young one that the server does not show. As
 * long as it may still appear, the status says so by its intent, and takes it for a stray.
 */
export const unnamedSince = (
  keys: readonly ObservedKey[],
  { keyIntent, accessKeyId, lastRotateTime }: KeyMemory,
  { now, choosesPair }: Pick<KeyLimits, 'now' | 'choosesPair'>,
): string => {
  const isHidden = !choosesPair && accessKeyId !== undefined && !keys.some((key) => key.accessKeyId === accessKeyId);
  const lostAt = isHidden && isYoung(lastRotateTime, now) ? lastRotateTime : undefined;
  return keyIntent?.at ?? lostAt ?? now.toISOString();
};

/** True for an instant since which a server may not show everywhere what it has made. */
export const isYoung = (instant: string | undefined, now: Date): instant is string =>
  instant !== undefined && now.getTime() - Date.parse(instant) < propagationMs;

/** So long before now that no rollout holds back a former pair that expired then. */
const longBefore = (now: Date): string => new Date(now.getTime() - longestRolloutMs).toISOString();

/** The former pairs for the status. Those that are removed stay, as expired, until the server does not show them any more. */
export const formerPairs = (
  { previous, remove, retire = [] }: Pick<KeyPlan, 'previous' | 'remove'> & Partial<Pick<KeyPlan, 'retire'>>,
  now: Date,
): readonly PreviousKey[] => {
  const leaving = new Set([...remove, ...retire]);
  const expiresAt = longBefore(now);
  return [
    ...[...leaving].map((accessKeyId) => ({ accessKeyId, expiresAt })),
    ...previous.filter(({ accessKeyId }) => !leaving.has(accessKeyId)),
  ].slice(0, 100);
};

/**
 * Decides what becomes of a user's keys. The current pair is never removed, nor is the one before it until its successor stands
 * in the Secret. What is lost, refused or revoked is replaced at once, if need be in the place of the oldest previous pair; any other rotation
 * waits for room. Pure.
 */
export const planKeys = (sight: KeySight, memory: KeyMemory, wish: KeyWish, limits: KeyLimits): KeyPlan => {
  const held = heldPair(sight, memory);
  const current = held?.accessKeyId ?? memory.accessKeyId;
  const { valid, expired } = previousKeys(sight, memory, wish, { current, now: limits.now });
  const known = new Set([current, ...valid.map(({ accessKeyId }) => accessKeyId)]);
  const expiredIds = expired.map(({ accessKeyId }) => accessKeyId);
  const { candidate } = sight;
  const answers = unanswered(memory, held, wish);
  const isRevoked = isRevocation(answers);
  const unknown = idsOf(sight).filter((id) => !known.has(id));
  // A revocation is for every key that the user has.
  const strays = unknown.filter((id) => isRevoked || isOurs(id, sight, memory));
  const foreign = unknown.filter((id) => !strays.includes(id));
  const dueAt = dueAtMs(sight, memory, wish, limits.now);
  const plan = (
    pair: PairPlan,
    {
      previous = valid,
      remove = strays,
      waits,
    }: {
      readonly previous?: readonly PreviousKey[];
      readonly remove?: readonly string[];
      readonly waits?: KeyPlan['waits'];
    } = {},
  ): KeyPlan => ({
    pair,
    previous,
    remove,
    foreign,
    retire: endsRevocation(pair, memory) ? idsOf(sight).filter((id) => id !== candidate && !remove.includes(id)) : [],
    waits,
    nextAt: nextAt(sight, previous, pair.is === 'keep' ? dueAt : undefined, limits.now),
    held: heldBack(valid, limits.now),
    dueAt: pair.is === 'keep' && dueAt !== undefined ? new Date(dueAt) : undefined,
  });

  const disabled = sight.keys.find(({ accessKeyId, isActive }) => accessKeyId === current && !isActive);
  // Losing the Secret is no way to get a key that works again.
  if (disabled !== undefined) return plan({ is: 'leave', accessKeyId: disabled.accessKeyId }, { remove: expiredIds });
  // What is revoked waits for no rollout.
  const longAgo = longBefore(limits.now);
  const asLong = (keys: readonly PreviousKey[]): readonly PreviousKey[] =>
    isRevoked ? keys.map((key) => ({ ...key, expiresAt: longAgo })) : keys;
  if (held === undefined) {
    // The one that nobody can read any more goes once its successor is in the Secret.
    const lost = idsOf(sight)
      .filter((id) => id === memory.accessKeyId)
      .map((accessKeyId) => ({ accessKeyId, expiresAt: longAgo }));
    if (isUnfinished(sight, memory, limits))
      return plan({ is: 'finish' }, { previous: [...valid, ...lost], remove: expiredIds });
    const { previous, dropped } = withRoom(sight, valid, strays, limits);
    const pair: PairPlan = { is: 'issue', because: becauseOfLoss(sight, memory), answers };
    return plan(pair, { previous: [...asLong(previous), ...lost], remove: [...strays, ...dropped] });
  }
  const because = becauseOfTime(answers, dueAt, limits.now);
  if (because === undefined) return plan({ is: 'keep' });
  const expiresAt = new Date(limits.now.getTime() + wish.retentionMs).toISOString();
  const replaced = (before: readonly PreviousKey[]): readonly PreviousKey[] =>
    asLong([...before, { accessKeyId: held.accessKeyId, expiresAt }]);
  if (candidate !== undefined) {
    const remove = strays.filter((id) => id !== candidate);
    return plan({ is: 'switch', because, answers }, { previous: replaced(valid), remove });
  }
  const hasRoom = sight.keys.length - strays.length < limits.most;
  const makesRoom = because === 'revoked' || (because === 'requested' && wish.isForced && valid.length > 0);
  if (!hasRoom && !makesRoom) return plan({ is: 'keep' }, { waits: because });
  const { previous, dropped } = withRoom(sight, valid, strays, limits);
  return plan({ is: 'issue', because, answers }, { previous: replaced(previous), remove: [...strays, ...dropped] });
};

/** What goes while no pair may be made. */
interface Removal extends Pick<KeyPlan, 'remove' | 'previous' | 'nextAt'> {
  /** True when all keys are revoked. */
  readonly isRevoked: boolean;
}

/**
 * What is removed where no pair may be made to take its place: the former pairs whose time is over, and every key when they are revoked,
 * but for the current one that a person disabled. Pure.
 */
export const planRemoval = (sight: KeySight, memory: KeyMemory, wish: KeyWish, now: Date): Removal => {
  const held = heldPair(sight, memory);
  const current = held?.accessKeyId ?? memory.accessKeyId;
  const { valid, expired } = previousKeys(sight, memory, wish, { current, now });
  if (!isRevocation(unanswered(memory, held, wish))) {
    const remove = expired.map(({ accessKeyId }) => accessKeyId);
    return { remove, previous: valid, nextAt: nextAt(sight, valid, undefined, now), isRevoked: false };
  }
  const revoked = sight.keys.filter(({ accessKeyId, isActive }) => isActive || accessKeyId !== current);
  return { remove: revoked.map(({ accessKeyId }) => accessKeyId), previous: [], nextAt: undefined, isRevoked: true };
};

/** True when this pass puts the pair of a revocation into the Secret, or makes the one that stands there. */
const endsRevocation = (pair: PairPlan, { keyIntent }: KeyMemory): boolean => {
  if (pair.is === 'finish') return isRevocation(keyIntent?.requests ?? {});
  return isPutIntoSecret(pair) && isRevocation(pair.answers);
};

const idsOf = ({ keys }: KeySight): readonly string[] => keys.map(({ accessKeyId }) => accessKeyId);

/**
 * Whether the operator made a key that neither Secret nor status name as one to use: the status names it otherwise, it bears our mark, or it has
 * come since the status says that one was about to be made. Any other key is somebody else's.
 */
const isOurs = (id: string, { keys, inSecret, candidate }: KeySight, memory: KeyMemory): boolean => {
  const { accessKeyId = inSecret, keyIntent, previousKeys = [], foreignKeys = [] } = memory;
  const named = [candidate, accessKeyId, keyIntent?.accessKeyId, ...previousKeys.map((key) => key.accessKeyId)];
  if (named.includes(id)) return true;
  const isMarked = keys.find((key) => key.accessKeyId === id)?.isMarked;
  return isMarked ?? (keyIntent !== undefined && !foreignKeys.includes(id));
};

/** The key at the server that the Secret rightly holds. One that was replaced before is put back by somebody: the Secret was altered. */
const heldPair = ({ inSecret, isRefused, keys }: KeySight, memory: KeyMemory): ObservedKey | undefined => {
  const isFormer =
    memory.accessKeyId !== undefined &&
    memory.accessKeyId !== inSecret &&
    (memory.previousKeys ?? []).some(({ accessKeyId }) => accessKeyId === inSecret);
  if (inSecret === undefined || isRefused || isFormer) return undefined;
  return keys.find(({ accessKeyId }) => accessKeyId === inSecret);
};

/** The former pairs that are at the server, the oldest first. None outlives the retention that is asked for by now. */
const previousKeys = (
  sight: KeySight,
  memory: KeyMemory,
  { retentionMs }: KeyWish,
  { current, now }: { readonly current: string | undefined; readonly now: Date },
) => {
  const latest = new Date(now.getTime() + retentionMs).toISOString();
  const ids = new Set(idsOf(sight));
  const all = (memory.previousKeys ?? [])
    .filter(({ accessKeyId }) => accessKeyId !== current && ids.has(accessKeyId))
    .map((key) => (Date.parse(key.expiresAt) > Date.parse(latest) ? { ...key, expiresAt: latest } : key))
    .sort((a, b) => Date.parse(a.expiresAt) - Date.parse(b.expiresAt));
  const isValid = ({ expiresAt }: PreviousKey): boolean =>
    Date.parse(expiresAt) + (sight.isRollingOut === true ? longestRolloutMs : 0) > now.getTime();
  return { valid: all.filter(isValid), expired: all.filter((key) => !isValid(key)) };
};

/** A chosen pair that stands in the Secret, and was never seen at the server. */
const isUnfinished = ({ inSecret, keys }: KeySight, memory: KeyMemory, { choosesPair }: KeyLimits): boolean =>
  choosesPair &&
  inSecret !== undefined &&
  memory.keyIntent?.accessKeyId === inSecret &&
  memory.accessKeyId !== inSecret &&
  !keys.some(({ accessKeyId }) => accessKeyId === inSecret);

const becauseOfLoss = ({ inSecret, keys }: KeySight, { accessKeyId }: KeyMemory): Because => {
  if (accessKeyId === undefined) return 'first';
  if (inSecret !== accessKeyId) return 'secretLost';
  return keys.some((key) => key.accessKeyId === accessKeyId) ? 'refused' : 'keyLost';
};

/**
 * The requests for which no pair was made yet. One that the status does not name yet was made for those that stood then: a crash between
 * Secret and status must not rotate twice.
 */
const unanswered = (memory: KeyMemory, held: ObservedKey | undefined, { requests }: KeyWish): KeyRequests => {
  const { rotate, revoke, providerRevoke } = held === undefined ? {} : requestsBehind(held.accessKeyId, memory);
  const isNew = (request: string | undefined, ...answered: readonly (string | undefined)[]): request is string =>
    request !== undefined && !answered.includes(request);
  return {
    ...(isNew(requests.rotate, memory.answeredRotateRequest, rotate) ? { rotate: requests.rotate } : {}),
    ...(isNew(requests.revoke, memory.answeredRevokeRequest, revoke) ? { revoke: requests.revoke } : {}),
    ...(isNew(requests.providerRevoke, memory.answeredProviderRevokeRequest, providerRevoke)
      ? { providerRevoke: requests.providerRevoke }
      : {}),
  };
};

/** The requests for which the pair in the Secret was made, as far as they are open. */
export const requestsBehind = (inSecret: string, { accessKeyId, keyIntent }: KeyMemory): KeyRequests => {
  const isOfIntent = accessKeyId !== inSecret || keyIntent?.accessKeyId === inSecret;
  return isOfIntent ? (keyIntent?.requests ?? {}) : {};
};

const becauseOfTime = (
  answers: KeyRequests,
  dueAt: number | undefined,
  now: Date,
): 'revoked' | 'requested' | 'due' | undefined => {
  if (isRevocation(answers)) return 'revoked';
  if (answers.rotate !== undefined) return 'requested';
  return dueAt !== undefined && dueAt <= now.getTime() ? 'due' : undefined;
};

/** A pair of unknown age counts as new. */
const dueAtMs = ({ inSecret }: KeySight, memory: KeyMemory, { intervalMs }: KeyWish, now: Date): number | undefined =>
  intervalMs === undefined ? undefined : (issuedAtMs(memory, inSecret, now) ?? now.getTime()) + intervalMs;

/** Drops the oldest previous pairs where the server would refuse another key. */
const withRoom = (
  { keys }: KeySight,
  valid: readonly PreviousKey[],
  strays: readonly string[],
  { most }: KeyLimits,
): { readonly previous: readonly PreviousKey[]; readonly dropped: readonly string[] } => {
  const tooMany = Math.max(0, keys.length - strays.length + 1 - most);
  return {
    previous: valid.slice(tooMany),
    dropped: valid.slice(0, tooMany).map(({ accessKeyId }) => accessKeyId),
  };
};

/** The oldest former pair whose time is over; only a rollout keeps one. */
const heldBack = (previous: readonly PreviousKey[], now: Date): KeyPlan['held'] => {
  const [oldest] = previous;
  if (oldest === undefined || Date.parse(oldest.expiresAt) > now.getTime()) return undefined;
  return {
    accessKeyId: oldest.accessKeyId,
    until: new Date(Date.parse(oldest.expiresAt) + longestRolloutMs).toISOString(),
  };
};

const nextAt = (
  { isRollingOut = false }: KeySight,
  previous: readonly PreviousKey[],
  dueAt: number | undefined,
  now: Date,
): Date | undefined => {
  const instants = previous.map(({ expiresAt }) => {
    const at = Date.parse(expiresAt);
    // One that a rollout holds back: nothing tells when that has finished.
    if (at > now.getTime() || !isRollingOut) return Math.max(at, now.getTime());
    return Math.min(at + longestRolloutMs, now.getTime() + rolloutLookMs);
  });
  // A rotation that waits for room is due already: the next previous pair that expires makes it.
  if (dueAt !== undefined && dueAt > now.getTime()) instants.push(dueAt);
  return instants.length === 0 ? undefined : new Date(Math.min(...instants));
};
