import type { AllowedNamespaces } from '@operator/api';
import { providerOf } from '@operator/references/testing';
import type { StoredObject, ViewOptions, ViewState } from '@operator/runtime';
import { describe, expect, it } from 'vitest';
import { createNamespaceWatch } from './namespace-watch.ts';

const server = { serverIdentity: 'http://s3.test' };
const shows = { 's3.cloud37.dev/show-granted-namespaces': 'true' };
const allowed = { s3: 'allowed' };
const selector = { matchLabels: allowed };
type Labels = Readonly<Record<string, string>>;
type Named = StoredObject & { readonly metadata: { readonly labels?: Labels } };

const namespaceOf = (name: string, labels: Labels): Named => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: '2026-05-01T00:00:00Z', labels },
});

/** A watch of Namespaces over a map that the test owns. */
const begin = (labels: Readonly<Record<string, Labels>> = {}) => {
  const objects = new Map(Object.entries(labels).map(([name, its]) => [name, namespaceOf(name, its)]));
  const enqueued: (readonly [key: string, afterMs: number | undefined])[] = [];
  let state: ViewState = 'pending';
  let begun: ViewOptions<Named> | undefined;
  const watch = createNamespaceWatch({
    watchAll: ((_resource: unknown, options: ViewOptions<Named>) => {
      begun = options;
      state = 'pending';
      return {
        get: (key: string) => objects.get(key),
        list: () => objects.values(),
        state: () => state,
        end: () => void (begun = undefined),
      };
    }) as never,
    enqueue: (key, afterMs) => void enqueued.push([key, afterMs]),
  });
  return {
    isWatching: () => begun !== undefined,
    follow: (name: string, grant: AllowedNamespaces = { selector }) =>
      watch.follow(
        providerOf(server, { metadata: { name, namespace: 'storage' }, spec: { allowedNamespaces: grant } }),
        grant.selector ?? {},
      ),
    unfollow: (name: string) => watch.unfollow(`storage/${name}`),
    /** The view gets another state; who was enqueued. */
    become: (next: ViewState) => {
      state = next;
      begun?.onState(next);
      return enqueued.splice(0).map(([key]) => key);
    },
    /** A Namespace comes, is relabelled, or goes; who was enqueued. */
    label: (name: string, its: Labels | undefined) => {
      const old = objects.get(name);
      if (its === undefined) objects.delete(name);
      else objects.set(name, namespaceOf(name, its));
      begun?.onChange(objects.get(name), old);
      return enqueued.splice(0);
    },
  };
};

/** One whose namespaces are listed, with a Provider `storage/store` that grants by the selector. */
const following = (labels: Readonly<Record<string, Labels>> = { storage: shows }) => {
  const world = begin(labels);
  expect(world.follow('store')).toBe('pending');
  expect(world.become('known')).toEqual(['storage/store']);
  return world;
};
const soon = [['storage/store', 5_000]];

it('the namespaces that the selector matches are told once they are listed, and who asked before looks again', () => {
  const world = following({ storage: shows, 'team-a': allowed, 'team-b': {}, 'team-c': allowed });
  expect(world.follow('store')).toEqual(['team-a', 'team-c']);
  expect(world.become('known')).toEqual([]);
});

it('a namespace that comes, is relabelled, or goes wakes the Providers whose selector that concerns, a little later', () => {
  const world = following();
  world.follow('other', { selector: { matchLabels: { other: 'label' } } });
  expect(world.label('team-a', allowed)).toEqual(soon);
  expect(world.follow('store')).toEqual(['team-a']);
  expect(world.label('team-a', { ...allowed, stage: 'test' })).toEqual([]);
  expect(world.label('team-a', {})).toEqual(soon);
  expect(world.follow('store')).toEqual([]);
  expect(world.label('team-b', { app: 'shop' })).toEqual([]);
  expect(world.label('team-a', allowed)).toEqual(soon);
  expect(world.label('team-a', undefined)).toEqual(soon);
  expect(world.label('team-b', { other: 'label' })).toEqual([['storage/other', 5_000]]);
});

it('a namespace that is granted by its name wakes nobody', () => {
  const world = following();
  world.follow('store', { names: ['team-a'], selector });
  expect(world.label('team-a', allowed)).toEqual([]);
  expect(world.label('team-b', allowed)).toEqual(soon);
});

describe('without the label on the namespace of the Provider', () => {
  it.each([{}, { 's3.cloud37.dev/show-granted-namespaces': 'yes' }])(
    'nothing is shown, and nothing wakes: %o',
    (its) => {
      const world = following({ storage: its, 'team-a': allowed });
      expect(world.follow('store')).toBe('hidden');
      expect(world.label('team-b', allowed)).toEqual([]);
    },
  );

  it('not even its own namespace is told to be absent', () => {
    expect(following({}).follow('store')).toBe('hidden');
  });

  it('the label that comes or goes wakes the Providers there', () => {
    const world = following({ storage: {}, 'team-a': allowed });
    expect(world.label('storage', shows)).toEqual(soon);
    expect(world.follow('store')).toEqual(['team-a']);
    expect(world.label('storage', { ...shows, stage: 'test' })).toEqual([]);
    expect(world.label('storage', {})).toEqual(soon);
    expect(world.follow('store')).toBe('hidden');
  });
});

it('a refused list hides what was known, and one that is granted again shows it', () => {
  const world = following({ storage: shows, 'team-a': allowed });
  world.follow('store');
  expect(world.become('refused')).toEqual(['storage/store']);
  expect(world.follow('store')).toBe('hidden');
  expect(world.become('known')).toEqual(['storage/store']);
  expect(world.follow('store')).toEqual(['team-a']);
});

it('the watch begins with the first Provider that grants by a selector, and ends with the last', () => {
  const world = begin({ storage: shows });
  world.unfollow('store');
  expect(world.isWatching()).toBe(false);
  world.follow('store');
  world.follow('other');
  world.unfollow('store');
  expect(world.isWatching()).toBe(true);
  world.unfollow('other');
  expect(world.isWatching()).toBe(false);
  expect(world.follow('store')).toBe('pending');
  expect(world.become('known')).toEqual(['storage/store']);
});
