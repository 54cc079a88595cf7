import type { Verdict } from '@operator/conditions';
import type { ControllerDeps, Turn } from './controller-deps.ts';
import type { Custody } from './custody.ts';
import { foreignStatusSteps } from './foreign-status.ts';
import { isSameJson } from './json-equality.ts';
import { isKubeError, objectChanged } from './kube-error.ts';
import { learnFrom } from './live-proof.ts';
import type { Notices } from './notices.ts';
import { type CommonStatus, type KubeObject, ownStatus } from './resource.ts';
import { commonStatus, reconcilingStatus } from './status.ts';
import type { Vanished } from './vanished.ts';

/** What a status is written over. */
export interface Written<Spec, Status> {
  readonly stored: KubeObject<Spec, Status>;
  /** The kind's own status that the new one came from: mostly that of `stored`. */
  readonly from: Status;
}

/** Where statuses go: to the API server, or into memory for an object that the API server no longer has. */
export interface StatusStore<Spec, Status> {
  /**
   * Sends the whole status, unless it is stored already, and tells a transition to not being as declared.
   * @throws Fault `transient` ObjectChanged when the object was replaced or changed since `stored`; KubeError 404 when it is gone
   */
  write(over: Written<Spec, Status>, status: Status & CommonStatus, verdict: Verdict, turn: Turn): Promise<void>;
  /**
   * Sends the kind's own part with the conditions of `current` and Reconciling, unless it is stored already. Returns the object as it
   * is then.
   * @throws Fault `transient` ObjectChanged when the object was replaced or changed since `stored`
   */
  record(
    stored: KubeObject<Spec, Status>,
    current: KubeObject<Spec, Status>,
    own: Status,
    turn: Turn,
  ): Promise<KubeObject<Spec, Status>>;
}

export const createStatusStore = <Spec, Status>(
  { informer, kube, resource }: Pick<ControllerDeps<Spec, Status>, 'informer' | 'kube' | 'resource'>,
  {
    vanished,
    custody,
    notices,
  }: {
    readonly vanished: Vanished<KubeObject<Spec, Status>>;
    readonly custody: Custody<Spec, Status>;
    readonly notices: Notices;
  },
): StatusStore<Spec, Status> => {
  type Stored = KubeObject<Spec, Status>;

  /** Takes out what others have written into the status, and leaves the rest as it is. */
  const withoutForeign = async (
    applied: Stored,
    status: Status & CommonStatus,
    { key, signal, log }: Turn,
  ): Promise<Stored> => {
    const steps = foreignStatusSteps(status, applied.status ?? {});
    if (steps.length === 0) return applied;
    const fields = steps.map(({ path }) => path);
    log.warn({ event: 'foreignStatus', fields }, 'somebody else wrote into the status; removing it');
    const { name, namespace, resourceVersion } = applied.metadata;
    const guarded = [{ op: 'test', path: '/metadata/resourceVersion', value: resourceVersion } as const, ...steps];
    try {
      return await kube.patch<Stored>(resource, { name, namespace }, guarded, { signal, subresource: 'status' });
    } catch (caught) {
      throw isKubeError(caught, 404, 409, 422) ? objectChanged(key, caught) : caught;
    }
  };

  const store = async (
    { stored: object, from }: Written<Spec, Status>,
    status: Status & CommonStatus,
    isCertain: boolean,
    turn: Turn,
  ): Promise<Stored> => {
    const { isStored, key, signal, log, proof } = turn;
    if (!isStored) {
      const kept = { ...object, status };
      if (!vanished.update(kept)) throw objectChanged(key);
      return kept;
    }
    const { name, namespace, uid, resourceVersion } = object.metadata;
    // The API server takes a status for a foreign uid; the resourceVersion alone keeps it from an heir, and from a successor's.
    const metadata = { name, namespace, uid, resourceVersion };
    const applied = await kube
      .apply<Stored>(resource, { metadata, status }, { signal, subresource: 'status' })
      .catch((caught: unknown) => {
        if (!isRefusal(caught)) custody.doubt(uid);
        throw caught;
      })
      .catch(learnFrom(proof));
    proof.confirm();
    custody.learn(uid, from, status, isCertain);
    const stored = await withoutForeign(applied, status, turn);
    informer.remember(stored);
    log.debug({ event: 'stored', resourceVersion: stored.metadata.resourceVersion }, 'the status is stored');
    return stored;
  };

  return {
    async write({ stored, from }, status, verdict, turn) {
      turn.signal.throwIfAborted();
      const isCertain = verdict.result === 'settled';
      if (isSameJson(status, stored.status ?? {})) {
        if (turn.isStored) custody.learn(stored.metadata.uid, from, stored.status ?? status, isCertain);
        return;
      }
      const { resourceVersion } = (await store({ stored, from }, status, isCertain, turn)).metadata;
      notices.tellReady(stored, { status, resourceVersion }, verdict, turn);
    },
    async record(stored, current, own, turn) {
      if (isSameJson({ ...own, ...commonStatus(current) }, stored.status ?? {})) return stored;
      try {
        const over = { stored, from: ownStatus(current) };
        return await store(over, { ...own, ...reconcilingStatus(current, turn.now) }, false, turn);
      } catch (caught) {
        throw isKubeError(caught, 404) ? objectChanged(turn.key, caught) : caught;
      }
    },
  };
};

/** True when the API server has answered that it did not take it. */
const isRefusal = (caught: unknown): boolean => isKubeError(caught) && caught.status >= 400 && caught.status < 500;
