import type { BucketSpec } from '@operator/api';
import type { CallContext } from '@operator/outcome';
import type { AspectView, BucketContext, BucketWire } from './aspect.ts';
import type { Driver } from './driver.ts';

/** Fields of a Bucket's spec that name a feature of the bucket. An aspect has the name of its field. */
export const bucketFeatures = [
  'versioning',
  'encryption',
  'publicAccess',
  'objectLock',
  'tagging',
  'lifecycle',
  'cors',
  'notifications',
  'replication',
  'quota',
  'cloudTrail',
] as const satisfies readonly (keyof BucketSpec)[];
export type BucketFeature = (typeof bucketFeatures)[number];

/**
 * True when the declaration asks for the feature to be off or empty. A server that lacks the feature fulfils that wish.
 */
const asksForNothing: { readonly [F in BucketFeature]: (declared: NonNullable<BucketSpec[F]>) => boolean } = {
  versioning: ({ enabled }) => !enabled,
  encryption: ({ enabled }) => !enabled,
  publicAccess: (flags) => !Object.values(flags).includes(true),
  objectLock: ({ enabled }) => !enabled,
  tagging: ({ tags }) => Object.keys(tags).length === 0,
  lifecycle: ({ rules }) => rules.length === 0,
  cors: ({ rules }) => rules.length === 0,
  notifications: ({ lambda = [], sqs = [], sns = [] }) => lambda.length + sqs.length + sns.length === 0,
  replication: ({ rules }) => rules.length === 0,
  quota: ({ maxBytes }) => maxBytes === 0,
  cloudTrail: ({ enabled }) => !enabled,
};

/** True when the spec does not declare the feature, or declares it as off or empty. */
export const isOff = (feature: BucketFeature, spec: BucketSpec): boolean => {
  const declared = spec[feature];
  const asks = asksForNothing[feature] as (declared: unknown) => boolean;
  return declared === undefined || asks(declared);
};

/**
 * Looks at every feature that the spec declares, or that is kept without being declared (the owner's mark), all at once.
 *
 * @returns one view for each, in the order in which steps are to be applied. A declared feature that neither the server nor
 * the driver has is `unsupported`; declared as off or empty on a server that lacks it, it is fulfilled and has no view.
 * @throws Fault of the first read that failed
 */
export const lookAtFeatures = async (
  driver: Driver,
  spec: BucketSpec,
  bucket: BucketContext,
  s3: BucketWire,
  context: CallContext,
): Promise<readonly AspectView[]> => {
  const looks = driver.aspects.map((aspect) => aspect.look(spec, bucket, s3, driver.unsupported, context));
  const views = await Promise.all(looks);
  const covered = new Set(driver.aspects.map(({ name }) => name));
  const missing = bucketFeatures
    .filter((feature) => !covered.has(feature) && spec[feature] !== undefined)
    .flatMap((feature): AspectView[] => {
      const lacking = driver.unsupported.get(feature);
      if (lacking !== undefined && isOff(feature, spec)) return [];
      const message = lacking ?? `This version of the operator does not manage ${feature} on this type of provider.`;
      return [{ aspect: feature, verdict: 'unsupported', message }];
    });
  return [...views.filter((view) => view !== undefined), ...missing];
};
