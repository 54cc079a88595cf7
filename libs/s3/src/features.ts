import type { CreateBucketCommandInput } from '@aws-sdk/client-s3';
import { bucketFeatures, isFeatureOff, reasons, type BucketFeature, type BucketSpec } from '@operator/api';
import { terminal, type CallContext } from '@operator/outcome';
import type {
  AspectView,
  BoundAspect,
  BucketContext,
  BucketWire,
  EndedReferences,
  LastWish,
  Managed,
  Reference,
} from './aspect.ts';
import type { Driver } from './driver.ts';

/** The aspects of a driver in the order in which they are applied. */
const inOrder = ({ aspects }: Pick<Driver, 'aspects'>): readonly BoundAspect[] =>
  [...aspects].sort((one, other) => bucketFeatures.indexOf(one.name) - bucketFeatures.indexOf(other.name));

/** What to say of a declared feature that no aspect of the driver manages. */
const notManaged = (feature: BucketFeature): string =>
  `This version of the operator does not manage ${feature} on this type of provider.`;

/** What the spec names outside the bucket, as far as the driver's aspects need it. */
export const referencesOf = (driver: Pick<Driver, 'aspects'>, spec: BucketSpec): readonly Reference[] =>
  driver.aspects.flatMap((aspect) => aspect.refersTo(spec));

/**
 * Looks at every feature that the spec declares, or that is kept without being declared (the owner's mark, the public access block),
 * all at once. A look that fails for reasons of its own is a `blocked` view.
 *
 * @returns one view for each, in the order in which steps are to be applied. A declared feature that neither the server nor
 * the driver has is `unsupported`; declared as off or empty on a server that lacks it, it is fulfilled and has no view.
 * @throws Fault of the first read that failed for reasons that concern them all
 */
export const lookAtFeatures = async (
  driver: Driver,
  spec: BucketSpec,
  bucket: BucketContext,
  s3: BucketWire,
  context: CallContext,
): Promise<readonly AspectView[]> => {
  const looks = inOrder(driver).map((aspect) => aspect.look(spec, bucket, s3, driver.unsupported, context));
  const ends = await Promise.allSettled(looks);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const views = ends.flatMap((end) => (end.status === 'fulfilled' && end.value !== undefined ? [end.value] : []));
  const covered = new Set(driver.aspects.map(({ name }) => name));
  const missing = bucketFeatures
    .filter((feature) => !covered.has(feature) && spec[feature] !== undefined)
    .flatMap((feature): AspectView[] => {
      const lacking = driver.unsupported.get(feature);
      if (lacking !== undefined && isFeatureOff(feature, spec)) return [];
      return [{ aspect: feature, verdict: 'unsupported', message: lacking ?? notManaged(feature) }];
    });
  return [...views, ...missing];
};

/** What a bucket is created with. */
export interface BucketBirth {
  readonly input: Partial<CreateBucketCommandInput>;
  /** Ids of entries that are about to be written; they must be stored before the bucket is there. */
  readonly managed: Managed;
}

/** Features that most servers take while the bucket is created and at no other time. */
const onlyAtCreation: readonly BucketFeature[] = ['objectLock'];

/** Why a bucket is not created: it could never get what the spec declares. Undefined when it is. */
export const lackAtBirth = (driver: Pick<Driver, 'aspects' | 'unsupported'>, spec: BucketSpec): string | undefined => {
  for (const feature of onlyAtCreation) {
    if (isFeatureOff(feature, spec)) continue;
    const lacking = driver.unsupported.get(feature);
    if (lacking === undefined && driver.aspects.some(({ name }) => name === feature)) continue;
    return `${feature}: ${lacking ?? notManaged(feature)} Some servers cannot add it later, so the bucket is not created.`;
  }
  return undefined;
};

/**
 * What the spec wants a new bucket to be born with.
 * @throws Fault `terminal` Unsupported when it could never get what it declares: it is not created then; the Fault of a reference that
 * leads nowhere
 */
export const birthOf = (driver: Driver, spec: BucketSpec, bucket: BucketContext): BucketBirth => {
  const lack = lackAtBirth(driver, spec);
  if (lack !== undefined) throw terminal(reasons.Unsupported, lack);
  const births = inOrder(driver).map((aspect) => ({ name: aspect.name, ...aspect.birth(spec, bucket) }));
  return {
    input: Object.assign({}, ...births.map(({ input }) => input)) as Partial<CreateBucketCommandInput>,
    managed: Object.fromEntries(
      births.flatMap(({ name, owns }) => (owns.length === 0 ? [] : [[name, [...owns].sort()]])),
    ),
  };
};

/**
 * Removes what stands by references to other Buckets that ended.
 * @returns the features of which something was there
 * @throws Fault of the first that failed; the others are removed all the same
 */
export const endReferences = async (
  driver: Pick<Driver, 'aspects'>,
  s3: BucketWire,
  { ended, kept }: EndedReferences,
  context: CallContext,
): Promise<readonly BucketFeature[]> => {
  const failed: unknown[] = [];
  const removed: BucketFeature[] = [];
  for (const { name, end } of inOrder(driver)) {
    const isOf = (as: string) => as.startsWith(`${name}.`);
    const own = new Map([...ended].filter(([as]) => isOf(as)));
    if (end === undefined || own.size === 0) continue;
    const references = { ended: own, kept: new Map([...kept].filter(([as]) => isOf(as))) };
    const hadAny = await end(s3, references, context).catch((caught: unknown) => void failed.push(caught));
    if (hadAny === true) removed.push(name);
  }
  if (failed.length > 0) throw failed[0];
  return removed;
};

/**
 * Undoes what lies outside a bucket that is about to be removed, or is gone, for every feature that is declared or has entries of ours.
 * @throws Fault of the first that failed; the others are undone all the same
 */
export const retireFeatures = async (
  driver: Driver,
  s3: BucketWire,
  last: LastWish,
  context: CallContext,
): Promise<void> => {
  const failed: unknown[] = [];
  for (const { name, isApart, retire } of inOrder(driver)) {
    const isConcerned = last.spec[name] !== undefined || (last.bucket.managed[name] ?? []).length > 0;
    if (retire === undefined || !isConcerned || (last.isGone === true && !isApart)) continue;
    await retire(s3, last, context).catch((caught: unknown) => failed.push(caught));
  }
  if (failed.length > 0) throw failed[0];
};
