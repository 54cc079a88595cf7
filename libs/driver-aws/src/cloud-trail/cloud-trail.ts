import { partitionOf } from '@operator/policy';
import { reasons } from '@operator/api';
import { terminal, waiting, type Fault } from '@operator/outcome';
import type { Aspect, BucketWire } from '@operator/s3';
import { changeTo, objectsOf, recordedOf, type Events } from './event-selectors.ts';
import type { TrailName, Trails } from './trails.ts';

export interface CloudTrailWant {
  /** Name or ARN. */
  readonly trail: string;
  /** Undefined: none are to be recorded. */
  readonly events: Events | undefined;
  /** Trails on which an earlier spec had them recorded. */
  readonly former: readonly string[];
  /** Why no trail is touched, or asked about. */
  readonly fault?: Fault;
}

const ofBorrower = terminal(
  reasons.ReferenceNotGranted,
  'The trails are those of the account of the Provider, so only Buckets of its own namespace may name one. Remove cloudTrail, and ask the owner of the Provider to record the bucket.',
);

/** What one trail records of the bucket by selectors of ours. */
interface Recording {
  readonly trail: string;
  readonly arn: string;
  readonly recorded: ReturnType<typeof recordedOf>;
}

interface Change {
  readonly trail: string;
  readonly events: Events | undefined;
}

/** A trail is asked where it is at home: an ARN says where, a name is taken to be of the bucket's region. */
const nameOf = (trail: string, { wire }: BucketWire): TrailName => ({
  trail,
  region: trail.startsWith('arn:') ? (trail.split(':')[3] ?? wire.region) : wire.region,
});

const objectsIn = ({ wire, bucket }: BucketWire): string => objectsOf(bucket, partitionOf(wire.region));

/**
 * Data events of a bucket on a trail that exists, by read, merge and write of its event selectors. A trail that is not there records nothing.
 * Source: CloudTrail API, GetEventSelectors and PutEventSelectors.
 */
export const cloudTrail = (trails: Trails): Aspect<CloudTrailWant, readonly Recording[], readonly Change[]> => {
  const record = (s3: BucketWire, { trail, events }: Change, context: Parameters<Trails['change']>[2]) =>
    trails.change(nameOf(trail, s3), (selectors) => changeTo(selectors, objectsIn(s3), events), context);
  return {
    name: 'cloudTrail',
    isApart: true,
    desired({ cloudTrail: declared }, { managed, isBorrowed }) {
      if (declared === undefined) return undefined;
      const { trail, enabled, events } = declared;
      // Also off: what the owner of the account has recorded is not the borrower's to end.
      if (isBorrowed) return enabled ? { trail, events: undefined, former: [], fault: ofBorrower } : undefined;
      return {
        trail,
        events: enabled ? events : undefined,
        former: (managed.cloudTrail ?? []).filter((other) => other !== trail),
      };
    },
    held: ({ fault }) => fault,
    owns: ({ trail, events }) => (events === undefined ? [] : [trail]),
    holds: (have) => have.flatMap(({ trail, recorded }) => (recorded.length === 0 ? [] : [trail])),
    async read(s3, context, want) {
      const have: Recording[] = [];
      if (want === undefined || want.fault !== undefined) return have;
      for (const trail of [want.trail, ...want.former]) {
        const seen = await trails.look(nameOf(trail, s3), context);
        if (seen !== undefined)
          have.push({ trail, arn: seen.arn, recorded: recordedOf(seen.selectors, objectsIn(s3)) });
        else if (trail === want.trail && want.events !== undefined) throw missing(nameOf(trail, s3));
      }
      return have;
    },
    isSet: (have) => have.some(({ recorded }) => recorded.length > 0),
    diff(want, have) {
      const arn = have.find(({ trail }) => trail === want.trail)?.arn;
      const changes = have.flatMap(({ trail, arn: other, recorded }): readonly Change[] => {
        // The same trail under its other name.
        if (trail !== want.trail && other === arn) return [];
        const events = trail === want.trail ? want.events : undefined;
        const isAsWanted =
          events === undefined ? recorded.length === 0 : recorded.length === 1 && recorded[0] === events;
        return isAsWanted ? [] : [{ trail, events }];
      });
      return changes.length === 0 ? undefined : changes;
    },
    async write(s3, changes, context) {
      for (const change of changes) {
        const isThere = await record(s3, change, context);
        if (!isThere && change.events !== undefined) throw missing(nameOf(change.trail, s3));
      }
    },
    async retire(s3, { spec: { cloudTrail: declared }, bucket: { managed, isBorrowed } }, context) {
      if (isBorrowed) return;
      const concerned = [...(declared?.enabled === true ? [declared.trail] : []), ...(managed.cloudTrail ?? [])];
      for (const trail of new Set(concerned)) await record(s3, { trail, events: undefined }, context);
    },
  };
};

const missing = ({ trail, region }: TrailName) =>
  waiting(
    reasons.TrailNotFound,
    `There is no trail ${trail} in region ${region}. Create it, or correct spec.cloudTrail.trail; a trail of another region or account is named by its ARN.`,
    { retryAfterMs: 300_000 },
  );
