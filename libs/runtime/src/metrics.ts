import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { ExternalCall } from '@operator/outcome';
import type { KubeExchange } from './kube-requests.ts';

/** What apps may use. */
export interface Metrics {
  readonly registry: Registry;
  /** `provider`: `namespace/name`; undefined `connected` drops the series of a Provider that is gone. */
  providerConnectivity(provider: string, connected: boolean | undefined): void;
}

/** How one object stands, for the gauge of states. */
export interface ObjectState {
  /** Of the Ready condition. */
  readonly status: string;
  readonly reason: string;
}

export interface RuntimeMetrics extends Metrics {
  reconciled(kind: string, result: string, seconds: number): void;
  called(call: ExternalCall, code: string, seconds: number): void;
  kubeExchanged(exchange: KubeExchange): void;
  drifted(kind: string): void;
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
const seconds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Different values of one label; whatever comes later counts as `other`. */
const mostLabelValues = 100;

export const createMetrics = (controller: string): RuntimeMetrics => {
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
  const bucketOperations = counter('bucket_operations_total', 'Writes to S3 by operation and result.', [
    'operation',
    'result',
  ]);
  const connectivity = gauge('provider_connectivity', '1 while the Provider can be reached, else 0.', ['provider']);
  const calls = counter('external_calls_total', 'Requests to storage servers.', ['service', 'operation', 'code']);
  const callSeconds = histogram('external_call_duration_seconds', 'How long a request to a storage server took.', [
    'service',
    'operation',
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
  const leader = gauge('leader', '1 while this process leads, else 0.', []);
  const depth = gauge('workqueue_depth', 'Keys that wait for a worker.', ['kind']);
  const latency = histogram('workqueue_latency_seconds', 'How long a key waited for a worker.', ['kind']);
  const retries = counter('workqueue_retries_total', 'Passes repeated after a failure.', ['kind']);

  const states = new Map<string, () => Iterable<ObjectState>>();
  gauge('objects', 'Objects by kind, status of Ready and its reason.', ['kind', 'ready', 'reason'], function () {
    this.reset();
    for (const [kind, list] of states) {
      for (const { status, reason } of list()) this.inc({ kind, ready: status, reason: reasons(reason) });
    }
  });
  const operations = boundedLabel();
  const codes = boundedLabel();
  const reasons = boundedLabel();
  const providers = boundedLabel(1_000);
  leader.set(0);

  return {
    registry,
    providerConnectivity(provider, connected) {
      if (connected === undefined) connectivity.remove({ provider });
      else connectivity.set({ provider: providers(provider) }, connected ? 1 : 0);
    },
    reconciled(kind, result, took) {
      reconciles.inc({ kind, result });
      durations.observe({ kind }, took);
    },
    called({ service, operation, write }, code, took) {
      const labels = { service, operation: operations(operation) };
      calls.inc({ ...labels, code: codes(code) });
      callSeconds.observe(labels, took);
      if (service === 's3' && write) {
        bucketOperations.inc({ operation: labels.operation, result: code === 'OK' ? 'success' : 'error' });
      }
    },
    kubeExchanged({ verb, resource, code, seconds: took }) {
      kubeCalls.inc({ verb, resource, code: String(code) });
      if (verb !== 'watch') kubeSeconds.observe({ verb }, took);
    },
    drifted: (kind) => drifts.inc({ kind }),
    leading: (isLeading) => leader.set(isLeading ? 1 : 0),
    workqueue: (kind) => {
      depth.set({ kind }, 0);
      return {
        depth: (keys) => depth.set({ kind }, keys),
        latency: (waited) => latency.observe({ kind }, waited),
        retried: () => retries.inc({ kind }),
      };
    },
    countStates: (kind, list) => void states.set(kind, list),
  };
};

/** Keeps a label from growing without end: a value beyond the first `most` reads `other`. */
const boundedLabel = (most = mostLabelValues): ((value: string) => string) => {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= most) return 'other';
    known.add(value);
    return value;
  };
};
