import type { CallContext } from '@operator/outcome';
import type { Capabilities, Driver } from './driver.ts';
import { parts, type Support } from './aspect.ts';
import { bucketFeatures, type BucketFeature } from '@operator/api';

/**
 * What a declaration on a bucket of this Provider may count on: what the server has and the driver manages. Learned by the writes of
 * this process, else by one read for each feature on `bucket`: that a server answers a read proves nothing while it shows no content,
 * so the feature is `Unknown` then, as it is without a bucket. Unless the driver is certain.
 *
 * `isCertain`: the server is known to have all that the driver manages.
 */
export const probeFeatures = async (
  driver: Driver,
  context: CallContext,
  { bucket, isCertain = false }: { readonly bucket?: string | undefined; readonly isCertain?: boolean },
): Promise<Capabilities> => {
  const supportOf = async (feature: BucketFeature): Promise<Support> => {
    const aspect = driver.aspects.find(({ name }) => name === feature);
    if (aspect === undefined || driver.unsupported.has(feature)) return 'Unsupported';
    if (isCertain) return 'Supported';
    return bucket === undefined ? 'Unknown' : aspect.probe({ wire: driver.wire(), bucket }, context);
  };
  const features = await Promise.all(
    bucketFeatures.map(async (feature) => [feature, await supportOf(feature)] as const),
  );
  const lacking = parts.filter((part) => driver.unsupported.has(part)).map((part) => [part, 'Unsupported'] as const);
  return Object.fromEntries([
    ...features,
    ...lacking,
    ['accessKeys', typeof driver.keys === 'string' ? 'Unsupported' : 'Supported'],
  ]);
};
