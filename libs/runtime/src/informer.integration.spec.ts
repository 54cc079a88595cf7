import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '@operator/tools/local';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type FaultProxy,
  type Widget,
  eventually,
  installWidgets,
  openKube,
  refusal,
  startFaultProxy,
  widgets,
} from '../test/widgets.ts';
import { type StartedInformer, createInformer } from './informer.ts';
import type { KubeClient } from './kube-client.ts';
import type { KubeConnection } from './kube-connection.ts';

let dir: string;
let plane: ControlPlane;
let proxy: FaultProxy;
let direct: { kube: KubeClient; connection: KubeConnection };
let proxied: { kube: KubeClient; connection: KubeConnection };
let ended = new AbortController();
let watching: Promise<void>[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'informer-'));
  // Without its cache the API server knows nothing of the past but what etcd has, which forgets when it is told: 410 is real.
  plane = await startControlPlane({
    dir,
    controllerManager: false,
    apiServerArgs: ['--watch-cache=false', '--etcd-compaction-interval=0'],
  });
  proxy = await startFaultProxy(plane, dir);
  direct = await openKube(plane.kubeconfigPath);
  proxied = await openKube(proxy.kubeconfigPath);
});

afterAll(async () => {
  direct.connection.close();
  proxied.connection.close();
  proxy.stop();
  await plane.stop();
  rmSync(dir, { recursive: true, force: true });
});

afterEach(async () => {
  ended.abort();
  await Promise.all(watching);
  ended = new AbortController();
  watching = [];
  lines = [];
  proxy.intercept = () => undefined;
});

let lines: string[] = [];
const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });

const start = (
  given: { namespaces?: string[]; silentAfterMs?: number; labelSelector?: string; kube?: KubeClient } = {},
): StartedInformer<Widget> => {
  const informer = createInformer<Widget>(widgets);
  watching.push(
    informer.start({ kube: proxied.kube, log, random: Math.random, namespaces: [], ...given }, ended.signal),
  );
  return informer;
};

const namespace = 'default';
const create = (name: string, metadata: object = {}): Promise<Widget> =>
  direct.kube.create<Widget>(widgets, { metadata: { namespace, name, ...metadata }, spec: { size: 1 } });
const resize = (name: string, size: number) =>
  direct.kube.patch<Widget>(widgets, { namespace, name }, { spec: { size } });
/** Streamed or in pages. */
const isList = (url: string) =>
  url.includes('/widgets') && (!url.includes('watch=true') || url.includes('sendInitialEvents=true'));
const isWatch = (url: string) => url.includes('/widgets') && !isList(url);

/** Makes etcd forget what was before this version. Source: etcd API, Compact, over its JSON gateway. */
const forgetUntil = async (resourceVersion: string): Promise<void> => {
  const body = JSON.stringify({ revision: resourceVersion, physical: true });
  const { status } = await fetch(`${plane.etcdUrl}/v3/kv/compaction`, { method: 'POST', body });
  expect(status).toBe(200);
};

describe('an informer on a real API server', () => {
  it('waits for a kind that is installed after its start, and says so once', async () => {
    const informer = start();
    await eventually('it asked three times', () => proxy.requests.filter(({ url }) => isList(url)).length >= 3);
    expect(informer.hasSynced()).toBe(false);
    await installWidgets(plane);
    await eventually('it has synced', () => informer.hasSynced());
    expect(lines.filter((line) => line.includes('KindAbsent'))).toHaveLength(1);
    await create('after-install');
    await eventually('the watch works', () => informer.get('default/after-install'));
  });

  it('lists again after 410 Gone, and tells what went meanwhile as deleted', async () => {
    await create('kept');
    await create('lost');
    const informer = start();
    const deleted: string[] = [];
    informer.on({ onDelete: ({ metadata }) => void deleted.push(metadata.name) });
    await eventually('it has synced', () => informer.hasSynced() && informer.get('default/lost'));
    proxy.intercept = (_method, url) => (isWatch(url) ? 'refuse' : undefined);
    proxy.cut();
    await direct.kube.delete(widgets, { namespace, name: 'lost' });
    const { metadata } = await resize('kept', 2);
    await forgetUntil(metadata.resourceVersion);
    proxy.intercept = () => undefined;
    await eventually('the deletion is known', () => informer.get('default/lost') === undefined);
    expect(deleted).toEqual(['lost']);
    expect(informer.get('default/kept')?.spec.size).toBe(2);
    expect(lines.join('\n')).toContain('"reason":"Expired"');
  });

  it('reconnects a watch that went silent, from where it was, without a list', async () => {
    proxy.intercept = (_method, url) => (isWatch(url) ? 'mute' : undefined);
    const informer = start({ silentAfterMs: 1_500 });
    await eventually('it has synced', () => informer.hasSynced());
    await create('unheard');
    proxy.requests.length = 0;
    proxy.intercept = () => undefined;
    await eventually('the watch tells it', () => informer.get('default/unheard'));
    expect(proxy.requests.filter(({ url }) => isList(url))).toEqual([]);
    expect(lines.join('\n')).toContain('"reason":"Silent"');
  });

  it('resumes after a broken connection without a list', async () => {
    const informer = start();
    await eventually('it has synced', () => informer.hasSynced());
    await create('resumed-1');
    await eventually('the watch runs', () => informer.get('default/resumed-1'));
    proxy.requests.length = 0;
    proxy.cut();
    await create('resumed-2');
    await eventually('the watch tells it', () => informer.get('default/resumed-2'));
    expect(proxy.requests.filter(({ url }) => isList(url))).toEqual([]);
  });

  it('is patient with 429, as long as Retry-After says', async () => {
    let refusals = 0;
    proxy.intercept = (_method, url) =>
      isList(url) && (refusals += 1) <= 2
        ? refusal(429, 'TooManyRequests', 'slow down', { 'retry-after': '1' })
        : undefined;
    const from = performance.now();
    const informer = start();
    await eventually('it has synced', () => informer.hasSynced());
    expect(performance.now() - from).toBeGreaterThan(1_900);
    expect(refusals).toBe(3);
  });

  it('keeps its objects while the API server restarts, and sees what comes after', async () => {
    const informer = start();
    await eventually('it has synced', () => informer.hasSynced() && informer.get('default/kept'));
    await plane.restartApiServer({ kill: true });
    expect(informer.get('default/kept')).toBeDefined();
    await eventually('it takes writes', () =>
      create('restarted').then(
        () => true,
        () => false,
      ),
    );
    await eventually('the watch tells it', () => informer.get('default/restarted'));
  });

  it('sees only the namespaces and labels that it is asked for', async () => {
    for (const name of ['one', 'two', 'three']) {
      await direct.kube.create(
        { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces' },
        { metadata: { name } },
      );
    }
    const place = (in_: string, shard: string) => create(`w-${shard}`, { namespace: in_, labels: { shard } });
    await place('one', 'a');
    await place('two', 'a');
    await place('two', 'b');
    await place('three', 'a');
    const informer = start({ namespaces: ['one', 'two'], labelSelector: 'shard=a' });
    await eventually('it has synced', () => informer.hasSynced());
    expect([...informer.list()].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort()).toEqual([
      'one/w-a',
      'two/w-a',
    ]);
    // An object that leaves the selection and comes back is not taken for a dead one.
    const relabel = (shard: string) =>
      direct.kube.patch(widgets, { namespace: 'two', name: 'w-b' }, { metadata: { labels: { shard } } });
    await relabel('a');
    await eventually('it came', () => informer.get('two/w-b'));
    await relabel('b');
    await eventually('it left', () => informer.get('two/w-b') === undefined);
    await relabel('a');
    await eventually('it came back', () => informer.get('two/w-b'));
  });

  it(
    'streams 5 000 objects, and lists them in pages of 500 where it cannot, also when the list expires between two of them',
    {
      timeout: 300_000,
    },
    async () => {
      const namespaceOf5000 = 'three';
      let made = 0;
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          while (made < 5_000) {
            made += 1;
            const metadata = { name: `n${made}`, namespace: namespaceOf5000 };
            await direct.kube.create(widgets, { metadata, spec: { size: made } });
          }
        }),
      );
      const listed = async (what: string, kube: KubeClient) => {
        proxy.requests.length = 0;
        const from = performance.now();
        const informer = start({ namespaces: [namespaceOf5000], kube });
        await eventually('it has synced', () => informer.hasSynced(), 30_000);
        console.log(`5 000 objects ${what}: ${Math.round(performance.now() - from)} ms`);
        expect([...informer.list()]).toHaveLength(5_001);
        return proxy.requests.filter(({ url }) => isList(url));
      };
      expect(await listed('streamed', proxied.kube)).toHaveLength(2);

      const other = await openKube(proxy.kubeconfigPath);
      try {
        const cannotStream = (url: string) =>
          url.includes('sendInitialEvents') ? refusal(422, 'Invalid', 'sendInitialEvents is forbidden') : undefined;
        proxy.intercept = (_method, url) => cannotStream(url);
        expect(await listed('in pages', other.kube)).toHaveLength(1 + 11);

        let expired = 0;
        proxy.intercept = (_method, url) =>
          url.includes('continue=') && (expired += 1) === 3
            ? refusal(410, 'Expired', 'the continue token is too old')
            : cannotStream(url);
        await listed('in pages and then in one piece', other.kube);
        expect(expired).toBe(3);
      } finally {
        other.connection.close();
      }
    },
  );
});
