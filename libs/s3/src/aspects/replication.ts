import type { ReplicationRule } from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { terminal, type Fault } from '@operator/outcome';
import { bucketArn, partitionOf } from '@operator/policy';
import type { Aspect } from '../aspect.ts';
import { mayHaveEnded } from '../ended-references.ts';
import {
  desiredReplication,
  holdsReplication,
  isSameReplication,
  isWithin,
  mergeReplication,
  ownsReplication,
  readReplication,
  referenceOfRule,
  removedOthers,
  replicationRefersTo,
  writeReplication,
  type FoundReplication,
  type ReplicationWant,
} from './replication-rules.ts';

export interface RoleReplicationWant extends ReplicationWant<string> {
  /** ARN of the role; undefined where no rule of ours needs one. */
  readonly role: string | undefined;
}

const bucketOfArn = (arn: string): string => arn.slice(arn.lastIndexOf(':') + 1);

const invalid = (message: string): Fault => terminal(reasons.SpecInvalid, message);

/** Why no rule can have the role; undefined when they can. */
const faultOfRole = (role: string | undefined, isBorrowed: boolean): Fault | undefined => {
  if (isBorrowed) {
    return terminal(
      reasons.ReferenceNotGranted,
      'replication.role has rights in the account of the Provider, so only Buckets of its own namespace may name one. Declare the replication there.',
    );
  }
  return role === undefined
    ? invalid('Set replication.role to the ARN of the IAM role that copies the objects.')
    : undefined;
};

/** What a server that looks like Amazon's does with rules. */
interface RoleReplicationServer {
  /** Of the driver. */
  readonly serverIdentity: string;
  /** True when it is known to keep or refuse whatever a rule says, as Amazon does, so that a write needs no look after it. */
  readonly keepsAll: boolean;
}

/**
 * Copies objects to other buckets of the same service, with the rights of an IAM role. A rule of which a server drops the prefix copies
 * what nobody meant: where that may be, a rule whose bounds the server has not shown yet is put in Disabled and looked at first, so that it
 * copies nothing even when the process is killed before the look. What was there before is put back then.
 * Source: Amazon S3 API, GetBucketReplication, PutBucketReplication and DeleteBucketReplication.
 */
export const replicationByRole = ({
  serverIdentity,
  keepsAll,
}: RoleReplicationServer): Aspect<RoleReplicationWant, FoundReplication, RoleReplicationWant> => {
  const roleFor = ({ role, rules }: RoleReplicationWant, found: FoundReplication): string =>
    rules.length > 0 && role !== undefined ? role : found.role;
  const merged = (found: FoundReplication, want: RoleReplicationWant): FoundReplication => {
    const rules = mergeReplication(found.rules, want, (arn) => arn);
    return { rules, role: rules.length === 0 ? '' : roleFor(want, found) };
  };
  const isSame = (one: FoundReplication, other: FoundReplication): boolean =>
    isSameReplication(one.rules, other.rules) && (one.rules.length === 0 || one.role === other.role);
  const disabledUnlessIn =
    (found: FoundReplication) =>
    (rule: ReplicationRule): ReplicationRule =>
      found.rules.some((shown) => isWithin(rule, shown)) ? rule : { ...rule, Status: 'Disabled' };
  return {
    name: 'replication',
    readsWith: 'GetBucketReplication',
    refersTo: replicationRefersTo,
    desired(spec, context) {
      const role = spec.replication?.role;
      const fault = faultOfRole(role, context.isBorrowed);
      const want = desiredReplication(spec, context, ({ destination }, input) => {
        if (fault !== undefined) return fault;
        if (input === undefined) return destination.bucketArn ?? '';
        if (input.driver.serverIdentity !== serverIdentity) {
          return invalid(
            `Bucket ${input.key} is on ${input.driver.serverIdentity}, and ${serverIdentity} copies to its own buckets only. Name another bucketRef.`,
          );
        }
        return bucketArn(input.bucket, partitionOf(input.region));
      });
      return want && { ...want, role };
    },
    held: ({ fault }) => fault,
    owns: ownsReplication,
    holds: holdsReplication,
    read: readReplication,
    isSet: ({ rules }) => rules.length > 0,
    diff: (want, have) => (isSame(merged(have, want), have) ? undefined : want),
    async write(s3, want, context) {
      const found = await readReplication(s3, context);
      const wanted = merged(found, want);
      const cautious = keepsAll ? wanted : { ...wanted, rules: wanted.rules.map(disabledUnlessIn(found)) };
      await writeReplication(s3, cautious, found, context);
      const kept = keepsAll ? cautious : await readReplication(s3, context);
      if (!isSame(cautious, kept)) {
        await writeReplication(s3, found, kept, context);
        throw terminal(
          reasons.Unsupported,
          'The server accepts replication rules and keeps something else of them, so what was there before is back. Declare less in the rules (no prefix, no deleteMarkers), or use a server that keeps them.',
        );
      }
      if (!isSame(wanted, cautious)) await writeReplication(s3, wanted, kept, context);
      const note = removedOthers(found.rules, want);
      return note === undefined ? {} : { note };
    },
    async end(s3, { ended }, context) {
      const found = await readReplication(s3, context);
      // The rule of a reference may lead elsewhere by now.
      const rules = found.rules.filter(
        ({ ID = '', Destination: to }) =>
          !ended.has(referenceOfRule(ID)) || !mayHaveEnded(ended, bucketOfArn(to?.Bucket ?? '')),
      );
      if (rules.length === found.rules.length) return false;
      await writeReplication(s3, { role: found.role, rules }, found, context);
      return true;
    },
  };
};
