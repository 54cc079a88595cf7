import type { ControllerDeps } from './controller-deps.ts';
import { createDriftLoops } from './drift-loop.ts';
import { hasFinalizer } from './finalizer.ts';
import { needsPass } from './needs-pass.ts';
import { createNotices } from './notices.ts';
import { type Rooms, passOver } from './passes.ts';
import { keyOf } from './resource.ts';
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
}

/** Workers that reconcile the keys of one queue. */
export const createController = <Spec, Status>(deps: ControllerDeps<Spec, Status>): RunningController => {
  const vanished: Rooms<Spec, Status>['vanished'] = createVanished(deps.clock);
  const notices = createNotices(deps);
  const rooms: Rooms<Spec, Status> = {
    deps,
    vanished,
    notices,
    statuses: createStatusStore(deps, vanished, notices),
    driftLoops: createDriftLoops(deps.random),
    deletions: new Map(),
  };
  countStates(deps);
  enqueueEvents(rooms);
  const { queue, metrics, monotonicMs, workers, resource } = deps;
  return {
    run: (stop, abort) =>
      runWorkers(
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
      ),
  };
};

/** Feeds the gauge of states from the cache. */
const countStates = <Spec, Status>({ metrics, resource, informer }: ControllerDeps<Spec, Status>): void => {
  metrics.countStates(resource.kind, function* () {
    for (const object of informer.list()) {
      const ready = readyOf(object);
      yield { status: ready?.status ?? 'Unknown', reason: ready?.reason ?? 'NotReconciled' };
    }
  });
};

/** From what the watch says to keys in the queue. */
const enqueueEvents = <Spec, Status>({ deps, vanished, notices, driftLoops, deletions }: Rooms<Spec, Status>): void => {
  const { informer, queue, finalizer, mayWrite } = deps;
  informer.on({
    onAdd: (object) => {
      vanished.replaced(keyOf(object));
      queue.add(keyOf(object));
    },
    onUpdate: (object, old) => {
      if (needsPass(object, old, finalizer)) queue.add(keyOf(object));
    },
    onDelete: (object, wasTold) => {
      notices.endPause(object.metadata.uid);
      deletions.delete(object.metadata.uid);
      driftLoops.forget(keyOf(object));
      queue.remove(keyOf(object));
      if (object.metadata.deletionTimestamp !== undefined || !hasFinalizer(object, finalizer)) return;
      if (!wasTold || !mayWrite()) return;
      vanished.add(object);
      queue.add(keyOf(object));
    },
  });
};
