import { reasons, type SecretPreset } from '@operator/api';
import { terminal } from '@operator/outcome';
import { onlyBucket, type SecretFacts } from './values.ts';

/** What a preset adds: keys of the Secret, and of a ConfigMap of the same name. */
export interface PresetContent {
  readonly secret: Readonly<Record<string, string>>;
  readonly configMap?: Readonly<Record<string, string>>;
}

type Preset = (facts: SecretFacts) => PresetContent;

/** The name of its one bucket. @throws Fault `terminal` TemplateInvalid where there is none, or several */
const bucketFor = (preset: SecretPreset, facts: SecretFacts): string => {
  const bucket = onlyBucket(facts);
  if (bucket !== undefined) return bucket;
  throw terminal(
    reasons.TemplateInvalid,
    `spec.secretTemplate.presets: ${preset} is for one bucket, and spec.access names ${facts.buckets.length}. Use an AccessKey for each bucket.`,
  );
};

/** `[section]` and its settings, as AWS, Velero and rclone read them. Values have one line each. */
const section = (name: string, settings: Readonly<Record<string, string>>): string =>
  [`[${name}]`, ...Object.entries(settings).map(([key, value]) => `${key} = ${value}`), ''].join('\n');

/** Source: AWS CLI user guide, "Configuration and credential file settings". */
const credentialsFile = ({ pair }: SecretFacts): string =>
  section('default', {
    aws_access_key_id: pair.accessKeyId,
    aws_secret_access_key: pair.secretAccessKey.reveal(),
  });

/** The endpoint is that of S3 alone: a profile may be used for other services too. Source: AWS SDKs, "Service-specific endpoints". */
const configFile = ({ region, endpoint, pathStyle }: SecretFacts): string =>
  [
    section('default', { region, services: 's3-operator' }).trimEnd(),
    ...(pathStyle ? ['s3 =', '  addressing_style = path'] : []),
    '',
    '[services s3-operator]',
    's3 =',
    `  endpoint_url = ${endpoint}`,
    '',
  ].join('\n');

/** Source: rclone.org, "Amazon S3 Storage Providers". */
const rcloneProviders: Readonly<Record<SecretFacts['providerType'], string>> = {
  aws: 'AWS',
  wasabi: 'Wasabi',
  minio: 'Minio',
  custom: 'Other',
};

const rclone: Preset = ({ providerType, pair, endpoint, region, pathStyle }) => ({
  secret: {
    'rclone.conf': section('s3', {
      type: 's3',
      provider: rcloneProviders[providerType],
      access_key_id: pair.accessKeyId,
      secret_access_key: pair.secretAccessKey.reveal(),
      endpoint,
      region,
      force_path_style: String(pathStyle),
      // Else rclone asks for the bucket to be created before it writes, which a key may not.
      no_check_bucket: 'true',
    }),
  },
});

/** Source: rook.io, "Object Bucket Claim": Secret and ConfigMap have the name of the claim. */
const rook: Preset = (facts) => {
  const { protocol, hostname, port } = new URL(facts.endpoint);
  return {
    secret: {
      AWS_ACCESS_KEY_ID: facts.pair.accessKeyId,
      AWS_SECRET_ACCESS_KEY: facts.pair.secretAccessKey.reveal(),
    },
    configMap: {
      BUCKET_HOST: hostname,
      BUCKET_PORT: port === '' ? (protocol === 'https:' ? '443' : '80') : port,
      BUCKET_NAME: bucketFor('RookObjectBucketClaim', facts),
      BUCKET_REGION: facts.region,
      BUCKET_SUBREGION: '',
    },
  };
};

/** Source: sigs.k8s.io/container-object-storage-interface, v1alpha1, BucketInfo. */
const cosi: Preset = (facts) => {
  const bucketName = bucketFor('CosiBucketInfo', facts);
  const info = {
    metadata: { name: `bc-${bucketName}` },
    spec: {
      bucketName,
      authenticationType: 'KEY',
      secretS3: {
        endpoint: facts.endpoint,
        region: facts.region,
        accessKeyID: facts.pair.accessKeyId,
        accessSecretKey: facts.pair.secretAccessKey.reveal(),
      },
      secretAzure: null,
      protocols: ['s3'],
    },
  };
  return { secret: { BucketInfo: JSON.stringify(info) } };
};

/** The Secret of a LokiStack; for Loki's chart it serves as environment. Source: Loki Operator, "Object Storage", AWS S3. */
const loki: Preset = (facts) => ({
  secret: {
    access_key_id: facts.pair.accessKeyId,
    access_key_secret: facts.pair.secretAccessKey.reveal(),
    bucketnames: bucketFor('Loki', facts),
    endpoint: facts.endpoint,
    region: facts.region,
    forcepathstyle: String(facts.pathStyle),
  },
});

/** Source: thanos.io, "Object Storage", S3. The endpoint has no scheme. Text in JSON's quotes is text in YAML too. */
const thanos: Preset = (facts) => {
  const { protocol, host } = new URL(facts.endpoint);
  const config: Readonly<Record<string, string | boolean>> = {
    bucket: bucketFor('Thanos', facts),
    endpoint: host,
    region: facts.region,
    access_key: facts.pair.accessKeyId,
    secret_key: facts.pair.secretAccessKey.reveal(),
    insecure: protocol === 'http:',
    bucket_lookup_type: facts.pathStyle ? 'path' : 'auto',
  };
  const lines = Object.entries(config).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`);
  return { secret: { 'objstore.yml': ['type: S3', 'config:', ...lines, ''].join('\n') } };
};

const presets: Readonly<Record<SecretPreset, Preset>> = {
  AwsCredentials: (facts) => ({ secret: { credentials: credentialsFile(facts), config: configFile(facts) } }),
  Rclone: rclone,
  RookObjectBucketClaim: rook,
  CosiBucketInfo: cosi,
  Loki: loki,
  Thanos: thanos,
  // Source: velero.io, plugin for AWS: the file that its chart and `velero install` put under this key.
  Velero: (facts) => ({ secret: { cloud: credentialsFile(facts) } }),
  // Source: cloudnative-pg.io, "Appendix B: Object stores"; region, endpoint and ca.crt stand under the Secret's own keys.
  CloudNativePG: ({ pair }) => ({
    secret: { ACCESS_KEY_ID: pair.accessKeyId, ACCESS_SECRET_KEY: pair.secretAccessKey.reveal() },
  }),
  // Source: goharbor/harbor-helm, values.yaml, imageChartStorage.s3.existingSecret.
  Harbor: ({ pair }) => ({
    secret: {
      REGISTRY_STORAGE_S3_ACCESSKEY: pair.accessKeyId,
      REGISTRY_STORAGE_S3_SECRETKEY: pair.secretAccessKey.reveal(),
    },
  }),
};

/**
 * What an app expects to find. @throws Fault `terminal` TemplateInvalid where it is for one bucket and there is none, or several
 */
export const presetContent = (preset: SecretPreset, facts: SecretFacts): PresetContent => presets[preset](facts);
