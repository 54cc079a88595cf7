import { annotations, finalizerName, reasons } from '@operator/api';
import { Fault, waiting } from '@operator/outcome';
import { isRemadeSince } from '@operator/ownership';
import { keyOfReference, type Bucket, type BucketMemory, type OwnerLook, type Provided } from '@operator/references';
import { lackAtBirth } from '@operator/s3';
import type { BucketWork } from './deps.ts';
import { creationLeftMs } from './memory.ts';

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
export const creationRival = async (
  work: BucketWork,
  provided: Provided,
  own: BucketMemory,
): Promise<Fault | undefined> => {
  const { bucket, deps, pass } = work;
  const contenderOf = ({ metadata }: Bucket, { memory }: BucketMemory): Contender => ({
    ...metadata,
    remembers: memory !== undefined,
  });
  /**
   * True for one that creates nothing, whatever it remembers: it keeps nobody waiting. What it had is not there, and a creation that it
   * asked for, as its proven intent says, is over after a while.
   */
  const isIdle = ({ metadata, spec, status }: Bucket, { intent }: BucketMemory): boolean => {
    if (lackAtBirth(provided.driver, spec) !== undefined) return true;
    const isPaused = metadata.annotations?.[annotations.paused] === 'true';
    return isPaused && (intent === undefined || creationLeftMs(status, pass.now) === 0);
  };
  // The object itself counts even when the cache has lost it: one that vanished is finalized all the same.
  const contenders = [contenderOf(bucket, own)];
  for (const other of deps.sameName(bucket.spec.name)) {
    if (other.metadata.uid === bucket.metadata.uid || other.metadata.deletionTimestamp !== undefined) continue;
    if (!(await isOfProvider(other, provided, work))) continue;
    const memory = await deps.ownership.memoryOf(other, provided, pass.signal);
    if (!isIdle(other, memory)) contenders.push(contenderOf(other, memory));
  }
  const creator = creatorAmong(contenders);
  if (creator === undefined || creator.uid === bucket.metadata.uid) return undefined;
  return waiting(
    reasons.AlreadyClaimed,
    `Bucket ${bucket.spec.name} is being created for ${nameOf(creator, work, provided)}, which comes first. Choose another name, or delete that object.`,
  );
};

/**
 * Looks for another object that remembers the bucket with proof, and for longer: where no mark can speak, it keeps it. A memory that is
 * older than the bucket is of another one, and the word of the owner of the Provider outweighs them all. `look`: what this pass has
 * seen of the bucket.
 * @returns Fault `waiting` AlreadyClaimed; undefined when there is none
 */
export const rememberingRival = async (
  work: BucketWork,
  provided: Provided,
  look: Pick<OwnerLook, 'memory' | 'sight'>,
): Promise<Fault | undefined> => {
  const { age, isConfirmed } = look.sight;
  if (isConfirmed) return undefined;
  const { bucket, deps, pass } = work;
  const heldSince = (holder: Bucket, { memory }: BucketMemory): string | undefined => {
    const isOfAnother = age instanceof Date && memory?.since !== undefined && isRemadeSince(memory.since, age);
    return isOfAnother ? undefined : memory && orderOf(memory.since, holder);
  };
  const own = heldSince(bucket, look.memory);
  for (const other of deps.sameName(bucket.spec.name)) {
    if (other.metadata.uid === bucket.metadata.uid || hasLetGo(other)) continue;
    const its = heldSince(other, await deps.ownership.memoryOf(other, provided, pass.signal));
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

/** When an object first had the bucket, in an order that every reader finds alike. */
const orderOf = (since: Date | undefined, { metadata: { creationTimestamp, uid } }: Bucket): string =>
  `${since?.toISOString() ?? ''} ${creationTimestamp} ${uid}`;

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
