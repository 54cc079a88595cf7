import type { Logger } from 'pino';

/** How a process ends: first it takes no more keys, then its passes are aborted, and with the deadline it is over. */
export interface Stopping {
  /** Aborts with the first signal: no pass begins any more. */
  readonly stop: AbortSignal;
  /** Aborted when a person insists, or passes outlast the deadline: those under way end. */
  readonly abort: AbortController;
}

/** After SIGTERM passes may go on for the deadline less this; what is left is for aborting them and for the lease. */
const abortReserveMs = 5_000;
/** One Ctrl-C may come more than once: from the terminal, and from who started this process. A person who insists takes longer. */
const sameSignalMs = 1_000;

/** Listens to SIGTERM and SIGINT for as long as the process lives: one that comes while it ends must not change how it does. */
export const stopOnSignals = (log: Logger, monotonicMs: () => number): Stopping => {
  const stop = new AbortController();
  const abort = new AbortController();
  let stoppingSinceMs = Infinity;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) {
      if (monotonicMs() - stoppingSinceMs >= sameSignalMs) abort.abort(new Error('stopping at once'));
      return;
    }
    stoppingSinceMs = monotonicMs();
    log.info({ event: 'stop', signal }, 'stopping');
    stop.abort(new Error('stopping'));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return { stop: stop.signal, abort };
};

/**
 * Waits for `work`, which ends some time after `stop`, and then for `flush`; passes that go on for too long are aborted, and with the
 * deadline it is over, whatever is left then. `close`: called at the very end. Returns whether all has ended by itself.
 * @throws whatever `work` or `flush` throws
 */
export const endInTime = async (
  { stop, abort }: Stopping,
  parts: {
    readonly work: Promise<unknown>;
    readonly flush: () => Promise<unknown>;
    readonly close: () => void;
    readonly deadlineMs: number;
  },
  log: Logger,
): Promise<boolean> => {
  const late = armDeadline(stop, parts.deadlineMs, () => {
    log.warn({ event: 'stop', reason: 'DeadlineExceeded' }, 'passes are still running; aborting them');
    abort.abort(new Error('the deadline for stopping is over'));
  });
  const ending = parts.work.then(parts.flush).then(() => true);
  const hasEnded = await Promise.race([ending, late.over]);
  parts.close();
  late.disarm();
  if (hasEnded) log.info({ event: 'stopped' }, 'stopped');
  else log.warn({ event: 'stopped', reason: 'DeadlineExceeded' }, 'stopped before all had ended');
  return hasEnded && !abort.signal.aborted;
};

/** Once `stop` aborts, calls `abortPasses` when they have gone on for too long; `over` comes with the deadline, for all that is left then. */
const armDeadline = (
  stop: AbortSignal,
  deadlineMs: number,
  abortPasses: () => void,
): { readonly over: Promise<false>; disarm(): void } => {
  const { promise: over, resolve } = Promise.withResolvers<false>();
  const timers: NodeJS.Timeout[] = [];
  const arm = (): void => {
    timers.push(
      setTimeout(abortPasses, Math.max(deadlineMs - abortReserveMs, deadlineMs / 2)),
      setTimeout(resolve, deadlineMs, false),
    );
  };
  if (stop.aborted) arm();
  else stop.addEventListener('abort', arm, { once: true });
  return {
    over,
    disarm: () => {
      timers.forEach(clearTimeout);
    },
  };
};
