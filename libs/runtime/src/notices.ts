import { annotations, conditionTypes, eventReasons, findAnnotationProblems, reasons } from '@operator/api';
import type { Verdict } from '@operator/conditions';
import type { Claim, Fault, Warning } from '@operator/outcome';
import type { Logger } from 'pino';
import type { ControllerDeps, Repair, Turn } from './controller-deps.ts';
import { isKubeError, refusal } from './kube-error.ts';
import { isLeadershipLost } from './leadership-lost.ts';
import { isAway } from './outage.ts';
import { levelOfReady } from './log-level.ts';
import type { Ended } from './next-attempt.ts';
import { isQuiet } from './pass-fault.ts';
import { remember } from './remember.ts';
import { type CommonStatus, type KubeObject, keyOf } from './resource.ts';
import { readyOf } from './status.ts';

/** Of a pass that failed. */
export interface NextTry {
  /** Failed passes of this object in a row, this one included. */
  readonly attempt: number;
  /** Until the next pass, unless something wakes the object earlier. */
  readonly nextTryMs: number | undefined;
}

/** What people are told of a pass, in Events and in the log. Nothing here changes what happens next. */
export interface Notices {
  /** Once for each pause of an object. */
  tellPaused(object: KubeObject, message: string, log: Logger): void;
  /** The object goes on, or is gone: another pause is another notice. */
  endPause(uid: string): void;
  /** Annotations of ours that have no effect as they stand, each once for each value. */
  tellAnnotations(object: KubeObject, log: Logger): void;
  /** Steps taken on an object that had been as declared, see `isDrift`; only of a proven pass. */
  tellDrift(object: KubeObject, steps: readonly string[], log: Logger): void;
  /** A status that was stored over `before`, as far as Ready went from one state to another. */
  tellReady(
    before: KubeObject,
    after: { readonly status: CommonStatus; readonly resourceVersion: string },
    verdict: Verdict,
    turn: Pick<Turn, 'log' | 'now'>,
  ): void;
  /**
   * Tells what was withheld of a new object, once it is not new any more and the same is still in its way. Returns the milliseconds until
   * then; undefined when nothing is withheld.
   */
  tellWithheld(object: KubeObject, verdict: Verdict, turn: Pick<Turn, 'now'>): number | undefined;
  /**
   * What a settled pass warns of, unless Ready tells it already in `before`, the status that was stored; each once for an object while it lasts.
   */
  tellWarnings(before: KubeObject, warnings: readonly Warning[], log: Logger): void;
  /** Nothing is left that could undo the work for an object that is gone. */
  tellGivenUp(object: KubeObject, fault: Fault, log: Logger): void;
  /** An object that went although something is left to undo, of which too many of its namespace wait already. */
  tellForgotten(object: KubeObject, log: Logger): void;
  /** A pass that ended with a fault, or without a status; and when the next one is. */
  tellFailed(ended: Extract<Ended, { readonly how: 'blocked' | 'failed' }>, next: NextTry, log: Logger): void;
}

/** The message of the condition, and of the Event, for a paused object. */
export const pausedMessage = `Nothing is changed while the annotation ${annotations.paused} is "true".`;

/** The condition that says so, beside what was found before the pause. */
export const pausedClaim: Claim = {
  type: conditionTypes.Paused,
  status: 'True',
  reason: reasons.Paused,
  message: pausedMessage,
  onlyInforms: true,
};

/** What is applied together is there after so long, whatever comes first. */
const newMs = 10_000;

/** Milliseconds for which an object still counts as new; 0 or less when it does not, or is to go. A clock may be before the API server's. */
const newForMs = ({ metadata }: KubeObject, now: Date): number =>
  metadata.deletionTimestamp === undefined
    ? newMs - Math.abs(now.getTime() - Date.parse(metadata.creationTimestamp))
    : 0;

/** Whether a pass undoes what somebody else did to an object that had been as declared. Pure. */
export const isDrift = <Spec, Status>(
  kind: Pick<ControllerDeps<Spec, Status>, 'isDrift'>,
  object: KubeObject,
  repair: Repair,
): boolean => {
  const ready = readyOf(object);
  const wasReady = ready?.status === 'True' && ready.observedGeneration === object.metadata.generation;
  return wasReady && kind.isDrift?.(repair) !== false;
};

export const createNotices = <Spec, Status>(
  deps: Pick<
    ControllerDeps<Spec, Status>,
    'events' | 'metrics' | 'resource' | 'outage' | 'isToldElsewhere' | 'failureEvent' | 'mayYetCome'
  >,
): Notices => {
  const { events, metrics, resource, outage } = deps;
  /** uids that were told to be paused. */
  const pausedTold = new Set<string>();
  /** What was told of the annotations of an object, by uid. */
  const annotationsTold = new Map<string, readonly string[]>();
  /** The warnings that last held for an object, by uid. */
  const warningsTold = new Map<string, readonly string[]>();
  /** Reasons that were not told of new objects, by uid. */
  const withheld = new Map<string, string>();
  const tellFault = (object: KubeObject, { reason, message }: Pick<Fault, 'reason' | 'message'>): void => {
    const event = deps.failureEvent?.(reason);
    events.record(object, 'Warning', event ?? reason, event === undefined ? message : `${reason}: ${message}`);
  };
  return {
    tellPaused(object, message, log) {
      if (pausedTold.has(object.metadata.uid)) return;
      pausedTold.add(object.metadata.uid);
      events.record(object, 'Normal', reasons.Paused, message);
      log.info({ event: 'paused' }, 'paused');
    },
    endPause: (uid) => void pausedTold.delete(uid),
    tellAnnotations(object, log) {
      const { uid, annotations: given } = object.metadata;
      const messages = findAnnotationProblems(resource.kind, given).map(({ message }) => message);
      const told = annotationsTold.get(uid) ?? [];
      if (messages.length === 0) annotationsTold.delete(uid);
      else remember(annotationsTold, uid, messages);
      for (const message of messages.filter((one) => !told.includes(one))) {
        log.warn({ event: eventReasons.AnnotationInvalid, reason: eventReasons.AnnotationInvalid }, message);
        events.record(object, 'Warning', eventReasons.AnnotationInvalid, message);
      }
    },
    tellDrift(object, steps, log) {
      metrics.drifted(resource.kind);
      const message = `Something had changed outside; repaired by: ${steps.join(', ')}.`;
      log.info({ event: eventReasons.DriftRepaired, reason: eventReasons.DriftRepaired }, message);
      events.record(object, 'Normal', eventReasons.DriftRepaired, message);
    },
    tellReady(before, { status, resourceVersion }, verdict, { log, now }) {
      const ready = readyOf({ status });
      const former = readyOf(before);
      if (ready === undefined || verdict.result === 'progressing') return;
      if (ready.status === former?.status && ready.reason === former.reason) return;
      const { isToldElsewhere } = deps;
      const fault = verdict.result === 'blocked' ? verdict.fault : undefined;
      const level = levelOfReady({ ready, before: former?.status, fault, isToldElsewhere });
      const line = { event: 'condition', reason: ready.reason, ready: ready.status, resourceVersion };
      // What a fault says stands in the line of that fault.
      log[level](line, fault === undefined ? ready.message : `Ready is now ${ready.status}: ${ready.reason}`);
      if (ready.status === 'True') return;
      if (verdict.result === 'blocked' && deps.isToldElsewhere?.(verdict.fault) === true) return;
      const isAwaited =
        verdict.result === 'blocked' &&
        verdict.fault.reason === ready.reason &&
        deps.mayYetCome?.(verdict.fault) === true;
      if (isAwaited && newForMs(before, now) > 0) remember(withheld, before.metadata.uid, ready.reason);
      else tellFault(before, ready);
    },
    tellWithheld(object, verdict, { now }) {
      const { uid } = object.metadata;
      const reason = withheld.get(uid);
      if (reason === undefined) return undefined;
      const isStillSo = verdict.result === 'blocked' && verdict.fault.reason === reason;
      const leftMs = newForMs(object, now);
      if (isStillSo && leftMs > 0) return leftMs;
      withheld.delete(uid);
      if (isStillSo) tellFault(object, verdict.fault);
      return undefined;
    },
    tellWarnings(before, warnings, log) {
      const { uid } = before.metadata;
      const told = warningsTold.get(uid) ?? [];
      if (warnings.length === 0) warningsTold.delete(uid);
      else
        remember(
          warningsTold,
          uid,
          warnings.map(({ message }) => message),
        );
      const shown = readyOf(before)?.message ?? '';
      for (const { reason, message } of warnings) {
        if (told.includes(message) || shown.includes(message)) continue;
        log.info({ event: reason, reason }, message);
        events.record(before, 'Warning', reason, message);
      }
    },
    tellGivenUp(object, fault, log) {
      const message = `The object is gone, and its external work cannot be undone: ${fault.message}`;
      log.warn({ event: eventReasons.GivenUp, reason: fault.reason }, message);
      events.record(object, 'Warning', eventReasons.GivenUp, message);
    },
    tellForgotten(object, log) {
      const message =
        'The object went without waiting for its finalizer, and too many of its namespace wait already: what it has outside stays.';
      log.warn({ event: eventReasons.GivenUp, resource: keyOf(object), uid: object.metadata.uid }, message);
      events.record(object, 'Warning', eventReasons.GivenUp, message);
    },
    tellFailed(ended, { attempt, nextTryMs }, log) {
      const next = { attempt, ...(nextTryMs === undefined ? {} : { nextTryMs: Math.round(nextTryMs) }) };
      if (ended.how === 'blocked') {
        const { reason, kind, message } = ended.fault;
        log.info({ event: 'fault', reason, kind, ...next }, message);
        return;
      }
      const { caught } = ended;
      if (isLeadershipLost(caught)) return;
      if (isAway(caught)) outage.began(caught, log);
      else if (isQuiet(caught) || isKubeError(caught, 404))
        log.debug({ event: 'conflict', err: caught, ...next }, 'the object changed meanwhile; looking again');
      else if (isKubeError(caught))
        log.warn({ event: 'fault', ...refusal(caught), ...next }, `The API server refused: ${caught.message}`);
      else
        log.error(
          { event: 'fault', err: caught, reason: reasons.InternalError, ...next },
          'a pass failed unexpectedly',
        );
    },
  };
};
