import { expect, it } from 'vitest';
import type { KubeClient } from './kube-client.ts';
import { createLiveList } from './live-list.ts';
import type { StoredObject } from './resource.ts';

const widgets = { group: 'test', version: 'v1', kind: 'Widget', plural: 'widgets' };

it.each([
  [[], [undefined]],
  [
    ['team-a', 'team-b'],
    ['team-a', 'team-b'],
  ],
])('a live list with reach %j asks for %j, page by page, and keeps what is taken', async (reach, expected) => {
  const asked: unknown[] = [];
  const kube = {
    list: async function* (_resource: object, { namespace }: { namespace?: string }, options: { pageSize?: number }) {
      asked.push(namespace);
      expect(options.pageSize).toBe(500);
      yield { items: [{ metadata: { name: 'dropped' } }] };
      yield { items: [{ metadata: { name: `kept of ${String(namespace)}` } }] };
    },
  } as unknown as Pick<KubeClient, 'list'>;
  const take = ({ metadata }: StoredObject) =>
    metadata.name === 'dropped' ? undefined : ({ metadata } as StoredObject);
  const kept = await createLiveList(kube, reach)(widgets, take, { signal: new AbortController().signal });
  expect(asked).toEqual(expected);
  expect(kept.map(({ metadata }) => metadata.name)).toEqual(
    expected.map((namespace) => `kept of ${String(namespace)}`),
  );
});
