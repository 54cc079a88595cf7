import { reasons, type ProviderSpec, type ProviderStatus, type SecretKeyReference } from '@operator/api';
import { terminal, waiting } from '@operator/outcome';
import type { KubeClient, KubeObject } from '@operator/runtime';
import type { Connection } from '@operator/s3';
import type { SecretForm, StoredSecret } from '@operator/secrets';
import { readSecret, secretValue } from '@operator/secrets';
import { caCertificatesIn } from './ca-certificates.ts';

export type Provider = KubeObject<ProviderSpec, ProviderStatus>;

/** True where a Provider is only lent to an object, whose namespace is another one. */
export const isBorrowedBy = (
  { metadata }: Pick<KubeObject, 'metadata'>,
  provider: Pick<KubeObject, 'metadata'>,
): boolean => metadata.namespace !== provider.metadata.namespace;

/** What a Provider's spec and Secrets make together. */
export interface ResolvedConnection {
  readonly connection: Connection;
  /** The resourceVersions of the Secrets that were read, in the order of the spec; never their content. */
  readonly credentialsVersion: string;
}

/** The Secrets that a Provider refers to, each name once. */
export const secretNamesOf = (spec: ProviderSpec): readonly string[] => [
  ...new Set(
    [
      spec.auth.accessKeySecretRef,
      spec.auth.secretKeySecretRef,
      spec.auth.sessionTokenSecretRef,
      spec.tls?.caCertSecretRef,
    ].flatMap((ref) => (ref === undefined ? [] : [ref.name])),
  ),
];

/** The CRD's rules say nearly all of it; what they let pass must not look like a bug. */
const requireUrls = ({ endpoint, iamEndpoint = endpoint, adminEndpoint = endpoint }: ProviderSpec): void => {
  for (const [field, url] of Object.entries({ endpoint, iamEndpoint, adminEndpoint })) {
    if (!URL.canParse(url)) {
      throw terminal(reasons.SpecInvalid, `${field} ${url} is not a URL: there is no such host or port.`);
    }
  }
};

/**
 * Reads the Provider's Secrets, by name, and makes the connection that a driver needs.
 * @throws Fault `waiting` SecretNotFound, SecretKeyMissing, SecretValueInvalid: they name Secret and key, never the value;
 * `terminal` SpecInvalid when an endpoint is no URL
 */
export const resolveConnection = async (
  kube: KubeClient,
  provider: Provider,
  signal: AbortSignal,
): Promise<ResolvedConnection> => {
  const { spec } = provider;
  const { namespace } = provider.metadata;
  requireUrls(spec);
  const secrets = new Map<string, StoredSecret | undefined>();
  for (const name of secretNamesOf(spec)) secrets.set(name, await readSecret(kube, namespace, name, { signal }));

  const valueAt = (ref: SecretKeyReference, form: SecretForm = 'line') =>
    secretValue(secrets.get(ref.name), { namespace, name: ref.name, key: ref.key }, { form });
  const caCertificatesAt = (ref: SecretKeyReference): string => {
    const found = caCertificatesIn(valueAt(ref, 'lines').reveal());
    if (found !== undefined) return found;
    throw waiting(
      reasons.SecretValueInvalid,
      `The value of key ${JSON.stringify(ref.key)} in Secret ${namespace}/${ref.name} is not PEM with CERTIFICATE blocks, or one cannot be read.`,
    );
  };
  const { accessKeySecretRef, secretKeySecretRef, sessionTokenSecretRef } = spec.auth;
  const { caCertSecretRef } = spec.tls ?? {};
  const caCertificate = caCertSecretRef && caCertificatesAt(caCertSecretRef);

  return {
    connection: {
      endpoint: spec.endpoint,
      region: spec.region,
      pathStyle: spec.pathStyle,
      credentials: {
        accessKeyId: valueAt(accessKeySecretRef, 'header').reveal(),
        secretAccessKey: valueAt(secretKeySecretRef),
        ...(sessionTokenSecretRef === undefined ? {} : { sessionToken: valueAt(sessionTokenSecretRef, 'header') }),
      },
      tls: {
        insecureSkipVerify: spec.tls?.insecureSkipVerify ?? false,
        ...(caCertificate === undefined ? {} : { caCertificate }),
      },
      retry: {
        maxAttempts: spec.retry?.maxAttempts ?? 3,
        backoffStrategy: spec.retry?.backoffStrategy ?? 'exponential',
      },
      ...(spec.requestsPerSecond === undefined ? {} : { requestsPerSecond: spec.requestsPerSecond }),
      ...(spec.iamEndpoint === undefined ? {} : { iamEndpoint: spec.iamEndpoint }),
      ...(spec.iamRegion === undefined ? {} : { iamRegion: spec.iamRegion }),
      ...(spec.permissionsBoundaryArn === undefined ? {} : { permissionsBoundaryArn: spec.permissionsBoundaryArn }),
      ...(spec.adminEndpoint === undefined ? {} : { adminEndpoint: spec.adminEndpoint }),
    },
    credentialsVersion: [...secrets.values()]
      .flatMap((secret) => (secret === undefined ? [] : [secret.resourceVersion]))
      .join('.'),
  };
};
