export interface KubeErrorDetails {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** The reason of the API server's Status object, such as `Conflict`; `Unreachable` when no answer came. */
  readonly reason: string;
  readonly message: string;
  /** From Retry-After. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

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
