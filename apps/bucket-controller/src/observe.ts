import { reasons } from '@operator/api';
import { Fault, terminal, transient, waiting } from '@operator/outcome';
import { kinshipOf } from '@operator/ownership';
import {
  askingOnce,
  isBorrowedBy,
  tellKept,
  withdrawnBorrowers,
  type Borrower,
  type Bucket,
  type BucketMemory,
  type BucketReferences,
  type OwnerLook,
  type Provided,
} from '@operator/references';
import {
  lookAtFeatures,
  lookUpCreation,
  observeExistence,
  readOwner,
  type AspectView,
  type BucketContext,
  type BucketWire,
  type SeenOwner,
} from '@operator/s3';
import { creationRival, rememberingRival } from './claims.ts';
import type { BucketWork } from './deps.ts';
import { bucketsNamed, bucketsOf, hasMore, keptReferences } from './kept-references.ts';
import { mayHave } from './memory.ts';
import { managedIn } from './plan.ts';
import { findRemains, type Remains } from './remains.ts';
import type { PolicyOnBucket } from './report.ts';

/** A bucket of ours, as the server has it. */
export interface SeenBucket {
  readonly state: 'ours';
  readonly provided: Provided;
  readonly region: string;
  readonly ownership: 'Created' | 'Adopted';
  readonly memory: BucketMemory;
  readonly views: readonly AspectView[];
  readonly policies: readonly PolicyOnBucket[];
  /** A document that a borrower may have left there; undefined when surely none is. */
  readonly remains: Remains | undefined;
  /** Other Buckets for which something may stand at the server from now on. */
  readonly references: BucketReferences;
  /** True when there are more than the status remembers. */
  readonly hasMoreReferences: boolean;
  /** Who has rights by a grant of this Bucket that is withdrawn and not confirmed. */
  readonly withdrawn: readonly Borrower[];
}

/** There is no bucket of that name, and nobody else is about to create it. */
export interface AbsentBucket {
  readonly state: 'absent';
  readonly provided: Provided;
  readonly region: string;
  readonly memory: BucketMemory;
}

/** Nothing can be done. */
export interface BlockedBucket {
  readonly state: 'blocked';
  readonly fault: Fault;
  /** True when the bucket is surely not ours, so that what the status says of it is void. */
  readonly isVoid: boolean;
}

/** What a look at the server found. */
export type SeenState = SeenBucket | AbsentBucket | BlockedBucket;

/** Answers to which only the full look of `observeExistence` has the words. */
const unclear: ReadonlySet<string> = new Set([reasons.BucketMissing, reasons.WrongRegion, reasons.AccessDenied]);

/** What becomes of a bucket that the object has, where its Provider may not be used. */
const keptOf = ({ status }: Bucket): string | undefined =>
  status?.ownership === undefined || status.bucketName === undefined
    ? undefined
    : `bucket ${status.bucketName} stays at the server as it is.`;

/** Reads everything that decides what is to be done. Writes nothing. */
export const observeBucket = async (work: BucketWork): Promise<SeenState> => {
  const { bucket, deps, pass } = work;
  const { spec, metadata } = bucket;
  const isNew = !mayHave(bucket);
  const provided = await deps.references
    .driverFor(spec.providerRef, metadata.namespace, pass.signal, { isNew })
    .catch(tellKept(keptOf(bucket)));
  const renamed = await renameFault(work, provided);
  if (renamed !== undefined) return stuck(renamed);
  const { driver, provider } = provided;
  const region = spec.region ?? provider.spec.region;

  const known = await ownerOfKnown(work, provided, region);
  if (known !== undefined) return observeOwned(work, provided, region, { seen: known });

  const place = { bucket: spec.name, region };
  const existence = await observeExistence(driver, { ...place, wasThere: !isNew }, pass);
  switch (existence.state) {
    case 'absent': {
      const memory = await deps.ownership.memoryOf(bucket, provided, pass.signal);
      if (isSettling(provided, region, memory.memory?.since)) return stuck(notKnownYet(spec.name));
      const rival = await creationRival(work, provided, memory);
      if (rival !== undefined) return { state: 'blocked', fault: rival, isVoid: true };
      return { state: 'absent', provided, region, memory };
    }
    case 'present':
      if (existence.region !== undefined && existence.region !== region)
        return stuck(regionFault(spec.name, existence.region, region));
      return observeOwned(work, provided, region);
    case 'elsewhere':
      // A redirect that names no region may end without anybody's doing.
      return stuck(
        existence.region === undefined
          ? waiting(reasons.RegionMismatch, existence.message)
          : regionFault(spec.name, existence.region, region),
      );
    case 'forbidden':
      return stuck(await forbiddenFault(existence.message, work, provided, region));
  }
};

const stuck = (fault: Fault): BlockedBucket => ({ state: 'blocked', fault, isVoid: false });

/** True while the server may not know everywhere of a bucket that was ours at `since`, by its own clock. */
export const isSettling = ({ driver }: Provided, region: string, since: Date | undefined): boolean => {
  const now = driver.wire(region).serverNow();
  if (since === undefined || now === undefined) return false;
  return now.getTime() - since.getTime() < (driver.settlesInMs ?? 0);
};

const notKnownYet = (bucket: string): Fault =>
  transient(
    reasons.Conflict,
    `Bucket ${bucket} was created a moment ago, and the server does not know it everywhere yet. The operator looks again.`,
  );

/** What was thrown about a bucket of ours that was made a moment ago. */
export const orNotKnownYet = (caught: unknown, bucket: string): unknown =>
  caught instanceof Fault && caught.reason === reasons.BucketMissing ? notKnownYet(bucket) : caught;

const unmarked: SeenOwner = { kind: 'unmarked', tags: new Map() };

/** Reads whose a bucket is that exists, and if it is ours, its features. `known`: what this pass has read, or made, already. */
export const observeOwned = async (
  work: BucketWork,
  provided: Provided,
  region: string,
  known: { readonly seen?: SeenOwner; readonly isNew?: boolean; readonly isBlank?: boolean } = {},
): Promise<SeenBucket | BlockedBucket> => {
  const { bucket, deps, pass } = work;
  const { spec } = bucket;
  const { driver } = provided;
  const { isNew = false, isBlank = false } = known;
  const seen =
    known.seen ?? (isBlank ? unmarked : await readOwner({ wire: driver.wire(region), bucket: spec.name }, pass));
  if (seen.kind === 'absent')
    throw transient(reasons.Conflict, `Bucket ${spec.name} is there for one call and gone for the next.`);
  // A bucket that this very pass has made is ours, unless another one's mark was faster where the server lets it be made twice.
  const look =
    isNew && seen.kind !== 'marked'
      ? undefined
      : await deps.ownership.look({ act: 'keep', bucket, provided, region, seen }, pass);
  const verdict = look?.verdict ?? created;
  if (verdict.is !== 'ours') return refusal(verdict, look?.fault);
  const memory = look?.memory ?? (await deps.ownership.memoryOf(bucket, provided, pass.signal));
  const tags = look === undefined ? ('tags' in seen ? seen.tags : undefined) : look.tags;
  if (look !== undefined && !isNew && verdict.rule !== 'markIsOwn') {
    const rival = await rememberingRival(work, provided, look);
    // Two memories, and no mark to tell: neither is void by the other.
    if (rival !== undefined) return stuck(rival);
  }
  const s3: BucketWire = {
    wire: driver.wire(region),
    bucket: spec.name,
    isNew,
    isBlank,
    ...(tags === undefined ? {} : { tags }),
  };
  const former = await deps.ownership.provenReferences(bucket, pass.signal);
  const context = await contextOf(work, provided, verdict.ownership === 'Created', former);
  const isYoung = isNew || isSettling(provided, region, memory.memory?.since);
  const views = await lookAtFeatures(driver, spec, context, s3, pass).catch((caught: unknown) => {
    throw isYoung ? orNotKnownYet(caught, spec.name) : caught;
  });
  const named = bucketsNamed(driver, spec, bucket.metadata.namespace);
  const references = keptReferences(former, { spec, named, inputs: context.inputs, views });
  const labelsOf = askingOnce(deps.labelsOf);
  const policies = await deps.policiesOf(bucket, labelsOf, pass.signal);
  const remains = isNew ? undefined : await findRemains(work, s3, policies);
  const withdrawn = await withdrawnBorrowers(bucket, await deps.borrowersOf(bucket, pass.signal), labelsOf);
  return {
    state: 'ours',
    provided,
    region,
    ownership: verdict.ownership,
    memory,
    views,
    policies,
    remains,
    references,
    hasMoreReferences: hasMore(references, former),
    withdrawn,
  };
};

/** What the features may know of the bucket. `references`: those of its status that are proven, where they were looked at already. */
export const contextOf = async (
  work: BucketWork,
  provided: Provided,
  isCreated: boolean,
  references?: BucketReferences,
): Promise<BucketContext> => {
  const { bucket, deps, pass } = work;
  const proven = references ?? (await deps.ownership.provenReferences(bucket, pass.signal));
  return {
    mark: await deps.ownership.signedMarkOf(bucket, provided, pass.signal),
    managed: managedIn(bucket.status),
    created: isCreated,
    isBorrowed: isBorrowedBy(bucket, provided.provider),
    stands: new Map(Object.entries(proven).map(([as, entries]) => [as, bucketsOf(entries)])),
    inputs: await deps.inputs.inputsOf(work, provided),
  };
};

const created = { is: 'ours', rule: 'intended', ownership: 'Created' } as const;

/** Whatever the status said of a bucket that is somebody else's is void; what is in doubt it may still prove. */
const refusal = (verdict: OwnerLook['verdict'], fault: OwnerLook['fault']): BlockedBucket => ({
  state: 'blocked',
  fault: fault ?? transient(reasons.InternalError, 'The bucket is not ours, and nothing says why.'),
  isVoid: verdict.is === 'others',
});

/**
 * The tags of a bucket that was there at the last look, if our own mark is among them: then one call both proves and reads.
 * Undefined where that look is to be made in full: it is not known yet, or not where it was, or the mark is not ours. MinIO
 * says of a bucket that is not there that it has no tags, so that their absence proves nothing. What the status says of the region
 * is no finding: where the Provider's has changed, the full look asks the server.
 */
const ownerOfKnown = async (
  { bucket, deps, pass }: BucketWork,
  { driver }: Provided,
  region: string,
): Promise<SeenOwner | undefined> => {
  const { spec, status } = bucket;
  const isKnown = status?.exists === true && status.bucketName === spec.name && status.region === region;
  if (!isKnown || status.ownership === undefined || !driver.marksBuckets) return undefined;
  try {
    const seen = await readOwner({ wire: driver.wire(region), bucket: spec.name }, pass);
    if (seen.kind !== 'marked') return undefined;
    const own = await deps.ownership.markOf(bucket, pass.signal);
    return kinshipOf(seen.mark, own) === 'own' ? seen : undefined;
  } catch (caught) {
    if (caught instanceof Fault && unclear.has(caught.reason)) return undefined;
    throw caught;
  }
};

const regionFault = (bucket: string, found: string, wanted: string): Fault =>
  terminal(
    reasons.RegionMismatch,
    `Bucket ${bucket} is in region ${found}, not in ${wanted}. Set spec.region: ${found}, or choose another name.`,
  );

/** Somebody else's bucket answers 403 too: the list of the account's own buckets tells the two apart. */
const forbiddenFault = async (
  message: string,
  { bucket: { spec }, pass }: BucketWork,
  { driver }: Provided,
  region: string,
): Promise<Fault> => {
  const creation = await lookUpCreation(driver, { bucket: spec.name, region }, pass);
  return creation.kind === 'notListed'
    ? waiting(
        reasons.NameTaken,
        `Bucket ${spec.name} exists and belongs to another account of the server. Choose another name.`,
      )
    : waiting(reasons.AccessDenied, message);
};

/**
 * The names in a spec are fixed once something was made. A status can be changed so that admission lets another name pass; its
 * proof cannot.
 */
const renameFault = async ({ bucket, deps, pass }: BucketWork, provided: Provided): Promise<Fault | undefined> => {
  const { spec, status } = bucket;
  const former = status?.bucketName;
  if (former === undefined || former === spec.name) return undefined;
  const asBefore = { ...bucket, spec: { ...spec, name: former } };
  const { memory, intent } = await deps.ownership.memoryOf(asBefore, provided, pass.signal);
  if (memory === undefined && intent === undefined) return undefined;
  return terminal(
    reasons.SpecInvalid,
    `This object has bucket ${former}, and spec.name is ${spec.name} now. Restore spec.name, or delete the object and create it again.`,
  );
};
