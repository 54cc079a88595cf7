import { blocked } from '@operator/outcome';
import { backoffMs } from './backoff.ts';
import type { Turn } from './controller-deps.ts';
import { removeFinalizer } from './finalizer.ts';
import { lendPass } from './lent-pass.ts';
import { learnFrom } from './live-proof.ts';
import type { Ended } from './next-attempt.ts';
import { faultOf } from './pass-fault.ts';
import { type Rooms, requireTellable, resyncMsOf } from './passes.ts';
import type { Finalized } from './reconciler.ts';
import { type KubeObject, ownStatus } from './resource.ts';
import { statusOf } from './status.ts';

/** The pause between two passes of one deletion that makes progress. */
const finalizing = { baseMs: 100, capMs: 30_000 };

/** One pass over an object that is being deleted, or has vanished. */
export const finalize = async <Spec, Status>(
  rooms: Rooms<Spec, Status>,
  given: KubeObject<Spec, Status>,
  turn: Turn,
): Promise<Ended> => {
  const { deps, vanished, notices } = rooms;
  const pass = lendPass(deps, rooms.statuses, given, given, turn);
  const finalized = await deps.reconciler
    .finalize(given, pass.lent)
    .catch((caught: unknown) => blocked(ownStatus(pass.current()), faultOf(caught, turn)));
  requireTellable(turn, finalized);
  const object = pass.stored();
  if (finalized.result === 'done') return letGo(rooms, object, turn);
  if (finalized.result === 'blocked' && !turn.isStored && deps.isBeyondHelp?.(finalized.fault) === true) {
    vanished.end(object);
    notices.tellGivenUp(object, finalized.fault, turn.log);
    return { how: 'given-up' };
  }
  return goOn(rooms, object, finalized, turn);
};

const letGo = async <Spec, Status>(
  { deps, vanished }: Rooms<Spec, Status>,
  object: KubeObject<Spec, Status>,
  { isStored, log, signal, proof }: Turn,
): Promise<Ended> => {
  const { kube, resource, finalizer, informer } = deps;
  if (isStored) {
    const left = await removeFinalizer(kube, resource, object, finalizer, { signal }).catch(learnFrom(proof));
    // Whatever asks for a pass before the watch says that it is gone finds nothing to undo.
    if (left !== undefined) informer.remember(left);
  } else vanished.end(object);
  log.info({ event: 'finalized' }, 'nothing is left to undo; the finalizer is removed');
  return { how: 'finalized' };
};

/** Something is left to undo, now or later. */
const goOn = async <Spec, Status>(
  rooms: Rooms<Spec, Status>,
  object: KubeObject<Spec, Status>,
  finalized: Exclude<Finalized<Status>, { readonly result: 'done' }>,
  turn: Turn,
): Promise<Ended> => {
  const { deps, statuses, deletions } = rooms;
  const { log, now } = turn;
  const claims =
    finalized.result === 'blocked' ? [...finalized.claims, ...deps.reconciler.claimsOf(finalized.fault, object)] : [];
  const status = statusOf(object, finalized.status, { claims, verdict: finalized, now }, deps);
  await statuses.write(object, status, finalized, turn);
  if (finalized.result === 'blocked') {
    log.info({ event: 'fault', reason: finalized.fault.reason, kind: finalized.fault.kind }, finalized.fault.message);
    return { how: 'blocked', fault: finalized.fault, resyncMs: resyncMsOf(rooms, object, undefined, log) };
  }
  const { uid } = object.metadata;
  const passes = (deletions.get(uid) ?? 0) + 1;
  deletions.set(uid, passes);
  return { how: 'progressing', delayMs: finalized.retryAfterMs ?? backoffMs(finalizing, passes, deps.random) };
};
