import { accessKeySpec, providerSpec, type AccessKeySpec, type ProviderSpec } from '@operator/api';
import { Fault, redact } from '@operator/outcome';
import { composeSecret, secretNameOf, type SecretFacts } from '@operator/secret-content';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { parseAllDocuments, stringify } from 'yaml';

/** What the manifests make. */
export interface Rendered {
  /** Secrets and ConfigMaps as YAML; empty where there are none. */
  readonly text: string;
  /** One line for each AccessKey that makes none. */
  readonly problems: readonly string[];
}

interface Manifest {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: unknown;
}

/** A pair that no server has. */
const samplePair = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: redact('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'),
};
const sampleProvider = {
  type: 'custom',
  endpoint: 'https://s3.example.com',
  region: 'us-east-1',
  pathStyle: true,
} as const;

/**
 * Renders the Secret of each AccessKey among the manifests, with a sample pair. The Provider and the Buckets that it names count where they are
 * among them too; else samples stand in. `text`: YAML, one or more documents.
 */
export const renderManifests = (text: string): Rendered => {
  const documents = parseAllDocuments(text);
  const broken = documents.flatMap(({ errors }) => errors.map(({ message }) => message));
  if (broken.length > 0) return { text: '', problems: broken };
  const manifests = documents
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
  const keys = manifests.filter(({ kind }) => kind === 'AccessKey');
  if (keys.length === 0) return { text: '', problems: ['There is no AccessKey in it.'] };
  const outputs: object[] = [];
  const problems: string[] = [];
  for (const key of keys) {
    const name = key.metadata?.name ?? '';
    const complaints = complaintsOf(accessKeySpec, key.spec, 'spec');
    if (complaints.length > 0) problems.push(...complaints.map((complaint) => `AccessKey ${name}: ${complaint}`));
    else
      try {
        outputs.push(...outputOf(key, key.spec as AccessKeySpec, manifests));
      } catch (caught) {
        if (!(caught instanceof Fault)) throw caught;
        problems.push(`AccessKey ${name}: ${caught.reason}: ${caught.message}`);
      }
  }
  return { text: outputs.map((output) => stringify(output)).join('---\n'), problems };
};

/** What the schema of the CRD says. */
const complaintsOf = (schema: TSchema, value: unknown, at: string): readonly string[] =>
  [...Value.Errors(schema, Value.Default(schema, structuredClone(value) ?? {}))].map(
    ({ instancePath, message }) => `${at}${instancePath.replaceAll('/', '.')} ${message}.`,
  );

const outputOf = (key: Manifest, spec: AccessKeySpec, manifests: readonly Manifest[]): readonly object[] => {
  const metadata = { namespace: key.metadata?.namespace ?? 'default', name: key.metadata?.name ?? '' };
  const { data, configMap } = composeSecret(spec, factsOf(metadata.namespace, spec, manifests));
  const written = { namespace: metadata.namespace, name: secretNameOf({ metadata, spec }) };
  const stringData = Object.fromEntries([...data].map(([entry, value]) => [entry, value.reveal()]));
  const secret = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: written, stringData };
  if (configMap === undefined) return [secret];
  return [secret, { apiVersion: 'v1', kind: 'ConfigMap', metadata: written, data: Object.fromEntries(configMap) }];
};

const factsOf = (namespace: string, spec: AccessKeySpec, manifests: readonly Manifest[]): SecretFacts => {
  const find = (kind: string, ref: { readonly name: string; readonly namespace?: string | undefined }) =>
    manifests.find(
      ({ kind: found, metadata }) =>
        found === kind &&
        metadata?.name === ref.name &&
        (metadata.namespace ?? 'default') === (ref.namespace ?? namespace),
    )?.spec;
  const declared = find('Provider', spec.providerRef);
  const provider: Pick<ProviderSpec, 'type' | 'endpoint' | 'region' | 'pathStyle'> =
    declared !== undefined && complaintsOf(providerSpec, declared, '').length === 0
      ? (Value.Default(providerSpec, structuredClone(declared)) as ProviderSpec)
      : sampleProvider;
  const buckets = new Map(
    (spec.access ?? []).map(({ bucketRef }) => {
      const bucket = find('Bucket', bucketRef) as { readonly name?: string } | undefined;
      const at = { namespace: bucketRef.namespace ?? namespace, name: bucketRef.name };
      return [`${at.namespace}/${at.name}`, { ...at, bucketName: bucket?.name ?? bucketRef.name }];
    }),
  );
  return {
    namespace,
    providerType: provider.type,
    pair: samplePair,
    endpoint: provider.endpoint,
    region: provider.region,
    pathStyle: provider.pathStyle,
    buckets: [...buckets.values()],
  };
};
