import { reasons, secretKeyOfBucket, type ProviderSpec, type SecretKeyName } from '@operator/api';
import { waiting, type Redacted } from '@operator/outcome';

/** A Bucket that the key has rights in. */
export interface NamedBucket {
  readonly namespace: string;
  /** Of the Bucket object. */
  readonly name: string;
  /** At the server. */
  readonly bucketName: string;
}

/** All that the Secret of one AccessKey is made of. */
export interface SecretFacts {
  /** Of the AccessKey. */
  readonly namespace: string;
  readonly providerType: ProviderSpec['type'];
  readonly pair: { readonly accessKeyId: string; readonly secretAccessKey: Redacted<string> };
  readonly endpoint: string;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly caCertificate?: string | undefined;
  readonly buckets: readonly NamedBucket[];
}

/** The one bucket of a key; undefined where it has none or several. */
export const onlyBucket = ({ buckets: [only, ...others] }: Pick<SecretFacts, 'buckets'>): string | undefined =>
  others.length === 0 ? only?.bucketName : undefined;

/** A key of a Secret has at most so many characters. Source: Kubernetes, validation of Secrets. */
const longestKey = 253;

// A line break would add settings of its own to a file of a preset, such as a command that a client runs.
const controlCharacter = /[\u0000-\u001f\u007f]/;

/**
 * The values of the Secret by the names of its keys, before `secretKeys` renames them. A value that there is not has no key.
 * @throws Fault `waiting` SecretValueInvalid when the server's own answer or the Provider brings a line break or another control character
 */
export const secretValues = (facts: SecretFacts): ReadonlyMap<string, string> => {
  const { pair, endpoint, region, buckets } = facts;
  const plain: Readonly<Record<SecretKeyName, string | undefined>> = {
    'access-key-id': pair.accessKeyId,
    'secret-access-key': pair.secretAccessKey.reveal(),
    AWS_ACCESS_KEY_ID: pair.accessKeyId,
    AWS_SECRET_ACCESS_KEY: pair.secretAccessKey.reveal(),
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_REGION: region,
    // The AWS SDK for Python and the first AWS CLI read no other.
    AWS_DEFAULT_REGION: region,
    endpoint,
    'endpoint-host': new URL(endpoint).host,
    region,
    bucket: onlyBucket(facts),
    'force-path-style': String(facts.pathStyle),
    'ca.crt': facts.caCertificate,
  };
  const named = buckets.map((bucket) => [secretKeyOfBucket(bucket, facts.namespace), bucket.bucketName] as const);
  const values = new Map<string, string>();
  for (const [key, value] of [...Object.entries(plain), ...named]) {
    if (value === undefined || key.length > longestKey) continue;
    if (key !== 'ca.crt' && controlCharacter.test(value)) throw strange(key);
    values.set(key, value);
  }
  return values;
};

const strange = (key: string) =>
  waiting(
    reasons.SecretValueInvalid,
    `The value of ${key}, as the Provider or its server gives it, has a line break or another control character; it is not written.`,
  );
