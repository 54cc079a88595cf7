import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redact } from '@operator/outcome';
import {
  type KubeClient,
  type KubeConnection,
  createKubeClient,
  isKubeError,
  loadKubeconfig,
  openKubeConnection,
} from '@operator/runtime';
import { type ControlPlane, startControlPlane } from '@operator/tools/local';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type SecretContent,
  type SecretOwner,
  deleteOwnedConfigMap,
  deleteOwnedSecret,
  openOwnedConfigMap,
  openOwnedSecret,
  readSecret,
  secretResource,
} from './index.ts';

const namespace = 'default';
const configMaps = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
let dir: string;
let plane: ControlPlane;
let connection: KubeConnection;
let kube: KubeClient;
/** Verbs other than reading since the last reset. */
let writes: string[] = [];
let owner: SecretOwner;
let name: string;
let count = 0;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'secrets-'));
  plane = await startControlPlane({ dir });
  const monotonicMs = () => performance.now();
  connection = openKubeConnection(await loadKubeconfig(plane.kubeconfigPath), monotonicMs);
  kube = createKubeClient({
    connection,
    userAgent: 'secrets-test',
    monotonicMs,
    observe: ({ verb }) => {
      if (verb !== 'get') writes.push(verb);
    },
  });
});

afterAll(async () => {
  connection.close();
  await plane.stop();
  rmSync(dir, { recursive: true, force: true });
});

beforeEach(async () => {
  name = `credentials-${(count += 1)}`;
  const made = await kube.create(configMaps, { metadata: { namespace, name: `owner-${count}` } });
  owner = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: made.metadata.name, uid: made.metadata.uid },
  };
  writes = [];
});

const wanted = (
  data: Record<string, string>,
  more: { labels?: Record<string, string>; annotations?: Record<string, string> } = {},
): SecretContent => ({
  data: new Map(Object.entries(data).map(([key, value]) => [key, redact(value)])),
  ...more,
});
const apply = async (content: SecretContent, as: SecretOwner = owner): Promise<boolean> =>
  (await openOwnedSecret(kube, as, name)).write(content);
const read = async () => {
  const secret = await readSecret(kube, namespace, name);
  if (secret === undefined) throw new Error('there is no Secret');
  return secret;
};
const dataOf = async () => Object.fromEntries([...(await read()).data].map(([key, value]) => [key, value.reveal()]));

describe('an owned Secret', () => {
  it('is created with its owner, and not written again while nothing differs', async () => {
    const given = wanted({ user: 'u', password: 'p' }, { labels: { app: 'x' }, annotations: { note: 'y' } });
    expect(await apply(given)).toBe(true);
    const secret = await read();
    expect(secret.ownerReferences).toEqual([
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: owner.metadata.name,
        uid: owner.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    expect([secret.labels, secret.annotations]).toEqual([{ app: 'x' }, { note: 'y' }]);
    expect(await apply(given)).toBe(false);
    expect(writes).toEqual(['create']);
  });

  it('loses what is no longer wanted, and keeps what others put there, in one write', async () => {
    await apply(wanted({ user: 'u', old: 'o' }, { labels: { ours: '1', stale: '1' } }));
    await plane.kubectl([
      'patch',
      'secret',
      name,
      '--type=merge',
      '-p',
      '{"metadata":{"labels":{"theirs":"1"}},"stringData":{"extra":"e"}}',
    ]);
    writes = [];
    const opened = await openOwnedSecret(kube, owner, name);
    await opened.write(wanted({ user: 'v', fresh: 'f' }, { labels: { ours: '2' } }));
    expect(await dataOf()).toEqual({ user: 'v', fresh: 'f', extra: 'e' });
    expect((await read()).labels).toEqual({ ours: '2', theirs: '1' });
    expect(opened.current()?.resourceVersion).toBe((await read()).resourceVersion);
    expect(writes).toEqual(['patch']);
  });

  it('is repaired when somebody alters it', async () => {
    const given = wanted({ user: 'u' });
    await apply(given);
    await plane.kubectl(['patch', 'secret', name, '--type=merge', '-p', '{"stringData":{"user":"mallory"}}']);
    expect(await apply(given)).toBe(true);
    expect(await dataOf()).toEqual({ user: 'u' });
  });

  it('of somebody else is neither written nor deleted', async () => {
    await plane.kubectl(['create', 'secret', 'generic', name, '--from-literal=user=theirs']);
    writes = [];
    for (const attempt of [() => apply(wanted({ user: 'ours' })), () => deleteOwnedSecret(kube, owner, name)]) {
      await expect(attempt()).rejects.toMatchObject({ name: 'Fault', kind: 'waiting', reason: 'SecretConflict' });
    }
    expect(writes).toEqual([]);
    expect(await dataOf()).toEqual({ user: 'theirs' });
  });

  it('whose owner has another uid is not ours', async () => {
    // The garbage collector deletes what belongs to nobody, so that owner has to exist.
    const other = await kube.create(configMaps, { metadata: { namespace, name: `other-${count}` } });
    const former = { ...owner, metadata: { ...owner.metadata, name: other.metadata.name, uid: other.metadata.uid } };
    await apply(wanted({ user: 'former' }), former);
    await expect(apply(wanted({ user: 'ours' }))).rejects.toMatchObject({
      reason: 'SecretConflict',
    });
  });

  it('does not take over one that appears between the look and the write', async () => {
    const opened = await openOwnedSecret(kube, owner, name);
    expect(opened.current()).toBeUndefined();
    await plane.kubectl(['create', 'secret', 'generic', name, '--from-literal=user=theirs']);
    await expect(opened.write(wanted({ user: 'ours' }))).rejects.toSatisfy((caught) => isKubeError(caught, 409));
    expect(await dataOf()).toEqual({ user: 'theirs' });
  });

  it('is not overwritten when it changed after the look', async () => {
    await apply(wanted({ user: 'u' }));
    const opened = await openOwnedSecret(kube, owner, name);
    await plane.kubectl(['annotate', 'secret', name, 'touched=yes']);
    await expect(opened.write(wanted({ user: 'v' }))).rejects.toSatisfy((caught) => isKubeError(caught, 409));
    expect(await dataOf()).toEqual({ user: 'u' });
  });

  it('is deleted once, and an absent one counts as deleted', async () => {
    await apply(wanted({ user: 'u' }));
    await deleteOwnedSecret(kube, owner, name);
    expect(await readSecret(kube, namespace, name)).toBeUndefined();
    await deleteOwnedSecret(kube, owner, name);
  });

  it('goes with its owner', async () => {
    await apply(wanted({ user: 'u' }));
    await kube.delete(configMaps, { namespace, name: owner.metadata.name });
    for (let look = 0; look < 400 && (await readSecret(kube, namespace, name)) !== undefined; look += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await kube.get(secretResource, { namespace, name })).toBeUndefined();
  });
});

describe('an owned ConfigMap', () => {
  const labels = { app: 'x' };
  const write = async (data: Record<string, string>): Promise<boolean> =>
    (await openOwnedConfigMap(kube, owner, name)).write({ labels, data: new Map(Object.entries(data)) });
  const stored = () => kube.get<{ metadata: { labels?: object }; data?: object }>(configMaps, { namespace, name });

  it('is kept as given by the rules of a Secret, in plain text', async () => {
    expect(await write({ HOST: 's3.test', OLD: '1', EMPTY: '' })).toBe(true);
    expect(await write({ HOST: 's3.test', OLD: '1', EMPTY: '' })).toBe(false);
    await plane.kubectl(['patch', 'configmap', name, '--type=merge', '-p', '{"data":{"HOST":"evil","theirs":"t"}}']);
    expect(await write({ HOST: 's3.test', EMPTY: '' })).toBe(true);
    expect(await stored()).toMatchObject({
      metadata: { labels, ownerReferences: [{ uid: owner.metadata.uid, controller: true }] },
    });
    expect((await stored())?.data).toEqual({ HOST: 's3.test', EMPTY: '', theirs: 't' });
    expect(writes.filter((verb) => verb !== 'create')).toEqual(['patch']);
    await deleteOwnedConfigMap(kube, owner, name);
    expect(await stored()).toBeUndefined();
    await deleteOwnedConfigMap(kube, owner, name);
  });

  it('that belongs to somebody else is neither written nor deleted', async () => {
    await plane.kubectl(['create', 'configmap', name, '--from-literal=theirs=t']);
    const conflict = expect.objectContaining({
      reason: 'SecretConflict',
      message: expect.stringMatching(/^ConfigMap default\/credentials-\d+ exists and does not belong/) as string,
    }) as Error;
    await expect(write({ HOST: 's3.test' })).rejects.toEqual(conflict);
    await expect(deleteOwnedConfigMap(kube, owner, name)).rejects.toEqual(conflict);
    expect((await stored())?.data).toEqual({ theirs: 't' });
  });
});
