import { reasons, type ObjectReference } from '@operator/api';
import { Fault, onlyFault, waiting } from '@operator/outcome';
import { keyOfReference, type Ownership, type Provided, type References } from '@operator/references';
import { keyOf, type KubeClient, type ObjectKey } from '@operator/runtime';
import { referencesOf, type BucketInput, type Input, type Inputs, type Reference } from '@operator/s3';
import { readSecret, secretValue } from '@operator/secrets';
import type { BucketWork } from './deps.ts';
import { refOfEntry } from './kept-references.ts';

/** Follows what the features of a Bucket name outside their bucket. One for each process. */
export interface InputSource {
  /** What the references of the spec lead to now; a Fault where one leads nowhere. Asks for nothing when there are none. */
  inputsOf(work: BucketWork, provided: Provided): Promise<Inputs>;
  /** What some Buckets, remembered as `namespace/name`, lead to now; a Fault for one that cannot be seen, or not be used, now. */
  bucketsAt(
    keys: readonly ObjectKey[],
    work: BucketWork,
    provided: Provided,
  ): Promise<readonly (BucketInput | Fault)[]>;
  /** The objects whose last pass named this Bucket: they look again when it changes. */
  referrersOf(bucket: ObjectKey): readonly ObjectKey[];
  /** Drops what is known of an object that is gone. */
  forget(object: ObjectKey): void;
}

type BucketReference = Extract<Reference, { readonly kind: 'Bucket' }>;

export const createInputs = (found: {
  readonly kube: KubeClient;
  readonly references: Pick<References, 'bucketFor' | 'driverFor' | 'isBucketEnded'>;
  readonly ownership: Pick<Ownership, 'look'>;
}): InputSource => {
  const { kube, references, ownership } = found;
  const named = new Map<ObjectKey, ReadonlySet<ObjectKey>>();

  const reachBucket = async (
    ref: ObjectReference,
    { bucket, pass }: BucketWork,
    { provider }: Provided,
  ): Promise<Input> => {
    const { namespace } = bucket.metadata;
    const key = keyOfReference(ref, namespace);
    const other = await references.bucketFor(ref, namespace);
    // Whether what it gave has ended a live look says: the cache may be of one before it of that name.
    if (other.metadata.deletionTimestamp !== undefined)
      throw waiting(reasons.BucketNotReady, `Bucket ${key} is being deleted.`);
    const provided = await references
      .driverFor(other.spec.providerRef, other.metadata.namespace, pass.signal)
      .catch((caught: unknown) => notReady(caught, key));
    const region = other.status?.region ?? other.spec.region ?? provided.provider.spec.region;
    // What its status says proves nothing: whose the bucket is, its server says.
    const look = await ownership.look({ act: 'grant', bucket: other, provided, region }, pass);
    if (look.verdict.is !== 'ours' || look.isAbsent) {
      const fault = waiting(
        reasons.BucketNotReady,
        `Bucket ${key} does not have its bucket; its own conditions say why.`,
      );
      // Whose the bucket of that name is, or will be next, nobody here has asked.
      if (look.verdict.is === 'others' || look.isAbsent) return { kind: 'Ended', fault };
      throw fault;
    }
    return {
      kind: 'Bucket',
      key,
      bucket: other.spec.name,
      region,
      driver: provided.driver,
      credentialsVersion: provided.provider.status?.credentialsVersion ?? '',
      isOfOneKeeper: provided.provider.metadata.namespace === provider.metadata.namespace,
    };
  };

  const followBucket = async (reference: BucketReference, work: BucketWork, provided: Provided): Promise<Input> => {
    const { bucket, pass } = work;
    const reached = await reachBucket(reference.ref, work, provided).catch(onlyFault);
    if (!(reached instanceof Fault)) return reached;
    if (await references.isBucketEnded(reference.ref, bucket.metadata.namespace, pass.signal))
      return { kind: 'Ended', fault: reached };
    throw reached;
  };

  const follow = async (reference: Reference, work: BucketWork, provided: Provided): Promise<Input> => {
    const { bucket, pass } = work;
    const { namespace } = bucket.metadata;
    if (reference.kind === 'Secret') {
      const { name, keys } = reference;
      const secret = await readSecret(kube, namespace, name, { signal: pass.signal });
      const values = keys.map((key) => [key, secretValue(secret, { namespace, name, key })] as const);
      return { kind: 'Secret', values: new Map(values) };
    }
    if (reference.kind === 'Provider') {
      const { driver } = await references.driverFor(reference.ref, namespace, pass.signal);
      return { kind: 'Provider', driver };
    }
    return followBucket(reference, work, provided);
  };

  return {
    async inputsOf(work, provided) {
      const { metadata, spec } = work.bucket;
      const wanted = referencesOf(provided.driver, spec);
      const buckets = wanted.flatMap((reference) =>
        reference.kind === 'Bucket' ? [keyOfReference(reference.ref, metadata.namespace)] : [],
      );
      if (buckets.length > 0) named.set(keyOf(work.bucket), new Set(buckets));
      else named.delete(keyOf(work.bucket));
      const inputs = new Map<string, Input | Fault>();
      for (const reference of wanted) {
        const input = await follow(reference, work, provided).catch(onlyFault);
        inputs.set(reference.as, input);
      }
      return inputs;
    },
    async bucketsAt(keys, work, provided) {
      const reached: (BucketInput | Fault)[] = [];
      for (const key of keys) {
        const input = await reachBucket(refOfEntry(key), work, provided).catch(onlyFault);
        if (input instanceof Fault || input.kind === 'Bucket') reached.push(input);
      }
      return reached;
    },
    referrersOf: (bucket) => [...named].flatMap(([object, buckets]) => (buckets.has(bucket) ? [object] : [])),
    forget: (object) => {
      named.delete(object);
    },
  };
};

/** What stands in the way of the Provider of another Bucket is told there, and is not about this one's own Provider. */
const notReady = (caught: unknown, key: ObjectKey): never => {
  if (!(caught instanceof Fault)) throw caught;
  throw waiting(reasons.BucketNotReady, `Bucket ${key} has no Provider that can be used now (${caught.reason}).`);
};
