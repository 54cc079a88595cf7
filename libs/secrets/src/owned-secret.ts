import { annotations, reasons } from '@operator/api';
import { type Redacted, waiting } from '@operator/outcome';
import { type KubeClient, type RequestOptions, type Resource, fieldManager } from '@operator/runtime';
import { type FieldSet, type RawSecret, type StoredSecret, storedSecret } from './read-secret.ts';
import { configMapResource, secretResource } from './secret-resource.ts';

/** The object that owns the Secret; the Secret lies in its namespace and goes with it. */
export interface SecretOwner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly namespace: string; readonly name: string; readonly uid: string };
}

/** What a Secret is to hold. */
export interface SecretContent {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly data: ReadonlyMap<string, Redacted<string>>;
}

/** The owner's Secret, read once. */
export interface OpenedSecret {
  /** As it was read or written last; undefined when there is none. */
  readonly current: () => StoredSecret | undefined;
  /**
   * Makes it be as given, and sends nothing when it is already. A missing one is created, never applied, so that a Secret that
   * appears at the same time is not taken over. An existing one is merged in one request that fails when the Secret changed
   * meanwhile; what we wrote once and no longer want goes, while keys, labels and annotations of other field managers stay.
   * (Not server-side apply: what a create wrote would stay owned by the create.)
   * @returns whether anything was sent
   * @throws KubeError 409 when somebody else wrote it since
   */
  readonly write: (wanted: SecretContent) => Promise<boolean>;
}

/** What is kept of an owner: a Secret, or a ConfigMap beside it. */
interface Form {
  readonly resource: Resource;
  /** Fields beside metadata and data. */
  readonly fixed: Readonly<Record<string, string>>;
}
const secretForm: Form = { resource: secretResource, fixed: { type: 'Opaque' } };
const configMapForm: Form = { resource: configMapResource, fixed: {} };

/**
 * Reads the Secret of a name as the owner's: type Opaque, with an ownerReference to the owner.
 * @throws Fault `waiting` SecretConflict, retry after 60 000 ms, when a Secret of that name belongs to somebody else
 */
export const openOwnedSecret = async (
  kube: KubeClient,
  owner: SecretOwner,
  name: string,
  options?: RequestOptions,
): Promise<OpenedSecret> => {
  const { current, write } = await openOwned(secretForm, kube, owner, name, options);
  return {
    current: () => {
      const existing = current();
      return existing && storedSecret(existing);
    },
    write: (wanted) => write(fieldsOf(wanted)),
  };
};

/** What a ConfigMap is to hold. */
export interface ConfigMapContent {
  readonly labels: Readonly<Record<string, string>>;
  readonly data: ReadonlyMap<string, string>;
}

/** The owner's ConfigMap, read once. */
export interface OpenedConfigMap {
  /** By the rules of `OpenedSecret.write`. */
  readonly write: (wanted: ConfigMapContent) => Promise<boolean>;
}

/**
 * The same for a ConfigMap.
 * @throws Fault `waiting` SecretConflict, retry after 60 000 ms, when a ConfigMap of that name belongs to somebody else
 */
export const openOwnedConfigMap = async (
  kube: KubeClient,
  owner: SecretOwner,
  name: string,
  options?: RequestOptions,
): Promise<OpenedConfigMap> => {
  const { write } = await openOwned(configMapForm, kube, owner, name, options);
  return { write: ({ labels, data }) => write({ labels, annotations: {}, data: Object.fromEntries(data) }) };
};

const openOwned = async (
  form: Form,
  kube: KubeClient,
  owner: SecretOwner,
  name: string,
  options: RequestOptions | undefined,
) => {
  const { resource } = form;
  const ref = { namespace: owner.metadata.namespace, name };
  let existing = await kube.get<RawSecret>(resource, ref, options);
  if (existing !== undefined && !isOwnedBy(existing, owner)) throw conflict(resource, owner, existing);
  return {
    current: () => existing,
    write: async (fields: Fields): Promise<boolean> => {
      if (existing === undefined) {
        existing = await kube.create<RawSecret>(resource, newObject(form, owner, ref, fields), options);
        return true;
      }
      const changes = changesTo(existing, fields);
      if (changes === undefined) return false;
      const { uid, resourceVersion } = existing.metadata;
      const { data, ...metadata } = changes;
      const patch = { metadata: { uid, resourceVersion, ...metadata }, data };
      existing = await kube.patch<RawSecret>(resource, ref, patch, options);
      return true;
    },
  };
};

/**
 * Deletes the owner's Secret; an absent one counts as deleted.
 * @throws Fault `waiting` SecretConflict when it belongs to somebody else
 */
export const deleteOwnedSecret = (
  kube: KubeClient,
  owner: SecretOwner,
  name: string,
  options?: RequestOptions,
): Promise<void> => deleteOwned(secretForm, kube, owner, name, options);

/** The same for a ConfigMap. */
export const deleteOwnedConfigMap = (
  kube: KubeClient,
  owner: SecretOwner,
  name: string,
  options?: RequestOptions,
): Promise<void> => deleteOwned(configMapForm, kube, owner, name, options);

const deleteOwned = async (
  { resource }: Form,
  kube: KubeClient,
  owner: SecretOwner,
  name: string,
  options: RequestOptions | undefined,
): Promise<void> => {
  const ref = { namespace: owner.metadata.namespace, name };
  const existing = await kube.get<RawSecret>(resource, ref, options);
  if (existing === undefined) return;
  if (!isOwnedBy(existing, owner)) throw conflict(resource, owner, existing);
  await kube.delete(resource, ref, { uid: existing.metadata.uid }, options);
};

type Fields = Readonly<Record<'labels' | 'annotations' | 'data', Readonly<Record<string, string>>>>;
/** A null removes, as JSON merge patch has it. Source: RFC 7386. */
type Changes = Readonly<Record<keyof Fields, Readonly<Record<string, string | null>>>>;

const fieldsOf = (wanted: SecretContent): Fields => ({
  labels: wanted.labels ?? {},
  annotations: wanted.annotations ?? {},
  data: Object.fromEntries(
    [...wanted.data].map(([key, value]) => [key, Buffer.from(value.reveal(), 'utf8').toString('base64')]),
  ),
});

const newObject = (
  { resource, fixed }: Form,
  owner: SecretOwner,
  ref: { readonly namespace: string; readonly name: string },
  fields: Fields,
) => ({
  apiVersion: 'v1',
  kind: resource.kind,
  ...fixed,
  metadata: {
    ...ref,
    labels: fields.labels,
    annotations: fields.annotations,
    ownerReferences: [
      {
        apiVersion: owner.apiVersion,
        kind: owner.kind,
        name: owner.metadata.name,
        uid: owner.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  },
  data: fields.data,
});

/** What differs from `wanted`, or undefined when nothing does. */
const changesTo = (existing: RawSecret, wanted: Fields): Changes | undefined => {
  const have: Fields = {
    labels: existing.metadata.labels ?? {},
    annotations: existing.metadata.annotations ?? {},
    data: existing.data ?? {},
  };
  const written = fieldsWeWrote(existing);
  const changesOf = (field: keyof Fields): Readonly<Record<string, string | null>> =>
    Object.fromEntries([
      ...Object.entries(wanted[field]).filter(
        ([key, value]) => !Object.hasOwn(have[field], key) || have[field][key] !== value,
      ),
      ...Object.keys(have[field])
        .filter((key) => written[field].has(key) && !Object.hasOwn(wanted[field], key))
        .map((key) => [key, null]),
    ]) as Record<string, string | null>;
  const changes = { labels: changesOf('labels'), annotations: changesOf('annotations'), data: changesOf('data') };
  return Object.values(changes).some((change) => Object.keys(change).length > 0) ? changes : undefined;
};

/** Keys that the API server has on record as written by this operator. Source: Kubernetes API, FieldsV1. */
const fieldsWeWrote = (secret: RawSecret): Readonly<Record<keyof Fields, ReadonlySet<string>>> => {
  const written = { labels: new Set<string>(), annotations: new Set<string>(), data: new Set<string>() };
  for (const entry of secret.metadata.managedFields ?? []) {
    if (entry.manager !== fieldManager) continue;
    const fields = entry.fieldsV1 ?? {};
    const metadata = fields['f:metadata'] ?? {};
    collect(metadata['f:labels'], written.labels);
    collect(metadata['f:annotations'], written.annotations);
    collect(fields['f:data'], written.data);
  }
  return written;
};

const collect = (fields: FieldSet | undefined, into: Set<string>): void => {
  for (const name of Object.keys(fields ?? {})) if (name.startsWith('f:')) into.add(name.slice(2));
};

const isOwnedBy = (secret: RawSecret, owner: SecretOwner): boolean =>
  (secret.metadata.ownerReferences ?? []).some((reference) => reference.uid === owner.metadata.uid);

/** Milliseconds until a name that somebody else has is looked at again: no watch of ours sees that Secret go. */
const conflictRetryMs = 60_000;

const conflict = ({ kind }: Resource, owner: SecretOwner, existing: RawSecret) =>
  waiting(
    reasons.SecretConflict,
    isOfForerunner(existing, owner)
      ? `Secret ${nameOf(existing)} was written for an earlier ${owner.kind}${uidOf(existing)}; a backup may have brought it back. It is left ` +
          'alone. The key pair in it may still work: remove its user at the provider. Then delete the Secret, and a new one is written.'
      : `${kind} ${nameOf(existing)} exists and does not belong to this ${owner.kind}; it is left alone. ` +
          'Delete it, or choose another name.',
    { retryAfterMs: conflictRetryMs },
  );

const nameOf = ({ metadata }: RawSecret): string => `${metadata.namespace}/${metadata.name}`;

const uidOf = ({ metadata }: RawSecret): string => {
  const uid = metadata.ownerReferences?.[0]?.uid;
  return uid === undefined ? '' : ` (uid ${uid})`;
};

/** True for what this operator wrote for an object that is gone: a backup brings it back with the former owner, or with none. */
const isOfForerunner = ({ metadata }: RawSecret, owner: SecretOwner): boolean =>
  metadata.labels?.['app.kubernetes.io/managed-by'] === fieldManager &&
  metadata.annotations?.[annotations.pairKeys] !== undefined &&
  (metadata.ownerReferences ?? []).every(({ kind, name }) => kind === owner.kind && name === owner.metadata.name);
