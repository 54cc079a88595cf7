import { reasons, type BucketSpec } from '@operator/api';
import { Fault, waiting } from '@operator/outcome';
import type { Aspect, AspectView, BoundAspect } from './aspect.ts';
import { bucketFeatures, isOff, type BucketFeature } from './features.ts';
import { isOwnRefusal } from './lacking.ts';

const isFeature = (name: string): name is BucketFeature => (bucketFeatures as readonly string[]).includes(name);

/**
 * Closes over an aspect's value type, so that a driver can list different ones. Called once for each driver: it remembers
 * what that driver's server has refused to write.
 *
 * A write that the server itself answers with Unsupported is remembered for that bucket and that declaration instead of
 * thrown, so that the other steps go on; the next look says `unsupported`. What may be a proxy's answer is thrown.
 */
export const bindAspect = <Want>(aspect: Aspect<Want>): BoundAspect => {
  const feature = aspect.name;
  if (!isFeature(feature)) throw new TypeError(`the aspect ${feature} is not the name of a bucket feature`);
  const refused = new Map<string, { readonly declared: string; readonly message: string }>();
  const declaredIn = (spec: BucketSpec): string => JSON.stringify(spec[feature] ?? null);

  /** A server without the feature fulfils the wish for its absence, and owes nothing to a spec that is silent. */
  const lacking = (spec: BucketSpec, message: string): AspectView | undefined =>
    isOff(feature, spec) ? undefined : { aspect: feature, verdict: 'unsupported', message };

  return {
    name: feature,

    async look(spec, bucket, s3, unsupported, context) {
      const want = aspect.desired(spec, bucket);
      if (want === undefined) return undefined;
      const serverLacks = unsupported.get(feature);
      if (serverLacks !== undefined) return lacking(spec, serverLacks);
      const refusal = refused.get(s3.bucket);
      if (refusal?.declared === declaredIn(spec)) return lacking(spec, refusal.message);

      let have: Want | undefined;
      try {
        have = await aspect.read(s3, context);
      } catch (error) {
        if (error instanceof Fault && error.reason === reasons.Unsupported) return lacking(spec, error.message);
        throw error;
      }
      const different = (to: Want): AspectView => ({
        aspect: feature,
        verdict: 'different',
        step: {
          name: feature,
          async apply(applyContext) {
            try {
              await aspect.write(s3, to, applyContext);
            } catch (error) {
              if (!(error instanceof Fault) || error.reason !== reasons.Unsupported) throw error;
              // Perhaps a proxy's answer, which says nothing of the server.
              if (!isOwnRefusal(error)) {
                throw waiting(reasons.RequestRefused, error.message, { cause: error.cause, retryAfterMs: 300_000 });
              }
              refused.set(s3.bucket, { declared: declaredIn(spec), message: error.message });
            }
          },
        },
      });

      const gap = aspect.diff(want, have);
      if (gap === undefined) return { aspect: feature, verdict: 'same' };
      const missing = (aspect.needs?.(want, have) ?? []).filter((part) => unsupported.has(part));
      if (missing.length === 0) return different(gap);
      // The rest converges first; a look that finds only the missing part says so.
      const reachable = aspect.without?.(want, have, missing) ?? want;
      const rest = aspect.diff(reachable, have);
      return rest === undefined
        ? { aspect: feature, verdict: 'unsupported', message: missing.map((part) => unsupported.get(part)).join(' ') }
        : different(rest);
    },

    async probe(s3, context) {
      try {
        await aspect.read(s3, context);
        return 'Supported';
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        return error.reason === reasons.Unsupported ? 'Unsupported' : 'Unknown';
      }
    },
  };
};
