import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kubeconfigSource } from './kubeconfig.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
});

afterEach(() => {
  rmSync(dir, { recursive: true });
});

const write = (user: object, cluster: object = {}): string => {
  const path = join(dir, 'config');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443/prefix/', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'here' } }],
    'current-context': 'x',
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
};

describe('a kubeconfig', () => {
  it('gives the address, the CA, a client certificate and the namespace', async () => {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const path = write(
      { 'client-certificate-data': base64('cert'), 'client-key-data': base64('key') },
      { 'certificate-authority-data': base64('ca'), 'tls-server-name': 'api' },
    );
    const source = await kubeconfigSource(path);
    const access = await source.read(false);
    expect(source.namespace).toBe('here');
    expect(access.server).toBe('https://127.0.0.1:6443/prefix');
    expect(Object.entries(access.tls).map(([name, value]) => [name, value?.toString()])).toEqual([
      ['ca', 'ca'],
      ['cert', 'cert'],
      ['key', 'key'],
      ['servername', 'api'],
      ['rejectUnauthorized', undefined],
    ]);
  });

  it('reads a token file that lies beside it, and reads it anew after a 401', async () => {
    writeFileSync(join(dir, 'token'), 'first\n');
    const source = await kubeconfigSource(write({ tokenFile: 'token' }));
    expect((await source.read(false)).headers).toEqual({ authorization: 'Bearer first' });
    writeFileSync(join(dir, 'token'), 'second\n');
    expect((await source.read(true)).headers).toEqual({ authorization: 'Bearer second' });
  });

  it('asks a plugin for the token, once until it is refused', async () => {
    const plugin = join(dir, 'plugin');
    const calls = join(dir, 'calls');
    writeFileSync(
      plugin,
      `#!/bin/sh\necho x >> ${calls}\necho '{"kind":"ExecCredential","status":{"token":"t'$(grep -c x ${calls})'"}}'\n`,
    );
    chmodSync(plugin, 0o755);
    const source = await kubeconfigSource(
      write({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, args: [] } }),
    );
    const token = async (anew: boolean) => (await source.read(anew)).headers.authorization;
    expect([await token(false), await token(false), await token(true)]).toEqual([
      'Bearer t1',
      'Bearer t1',
      'Bearer t2',
    ]);
  });

  it('without a cluster is refused with what to do', async () => {
    const path = join(dir, 'empty');
    writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters: [], users: [], contexts: [] }));
    await expect(kubeconfigSource(path)).rejects.toThrow('no cluster is configured: give --kubeconfig');
  });
});
