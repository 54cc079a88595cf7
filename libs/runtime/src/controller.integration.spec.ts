import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { searchLogs, SecretsMade } from '@operator/tools/harness';
import { type Child, type ControlPlane, startChild, startControlPlane } from '@operator/tools/local';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type KubeClient, type Resource, type StoredObject } from './index.ts';
import type { KubeConnection } from './kube-connection.ts';
import { leaseResource } from './leader-election.ts';
import { kstatusOf } from '../test/kstatus.ts';
import {
  type FaultProxy,
  type Outside,
  type Widget,
  type WidgetSpec,
  eventually,
  finalizer,
  installWidgets,
  openKube,
  refusal,
  startFaultProxy,
  startOutside,
  widgets,
} from '../test/widgets.ts';

let dir: string;
let plane: ControlPlane;
let proxy: FaultProxy;
let connection: KubeConnection;
/** The administrator's, beside the proxy. */
let kube: KubeClient;
let outside: Outside;
let started: Child[] = [];
let count = 0;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'runtime-'));
  plane = await startControlPlane({ dir });
  await installWidgets(plane);
  proxy = await startFaultProxy(plane, dir);
  ({ kube, connection } = await openKube(plane.kubeconfigPath));
});

afterAll(async () => {
  proxy.stop();
  connection.close();
  await plane.stop();
  rmSync(dir, { recursive: true, force: true });
});

beforeEach(async () => {
  outside = await startOutside();
  proxy.intercept = () => undefined;
});

afterEach(async () => {
  await Promise.all(started.map((child) => child.stop(0)));
  started = [];
  outside.stop();
  // Nobody is left to let the finalizers go.
  for (const widget of await list<Widget>(widgets)) {
    if (widget.metadata.finalizers !== undefined) await patch(widget.metadata.name, { metadata: { finalizers: null } });
    await kube.delete(widgets, { namespace, name: widget.metadata.name });
  }
  for (const event of await list<KubeEvent>(eventKind))
    await kube.delete(eventKind, { namespace, name: event.metadata.name });
  await kube.delete(leaseResource, { namespace, name: 'widget-controller' });
});

const namespace = 'default';
const eventKind = { group: '', version: 'v1', kind: 'Event', plural: 'events' };

interface KubeEvent extends StoredObject {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

const list = async <T>(resource: Resource): Promise<T[]> => {
  const items: T[] = [];
  for await (const page of kube.list<T>(resource, { namespace })) items.push(...page.items);
  return items;
};

const patch = (name: string, change: object): Promise<Widget> =>
  kube.patch<Widget>(widgets, { namespace, name }, change as Record<string, unknown>);

const start = async (...flags: string[]): Promise<{ child: Child; by: string }> => {
  const by = `replica-${(count += 1)}`;
  const child = await startChild({
    name: by,
    command: process.execPath,
    args: [
      join(import.meta.dirname, '../test/widget-controller.ts'),
      outside.url,
      by,
      `--kubeconfig=${proxy.kubeconfigPath}`,
      '--metrics-address=0',
      '--health-address=0',
      '--log-level=debug',
      ...flags,
    ],
    logPath: join(dir, `${by}.log`),
    lifetime: 'parent',
  });
  started.push(child);
  return { child, by };
};

const logOf = (by: string): string => readFileSync(join(dir, `${by}.log`), 'utf8');

const create = (name: string, spec: WidgetSpec, metadata: object = {}): Promise<Widget> =>
  kube.create<Widget>(widgets, { metadata: { namespace, name, ...metadata }, spec });

const find = (name: string): Promise<Widget | undefined> => kube.get<Widget>(widgets, { namespace, name });

const read = async (name: string): Promise<Widget> => {
  const widget = await find(name);
  if (widget === undefined) throw new Error(`there is no ${name}`);
  return widget;
};

const annotate = (name: string, annotations: Record<string, string | null>) =>
  patch(name, { metadata: { annotations } });

const untilGone = (name: string) => eventually(`${name} is gone`, async () => (await find(name)) === undefined);

const readyOf = (widget: Widget) => widget.status?.conditions?.find((condition) => condition.type === 'Ready');

const untilReady = (name: string): Promise<Widget> =>
  eventually(`${name} is Ready`, async () => {
    const widget = await read(name);
    return (
      readyOf(widget)?.status === 'True' && widget.status?.observedGeneration === widget.metadata.generation && widget
    );
  });

const isWrite = ({ method, url }: { method: string; url: string }): boolean =>
  method !== 'GET' && !url.includes('/leases');

describe('a controller on a real API server', () => {
  it('takes an object to Ready with one status write, and lets it go when deleted', async () => {
    await start('--leader-elect=false');
    proxy.requests.length = 0;
    await create('one', { size: 3 });
    const widget = await untilReady('one');
    expect(outside.sizes.get('default/one')).toBe(3);
    expect(widget.metadata.finalizers).toEqual([finalizer]);
    expect(widget.status).toEqual({
      size: 3,
      observedGeneration: 1,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Ready',
          message: 'Everything is as declared.',
          observedGeneration: 1,
          lastTransitionTime: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        },
      ],
    });
    const writes = proxy.requests.filter(isWrite).map(({ method, url }) => `${method} ${url.split('?')[0]}`);
    expect(writes.filter((write) => !write.endsWith('/events'))).toEqual([
      'PATCH /apis/runtime.test/v1/namespaces/default/widgets/one',
      'PATCH /apis/runtime.test/v1/namespaces/default/widgets/one/status',
    ]);

    await kube.delete(widgets, { namespace, name: 'one' });
    await untilGone('one');
    expect(outside.sizes.size).toBe(0);
  });

  it('is never taken by kstatus for done before it is: without a controller, while it records, while it waits', async () => {
    const told: string[] = [];
    const end = new AbortController();
    const { resourceVersion } = (await create('told', { size: 1, records: true, writeMs: 200 })).metadata;
    expect(kstatusOf(await read('told'))).toBe('InProgress');
    const watching = (async () => {
      const options = { resourceVersion, signal: end.signal, timeoutSeconds: 60 };
      for await (const event of kube.watch<Widget>(widgets, { namespace }, options)) {
        if (event.type === 'BOOKMARK' || event.object.metadata.name !== 'told') continue;
        const { status } = event.object;
        const ready = readyOf(event.object)?.status ?? 'none';
        told.push(`${kstatusOf(event.object)}: Ready ${ready}, size ${status?.size ?? 'none'}`);
      }
    })().catch(() => undefined);
    await start('--leader-elect=false');
    await untilReady('told');
    await patch('told', { spec: { size: 2 } });
    await untilReady('told');
    await patch('told', { spec: { fault: { kind: 'waiting', reason: 'NotYet' } } });
    // By the watch itself: it may lag behind what a read shows.
    await eventually('it waits', () => told.at(-1) === 'InProgress: Ready False, size 2');
    end.abort();
    await watching;
    // The finalizer, the intent, the verdict; the new spec, the intent, the verdict; the new spec, the fault.
    expect(told).toEqual([
      'InProgress: Ready none, size none',
      'InProgress: Ready none, size 1',
      'Current: Ready True, size 1',
      'InProgress: Ready True, size 1',
      'InProgress: Ready True, size 2',
      'Current: Ready True, size 2',
      'InProgress: Ready True, size 2',
      'InProgress: Ready False, size 2',
    ]);
  });

  it('writes nothing to either side in twenty passes over a settled object', async () => {
    await start('--leader-elect=false');
    await create('calm', { size: 1 });
    await untilReady('calm');
    proxy.requests.length = 0;
    outside.effects.length = 0;
    for (let pass = 1; pass <= 20; pass += 1) {
      const before = outside.reads.count;
      await annotate('calm', { 's3.cloud37.dev/reconcile-requested-at': String(pass) });
      await eventually('another pass', () => outside.reads.count > before);
    }
    expect(proxy.requests.filter(isWrite)).toEqual([]);
    expect(outside.effects).toEqual([]);
  });

  it('removes once what somebody else wrote into a status, and is quiet then', async () => {
    await start('--leader-elect=false');
    await create('forged', { size: 3 });
    const settled = await untilReady('forged');
    const theirs = {
      type: 'Theirs',
      status: 'True',
      reason: 'R',
      message: 'M',
      lastTransitionTime: '2026-05-05T10:00:00Z',
    };
    const conditions = [...(settled.status?.conditions ?? []), theirs];
    await kube.patch(
      widgets,
      { namespace, name: 'forged' },
      { status: { ownership: 'Created', conditions } },
      { subresource: 'status' },
    );
    await annotate('forged', { look: '1' });
    const clean = await eventually('the status is ours alone', async () => {
      const widget = await read('forged');
      return JSON.stringify(widget.status) === JSON.stringify(settled.status) && widget;
    });
    proxy.requests.length = 0;
    const passes = () => logOf(`replica-${count}`).split('"settled"').length;
    const before = passes();
    await annotate('forged', { look: '2' });
    await eventually('another pass has ended', () => Promise.resolve(passes() > before));
    expect(proxy.requests.filter(isWrite)).toEqual([]);
    expect((await read('forged')).status).toEqual(clean.status);
  });

  it('keeps its hands off a paused object, tells it once, and goes on when the pause ends', async () => {
    await start('--leader-elect=false');
    await create('paused', { size: 1 }, { annotations: { 's3.cloud37.dev/paused': 'true' } });
    const told = await eventually('the Event', async () =>
      (await list<KubeEvent>(eventKind)).find(({ reason }) => reason === 'Paused'),
    );
    expect(told.count).toBe(1);
    const ready = await eventually('the condition', async () => readyOf(await read('paused')));
    expect(ready).toMatchObject({ status: 'False', reason: 'Paused' });
    expect((await read('paused')).status?.observedGeneration).toBe(-1);
    expect((await read('paused')).metadata.finalizers).toBeUndefined();
    expect(outside.effects).toEqual([]);
    await annotate('paused', { 's3.cloud37.dev/paused': null });
    await untilReady('paused');
  });

  it('never touches the finalizers of others, and removes its own where another put it too', async () => {
    await start('--leader-elect=false');
    await create('shared', { size: 1 }, { finalizers: ['example.com/theirs', finalizer] });
    await untilReady('shared');
    await kube.delete(widgets, { namespace, name: 'shared' });
    const left = await eventually('ours is gone', async () => {
      const { metadata } = await read('shared');
      return !metadata.finalizers?.includes(finalizer) && metadata;
    });
    expect(left.finalizers).toEqual(['example.com/theirs']);
    expect(outside.sizes.size).toBe(0);
    await patch('shared', { metadata: { finalizers: null } });
    await untilGone('shared');
  });

  /** Takes an object out of the store as a DELETE does that overtook its finalizer. */
  const takeAway = async (name: string): Promise<void> => {
    const key = Buffer.from(`/registry/${widgets.group}/${widgets.plural}/${namespace}/${name}`).toString('base64');
    const answer = await fetch(`${plane.etcdUrl}/v3/kv/deleterange`, { method: 'POST', body: JSON.stringify({ key }) });
    expect(await answer.json()).toMatchObject({ deleted: '1' });
  };

  it('undoes its work for an object that went in spite of its finalizer, while a pass over it was writing', async () => {
    const { by } = await start('--leader-elect=false');
    const { promise: begun, resolve } = Promise.withResolvers<undefined>();
    outside.onWriteBegun = () => resolve(undefined);
    await create('swept', { size: 1, writeMs: 500 });
    await begun;
    await takeAway('swept');
    await eventually('it was written and undone', () => outside.effects.length >= 2);
    expect(outside.effects.map(({ method }) => method)).toEqual(['PUT', 'DELETE']);
    expect(outside.sizes.size).toBe(0);
    expect(logOf(by)).toContain('"event":"vanished"');
  });

  it('undoes nothing when the definition of its kind is deleted, until a person lets each object go', async () => {
    await start('--leader-elect=false');
    await create('meant', { size: 1 });
    await untilReady('meant');
    await plane.kubectl(['delete', 'crd', 'widgets.runtime.test', '--wait=false']);
    await eventually('it is in doubt', async () => readyOf(await read('meant'))?.reason === 'OwnershipInDoubt');
    await annotate('meant', { 's3.cloud37.dev/abandon': 'true' });
    await plane.kubectl(['wait', '--for=delete', 'crd/widgets.runtime.test', '--timeout=60s']);
    expect(outside.effects.map(({ method }) => method)).toEqual(['PUT']);
    expect(outside.sizes.get('default/meant')).toBe(1);
    await installWidgets(plane);
    await eventually('the kind is served again', () => list(widgets).then(() => true));
  });

  it('leaves its work to an object that came back under the same name', async () => {
    await start('--leader-elect=false');
    const { promise: begun, resolve } = Promise.withResolvers<undefined>();
    outside.onWriteBegun = () => resolve(undefined);
    await create('heir', { size: 1, writeMs: 500 });
    await begun;
    await takeAway('heir');
    await create('heir', { size: 1 });
    await untilReady('heir');
    expect(outside.effects.map(({ method }) => method)).toEqual(['PUT']);
    expect(outside.sizes.get('default/heir')).toBe(1);
  });

  it('leaves an object alone that only left its shard', async () => {
    const { by } = await start('--leader-elect=false', '--watch-selector=shard=a');
    await create('moved', { size: 1 }, { labels: { shard: 'a' } });
    await untilReady('moved');
    await patch('moved', { metadata: { labels: { shard: 'b' } } });
    await create('next', { size: 1 }, { labels: { shard: 'a' } });
    await untilReady('next');
    expect(outside.effects.map(({ method }) => method)).toEqual(['PUT', 'PUT']);
    expect(logOf(by)).not.toContain('"event":"vanished"');
  });

  it('serves a recreated object afresh', async () => {
    await start('--leader-elect=false');
    const first = await create('again', { size: 1 });
    await untilReady('again');
    await kube.delete(widgets, { namespace, name: 'again' });
    await untilGone('again');
    await create('again', { size: 2 });
    const second = await untilReady('again');
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    expect(second.status?.size).toBe(2);
  });

  it('shows a terminal fault as Stalled with its generation, and heals with the next one', async () => {
    await start('--leader-elect=false');
    await create('odd', { size: 1, fault: { kind: 'terminal', reason: 'Unsupported' } });
    const widget = await eventually('Stalled', async () => {
      const found = await read('odd');
      return found.status?.observedGeneration === 1 && found;
    });
    expect(widget.status?.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ['Ready', 'False', 'Unsupported'],
      ['Stalled', 'True', 'Unsupported'],
    ]);
    await patch('odd', { spec: { fault: null } });
    const healed = await untilReady('odd');
    expect(healed.status?.observedGeneration).toBe(2);
    expect(healed.status?.conditions).toHaveLength(1);
    const events = await eventually('two Events', async () => {
      const found = await list<KubeEvent>(eventKind);
      return found.length >= 2 && found;
    });
    expect(events.map(({ type, reason }) => `${type} ${reason}`).sort()).toEqual([
      'Normal WidgetSized',
      'Warning Unsupported',
    ]);
  });

  it('shows what is told elsewhere without an Event of its own', async () => {
    await start('--leader-elect=false');
    await create('away', { size: 1, fault: { kind: 'waiting', reason: 'Outage' } });
    await create('alone', { size: 1, fault: { kind: 'waiting', reason: 'NotYet' } });
    await eventually('both show it', async () =>
      (await Promise.all(['away', 'alone'].map(read))).every((widget) => readyOf(widget)?.status === 'False'),
    );
    const events = await eventually('an Event', async () => {
      const found = await list<KubeEvent>(eventKind);
      return found.length > 0 && found;
    });
    expect(events.map(({ reason }) => reason)).toEqual(['NotYet']);
  });

  it('leaves observedGeneration alone while it waits, and shows Reconciling', async () => {
    await start('--leader-elect=false');
    await create('late', { size: 1, fault: { kind: 'waiting', reason: 'NotYet' } });
    const widget = await eventually('conditions', async () => {
      const found = await read('late');
      return found.status?.conditions !== undefined && found;
    });
    expect(widget.status?.observedGeneration).toBe(-1);
    expect(widget.status?.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ['Ready', 'False', 'NotYet'],
      ['Reconciling', 'True', 'NotYet'],
    ]);
  });

  it('repairs drift when the resync interval of the object is over', async () => {
    await start('--leader-elect=false');
    await create('drifting', { size: 4 }, { annotations: { 's3.cloud37.dev/resync-interval': '1s' } });
    await untilReady('drifting');
    outside.sizes.set('default/drifting', 99);
    await eventually('the repair', () => outside.sizes.get('default/drifting') === 4);
    await eventually('the Event', async () =>
      (await list<KubeEvent>(eventKind)).some(({ reason }) => reason === 'DriftRepaired'),
    );
  });

  it('calls writes that never last a DriftLoop, and backs off', async () => {
    await start('--leader-elect=false');
    // Something undoes each write before anybody looks.
    outside.sizes.set = (key) => Map.prototype.set.call(outside.sizes, key, -1) as typeof outside.sizes;
    await create('fought', { size: 1 });
    const widget = await eventually('DriftLoop', async () => {
      const found = await read('fought');
      return readyOf(found)?.reason === 'DriftLoop' && found;
    });
    expect(widget.status?.conditions?.map(({ type, status }) => [type, status])).toEqual([
      ['Ready', 'False'],
      ['Reconciling', 'True'],
      ['DriftLoop', 'True'],
    ]);
    expect(outside.effects).toHaveLength(5);
  });

  it('gets through a storm of conflicts without telling anybody', async () => {
    const { by } = await start('--leader-elect=false');
    await eventually('the start', () => logOf(by).includes('"event":"start"'));
    let conflicts = 0;
    proxy.intercept = (method, url) => {
      if (method !== 'PATCH' || !url.includes('/widgets/') || (conflicts += 1) > 12) return undefined;
      return refusal(409, 'Conflict', 'the object has been modified');
    };
    const storm = ['a', 'b', 'c', 'd'].map((name) => create(`storm-${name}`, { size: 7 }));
    await Promise.all(storm);
    for (const name of ['a', 'b', 'c', 'd']) await untilReady(`storm-${name}`);
    expect(conflicts).toBeGreaterThan(12);
    expect(outside.effects).toHaveLength(4);
    expect(logOf(by)).not.toMatch(/"level":"(warn|error)"/);
  });

  it('survives a restart of the API server and 429 on every kind of request', async () => {
    const { child } = await start('--leader-elect=false');
    await create('before', { size: 1 });
    await untilReady('before');
    await plane.restartApiServer({ kill: true });
    await eventually('the API server takes writes', () =>
      create('after', { size: 2 }).then(
        () => true,
        () => false,
      ),
    );
    await untilReady('after');
    const refused = new Set<string>();
    proxy.intercept = (method, url) => {
      const path = `${method} ${url.split('?')[0]}`;
      if (refused.has(path)) return undefined;
      refused.add(path);
      return refusal(429, 'TooManyRequests', 'too many requests', { 'retry-after': '1' });
    };
    proxy.cut();
    await create('throttled', { size: 3 });
    await untilReady('throttled');
    expect(refused).toContain('GET /apis/runtime.test/v1/widgets');
    expect(refused).toContain('PATCH /apis/runtime.test/v1/namespaces/default/widgets/throttled/status');
    expect(child.ended()).toBeUndefined();
  });
});

describe('an outage of the API server', () => {
  const outageMs = 40_000;

  it('moves no condition, tells no Event, and is one warning for all passes', async () => {
    const { by } = await start('--leader-elect=false', '--resync-interval=1s');
    const names = ['steady-1', 'steady-2', 'steady-3'];
    for (const name of names) await create(name, { size: 1, shelf: 'none' });
    for (const name of names) await untilReady(name);
    const before = await Promise.all(names.map(read));
    proxy.requests.length = 0;
    proxy.intercept = () => 'refuse';
    proxy.cut();
    const until = performance.now() + outageMs;
    await eventually('it has lasted long enough', () => performance.now() > until, outageMs + 5_000);
    expect(proxy.requests.filter(({ url }) => url.includes('/configmaps/')).length).toBeGreaterThan(5);
    proxy.intercept = () => undefined;
    await eventually('it is over', () => logOf(by).includes('answers again'), 60_000);
    for (const name of names) await annotate(name, { 's3.cloud37.dev/reconcile-requested-at': 'after' });
    const from = outside.reads.count;
    await eventually('passes go on', () => outside.reads.count >= from + 6, 60_000);
    expect((await Promise.all(names.map(read))).map(({ status }) => status)).toEqual(
      before.map(({ status }) => status),
    );
    expect((await list<KubeEvent>(eventKind)).filter(({ type }) => type === 'Warning')).toEqual([]);
    const lines = logOf(by).split('\n');
    expect(lines.filter((line) => line.includes('"level":"warn"') && line.includes('"event":"outage"'))).toHaveLength(
      1,
    );
    // A line of their own have the watches, for each resource.
    const warned = lines.filter((line) => line.includes('"level":"warn"') && !line.includes('"event":"watch"'));
    expect(warned).toHaveLength(1);
  });
});

describe('a controller whose watch is late', () => {
  /** From now on no event of a widget comes through; everything else does. */
  const holdWatch = (): void => {
    proxy.intercept = (_method, url) => (url.includes('/widgets?') && url.includes('watch=true') ? 'mute' : undefined);
    proxy.cut();
  };

  /** Takes an object away at the API server, and puts another one of its name in its place. */
  const replace = async (name: string, spec: WidgetSpec): Promise<Widget> => {
    await patch(name, { metadata: { finalizers: null } });
    await kube.delete(widgets, { namespace, name });
    await untilGone(name);
    return create(name, spec, { finalizers: [finalizer] });
  };

  const metricsOf = async (by: string): Promise<string> => {
    const ports = [...logOf(by).matchAll(/"event":"listening".*?"port":(\d+)/g)].map(([, port]) => port);
    return (await fetch(`http://127.0.0.1:${ports.at(-1)}/metrics`)).text();
  };

  it('writes nothing outside for an object whose name another one has by now, and serves that one', async () => {
    const { by } = await start('--leader-elect=false', '--metrics-address=127.0.0.1:0', '--resync-interval=1s');
    await create('former', { size: 1 });
    await untilReady('former');
    holdWatch();
    const heir = await replace('former', { size: 2 });
    outside.effects.length = 0;
    // What the heir has, and what only the former would change.
    outside.sizes.set('default/former', 2);
    const ready = await untilReady('former');
    expect(ready.metadata.uid).toBe(heir.metadata.uid);
    expect(ready.status?.size).toBe(2);
    expect(outside.effects).toEqual([]);
    expect(outside.sizes.get('default/former')).toBe(2);
    expect(await metricsOf(by)).toMatch(/wasabi_s3_operator_stale_views_total\{kind="Widget",.*\} [1-9]/);
    const events = await list<KubeEvent>(eventKind);
    expect(events.filter(({ reason }) => reason === 'DriftRepaired')).toEqual([]);
  });

  it('destroys nothing of an object that was applied again after its deletion', async () => {
    await start('--leader-elect=false');
    await create('leaving', { size: 1 });
    await untilReady('leaving');
    // The deletion is seen, and cannot be finished yet.
    outside.refuseWrites = true;
    await kube.delete(widgets, { namespace, name: 'leaving' });
    await eventually('a pass has tried', () => outside.refused.count > 0);
    holdWatch();
    const heir = await replace('leaving', { size: 7 });
    outside.sizes.set('default/leaving', 7);
    outside.refuseWrites = false;
    const ready = await untilReady('leaving');
    expect(ready.metadata.uid).toBe(heir.metadata.uid);
    expect(outside.sizes.get('default/leaving')).toBe(7);
    expect(outside.effects.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });
});

describe('a controller seen from outside', () => {
  it('is ready with complete caches while it stands by, and tells its metrics', async () => {
    const flags = ['--metrics-address=127.0.0.1:0', '--health-address=127.0.0.1:0'];
    const portsOf = async (by: string): Promise<[number, number]> => {
      const listening = /"event":"listening".*?"port":(\d+)/g;
      const ports = await eventually('two ports', () => {
        const found = [...logOf(by).matchAll(listening)].map(([, port]) => Number(port));
        return found.length === 2 && found;
      });
      return ports as [number, number];
    };
    const leader = await start(...flags);
    await create('seen', { size: 1 });
    await untilReady('seen');
    const standby = await start(...flags);
    await eventually('a standby', () => logOf(standby.by).includes('standing by'));
    for (const { by } of [leader, standby]) {
      const [health] = await portsOf(by);
      expect((await fetch(`http://127.0.0.1:${health}/healthz`)).status).toBe(200);
      await eventually('ready', async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).status === 200);
      expect((await fetch(`http://127.0.0.1:${health}/metrics`)).status).toBe(404);
    }
    const [, metrics] = await portsOf(leader.by);
    const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    for (const line of [
      'wasabi_s3_operator_reconcile_total{kind="Widget",result="settled",controller="widget-controller"} 1',
      'wasabi_s3_operator_objects{namespace="default",kind="Widget",ready="True",reason="Ready",controller="widget-controller"} 1',
      'wasabi_s3_operator_leader{lease="widget-controller",controller="widget-controller"} 1',
      'wasabi_s3_operator_external_calls_total{service="outside",operation="Put",code="OK",provider="",controller="widget-controller"} 1',
      'wasabi_s3_operator_kubernetes_requests_total{verb="apply",resource="widgets",code="200",controller="widget-controller"} 2',
    ]) {
      expect(text).toContain(line);
    }
    const [, metricsOfStandby] = await portsOf(standby.by);
    const other = await (await fetch(`http://127.0.0.1:${metricsOfStandby}/metrics`)).text();
    expect(other).toContain('wasabi_s3_operator_leader{lease="widget-controller",controller="widget-controller"} 0');
  });

  it('is not ready while its kind is not installed', async () => {
    await plane.kubectl(['delete', 'crd', 'widgets.runtime.test']);
    const { by } = await start('--leader-elect=false', '--health-address=127.0.0.1:0');
    const port = await eventually('a port', () => /"event":"listening".*?"port":(\d+)/.exec(logOf(by))?.[1]);
    await eventually('it has looked', () => logOf(by).includes('KindAbsent'));
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(503);
    await installWidgets(plane);
    await eventually('ready', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200);
    await eventually('it takes objects', () =>
      create('fresh', { size: 1 }).then(
        () => true,
        () => false,
      ),
    );
    await untilReady('fresh');
  });
});

describe('a controller that stops', () => {
  /** Creates a widget and waits until a pass over it writes. */
  const createAndSeeBegin = async (...widget: Parameters<typeof create>): Promise<void> => {
    const begun = Promise.withResolvers<string>();
    outside.onWriteBegun = begun.resolve;
    await create(...widget);
    await begun.promise;
  };

  it('finishes the pass that SIGTERM finds, tells it in the status, and exits with 0', async () => {
    const { child, by } = await start('--leader-elect=false');
    await createAndSeeBegin('slow', { size: 5, writeMs: 1_500 });
    const stopping = child.stop(10_000);
    await eventually('it stops', () => logOf(by).includes('"event":"stop"'));
    await create('untouched', { size: 1 });
    await stopping;
    expect(child.ended()).toBe('ended with status 0');
    expect(outside.effects.map(({ key }) => key)).toEqual(['default/slow']);
    expect((await read('slow')).status?.size).toBe(5);
    expect((await read('untouched')).status).toEqual({ observedGeneration: -1 });
  });

  it('takes a signal that comes twice for one, and aborts its passes when somebody insists', async () => {
    const { child, by } = await start('--leader-elect=false');
    await createAndSeeBegin('endless', { size: 5, writeMs: 60_000 });
    const from = performance.now();
    process.kill(child.pid, 'SIGINT');
    await eventually('it stops', () => logOf(by).includes('"event":"stop"'));
    await eventually('it has ended', () => {
      if (child.ended() === undefined) process.kill(child.pid, 'SIGINT');
      return child.ended();
    });
    expect(child.ended()).toBe('ended with status 1');
    expect(performance.now() - from).toBeGreaterThan(900);
  });

  it('aborts a pass that outlasts the deadline, and says so with status 1', async () => {
    const { child } = await start('--leader-elect=false', '--shutdown-deadline=2s');
    await createAndSeeBegin('endless', { size: 5, writeMs: 60_000 });
    const from = performance.now();
    await child.stop(10_000);
    expect(child.ended()).toBe('ended with status 1');
    expect(performance.now() - from).toBeLessThan(10_000);
  });

  it('is over with the deadline, whatever does not answer then', async () => {
    const { child } = await start('--shutdown-deadline=2s');
    proxy.intercept = (method, url) => (method === 'POST' && url.includes('/events') ? 'mute' : undefined);
    await create('told', { size: 1 });
    await untilReady('told');
    await createAndSeeBegin('endless', { size: 5, writeMs: 60_000 });
    proxy.intercept = (method) => (method === 'GET' ? undefined : 'mute');
    const from = performance.now();
    await child.stop(10_000);
    expect(child.ended()).toBe('ended with status 1');
    expect(performance.now() - from).toBeLessThan(10_000);
  });

  it('refuses a wrong flag with status 2 and a readable line', async () => {
    const { child, by } = await start('--workers=0');
    await child.exited;
    expect(child.ended()).toBe('ended with status 2');
    expect(logOf(by)).toBe(
      'widget-controller: --workers: "0" is not valid. Objects of one Provider reconciled at the same time, 1 to 200; of all, four times as many, of one namespace half of those.\n',
    );
  });
});

describe('two replicas', () => {
  const startBoth = async () => {
    const leader = await start();
    await eventually('a leader', () => logOf(leader.by).includes('"msg":"leading"'));
    const standby = await start();
    await eventually('a standby', () => logOf(standby.by).includes('standing by'));
    return { leader, standby };
  };

  it('replace a stopped leader before its lease is over', async () => {
    const { leader, standby } = await startBoth();
    await create('first', { size: 1 });
    await untilReady('first');
    const from = performance.now();
    await leader.child.stop();
    expect(leader.child.ended()).toBe('ended with status 0');
    await create('second', { size: 2 });
    await eventually('the standby leads', () => outside.effects.some(({ by }) => by === standby.by));
    expect(performance.now() - from).toBeLessThan(10_000);
    expect(outside.effects.map(({ key, by }) => [key, by])).toEqual([
      ['default/first', leader.by],
      ['default/second', standby.by],
    ]);
  });

  it('replace a killed leader within 20 s, and no write happens twice', async () => {
    const { leader, standby } = await startBoth();
    for (let number = 1; number <= 20; number += 1) await create(`w${number}`, { size: number, writeMs: 50 });
    await eventually('some effects', () => outside.effects.length >= 5);
    const from = performance.now();
    await leader.child.stop(0);
    await eventually('the standby leads', () => outside.effects.some(({ by }) => by === standby.by), 25_000);
    expect(performance.now() - from).toBeLessThan(20_000);
    await eventually('all are Ready', async () =>
      (await list<Widget>(widgets)).every((widget) => readyOf(widget)?.status === 'True'),
    );
    expect(outside.effects.map(({ key }) => key).sort()).toEqual(
      [...new Set(outside.effects.map(({ key }) => key))].sort(),
    );
    expect(outside.sizes.size).toBe(20);
    const lastOfLeader = Math.max(...outside.effects.filter(({ by }) => by === leader.by).map(({ at }) => at));
    const firstOfStandby = Math.min(...outside.effects.filter(({ by }) => by === standby.by).map(({ at }) => at));
    expect(lastOfLeader).toBeLessThan(firstOfStandby);
  });

  it('stop writing when the API server is out of reach for the lease, and campaign again with warm caches', async () => {
    const { by, child } = await start();
    await create('held', { size: 1 });
    await untilReady('held');
    proxy.intercept = (_method, url) => (url.includes('/leases/') ? 'refuse' : undefined);
    await eventually('leadership is lost', () => logOf(by).includes('LeadershipLost'), 15_000);
    await create('unserved', { size: 2 });
    proxy.intercept = () => undefined;
    await untilReady('unserved');
    expect(child.ended()).toBeUndefined();
    expect(logOf(by).match(/"msg":"leading"/g)).toHaveLength(2);
  });

  it('put no secret out, at the level debug either', async () => {
    const made = new SecretsMade();
    made.add('the token that they sign in with', plane.adminToken);
    expect(await searchLogs(made, dir)).toEqual([]);
  });
});
