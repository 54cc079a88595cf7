import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { type ExternalCall, Fault } from '@operator/outcome';
import type { KubeExchange } from './kube-requests.ts';
import { boundedLabel, boundedSeries, other } from './metric-labels.ts';
import type { Version } from './version.ts';

/** What apps may use. */
export interface Metrics {
  readonly registry: Registry;
  /** How the last check of a Provider ended. `provider`: `namespace/name`. */
  providerChecked(provider: string, check: ProviderCheck): void;
  /** Drops the series of a Provider that is gone, in every metric that names it. */
  forgetProvider(provider: string): void;
  /** Adds the counter of vanished buckets, and returns the way to count one. */
  vanishedBuckets(): () => void;
  /** Adds the gauges of keys, which are computed from `keys` whenever they are asked for. */
  accessKeys(keys: () => Iterable<IssuedKey>): void;
}

export interface ProviderCheck {
  readonly connected: boolean;
  /** When the certificate of its server ends; where it is not known now, what was known before stays. */
  readonly certificateExpiresAt?: Date | undefined;
}

/** The current key pair of one AccessKey. */
export interface IssuedKey {
  readonly ageSeconds: number;
  /** Undefined without rotation. */
  readonly nextRotationAt: Date | undefined;
}

/** How one object stands, for the gauges of objects. */
export interface ObjectState {
  readonly namespace: string;
  /** Of the Ready condition. */
  readonly status: string;
  readonly reason: string;
  /** Since when Ready has this status. */
  readonly sinceSeconds: number;
  readonly isPaused: boolean;
}

export interface RuntimeMetrics extends Metrics {
  /** Once, at the start. */
  tellVersion(version: Version): void;
  reconciled(kind: string, result: string, seconds: number): void;
  /** A look found nothing to do; the next one comes after this pause. */
  pausing(kind: string, seconds: number): void;
  /** `provider`: `namespace/name` of the Provider that the call was made for. */
  called(
    call: ExternalCall,
    outcome: { readonly code: string; readonly seconds: number; readonly provider: string },
  ): void;
  kubeExchanged(exchange: KubeExchange): void;
  drifted(kind: string): void;
  /** A pass would have written outside on what the API server no longer has. */
  sawStale(kind: string): void;
  /** Only a leader tells how objects, Providers and the queue stand: it is the one that knows, and each counts once. */
  leading(isLeading: boolean): void;
  workqueue(kind: string): {
    readonly depth: (keys: number) => void;
    readonly latency: (seconds: number) => void;
    readonly retried: () => void;
  };
  /** Computes the gauges of objects from the cache whenever they are asked for. */
  countStates(kind: string, states: () => Iterable<ObjectState>): void;
}

const prefix = 'wasabi_s3_operator';
const pauseSeconds = [60, 660, 1_200, 2_400, 3_600];
const seconds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** For the code in the histogram of calls, which has a dozen series for each; `OK` has its place beside them. */
const mostTimedCodes = 15;
/** Providers that calls are counted for by name. */
const mostCalledProviders = 200;
/** Series of calls; each server chooses its codes itself. */
const mostCallSeries = 5_000;
/** Namespaces that objects are counted for by name, in their order. */
const mostNamespaces = 500;
/** Gauges of prom-client whose names end as only those of counters may; the same numbers stand in those without `_total`, by type. */
const misnamed = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];
/** Keys are counted that are older than so many days. */
const agesInDays = [0, 30, 90, 180, 365];
const secondsOfDay = 86_400;
const mostProviders = 1_000;

export interface MetricsOptions {
  /** Name of the Lease that this process leads by: each shard of a controller has its own. The controller's when absent. */
  readonly lease?: string;
  readonly monotonicMs?: () => number;
}

export const createMetrics = (
  controller: string,
  { lease = controller, monotonicMs = () => performance.now() }: MetricsOptions = {},
): RuntimeMetrics => {
  const registry = new Registry();
  registry.setDefaultLabels({ controller });
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name: `${prefix}_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Histogram({ name: `${prefix}_${name}`, help, labelNames, registers, buckets: seconds });
  const gauge = <L extends string>(name: string, help: string, labelNames: L[], collect?: (this: Gauge<L>) => void) =>
    new Gauge({
      name: `${prefix}_${name}`,
      help,
      labelNames,
      registers,
      ...(collect === undefined ? {} : { collect }),
    });

  const reconciles = counter('reconcile_total', 'Passes by kind and result.', ['kind', 'result']);
  const durations = histogram('reconcile_duration_seconds', 'How long a pass took.', ['kind']);
  const pauses = new Histogram({
    name: `${prefix}_resync_pause_seconds`,
    help: 'The pause until the next look, by looks that found nothing to do.',
    labelNames: ['kind'],
    registers,
    buckets: pauseSeconds,
  });
  const bucketOperations = counter('bucket_operations_total', 'Writes to S3 by operation and result.', [
    'operation',
    'result',
  ]);
  /** Since when this process leads, by the monotonic clock. */
  let leadingSince: number | undefined;
  const checks = new Map<string, ProviderCheck>();
  const checked = () => (leadingSince === undefined ? [] : [...checks].slice(0, mostProviders));
  gauge('provider_connectivity', '1 while the last check of the Provider was good, else 0.', ['provider'], function () {
    this.reset();
    for (const [provider, { connected }] of checked()) this.set({ provider }, connected ? 1 : 0);
  });
  gauge(
    'provider_certificate_expiry_timestamp_seconds',
    'When the certificate of the Provider ends that ends first, in seconds since 1970; absent where none was seen.',
    ['provider'],
    function () {
      this.reset();
      for (const [provider, { certificateExpiresAt: at }] of checked()) {
        if (at !== undefined) this.set({ provider }, at.getTime() / 1_000);
      }
    },
  );
  const calls = counter(
    'external_calls_total',
    'Requests to storage servers; code as the server or the network says it.',
    ['service', 'operation', 'code', 'provider'],
  );
  const callSeries = boundedSeries(mostCallSeries);
  const providerSeconds = histogram('provider_call_duration_seconds', 'How long requests to a Provider took.', [
    'provider',
  ]);
  const callSeconds = histogram('external_call_duration_seconds', 'How long a request to a storage server took.', [
    'service',
    'operation',
    'code',
  ]);
  const kubeCalls = counter('kubernetes_requests_total', 'Requests to the API server; code 0 when no answer came.', [
    'verb',
    'resource',
    'code',
  ]);
  const kubeSeconds = histogram('kubernetes_request_duration_seconds', 'How long the API server took to answer.', [
    'verb',
  ]);
  const drifts = counter('drift_total', 'Passes that repaired an object which had been Ready.', ['kind']);
  const staleViews = counter(
    'stale_views_total',
    'Passes stopped before they wrote, because the object was not as the watch had shown it.',
    ['kind'],
  );
  const leader = gauge('leader', '1 while this process leads by this Lease, else 0.', ['lease']);
  const depths = new Map<string, number>();
  gauge('workqueue_depth', 'Keys that wait for a worker.', ['kind'], function () {
    for (const [kind, keys] of depths) this.set({ kind }, leadingSince === undefined ? 0 : keys);
  });
  const latency = histogram('workqueue_latency_seconds', 'How long a key waited for a worker.', ['kind']);
  const retries = counter('workqueue_retries_total', 'Passes repeated after a failure.', ['kind']);

  const states = new Map<string, () => Iterable<ObjectState>>();
  const eachState = (see: (kind: string, state: ObjectState) => void): void => {
    for (const [kind, list] of leadingSince === undefined ? [] : states) for (const state of list()) see(kind, state);
  };
  /** The first ones by name keep theirs. */
  const namespaceLabels = (): ((namespace: string) => string) => {
    const all = new Set<string>();
    eachState((_kind, { namespace }) => all.add(namespace));
    const kept = new Set([...all].toSorted().slice(0, mostNamespaces));
    return (namespace) => (kept.has(namespace) ? namespace : other);
  };
  gauge(
    'objects',
    'Objects by namespace, kind, status of Ready and its reason.',
    ['namespace', 'kind', 'ready', 'reason'],
    function () {
      this.reset();
      const labelOf = namespaceLabels();
      eachState((kind, { namespace, status: ready, reason }) =>
        this.inc({ namespace: labelOf(namespace), kind, ready, reason: reasons.of(reason) }),
      );
    },
  );
  gauge('paused_objects', 'Objects that are paused.', ['namespace', 'kind'], function () {
    this.reset();
    const labelOf = namespaceLabels();
    eachState((kind, { namespace, isPaused }) => {
      if (isPaused) this.inc({ namespace: labelOf(namespace), kind });
    });
  });
  gauge(
    'longest_not_ready_seconds',
    'For how long that object has not been Ready that has not been so for longest.',
    ['kind', 'reason'],
    function () {
      this.reset();
      const longest = new Map<string, number>();
      eachState((kind, { status, reason, sinceSeconds }) => {
        if (status === 'True') return;
        const labels = { kind, reason: reasons.of(reason) };
        const key = JSON.stringify(labels);
        longest.set(key, Math.max(longest.get(key) ?? 0, sinceSeconds));
        this.set(labels, longest.get(key) ?? 0);
      });
    },
  );
  const providers = boundedLabel(mostCalledProviders);
  const operations = boundedLabel();
  const codes = boundedLabel();
  const timedCodes = boundedLabel(mostTimedCodes, ['OK']);
  const reasons = boundedLabel();
  leader.set({ lease }, 0);
  const buildInfo = gauge('build_info', 'Always 1; the labels say what runs.', ['version', 'commit']);

  return {
    registry,
    tellVersion: ({ version, commit = 'unknown' }) => buildInfo.set({ version, commit }, 1),
    providerChecked(provider, { connected, certificateExpiresAt = checks.get(provider)?.certificateExpiresAt }) {
      checks.set(provider, { connected, certificateExpiresAt });
    },
    forgetProvider(provider) {
      checks.delete(provider);
      providers.forget(provider);
      providerSeconds.remove({ provider });
      for (const labels of callSeries.forget((series) => series.provider === provider)) calls.remove(labels);
    },
    vanishedBuckets() {
      const vanished = counter('vanished_buckets_total', 'Buckets that were gone from the server, and not by us.', []);
      return () => vanished.inc();
    },
    accessKeys(list) {
      const keys = () => (leadingSince === undefined ? [] : list());
      gauge('access_key_age_seconds', 'Age of the oldest key pair in use; 0 without any.', [], function () {
        let oldest = 0;
        for (const { ageSeconds } of keys()) oldest = Math.max(oldest, ageSeconds);
        this.set(oldest);
      });
      gauge('access_keys', 'Key pairs in use that are older than so many days.', ['older_than_days'], function () {
        for (const days of agesInDays) this.set({ older_than_days: String(days) }, 0);
        for (const { ageSeconds } of keys()) {
          for (const days of agesInDays)
            if (ageSeconds >= days * secondsOfDay) this.inc({ older_than_days: String(days) });
        }
      });
      gauge(
        'access_key_next_rotation_timestamp_seconds',
        'When the rotation is due that is due first, in seconds since 1970; 0 without any.',
        [],
        function () {
          let first = Infinity;
          for (const { nextRotationAt } of keys()) first = Math.min(first, nextRotationAt?.getTime() ?? Infinity);
          this.set(first === Infinity ? 0 : first / 1_000);
        },
      );
    },
    reconciled(kind, result, took) {
      reconciles.inc({ kind, result });
      durations.observe({ kind }, took);
    },
    pausing: (kind, pause) => pauses.observe({ kind }, pause),
    called({ service, operation, write }, { code, seconds: took, provider }) {
      const labels = { service, operation: operations.of(operation) };
      const named = { provider: providers.of(provider) };
      calls.inc(callSeries.of({ ...labels, code: codes.of(code), ...named }));
      callSeconds.observe({ ...labels, code: timedCodes.of(code) }, took);
      providerSeconds.observe(named, took);
      if (service === 's3' && write) {
        bucketOperations.inc({ operation: labels.operation, result: code === 'OK' ? 'success' : 'error' });
      }
    },
    kubeExchanged({ verb, resource, code, seconds: took }) {
      kubeCalls.inc({ verb, resource, code: String(code) });
      if (verb !== 'watch') kubeSeconds.observe({ verb }, took);
    },
    drifted: (kind) => drifts.inc({ kind }),
    sawStale: (kind) => staleViews.inc({ kind }),
    leading(isLeading) {
      leader.set({ lease }, isLeading ? 1 : 0);
      leadingSince = isLeading ? monotonicMs() : undefined;
      // What the next leader finds is not told to this process.
      if (!isLeading) checks.clear();
    },
    workqueue: (kind) => {
      depths.set(kind, 0);
      return {
        depth: (keys) => void depths.set(kind, keys),
        // A key may have waited for a leader, which no worker can help.
        latency: (waited) => {
          const ledMs = leadingSince === undefined ? 0 : monotonicMs() - leadingSince;
          latency.observe({ kind }, Math.min(waited, ledMs / 1_000));
        },
        retried: () => retries.inc({ kind }),
      };
    },
    countStates: (kind, list) => void states.set(kind, list),
  };
};

/**
 * How a call that failed counts: by the code of the API (an SDK's error has it as its name) or of the network, or by the reason
 * of the Fault where nothing was sent.
 */
export const codeOf = (caught: unknown): string => {
  if (caught instanceof Fault) return caught.reason;
  if (!(caught instanceof Error)) return 'Error';
  const { code = caught.name } = caught as { readonly code?: unknown };
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : 'Error';
};
