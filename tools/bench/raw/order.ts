import type { CallContext } from '@operator/outcome';
import type { KubeClient, KubeObject } from '@operator/runtime';
import type { Driver } from '@operator/s3';

/** What the raw loop is to do. */
export interface RawOrder {
  /** What is brought about: objects of a kind, or the end of Buckets that are being deleted. `Look`: nothing, Buckets are looked at. */
  readonly task: 'Bucket' | 'BucketPolicy' | 'AccessKey' | 'Emptying' | 'Look';
  readonly namespace: string;
  readonly kubeconfig: string;
  /** What the server at `endpoint` is. */
  readonly type: 'minio' | 'aws';
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Objects at the same time. */
  readonly concurrency: number;
  /** How often each object is taken up. */
  readonly rounds: number;
}

/** What it did. `calls`: named as `readCalls` names those of a controller. */
export interface RawReport {
  readonly calls: readonly (readonly [name: string, count: number])[];
  readonly cpuSeconds: number;
  readonly peakMebibytes: number;
  /** Milliseconds for each object, in the order in which they ended. */
  readonly tookMs: readonly number[];
}

/** What it works with. */
export interface Raw {
  readonly kube: KubeClient;
  readonly driver: Driver;
  readonly context: CallContext;
  /** Writes an Event, later. */
  readonly tell: (object: KubeObject, reason: string, message: string) => void;
}

/** The conditions that a controller stores at the end. */
export const readyConditions = (generation: number): readonly Readonly<Record<string, unknown>>[] => [
  {
    type: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: 'Everything is as declared.',
    observedGeneration: generation,
    lastTransitionTime: `${new Date().toISOString().slice(0, 19)}Z`,
  },
];
