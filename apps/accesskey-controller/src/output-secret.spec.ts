import type { AccessKeySpec } from '@operator/api';
import { redact, waiting } from '@operator/outcome';
import { objectOf, providerOf } from '@operator/references/testing';
import type { StoredSecret } from '@operator/secrets';
import { bucketSpec, createMemoryS3 } from '@operator/testing';
import { secretNameOf } from '@operator/secret-content';
import { describe, expect, it } from 'vitest';
import type { AccessKey } from './deps.ts';
import { pairIn, secretFor, unlessForeign } from './output-secret.ts';

const key = (spec: Partial<AccessKeySpec> = {}): AccessKey =>
  objectOf('AccessKey', 'app', { providerRef: { name: 'provider' }, ...spec });
const pair = { accessKeyId: 'AKIA', secretAccessKey: redact('hush') };
const { driver } = createMemoryS3({ now: () => new Date(0) });
const bucket = (name: string, region?: string) =>
  objectOf('Bucket', name, bucketSpec({ name }), region === undefined ? {} : { status: { region } });
const provided = (on = driver) => ({ driver: on, provider: providerOf(on) });
const plain = ({ secret }: ReturnType<typeof secretFor>) =>
  Object.fromEntries([...secret.data].map(([name, value]) => [name, value.reveal()]));

const stored = (data: Record<string, string>, annotations: Record<string, string> = {}): StoredSecret => ({
  namespace: 'team-a',
  name: 'app-credentials',
  uid: 'uid',
  resourceVersion: '1',
  ownerReferences: [],
  labels: {},
  annotations,
  data: new Map(Object.entries(data).map(([name, value]) => [name, redact(value)])),
});

it.each([
  [{}, 'app-credentials'],
  [{ secretName: 'mine' }, 'mine'],
])('the name for %j is %s', (spec, name) => {
  expect(secretNameOf(key(spec))).toBe(name);
});

describe('secretFor', () => {
  const always = {
    'access-key-id': 'AKIA',
    AWS_ACCESS_KEY_ID: 'AKIA',
    'secret-access-key': 'hush',
    AWS_SECRET_ACCESS_KEY: 'hush',
    'force-path-style': 'true',
  };
  const at = (endpoint: string, region: string) => ({
    AWS_ENDPOINT_URL_S3: endpoint,
    endpoint,
    'endpoint-host': new URL(endpoint).host,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    region,
  });

  it.each([
    ['no bucket', [], { ...always, ...at('http://s3.test', 'us-east-1') }],
    ['one bucket', [bucket('b')], { ...always, ...at('http://s3.test', 'us-east-1'), bucket: 'b', 'bucket-b': 'b' }],
    [
      'two buckets',
      [bucket('b', 'eu-west-1'), bucket('c')],
      { ...always, ...at('http://s3.test', 'us-east-1'), 'bucket-b': 'b', 'bucket-c': 'c' },
    ],
  ])('with %s', (_title, buckets, want) => {
    expect(plain(secretFor(key(), pair, provided(), buckets))).toEqual(want);
  });

  it('names the endpoint of the region that the one bucket is in', () => {
    const regional = {
      ...driver,
      wire: (region = 'home') => ({ ...driver.wire(), region, endpoint: `https://s3.${region}.test` }),
    };
    expect(plain(secretFor(key(), pair, provided(regional), [bucket('b', 'eu-west-1')]))).toMatchObject(
      at('https://s3.eu-west-1.test', 'eu-west-1'),
    );
    expect(plain(secretFor(key(), pair, provided(regional), []))).toMatchObject(at('https://s3.home.test', 'home'));
  });

  it('has the certificate where there is one', () => {
    const withCa = {
      ...driver,
      connection: { ...driver.connection, tls: { insecureSkipVerify: false, caCertificate: 'PEM' } },
    };
    expect(plain(secretFor(key(), pair, provided(withCa), []))).toMatchObject({ 'ca.crt': 'PEM' });
  });

  it('renames keys, whatever they are called, and says under which the pair stands', () => {
    const secretKeys = JSON.parse('{"access-key-id":"__proto__","secret-access-key":"constructor"}') as Record<
      string,
      string
    >;
    const { secret: wanted } = secretFor(
      key({ secretKeys, secretLabels: { team: 'a' }, secretAnnotations: { note: 'n' } }),
      pair,
      provided(),
      [],
    );
    expect(wanted.data.get('__proto__')?.reveal()).toBe('AKIA');
    expect(wanted.data.get('constructor')?.reveal()).toBe('hush');
    expect(wanted.data.has('access-key-id')).toBe(false);
    expect(wanted.labels).toEqual({ team: 'a', 'app.kubernetes.io/managed-by': 'wasabi-s3-operator' });
    expect(wanted.annotations).toEqual({ note: 'n', 's3.cloud37.dev/pair-keys': '__proto__,constructor' });
  });
});

describe('pairIn', () => {
  const at = { 's3.cloud37.dev/pair-keys': 'id,secret' };
  it.each<[string, StoredSecret | undefined, string | undefined]>([
    ['no Secret', undefined, undefined],
    ['the usual keys', stored({ 'access-key-id': 'AKIA', 'secret-access-key': 'hush' }), 'AKIA:hush'],
    ['the keys it was written with', stored({ id: 'AKIA', secret: 'hush', 'access-key-id': 'other' }, at), 'AKIA:hush'],
    ['no id', stored({ 'secret-access-key': 'hush' }), undefined],
    ['no secret', stored({ 'access-key-id': 'AKIA' }), undefined],
    ['an empty id', stored({ 'access-key-id': '', 'secret-access-key': 'hush' }), undefined],
    ['an empty secret', stored({ 'access-key-id': 'AKIA', 'secret-access-key': '' }), undefined],
    ['an annotation without sense', stored({ 'access-key-id': 'AKIA' }, { 's3.cloud37.dev/pair-keys': '' }), undefined],
  ])('%s', (_title, secret, want) => {
    const found = pairIn(key(), secret);
    expect(found && `${found.accessKeyId}:${found.secretAccessKey.reveal()}`).toBe(want);
  });
});

it('unlessForeign lets every other failure through', () => {
  const other = waiting('AccessDenied', 'no');
  expect(() => unlessForeign(waiting('SecretConflict', 'theirs'))).not.toThrow();
  expect(() => unlessForeign(other)).toThrow(other);
});
