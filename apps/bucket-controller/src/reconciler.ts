import type { BucketSpec, BucketStatus } from '@operator/api';
import { conditionTypes, eventReasons, reasons } from '@operator/api';
import { Fault, blocked, progressing, settled, terminal, transient, waiting, type Outcome } from '@operator/outcome';
import { bucketArn, partitionOf } from '@operator/policy';
import type { Bucket, Provided } from '@operator/references';
import { ownStatus, type Reconciler } from '@operator/runtime';
import {
  answerOf,
  createBucket,
  lookAtFeatures,
  observeExistence,
  type AspectView,
  type BucketContext,
  type BucketWire,
  type Step,
  type Tags,
} from '@operator/s3';
import { betterClaim } from './claims.ts';
import { markOf, type BucketDeps } from './deps.ts';
import { finalizeBucket, mayHave } from './finalize.ts';
import { findOwner, tagsOfKnown } from './found.ts';
import { decideOwnership } from './plan.ts';
import {
  claimsOfBucketFault,
  policyConflictClaims,
  reportBucket,
  reportForeign,
  unsupportedClaims,
  type BucketPass,
} from './report.ts';

/** True when the last pass of this generation found nothing to do, whether or not the server has every feature. */
const wasSettled = ({ metadata, status }: Bucket): boolean =>
  status?.observedGeneration === metadata.generation &&
  status.conditions?.some(
    ({ type, reason }) =>
      type === conditionTypes.Reconciling || (type === conditionTypes.Stalled && reason !== reasons.Unsupported),
  ) !== true;

/** Brings a bucket into being and keeps its features as the spec says. */
export const bucketReconciler = (deps: BucketDeps): Reconciler<BucketSpec, BucketStatus> => ({
  async reconcile(bucket, pass) {
    const { spec, metadata } = bucket;
    const isNew = !mayHave(bucket);
    const provided = await deps.references.driverFor(spec.providerRef, metadata.namespace, pass.signal, { isNew });
    const rival = await betterClaim(bucket, provided.provider, deps.sameName(spec.name), deps.references);
    if (rival !== undefined) return refused(reportForeign(spec), rival);

    const region = spec.region ?? provided.provider.spec.region;
    const known = await tagsOfKnown(bucket, provided.driver, deps, pass);
    if (known !== undefined) return converge(bucket, provided, known.region, deps, pass, { tags: known.tags });
    const existence = await observeExistence(provided.driver, { bucket: spec.name, region, wasThere: !isNew }, pass);
    switch (existence.state) {
      case 'absent':
        return create(bucket, provided, region, deps, pass);
      case 'present':
        return converge(bucket, provided, existence.region ?? region, deps, pass);
      case 'elsewhere':
        // A redirect that names no region may end without anybody's doing.
        return blocked(
          ownStatus(bucket),
          existence.region === undefined
            ? waiting(reasons.RegionMismatch, existence.message)
            : terminal(reasons.RegionMismatch, `${existence.message} It is to be in ${region}.`),
        );
      case 'forbidden':
        return blocked(ownStatus(bucket), waiting(reasons.AccessDenied, existence.message));
    }
  },

  finalize: (bucket, pass) => finalizeBucket(bucket, deps, pass),

  claimsOf: (fault, bucket) => claimsOfBucketFault(fault, bucket.status?.ownership !== undefined),

  providerOf: ({ spec, metadata }) => `${spec.providerRef.namespace ?? metadata.namespace}/${spec.providerRef.name}`,
});

/** The bucket is not ours: whatever the status said of it is void. */
const refused = (status: BucketStatus, fault: Fault): Outcome<BucketStatus> =>
  blocked(status, fault, claimsOfBucketFault(fault, false));

/** Creates the bucket. The intent stands in the status first, so that a crash in between leaves no bucket that nobody owns. */
const create = async (
  bucket: Bucket,
  provided: Provided,
  region: string,
  deps: BucketDeps,
  pass: BucketPass,
): Promise<Outcome<BucketStatus>> => {
  const { spec } = bucket;
  if (bucket.status?.ownership !== undefined) {
    pass.event(
      'Warning',
      reasons.BucketMissing,
      `Bucket ${spec.name} is gone from the server; it is created anew, empty.`,
    );
  }
  const nothing: BucketStatus = { bucketName: spec.name, exists: false, endpoint: provided.driver.serverIdentity };
  const managedTagKeys = Object.keys(spec.tagging?.tags ?? {}).sort();
  const intended: BucketStatus = {
    ...nothing,
    createIntent: { at: pass.now.toISOString(), bucketName: spec.name },
    ...(managedTagKeys.length === 0 ? {} : { managedTagKeys }),
  };
  await pass.record(intended);
  const made = await pass
    .step('create', () => createBucket(provided.driver, { bucket: spec.name, region }, pass))
    .catch(async (caught: unknown) => {
      // Where the server surely made nothing for us, the intent must not claim what somebody else makes later. One of an
      // earlier pass, whose answer may have been lost, is still open after a refusal that will pass.
      const former = bucket.status?.createIntent;
      if (isRefused(caught)) await pass.record(nothing);
      else if (isPutOff(caught))
        await pass.record(former === undefined ? nothing : { ...intended, createIntent: former });
      throw caught;
    });
  if (made.outcome === 'alreadyOurs') {
    await pass.record(nothing);
    throw transient(reasons.Conflict, `Bucket ${spec.name} was created by somebody else at the same moment.`);
  }
  pass.event('Normal', eventReasons.BucketCreated, `Created bucket ${spec.name} in region ${region}.`);
  const looked = converge({ ...bucket, status: intended }, provided, region, deps, pass, { madeAt: pass.now });
  return looked.catch(async (caught: unknown) => {
    // The answer to the creation is the best proof there is; what the next pass finds, before the mark is set, may prove nothing.
    const { serverIdentity: endpoint } = provided.driver;
    await pass.record(reportBucket(spec, { ...factsOf(spec, region, endpoint), ownership: 'Created', managedTagKeys }));
    throw caught;
  });
};

const factsOf = ({ name }: BucketSpec, region: string, endpoint: string) => ({
  region,
  endpoint,
  arn: bucketArn(name, partitionOf(region)),
});

const isRefused = (caught: unknown): boolean => caught instanceof Fault && caught.kind !== 'transient';

/** True when the server itself, not a proxy before it, says that it did nothing now. */
const isPutOff = (caught: unknown): boolean =>
  caught instanceof Fault &&
  (caught.reason === reasons.Throttled || caught.reason === reasons.Conflict) &&
  (answerOf(caught.cause)?.code ?? '') !== '';

/** Looks at a bucket that exists, decides whose it is, and closes the gaps. `known`: what this pass has learned or done before. */
const converge = async (
  bucket: Bucket,
  { driver, provider }: Provided,
  region: string,
  deps: BucketDeps,
  pass: BucketPass,
  known: { readonly tags?: Tags; readonly madeAt?: Date } = {},
): Promise<Outcome<BucketStatus>> => {
  const { spec, status } = bucket;
  const wanted = spec.region ?? provider.spec.region;
  if (region !== wanted) {
    const fault = terminal(reasons.RegionMismatch, `Bucket ${spec.name} is in region ${region}, not in ${wanted}.`);
    return blocked(ownStatus(bucket), fault);
  }

  const isNew = known.madeAt !== undefined;
  const taken = isNew ? ['create'] : [];
  const { found, tags } = await findOwner(bucket, driver, region, deps, pass, known);
  const mark = markOf(bucket, await deps.clusterId(pass.signal));
  const endpoint = driver.serverIdentity;
  // Who only borrows the Provider has no say over what its account holds already.
  const isBorrowed = provider.metadata.namespace !== bucket.metadata.namespace;
  const adoptionPolicy = isBorrowed && spec.adoptionPolicy === 'Always' ? 'IfOwned' : spec.adoptionPolicy;
  const decided = decideOwnership({ ...spec, adoptionPolicy }, status, mark, found, endpoint);
  if (decided.verdict === 'refused') {
    // An intent is open as long as nobody knows when the bucket was created.
    const isOpen = found.mark === undefined && found.createdAt === undefined;
    const intent = isOpen ? status?.createIntent : undefined;
    return refused(
      { ...reportForeign(spec), ...(intent === undefined ? {} : { endpoint, createIntent: intent }) },
      decided.fault,
    );
  }
  if (decided.ownership === 'Adopted' && status?.ownership === undefined) {
    pass.event('Normal', eventReasons.BucketAdopted, `Adopted bucket ${spec.name}.`);
  }

  const wantedTagKeys = Object.keys(spec.tagging?.tags ?? {});
  const recordedTagKeys = status?.managedTagKeys ?? [];
  // What is not at the server needs no removal; so the list stays as short as a bucket's tags and the wish together.
  const formerTagKeys = recordedTagKeys.filter((key) => tags?.has(key) ?? true);
  const context: BucketContext = {
    mark,
    managedTagKeys: formerTagKeys,
    created: decided.ownership === 'Created',
  };
  const s3: BucketWire = {
    wire: driver.wire(region),
    bucket: spec.name,
    isNew,
    ...(tags === undefined ? {} : { tags }),
  };
  const views = await lookAtFeatures(driver, spec, context, s3, pass);
  const claims = [...unsupportedClaims(views), ...policyConflictClaims(spec, await deps.policiesOf(bucket))];
  const facts = { ...factsOf(spec, region, endpoint), ownership: decided.ownership };

  const steps = views.flatMap((view) => (view.verdict === 'different' ? [view.step] : []));
  if (steps.length > 0) {
    // Every tag key that is about to be written is known as ours before it is at the server.
    const managedTagKeys = [...new Set([...formerTagKeys, ...wantedTagKeys])].sort();
    const converging = reportBucket(spec, { ...facts, managedTagKeys, lastSyncTime: status?.lastSyncTime });
    if (writesNewTags(views, recordedTagKeys, wantedTagKeys)) await pass.record(converging);
    await applyAll(steps, pass);
    const names = [...taken, ...steps.map(({ name }) => name)];
    if (taken.length === 0) pass.event('Normal', eventReasons.BucketUpdated, `Changed ${names.join(', ')}.`);
    return progressing(converging, { reason: reasons.Converging, steps: names, claims });
  }

  const managedTagKeys = spec.tagging === undefined ? formerTagKeys : wantedTagKeys.sort();
  const lastSyncTime = (wasSettled(bucket) ? status?.lastSyncTime : undefined) ?? pass.now.toISOString();
  const report = reportBucket(spec, { ...facts, managedTagKeys, lastSyncTime });
  return taken.length === 0
    ? settled(report, { claims })
    : progressing(report, { reason: reasons.Converging, steps: taken, claims });
};

/** Takes every step, so that one that the server refuses keeps no other off. @throws what the first that failed threw */
const applyAll = async (steps: readonly Step[], pass: BucketPass): Promise<void> => {
  const failed: unknown[] = [];
  for (const step of steps) {
    await pass.step(step.name, () => step.apply(pass)).catch((caught: unknown) => failed.push(caught));
  }
  if (failed.length > 0) throw failed[0];
};

const writesNewTags = (views: readonly AspectView[], recorded: readonly string[], wanted: readonly string[]): boolean =>
  views.some((view) => view.aspect === 'tagging' && view.verdict === 'different') &&
  wanted.some((key) => !recorded.includes(key));
