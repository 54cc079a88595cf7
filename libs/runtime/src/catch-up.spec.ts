import { pino } from 'pino';
import { expect, it } from 'vitest';
import { catchUp } from './catch-up.ts';
import type { Informer } from './informer.ts';
import type { KubeClient } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import type { StoredObject } from './resource.ts';

const resource = { group: 'g', version: 'v1', kind: 'Thing', plural: 'things' };
const thing = { metadata: { namespace: 'n', name: 'a', uid: 'u' } } as StoredObject;

/** `refusals`: how many lists fail before one succeeds. */
const world = (refusals: number) => {
  const lines: string[] = [];
  const remembered: StoredObject[] = [];
  const retained: unknown[] = [];
  let lists = 0;
  const kube: Pick<KubeClient, 'list'> = {
    list: async function* () {
      lists += 1;
      if (lists <= refusals) throw new KubeError({ status: 503, reason: 'Unavailable', message: 'not now' });
      yield { items: [thing] as never[], resourceVersion: '9' };
    },
  };
  const options = {
    kube,
    informer: {
      resource,
      remember: (object) => void remembered.push(object),
      retain: (listed) => void retained.push(listed),
    } as Informer,
    namespaces: [],
    random: () => 0,
    log: pino({}, { write: (line: string) => void lines.push(line) }),
  };
  return { options, lines, remembered, retained, lists: () => lists };
};

it('tries until it has caught up, with a pause between, and says once that it cannot', async () => {
  const { options, lines, remembered, retained, lists } = world(2);
  const from = performance.now();
  expect(await catchUp(options, new AbortController().signal)).toBe(true);
  expect(performance.now() - from).toBeGreaterThan(100);
  expect(lists()).toBe(3);
  expect(remembered).toEqual([thing]);
  expect(retained).toEqual([{ uids: new Set(['u']), resourceVersion: '9', namespace: undefined }]);
  expect(lines).toHaveLength(1);
});

it('ends with the term', async () => {
  const { options, lists } = world(Infinity);
  expect(await catchUp(options, AbortSignal.timeout(50))).toBe(false);
  expect(lists()).toBeLessThanOrEqual(2);
});
