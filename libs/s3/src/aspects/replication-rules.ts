import { isDeepStrictEqual } from 'node:util';
import {
  DeleteBucketReplicationCommand,
  GetBucketReplicationCommand,
  PutBucketReplicationCommand,
  type ReplicationRule,
  type StorageClass,
} from '@aws-sdk/client-s3';
import type { BucketSpec } from '@operator/api';
import { Fault, type CallContext } from '@operator/outcome';
import type { BucketContext, BucketInput, BucketWire, Reference } from '../aspect.ts';

type Declared = NonNullable<BucketSpec['replication']>;
type DeclaredRule = Declared['rules'][number];

/** A rule as the spec wants it. `Place`: what the copies go to, as the server's driver knows it. */
export interface WantedRule<Place> {
  readonly id: string;
  readonly isEnabled: boolean;
  /** Undefined: derived from the order. */
  readonly priority: number | undefined;
  readonly prefix: string;
  readonly place: Place;
  readonly storageClass: string | undefined;
  readonly deleteMarkers: boolean;
  readonly existingObjects: boolean;
}

export interface ReplicationWant<Place> {
  readonly rules: readonly WantedRule<Place>[];
  /** Ids of rules whose destination cannot be used now: what is there of them stays as it is. */
  readonly left: readonly string[];
  /** Why; the first. */
  readonly fault: Fault | undefined;
  /** References of the spec to Buckets that may be copied to no more, with the names of the buckets that each led to, as far as they are known. */
  readonly ended: ReadonlyMap<string, readonly string[]>;
  readonly keepsOthers: boolean;
  /** Ids of rules that an earlier spec had set, and this one may have no longer. */
  readonly former: readonly string[];
}

/** What a bucket has. */
export interface FoundReplication {
  /** Empty where there is none. */
  readonly role: string;
  readonly rules: readonly ReplicationRule[];
}

/** The reference of the rule with an id. */
export const referenceOfRule = (id: string): string => `replication.${id}`;

/** The Buckets that the rules name. */
export const replicationRefersTo = ({ replication }: BucketSpec): readonly Reference[] =>
  (replication?.rules ?? []).flatMap((rule): readonly Reference[] => {
    const { bucketRef: ref } = rule.destination;
    return ref === undefined ? [] : [{ as: referenceOfRule(rule.id), kind: 'Bucket', ref }];
  });

/**
 * What the spec wants. `placeOf`: where the copies of a rule go; `input`: the Bucket that it names. It throws the Fault for which the rule
 * stays as it is on the server.
 */
export const desiredReplication = <Place>(
  { replication }: BucketSpec,
  { inputs, managed, stands }: BucketContext,
  placeOf: (rule: DeclaredRule, input: BucketInput | undefined) => Place | Fault,
): ReplicationWant<Place> | undefined => {
  if (replication === undefined) return undefined;
  const rules: WantedRule<Place>[] = [];
  const left: string[] = [];
  const faults: Fault[] = [];
  const ended = new Map<string, readonly string[]>();
  for (const rule of replication.rules) {
    const as = referenceOfRule(rule.id);
    const input = inputs.get(as);
    if (!(input instanceof Fault) && input?.kind === 'Ended') {
      faults.push(input.fault);
      ended.set(as, stands.get(as) ?? []);
      continue;
    }
    const bucket = input instanceof Fault || input?.kind !== 'Bucket' ? undefined : input;
    const place = input instanceof Fault ? input : placeOf(rule, bucket);
    if (place instanceof Fault) {
      faults.push(place);
      left.push(rule.id);
      continue;
    }
    rules.push({
      id: rule.id,
      isEnabled: rule.status === 'Enabled',
      priority: rule.priority,
      prefix: rule.prefix ?? '',
      place,
      storageClass: rule.destination.storageClass,
      deleteMarkers: rule.deleteMarkers,
      existingObjects: rule.existingObjects,
    });
  }
  return {
    rules,
    left,
    fault: faults[0],
    ended,
    keepsOthers: replication.others === 'Keep',
    former: managed.replication ?? [],
  };
};

/** Ids of the rules of ours. */
export const ownsReplication = ({
  rules,
  left,
}: Pick<ReplicationWant<unknown>, 'rules' | 'left'>): readonly string[] => [...rules.map(({ id }) => id), ...left];

export const holdsReplication = ({ rules }: FoundReplication): readonly string[] =>
  rules.flatMap(({ ID }) => (ID === undefined ? [] : [ID]));

/** Source: Amazon S3 API, GetBucketReplication. Ceph RGW answers an empty role where there is none. */
export const readReplication = async (
  { wire, bucket }: BucketWire,
  context: CallContext,
): Promise<FoundReplication> => {
  const command = new GetBucketReplicationCommand({ Bucket: bucket });
  const answer = await wire.sendOrAbsent(command, ['ReplicationConfigurationNotFoundError'], context);
  const { Role = '', Rules = [] } = answer?.ReplicationConfiguration ?? {};
  return { role: Role, rules: Rules };
};

/** The prefix stands in one of three places, the last of them in rules of others alone. */
const prefixOf = (rule: ReplicationRule): string =>
  rule.Filter?.Prefix ?? rule.Filter?.And?.Prefix ?? (rule as { readonly Prefix?: string }).Prefix ?? '';

/** Which objects a rule copies and where to: equal for rules with equal bounds. */
const boundsOf = (rule: ReplicationRule): readonly unknown[] => [
  rule.ID ?? '',
  prefixOf(rule),
  rule.Filter?.Tag ?? null,
  rule.Filter?.And?.Tags ?? [],
  rule.Destination?.Bucket,
];

const deleteMarkersOf = (rule: ReplicationRule): string => rule.DeleteMarkerReplication?.Status ?? 'Disabled';

/** What a rule does, in one text that is equal for equal rules: with the defaults that servers fill in or leave out. */
const meaningOf = (rule: ReplicationRule): string =>
  JSON.stringify([
    ...boundsOf(rule),
    rule.Status,
    rule.Priority ?? 0,
    rule.Destination?.StorageClass ?? null,
    deleteMarkersOf(rule),
    rule.ExistingObjectReplication?.Status ?? 'Disabled',
  ]);

/** True when the server keeps the bounds of a rule, as it has shown by one that it has. */
export const isWithin = (rule: ReplicationRule, shown: ReplicationRule): boolean =>
  isDeepStrictEqual(boundsOf(rule), boundsOf(shown)) &&
  (deleteMarkersOf(rule) === 'Disabled' || deleteMarkersOf(shown) === 'Enabled');

const toServer = <Place>(
  rule: WantedRule<Place>,
  priority: number,
  arnOf: (place: Place) => string,
): ReplicationRule => ({
  ID: rule.id,
  Status: rule.isEnabled ? 'Enabled' : 'Disabled',
  Priority: priority,
  Filter: { Prefix: rule.prefix },
  Destination: {
    Bucket: arnOf(rule.place),
    ...(rule.storageClass === undefined ? {} : { StorageClass: rule.storageClass as StorageClass }),
  },
  DeleteMarkerReplication: { Status: rule.deleteMarkers ? 'Enabled' : 'Disabled' },
  ...(rule.existingObjects ? { ExistingObjectReplication: { Status: 'Enabled' } } : {}),
});

/** Numbers for the rules without one, each only once: the earlier rule has the higher. */
const prioritiesOf = (
  rules: readonly WantedRule<unknown>[],
  others: readonly ReplicationRule[],
): ReadonlyMap<string, number> => {
  const taken = new Set([...others.map(({ Priority = 0 }) => Priority), ...rules.map(({ priority }) => priority)]);
  const priorities = new Map<string, number>();
  let next = 1;
  for (const { id, priority } of rules.toReversed()) {
    while (priority === undefined && taken.has(next)) next += 1;
    priorities.set(id, priority ?? next);
    if (priority === undefined) next += 1;
  }
  return priorities;
};

/** Rules of others, which the spec may keep: those that neither this spec nor an earlier one has set. */
const othersIn = (
  found: readonly ReplicationRule[],
  want: Pick<ReplicationWant<unknown>, 'rules' | 'left' | 'former'>,
): readonly ReplicationRule[] => {
  const known = new Set([...want.former, ...ownsReplication(want)]);
  return found.filter(({ ID = '' }) => !known.has(ID));
};

/** All rules of a bucket that has `found` once the wish is fulfilled. */
export const mergeReplication = <Place>(
  found: readonly ReplicationRule[],
  want: ReplicationWant<Place>,
  arnOf: (place: Place) => string,
): readonly ReplicationRule[] => {
  const others = want.keepsOthers ? othersIn(found, want) : [];
  const left = found.filter(({ ID = '' }) => want.left.includes(ID));
  const priorities = prioritiesOf(want.rules, [...left, ...others]);
  const own = want.rules.map((rule) => toServer(rule, priorities.get(rule.id) ?? 0, arnOf));
  return [...own, ...left, ...others];
};

/** True when the two lists do the same, in whatever order they stand. */
export const isSameReplication = (one: readonly ReplicationRule[], other: readonly ReplicationRule[]): boolean =>
  JSON.stringify(one.map(meaningOf).sort()) === JSON.stringify(other.map(meaningOf).sort());

/** What to say of rules of others that a write removes; undefined when it removes none. */
export const removedOthers = (
  found: readonly ReplicationRule[],
  want: ReplicationWant<unknown>,
): string | undefined => {
  const gone = want.keepsOthers ? [] : othersIn(found, want).map(({ ID }) => ID ?? 'one without an id');
  return gone.length === 0 ? undefined : `removed rules of others: ${gone.join(', ')}`;
};

/**
 * Replaces all rules. `found`: what a GET of this pass has shown; some servers remove the bucket where there is nothing to remove.
 * Source: Amazon S3 API, PutBucketReplication and DeleteBucketReplication.
 */
export const writeReplication = async (
  { wire, bucket }: BucketWire,
  { role, rules }: FoundReplication,
  found: FoundReplication,
  context: CallContext,
): Promise<void> => {
  if (rules.length > 0) {
    const ReplicationConfiguration = { Role: role, Rules: [...rules] };
    await wire.send(new PutBucketReplicationCommand({ Bucket: bucket, ReplicationConfiguration }), context);
  } else if (found.rules.length > 0) {
    await wire.sendOrAbsent(
      new DeleteBucketReplicationCommand({ Bucket: bucket }),
      ['XMinioAdminRemoteTargetNotFoundError'],
      context,
    );
  }
};
