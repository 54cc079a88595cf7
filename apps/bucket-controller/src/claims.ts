import { annotations, finalizerName, reasons } from '@operator/api';
import { Fault, waiting } from '@operator/outcome';
import { keyOfReference, type Bucket, type Provided } from '@operator/references';
import type { BucketWork } from './deps.ts';

/** One object that is about to create a bucket that does not exist. */
export interface Contender {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** RFC 3339, to the second. */
  readonly creationTimestamp: string;
  /** True when it remembers, with proof, that the bucket was its own. */
  readonly remembers: boolean;
}

/**
 * Who creates a bucket that several objects want: one that had it, else the oldest; equal ages are settled by uid, so that every
 * reader decides alike. Undefined when nobody wants it.
 */
export const creatorAmong = (contenders: readonly Contender[]): Contender | undefined =>
  [...contenders].sort(
    (a, b) =>
      Number(b.remembers) - Number(a.remembers) ||
      Date.parse(a.creationTimestamp) - Date.parse(b.creationTimestamp) ||
      (a.uid < b.uid ? -1 : 1),
  )[0];

/**
 * Looks whether another Bucket creates it. Only those of the very same Provider compete: they have the same rights at the server.
 * Who comes through another Provider meets the mark, or the refusal, of the server.
 * @returns Fault `waiting` AlreadyClaimed, naming the other one to whom that is known anyway; undefined when nobody else does
 */
export const creationRival = async (work: BucketWork, provided: Provided): Promise<Fault | undefined> => {
  const { bucket, deps, pass } = work;
  const memoryOf = (other: Bucket) => deps.ownership.memoryOf(other, provided, pass.signal);
  const contenderOf = async (other: Bucket): Promise<Contender> => ({
    ...other.metadata,
    remembers: (await memoryOf(other)).memory !== undefined,
  });
  /** True for a paused one that has not begun: it asks for nothing, so that it keeps nobody waiting. */
  const isIdle = async (other: Bucket): Promise<boolean> => {
    if (other.metadata.annotations?.[annotations.paused] !== 'true') return false;
    const { memory, intent } = await memoryOf(other);
    return memory === undefined && intent === undefined;
  };
  // The object itself counts even when the cache has lost it: one that vanished is finalized all the same.
  const contenders = [await contenderOf(bucket)];
  for (const other of deps.sameName(bucket.spec.name)) {
    if (other.metadata.uid === bucket.metadata.uid || other.metadata.deletionTimestamp !== undefined) continue;
    if (!(await isOfProvider(other, provided, work)) || (await isIdle(other))) continue;
    contenders.push(await contenderOf(other));
  }
  const creator = creatorAmong(contenders);
  if (creator === undefined || creator.uid === bucket.metadata.uid) return undefined;
  return waiting(
    reasons.AlreadyClaimed,
    `Bucket ${bucket.spec.name} is being created for ${nameOf(creator, work, provided)}, which comes first. Choose another name, or delete that object.`,
  );
};

/**
 * Looks for another object that remembers the bucket with proof, and for longer: where no mark can speak, it keeps it.
 * @returns Fault `waiting` AlreadyClaimed; undefined when there is none
 */
export const rememberingRival = async (work: BucketWork, provided: Provided): Promise<Fault | undefined> => {
  const { bucket, deps, pass } = work;
  const own = await heldSince(bucket, work, provided);
  for (const other of deps.sameName(bucket.spec.name)) {
    if (other.metadata.uid === bucket.metadata.uid || hasLetGo(other)) continue;
    const its = await heldSince(other, work, provided);
    if (its === undefined || (own !== undefined && own < its)) continue;
    pass.signal.throwIfAborted();
    return waiting(
      reasons.AlreadyClaimed,
      `Bucket ${bucket.spec.name} on this server belongs to ${nameOf(other.metadata, work, provided)}. Choose another name, or delete that object.`,
    );
  }
  return undefined;
};

/** Under deletion, and kept by the finalizers of others alone: whatever its status says, it has nothing any more. */
const hasLetGo = ({ metadata }: Bucket): boolean =>
  metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(finalizerName) !== true;

/** When the object first had the bucket, in an order that every reader finds alike; undefined when nothing proves that it had it. */
const heldSince = async (
  bucket: Bucket,
  { deps, pass }: BucketWork,
  provided: Provided,
): Promise<string | undefined> => {
  const { memory } = await deps.ownership.memoryOf(bucket, provided, pass.signal);
  return memory && `${memory.since?.toISOString() ?? ''} ${bucket.metadata.creationTimestamp} ${bucket.metadata.uid}`;
};

/** Names of other namespaces' objects are told only to whom the Provider belongs. */
const nameOf = (
  { namespace, name }: Pick<Contender, 'namespace' | 'name'>,
  { bucket }: BucketWork,
  { provider }: Provided,
): string =>
  [provider.metadata.namespace, namespace].includes(bucket.metadata.namespace)
    ? `Bucket ${namespace}/${name}`
    : 'a Bucket of another namespace';

const isOfProvider = async (
  { spec, metadata }: Bucket,
  { provider }: Provided,
  { deps }: BucketWork,
): Promise<boolean> => {
  const { namespace, name } = provider.metadata;
  if (keyOfReference(spec.providerRef, metadata.namespace) !== `${namespace}/${name}`) return false;
  try {
    await deps.references.providerFor(spec.providerRef, metadata.namespace);
    return true;
  } catch (caught) {
    // Without a grant it cannot create anything.
    if (caught instanceof Fault && caught.kind === 'waiting') return false;
    throw caught;
  }
};
