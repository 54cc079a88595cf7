import { isPaused } from './annotations.ts';
import type { ControllerDeps } from './controller-deps.ts';
import { createCustody } from './custody.ts';
import { createDriftLoops } from './drift-loop.ts';
import { needsPass } from './needs-pass.ts';
import { createNotices } from './notices.ts';
import { type Rooms, passOver } from './passes.ts';
import { type ObjectKey, keyOf, ownStatus } from './resource.ts';
import { createResting } from './resting.ts';
import { readyOf } from './status.ts';
import { createStatusStore } from './status-store.ts';
import { createVanished } from './vanished.ts';
import { runWorkers } from './workers.ts';

export interface RunningController {
  /**
   * For each term of leadership, never twice at once: works until `stop` or `abort` aborts, see `runWorkers`. Returns whether all
   * passes have ended.
   */
  run(stop: AbortSignal, abort: AbortSignal): Promise<boolean>;
  /** Something that the object of this key depends on is not as it was: it is looked at, at once or in `afterMs`. */
  readonly wake: (key: ObjectKey, afterMs?: number) => void;
}

/** Workers that reconcile the keys of one queue. */
export const createController = <Spec, Status>(deps: ControllerDeps<Spec, Status>): RunningController => {
  const custody = createCustody<Spec, Status>(deps);
  const deletions: Rooms<Spec, Status>['deletions'] = new Map();
  const leaving: Rooms<Spec, Status>['leaving'] = new Set();
  const vanished: Rooms<Spec, Status>['vanished'] = createVanished({
    clock: deps.clock,
    isBoundToUid: deps.isBoundToUid === true,
    ended: (uid) => {
      deletions.delete(uid);
      leaving.delete(uid);
      deps.forgotten?.(uid);
    },
  });
  const notices = createNotices(deps);
  const rooms: Rooms<Spec, Status> = {
    deps,
    custody,
    vanished,
    notices,
    statuses: createStatusStore(deps, { vanished, custody, notices }),
    driftLoops: createDriftLoops(deps.random),
    resting: createResting(deps),
    deletions,
    leaving,
    failures: new Map(),
  };
  countStates(deps);
  enqueueEvents(rooms);
  const { informer, queue, metrics, monotonicMs, workers, resource } = deps;
  return {
    wake: (key, afterMs = 0) => {
      rooms.resting.stirred(key);
      queue.addAfter(key, afterMs);
    },
    run: (stop, abort) => {
      custody.begin();
      for (const object of informer.list()) {
        const inMs = rooms.resting.firstLookMs(object);
        const { metadata, status } = object;
        // Until then what it says now is what is known of it.
        if (inMs > 0 && status !== undefined) custody.learn(metadata.uid, ownStatus(object), status, false);
        queue.addAfter(keyOf(object), inMs);
      }
      return runWorkers(
        {
          queue,
          metrics,
          monotonicMs,
          workers,
          kind: resource.kind,
          passOver: (key, signal) => passOver(rooms, key, signal),
        },
        stop,
        abort,
      );
    },
  };
};

/** Feeds the gauges of objects from the cache. */
const countStates = <Spec, Status>({ metrics, resource, informer, clock }: ControllerDeps<Spec, Status>): void => {
  metrics.countStates(resource.kind, function* () {
    const nowMs = clock.now().getTime();
    for (const object of informer.list()) {
      const { namespace, creationTimestamp } = object.metadata;
      const ready = readyOf(object);
      const since = ready?.lastTransitionTime ?? creationTimestamp;
      yield {
        namespace,
        status: ready?.status ?? 'Unknown',
        reason: ready?.reason ?? 'NotReconciled',
        sinceSeconds: Math.max(0, (nowMs - Date.parse(since)) / 1_000),
        isPaused: isPaused(object),
      };
    }
  });
};

/** From what the watch says to keys in the queue. */
const enqueueEvents = <Spec, Status>(rooms: Rooms<Spec, Status>): void => {
  const { deps, vanished, custody, notices, driftLoops, resting, deletions, leaving, failures } = rooms;
  const { informer, queue, finalizer, mayWrite } = deps;
  informer.on({
    onAdd: (object) => {
      vanished.replaced(keyOf(object));
      // What the first list brings is looked at once this process works, see `run`.
      if (informer.hasSynced()) queue.add(keyOf(object));
    },
    onUpdate: (object, old) => {
      custody.saw(object, old);
      if (!needsPass(object, old, finalizer)) return;
      resting.stirred(keyOf(object));
      queue.add(keyOf(object));
    },
    onDelete: (object, wasTold) => {
      const { uid } = object.metadata;
      notices.endPause(uid);
      deletions.delete(uid);
      failures.delete(keyOf(object));
      driftLoops.forget(keyOf(object));
      resting.forget(keyOf(object));
      queue.remove(keyOf(object));
      const isLost = wasTold && mayWrite() && custody.isLost(object);
      const last = custody.restored(object);
      custody.forget(uid);
      const key = isLost ? vanished.add(last, object) : undefined;
      if (key !== undefined) queue.add(key);
      else {
        leaving.delete(uid);
        deps.forgotten?.(uid);
      }
      if (isLost && key === undefined) notices.tellForgotten(object, deps.log);
    },
  });
};
