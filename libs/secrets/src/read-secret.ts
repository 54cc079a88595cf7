import { reasons } from '@operator/api';
import { type Redacted, redact, waiting } from '@operator/outcome';
import type { KubeClient, OwnerReference, RequestOptions } from '@operator/runtime';
import { secretResource } from './secret-resource.ts';

/** A Secret as stored, decoded from base64. */
export interface StoredSecret {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly ownerReferences: readonly OwnerReference[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: ReadonlyMap<string, Redacted<string>>;
  /** True when the API server refuses every change of its content. Source: Kubernetes API, Secret.immutable. */
  readonly isImmutable?: boolean;
}

/** A tree of field names, each with `f:` before it. Source: Kubernetes API, FieldsV1. */
export interface FieldSet {
  readonly [field: string]: FieldSet;
}

/** The Secret as the API server sends it. */
export interface RawSecret {
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly ownerReferences?: readonly OwnerReference[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly { readonly manager?: string; readonly fieldsV1?: FieldSet }[];
  };
  readonly type?: string;
  readonly immutable?: boolean;
  /** Values in base64. */
  readonly data?: Readonly<Record<string, string>>;
}

/** Reads one Secret; undefined when it is absent. @throws KubeError */
export const readSecret = async (
  kube: KubeClient,
  namespace: string,
  name: string,
  options?: RequestOptions,
): Promise<StoredSecret | undefined> => {
  const raw = await kube.get<RawSecret>(secretResource, { namespace, name }, options);
  return raw === undefined ? undefined : storedSecret(raw);
};

/** Decodes what the API server sent. */
export const storedSecret = (raw: RawSecret): StoredSecret => ({
  namespace: raw.metadata.namespace,
  name: raw.metadata.name,
  uid: raw.metadata.uid,
  resourceVersion: raw.metadata.resourceVersion,
  ownerReferences: raw.metadata.ownerReferences ?? [],
  labels: raw.metadata.labels ?? {},
  annotations: raw.metadata.annotations ?? {},
  ...(raw.immutable === true ? { isImmutable: true } : {}),
  data: new Map(
    Object.entries(raw.data ?? {}).map(([key, value]) => [key, redact(Buffer.from(value, 'base64').toString('utf8'))]),
  ),
});

// A line break or another control character would end up in a request header.

const controlCharacter = /[\u0000-\u001f\u007f]/;
const notPrintableAscii = /[^\u0020-\u007e]/;

/**
 * What a value is for. `line`: a credential that only signs; `header`: one that is sent, in ASCII, which a pasted invisible space
 * is not; `lines`: certificates.
 */
export type SecretForm = 'line' | 'header' | 'lines';

/**
 * The value of one key, fit for a credential: not empty, one line, no control characters. `form`: `line` when absent. `ref` names
 * the Secret when it is absent.
 * @throws Fault `waiting` SecretNotFound, SecretKeyMissing, SecretValueInvalid: they name Secret and key, never the value
 */
export const secretValue = (
  secret: StoredSecret | undefined,
  ref: { readonly namespace: string; readonly name: string; readonly key: string },
  { form = 'line' }: { readonly form?: SecretForm } = {},
): Redacted<string> => {
  const at = `Secret ${ref.namespace}/${ref.name}`;
  if (secret === undefined) throw waiting(reasons.SecretNotFound, `${at} does not exist.`);
  const value = secret.data.get(ref.key);
  if (value === undefined) throw waiting(reasons.SecretKeyMissing, `${at} has no key ${JSON.stringify(ref.key)}.`);
  const text = value.reveal();
  const shown = form === 'lines' ? text.replaceAll(/[\r\n\t]/g, '') : text;
  if (shown.trim() === '') {
    throw waiting(reasons.SecretValueInvalid, `The value of key ${JSON.stringify(ref.key)} in ${at} is empty.`);
  }
  if (controlCharacter.test(shown)) {
    throw waiting(
      reasons.SecretValueInvalid,
      `The value of key ${JSON.stringify(ref.key)} in ${at} holds a line break or another control character.`,
    );
  }
  if (form === 'header' && notPrintableAscii.test(shown)) {
    throw waiting(
      reasons.SecretValueInvalid,
      `The value of key ${JSON.stringify(ref.key)} in ${at} holds a character that is not printable ASCII.`,
    );
  }
  return value;
};
