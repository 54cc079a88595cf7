import { reasons } from '@operator/api';
import { Fault, transient } from '@operator/outcome';

export interface KubeErrorDetails {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** The reason of the API server's Status object, such as `Conflict`; `Unreachable` when no answer came. */
  readonly reason: string;
  readonly message: string;
  /** From Retry-After, at most 30 s. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** The reason of a stream of which one event has no end within its bound. What it was about is known to nobody: list again. */
export const eventTooLarge = 'EventTooLarge';

/** The API server refused a request, or could not be reached. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;

  constructor(details: KubeErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** True for a KubeError with one of these HTTP statuses. */
export const isKubeError = (caught: unknown, ...statuses: readonly number[]): caught is KubeError =>
  caught instanceof KubeError && (statuses.length === 0 || statuses.includes(caught.status));

/** How a refusal stands in a line of the log: its stack is that of every request, and says nothing. */
export const refusal = ({ reason, status }: KubeError) => ({ reason, status });

/** True where a namespace takes nothing new because it is being deleted: harmless. Source: Kubernetes, NamespaceLifecycle admission. */
export const isNamespaceEnding = (caught: unknown): boolean =>
  isKubeError(caught, 403) && caught.message.includes('because it is being terminated');

/**
 * Somebody else wrote the object, or took it away, since it was read: nothing is wrong, and the next pass sees it. Its reason is
 * the runtime's own, so that no conflict at a storage server passes for it.
 */
export const objectChanged = (name: string, cause?: unknown): Fault =>
  transient(reasons.ObjectChanged, `${name} changed meanwhile; looking again.`, { cause });

/** True for `objectChanged`, and for a conflict as the API server tells it. */
export const isObjectChanged = (caught: unknown): boolean =>
  isKubeError(caught, 409) || (caught instanceof Fault && caught.reason === reasons.ObjectChanged);
