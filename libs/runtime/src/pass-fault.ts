import { reasons } from '@operator/api';
import { type Fault, asFault, transient, waiting } from '@operator/outcome';
import type { Turn } from './controller-deps.ts';
import { type KubeError, isKubeError, isObjectChanged, refusal } from './kube-error.ts';
import { isLeadershipLost } from './leadership-lost.ts';
import { isAway } from './outage.ts';

/** Nothing is wrong: the object changed, or another process leads by now. */
export const isQuiet = (caught: unknown): boolean => isObjectChanged(caught) || isLeadershipLost(caught);

/** Reads what a reconciler threw as a Fault; what must not become a status is thrown on. */
export const faultOf = (caught: unknown, { signal, log }: Pick<Turn, 'signal' | 'log'>): Fault => {
  // An outage of the API server says nothing of the object, nor of its server: all that was told of them stays.
  if (signal.aborted || isQuiet(caught) || isAway(caught)) throw caught;
  if (isKubeError(caught)) {
    log.warn({ event: 'fault', ...refusal(caught) }, `The API server refused: ${caught.message}`);
    return kubeFault(caught);
  }
  const fault = asFault(caught);
  if (fault !== caught) log.error({ event: 'fault', err: caught, reason: fault.reason }, 'a pass failed unexpectedly');
  return fault;
};

/** A refusal of the API server, or its silence, as a Fault. Pure. */
export const kubeFault = (caught: KubeError): Fault => {
  if (caught.status === 401 || caught.status === 403)
    return waiting(reasons.Forbidden, caught.message, { cause: caught });
  const { retryAfterMs } = caught;
  return transient(isAway(caught) ? reasons.KubernetesUnavailable : reasons.KubernetesRefused, caught.message, {
    cause: caught,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
};
