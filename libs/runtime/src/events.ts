import type { StoredObject } from './resource.ts';

/** Tells transitions in Kubernetes Events. Never blocks and never throws; repeats are aggregated and rate-limited for each object. */
export interface EventRecorder {
  record(object: StoredObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}
