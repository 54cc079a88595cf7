import type { BucketStatus } from '@operator/api';
import { eventReasons, reasons } from '@operator/api';
import { Fault, transient } from '@operator/outcome';
import { answerOf, birthOf, createBucket } from '@operator/s3';
import type { BucketWork } from './deps.ts';
import { creationLeftMs } from './memory.ts';
import { contextOf, type AbsentBucket } from './observe.ts';

/** A bucket that this pass has made. */
export interface MadeBucket {
  /** What the status holds while the bucket has no mark. */
  readonly status: BucketStatus;
  /** By the server's clock; undefined where it tells no time. */
  readonly at: Date | undefined;
  /** True when it surely is as it was made, with nothing but its name. */
  readonly isBlank: boolean;
}

/**
 * Creates the bucket. The intent stands in the status first, so that a crash in between leaves no bucket that nobody owns. It
 * stays while the server may still carry out what was asked for; where the server surely made nothing, it goes, so that it
 * claims nothing that somebody else makes later.
 * @throws Fault `waiting` NameTaken and the like; `transient` Conflict when somebody else was faster; `terminal` Unsupported for what
 * the bucket could never get later
 */
export const createOwned = async (work: BucketWork, seen: AbsentBucket): Promise<MadeBucket> => {
  const { bucket, deps, pass } = work;
  const { spec } = bucket;
  const { provided, region } = seen;
  const context = await contextOf(work, provided, true);
  const { input: born, managed } = birthOf(provided.driver, spec, context);
  if (bucket.status?.ownership !== undefined) {
    deps.vanished();
    pass.event(
      'Warning',
      reasons.BucketMissing,
      `Bucket ${spec.name} is gone from the server; the operator creates it again, empty.`,
    );
  }
  const seal = (status: BucketStatus) => deps.ownership.sealBucket(status, bucket, provided, pass.signal);
  const nothing: BucketStatus = { bucketName: spec.name, exists: false, endpoint: provided.driver.serverIdentity };
  const serverTime = provided.driver.wire(region).serverNow();
  const intended = await seal({
    ...nothing,
    createIntent: {
      at: pass.now.toISOString(),
      ...(serverTime === undefined ? {} : { serverTime: serverTime.toISOString() }),
      bucketName: spec.name,
    },
    ...(Object.keys(managed).length === 0 ? {} : { managed }),
  });
  // A creation that an earlier pass asked for may still be under way, as long as a call can take.
  const former = seen.memory.intent !== undefined && creationLeftMs(bucket.status, pass.now) > 0;
  await pass.record(intended);
  const made = await pass
    .step('create', () => createBucket(provided.driver, { bucket: spec.name, region, born, mark: context.mark }, pass))
    .catch(async (caught: unknown) => {
      if (!former && (isRefused(caught) || isPutOff(caught))) await pass.record(nothing);
      throw caught;
    });
  if (made.outcome === 'alreadyOurs') {
    if (!former) await pass.record(nothing);
    throw transient(reasons.Conflict, `Bucket ${spec.name} was created by somebody else at the same moment.`);
  }
  pass.event('Normal', eventReasons.BucketCreated, `Created bucket ${spec.name} in region ${region}.`);
  const { refusesRecreation = false, creationTags } = provided.driver;
  const isBlank = refusesRecreation && creationTags === undefined && Object.keys(born).length === 0;
  return { status: intended, at: made.at, isBlank };
};

const isRefused = (caught: unknown): boolean => caught instanceof Fault && caught.kind !== 'transient';

/** True when the server itself, not a proxy before it, says that it did nothing now. */
const isPutOff = (caught: unknown): boolean =>
  caught instanceof Fault &&
  (caught.reason === reasons.Throttled || caught.reason === reasons.Conflict) &&
  (answerOf(caught.cause)?.code ?? '') !== '';
