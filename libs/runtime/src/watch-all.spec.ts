import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { KubeClient, Selection, WatchEvent } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import type { StoredObject } from './resource.ts';
import { watchAll, type View } from './watch-all.ts';

const places = { group: '', version: 'v1', kind: 'Place', plural: 'places' };
const forbidden = new KubeError({ status: 403, reason: 'Forbidden', message: 'no' });
const unreachable = new KubeError({ status: 0, reason: 'Unreachable', message: 'no' });
const expired = new KubeError({ status: 410, reason: 'Expired', message: 'too old' });

/** An API server of which the test is the master. `deny`: how lists and watches are answered. */
let server: {
  listed: readonly StoredObject[];
  deny: { list?: KubeError | undefined; watch?: KubeError | undefined };
  lists: Selection[];
  tell: (event: WatchEvent<StoredObject> | KubeError) => void;
};
let view: View<StoredObject>;
let seen: string[];
let end: AbortController;

const place = (name: string, resourceVersion = '10'): StoredObject => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion, creationTimestamp: '2026-01-01T00:00:00Z' },
});

const kube = {
  list: async function* (_resource: unknown, selection: Selection) {
    server.lists.push(selection);
    if (server.deny.list !== undefined) throw server.deny.list;
    yield { items: structuredClone(server.listed), resourceVersion: '10' };
  },
  watch: async function* (
    _resource: unknown,
    _selection: unknown,
    { signal, onOpen }: { signal: AbortSignal; onOpen?: () => void },
  ) {
    if (server.deny.watch !== undefined) throw server.deny.watch;
    onOpen?.();
    for (;;) {
      const next = await new Promise<WatchEvent<StoredObject> | KubeError>((resolve, reject) => {
        server.tell = resolve;
        signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      });
      if (next instanceof KubeError) throw next;
      yield next;
    }
  },
} as unknown as Pick<KubeClient, 'list' | 'watch'>;

const begin = () => {
  const log = pino({ level: 'silent' });
  const source = { kube, log, random: () => 0 };
  view = watchAll<StoredObject>(
    source,
    places,
    {
      trim: (object) => object,
      onChange: (object, old) => {
        const what = object === undefined ? 'went' : old === undefined ? 'came' : 'changed';
        seen.push(`${(object ?? old)?.metadata.name ?? ''} ${what}`);
      },
      onState: (state) => void seen.push(state),
    },
    end.signal,
  );
};
const until = async (isSo: () => boolean) => {
  for (let look = 0; look < 400 && !isSo(); look += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(isSo()).toBe(true);
};
const untilState = (state: string) => until(() => view.state() === state);
const names = () => [...view.list()].map(({ metadata }) => metadata.name);

beforeEach(() => {
  server = { listed: [], deny: {}, lists: [], tell: () => undefined };
  seen = [];
  end = new AbortController();
});
afterEach(() => end.abort());

it('lists every namespace, says that all is known, and then each change', async () => {
  server.listed = [place('one')];
  begin();
  expect(view.state()).toBe('pending');
  await untilState('known');
  expect(server.lists).toEqual([{}]);
  expect(names()).toEqual(['one']);
  for (const event of [
    { type: 'ADDED', object: place('two', '11') },
    { type: 'MODIFIED', object: place('one', '12') },
    { type: 'DELETED', object: place('two', '13') },
  ] as const) {
    const { length } = seen;
    server.tell(event);
    await until(() => seen.length > length);
  }
  expect(seen).toEqual(['known', 'two came', 'one changed', 'two went']);
});

it('a list that is refused is told, and tried until it is allowed', async () => {
  server.deny = { list: forbidden };
  begin();
  await untilState('refused');
  server.deny = {};
  await untilState('known');
  expect(seen).toEqual(['refused', 'known']);
});

it('a list without the watch is refused: what it brought would grow old', async () => {
  server.deny = { watch: forbidden };
  begin();
  await untilState('refused');
  server.deny = {};
  await untilState('known');
  expect(seen).toEqual(['known', 'refused', 'known']);
});

it('a right that is taken away while it watches is told, and what changed meanwhile is not told one by one', async () => {
  begin();
  await untilState('known');
  server.deny = { list: forbidden };
  server.tell(expired);
  await untilState('refused');
  server.listed = [place('one', '11')];
  server.deny = {};
  await untilState('known');
  expect(seen).toEqual(['known', 'refused', 'known']);
  expect(names()).toEqual(['one']);
});

it('an API server that refuses for a moment, as one that starts does, changes nothing', async () => {
  server.listed = [place('one')];
  begin();
  await untilState('known');
  server.deny = { list: forbidden };
  server.tell(expired);
  await until(() => server.lists.length >= 4);
  expect(view.state()).toBe('known');
  server.deny = {};
  server.listed = [place('one'), place('two')];
  await until(() => seen.length > 1);
  expect(seen).toEqual(['known', 'two came']);
  expect(names()).toEqual(['one', 'two']);
});

it('an API server that is away refuses nothing: what is known stays', async () => {
  server.listed = [place('one')];
  begin();
  await untilState('known');
  server.deny = { watch: unreachable };
  server.tell(unreachable);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(view.state()).toBe('known');
  expect(names()).toEqual(['one']);
});

it('says nothing more once it was ended', async () => {
  begin();
  await untilState('known');
  view.end();
  server.tell({ type: 'ADDED', object: place('two', '11') });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(seen).toEqual(['known']);
});

it('says nothing when its list is answered after it was ended', async () => {
  begin();
  view.end();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(server.lists).toHaveLength(1);
  expect(seen).toEqual([]);
});
