import { setTimeout as delay } from 'node:timers/promises';
import type { BucketFeature, BucketSpec } from '@operator/api';
import { declarationsOn, declaredOn, replacement } from '@operator/testing/declarations';
import {
  accessKeySpec,
  bucketSpec,
  KubeApiError,
  publicPolicySpec,
  type Kube,
  type Manifest,
  type S3View,
  type Seeded,
} from '@operator/tools/harness';

export interface DeclaredBucket {
  readonly namespace: string;
  readonly name: string;
  /** At the server. */
  readonly bucket: string;
  readonly features: Partial<BucketSpec>;
}
export interface DeclaredPolicy {
  readonly bucket: DeclaredBucket;
  readonly action: string;
}
export interface DeclaredKey {
  readonly bucket: DeclaredBucket;
  readonly level: string;
}

/** What is wanted at this moment; each map by `namespace/name`. Policies and keys go with their Bucket, which has one policy at most. */
export interface Declared {
  readonly buckets: ReadonlyMap<string, DeclaredBucket>;
  readonly policies: ReadonlyMap<string, DeclaredPolicy>;
  readonly keys: ReadonlyMap<string, DeclaredKey>;
}

export interface RandomChanges {
  readonly declared: Declared;
  /** Makes one change; returns its name. What the API server refuses for its own trouble is tried again. */
  change(signal: AbortSignal): Promise<string>;
}

/** May be made again when its answer was lost. */
type Attempt = () => Promise<unknown>;

const levels = ['ReadOnly', 'WriteOnly', 'ReadWrite'] as const;
const actions = ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'] as const;
const retryMs = 250;

/**
 * Creates, changes and deletes Buckets, policies and keys. Names at the server come again soon after they were given up, under
 * another object. `provider`: name of the Provider in each namespace; `most`: Buckets at a time.
 */
export const createRandomChanges = (options: {
  readonly kube: Kube;
  readonly view: S3View;
  readonly random: Seeded;
  readonly namespaces: readonly string[];
  readonly provider: string;
  readonly most: number;
}): RandomChanges => {
  const { kube, view, random, namespaces, provider, most } = options;
  const buckets = new Map<string, DeclaredBucket>();
  const policies = new Map<string, DeclaredPolicy>();
  const keys = new Map<string, DeclaredKey>();
  let made = 0;

  const keyOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }) => `${namespace}/${name}`;
  const split = (key: string) => key.split('/') as [namespace: string, name: string];
  const create = (kind: 'Bucket' | 'BucketPolicy' | 'AccessKey', namespace: string, name: string, manifest: Manifest) =>
    kube.create(kind, namespace, name, manifest).catch((error: unknown) => {
      // The answer to an earlier attempt was lost.
      if (!(error instanceof KubeApiError && error.status === 409)) throw error;
    });
  const withoutPolicy = () => {
    const taken = new Set([...policies.values()].map(({ bucket }) => keyOf(bucket)));
    return [...buckets.values()].filter((bucket) => !taken.has(keyOf(bucket)));
  };
  const of = (key: string, dependents: ReadonlyMap<string, { readonly bucket: DeclaredBucket }>) =>
    [...dependents].filter(([, { bucket }]) => keyOf(bucket) === key).map(([own]) => own);

  /**
   * Every feature that the server has, each as it stands in one of its declarations; but for what a bucket has for ever: a locked object
   * would keep its bucket past the end of the run.
   */
  const chooseFeatures = (): Partial<BucketSpec> => {
    const choose = (feature: BucketFeature) => declaredOn('minio', random.pick(['full', 'other', 'none']))[feature];
    const features = declarationsOn('minio').flatMap(({ feature, isForEver }) => (isForEver ? [] : [feature]));
    return Object.fromEntries(features.map((feature) => [feature, choose(feature)]));
  };
  const createBucket = (): Attempt => {
    const taken = new Set([...buckets.values()].map(({ bucket }) => bucket));
    const free = Array.from({ length: most + 5 }, (_, slot) => `soak-${slot}`).filter((name) => !taken.has(name));
    const declared: DeclaredBucket = {
      namespace: random.pick(namespaces),
      name: `b${(made += 1)}`,
      bucket: random.pick(free),
      features: chooseFeatures(),
    };
    buckets.set(keyOf(declared), declared);
    const spec = bucketSpec(provider, declared.bucket, declared.features);
    return () => create('Bucket', declared.namespace, declared.name, spec);
  };
  const changeBucket = (): Attempt => {
    const [key, former] = random.pick([...buckets]);
    const declared = { ...former, features: chooseFeatures() };
    buckets.set(key, declared);
    const spec = replacement(former.features, declared.features);
    return () => kube.patch('Bucket', former.namespace, former.name, { spec });
  };
  const deleteBucket = (): Attempt => {
    const [key, { namespace, name }] = random.pick([...buckets]);
    const ownPolicies = of(key, policies);
    const ownKeys = of(key, keys);
    buckets.delete(key);
    for (const own of ownPolicies) policies.delete(own);
    for (const own of ownKeys) keys.delete(own);
    return () =>
      Promise.all([
        kube.delete('Bucket', namespace, name),
        ...ownPolicies.map((own) => kube.delete('BucketPolicy', ...split(own))),
        ...ownKeys.map((own) => kube.delete('AccessKey', ...split(own))),
      ]);
  };
  const createPolicy = (): Attempt => {
    const bucket = random.pick(withoutPolicy());
    // Another name each time: one that was just deleted may still be leaving.
    const name = `p${(made += 1)}`;
    const action = random.pick(actions);
    policies.set(`${bucket.namespace}/${name}`, { bucket, action });
    return () => create('BucketPolicy', bucket.namespace, name, publicPolicySpec(bucket.name, action));
  };
  const changePolicy = (): Attempt => {
    const [key, { bucket }] = random.pick([...policies]);
    const action = random.pick(actions);
    policies.set(key, { bucket, action });
    const { spec } = publicPolicySpec(bucket.name, action) as { spec: { policy: object } };
    return () => kube.patch('BucketPolicy', ...split(key), { spec: { policy: spec.policy } });
  };
  const deletePolicy = (): Attempt => {
    const [key] = random.pick([...policies]);
    policies.delete(key);
    return () => kube.delete('BucketPolicy', ...split(key));
  };
  const createKey = (): Attempt => {
    const [, bucket] = random.pick([...buckets]);
    const name = `k${(made += 1)}`;
    const level = random.pick(levels);
    keys.set(`${bucket.namespace}/${name}`, { bucket, level });
    return () => create('AccessKey', bucket.namespace, name, accessKeySpec(provider, bucket.name, level));
  };
  const changeKey = (): Attempt => {
    const [key, { bucket }] = random.pick([...keys]);
    const level = random.pick(levels);
    keys.set(key, { bucket, level });
    const { spec } = accessKeySpec(provider, bucket.name, level) as { spec: { access: object } };
    return () => kube.patch('AccessKey', ...split(key), { spec: { access: spec.access } });
  };
  const deleteSecret = (): Attempt => {
    const [key] = random.pick([...keys]);
    const [namespace, name] = split(key);
    return () => kube.delete('Secret', namespace, `${name}-credentials`);
  };
  const deleteKey = (): Attempt => {
    const [key] = random.pick([...keys]);
    keys.delete(key);
    return () => kube.delete('AccessKey', ...split(key));
  };
  /** Somebody works at the server: objects come into a bucket, and its versioning is changed there. */
  const workAtServer = (): Attempt => {
    const [, { bucket }] = random.pick([...buckets]);
    const suspends = random.chance(0.3);
    return () =>
      (suspends
        ? view.client.setBucketVersioning(bucket, { Status: 'Suspended' })
        : view.client.putObject(bucket, `object-${(made += 1)}`, 'content')
      ).catch((error: unknown) => {
        // Not there yet, or gone by now.
        if ((error as { code?: string }).code !== 'NoSuchBucket') throw error;
      });
  };

  const changes: readonly (readonly [name: string, weight: number, isPossible: () => boolean, make: () => Attempt])[] =
    [
      ['create Bucket', 10, () => buckets.size < most, createBucket],
      ['change Bucket', 10, () => buckets.size > 0, changeBucket],
      ['delete Bucket', 6, () => buckets.size > most / 2, deleteBucket],
      ['create BucketPolicy', 6, () => withoutPolicy().length > 0, createPolicy],
      ['change BucketPolicy', 4, () => policies.size > 0, changePolicy],
      ['delete BucketPolicy', 3, () => policies.size > most / 4, deletePolicy],
      ['create AccessKey', 6, () => buckets.size > 0 && keys.size < most / 2, createKey],
      ['change AccessKey', 2, () => keys.size > 0, changeKey],
      ['delete Secret', 1, () => keys.size > 0, deleteSecret],
      ['delete AccessKey', 2, () => keys.size > most / 8, deleteKey],
      ['work at the server', 8, () => buckets.size > 0, workAtServer],
    ];

  return {
    declared: { buckets, policies, keys },
    async change(signal) {
      const possible = changes.filter(([, , isPossible]) => isPossible());
      const [name, , , make] = random.pick(possible.flatMap((one) => Array.from({ length: one[1] }, () => one)));
      const attempt = make();
      for (;;) {
        signal.throwIfAborted();
        try {
          await attempt();
          return name;
        } catch (error) {
          if (error instanceof KubeApiError && ![409, 429].includes(error.status) && error.status < 500) throw error;
          await delay(retryMs, undefined, { signal });
        }
      }
    },
  };
};
