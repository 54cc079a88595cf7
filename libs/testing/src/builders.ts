import { reasons, type BucketSpec } from '@operator/api';
import { redact, transient, type CallContext, type ExternalCall } from '@operator/outcome';
import type { SignedMark } from '@operator/ownership';
import type { BucketContext, Connection, DriverDeps, Lock } from '@operator/s3';

/** A context that keeps a list of what went through it. */
export interface RecordingContext extends CallContext {
  /** Every attempt, in order. */
  readonly calls: readonly ExternalCall[];
  /** The attempts that may change something. */
  writes(): readonly ExternalCall[];
  /** Forgets the attempts so far. */
  clear(): void;
}

/** `mayWrite`: asked before each write, as the fencing check of the runtime is; true when absent. */
export const recordingContext = (
  options: { readonly signal?: AbortSignal; readonly mayWrite?: () => boolean; readonly now?: Date } = {},
): RecordingContext => {
  const calls: ExternalCall[] = [];
  const {
    signal = new AbortController().signal,
    mayWrite = () => true,
    now = new Date('2026-05-05T10:00:00.000Z'),
  } = options;
  return {
    signal,
    now,
    calls,
    writes: () => calls.filter(({ write }) => write),
    clear: () => {
      calls.length = 0;
    },
    async call(call, run) {
      signal.throwIfAborted();
      if (call.write && !mayWrite()) throw transient(reasons.LeadershipLost, 'This process no longer leads.');
      calls.push(call);
      return run();
    },
  };
};

/** A connection with made-up credentials and two attempts a call. */
export const connectionTo = (endpoint: string, overrides: Partial<Connection> = {}): Connection => ({
  endpoint,
  region: 'us-east-1',
  pathStyle: true,
  credentials: { accessKeyId: 'AKIATEST', secretAccessKey: redact('not-a-real-secret') },
  tls: { insecureSkipVerify: false },
  retry: { maxAttempts: 2, backoffStrategy: 'exponential' },
  ...overrides,
});

/** A lock for each name, within this process. */
const createProcessLock = (): Lock => {
  const turns = new Map<string, Promise<unknown>>();
  return (name, signal, run) => {
    const turn = Promise.resolve(turns.get(name))
      .catch(() => undefined)
      .then(() => run(signal));
    turns.set(name, turn);
    return turn;
  };
};

/** One for all drivers of a test. */
const processLock = createProcessLock();

/** No wait between attempts (the jitter is 0), real elapsed time. */
export const driverDeps = (overrides: Partial<DriverDeps> = {}): DriverDeps => ({
  random: () => 0,
  now: () => new Date(performance.timeOrigin + performance.now()),
  elapsedMs: () => performance.now(),
  version: '0.0.0-test',
  lock: processLock,
  ...overrides,
});

/** A mark with a proof that no key made: for what writes and reads marks, and does not ask whether they hold. */
export const ownerMark = (overrides: Partial<SignedMark> = {}): SignedMark => ({
  cluster: '6d1f0c1e-0000-4000-8000-000000000001',
  namespace: 'team-a',
  name: 'photos',
  uid: '6d1f0c1e-0000-4000-8000-000000000002',
  proof: 'v1.U2lnbmVkIGJ5IG5vYm9keSwgaW4gYSB0ZXN0LiAgICA_-',
  ...overrides,
});

/** A bucket that we created, without earlier tags. */
export const bucketContext = (overrides: Partial<BucketContext> = {}): BucketContext => ({
  mark: ownerMark(),
  managed: {},
  created: true,
  isBorrowed: false,
  stands: new Map(),
  inputs: new Map(),
  ...overrides,
});

/** A spec with the defaults that the API server would fill in, and no feature declared. */
export const bucketSpec = (overrides: Partial<BucketSpec> = {}): BucketSpec => ({
  providerRef: { name: 'provider' },
  name: 'photos',
  deletionPolicy: 'Retain',
  forceDelete: false,
  adoptionPolicy: 'IfOwned',
  ...overrides,
});
