import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startControlPlane, type ControlPlane } from '../local/index.ts';
import { projectRoot } from '../paths.ts';
import { bucketSpec } from './manifests.ts';
import { Kube } from './kube.ts';
import { until } from './until.ts';
import { startWatchProxy, type WatchProxy } from './watch-proxy.ts';

const namespace = 'default';
const list = '/apis/s3.cloud37.dev/v1alpha1/buckets';

let folder: string;
let controlPlane: ControlPlane;
let kube: Kube;
let proxy: WatchProxy;
let ended: AbortController;
/** `TYPE name` of each event that a watch through the proxy told. */
let told: string[];
let made = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'watch-proxy-'));
  controlPlane = await startControlPlane({ dir: folder, controllerManager: false });
  const crds = join(projectRoot, 'crds');
  await controlPlane.kubectl(['apply', '--server-side', '-f', crds]);
  await controlPlane.kubectl(['wait', '--for=condition=established', '--timeout=30s', '-f', crds]);
  kube = new Kube(controlPlane);
  await until(
    () => kube.list('Bucket'),
    () => true,
    { what: 'Buckets can be listed' },
  );
  await until(
    () => kube.get('Namespace', undefined, namespace),
    (found) => found !== undefined,
    { what: 'the namespace is there' },
  );
});
afterAll(async () => {
  await kube.close();
  await controlPlane.stop();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  proxy = await startWatchProxy(controlPlane);
  ended = new AbortController();
  told = [];
});
afterEach(async () => {
  ended.abort();
  await proxy.close();
});

const send = (method: string, path: string, body?: unknown, signal?: AbortSignal) =>
  fetch(`${proxy.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${controlPlane.adminToken}`, 'content-type': 'application/merge-patch+json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
const listed = async (): Promise<{ names: string[]; resourceVersion: string }> => {
  const { metadata, items } = (await (await send('GET', list)).json()) as {
    metadata: { resourceVersion: string };
    items: { metadata: { name: string } }[];
  };
  return { names: items.map((item) => item.metadata.name), resourceVersion: metadata.resourceVersion };
};
const startWatch = async () => {
  const { resourceVersion } = await listed();
  const { body } = await send('GET', `${list}?watch=true&resourceVersion=${resourceVersion}`, undefined, ended.signal);
  if (body === null) throw new Error('the watch has no body');
  const read = async () => {
    let rest = '';
    for await (const piece of body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const { type, object } = JSON.parse(line) as { type: string; object: { metadata: { name: string } } };
        told.push(`${type} ${object.metadata.name}`);
      }
    }
  };
  read().catch(() => undefined); // it ends when the test does
};
const create = async () => {
  made += 1;
  const name = `bucket-${String(made)}`;
  await kube.create('Bucket', namespace, name, bucketSpec('provider', `the-${name}`));
  return name;
};

describe('a watch proxy', () => {
  it('tells what it held back, in order, once it is let go', async () => {
    await startWatch();
    const release = proxy.holdEvents('buckets');
    const [first, second] = [await create(), await create()];
    await kube.delete('Bucket', namespace, first);
    expect((await listed()).names).toContain(second);
    expect(told).toEqual([]);
    release();
    await expect.poll(() => told).toEqual([`ADDED ${first}`, `ADDED ${second}`, `DELETED ${first}`]);
  });

  it('lists what was there when it froze, also to who asks only then', async () => {
    const before = await create();
    const thaw = await proxy.freeze('buckets');
    const after = await create();
    expect((await listed()).names).toContain(before);
    expect((await listed()).names).not.toContain(after);
    await startWatch();
    expect(told).toEqual([]);
    thaw();
    await expect.poll(() => told).toEqual([`ADDED ${after}`]);
    expect((await listed()).names).toContain(after);
  });

  it('never tells what it swallows', async () => {
    await startWatch();
    const swallowing = proxy.swallow('buckets', ({ type }) => type === 'DELETED');
    const name = await create();
    await kube.delete('Bucket', namespace, name);
    const last = await create();
    await expect.poll(() => told).toEqual([`ADDED ${name}`, `ADDED ${last}`]);
    expect(swallowing.count()).toBe(1);
  });

  it('says when a watch has told of something', async () => {
    await startWatch();
    const leaving = proxy.untilTold('buckets', ({ type }) => type === 'DELETED');
    const name = await create();
    await kube.delete('Bucket', namespace, name);
    await leaving;
  });

  it('lets a write arrive after its sender has gone', async () => {
    const name = await create();
    const held = proxy.holdWrite(({ operation }) => operation === 'patch buckets');
    const gone = new AbortController();
    const path = `/apis/s3.cloud37.dev/v1alpha1/namespaces/${namespace}/buckets/${name}`;
    const sent = send('PATCH', path, { metadata: { annotations: { late: 'yes' } } }, gone.signal);
    expect((await held.arrived).body).toContain('late');
    gone.abort();
    await expect(sent).rejects.toThrow();
    expect((await kube.get('Bucket', namespace, name))?.metadata.annotations).toBeUndefined();
    expect(await held.release()).toBe(200);
    expect((await kube.get('Bucket', namespace, name))?.metadata.annotations).toEqual({ late: 'yes' });
  });
});
