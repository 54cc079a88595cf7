import { expect, it } from 'vitest';
import { createWatches } from './controller-tools.ts';
import type { InformerSource } from './informer.ts';
import type { Selection } from './kube-client.ts';

const resource = { group: 'g', version: 'v1', kind: 'Thing', plural: 'things' };

/** Watches of a process that looks after one namespace and one label; `listed`: what each list asked for. */
const begin = () => {
  const listed: Selection[] = [];
  const kube = {
    list: async function* (_resource: unknown, selection: Selection) {
      listed.push(selection);
      yield { items: [], resourceVersion: '1' };
    },
    watch: async function* (_resource: unknown, _selection: unknown, { signal }: { signal: AbortSignal }) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      yield* [];
    },
  };
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const source = { kube, log, random: () => 0, namespaces: ['team-a'] } as unknown as InformerSource;
  return { watches: createWatches(source), listed };
};

it('a resource has one informer, and one more for each view', () => {
  const { watches } = begin();
  const own = watches.informer(resource);
  const all = watches.informer(resource, { scope: 'all', view: 'rivals' });
  expect(all).not.toBe(own);
  expect(watches.informer(resource)).toBe(own);
  expect(() => watches.informer(resource, { scope: 'all', view: 'rivals' })).toThrow('is made already');
});

it('a view sees what the process does not look after', async () => {
  const { watches, listed } = begin();
  const own = watches.informer(resource);
  watches.informer(resource, { scope: 'all', view: 'rivals' });
  const ended = watches.start(own, 'team=a');
  while (!watches.hasSynced()) await new Promise(setImmediate);
  expect(listed).toEqual([
    expect.objectContaining({ namespace: 'team-a', labelSelector: 'team=a' }),
    expect.not.objectContaining({ namespace: expect.anything() as unknown }),
  ]);
  expect(listed[1]?.labelSelector).toBeUndefined();
  watches.end();
  await ended;
});
