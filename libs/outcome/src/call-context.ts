/** One request to an external service, as metrics and traces name it. */
export interface ExternalCall {
  /** `s3`, `iam`, `minio-admin`, `cloudtrail`. */
  readonly service: string;
  /** The API's own name for the operation, such as `PutBucketTagging`. */
  readonly operation: string;
  /** True when the call may change something at the server. */
  readonly write: boolean;
  /** URL of the server that it goes to. */
  readonly endpoint?: string;
  /** The bucket that it is about. */
  readonly bucket?: string;
  /** What the server answered; undefined before, and where it did not. */
  readonly answer?: () => CallAnswer | undefined;
}

/** What every answer of a server has. */
export interface CallAnswer {
  /** Of HTTP. */
  readonly status: number;
  /** By which the server's own log knows the request. */
  readonly requestId?: string;
}

/**
 * What a pass lends to every external call: cancellation, the fencing check and observation. The runtime makes one for each
 * pass; drivers hand it down and keep none.
 */
export interface CallContext {
  readonly signal: AbortSignal;
  /** The time of this pass; every decision of the pass uses this one instant. */
  readonly now: Date;
  /**
   * Runs one external call: checks the signal, and before a write that this process still leads and that the object is as the pass
   * sees it, once for the pass; counts and traces it.
   * @throws Fault `transient` LeadershipLost when a write is no longer allowed, ObjectChanged when the object is not as seen,
   * KubernetesUnavailable when that cannot be asked; whatever `run` throws
   */
  call<T>(call: ExternalCall, run: () => Promise<T>): Promise<T>;
}

/** The time source that passes and libraries read; `main.ts` supplies the real one. */
export interface Clock {
  now(): Date;
}
