import { describe, expect, it } from 'vitest';
import { lookAt, type Workload } from './rollouts.ts';

const uid = 'uid-app';
const annotation = 's3.cloud37.dev/pair-uid-app';
/** A Deployment or StatefulSet of two Pods, made for this pair. */
const workload = (made: string | undefined, status: Workload['status'] = {}, replicas = 2): Workload => ({
  metadata: { uid: 'w', resourceVersion: '1', generation: 3 },
  spec: { replicas, template: { metadata: made === undefined ? {} : { annotations: { [annotation]: made } } } },
  status: { observedGeneration: 3, ...status },
});
const done = { replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
const look = (kind: 'Deployment' | 'StatefulSet' | 'DaemonSet', found: Workload | undefined, pairGeneration = 2) => {
  const { status, outdated } = lookAt({ kind, name: 'web' }, found, { pairGeneration, uid });
  return { ...status, isOutdated: outdated !== undefined };
};

describe('lookAt', () => {
  it.each<[string, Workload | undefined, number, object]>([
    ['none', undefined, 2, { finished: false, isOutdated: false }],
    [
      'one without the annotation, after a rotation',
      workload(undefined, done),
      2,
      { finished: false, isOutdated: true },
    ],
    [
      'one without the annotation, of the first pair',
      workload(undefined, done),
      1,
      { finished: true, isOutdated: false },
    ],
    ['one of the former pair', workload('1', done), 2, { pairGeneration: 1, finished: false, isOutdated: true }],
    ['one of this pair', workload('2', done), 2, { pairGeneration: 2, finished: true, isOutdated: false }],
    [
      'one of a pair of a status that was lost',
      workload('3', done),
      2,
      { pairGeneration: 3, finished: false, isOutdated: true },
    ],
    ['one with something else there', workload('x', done), 2, { finished: false, isOutdated: true }],
    [
      'one that its controller has not looked at',
      workload('2', { ...done, observedGeneration: 2 }),
      2,
      { pairGeneration: 2, finished: false, isOutdated: false },
    ],
    [
      'one with a Pod of the former template',
      workload('2', { ...done, replicas: 3 }),
      2,
      { pairGeneration: 2, finished: false, isOutdated: false },
    ],
    [
      'one whose new Pods are not available',
      workload('2', { ...done, availableReplicas: 1 }),
      2,
      { pairGeneration: 2, finished: false, isOutdated: false },
    ],
    ['one without Pods', workload('2', {}, 0), 2, { pairGeneration: 2, finished: true, isOutdated: false }],
  ])('at a Deployment or StatefulSet: %s', (_title, found, pairGeneration, want) => {
    for (const kind of ['Deployment', 'StatefulSet'] as const)
      expect(look(kind, found, pairGeneration)).toEqual({ kind, name: 'web', ...want });
  });

  it.each<[Workload['status'], boolean]>([
    [{ desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 }, true],
    [{ desiredNumberScheduled: 3, updatedNumberScheduled: 2, numberAvailable: 3 }, false],
    [{ desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 2 }, false],
    [{ desiredNumberScheduled: 0, updatedNumberScheduled: 0, numberAvailable: 0 }, true],
    [{}, true],
  ])('at a DaemonSet with status %j', (status, finished) => {
    expect(look('DaemonSet', workload('2', status))).toMatchObject({ finished });
  });
});
