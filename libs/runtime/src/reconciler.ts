import type { Blocked, CallContext, Claim, Fault, Outcome } from '@operator/outcome';
import type { Logger } from 'pino';
import type { KubeObject, ObjectKey, Resource, StoredObject } from './resource.ts';

/** What one pass over one object may use. Made by the runtime; gone when the pass ends. */
export interface Pass<S> extends CallContext {
  /** Carries `controller`, `resource`, `uid` and the trace id. */
  readonly log: Logger;
  /**
   * Writes the status now, before an external write whose trace must survive a crash (the intent of a create, say).
   * Conditions stay as stored, with Reconciling among them. Fails with a conflict when the object was replaced or changed since this pass read it.
   * Sends nothing when nothing would change.
   * @throws Fault `transient` ObjectChanged, which no status ever tells
   */
  record(status: S): Promise<void>;
  /**
   * Asks the API server, unless this pass knows already, that the object is as this pass sees it: the same uid, generation, annotations,
   * labels, deletion, status. `call` does so before the first write by itself; a reconciler asks before it plans something
   * destructive on it.
   * @throws Fault `transient` ObjectChanged, which no status ever tells; KubernetesUnavailable when there is no answer
   */
  prove(): Promise<void>;
  /**
   * Another object as the API server has it now, past every cache; undefined when there is none. For what is asked before something is
   * taken away. `key`: `namespace/name`, or the name alone of a cluster-scoped object. @throws KubeError
   */
  live<T extends StoredObject>(resource: Resource, key: ObjectKey): Promise<T | undefined>;
  /** Runs one step of the plan, or of a look; `name` as the outcome's `steps` has it. Calls within it are traced below it. */
  step<T>(name: string, run: () => Promise<T>): Promise<T>;
  /** Tells a transition in a Kubernetes Event; repeats are aggregated and rate-limited for each object. */
  event(type: 'Normal' | 'Warning', reason: string, message: string): void;
}

/** What remains to be done for a deletion. `done` lets the finalizer go; `blocked` waits, and tells what it learned meanwhile. */
export type Finalized<S> =
  | { readonly result: 'done' }
  | Blocked<S>
  | {
      readonly result: 'progressing';
      readonly status: S;
      readonly reason: string;
      readonly message: string;
      /** Milliseconds until the next pass; at once, rate-limited, when absent. */
      readonly retryAfterMs?: number;
    };

/**
 * One kind's controller. `Status`: the kind's status without `conditions` and `observedGeneration`.
 *
 * Any pass may be the first, a repeat or the last. The runtime sets the finalizer before `reconcile` is called for the first
 * time, turns outcomes and Faults into one status patch, Events, metrics and the next attempt, and removes the finalizer
 * after `finalize` said `done`.
 */
export interface Reconciler<Spec, Status> {
  reconcile(object: KubeObject<Spec, Status>, pass: Pass<Status>): Promise<Outcome<Status>>;
  finalize(object: KubeObject<Spec, Status>, pass: Pass<Status>): Promise<Finalized<Status>>;
  /**
   * What must be done outside also while a person has paused the object, because the pause is not theirs to decide on: such as to
   * take what a lender of another namespace withdrew. Nothing when absent. Called in each pass over a paused object.
   */
  whilePaused?(object: KubeObject<Spec, Status>, pass: Pass<Status>): Promise<void>;
  /** Pure: the abnormal (or positive but False) conditions that this fault stands for on this kind. Empty: Ready alone tells it. */
  claimsOf(fault: Fault, object: KubeObject<Spec, Status>): readonly Claim[];
  /** Pure: the `provider` field of this object's log lines, `namespace/name` of the Provider, when there is one. */
  providerOf(object: KubeObject<Spec, Status>): string | undefined;
}
