import { setTimeout as delay } from 'node:timers/promises';
import { controllerOf, sumOfMetric, until, type Controller } from '@operator/tools/harness';
import { crowdKinds, type Crowd, type CrowdKind } from './crowd.ts';

const longestMs = 900_000;
/** A look at the metrics costs the controller a walk over its cache. */
const lookEveryMs = 500;

/**
 * Waits until the controller has looked at as many objects of the kind as there are, none waits for a worker, and all are
 * Ready. Returns the milliseconds since the process started.
 */
export async function untilAllLookedAt(controller: Controller, kind: CrowdKind, objects: number): Promise<number> {
  await until(
    () => controller.metrics(),
    (metrics) =>
      sumOfMetric(metrics, 'wasabi_s3_operator_reconcile_total', { kind }) >= objects && isCalm(metrics, kind, objects),
    { what: `${controller.proxy} has looked at ${objects} objects`, timeoutMs: longestMs, everyMs: lookEveryMs, show },
  );
  return Date.now() - controller.startedAt;
}

/** Waits until all objects of the kind are Ready and none waits for a worker. */
export const untilCalm = (controller: Controller, kind: CrowdKind, objects: number): Promise<string> =>
  until(
    () => controller.metrics(),
    (metrics) => isCalm(metrics, kind, objects),
    { what: `${controller.proxy} is calm`, timeoutMs: longestMs, everyMs: lookEveryMs, show },
  );

const isCalm = (metrics: string, kind: CrowdKind, objects: number): boolean =>
  sumOfMetric(metrics, 'wasabi_s3_operator_workqueue_depth', { kind }) === 0 &&
  sumOfMetric(metrics, 'wasabi_s3_operator_objects', { kind, ready: 'True' }) === objects;

const show = (metrics: string | undefined): string =>
  (metrics ?? '')
    .split('\n')
    .filter((line) => /^wasabi_s3_operator_(objects|workqueue_depth|reconcile_total)\{/.test(line))
    .join('\n');

/** Waits until the whole crowd is Ready and nobody has work. */
export async function untilCrowdRests(crowd: Crowd): Promise<void> {
  for (const kind of crowdKinds) await untilCalm(crowd.controllers[controllerOf[kind]], kind, crowd.counts[kind]);
}

/** The version of every object of the crowd; the same later on means that nobody wrote to it. */
export async function versionsOf({ world }: Crowd): Promise<ReadonlyMap<string, string>> {
  const versions = new Map<string, string>();
  for (const kind of crowdKinds) {
    for (const { metadata } of await world.kube.list(kind)) versions.set(metadata.uid, metadata.resourceVersion);
  }
  return versions;
}

/** How many objects were written to, came or went between two looks. */
export const changedSince = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): number =>
  [...new Set([...before.keys(), ...after.keys()])].filter((uid) => before.get(uid) !== after.get(uid)).length;

/** Waits in a way that an interrupt ends. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal });
