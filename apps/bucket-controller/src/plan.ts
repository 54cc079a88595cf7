import { bucketFeatures, type BucketStatus } from '@operator/api';
import { Fault, type FaultKind } from '@operator/outcome';
import type { AspectView, Managed, Step } from '@operator/s3';
import type { SeenBucket } from './observe.ts';

/** What is to be done with a bucket that is ours. */
export interface BucketPlan {
  /** In the order in which they are taken. */
  readonly steps: readonly Step[];
  /** Entries of shared lists that count as ours from now on. */
  readonly managed: Managed;
  /** True when the status is to be stored before the first step: what is ours, and for whom, is known before it is at the server. */
  readonly recordsFirst: boolean;
  /** Why some features cannot be seen or reached; undefined when all can. */
  readonly fault: Fault | undefined;
}

/** Decides by what was seen. Pure. */
export const planBucket = (
  { views, hasMoreReferences = false }: Pick<SeenBucket, 'views'> & Partial<Pick<SeenBucket, 'hasMoreReferences'>>,
  status: BucketStatus | undefined,
): BucketPlan => {
  const former = managedIn(status);
  const isNew = (view: AspectView): boolean =>
    view.verdict === 'different' && (view.managed ?? []).some((id) => former[view.aspect]?.includes(id) !== true);
  return {
    steps: views.flatMap((view) => (view.verdict === 'different' ? [view.step] : [])),
    managed: withoutEmpty({
      ...former,
      ...Object.fromEntries(views.flatMap(({ aspect, managed }) => (managed === undefined ? [] : [[aspect, managed]]))),
    }),
    recordsFirst: hasMoreReferences || views.some(isNew),
    fault: faultOfViews(views),
  };
};

/** Entries of shared lists that a status names as ours. What it says of anything that is no feature is nothing. */
export const managedIn = (status: BucketStatus | undefined): Managed =>
  Object.fromEntries(
    bucketFeatures.flatMap((feature) => {
      const ids = status?.managed?.[feature];
      return ids === undefined ? [] : [[feature, ids]];
    }),
  );

const withoutEmpty = (managed: Managed): Managed =>
  Object.fromEntries(Object.entries(managed).filter(([, ids]) => ids.length > 0));

/** A Fault of features alone: it says nothing of the bucket, nor of its Provider. */
export class FeatureFault extends Fault {}

/** What is tried again soonest decides when to look again. */
const soonest: readonly FaultKind[] = ['transient', 'waiting', 'terminal'];

/** The Fault of the features that are blocked, with the names of them all; undefined when none is. */
const faultOfViews = (views: readonly AspectView[]): Fault | undefined => {
  const blocked = views.flatMap((view) => (view.verdict === 'blocked' ? [view] : []));
  const [first] = [...blocked].sort((a, b) => soonest.indexOf(a.fault.kind) - soonest.indexOf(b.fault.kind));
  if (first === undefined) return undefined;
  const { kind, reason, message, retryAfterMs, cause } = first.fault;
  const others = blocked.flatMap(({ aspect }) => (aspect === first.aspect ? [] : [aspect]));
  const also = others.length === 0 ? '' : ` These features are held up too: ${others.join(', ')}.`;
  return new FeatureFault(kind, reason, `${first.aspect}: ${message}${also}`, {
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
};
