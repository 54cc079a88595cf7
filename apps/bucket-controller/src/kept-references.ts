import { bucketFeatures, type BucketFeature, type BucketSpec, type BucketStatus } from '@operator/api';
import { Fault } from '@operator/outcome';
import { keyOfReference, type BucketReferences } from '@operator/references';
import type { ObjectKey } from '@operator/runtime';
import { referencesOf, type AspectView, type Driver, type Inputs } from '@operator/s3';

/** The Buckets that the features of a spec name, by `Reference.as`. */
export const bucketsNamed = (
  driver: Pick<Driver, 'aspects'>,
  spec: BucketSpec,
  namespace: string,
): ReadonlyMap<string, string> =>
  new Map(
    referencesOf(driver, spec).flatMap((reference) =>
      reference.kind === 'Bucket' ? [[reference.as, keyOfReference(reference.ref, namespace)] as const] : [],
    ),
  );

/** The Bucket that a reference of a status, `namespace/name/bucket`, leads to. */
export const refOfEntry = (entry: string): { readonly namespace: string; readonly name: string } => {
  const [namespace = '', name = ''] = entry.split('/');
  return { namespace, name };
};

/** The same as a key. */
export const keyOfEntry = (entry: string): ObjectKey => {
  const { namespace, name } = refOfEntry(entry);
  return `${namespace}/${name}`;
};

/** The names of the buckets of what was remembered, as far as they are known. */
export const bucketsOf = (entries: readonly string[]): readonly string[] =>
  entries.flatMap((entry) => entry.split('/').slice(2));

interface LookedAt {
  readonly spec: BucketSpec;
  readonly named: ReadonlyMap<string, string>;
  readonly inputs: Inputs;
  readonly views: readonly AspectView[];
}

const featureOf = (as: string): BucketFeature | undefined => bucketFeatures.find((name) => as.startsWith(`${name}.`));

/**
 * The Buckets for which something may stand at the server from now on. What was found as it is declared has none but those of its spec;
 * until then, and where the spec says nothing, those before count too. Who only names a Bucket, and was never granted it, has nothing there.
 * Pure.
 */
export const keptReferences = (
  former: BucketReferences,
  { spec, named, inputs, views }: LookedAt,
): BucketReferences => {
  const kept: Record<string, readonly string[]> = {};
  for (const as of new Set([...Object.keys(former), ...named.keys()])) {
    const feature = featureOf(as);
    const view = views.find(({ aspect }) => aspect === feature);
    const input = inputs.get(as);
    const found = input instanceof Fault ? undefined : input;
    const isFulfilled = feature !== undefined && spec[feature] !== undefined && view?.verdict === 'same';
    // What ended is removed by a step; then the next look has none.
    const isRemoved = found?.kind === 'Ended' && view !== undefined && view.verdict !== 'different';
    const before = isFulfilled || isRemoved ? [] : (former[as] ?? []);
    const now = found?.kind === 'Bucket' ? [`${found.key}/${found.bucket}`] : [];
    const all = [...new Set([...before, ...now])].sort();
    if (all.length > 0) kept[as] = all;
  }
  return kept;
};

/** A status with these references in the place of those that it had. */
export const withReferences = <Status extends BucketStatus>(
  status: Status,
  references: BucketStatus['references'],
): Status => {
  const rest = Object.fromEntries(Object.entries(status).filter(([field]) => field !== 'references')) as Status;
  return references === undefined ? rest : { ...rest, references };
};

/** True when a Bucket is in `next` that was not there before: it must be stored before something stands at the server for it. */
export const hasMore = (next: BucketReferences, former: BucketReferences): boolean =>
  Object.entries(next).some(([as, keys]) => keys.some((key) => former[as]?.includes(key) !== true));
