/** A process, told apart from a later one that got the same pid. `startedAt`: opaque, as the system tells it. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}
/** Undefined when no such process runs; a zombie does not run. */
export function identityOf(pid: number): ProcessIdentity | undefined;
export function isRunning(identity: ProcessIdentity): boolean;
/**
 * Waits until the lock file at `path` is ours; returns its release. A lock whose holder died is taken over.
 * `onWait` is called once, with the holder's pid, when there is something to wait for.
 * @throws the signal's reason when aborted
 */
export function acquireLock(
  path: string,
  options?: { readonly onWait?: (pid: number) => void; readonly signal?: AbortSignal },
): Promise<() => void>;
