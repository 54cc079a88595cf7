import { secretPresets, type SecretPreset } from '@operator/api';
import { redact } from '@operator/outcome';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { composeSecret, type SecretShape } from './content.ts';
import type { SecretFacts } from './values.ts';

const facts: SecretFacts = {
  namespace: 'team-a',
  providerType: 'minio',
  pair: { accessKeyId: 'AKIA', secretAccessKey: redact('hu/sh+=') },
  endpoint: 'http://minio.test:9000',
  region: 'eu-central-1',
  pathStyle: true,
  buckets: [{ namespace: 'team-a', name: 'photos', bucketName: 'team-a-photos' }],
};
const own = {
  'access-key-id': 'AKIA',
  'secret-access-key': 'hu/sh+=',
  AWS_ACCESS_KEY_ID: 'AKIA',
  AWS_SECRET_ACCESS_KEY: 'hu/sh+=',
  AWS_ENDPOINT_URL_S3: 'http://minio.test:9000',
  AWS_REGION: 'eu-central-1',
  AWS_DEFAULT_REGION: 'eu-central-1',
  endpoint: 'http://minio.test:9000',
  'endpoint-host': 'minio.test:9000',
  region: 'eu-central-1',
  'force-path-style': 'true',
};
const one = { ...own, bucket: 'team-a-photos', 'bucket-photos': 'team-a-photos' };

const compose = (shape: SecretShape = {}, changed: Partial<SecretFacts> = {}) => {
  const { data, configMap } = composeSecret(shape, { ...facts, ...changed });
  return {
    secret: Object.fromEntries([...data].map(([key, value]) => [key, value.reveal()])),
    configMap: configMap && Object.fromEntries(configMap),
  };
};
/** What presets add to the Secret's own keys. */
const added = (presets: readonly SecretPreset[], changed: Partial<SecretFacts> = {}) => {
  const { secret, configMap } = compose({ secretTemplate: { presets } }, changed);
  const before = compose({}, changed).secret;
  const extra = Object.fromEntries(Object.entries(secret).filter(([key]) => !Object.hasOwn(before, key)));
  return { extra, configMap };
};

describe('composeSecret', () => {
  it('has a name for each bucket, and `bucket` where there is one', () => {
    expect(compose()).toEqual({ secret: one, configMap: undefined });
    const theirs = { namespace: 'platform', name: 'photos', bucketName: 'shared-photos' };
    expect(compose({}, { buckets: [...facts.buckets, theirs] }).secret).toEqual({
      ...own,
      'bucket-photos': 'team-a-photos',
      'bucket-platform_photos': 'shared-photos',
    });
    expect(compose({}, { buckets: [] }).secret).toEqual(own);
  });

  it('leaves out the name of a bucket that no key of a Secret can have', () => {
    const name = 'x'.repeat(247);
    expect(compose({}, { buckets: [{ namespace: 'team-a', name, bucketName: 'b' }] }).secret).toEqual({
      ...own,
      bucket: 'b',
    });
  });

  it('has the certificate where there is one, and the host of an endpoint without port', () => {
    const { secret } = compose({}, { caCertificate: '-----BEGIN\nPEM\n', endpoint: 'https://s3.test' });
    expect(secret).toMatchObject({ 'ca.crt': '-----BEGIN\nPEM\n', 'endpoint-host': 's3.test' });
  });

  it('renames what is its own, buckets too; templates keep the own names', () => {
    const { secret } = compose({
      secretKeys: { endpoint: 'url', 'bucket-photos': 'PHOTOS' },
      secretTemplate: { data: { where: '$(endpoint)/$(bucket-photos)' } },
    });
    const { endpoint, 'bucket-photos': bucket, ...others } = one;
    expect(secret).toEqual({ ...others, url: endpoint, PHOTOS: bucket, where: `${endpoint}/${bucket}` });
  });

  it.each<[string, Partial<SecretFacts>]>([
    ['id', { pair: { ...facts.pair, accessKeyId: 'AKIA\ncredential_process = sh' } }],
    ['secret', { pair: { ...facts.pair, secretAccessKey: redact('hush\u0000') } }],
    ['region', { region: 'a\rb' }],
  ])('writes nothing when the server gives a key whose %s would add lines to a file', (_title, changed) => {
    expect(() => compose({ secretTemplate: { presets: ['AwsCredentials'] } }, changed)).toThrow(
      expect.objectContaining({
        reason: 'SecretValueInvalid',
        message: expect.stringMatching(/has a line break or another control character; it is not written\.$/) as string,
      }),
    );
  });

  it.each<[string, SecretShape, string]>([
    [
      'an own name, renamed or not',
      { secretKeys: { endpoint: 'url' }, secretTemplate: { data: { url: 'x' } } },
      'spec.secretTemplate.data["url"]: the Secret has a key "url" already',
    ],
    [
      'the key of a preset',
      { secretTemplate: { presets: ['Velero'], data: { cloud: 'x' } } },
      'spec.secretTemplate.data["cloud"]: the Secret has a key "cloud" already',
    ],
    [
      'a preset over a renamed key',
      { secretKeys: { endpoint: 'cloud' }, secretTemplate: { presets: ['Velero'] } },
      'spec.secretTemplate.presets: Velero: the Secret has a key "cloud" already',
    ],
  ])('refuses two values for one key: %s', (_title, shape, want) => {
    expect(() => compose(shape)).toThrow(
      expect.objectContaining({ reason: 'TemplateInvalid', message: expect.stringContaining(want) as string }),
    );
  });

  it('bounds all templates of a Secret together', () => {
    const data = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`k${index}`, 'x'.repeat(16_384)]));
    expect(() => compose({ secretTemplate: { data } })).toThrow(
      /^spec\.secretTemplate\.data\["k16"\]: spec\.secretTemplate makes more than 262144 bytes/,
    );
  });
});

describe('presets', () => {
  it.each<[SecretPreset, Record<string, string>]>([
    [
      'AwsCredentials',
      {
        credentials: '[default]\naws_access_key_id = AKIA\naws_secret_access_key = hu/sh+=\n',
        config:
          '[default]\nregion = eu-central-1\nservices = s3-operator\ns3 =\n  addressing_style = path\n\n' +
          '[services s3-operator]\ns3 =\n  endpoint_url = http://minio.test:9000\n',
      },
    ],
    [
      'Rclone',
      {
        'rclone.conf':
          '[s3]\ntype = s3\nprovider = Minio\naccess_key_id = AKIA\nsecret_access_key = hu/sh+=\nendpoint = http://minio.test:9000\n' +
          'region = eu-central-1\nforce_path_style = true\nno_check_bucket = true\n',
      },
    ],
    ['Velero', { cloud: '[default]\naws_access_key_id = AKIA\naws_secret_access_key = hu/sh+=\n' }],
    ['CloudNativePG', { ACCESS_KEY_ID: 'AKIA', ACCESS_SECRET_KEY: 'hu/sh+=' }],
    ['Harbor', { REGISTRY_STORAGE_S3_ACCESSKEY: 'AKIA', REGISTRY_STORAGE_S3_SECRETKEY: 'hu/sh+=' }],
    [
      'Loki',
      {
        access_key_id: 'AKIA',
        access_key_secret: 'hu/sh+=',
        bucketnames: 'team-a-photos',
        forcepathstyle: 'true',
      },
    ],
  ])('%s', (preset, want) => {
    expect(added([preset])).toEqual({ extra: want, configMap: undefined });
  });

  it('Thanos', () => {
    const config = (changed: Partial<SecretFacts> = {}) =>
      parse(added(['Thanos'], changed).extra['objstore.yml'] ?? '') as unknown;
    expect(config()).toEqual({
      type: 'S3',
      config: {
        bucket: 'team-a-photos',
        endpoint: 'minio.test:9000',
        region: 'eu-central-1',
        access_key: 'AKIA',
        secret_key: 'hu/sh+=',
        insecure: true,
        bucket_lookup_type: 'path',
      },
    });
    expect(config({ endpoint: 'https://s3.test', pathStyle: false })).toMatchObject({
      config: { endpoint: 's3.test', insecure: false, bucket_lookup_type: 'auto' },
    });
    const strange = { ...facts.pair, secretAccessKey: redact('": {a}\\ # !!') };
    expect(config({ pair: strange })).toMatchObject({ config: { secret_key: '": {a}\\ # !!' } });
  });

  it('CosiBucketInfo', () => {
    expect(JSON.parse(added(['CosiBucketInfo']).extra.BucketInfo ?? '')).toEqual({
      metadata: { name: 'bc-team-a-photos' },
      spec: {
        bucketName: 'team-a-photos',
        authenticationType: 'KEY',
        secretS3: {
          endpoint: 'http://minio.test:9000',
          region: 'eu-central-1',
          accessKeyID: 'AKIA',
          accessSecretKey: 'hu/sh+=',
        },
        secretAzure: null,
        protocols: ['s3'],
      },
    });
  });

  it.each([
    ['http://minio.test:9000', 'minio.test', '9000'],
    ['http://minio.test', 'minio.test', '80'],
    ['https://minio.test', 'minio.test', '443'],
  ])('RookObjectBucketClaim of %s', (endpoint, host, port) => {
    const configMap = {
      BUCKET_HOST: host,
      BUCKET_PORT: port,
      BUCKET_NAME: 'team-a-photos',
      BUCKET_REGION: 'eu-central-1',
      BUCKET_SUBREGION: '',
    };
    expect(added(['RookObjectBucketClaim'], { endpoint })).toEqual({ extra: {}, configMap });
  });

  it('RookObjectBucketClaim has the names of Rook also beside renamed keys', () => {
    const { secret } = compose({
      secretKeys: { AWS_ACCESS_KEY_ID: 'ID' },
      secretTemplate: { presets: ['RookObjectBucketClaim'] },
    });
    expect(secret).toMatchObject({ ID: 'AKIA', AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'hu/sh+=' });
  });

  it('stand beside each other, all of them', () => {
    expect(() => compose({ secretTemplate: { presets: secretPresets } })).not.toThrow();
  });

  it.each([0, 2])('of one bucket say so with %d', (count) => {
    const buckets = Array.from({ length: count }, (_, index) => ({
      namespace: 'team-a',
      name: `b${index}`,
      bucketName: `b${index}`,
    }));
    for (const preset of ['RookObjectBucketClaim', 'CosiBucketInfo', 'Loki', 'Thanos'] as const)
      expect(() => added([preset], { buckets })).toThrow(
        expect.objectContaining({
          reason: 'TemplateInvalid',
          message: `spec.secretTemplate.presets: ${preset} is for one bucket, and spec.access names ${count}. Use an AccessKey for each bucket.`,
        }),
      );
    for (const preset of ['AwsCredentials', 'Rclone', 'Velero', 'CloudNativePG', 'Harbor'] as const)
      expect(() => added([preset], { buckets })).not.toThrow();
  });
});
