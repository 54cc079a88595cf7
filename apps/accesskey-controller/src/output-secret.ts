import { annotations, reasons, type SecretKeyName } from '@operator/api';
import { Fault, redact, type Redacted } from '@operator/outcome';
import type { ReferredBucket } from '@operator/references';
import type { Driver, KeyPair } from '@operator/s3';
import type { SecretContent, StoredSecret } from '@operator/secrets';
import type { AccessKey } from './deps.ts';

/** Every Secret that we write has this label, so that one watch finds them all. */
export const issuedLabel = { key: 'app.kubernetes.io/managed-by', value: 'wasabi-s3-operator' } as const;

/** The name of the Secret that gets the pair. */
export const secretNameOf = ({ spec, metadata }: AccessKey): string =>
  spec.secretName ?? `${metadata.name}-credentials`;

/** The Secret as it should be for this pair. */
export const secretFor = (
  accessKey: AccessKey,
  pair: KeyPair,
  driver: Driver,
  buckets: readonly ReferredBucket[],
): SecretContent => {
  const { spec } = accessKey;
  const { connection } = driver;
  const [only, ...others] = buckets;
  const bucket = others.length === 0 ? only : undefined;
  // The endpoint belongs to the region: some providers have one for each.
  const { endpoint, region } = driver.wire(bucket?.status?.region);
  const plain: Partial<Record<SecretKeyName, string | undefined>> = {
    'access-key-id': pair.accessKeyId,
    AWS_ACCESS_KEY_ID: pair.accessKeyId,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: region,
    // The AWS SDK for Python and the first AWS CLI read no other.
    AWS_DEFAULT_REGION: region,
    endpoint,
    region,
    bucket: bucket?.spec.name,
    'force-path-style': String(connection.pathStyle),
    'ca.crt': connection.tls.caCertificate,
  };
  const data = new Map<string, Redacted<string>>();
  for (const [key, value] of Object.entries(plain)) {
    if (value !== undefined) data.set(renamed(accessKey, key), redact(value));
  }
  data.set(renamed(accessKey, 'secret-access-key'), pair.secretAccessKey);
  data.set(renamed(accessKey, 'AWS_SECRET_ACCESS_KEY'), pair.secretAccessKey);
  return {
    labels: { ...spec.secretLabels, [issuedLabel.key]: issuedLabel.value },
    annotations: { ...spec.secretAnnotations, [annotations.pairKeys]: pairKeysOf(accessKey).join(',') },
    data,
  };
};

const renamed = ({ spec }: AccessKey, key: string): string => {
  const renames = spec.secretKeys ?? {};
  return Object.hasOwn(renames, key) ? (renames[key] ?? key) : key;
};

const pairKeysOf = (accessKey: AccessKey): readonly [string, string] => [
  renamed(accessKey, 'access-key-id'),
  renamed(accessKey, 'secret-access-key'),
];

/**
 * The pair in a Secret of ours, under the names with which it was written, so that it outlives a renaming. Undefined when the
 * Secret is absent or the pair in it is not whole.
 */
export const pairIn = (accessKey: AccessKey, secret: StoredSecret | undefined): KeyPair | undefined => {
  if (secret === undefined) return undefined;
  const [idKey = '', secretKey = ''] = secret.annotations[annotations.pairKeys]?.split(',') ?? pairKeysOf(accessKey);
  const accessKeyId = secret.data.get(idKey)?.reveal();
  const secretAccessKey = secret.data.get(secretKey);
  if (accessKeyId === undefined || accessKeyId === '') return undefined;
  if (secretAccessKey === undefined || secretAccessKey.reveal() === '') return undefined;
  return { accessKeyId, secretAccessKey };
};

/** For `promise.catch`: a Secret that belongs to somebody else counts as none of ours. */
export const unlessForeign = (caught: unknown): undefined => {
  if (caught instanceof Fault && caught.reason === reasons.SecretConflict) return undefined;
  throw caught;
};
