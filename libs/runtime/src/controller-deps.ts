import type { Clock, Fault } from '@operator/outcome';
import type { Logger } from 'pino';
import type { EventRecorder } from './events.ts';
import type { Informer } from './informer.ts';
import type { LiveProof } from './live-proof.ts';
import type { KubeClient } from './kube-client.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { Outage } from './outage.ts';
import type { Reconciler } from './reconciler.ts';
import type { KubeObject, ObjectKey, Resource } from './resource.ts';
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
  /**
   * The Event's reason when an object stops being as declared for this reason, such as `ValidateFailed`; undefined, or absent, for the
   * reason itself. One cause has one Event on every kind, so it names only what the kind alone does.
   */
  readonly failureEvent?: (reason: string) => string | undefined;
  /** Faults that are told where they arise, such as an outage on its Provider: no Event on each object that meets them. */
  readonly isToldElsewhere?: (fault: Fault) => boolean;
  /**
   * Faults that are over by themselves where objects are applied together, such as a Provider that does not exist yet: of a new object
   * they are told in an Event only when they last.
   */
  readonly mayYetCome?: (fault: Fault) => boolean;
  /**
   * Faults after which an object that is gone is given up, such as a Provider that is gone too: nothing is left that a person
   * could annotate to let it go.
   */
  readonly isBeyondHelp?: (fault: Fault) => boolean;
  /**
   * True when what an object has outside bears its uid, so that nothing of it can be of another object of the same name: it is undone also
   * when there is another one by now. False when absent.
   */
  readonly isBoundToUid?: boolean;
  /** True when nothing stays outside of an object that is gone: then nothing is undone without its finalizer. False when absent. */
  readonly leavesNothing?: boolean;
  /**
   * True when an object whose finalizer somebody else removed keeps what it has outside, because that may be what was meant: data that is
   * deleted does not come back. False when absent.
   */
  readonly keepsWhenStripped?: boolean;
  /** Called once nothing will be done any more for the object of a uid; it may be called again for the same. */
  readonly forgotten?: (uid: string) => void;
  /**
   * False while nothing can be done with the Provider of this key, such as in an outage: its objects, most of which can only tell so,
   * then have few passes at once. True when absent.
   */
  readonly isUsable?: (provider: ObjectKey) => boolean;
  /**
   * True when a process that has just begun to work may leave an object at rest for a while: so that a restart is no look at all of them
   * at once. False, when absent, for a kind of which a process must learn something by a look, or may have missed what nobody else tells.
   */
  readonly spreadsFirstLooks?: boolean;
  /** Whether what was done to an object that was Ready in the same generation repairs drift; true when absent. */
  readonly isDrift?: (repair: Repair) => boolean;
}

/** What a pass did to an object that was Ready. */
export interface Repair {
  /** Of the outcome. */
  readonly reason: string;
  readonly steps: readonly string[];
  /** The change of another object that asked for the pass. */
  readonly cause: Cause | undefined;
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
  readonly outage: Outage;
  /** The change of another object that asked for this key's pass; each is given out once. */
  readonly takeCause?: (key: ObjectKey) => Cause | undefined;
  readonly workers: number;
  readonly resyncIntervalMs: number;
  /** How long the pause between two looks becomes while nothing changes; no longer than `resyncIntervalMs` where it does not grow. */
  readonly maxResyncIntervalMs: number;
}

/** One pass: over which key, and what it works with. */
export interface Turn {
  readonly key: ObjectKey;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly now: Date;
  /** False for an object that has vanished: what is learned of it is kept here, and told in Events only. */
  readonly isStored: boolean;
  /** Of the whole pass: what one look of it has proven holds for the next, seconds later. */
  readonly proof: LiveProof;
  /** The change of another object that asked for it. */
  readonly cause: Cause | undefined;
}
