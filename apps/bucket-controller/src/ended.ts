import { reasons, type BucketStatus } from '@operator/api';
import { Fault, onlyFault } from '@operator/outcome';
import type { BucketReferences, Provided } from '@operator/references';
import { ownStatus } from '@operator/runtime';
import { endReferences, type BucketInput } from '@operator/s3';
import type { BucketWork } from './deps.ts';
import { bucketsNamed, bucketsOf, refOfEntry, withReferences } from './kept-references.ts';
import { mayHave } from './memory.ts';

/** Which references are asked about. */
interface Asked {
  readonly buckets: BucketReferences;
  /** True for one that ends with the object itself, whatever its Bucket says. */
  readonly isOver?: (key: string) => boolean;
}

/**
 * Removes what stands at the server for other Buckets that are gone, or were taken back for good. A pass over an object that is not paused
 * finds by itself what its spec names; this is for what only the status remembers.
 * @returns the status without those; undefined when nothing ended
 * @throws Fault of the Provider; `waiting` OwnershipInDoubt
 */
export const takeEnded = async (work: BucketWork): Promise<BucketStatus | undefined> => {
  const buckets = await work.deps.ownership.provenReferences(work.bucket, work.pass.signal);
  return removeEnded(work, await openRemoval(work, buckets), { buckets });
};

/** The same while the object is paused: a pause of the borrower does not stop what the lender decided. Then nobody else looks at its spec. */
export const takeEndedWhilePaused = async (work: BucketWork): Promise<void> => {
  const { bucket, deps, pass } = work;
  const remembered = await deps.ownership.provenReferences(bucket, pass.signal);
  const provided = await openRemoval(work, { ...remembered, ...bucket.spec });
  const named =
    provided === undefined || provided instanceof Fault
      ? []
      : [...bucketsNamed(provided.driver, bucket.spec, bucket.metadata.namespace)];
  const buckets = { ...remembered };
  for (const [as, key] of named) buckets[as] = [...new Set([...(buckets[as] ?? []), key])];
  const status = await removeEnded(work, provided, { buckets });
  if (status !== undefined) await pass.record(status);
};

/**
 * The same before an object goes whose bucket stays: what was granted to the object by Buckets of other namespaces ends with it, since
 * nobody would find it later.
 */
export const leaveReferences = async (work: BucketWork): Promise<void> => {
  const { bucket, deps, pass } = work;
  const buckets = await deps.ownership.provenReferences(bucket, pass.signal);
  const isOver = (key: string) => !key.startsWith(`${bucket.metadata.namespace}/`);
  await removeEnded(work, await openRemoval(work, buckets), { buckets, isOver });
};

/** Undefined where there is nothing to ask about, or nothing at the server. */
const openRemoval = async (
  { bucket, deps, pass }: BucketWork,
  asked: Readonly<Record<string, unknown>>,
): Promise<Provided | Fault | undefined> => {
  const { spec, metadata } = bucket;
  if (!mayHave(bucket) || Object.keys(asked).length === 0) return undefined;
  return deps.references.driverForRemoval(spec.providerRef, metadata.namespace, pass.signal).catch(onlyFault);
};

const removeEnded = async (
  work: BucketWork,
  provided: Provided | Fault | undefined,
  { buckets, isOver = () => false }: Asked,
): Promise<BucketStatus | undefined> => {
  const { bucket, deps, pass } = work;
  const ended = new Map<string, readonly string[]>();
  const kept: Record<string, readonly string[]> = {};
  for (const [as, entries] of Object.entries(buckets)) {
    const over = await endedOf(work, entries, isOver);
    const rest = entries.filter((entry) => !over.includes(entry));
    if (over.length > 0) ended.set(as, bucketsOf(over));
    if (rest.length > 0) kept[as] = rest;
  }
  if (ended.size === 0 || provided === undefined) return undefined;
  if (provided instanceof Fault) throw provided;
  const { driver, provider } = provided;
  const region = bucket.status?.region ?? bucket.spec.region ?? provider.spec.region;
  const look = await deps.ownership.look({ act: 'delete', bucket, provided, region }, pass);
  if (look.verdict.is === 'doubt' && look.fault !== undefined && !look.isAbsent) throw look.fault;
  if (look.verdict.is === 'ours' && !look.isAbsent) {
    const s3 = { wire: driver.wire(region), bucket: bucket.spec.name };
    const beside = new Map<string, readonly (BucketInput | Fault)[]>();
    for (const [as, keys] of Object.entries(kept)) beside.set(as, await deps.inputs.bucketsAt(keys, work, provided));
    const removed = await pass.step('withdraw', () => endReferences(driver, s3, { ended, kept: beside }, pass));
    for (const feature of removed)
      pass.event(
        'Warning',
        reasons.ReferenceNotGranted,
        `Removed what ${feature} had set up for other Buckets (${[...ended.keys()].join(', ')}): they are gone, or may no longer be used.`,
      );
  }
  const references = await deps.ownership.sealReferences(kept, bucket, pass.signal);
  return withReferences(ownStatus(bucket), references);
};

const endedOf = async (
  { bucket, deps, pass }: BucketWork,
  entries: readonly string[],
  isOver: (entry: string) => boolean,
): Promise<readonly string[]> => {
  const ended: string[] = [];
  for (const entry of entries) {
    const { references } = deps;
    if (isOver(entry) || (await references.isBucketEnded(refOfEntry(entry), bucket.metadata.namespace, pass.signal)))
      ended.push(entry);
  }
  return ended;
};
