import { annotations, commandToAnnotate, reasons } from '@operator/api';
import { blocked, reworded, waiting, type Fault } from '@operator/outcome';
import { isAbandoned } from './annotations.ts';
import { backoffMs } from './backoff.ts';
import type { Turn } from './controller-deps.ts';
import { hasMemory } from './custody.ts';
import { hasFinalizer, removeFinalizer } from './finalizer.ts';
import { isSameJson } from './json-equality.ts';
import { isObjectChanged } from './kube-error.ts';
import { lendPass } from './lent-pass.ts';
import { learnFrom } from './live-proof.ts';
import type { Ended } from './next-attempt.ts';
import { faultOf } from './pass-fault.ts';
import { type Rooms, requireTellable, resyncMsOf } from './passes.ts';
import type { Finalized } from './reconciler.ts';
import { type KubeObject, type Resource, ownStatus } from './resource.ts';
import { statusOf } from './status.ts';

/** The pause between two passes of one deletion that makes progress. */
const finalizing = { baseMs: 100, capMs: 30_000 };

/** One pass over an object that is being deleted, or has vanished. */
export const finalize = async <Spec, Status>(
  rooms: Rooms<Spec, Status>,
  given: KubeObject<Spec, Status>,
  turn: Turn,
): Promise<Ended> => {
  const { deps, custody, vanished, notices } = rooms;
  const { uid } = given.metadata;
  // What it had may be somebody else's since: it is not undone twice for a finalizer that could not be taken off.
  if (turn.isStored && custody.isLetGo(uid)) return letGo(rooms, given, turn);
  const held = await holdForKind(rooms, given, turn);
  if (held !== undefined) return held;
  custody.resume(uid);
  // Whoever emptied its status since has not undone what it has outside.
  const known = turn.isStored ? custody.restored(given) : given;
  const told = turn.isStored ? given : (vanished.toldOf(given) ?? given);
  const pass = lendPass(deps, rooms.statuses, known, given, turn);
  const finalized = await deps.reconciler
    .finalize(known, pass.lent)
    // What it says itself may be later than what is believed: it is let go by neither of the two alone.
    .then((first) =>
      first.result === 'done' && saysOther(told, known) ? deps.reconciler.finalize(told, pass.lent) : first,
    )
    .catch((caught: unknown) => blocked(ownStatus(pass.current()), faultOf(caught, turn)));
  requireTellable(turn, finalized);
  const object = pass.stored();
  if (finalized.result === 'done') return letGo(rooms, object, turn);
  if (finalized.result === 'blocked' && !turn.isStored && deps.isBeyondHelp?.(finalized.fault) === true) {
    vanished.end(object);
    notices.tellGivenUp(object, finalized.fault, turn.log);
    return { how: 'given-up' };
  }
  return goOn(rooms, { object, from: ownStatus(pass.current()) }, finalized, turn);
};

/**
 * Who deletes the definition of a kind deletes every object of it, and means none of them: nothing is undone outside for that, see decision 29.
 * Undefined where the object itself was to go: once its deletion has made progress that is known. So it is where nothing is undone in any case: such
 * an object goes on as before, since others need it for as long as they are there.
 */
const holdForKind = async <Spec, Status>(
  rooms: Rooms<Spec, Status>,
  object: KubeObject<Spec, Status>,
  turn: Turn,
): Promise<Ended | undefined> => {
  const { deps, deletions, leaving, vanished, notices } = rooms;
  const { uid } = object.metadata;
  if (deps.leavesNothing === true || deletions.has(uid)) return undefined;
  // A definition that was made anew meanwhile says nothing of the objects of the former one.
  if (!leaving.has(uid) && (await deps.kube.takesNew(deps.resource, { signal: turn.signal }))) return undefined;
  leaving.add(uid);
  const fault = kindLeaves(deps.resource);
  if (!turn.isStored) {
    vanished.end(object);
    notices.tellGivenUp(object, fault, turn.log);
    return { how: 'given-up' };
  }
  if (isAbandoned(object)) return letGo(rooms, object, turn, 'let go as asked: what it has at the server stays');
  const own = ownStatus(object);
  const told = reworded(fault, `${fault.message} ${howToLetGo(deps.resource)}`);
  return goOn(rooms, { object, from: own }, blocked(own, told), turn);
};

const kindLeaves = ({ group, kind, plural }: Resource): Fault =>
  waiting(
    reasons.OwnershipInDoubt,
    `The definition ${plural}.${group} is being deleted, and with it every ${kind} of the cluster. That does not say what becomes of this one, so nothing ` +
      'is changed at the server.',
  );

/** For one that is still there. */
const howToLetGo = (resource: Resource): string =>
  `To let the object go and leave there what it has, annotate it with ${annotations.abandon}: "true". ` +
  'What it owns in Kubernetes, such as a Secret, goes with it. ' +
  `All of them: ${commandToAnnotate(resource, 'all', annotations.abandon, 'true')}`;

/** True when an object says something of its own, and not what `known` says. */
const saysOther = <Spec, Status>(told: KubeObject<Spec, Status>, known: KubeObject<Spec, Status>): boolean =>
  hasMemory(told) && !isSameJson(ownStatus(told), ownStatus(known));

const letGo = async <Spec, Status>(
  { deps, custody, vanished }: Rooms<Spec, Status>,
  object: KubeObject<Spec, Status>,
  turn: Turn,
  told = 'nothing is left to undo; the finalizer is removed',
): Promise<Ended> => {
  const { informer } = deps;
  const { key, log } = turn;
  const { uid } = object.metadata;
  const isThere = (): boolean => informer.get(key)?.metadata.uid === uid;
  // The watch may say that it is gone before the API server has answered.
  if (turn.isStored && isThere()) custody.letGo(uid);
  if (turn.isStored && hasFinalizer(object, deps.finalizer)) await takeFinalizerOff(deps, custody, object, turn);
  // It may have vanished during this very pass.
  if (!turn.isStored || !isThere()) vanished.end(object);
  log.info({ event: 'finalized' }, told);
  return { how: 'finalized' };
};

const takeFinalizerOff = async <Spec, Status>(
  { kube, resource, finalizer, informer }: Rooms<Spec, Status>['deps'],
  custody: Rooms<Spec, Status>['custody'],
  object: KubeObject<Spec, Status>,
  { signal, proof }: Turn,
): Promise<void> => {
  const left = await removeFinalizer(kube, resource, object, finalizer, { signal })
    .catch((caught: unknown) => {
      if (isObjectChanged(caught)) custody.resume(object.metadata.uid);
      throw caught;
    })
    .catch(learnFrom(proof));
  // Whatever asks for a pass before the watch says that it is gone finds nothing to undo.
  if (left !== undefined) informer.remember(left);
};

/** Something is left to undo, now or later. `from`: the kind's own status that the pass ended with. */
const goOn = async <Spec, Status>(
  rooms: Rooms<Spec, Status>,
  { object, from }: { readonly object: KubeObject<Spec, Status>; readonly from: Status },
  finalized: Exclude<Finalized<Status>, { readonly result: 'done' }>,
  turn: Turn,
): Promise<Ended> => {
  const { deps, statuses, deletions } = rooms;
  const { now } = turn;
  const claims =
    finalized.result === 'blocked' ? [...finalized.claims, ...deps.reconciler.claimsOf(finalized.fault, object)] : [];
  const status = statusOf(object, finalized.status, { claims, verdict: finalized, now }, deps);
  await statuses.write({ stored: object, from }, status, finalized, turn);
  if (finalized.result === 'blocked')
    return { how: 'blocked', fault: finalized.fault, resyncMs: resyncMsOf(rooms, object) };
  const { uid } = object.metadata;
  const passes = (deletions.get(uid) ?? 0) + 1;
  deletions.set(uid, passes);
  return { how: 'progressing', delayMs: finalized.retryAfterMs ?? backoffMs(finalizing, passes, deps.random) };
};
