import { annotations, reasons } from '@operator/api';
import { Fault } from '@operator/outcome';
import type { Provided, ReferredBucket } from '@operator/references';
import type { KeyPair } from '@operator/s3';
import { composeSecret, renamedKey } from '@operator/secret-content';
import type { ConfigMapContent, SecretContent, StoredSecret } from '@operator/secrets';
import type { AccessKey } from './deps.ts';

/** Every Secret that we write has this label, so that one watch finds them all. */
export const issuedLabel = { key: 'app.kubernetes.io/managed-by', value: 'wasabi-s3-operator' } as const;

/** What the Secret of this pair should have, and the ConfigMap beside it, where a preset asks for one. */
export interface OutputContent {
  readonly secret: SecretContent;
  readonly configMap: ConfigMapContent | undefined;
}

/** The Secret as it should be for this pair. @throws Fault `terminal` TemplateInvalid; `waiting` SecretValueInvalid */
export const secretFor = (
  accessKey: AccessKey,
  pair: KeyPair,
  { driver, provider }: Pick<Provided, 'driver' | 'provider'>,
  buckets: readonly ReferredBucket[],
): OutputContent => {
  const { spec, metadata } = accessKey;
  const { connection } = driver;
  const [only, ...others] = buckets;
  // The endpoint belongs to the region: some providers have one for each.
  const { endpoint, region } = driver.wire(others.length === 0 ? only?.status?.region : undefined);
  const { data, configMap } = composeSecret(spec, {
    namespace: metadata.namespace,
    providerType: provider.spec.type,
    pair,
    endpoint,
    region,
    pathStyle: connection.pathStyle,
    caCertificate: connection.tls.caCertificate,
    buckets: buckets.map((bucket) => ({ ...bucket.metadata, bucketName: bucket.spec.name })),
  });
  const labels = { ...spec.secretLabels, [issuedLabel.key]: issuedLabel.value };
  return {
    secret: {
      labels,
      annotations: {
        ...spec.secretAnnotations,
        [annotations.pairKeys]: pairKeysOf(accessKey).join(','),
        ...(configMap === undefined ? {} : { [annotations.configMap]: 'true' }),
      },
      data,
    },
    configMap: configMap && { labels, data: configMap },
  };
};

/** Whether a ConfigMap was written beside this Secret. */
export const hasConfigMap = (secret: StoredSecret | undefined): boolean =>
  secret?.annotations[annotations.configMap] === 'true';

const pairKeysOf = (accessKey: AccessKey): readonly [string, string] => [
  renamedKey(accessKey.spec, 'access-key-id'),
  renamedKey(accessKey.spec, 'secret-access-key'),
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
