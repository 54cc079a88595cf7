import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createKubeClient,
  loadKubeconfig,
  openKubeConnection,
  type KubeClient,
  type KubeConnection,
} from '@operator/runtime';
import { startControlPlane, type ControlPlane } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { applyRollouts, observeRollouts } from './rollouts.ts';

let dir: string;
let plane: ControlPlane;
let connection: KubeConnection;
let kube: KubeClient;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollouts-'));
  plane = await startControlPlane({ dir });
  const monotonicMs = () => performance.now();
  connection = openKubeConnection(await loadKubeconfig(plane.kubeconfigPath), monotonicMs);
  kube = createKubeClient({ connection, userAgent: 'rollouts-test', monotonicMs });
});

afterAll(async () => {
  connection.close();
  await plane.stop();
  await rm(dir, { recursive: true, force: true });
});

const kinds = [
  ['Deployment', 'deployments', { replicas: 0 }],
  ['StatefulSet', 'statefulsets', { replicas: 0, serviceName: 'web' }],
  // No node, so no Pods.
  ['DaemonSet', 'daemonsets', {}],
] as const;

it.each(kinds)(
  'a %s gets the annotation once, on a real API server, and its rollout is seen to finish',
  async (kind, plural, more) => {
    const namespace = 'default';
    const labels = { app: 'web' };
    const containers = [{ name: 'web', image: 'example.com/web:1' }];
    const template = { metadata: { labels, annotations: { theirs: 'stays' } }, spec: { containers } };
    const spec = { ...more, selector: { matchLabels: labels }, template };
    const resource = { group: 'apps', version: 'v1', kind, plural };
    await kube.create(resource, { apiVersion: 'apps/v1', kind, metadata: { namespace, name: 'web' }, spec });
    const place = { kube, namespace, signal: AbortSignal.timeout(60_000) };
    const pair = { pairGeneration: 2, uid: '0b1c2d3e-0000-4000-8000-000000000000' };
    const look = () => observeRollouts([{ kind, name: 'web' }], pair, place);
    const annotations = async () =>
      (
        await kube.get<{ spec: { template: { metadata: { annotations: object } } } }>(resource, {
          namespace,
          name: 'web',
        })
      )?.spec.template.metadata.annotations;

    await vi.waitFor(async () => expect(await applyRollouts(await look(), pair, place)).toBe(true), {
      timeout: 30_000,
    });
    expect(await annotations()).toEqual({ theirs: 'stays', [`s3.cloud37.dev/pair-${pair.uid}`]: '2' });
    expect(await applyRollouts(await look(), pair, place)).toBe(false);
    await vi.waitFor(
      async () => expect(await look()).toMatchObject([{ status: { pairGeneration: 2, finished: true } }]),
      { timeout: 30_000 },
    );
    const [former] = [await look()];
    await kube.patch(resource, { namespace, name: 'web' }, { metadata: { labels: { touched: 'yes' } } });
    const next = { ...pair, pairGeneration: 3 };
    const stale = former.map(({ status, outdated }) => ({
      status,
      outdated: outdated ?? { metadata: { uid: 'x', resourceVersion: '1' } },
    }));
    await expect(applyRollouts(stale, next, place)).rejects.toMatchObject({ status: 409 });
  },
);
