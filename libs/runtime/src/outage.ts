import { reasons } from '@operator/api';
import { Fault } from '@operator/outcome';
import type { Logger } from 'pino';
import { isKubeError } from './kube-error.ts';

/**
 * True for what the API server's own trouble ends: no answer, too many requests, a failure of its own. It says nothing of the object
 * over which the pass was.
 */
export const isAway = (caught: unknown): boolean =>
  (caught instanceof Fault && caught.reason === reasons.KubernetesUnavailable) ||
  (isKubeError(caught) && (caught.status === 0 || caught.status === 429 || caught.status >= 500));

/** Whether the API server answers the passes, told once when it stops and once when it does again. */
export interface Outage {
  /** A pass has failed by it alone. */
  began(caught: unknown, log: Logger): void;
  /** An answer came to a request of a pass. `code`: the HTTP status, 0 for none. */
  answered(code: number): void;
}

/** So soon after its end what begins again is the same outage. */
const sameOutageMs = 30_000;

export const createOutage = (log: Logger, monotonicMs: () => number): Outage => {
  let since: number | undefined;
  let endedAt = -Infinity;
  return {
    began(caught, passLog) {
      const message = caught instanceof Error ? caught.message : String(caught);
      const line = { event: 'outage', reason: reasons.KubernetesUnavailable };
      passLog.debug({ ...line, err: caught }, 'the API server does not answer; the pass is tried again');
      if (since !== undefined) return;
      since = monotonicMs();
      if (since - endedAt < sameOutageMs) return;
      log.warn(
        line,
        `The API server does not answer (${message}). Statuses stay as they are, and passes are tried again.`,
      );
    },
    answered(code) {
      if (since === undefined || code === 0 || code === 429 || code >= 500) return;
      endedAt = monotonicMs();
      log.info({ event: 'outage', ms: Math.round(endedAt - since) }, 'The API server answers again.');
      since = undefined;
    },
  };
};
