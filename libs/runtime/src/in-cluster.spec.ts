import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inClusterSource } from './in-cluster.ts';
import { openKubeConnection } from './kube-connection.ts';

const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' };
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'in-cluster-'));
  writeFileSync(join(root, 'token'), 'first\n');
  writeFileSync(join(root, 'ca.crt'), 'ca one');
  writeFileSync(join(root, 'namespace'), 'here');
});

afterEach(() => rmSync(root, { recursive: true }));

describe('the service account of a pod', () => {
  it('says where the API server is and who we are', async () => {
    const source = inClusterSource(env, root);
    expect(source?.namespace).toBe('here');
    expect(await source?.read(false)).toEqual({
      server: 'https://10.0.0.1:6443',
      headers: { authorization: 'Bearer first' },
      tls: { ca: 'ca one' },
    });
  });

  it('puts brackets around an IPv6 address', async () => {
    const source = inClusterSource({ ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' }, root);
    expect((await source?.read(false))?.server).toBe('https://[fd00::1]:6443');
  });

  it.each([
    ['outside of a pod', {}],
    ['when a kubeconfig is named', { ...env, KUBECONFIG: '/some/file' }],
  ])('is not there %s', (_title, given) => {
    expect(inClusterSource(given, root)).toBeUndefined();
  });

  it('is read again after half a minute, or after a 401, and keeps its connections unless the CA is new', async () => {
    let monotonicMs = 0;
    const source = inClusterSource(env, root);
    if (source === undefined) throw new Error('no source');
    const connection = openKubeConnection(source, () => monotonicMs);
    const tokenNow = async (refresh?: boolean) => (await connection.credentials(refresh)).headers.authorization;
    const { agent } = await connection.credentials();
    writeFileSync(join(root, 'token'), 'second');
    expect(await tokenNow()).toBe('Bearer first');
    monotonicMs = 30_000;
    expect(await tokenNow()).toBe('Bearer second');
    writeFileSync(join(root, 'token'), 'third');
    expect(await tokenNow(true)).toBe('Bearer second');
    monotonicMs = 36_000;
    expect(await tokenNow(true)).toBe('Bearer third');
    expect((await connection.credentials()).agent).toBe(agent);
    writeFileSync(join(root, 'ca.crt'), 'ca two');
    monotonicMs = 90_000;
    expect((await connection.credentials()).agent).not.toBe(agent);
    connection.close();
  });
});
