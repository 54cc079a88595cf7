import { reasons } from '@operator/api';
import { onlyFault, waiting } from '@operator/outcome';
import { keyOfReference, type Ownership, type References } from '@operator/references';
import { keyOf, type KubeClient, type ObjectKey } from '@operator/runtime';
import { referencesOf, type Driver, type Input, type Inputs, type Reference } from '@operator/s3';
import { readSecret, secretValue } from '@operator/secrets';
import type { BucketWork } from './deps.ts';

/** Follows what the features of a Bucket name outside their bucket. One for each process. */
export interface InputSource {
  /** What the references of the spec lead to now; a Fault where one leads nowhere. Asks for nothing when there are none. */
  inputsOf(work: BucketWork, driver: Driver): Promise<Inputs>;
  /** The objects whose last pass named this Bucket: they look again when it changes. */
  referrersOf(bucket: ObjectKey): readonly ObjectKey[];
  /** Drops what is known of an object that is gone. */
  forget(object: ObjectKey): void;
}

export const createInputs = (found: {
  readonly kube: KubeClient;
  readonly references: Pick<References, 'bucketFor' | 'driverFor' | 'providerFor'>;
  readonly ownership: Pick<Ownership, 'look'>;
}): InputSource => {
  const { kube, references, ownership } = found;
  const named = new Map<ObjectKey, ReadonlySet<ObjectKey>>();

  const follow = async (reference: Reference, { bucket, pass }: BucketWork): Promise<Input> => {
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
    const other = await references.bucketFor(reference.ref, namespace);
    const provided = await references.driverFor(other.spec.providerRef, other.metadata.namespace, pass.signal);
    const region = other.status?.region ?? other.spec.region ?? provided.provider.spec.region;
    // What its status says proves nothing: whose the bucket is, its server says.
    const look = await ownership.look({ act: 'grant', bucket: other, provided, region }, pass);
    if (look.verdict.is !== 'ours' || look.isAbsent) {
      const key = keyOfReference(reference.ref, namespace);
      throw waiting(reasons.BucketNotReady, `Bucket ${key} does not have its bucket; its own conditions say why.`);
    }
    return { kind: 'Bucket', bucket: other.spec.name, region, driver: provided.driver };
  };

  return {
    async inputsOf(work, driver) {
      const { metadata, spec } = work.bucket;
      const wanted = referencesOf(driver, spec);
      const buckets = wanted.flatMap((reference) =>
        reference.kind === 'Bucket' ? [keyOfReference(reference.ref, metadata.namespace)] : [],
      );
      if (buckets.length > 0) named.set(keyOf(work.bucket), new Set(buckets));
      else named.delete(keyOf(work.bucket));
      const inputs = new Map<string, Awaited<ReturnType<typeof follow>> | ReturnType<typeof onlyFault>>();
      for (const reference of wanted) {
        const input = await follow(reference, work).catch(onlyFault);
        inputs.set(reference.as, input);
      }
      return inputs;
    },
    referrersOf: (bucket) => [...named].flatMap(([object, buckets]) => (buckets.has(bucket) ? [object] : [])),
    forget: (object) => {
      named.delete(object);
    },
  };
};
