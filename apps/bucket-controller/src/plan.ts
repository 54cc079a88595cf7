import type { BucketSpec, BucketStatus } from '@operator/api';
import type { Step } from '@operator/s3';
import type { SeenBucket } from './observe.ts';

/** What is to be done with a bucket that is ours. */
export interface BucketPlan {
  /** In the order in which they are taken. */
  readonly steps: readonly Step[];
  /** Tag keys that count as written by us from now on. */
  readonly managedTagKeys: readonly string[];
  /** True when the status is to be stored before the first step: a key is known as ours before it is at the server. */
  readonly recordsFirst: boolean;
}

/** Decides by what was seen. Pure. */
export const planBucket = (
  { views, formerTagKeys }: Pick<SeenBucket, 'views' | 'formerTagKeys'>,
  spec: Pick<BucketSpec, 'tagging'>,
  status: BucketStatus | undefined,
): BucketPlan => {
  const steps = views.flatMap((view) => (view.verdict === 'different' ? [view.step] : []));
  const wanted = Object.keys(spec.tagging?.tags ?? {}).sort();
  if (steps.length === 0) {
    return { steps, managedTagKeys: spec.tagging === undefined ? formerTagKeys : wanted, recordsFirst: false };
  }
  const recorded = status?.managedTagKeys ?? [];
  const writesTags = views.some((view) => view.aspect === 'tagging' && view.verdict === 'different');
  return {
    steps,
    managedTagKeys: [...new Set([...formerTagKeys, ...wanted])].sort(),
    recordsFirst: writesTags && wanted.some((key) => !recorded.includes(key)),
  };
};
