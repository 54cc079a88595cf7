import type { CallContext, ExternalCall } from '@operator/outcome';
import { answerAttributes, callAttributes, isAbsence, spanNameOf } from './call-attributes.ts';
import type { ControllerDeps, Turn } from './controller-deps.ts';
import { leadershipLost } from './leadership-lost.ts';
import { isLoss } from './log-level.ts';
import { codeOf } from './metrics.ts';
import type { Pass } from './reconciler.ts';
import { type KubeObject, refOf } from './resource.ts';
import type { StatusStore } from './status-store.ts';

/** What a reconciler may use for one look, and the object as its own writes have made it. */
export interface LentPass<Spec, Status> {
  readonly lent: Pass<Status>;
  /** With what is known of the object by now. */
  current(): KubeObject<Spec, Status>;
  /** As the API server has it. */
  stored(): KubeObject<Spec, Status>;
}

type LentDeps<Spec, Status> = Pick<
  ControllerDeps<Spec, Status>,
  'tracing' | 'events' | 'kube' | 'metrics' | 'monotonicMs' | 'mayWrite' | 'reconciler'
>;

/** `object`: with what is known of it; `stored`: as the API server has it. */
export const lendPass = <Spec, Status>(
  deps: LentDeps<Spec, Status>,
  statuses: StatusStore<Spec, Status>,
  object: KubeObject<Spec, Status>,
  stored: KubeObject<Spec, Status>,
  turn: Turn,
): LentPass<Spec, Status> => {
  let current = object;
  let last = stored;
  const lent: Pass<Status> = {
    signal: turn.signal,
    now: turn.now,
    log: turn.log,
    call: callThrough(deps, turn, deps.reconciler.providerOf(object) ?? ''),
    prove: () => turn.proof.prove(),
    live: (resource, key) => deps.kube.get(resource, refOf(key), { signal: turn.signal }),
    step: (name, run) => deps.tracing.child(`step ${name}`, {}, run),
    event: (type, reason, message) => {
      turn.log[isLoss(reason) ? 'error' : 'info']({ event: reason, reason }, message);
      deps.events.record(current, type, reason, message);
    },
    async record(status) {
      const before = last;
      last = await statuses.record(before, current, status, turn);
      if (last !== before) current = last;
    },
  };
  return { lent, current: () => current, stored: () => last };
};

const callThrough =
  <Spec, Status>(
    { metrics, monotonicMs, mayWrite, tracing }: LentDeps<Spec, Status>,
    { signal, proof }: Turn,
    provider: string,
  ): CallContext['call'] =>
  async <T>(call: ExternalCall, run: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    if (call.write) {
      await proof.prove();
      signal.throwIfAborted();
      if (!mayWrite()) throw leadershipLost();
    }
    const startedAt = monotonicMs();
    const told = (code: string) =>
      metrics.called(call, { code, seconds: (monotonicMs() - startedAt) / 1_000, provider });
    return tracing.call(spanNameOf(call), callAttributes(call), async (span) => {
      if (call.write) span.keep();
      try {
        const result = await run();
        told('OK');
        return result;
      } catch (caught) {
        told(codeOf(caught));
        if (isAbsence(call.answer?.()?.status, { looks: !call.write, removes: call.operation.startsWith('Delete') }))
          span.forgive();
        throw caught;
      } finally {
        const answer = call.answer?.();
        if (answer !== undefined) span.set(answerAttributes(answer));
      }
    });
  };
