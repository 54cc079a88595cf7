import { GetBucketVersioningCommand, type ReplicationRule } from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { Fault, oneLine, onlyFault, terminal, waiting, type CallContext } from '@operator/outcome';
import {
  desiredReplication,
  holdsReplication,
  isSameReplication,
  mayHaveEnded,
  mergeReplication,
  ownsReplication,
  readReplication,
  referenceOfRule,
  removedOthers,
  replicationRefersTo,
  writeReplication,
  type Aspect,
  type BucketInput,
  type BucketWire,
  type FoundReplication,
  type ReplicationWant,
  type Wire,
} from '@operator/s3';
import {
  listRemoteTargets,
  removeRemoteTarget,
  setRemoteTarget,
  type NewRemoteTarget,
  type RemoteTarget,
  type TargetRefusal,
} from './admin-api.ts';
import type { AdminClient } from './admin-client.ts';
import { healthCheckFor, isOurTarget } from './target-mark.ts';

/** Where the copies of a rule go: a bucket of another Bucket, on a MinIO. */
interface Destination {
  /** `namespace/name` of the Bucket. */
  readonly key: string;
  readonly target: NewRemoteTarget;
  /** To look at the bucket as its own Provider does. */
  readonly wire: Wire;
}

interface MinioReplicationWant extends ReplicationWant<Destination> {
  /** True when the same spec wants versions of the source: they are there before the rules. */
  readonly getsVersions: boolean;
}

interface MinioReplication extends FoundReplication {
  readonly bucket: string;
  readonly targets: readonly RemoteTarget[];
  /** Why a destination cannot be copied to now, by its key. */
  readonly faults: ReadonlyMap<string, Fault>;
  /** True when the bucket itself keeps versions. */
  readonly isVersioned: boolean;
}

/** What can be done of a wish with what is there. */
interface Plan {
  /** The wish, without what cannot be reached now. */
  readonly want: MinioReplicationWant;
  /** Why not all of it can be reached. */
  readonly fault: Fault | undefined;
  /** The rules that are there now and may stay, whatever becomes of them. */
  readonly lasting: FoundReplication['rules'];
  /** The rules afterwards; with an empty ARN where the target is still to be made. */
  readonly after: FoundReplication['rules'];
  /** Targets of ours that no rule needs. */
  readonly obsolete: readonly RemoteTarget[];
}

const retryMs = 60_000;

const versioningRequired = (what: string, mend: string): Fault =>
  waiting(reasons.VersioningRequired, `Replication needs versions in both buckets. ${what} keeps none. ${mend}`, {
    retryAfterMs: retryMs,
  });
const sourceNotVersioned = (bucket: string): Fault =>
  versioningRequired(`The source, bucket ${bucket},`, 'Set spec.versioning.enabled: true in this Bucket.');
const destinationNotVersioned = ({ key }: Destination): Fault =>
  versioningRequired(`The destination, Bucket ${key},`, 'Set spec.versioning.enabled: true there.');

const isSameServer = (
  one: Pick<RemoteTarget, 'host' | 'isSecure'>,
  other: Pick<RemoteTarget, 'host' | 'isSecure'>,
): boolean => one.host === other.host && one.isSecure === other.isSecure;

const targetFor = (targets: readonly RemoteTarget[], { target }: Destination): RemoteTarget | undefined =>
  targets.find((one) => isSameServer(one, target) && one.bucket === target.bucket);

const isCurrent = (found: RemoteTarget | undefined, { target }: Destination): boolean =>
  found?.accessKeyId === target.credentials.accessKeyId && found.healthCheckNs === target.healthCheckNs;

const destinationsOf = ({ rules }: MinioReplicationWant): readonly Destination[] => [
  ...new Map(rules.map(({ place }) => [place.key, place])).values(),
];

const isVersioned = async (wire: Wire, bucket: string, context: CallContext): Promise<boolean> =>
  (await wire.send(new GetBucketVersioningCommand({ Bucket: bucket }), context)).Status === 'Enabled';

/** Why the copies of a rule cannot go there, whatever is on the servers by now; undefined when they can. */
const faultOfDestination = (
  place: Destination,
  have: MinioReplication,
  taken: ReadonlyMap<string, string>,
): Fault | undefined => {
  const { host, bucket } = place.target;
  const other = taken.get(host);
  if (other !== undefined && other !== bucket) {
    return terminal(
      reasons.SpecInvalid,
      `MinIO copies a bucket to one bucket of each server, and there are rules to ${other} and to ${bucket} of ${host}. Name one of them in all rules.`,
    );
  }
  const foreign = have.targets.find((one) => isSameServer(one, place.target) && !isOurTarget(one));
  if (foreign !== undefined) {
    return waiting(
      reasons.Conflict,
      `MinIO keeps one remote target for each server, and somebody else has set one to ${oneLine(`${foreign.host}/${foreign.bucket} (${foreign.arn})`, 400)}. Remove it with its rules (mc replicate rm).`,
      { retryAfterMs: retryMs },
    );
  }
  return have.faults.get(place.key);
};

const arnIn = (targets: readonly RemoteTarget[]) => (place: Destination) => targetFor(targets, place)?.arn ?? '';
const arnOf = ({ Destination: to }: FoundReplication['rules'][number]): string => to?.Bucket ?? '';

const ownArns = (targets: readonly RemoteTarget[]): ReadonlySet<string> =>
  new Set(targets.filter(isOurTarget).map(({ arn }) => arn));

/** Whether a rule leads to its own place; where that cannot be seen now, to none that has ended. */
const leadsWhereItMay = (
  rule: ReplicationRule,
  targets: readonly RemoteTarget[],
  place: Destination | undefined,
  ended: ReadonlyMap<string, readonly string[]>,
): boolean =>
  place === undefined
    ? !mayHaveEnded(ended, targets.find(({ arn }) => arn === arnOf(rule))?.bucket ?? '')
    : targetFor(targets, place)?.arn === arnOf(rule);

/** Targets of ours that none of the rules has. */
const obsoleteFor = (rules: FoundReplication['rules'], targets: readonly RemoteTarget[]): readonly RemoteTarget[] => {
  const needed = new Set(rules.map(arnOf));
  return targets.filter((target) => isOurTarget(target) && !needed.has(target.arn));
};

/** Decides by what was seen. Pure. */
const planOf = (wish: MinioReplicationWant, have: MinioReplication): Plan => {
  const faults = wish.fault === undefined ? [] : [wish.fault];
  const left = [...wish.left];
  const own = ownArns(have.targets);
  const places = new Map(wish.rules.map(({ id, place }) => [id, place]));
  // An id proves nothing: who may write rules gives theirs that of one that is blocked, and has it lead to what was taken back. Where that
  // is another bucket, one whose own cannot be seen now goes on.
  const mayBeLeft = (rule: ReplicationRule): boolean => {
    const { ID = '' } = rule;
    if (!left.includes(ID)) return false;
    return !own.has(arnOf(rule)) || leadsWhereItMay(rule, have.targets, places.get(ID), wish.ended);
  };
  const arnsLeft = new Set(have.rules.filter(mayBeLeft).map(arnOf));
  const taken = new Map(have.targets.filter(({ arn }) => arnsLeft.has(arn)).map(({ host, bucket }) => [host, bucket]));
  const rules = wish.rules.filter(({ id, place }) => {
    const fault =
      have.isVersioned || wish.getsVersions ? faultOfDestination(place, have, taken) : sourceNotVersioned(have.bucket);
    if (fault === undefined) taken.set(place.target.host, place.target.bucket);
    else {
      faults.push(fault);
      left.push(id);
    }
    return fault === undefined;
  });
  const want = { ...wish, rules, left };
  // A rule that somebody added to a target of ours ends with it: the target has credentials that are lent to the wish alone.
  const lent = new Set([
    ...rules.map(({ place }) => arnIn(have.targets)(place)),
    ...have.rules.filter(mayBeLeft).map(arnOf),
  ]);
  const lasting = have.rules.filter((rule) =>
    left.includes(rule.ID ?? '') ? mayBeLeft(rule) : !own.has(arnOf(rule)) || lent.has(arnOf(rule)),
  );
  const after = mergeReplication(lasting, want, arnIn(have.targets));
  return { want, fault: faults[0], lasting, after, obsolete: obsoleteFor(after, have.targets) };
};

/**
 * The server removes all targets of a bucket with its last rule. Those that somebody else has set and no rule has must not go that way.
 * @returns the Fault that says so; undefined when nothing is lost
 */
const faultOfLastRule = ({ rules, targets }: MinioReplication, after: FoundReplication['rules']): Fault | undefined => {
  const used = new Set(rules.map(arnOf));
  const idle = targets.find((target) => !isOurTarget(target) && !used.has(target.arn));
  if (idle === undefined || rules.length === 0 || after.length > 0) return undefined;
  return waiting(
    reasons.Conflict,
    `With its last replication rule MinIO removes every remote target of a bucket, and ${oneLine(idle.arn, 200)} is somebody else's. Remove that target (mc admin bucket remote rm).`,
    { retryAfterMs: retryMs },
  );
};

/** Where the copies go that are for this Bucket. @returns the Fault for which they cannot */
const destinationOf = ({
  key,
  bucket,
  region,
  driver,
  credentialsVersion,
  isOfOneKeeper,
}: BucketInput): Destination | Fault => {
  if (typeof driver.keys === 'string' || !driver.keys.identity.startsWith('minio+')) {
    return terminal(
      reasons.SpecInvalid,
      `Bucket ${key} is on a Provider of another type, and MinIO copies to MinIO only. Name a Bucket whose Provider has type: minio.`,
    );
  }
  // The server of the source keeps the credentials: it must be trusted with them by who has them.
  if (!isOfOneKeeper) {
    return terminal(
      reasons.ReferenceNotGranted,
      `The MinIO of this Bucket would get the credentials of the Provider of Bucket ${key}, which is of another namespace than the Provider of this Bucket. Use Providers of one namespace for both.`,
    );
  }
  const { endpoint, credentials } = driver.connection;
  if (credentials.sessionToken !== undefined) {
    return terminal(
      reasons.SpecInvalid,
      `The Provider of Bucket ${key} has temporary credentials, and MinIO keeps the ones that it copies with. Give it lasting ones.`,
    );
  }
  const { host, protocol } = new URL(endpoint);
  const { accessKeyId } = credentials;
  const healthCheckNs = healthCheckFor(credentialsVersion, accessKeyId);
  const target = { host, isSecure: protocol === 'https:', bucket, region, credentials, healthCheckNs };
  return { key, target, wire: driver.wire(region) };
};

const notByArn = terminal(
  reasons.Unsupported,
  'MinIO copies to the bucket of a Bucket, whose Provider has its address and credentials: name it by destination.bucketRef in place of bucketArn.',
);

const refused = (place: Destination, refusal: TargetRefusal, { bucket, wire }: BucketWire): Fault => {
  const { host, bucket: copies } = place.target;
  const source = new URL(wire.endpoint).host;
  const because = (message: string): Fault => waiting(reasons.RequestRefused, message, { retryAfterMs: retryMs });
  switch (refusal) {
    case 'ReplicationSourceNotVersionedError':
      return sourceNotVersioned(bucket);
    case 'RemoteTargetNotVersionedError':
      return destinationNotVersioned(place);
    case 'XMinioAdminReplicationRemoteConnectionError':
      return because(
        `The MinIO at ${source} does not reach ${host}, or that refuses the credentials of the Provider of Bucket ${place.key}. Both servers must reach each other at the endpoints of their Providers (${refusal}).`,
      );
    case 'XMinioAdminRemoteTargetNotFoundError':
      return because(
        `The MinIO at ${source} finds no bucket ${copies} at ${host}. Does that address lead to another server from there (${refusal})?`,
      );
    case 'XMinioAdminBucketRemoteAlreadyExists':
      return because(`Bucket ${bucket} has another remote target to ${host} already (${refusal}).`);
    case 'XMinioAdminRemoteIdenticalToSource':
      return because(`Bucket ${place.key} is the source itself. Name another bucketRef (${refusal}).`);
  }
};

/**
 * Copies objects to the bucket of another Bucket, on the same MinIO or another one. The server keeps the address and the credentials of that as
 * a remote target, which we make before the rules that need it, and remove after them; killed between any two calls, the next pass
 * knows by the target's own mark that it is ours. Source: docs/providers/minio.md, replication.
 */
export const minioReplication = (admin: AdminClient): Aspect<MinioReplicationWant, MinioReplication> => {
  const read = async (s3: BucketWire, context: CallContext, want?: MinioReplicationWant): Promise<MinioReplication> => {
    const found = await readReplication(s3, context);
    const targets = await listRemoteTargets(admin, s3.bucket, context);
    const faults = new Map<string, Fault>();
    for (const place of want === undefined ? [] : destinationsOf(want)) {
      const seen = await isVersioned(place.wire, place.target.bucket, context).catch(onlyFault);
      if (seen !== true) faults.set(place.key, seen === false ? destinationNotVersioned(place) : seen);
    }
    return {
      ...found,
      bucket: s3.bucket,
      targets,
      faults,
      // The server suspends no versioning while there are rules.
      isVersioned: found.rules.length > 0 || (await isVersioned(s3.wire, s3.bucket, context)),
    };
  };

  const write = async (
    s3: BucketWire,
    have: MinioReplication,
    rules: FoundReplication['rules'],
    context: CallContext,
  ): Promise<void> => {
    if (isSameReplication(rules, have.rules)) return;
    const fault = faultOfLastRule(have, rules);
    if (fault !== undefined) throw fault;
    await writeReplication(s3, { role: '', rules }, have, context);
  };

  /** Removes targets of ours that nothing needs, after the rules that have them. */
  const removeTargets = async (
    s3: BucketWire,
    have: MinioReplication,
    obsolete: readonly RemoteTarget[],
    context: CallContext,
  ): Promise<void> => {
    const arns = new Set(obsolete.map(({ arn }) => arn));
    const rest = have.rules.filter((rule) => !arns.has(arnOf(rule)));
    await write(s3, have, rest, context);
    for (const arn of arns) await removeRemoteTarget(admin, s3.bucket, arn, context);
  };

  return {
    name: 'replication',
    isApart: true,
    refersTo: replicationRefersTo,

    desired(spec, context) {
      const want = desiredReplication<Destination>(spec, context, (_rule, input) =>
        input === undefined ? notByArn : destinationOf(input),
      );
      return want && { ...want, getsVersions: spec.versioning?.enabled === true };
    },

    held(want, have) {
      const { fault, after } = planOf(want, have);
      return fault ?? faultOfLastRule(have, after);
    },
    owns: ownsReplication,
    holds: holdsReplication,
    read,
    isSet: ({ rules }) => rules.length > 0,

    diff(want, have) {
      const plan = planOf(want, have);
      if (faultOfLastRule(have, plan.after) !== undefined) return undefined;
      const hasTargets = destinationsOf(plan.want).every((place) => isCurrent(targetFor(have.targets, place), place));
      const isSame = hasTargets && plan.obsolete.length === 0 && isSameReplication(plan.after, have.rules);
      return isSame ? undefined : want;
    },

    async write(s3, wish, context) {
      let have = await read(s3, context, wish);
      const { want, obsolete } = planOf(wish, have);
      const note = removedOthers(have.rules, want);
      if (obsolete.length > 0) {
        await removeTargets(s3, have, obsolete, context);
        have = await read(s3, context, wish);
      }
      const arns = new Map<string, string>();
      for (const place of destinationsOf(want)) {
        const found = targetFor(have.targets, place);
        const made =
          isCurrent(found, place) && found !== undefined
            ? found
            : await setRemoteTarget(admin, s3.bucket, place.target, found?.arn, context);
        if ('refusal' in made) throw refused(place, made.refusal, s3);
        arns.set(place.key, made.arn);
      }
      await write(
        s3,
        have,
        mergeReplication(planOf(wish, have).lasting, want, ({ key }) => arns.get(key) ?? ''),
        context,
      );
      return note === undefined ? {} : { note };
    },

    async end(s3, { ended, kept }, context) {
      const have = await read(s3, context);
      const own = ownArns(have.targets);
      // Whatever the rules are called: those who may write them must not keep a target by another name, nor by that of another rule.
      const mayStay = (rule: ReplicationRule): boolean =>
        (kept.get(referenceOfRule(rule.ID ?? '')) ?? [])
          .map((input) => (input instanceof Fault ? input : destinationOf(input)))
          .some((seen) => leadsWhereItMay(rule, have.targets, seen instanceof Fault ? undefined : seen, ended));
      const rules = have.rules.filter((rule) => !own.has(arnOf(rule)) || mayStay(rule));
      const obsolete = obsoleteFor(rules, have.targets);
      if (obsolete.length === 0 && rules.length === have.rules.length) return false;
      await write(s3, have, rules, context);
      for (const { arn } of obsolete) await removeRemoteTarget(admin, s3.bucket, arn, context);
      return true;
    },
  };
};
