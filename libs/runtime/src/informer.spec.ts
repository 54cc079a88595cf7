import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StartedInformer, createInformer } from './informer.ts';
import type { KubeClient, WatchEvent } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import type { KubeObject } from './resource.ts';

type Thing = KubeObject<{ readonly size: number }>;
const things = { group: 'g', version: 'v1', kind: 'Thing', plural: 'things' };

/** An API server of which the test is the master: it says what a list holds and what a watch tells. */
class Server {
  listed: Thing[] = [];
  version = '10';
  lists = 0;
  #tell: (() => void) | undefined;
  #told: (WatchEvent<Thing> | Error)[] = [];

  tell(event: WatchEvent<Thing> | Error): void {
    this.#told.push(event);
    this.#tell?.();
  }

  readonly kube: Pick<KubeClient, 'list' | 'watch'> = {
    list: async function* () {
      server.lists += 1;
      yield { items: structuredClone(server.listed), resourceVersion: server.version } as never;
    },
    watch: async function* (_resource: unknown, _selection: unknown, { signal }: { signal: AbortSignal }) {
      for (;;) {
        const next = server.#told.shift();
        if (next instanceof Error) throw next;
        if (next !== undefined) {
          yield structuredClone(next) as never;
          continue;
        }
        await new Promise<void>((resolve, reject) => {
          server.#tell = resolve;
          signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
        });
      }
    },
  };
}

const thing = (name: string, resourceVersion: string, size: number, metadata: object = {}): Thing => ({
  apiVersion: 'g/v1',
  kind: 'Thing',
  metadata: {
    name,
    namespace: 'n',
    uid: `uid-${name}`,
    resourceVersion,
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...metadata,
  },
  spec: { size },
});

let server: Server;
let informer: StartedInformer<Thing>;
let seen: string[];
let end: AbortController;
let running: Promise<void>;
let errors: string[];

beforeEach(() => {
  server = new Server();
  seen = [];
  errors = [];
  end = new AbortController();
  informer = createInformer<Thing>(things);
  informer.on({
    onAdd: ({ metadata, spec }) => void seen.push(`add ${metadata.name} ${spec.size}`),
    onUpdate: ({ metadata, spec }, old) => void seen.push(`update ${metadata.name} ${old.spec.size}→${spec.size}`),
    onDelete: ({ metadata, spec }, wasTold) =>
      void seen.push(`${wasTold ? 'delete' : 'miss'} ${metadata.name} ${spec.size}`),
  });
});

afterEach(async () => {
  end.abort();
  await running;
});

const start = async (): Promise<void> => {
  const log = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) });
  running = informer.start({ kube: server.kube, log, random: () => 0, namespaces: [] }, end.signal);
  await settle(() => informer.hasSynced());
};

const settle = async (until: () => boolean): Promise<void> => {
  for (let look = 0; look < 200 && !until(); look += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(until()).toBe(true);
};

describe('an informer', () => {
  it('tells what is listed, added, modified and deleted', async () => {
    server.listed = [thing('a', '5', 1)];
    await start();
    server.tell({ type: 'ADDED', object: thing('b', '11', 1) });
    server.tell({ type: 'MODIFIED', object: thing('a', '12', 2) });
    server.tell({ type: 'DELETED', object: thing('b', '13', 1) });
    await settle(() => seen.length === 4);
    expect(seen).toEqual(['add a 1', 'add b 1', 'update a 1→2', 'delete b 1']);
  });

  it('drops managedFields and the last-applied annotation on arrival', async () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', kept: 'yes' };
    server.listed = [thing('a', '5', 1, { managedFields: [{}], annotations })];
    await start();
    expect(JSON.stringify(informer.get('n/a'))).not.toContain('managedFields');
    expect(informer.get('n/a')?.metadata.annotations).toEqual({ kept: 'yes' });
  });

  it('reads its own write, and ignores the older event that comes after it', async () => {
    server.listed = [thing('a', '5', 1)];
    await start();
    informer.remember(thing('a', '20', 3));
    expect(informer.get('n/a')?.spec.size).toBe(3);
    server.tell({ type: 'MODIFIED', object: thing('a', '19', 2) });
    server.tell({ type: 'MODIFIED', object: thing('a', '20', 3) });
    server.tell({ type: 'MODIFIED', object: thing('a', '100', 4) });
    await settle(() => informer.get('n/a')?.spec.size === 4);
    expect(seen).toEqual(['add a 1', 'update a 1→3', 'update a 3→4']);
  });

  it('does not bring a deleted object back with a late answer, nor learn of one from it', async () => {
    server.listed = [thing('a', '5', 1)];
    await start();
    server.tell({ type: 'DELETED', object: thing('a', '30', 1) });
    await settle(() => informer.get('n/a') === undefined);
    informer.remember(thing('a', '29', 2));
    informer.remember(thing('never-seen', '31', 2));
    expect([...informer.list()]).toEqual([]);
  });

  it('sees a recreated object as another one', async () => {
    server.listed = [thing('a', '5', 1)];
    await start();
    server.tell({ type: 'ADDED', object: thing('a', '40', 7, { uid: 'second' }) });
    server.tell({ type: 'DELETED', object: thing('a', '39', 1) });
    await settle(() => seen.length >= 3);
    expect(seen).toEqual(['add a 1', 'delete a 1', 'add a 7']);
    expect(informer.get('n/a')?.metadata.uid).toBe('second');
  });

  it('keeps a newer write of its own through a list that does not have it yet', async () => {
    server.listed = [thing('a', '5', 1)];
    await start();
    informer.remember(thing('a', '20', 3));
    server.version = '15';
    server.tell(new KubeError({ status: 410, reason: 'Expired', message: 'too old' }));
    await settle(() => server.lists === 2);
    expect(informer.get('n/a')?.spec.size).toBe(3);
  });

  it('believes a list from a cluster that was restored from a backup', async () => {
    server.listed = [thing('a', '50', 5), thing('b', '51', 1)];
    server.version = '60';
    await start();
    server.listed = [thing('a', '7', 2)];
    server.version = '8';
    server.tell(new KubeError({ status: 410, reason: 'Expired', message: 'too old' }));
    await settle(() => server.lists === 2 && informer.get('n/b') === undefined);
    expect(informer.get('n/a')?.spec.size).toBe(2);
    expect(seen.slice(2)).toEqual(['update a 5→2', 'miss b 1']);
  });

  it('drops what a list beside its watch does not have, unless it is newer', async () => {
    server.listed = [thing('gone', '5', 1), thing('there', '6', 1), thing('new', '31', 1)];
    await start();
    informer.retain({ uids: new Set(['uid-there']), resourceVersion: '30', namespace: undefined });
    expect([...informer.list()].map(({ metadata }) => metadata.name)).toEqual(['there', 'new']);
    informer.retain({ uids: new Set(), resourceVersion: '30', namespace: 'other' });
    expect(seen.slice(3)).toEqual(['miss gone 1']);
  });

  it('finds objects by an index as they come, change and go', async () => {
    const ofSize = informer.index('size', ({ spec }) => [String(spec.size)]);
    server.listed = [thing('a', '5', 1), thing('b', '6', 1)];
    await start();
    const names = (size: string) => ofSize(size).map(({ metadata }) => metadata.name);
    expect(names('1')).toEqual(['a', 'b']);
    informer.remember(thing('a', '20', 2));
    expect([names('1'), names('2')]).toEqual([['b'], ['a']]);
    server.tell({ type: 'DELETED', object: thing('b', '21', 1) });
    await settle(() => names('1').length === 0);
    expect(() => informer.index('late', () => [])).toThrow('comes too late');
  });

  it('survives a listener that throws, and still tells the others', async () => {
    informer.on({
      onAdd: () => {
        throw new Error('a bug');
      },
    });
    const others: string[] = [];
    informer.on({ onAdd: ({ metadata }) => void others.push(metadata.name) });
    server.listed = [thing('a', '5', 1)];
    await start();
    server.tell({ type: 'ADDED', object: thing('b', '11', 1) });
    await settle(() => others.length === 2);
    expect(server.lists).toBe(1);
    expect(errors.join('')).toContain('a bug');
  });
});
