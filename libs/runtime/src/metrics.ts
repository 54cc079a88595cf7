import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { type ExternalCall, Fault } from '@operator/outcome';
import type { KubeExchange } from './kube-requests.ts';
import type { Version } from './version.ts';

/** What apps may use. */
export interface Metrics {
  readonly registry: Registry;
  /** `provider`: `namespace/name`; undefined `connected` drops the series of a Provider that is gone. */
  providerConnectivity(provider: string, connected: boolean | undefined): void;
  /** Computes the gauges of key age from what `ages` gives whenever they are asked for: seconds since each current key was issued. */
  keyAges(ages: () => Iterable<number>): void;
}

/** How one object stands, for the gauge of states. */
export interface ObjectState {
  /** Of the Ready condition. */
  readonly status: string;
  readonly reason: string;
}

export interface RuntimeMetrics extends Metrics {
  /** Once, at the start. */
  tellVersion(version: Version): void;
  reconciled(kind: string, result: string, seconds: number): void;
  /** A look found nothing to do; the next one comes after this pause. */
  pausing(kind: string, seconds: number): void;
  called(call: ExternalCall, code: string, seconds: number): void;
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
  /** Computes the gauge of states from the cache whenever it is asked for. */
  countStates(kind: string, states: () => Iterable<ObjectState>): void;
}

const prefix = 'wasabi_s3_operator';
const pauseSeconds = [60, 660, 1_200, 2_400, 3_600];
const seconds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Different values of one label; whatever comes later counts as `other`. */
const mostLabelValues = 100;
/** The same for the code in the histogram of calls, which has a dozen series for each; `OK` has its place beside them. */
const mostTimedCodes = 15;
/** Keys are counted that are older than so many days. */
const agesInDays = [0, 30, 90, 180, 365];
const secondsOfDay = 86_400;
const mostProviders = 1_000;

export const createMetrics = (controller: string, monotonicMs = (): number => performance.now()): RuntimeMetrics => {
  const registry = new Registry();
  registry.setDefaultLabels({ controller });
  collectDefaultMetrics({ register: registry });
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
  const connected = new Map<string, boolean>();
  gauge('provider_connectivity', '1 while the Provider can be reached, else 0.', ['provider'], function () {
    this.reset();
    if (leadingSince === undefined) return;
    for (const [provider, isConnected] of [...connected].slice(0, mostProviders))
      this.set({ provider }, isConnected ? 1 : 0);
  });
  const calls = counter(
    'external_calls_total',
    'Requests to storage servers; code as the server or the network says it.',
    ['service', 'operation', 'code'],
  );
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
  const leader = gauge('leader', '1 while this process leads, else 0.', []);
  const depths = new Map<string, number>();
  gauge('workqueue_depth', 'Keys that wait for a worker.', ['kind'], function () {
    for (const [kind, keys] of depths) this.set({ kind }, leadingSince === undefined ? 0 : keys);
  });
  const latency = histogram('workqueue_latency_seconds', 'How long a key waited for a worker.', ['kind']);
  const retries = counter('workqueue_retries_total', 'Passes repeated after a failure.', ['kind']);

  const states = new Map<string, () => Iterable<ObjectState>>();
  gauge('objects', 'Objects by kind, status of Ready and its reason.', ['kind', 'ready', 'reason'], function () {
    this.reset();
    if (leadingSince === undefined) return;
    for (const [kind, list] of states) {
      for (const { status, reason } of list()) this.inc({ kind, ready: status, reason: reasons(reason) });
    }
  });
  const operations = boundedLabel();
  const codes = boundedLabel();
  const timedCodes = boundedLabel(mostTimedCodes, ['OK']);
  const reasons = boundedLabel();
  leader.set(0);
  const buildInfo = gauge('build_info', 'Always 1; the labels say what runs.', ['version', 'commit']);

  return {
    registry,
    tellVersion: ({ version, commit = 'unknown' }) => buildInfo.set({ version, commit }, 1),
    providerConnectivity(provider, isConnected) {
      if (isConnected === undefined) connected.delete(provider);
      else connected.set(provider, isConnected);
    },
    keyAges(ages) {
      gauge('access_key_age_seconds', 'Age of the oldest key pair in use; 0 without any.', [], function () {
        let oldest = 0;
        for (const age of leadingSince === undefined ? [] : ages()) oldest = Math.max(oldest, age);
        this.set(oldest);
      });
      gauge('access_keys', 'Key pairs in use that are older than so many days.', ['older_than_days'], function () {
        for (const days of agesInDays) this.set({ older_than_days: String(days) }, 0);
        for (const age of leadingSince === undefined ? [] : ages()) {
          for (const days of agesInDays) if (age >= days * secondsOfDay) this.inc({ older_than_days: String(days) });
        }
      });
    },
    reconciled(kind, result, took) {
      reconciles.inc({ kind, result });
      durations.observe({ kind }, took);
    },
    pausing: (kind, pause) => pauses.observe({ kind }, pause),
    called({ service, operation, write }, code, took) {
      const labels = { service, operation: operations(operation) };
      calls.inc({ ...labels, code: codes(code) });
      callSeconds.observe({ ...labels, code: timedCodes(code) }, took);
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
      leader.set(isLeading ? 1 : 0);
      leadingSince = isLeading ? monotonicMs() : undefined;
      // What the next leader finds is not told to this process.
      if (!isLeading) connected.clear();
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

/** Keeps a label from growing without end: a value beyond `kept` and the first `most` others reads `other`. */
const boundedLabel = (most = mostLabelValues, kept: readonly string[] = []): ((value: string) => string) => {
  const known = new Set<string>(kept);
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= most + kept.length) return 'other';
    known.add(value);
    return value;
  };
};
