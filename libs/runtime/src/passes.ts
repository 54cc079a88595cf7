import { reasons } from '@operator/api';
import { Fault, blocked } from '@operator/outcome';
import { isPaused, ownResyncMs } from './annotations.ts';
import type { ControllerDeps, Turn } from './controller-deps.ts';
import type { Custody } from './custody.ts';
import type { DriftLoops, Progress } from './drift-loop.ts';
import { finalize } from './finalizing.ts';
import { addFinalizer, hasFinalizer } from './finalizer.ts';
import { isKubeError, objectChanged } from './kube-error.ts';
import { lendPass } from './lent-pass.ts';
import { createLiveProof, learnFrom, provenGone } from './live-proof.ts';
import { type Ended, type PassResult, scheduleNext } from './next-attempt.ts';
import { type Notices, isDrift, pausedClaim, pausedMessage } from './notices.ts';
import { isAway } from './outage.ts';
import { faultOf } from './pass-fault.ts';
import { type KubeObject, type ObjectKey, keyOf, ownStatus } from './resource.ts';
import { pausedStatus, readyOf, statusOf } from './status.ts';
import type { Resting } from './resting.ts';
import type { StatusStore } from './status-store.ts';
import type { Span } from './tracing.ts';
import type { Vanished } from './vanished.ts';
import type { Cause } from './wakes.ts';

/** What every pass of one controller shares. */
export interface Rooms<Spec, Status> {
  readonly deps: ControllerDeps<Spec, Status>;
  readonly custody: Custody<Spec, Status>;
  readonly vanished: Vanished<KubeObject<Spec, Status>>;
  readonly statuses: StatusStore<Spec, Status>;
  readonly notices: Notices;
  readonly driftLoops: DriftLoops;
  readonly resting: Resting;
  /** Passes of one deletion so far, by uid. */
  readonly deletions: Map<string, number>;
  /** Objects that were being deleted with the definition of their kind, by uid: that cannot be taken back. */
  readonly leaving: Set<string>;
  /** Failed passes in a row, by key, whatever they failed by. */
  readonly failures: Map<ObjectKey, number>;
}

/** One pass over what has this key now, or vanished under it; what comes of it is in the queue when it ends. Never throws. */
export const passOver = async <Spec, Status>(
  rooms: Rooms<Spec, Status>,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<PassResult> => {
  const { log } = rooms.deps;
  return openTurn(rooms, key, signal).catch((caught: unknown) =>
    conclude(rooms, key, endedBy(rooms, caught, { key, signal }), { log: log.child({ resource: key }) }),
  );
};

/** What comes of a pass: its place in the queue, and what the log and its span say of it. */
const conclude = <Spec, Status>(
  { deps, failures, notices }: Rooms<Spec, Status>,
  key: ObjectKey,
  ended: Ended,
  { log, span }: { readonly log: Turn['log']; readonly span?: Span },
): PassResult => {
  const { result, inMs } = scheduleNext(deps.queue, key, ended, deps.random);
  span?.set({ outcome: result });
  if (ended.how !== 'blocked' && ended.how !== 'failed') {
    failures.delete(key);
    return result;
  }
  const attempt = (failures.get(key) ?? 0) + 1;
  failures.set(key, attempt);
  notices.tellFailed(ended, { attempt, nextTryMs: inMs }, log);
  if (result !== 'conflict' && result !== 'aborted') failSpan(ended, span);
  return result;
};

const failSpan = (ended: Extract<Ended, { readonly how: 'blocked' | 'failed' }>, span: Span | undefined): void => {
  const caught = ended.how === 'blocked' ? ended.fault : ended.caught;
  const isKnown = caught instanceof Fault || isKubeError(caught);
  span?.set({ reason: isKnown ? caught.reason : reasons.InternalError });
  span?.fail(caught);
};

const openTurn = async <Spec, Status>(
  rooms: Rooms<Spec, Status>,
  given: ObjectKey,
  signal: AbortSignal,
): Promise<PassResult> => {
  const { deps, vanished } = rooms;
  const cause = deps.takeCause?.(given);
  const living = deps.informer.get(given);
  const object = living ?? vanished.get(given);
  if (object === undefined) return conclude(rooms, given, { how: 'idle' }, { log: deps.log });
  const key = keyOf(object);
  const { uid } = object.metadata;
  const provider = deps.reconciler.providerOf(object);
  const attributes = {
    'k8s.object': key,
    'k8s.uid': uid,
    ...(provider === undefined ? {} : { provider }),
    ...(cause === undefined ? {} : causeAttributes(cause)),
  };
  return deps.tracing.root(`reconcile ${deps.resource.kind}`, attributes, async (span) => {
    const bindings = { resource: key, uid, provider, traceId: span.traceId };
    const log = deps.log.child(cause === undefined ? bindings : { ...bindings, cause });
    const proof = living === undefined ? provenGone(key) : createLiveProof(deps, living, { key, log, signal });
    const turn: Turn = { key, log, signal, now: deps.clock.now(), isStored: living !== undefined, proof, cause };
    const ended = await attend(rooms, object, turn).catch((caught: unknown) => endedBy(rooms, caught, turn));
    return conclude(rooms, given, ended, { log, span });
  });
};

const attend = async <Spec, Status>(
  rooms: Rooms<Spec, Status>,
  object: KubeObject<Spec, Status>,
  turn: Turn,
): Promise<Ended> => {
  if (!turn.isStored && (await isOnlyUnseen(rooms, object, turn))) return { how: 'idle' };
  rooms.notices.tellAnnotations(object, turn.log);
  // Nobody can end the pause of an object that is gone.
  const mayPause = turn.isStored || rooms.deps.keepsWhenStripped === true;
  if (mayPause && isPaused(object)) return attendPaused(rooms, object, turn);
  rooms.notices.endPause(object.metadata.uid);
  if (object.metadata.deletionTimestamp === undefined) return reconcile(rooms, object, turn);
  // Ours is on it also when its removal was tried and failed.
  const isLeft = hasFinalizer(object, rooms.deps.finalizer) || rooms.custody.isHeld(object);
  return !turn.isStored || isLeft ? finalize(rooms, object, turn) : { how: 'idle' };
};

/**
 * True when the object lives, and only left what this process watches; or when another one has its name, which may have what the former
 * had.
 */
const isOnlyUnseen = async <Spec, Status>(
  { deps, vanished }: Rooms<Spec, Status>,
  object: KubeObject<Spec, Status>,
  { log, signal }: Turn,
): Promise<boolean> => {
  const { name, namespace } = object.metadata;
  const live = await deps.kube.get(deps.resource, { name, namespace }, { signal });
  const isUnseen = live !== undefined && (deps.isBoundToUid !== true || live.metadata.uid === object.metadata.uid);
  if (isUnseen) vanished.end(object);
  else log.warn({ event: 'vanished' }, 'the object went without waiting for its finalizer; undoing the external work');
  return isUnseen;
};

/** A pause does not stop what is not its object's owner's to decide. */
const attendPaused = async <Spec, Status>(
  rooms: Rooms<Spec, Status>,
  object: KubeObject<Spec, Status>,
  turn: Turn,
): Promise<Ended> => {
  const { deps, statuses } = rooms;
  const pass = lendPass(deps, statuses, object, object, turn);
  const fault = await deps.reconciler.whilePaused?.(object, pass.lent).then(
    () => undefined,
    (caught: unknown) => faultOf(caught, turn),
  );
  requireTellable(turn, { result: 'paused' });
  const stored = pass.stored();
  const ended = await pause(rooms, stored, turn, stored !== object);
  return fault === undefined ? ended : { how: 'blocked', fault, resyncMs: resyncMsOf(rooms, object) };
};

const pause = async <Spec, Status>(
  { deps, statuses, notices }: Rooms<Spec, Status>,
  object: KubeObject<Spec, Status>,
  turn: Turn,
  hasChanged: boolean,
): Promise<Ended> => {
  notices.tellPaused(object, pausedMessage, turn.log);
  // What was found before the pause stays told, as long as it is still asked for and so; else it says why nothing comes of it.
  const { generation, deletionTimestamp } = object.metadata;
  const isAsTold = object.status?.observedGeneration === generation && deletionTimestamp === undefined;
  const verdict = { result: 'progressing', reason: reasons.Paused, message: pausedMessage } as const;
  const status =
    hasChanged || readyOf(object) === undefined || !isAsTold
      ? statusOf(object, ownStatus(object), { claims: [pausedClaim], verdict, now: turn.now }, deps)
      : pausedStatus(object, pausedClaim, turn.now);
  await statuses.write({ stored: object, from: ownStatus(object) }, status, verdict, turn);
  return { how: 'paused' };
};

const reconcile = async <Spec, Status>(
  rooms: Rooms<Spec, Status>,
  given: KubeObject<Spec, Status>,
  turn: Turn,
): Promise<Ended> => {
  const { deps, statuses } = rooms;
  const { kube, resource, finalizer, informer } = deps;
  const { log, signal, now } = turn;
  let object = given;
  if (!hasFinalizer(object, finalizer)) {
    object = await addFinalizer(kube, resource, object, finalizer, { signal }).catch(learnFrom(turn.proof));
    turn.proof.compare(object);
    informer.remember(object);
  }
  // A write is followed by another look: at once, and then only what that one saw is stored, unless something bids to wait.
  let seen = await look(rooms, object, object, turn);
  if (seen.outcome.result === 'progressing' && seen.progress?.claim === undefined && !seen.outcome.retryAfterMs) {
    const { stored, status } = seen;
    signal.throwIfAborted();
    seen = await look(rooms, { ...stored, status }, stored, { ...turn, now: deps.clock.now() });
  }
  const { outcome, progress, stored, status } = seen;
  await statuses.write({ stored, from: ownStatus(stored) }, status, outcome, turn);
  const withinMs = rooms.notices.tellWithheld(stored, outcome, turn) ?? Infinity;
  if (outcome.result === 'settled') rooms.notices.tellWarnings(stored, outcome.warnings ?? [], log);
  if (outcome.result === 'progressing') {
    const { claim, delayMs = 0 } = progress ?? {};
    return { how: 'progressing', delayMs: claim === undefined ? (outcome.retryAfterMs ?? delayMs) : delayMs };
  }
  if (outcome.result === 'blocked') {
    const { fault, dueInMs = Infinity } = outcome;
    return { how: 'blocked', fault, resyncMs: resyncMsOf(rooms, stored), withinMs: Math.min(withinMs, dueInMs) };
  }
  const inMs = Math.min(
    outcome.dueInMs ?? Infinity,
    rooms.resting.nextLookMs({ ...stored, status }, outcome.resyncAfterMs),
  );
  deps.metrics.pausing(resource.kind, inMs / 1_000);
  const ms = deps.clock.now().getTime() - now.getTime();
  log.debug({ event: 'pass', reason: 'Settled', ms, nextLookMs: Math.round(inMs) }, 'settled');
  return { how: 'settled', inMs };
};

/**
 * One look at the outside, with the writes that it asks for, and the status that tells it. `object`: with what is known;
 * `stored`: as the API server has it. Returns that as it is then, for the reconciler may record.
 */
const look = async <Spec, Status>(
  rooms: Rooms<Spec, Status>,
  object: KubeObject<Spec, Status>,
  stored: KubeObject<Spec, Status>,
  turn: Turn,
) => {
  const { deps, driftLoops, notices } = rooms;
  const { key, log } = turn;
  const pass = lendPass(deps, rooms.statuses, object, stored, turn);
  const outcome = await deps.reconciler
    .reconcile(object, pass.lent)
    .catch((caught: unknown) => blocked(ownStatus(pass.current()), faultOf(caught, turn)));
  requireTellable(turn, outcome);
  const current = pass.current();
  const { uid, generation } = current.metadata;
  if (outcome.result !== 'settled') rooms.resting.stirred(key);
  let progress: Progress | undefined;
  if (outcome.result === 'progressing') {
    const { reason, steps } = outcome;
    if (steps.length > 0 && isDrift(deps, current, { reason, steps, cause: turn.cause })) {
      await turn.proof.prove();
      notices.tellDrift(current, steps, log);
    }
    progress = driftLoops.progressed({ key, uid, generation }, outcome.steps);
    log.info({ event: 'pass', reason: outcome.reason, steps: outcome.steps }, outcome.message);
  }
  if (outcome.result === 'settled') driftLoops.settled(key);
  const claims = [
    ...(progress?.claim === undefined ? [] : [progress.claim]),
    ...outcome.claims,
    ...(outcome.result === 'blocked' ? deps.reconciler.claimsOf(outcome.fault, current) : []),
  ];
  // As stored: times move with what is seen of an object, and not with what stood between two looks of one pass.
  const status = statusOf(pass.stored(), outcome.status, { claims, verdict: outcome, now: turn.now }, deps);
  return { outcome, progress, status, stored: pass.stored() };
};

/**
 * Whatever a reconciler made of the Fault. @throws Fault `transient` ObjectChanged when what the pass saw has proven not to be true,
 * KubernetesUnavailable when the API server alone was in the way
 */
export const requireTellable = (
  { key, proof }: Turn,
  outcome: { readonly result: string; readonly fault?: Fault },
): void => {
  if (proof.isRefuted()) throw objectChanged(key);
  const unanswered = proof.unanswered() ?? outcome.fault;
  if (unanswered !== undefined && isAway(unanswered)) throw unanswered;
};

/** Milliseconds until the next periodic look, before jitter, at an object that is not as declared: such a pause does not grow. */
export const resyncMsOf = <Spec, Status>({ deps }: Rooms<Spec, Status>, object: KubeObject<Spec, Status>): number =>
  ownResyncMs(object) ?? deps.resyncIntervalMs;

/** A pass that cannot be told in the status: aborted, in conflict, or the API server refused the writing itself. */
const endedBy = <Spec, Status>(
  { deps }: Rooms<Spec, Status>,
  caught: unknown,
  { key, signal }: Pick<Turn, 'key' | 'signal'>,
): Ended => {
  if (signal.aborted) return { how: 'aborted' };
  // Gone between two looks: the watch says so too.
  if (isKubeError(caught, 404) && deps.informer.get(key) === undefined) return { how: 'idle' };
  return { how: 'failed', caught };
};

const causeAttributes = ({ kind, uid, resourceVersion }: Cause) => ({
  'cause.kind': kind,
  'cause.uid': uid,
  'cause.resource_version': resourceVersion,
});
