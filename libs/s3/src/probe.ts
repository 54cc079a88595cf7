import type { CallContext } from '@operator/outcome';
import type { Capabilities, Driver } from './driver.ts';
import type { Support } from './aspect.ts';
import { bucketFeatures } from './features.ts';

/**
 * What a declaration on a bucket of this Provider may count on: what the server has and the driver manages. Found by one
 * read for each feature on `bucket`; without a bucket those are `Unknown` unless the driver is certain.
 *
 * `isCertain`: the server is known to have all that the driver manages.
 */
export const probeFeatures = async (
  driver: Driver,
  context: CallContext,
  { bucket, isCertain = false }: { readonly bucket?: string | undefined; readonly isCertain?: boolean },
): Promise<Capabilities> => {
  const supportOf = async (feature: string): Promise<Support> => {
    const aspect = driver.aspects.find(({ name }) => name === feature);
    if (aspect === undefined || driver.unsupported.has(feature)) return 'Unsupported';
    if (isCertain) return 'Supported';
    return bucket === undefined ? 'Unknown' : aspect.probe({ wire: driver.wire(), bucket }, context);
  };
  const features = await Promise.all(
    bucketFeatures.map(async (feature) => [feature, await supportOf(feature)] as const),
  );
  const parts = [...driver.unsupported.keys()]
    .filter((part) => !(bucketFeatures as readonly string[]).includes(part))
    .map((part) => [part, 'Unsupported'] as const);
  return Object.fromEntries([
    ...features,
    ...parts,
    ['accessKeys', typeof driver.keys === 'string' ? 'Unsupported' : 'Supported'],
  ]);
};
