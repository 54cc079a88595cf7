import type { BucketSpec, BucketStatus } from '@operator/api';
import { eventReasons, reasons } from '@operator/api';
import { Fault, blocked, progressing, settled, terminal, transient, waiting, type Outcome } from '@operator/outcome';
import { bucketArn, partitionOf } from '@operator/policy';
import type { Bucket, Provided } from '@operator/references';
import type { Pass, Reconciler } from '@operator/runtime';
import { keyOf, ownStatus } from '@operator/runtime';
import {
  createBucket,
  creationDateOf,
  lookAtFeatures,
  observeExistence,
  readMark,
  readTags,
  type AspectView,
  type BucketContext,
  type BucketWire,
  type OwnerMark,
} from '@operator/s3';
import { requireClaim } from './claims.ts';
import { markOf, type BucketDeps } from './deps.ts';
import { finalizeBucket } from './finalize.ts';
import { decideOwnership } from './plan.ts';
import { claimsOfBucketFault, policyConflictClaims, reportBucket, unsupportedClaims } from './report.ts';

type BucketPass = Pass<BucketStatus>;

const wasReady = ({ metadata, status }: Bucket): boolean =>
  status?.observedGeneration === metadata.generation &&
  status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;

/** Brings a bucket into being and keeps its features as the spec says. */
export const bucketReconciler = (deps: BucketDeps): Reconciler<BucketSpec, BucketStatus> => ({
  async reconcile(bucket, pass) {
    const { spec, metadata } = bucket;
    const provided = await deps.references.driverFor(spec.providerRef, metadata.namespace, pass.signal);
    await requireClaim(bucket, provided.provider, deps.sameName(spec.name), deps.references);

    const region = spec.region ?? provided.provider.spec.region;
    const existence = await observeExistence(provided.driver, { bucket: spec.name, region }, pass);
    switch (existence.state) {
      case 'absent':
        return create(bucket, provided, region, deps, pass);
      case 'present':
        return converge(bucket, provided, existence.region ?? region, deps, pass, []);
      case 'elsewhere':
        return blocked(
          ownStatus(bucket),
          terminal(
            reasons.RegionMismatch,
            `Bucket ${spec.name} exists in region ${existence.region ?? 'unknown'}, not in ${region}.`,
          ),
        );
      case 'forbidden':
        return blocked(ownStatus(bucket), waiting(reasons.AccessDenied, existence.message));
    }
  },

  finalize: (bucket, pass) => finalizeBucket(bucket, deps, pass),

  claimsOf: (fault, bucket) => claimsOfBucketFault(fault, bucket.status?.exists === true),

  providerOf: ({ spec, metadata }) => `${spec.providerRef.namespace ?? metadata.namespace}/${spec.providerRef.name}`,
});

/** Creates the bucket. The intent stands in the status first, so that a crash in between leaves no bucket that nobody owns. */
const create = async (
  bucket: Bucket,
  provided: Provided,
  region: string,
  deps: BucketDeps,
  pass: BucketPass,
): Promise<Outcome<BucketStatus>> => {
  const { spec } = bucket;
  const kept = ownStatus(bucket);
  if (kept.exists === true) {
    pass.event(
      'Warning',
      reasons.BucketMissing,
      `Bucket ${spec.name} is gone from the server; it is created anew, empty.`,
    );
  }
  const intent = { at: pass.now.toISOString(), bucketName: spec.name };
  await pass.record({
    bucketName: spec.name,
    exists: false,
    endpoint: provided.driver.serverIdentity,
    createIntent: intent,
  });
  // Where the server surely made nothing for us, the intent must not claim what somebody else makes later.
  const forgetIntent = () =>
    pass.record({ bucketName: spec.name, exists: false, endpoint: provided.driver.serverIdentity });
  const made = await createBucket(provided.driver, { bucket: spec.name, region }, pass).catch(
    async (caught: unknown) => {
      if (caught instanceof Fault && caught.kind !== 'transient') await forgetIntent();
      throw caught;
    },
  );
  if (made === 'alreadyOurs') {
    await forgetIntent();
    throw transient(reasons.Conflict, `Bucket ${spec.name} was created by somebody else at the same moment.`);
  }
  pass.event('Normal', eventReasons.BucketCreated, `Created bucket ${spec.name} in region ${region}.`);
  const intended: Bucket = { ...bucket, status: { ...bucket.status, createIntent: intent, bucketName: spec.name } };
  return converge(intended, provided, region, deps, pass, ['create']);
};

/** Looks at a bucket that exists, decides whose it is, and closes the gaps. `taken`: the steps that this pass took before. */
const converge = async (
  bucket: Bucket,
  { driver, provider }: Provided,
  region: string,
  deps: BucketDeps,
  pass: BucketPass,
  taken: readonly string[],
): Promise<Outcome<BucketStatus>> => {
  const { spec, status } = bucket;
  const wanted = spec.region ?? provider.spec.region;
  if (region !== wanted) {
    const fault = terminal(reasons.RegionMismatch, `Bucket ${spec.name} is in region ${region}, not in ${wanted}.`);
    return blocked(ownStatus(bucket), fault);
  }

  const wire = driver.wire(region);
  const tags = driver.marksBuckets ? await readTags({ wire, bucket: spec.name }, pass) : undefined;
  const mark = markOf(bucket, await deps.clusterId(pass.signal));
  const found = tags && readMark(tags);
  const needsDate = status?.ownership === undefined && status?.createIntent !== undefined;
  const createdAt = !needsDate
    ? undefined
    : taken.includes('create')
      ? pass.now
      : await creationDateOf(driver, { bucket: spec.name, region }, pass);
  const isLiving = (other: OwnerMark): boolean =>
    other.cluster === mark.cluster &&
    deps.sameName(spec.name).some(({ metadata }) => metadata.uid === other.uid && metadata.uid !== mark.uid);
  const decided = decideOwnership(spec, status, mark, { mark: found, createdAt }, isLiving);
  if (decided.verdict === 'refused') return blocked({ ...ownStatus(bucket), exists: true }, decided.fault);
  if (decided.ownership === 'Adopted' && status?.ownership === undefined) {
    pass.event('Normal', eventReasons.BucketAdopted, `Adopted bucket ${spec.name}.`);
  }

  const wantedTagKeys = Object.keys(spec.tagging?.tags ?? {});
  const formerTagKeys = status?.managedTagKeys ?? [];
  const context: BucketContext = {
    mark,
    managedTagKeys: formerTagKeys,
    created: decided.ownership === 'Created',
  };
  const s3: BucketWire = { wire, bucket: spec.name, ...(tags === undefined ? {} : { tags }) };
  const views = await lookAtFeatures(driver, spec, context, s3, pass);
  const claims = [...unsupportedClaims(views), ...policyConflictClaims(spec, deps.policiesOf(keyOf(bucket)))];
  const facts = {
    region,
    endpoint: driver.serverIdentity,
    arn: bucketArn(spec.name, partitionOf(region)),
    ownership: decided.ownership,
  };

  const steps = views.flatMap((view) => (view.verdict === 'different' ? [view.step] : []));
  if (steps.length > 0) {
    // Every tag key that is about to be written is known as ours before it is at the server.
    const managedTagKeys = [...new Set([...formerTagKeys, ...wantedTagKeys])].sort();
    const converging = reportBucket(spec, { ...facts, managedTagKeys, lastSyncTime: status?.lastSyncTime });
    if (writesNewTags(views, formerTagKeys, wantedTagKeys)) await pass.record(converging);
    for (const step of steps) await step.apply(pass);
    const names = [...taken, ...steps.map(({ name }) => name)];
    if (taken.length === 0) pass.event('Normal', eventReasons.BucketUpdated, `Changed ${names.join(', ')}.`);
    return progressing(converging, { reason: reasons.Converging, steps: names, claims });
  }

  const managedTagKeys = spec.tagging === undefined ? formerTagKeys : wantedTagKeys.sort();
  const lastSyncTime = wasReady(bucket) ? status?.lastSyncTime : pass.now.toISOString();
  const report = reportBucket(spec, { ...facts, managedTagKeys, lastSyncTime });
  return taken.length === 0
    ? settled(report, { claims })
    : progressing(report, { reason: reasons.Converging, steps: taken, claims });
};

const writesNewTags = (views: readonly AspectView[], former: readonly string[], wanted: readonly string[]): boolean =>
  views.some((view) => view.aspect === 'tagging' && view.verdict === 'different') &&
  wanted.some((key) => !former.includes(key));
