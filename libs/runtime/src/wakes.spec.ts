import { expect, it } from 'vitest';
import type { InformerEvents } from './informer.ts';
import type { StoredObject } from './resource.ts';
import { createWakes } from './wakes.ts';

const resource = { group: 'runtime.test', version: 'v1', kind: 'Shelf', plural: 'shelves' };
const shelf = (resourceVersion: string): StoredObject => ({
  metadata: { name: 'shelf', namespace: 'n', uid: 'uid', resourceVersion, creationTimestamp: '2026-05-05T10:00:00Z' },
});

/** Wakes `n/a` and `n/b` by every event of one informer. */
const begin = () => {
  const woken: string[] = [];
  const wakes = createWakes((key) => woken.push(key));
  const told: InformerEvents<StoredObject>[] = [];
  let isSynced = false;
  const informer = {
    resource,
    on: (events: InformerEvents<StoredObject>) => void told.push(events),
    hasSynced: () => isSynced,
  };
  wakes.mapEvents(informer, () => ['n/a', 'n/b']);
  return { woken, wakes, events: told[0], sync: () => void (isSynced = true) };
};

it('names the last change that woke a key, once', () => {
  const { woken, wakes, events, sync } = begin();
  sync();
  events?.onUpdate?.(shelf('2'), shelf('1'));
  events?.onUpdate?.(shelf('3'), shelf('2'));
  expect(woken).toEqual(['n/a', 'n/b', 'n/a', 'n/b']);
  expect(wakes.take('n/a')).toEqual({ kind: 'Shelf', uid: 'uid', resourceVersion: '3' });
  expect(wakes.take('n/a')).toBeUndefined();
  expect(wakes.take('n/c')).toBeUndefined();
});

it('wakes nobody for what is listed at the start', () => {
  const { woken, wakes, events } = begin();
  events?.onAdd?.(shelf('1'));
  expect(woken).toEqual([]);
  expect(wakes.take('n/a')).toBeUndefined();
});
