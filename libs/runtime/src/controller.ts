import { setImmediate as immediately } from 'node:timers/promises';
import { conditionTypes, eventReasons, reasons } from '@operator/api';
import { summarise } from '@operator/conditions';
import type { Condition, Verdict } from '@operator/conditions';
import {
  type CallContext,
  type Claim,
  type Clock,
  type ExternalCall,
  Fault,
  asFault,
  blocked,
  transient,
  waiting,
} from '@operator/outcome';
import type { Logger } from 'pino';
import { isPaused, ownResyncMs, pausedAnnotation } from './annotations.ts';
import { backoffMs, jittered } from './backoff.ts';
import { type Progress, createDriftLoops } from './drift-loop.ts';
import type { EventRecorder } from './events.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from './finalizer.ts';
import type { Informer } from './informer.ts';
import { isSameJson } from './json-equality.ts';
import type { KubeClient } from './kube-client.ts';
import { type KubeError, isKubeError, isObjectChanged, objectChanged } from './kube-error.ts';
import { type RuntimeMetrics, codeOf } from './metrics.ts';
import type { Pass, Reconciler } from './reconciler.ts';
import { type CommonStatus, type KubeObject, type ObjectKey, type Resource, keyOf, ownStatus } from './resource.ts';
import type { Tracing } from './tracing.ts';
import type { Cause } from './wakes.ts';
import type { Workqueue } from './workqueue.ts';

/** One kind's controller, as an app gives it. */
export interface Controller<Spec, Status> {
  readonly resource: Resource;
  readonly reconciler: Reconciler<Spec, Status>;
  /** Such as `s3.cloud37.dev/finalizer`. */
  readonly finalizer: string;
  /** Condition types that are good when True, such as `AuthValid`. */
  readonly positiveConditions?: readonly string[];
  /** Reasons of claims which, on a settled object, only a new spec can help; `Unsupported` when absent. */
  readonly stallingReasons?: readonly string[];
  /** The Event's reason when an object stops being as declared, such as `ValidateFailed`; the condition's reason when absent. */
  readonly failureEvent?: string;
  /** Faults that are told where they arise, such as an outage on its Provider: no Event on each object that meets them. */
  readonly isToldElsewhere?: (fault: Fault) => boolean;
  /**
   * Faults after which an object that is gone is given up, such as a Provider that is gone too: nothing is left that a person
   * could annotate to let it go.
   */
  readonly isBeyondHelp?: (fault: Fault) => boolean;
  /**
   * False while nothing can be done with the Provider of this key, such as in an outage: its objects, most of which can only tell so,
   * then have few passes at once. True when absent.
   */
  readonly isUsable?: (provider: ObjectKey) => boolean;
  /** Whether steps taken on an object that was Ready in the same generation repair drift; true when absent. Not so for a rotation. */
  readonly isDrift?: (steps: readonly string[]) => boolean;
}

export interface ControllerDeps<Spec, Status> extends Controller<Spec, Status> {
  readonly informer: Informer<KubeObject<Spec, Status>>;
  /** Fenced: its writes throw where this process must not write. */
  readonly kube: KubeClient;
  readonly queue: Workqueue;
  readonly mayWrite: () => boolean;
  readonly log: Logger;
  readonly clock: Clock;
  readonly monotonicMs: () => number;
  readonly random: () => number;
  readonly metrics: RuntimeMetrics;
  readonly events: EventRecorder;
  readonly tracing: Tracing;
  /** The change of another object that asked for this key's pass; each is given out once. */
  readonly takeCause?: (key: ObjectKey) => Cause | undefined;
  readonly workers: number;
  readonly resyncIntervalMs: number;
}

/** How a pass ended, as the metric `result` says it. */
type PassResult =
  | 'settled'
  | 'progressing'
  | 'transient'
  | 'waiting'
  | 'terminal'
  | 'conflict'
  | 'finalized'
  | 'paused'
  | 'idle'
  | 'aborted';

const defaultWaitMs = 60_000;
const resyncJitter = 0.1;
const finalizing = { baseMs: 100, capMs: 30_000 };
/** How long a pass may take to end after its signal aborted, before its worker is given up. */
const graceMs = 3_000;

/** Workers that reconcile the keys of one queue. Returns `run`, to be called for each term of leadership, never twice at once. */
export const createController = <Spec, Status>(deps: ControllerDeps<Spec, Status>) => {
  const { informer, kube, queue, resource, finalizer, reconciler, metrics, events, tracing, random } = deps;
  type Stored = KubeObject<Spec, Status>;
  const driftLoops = createDriftLoops(random);
  /** uids that were told to be paused. */
  const pausedTold = new Set<string>();
  /** Passes of one deletion so far, by uid. */
  const deletions = new Map<string, number>();
  /**
   * Objects that went with our finalizer on them, as leaving ones: a DELETE that is under way when the finalizer comes takes the
   * object all the same, for the API server does not look at finalizers again before it deletes. Source: Kubernetes apiserver,
   * registry Store.Delete. Only what the watch told while this process led: a list may lack an object because the store is a
   * restored backup, and what another leader has undone must not be undone again.
   */
  const vanished = new Map<ObjectKey, Stored>();

  metrics.countStates(resource.kind, function* () {
    for (const object of informer.list()) {
      const ready = object.status?.conditions?.find((condition) => condition.type === conditionTypes.Ready);
      yield { status: ready?.status ?? 'Unknown', reason: ready?.reason ?? 'NotReconciled' };
    }
  });

  informer.on({
    onAdd: (object) => {
      vanished.delete(keyOf(object));
      queue.add(keyOf(object));
    },
    onUpdate: (object, old) => {
      if (needsPass(object, old, finalizer)) queue.add(keyOf(object));
    },
    onDelete: (object, wasTold) => {
      pausedTold.delete(object.metadata.uid);
      deletions.delete(object.metadata.uid);
      driftLoops.end(keyOf(object));
      queue.remove(keyOf(object));
      if (object.metadata.deletionTimestamp !== undefined || !hasFinalizer(object, finalizer)) return;
      if (!wasTold || !deps.mayWrite()) return;
      const deletionTimestamp = deps.clock.now().toISOString();
      vanished.set(keyOf(object), { ...object, metadata: { ...object.metadata, deletionTimestamp } });
      queue.add(keyOf(object));
    },
  });

  /** False once another object has taken the name of one that vanished. */
  const isKept = (object: Stored): boolean => vanished.get(keyOf(object))?.metadata.uid === object.metadata.uid;

  const passOver = async (key: ObjectKey, signal: AbortSignal): Promise<PassResult> => {
    const cause = deps.takeCause?.(key);
    const living = informer.get(key);
    const object = living ?? vanished.get(key);
    if (object === undefined) {
      queue.remove(key);
      return 'idle';
    }
    const { uid } = object.metadata;
    const attributes = { 'k8s.object': key, 'k8s.uid': uid, ...(cause === undefined ? {} : causeAttributes(cause)) };
    return tracing.root(`reconcile ${resource.kind}`, attributes, async (traceId) => {
      const bindings = { resource: key, uid, provider: reconciler.providerOf(object), traceId };
      const log = deps.log.child(cause === undefined ? bindings : { ...bindings, cause });
      const worker = { key, log, signal, now: deps.clock.now(), isStored: living !== undefined };
      try {
        if (living === undefined && (await isOnlyUnseen(object, worker))) return 'idle';
        if (isPaused(object)) return await tellPaused(object, worker);
        pausedTold.delete(uid);
        if (object.metadata.deletionTimestamp === undefined) return await reconcile(object, worker);
        return hasFinalizer(object, finalizer) ? await finalize(object, worker) : 'idle';
      } catch (caught) {
        return meetFailure(caught, worker);
      }
    });
  };

  interface Worker {
    readonly key: ObjectKey;
    readonly log: Logger;
    readonly signal: AbortSignal;
    readonly now: Date;
    /** False for an object that has vanished: what is learned of it is kept here, and told in Events only. */
    readonly isStored: boolean;
  }

  /** True when the object, or another one of its name, lives: it only left what this process watches. */
  const isOnlyUnseen = async (object: Stored, { key, log, signal }: Worker): Promise<boolean> => {
    const { name, namespace } = object.metadata;
    const isUnseen = (await kube.get(resource, { name, namespace }, { signal })) !== undefined;
    if (isUnseen) {
      if (isKept(object)) vanished.delete(key);
      queue.forget(key);
    } else {
      log.warn({ event: 'vanished' }, 'the object went without waiting for its finalizer; undoing the external work');
    }
    return isUnseen;
  };

  /** Stores a status: at the API server, or here when that no longer has the object. Returns the object with it. */
  const store = async (
    object: Stored,
    status: Status & CommonStatus,
    { isStored, key, signal, log }: Worker,
    precondition: { readonly resourceVersion?: string } = {},
  ): Promise<Stored> => {
    if (!isStored) {
      if (!isKept(object)) throw objectChanged(key);
      const kept = { ...object, status };
      vanished.set(key, kept);
      return kept;
    }
    const { name, namespace, uid } = object.metadata;
    const metadata = { name, namespace, uid, ...precondition };
    const stored = await kube.apply<Stored>(resource, { metadata, status }, { signal, subresource: 'status' });
    informer.remember(stored);
    log.debug({ event: 'stored', resourceVersion: stored.metadata.resourceVersion }, 'the status is stored');
    return stored;
  };

  const tellPaused = async (object: Stored, worker: Worker): Promise<PassResult> => {
    const message = `Nothing is changed while the annotation ${pausedAnnotation} is "true".`;
    queue.forget(worker.key);
    if (!pausedTold.has(object.metadata.uid)) {
      pausedTold.add(object.metadata.uid);
      events.record(object, 'Normal', reasons.Paused, message);
      worker.log.info({ event: 'paused' }, 'paused');
    }
    // What was found before the pause stays told, as long as it is still asked for; else it says why nothing comes of it.
    const { generation, deletionTimestamp } = object.metadata;
    const isAsTold = object.status?.observedGeneration === generation && deletionTimestamp === undefined;
    if (readyOf(object) === undefined || !isAsTold) {
      const verdict = { result: 'progressing', reason: reasons.Paused, message } as const;
      const status = statusOf(object, ownStatus(object), worker.now, { claims: [], verdict });
      await writeStatus(object, status, verdict, worker);
    }
    return 'paused';
  };

  const reconcile = async (given: Stored, worker: Worker): Promise<PassResult> => {
    const { key, log, signal, now } = worker;
    let object = given;
    if (!hasFinalizer(object, finalizer)) {
      object = await addFinalizer(kube, resource, object, finalizer, { signal });
      informer.remember(object);
    }
    // A write is followed by another look: at once, and then only what that one saw is stored, unless something bids to wait.
    let seen = await look(object, object, worker);
    if (seen.outcome.result === 'progressing' && seen.progress?.claim === undefined && !seen.outcome.retryAfterMs) {
      const { stored, status } = seen;
      signal.throwIfAborted();
      seen = await look({ ...stored, status }, stored, { ...worker, now: deps.clock.now() });
    }
    const { outcome, progress, stored, status } = seen;
    await writeStatus(stored, status, outcome, worker);

    const resyncAfterMs = outcome.result === 'settled' ? outcome.resyncAfterMs : undefined;
    const resyncMs = jittered(resyncMsOf(stored, resyncAfterMs, log), resyncJitter, random);
    if (outcome.result === 'blocked') return scheduleAfter(outcome.fault, worker, resyncMs);
    queue.forget(key);
    if (outcome.result === 'settled') {
      queue.addAfter(key, resyncMs);
      log.debug({ event: 'pass', reason: 'Settled', ms: deps.clock.now().getTime() - now.getTime() }, 'settled');
      return 'settled';
    }
    const delayMs = progress?.claim === undefined ? (outcome.retryAfterMs ?? progress?.delayMs ?? 0) : progress.delayMs;
    queue.addAfter(key, delayMs);
    return 'progressing';
  };

  /**
   * One look at the outside, with the writes that it asks for, and the status that tells it. `object`: with what is known;
   * `stored`: as the API server has it. Returns that anew, for the reconciler may record.
   */
  const look = async (object: Stored, stored: Stored, worker: Worker) => {
    const { key, log } = worker;
    const pass = openPass(object, stored, worker);
    const outcome = await reconciler
      .reconcile(object, pass.lent)
      .catch((caught: unknown) => blocked(ownStatus(pass.current()), faultOf(caught, worker)));
    const current = pass.current();
    const { uid, generation } = current.metadata;
    let progress: Progress | undefined;
    if (outcome.result === 'progressing') {
      progress = driftLoops.progressed({ key, uid, generation }, outcome.steps);
      noteDrift(current, outcome.steps, log);
      log.info({ event: 'pass', reason: outcome.reason, steps: outcome.steps }, outcome.message);
    }
    if (outcome.result === 'settled') driftLoops.end(key);
    // As stored: times move with what is seen of an object, and not with what stood between two looks of one pass.
    const status = statusOf(pass.stored(), outcome.status, worker.now, {
      claims: [
        ...(progress?.claim === undefined ? [] : [progress.claim]),
        ...outcome.claims,
        ...(outcome.result === 'blocked' ? reconciler.claimsOf(outcome.fault, current) : []),
      ],
      verdict: outcome,
    });
    return { outcome, progress, status, stored: pass.stored() };
  };

  const finalize = async (given: Stored, worker: Worker): Promise<PassResult> => {
    const { key, log, signal, now } = worker;
    const pass = openPass(given, given, worker);
    const finalized = await reconciler
      .finalize(given, pass.lent)
      .catch((caught: unknown) => blocked(ownStatus(pass.current()), faultOf(caught, worker)));
    const object = pass.stored();
    if (finalized.result === 'done') {
      if (worker.isStored) {
        const left = await removeFinalizer(kube, resource, object, finalizer, { signal });
        // Whatever asks for a pass before the watch says that it is gone finds nothing to undo.
        if (left !== undefined) informer.remember(left);
      } else if (isKept(object)) vanished.delete(key);
      log.info({ event: 'finalized' }, 'nothing is left to undo; the finalizer is removed');
      // All else that the queue knows of the key may be of another object, which has come meanwhile.
      queue.forget(key);
      return 'finalized';
    }
    if (finalized.result === 'blocked' && !worker.isStored && deps.isBeyondHelp?.(finalized.fault) === true) {
      if (isKept(object)) vanished.delete(key);
      queue.forget(key);
      const message = `The object is gone, and its external work cannot be undone: ${finalized.fault.message}`;
      log.warn({ event: eventReasons.GivenUp, reason: finalized.fault.reason }, message);
      events.record(object, 'Warning', eventReasons.GivenUp, message);
      return 'terminal';
    }
    const claims =
      finalized.result === 'blocked' ? [...finalized.claims, ...reconciler.claimsOf(finalized.fault, object)] : [];
    const status = statusOf(object, finalized.status, now, { claims, verdict: finalized });
    await writeStatus(object, status, finalized, worker);
    if (finalized.result === 'blocked') {
      return scheduleAfter(finalized.fault, worker, resyncMsOf(object, undefined, log));
    }
    queue.forget(key);
    const passes = (deletions.get(object.metadata.uid) ?? 0) + 1;
    deletions.set(object.metadata.uid, passes);
    queue.addAfter(key, finalized.retryAfterMs ?? backoffMs(finalizing, passes, random));
    return 'progressing';
  };

  /** What the reconciler may use, and the object as its own writes have made it. `stored`: as the API server has it. */
  const openPass = (object: Stored, stored: Stored, worker: Worker) => {
    let current = object;
    let last = stored;
    const lent: Pass<Status> = {
      signal: worker.signal,
      now: worker.now,
      log: worker.log,
      call: callThrough(worker.signal),
      step: (name, run) => tracing.child(`step ${name}`, {}, run),
      event: (type, reason, message) => {
        worker.log.info({ event: reason, reason }, message);
        events.record(current, type, reason, message);
      },
      async record(status) {
        const wanted = { ...status, ...commonStatus(current) };
        if (isSameJson(wanted, last.status ?? {})) return;
        const { resourceVersion } = last.metadata;
        try {
          current = last = await store(last, wanted, worker, { resourceVersion });
        } catch (caught) {
          if (!isKubeError(caught, 404, 409)) throw caught;
          throw objectChanged(worker.key, caught);
        }
      },
    };
    return { lent, current: () => current, stored: () => last };
  };

  const callThrough =
    (signal: AbortSignal): CallContext['call'] =>
    async <T>(call: ExternalCall, run: () => Promise<T>): Promise<T> => {
      signal.throwIfAborted();
      if (call.write && !deps.mayWrite()) throw leadershipLost();
      const startedAt = deps.monotonicMs();
      const told = (code: string) => metrics.called(call, code, (deps.monotonicMs() - startedAt) / 1_000);
      return tracing.child(
        `${call.service} ${call.operation}`,
        { service: call.service, write: call.write },
        async () => {
          try {
            const result = await run();
            told('OK');
            return result;
          } catch (caught) {
            told(codeOf(caught));
            throw caught;
          }
        },
      );
    };

  const noteDrift = (object: Stored, steps: readonly string[], log: Logger): void => {
    const ready = readyOf(object);
    const wasReady = ready?.status === 'True' && ready.observedGeneration === object.metadata.generation;
    if (!wasReady || deps.isDrift?.(steps) === false) return;
    metrics.drifted(resource.kind);
    const message = `Something had changed outside; repaired by: ${steps.join(', ')}.`;
    log.info({ event: eventReasons.DriftRepaired, reason: eventReasons.DriftRepaired }, message);
    events.record(object, 'Normal', eventReasons.DriftRepaired, message);
  };

  /** The whole status to store: the kind's own part, and the conditions that follow from claims and verdict. */
  const statusOf = (
    object: Stored,
    own: Status,
    now: Date,
    { claims, verdict }: { readonly claims: readonly Claim[]; readonly verdict: Verdict },
  ): Status & CommonStatus => {
    const { generation } = object.metadata;
    const conditions = summarise(claims, object.status?.conditions ?? [], {
      generation,
      now,
      verdict,
      positive: deps.positiveConditions ?? [],
      stalling: deps.stallingReasons ?? [reasons.Unsupported],
    });
    const hasVerdict =
      verdict.result === 'settled' || (verdict.result === 'blocked' && verdict.fault.kind === 'terminal');
    const observedGeneration = hasVerdict ? generation : object.status?.observedGeneration;
    return { ...own, ...(observedGeneration === undefined ? {} : { observedGeneration }), conditions };
  };

  /** Sends the whole status, unless it is stored already, and tells a transition to not being as declared. */
  const writeStatus = async (
    stored: Stored,
    status: Status & CommonStatus,
    verdict: Verdict,
    worker: Worker,
  ): Promise<void> => {
    const { signal, log } = worker;
    signal.throwIfAborted();
    if (isSameJson(status, stored.status ?? {})) return;
    const { resourceVersion } = (await store(stored, status, worker)).metadata;

    const ready = readyOf({ status });
    const before = readyOf(stored);
    if (ready === undefined || verdict.result === 'progressing') return;
    if (ready.status === before?.status && ready.reason === before.reason) return;
    log.info({ event: 'condition', reason: ready.reason, ready: ready.status, resourceVersion }, ready.message);
    if (ready.status === 'True') return;
    if (verdict.result === 'blocked' && deps.isToldElsewhere?.(verdict.fault) === true) return;
    const message = deps.failureEvent === undefined ? ready.message : `${ready.reason}: ${ready.message}`;
    events.record(stored, 'Warning', deps.failureEvent ?? ready.reason, message);
  };

  const resyncMsOf = (object: Stored, askedMs: number | undefined, log: Logger): number => {
    const ownMs = ownResyncMs(object, log);
    return askedMs === undefined ? (ownMs ?? deps.resyncIntervalMs) : Math.min(askedMs, ownMs ?? Infinity);
  };

  const scheduleAfter = (fault: Fault, { key, log }: Worker, resyncMs: number): PassResult => {
    log.info({ event: 'fault', reason: fault.reason, kind: fault.kind }, fault.message);
    switch (fault.kind) {
      case 'transient':
        queue.retry(key, fault.retryAfterMs);
        break;
      case 'waiting':
        queue.forget(key);
        queue.addAfter(key, jittered(fault.retryAfterMs ?? defaultWaitMs, resyncJitter, random));
        break;
      case 'terminal':
        queue.forget(key);
        queue.addAfter(key, resyncMs);
        break;
    }
    return fault.kind;
  };

  /** Reads what a reconciler threw as a Fault; what must not become a status is thrown on. */
  const faultOf = (caught: unknown, { signal, log }: Worker): Fault => {
    if (signal.aborted || isQuiet(caught)) throw caught;
    if (isKubeError(caught)) return kubeFault(caught, log);
    const fault = asFault(caught);
    if (fault !== caught) log.error({ err: caught, reason: fault.reason }, 'a pass failed unexpectedly');
    return fault;
  };

  /** A pass that cannot be told in the status: aborted, in conflict, or the API server refused the writing itself. */
  const meetFailure = (caught: unknown, { key, log, signal }: Pick<Worker, 'key' | 'log' | 'signal'>): PassResult => {
    if (signal.aborted) {
      queue.add(key);
      return 'aborted';
    }
    if (isLeadershipLost(caught)) {
      // The lease has run out, and the timer that ends this term has not fired yet: it must have room to.
      queue.retry(key);
      return 'aborted';
    }
    // Gone between two looks: the watch says so too.
    if (isKubeError(caught, 404) && informer.get(key) === undefined) return 'idle';
    queue.retry(key, isKubeError(caught) ? caught.retryAfterMs : undefined);
    if (isQuiet(caught) || isKubeError(caught, 404)) {
      log.debug({ event: 'conflict', err: caught }, 'the object changed meanwhile; looking again');
      return 'conflict';
    }
    if (isKubeError(caught))
      log.warn({ event: 'fault', reason: caught.reason, err: caught }, 'the API server refused; trying again');
    else log.error({ err: caught, reason: reasons.InternalError }, 'a pass failed unexpectedly');
    return 'transient';
  };

  const work = async (taking: AbortSignal, passing: AbortSignal): Promise<void> => {
    for (let key = await queue.take(taking); key !== undefined; key = await queue.take(taking)) {
      const startedAt = deps.monotonicMs();
      try {
        const result = await passOver(key, passing).catch((caught: unknown) =>
          meetFailure(caught, { key, log: deps.log.child({ resource: key }), signal: passing }),
        );
        if (result !== 'idle') metrics.reconciled(resource.kind, result, (deps.monotonicMs() - startedAt) / 1_000);
      } finally {
        queue.done(key);
      }
      // A pass may end without any I/O, thousands in a row in an outage: timers, the lease and probes have their turn between two.
      await immediately();
    }
  };

  return {
    /**
     * Takes keys until `stop` or `abort` aborts; passes under way may end, until `abort` aborts them too. Returns whether
     * all have ended: one that does not heed its signal is given up after three seconds; it can write no more.
     */
    async run(stop: AbortSignal, abort: AbortSignal): Promise<boolean> {
      const taking = AbortSignal.any([stop, abort]);
      const working = Promise.all(Array.from({ length: deps.workers }, () => work(taking, abort))).then(() => true);
      const { promise: givenUp, resolve } = Promise.withResolvers<boolean>();
      let timer: NodeJS.Timeout | undefined;
      const giveUp = (): void => {
        timer = setTimeout(resolve, graceMs, false);
      };
      if (abort.aborted) giveUp();
      else abort.addEventListener('abort', giveUp, { once: true });
      const hasEnded = await Promise.race([working, givenUp]);
      abort.removeEventListener('abort', giveUp);
      clearTimeout(timer);
      return hasEnded;
    },
  };
};

/**
 * True unless an update only tells of what a pass itself does: a new status, and our finalizer being added. Changes of
 * annotations, labels, other finalizers and the deletion count beside a new generation.
 */
export const needsPass = (object: KubeObject, old: KubeObject, finalizer: string): boolean => {
  const relevant = ({ metadata }: KubeObject) => ({
    generation: metadata.generation,
    annotations: metadata.annotations ?? {},
    labels: metadata.labels ?? {},
    deletionTimestamp: metadata.deletionTimestamp,
    finalizers: (metadata.finalizers ?? []).filter((name) => name !== finalizer),
  });
  const hasLostOurs = hasFinalizer(old, finalizer) && !hasFinalizer(object, finalizer);
  return hasLostOurs || !isSameJson(relevant(object), relevant(old));
};

/** The fault of a write that this process must not make. */
export const leadershipLost = (): Fault =>
  transient(reasons.LeadershipLost, 'Another process leads now; it goes on from here.');

const isLeadershipLost = (caught: unknown): boolean =>
  caught instanceof Fault && caught.reason === reasons.LeadershipLost;

const causeAttributes = ({ kind, uid, resourceVersion }: Cause) => ({
  'cause.kind': kind,
  'cause.uid': uid,
  'cause.resource_version': resourceVersion,
});

const readyOf = (object: { readonly status?: CommonStatus }): Condition | undefined =>
  object.status?.conditions?.find((condition) => condition.type === conditionTypes.Ready);

const commonStatus = ({ status }: { readonly status?: CommonStatus }): CommonStatus => ({
  ...(status?.observedGeneration === undefined ? {} : { observedGeneration: status.observedGeneration }),
  ...(status?.conditions === undefined ? {} : { conditions: status.conditions }),
});

/** Nothing is wrong: the object changed, or another process leads by now. */
const isQuiet = (caught: unknown): boolean => isObjectChanged(caught) || isLeadershipLost(caught);

const kubeFault = (caught: KubeError, log: Logger): Fault => {
  log.warn({ event: 'fault', reason: caught.reason, err: caught }, 'the API server refused');
  if (caught.status === 401 || caught.status === 403)
    return waiting(reasons.Forbidden, caught.message, { cause: caught });
  const { status, retryAfterMs } = caught;
  const isAway = status === 0 || status === 429 || status >= 500;
  return transient(isAway ? reasons.KubernetesUnavailable : reasons.KubernetesRefused, caught.message, {
    cause: caught,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
};
