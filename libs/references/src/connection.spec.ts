import type { ProviderSpec } from '@operator/api';
import { asFault } from '@operator/outcome';
import { testCertificate } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { resolveConnection, secretNamesOf } from './connection.ts';
import { createMemoryKube, createWrites, providerOf } from './testing/index.ts';

const server = { serverIdentity: 'https://s3.test' };
const ref = (name: string, key: string) => ({ name, key });
const all: Partial<ProviderSpec> = {
  auth: {
    accessKeySecretRef: ref('ids', 'id'),
    secretKeySecretRef: ref('secrets', 'secret'),
    sessionTokenSecretRef: ref('ids', 'token'),
  },
  tls: { insecureSkipVerify: true, caCertSecretRef: ref('ca', 'ca.crt') },
  retry: { maxAttempts: 7, backoffStrategy: 'linear' },
  requestsPerSecond: 20,
  pathStyle: false,
  iamEndpoint: 'https://iam.test',
  iamRegion: 'eu',
  adminEndpoint: 'https://admin.test',
};

const world = () => {
  const kube = createMemoryKube(createWrites());
  const put = (name: string, data: Record<string, string>) => {
    kube.put('secrets', { metadata: { name, namespace: 'team-a' }, data });
  };
  return { kube, put };
};

it.each([
  ['one Secret for both', {}, ['admin']],
  ['one for each, and one for two', all, ['ids', 'secrets', 'ca']],
])('secretNamesOf %s', (_title, spec, names) => {
  expect(secretNamesOf(providerOf(server, { spec }).spec)).toEqual(names);
});

describe('resolveConnection', () => {
  const signal = new AbortController().signal;

  it.each([
    ['endpoint', 'http://10.0.0.256:9000'],
    ['endpoint', 'http://s3.test:65536'],
    ['iamEndpoint', 'https://iam.test:99999'],
    ['iamEndpoint', 'https://[:::]'],
    ['adminEndpoint', 'https://admin.test:99999'],
  ])('refuses an %s of %s, which is no URL', async (field, value) => {
    const { kube, put } = world();
    put('admin', { 'access-key': 'ID', 'secret-key': 'hush' });
    const fault = await resolveConnection(kube.client, providerOf(server, { spec: { [field]: value } }), signal).catch(
      asFault,
    );
    const message = `${field} ${value} is not a URL: there is no such host or port.`;
    expect(fault).toMatchObject({ kind: 'terminal', reason: 'SpecInvalid', message });
  });

  it('takes a secret key of any characters: it signs, and does not travel', async () => {
    const { kube, put } = world();
    put('admin', { 'access-key': 'ID', 'secret-key': 'häsch' });
    const { connection } = await resolveConnection(kube.client, providerOf(server), signal);
    expect(connection.credentials.secretAccessKey.reveal()).toBe('häsch');
  });

  it('fills in the defaults', async () => {
    const { kube, put } = world();
    put('admin', { 'access-key': 'ID', 'secret-key': 'hush' });
    const { connection, credentialsVersion } = await resolveConnection(kube.client, providerOf(server), signal);
    expect(credentialsVersion).toBe('1');
    const { credentials, ...rest } = connection;
    expect(rest).toEqual({
      endpoint: 'https://s3.test',
      region: 'us-east-1',
      pathStyle: true,
      tls: { insecureSkipVerify: false },
      retry: { maxAttempts: 3, backoffStrategy: 'exponential' },
    });
    expect(credentials.accessKeyId).toBe('ID');
    expect(credentials.secretAccessKey.reveal()).toBe('hush');
    expect(JSON.stringify(connection)).not.toContain('hush');
  });

  it('takes everything that the spec says', async () => {
    const { kube, put } = world();
    put('ca', { 'ca.crt': testCertificate.cert });
    put('ids', { id: 'ID', token: 'session' });
    put('secrets', { secret: 'hush' });
    const resolved = await resolveConnection(kube.client, providerOf(server, { spec: all }), signal);
    expect(resolved.credentialsVersion).toBe('2.3.1');
    expect(resolved.connection).toMatchObject({
      pathStyle: false,
      tls: { insecureSkipVerify: true, caCertificate: testCertificate.cert },
      retry: { maxAttempts: 7, backoffStrategy: 'linear' },
      requestsPerSecond: 20,
      iamEndpoint: 'https://iam.test',
      iamRegion: 'eu',
      adminEndpoint: 'https://admin.test',
    });
    expect(resolved.connection.credentials.sessionToken?.reveal()).toBe('session');
  });

  it.each([
    ['a certificate with its private key', `${testCertificate.key}${testCertificate.cert}`, testCertificate.cert],
    ['a password', 'hunter2-password', undefined],
    ['a private key', testCertificate.key, undefined],
  ])('takes certificates alone as CA, of %s', async (_title, value, want) => {
    const { kube, put } = world();
    put('admin', { 'access-key': 'ID', 'secret-key': 'hush' });
    put('ca', { 'ca.crt': value });
    const provider = providerOf(server, {
      spec: { tls: { insecureSkipVerify: false, caCertSecretRef: ref('ca', 'ca.crt') } },
    });
    const resolved = await resolveConnection(kube.client, provider, signal).catch(asFault);
    if (want !== undefined) {
      expect(resolved).toMatchObject({ connection: { tls: { caCertificate: want } } });
      return;
    }
    const message =
      'The value of key "ca.crt" in Secret team-a/ca is not PEM with CERTIFICATE blocks, or one cannot be read.';
    expect(resolved).toMatchObject({ kind: 'waiting', reason: 'SecretValueInvalid', message });
  });

  it.each([
    ['an absent Secret', undefined, 'SecretNotFound'],
    ['a missing key', { 'access-key': 'ID' }, 'SecretKeyMissing'],
    ['a key that every object inherits', { 'access-key': 'ID', toString: 'x' }, 'SecretKeyMissing'],
    ['an empty value', { 'access-key': 'ID', 'secret-key': '' }, 'SecretValueInvalid'],
    ['a line break', { 'access-key': 'ID', 'secret-key': 'hush\nhush' }, 'SecretValueInvalid'],
    ['a character that no header can have', { 'access-key': 'hush\u200b', 'secret-key': 's' }, 'SecretValueInvalid'],
  ])('names %s and never a value', async (_title, data, reason) => {
    const { kube, put } = world();
    if (data !== undefined) put('admin', data);
    const fault = await resolveConnection(kube.client, providerOf(server), signal).catch(asFault);
    expect(fault).toMatchObject({
      kind: 'waiting',
      reason,
      message: expect.stringContaining('team-a/admin') as string,
    });
    expect(JSON.stringify(fault)).not.toContain('hush');
  });
});
