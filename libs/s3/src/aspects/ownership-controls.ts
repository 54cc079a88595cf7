import {
  DeleteBucketOwnershipControlsCommand,
  GetBucketOwnershipControlsCommand,
  PutBucketOwnershipControlsCommand,
} from '@aws-sdk/client-s3';
import { reasons, type BucketSpec } from '@operator/api';
import { Fault, reworded, terminal, type CallContext } from '@operator/outcome';
import type { Aspect, BucketWire } from '../aspect.ts';
import { ofSoftware } from '../software.ts';
import { answerOf } from '../wire-answer.ts';

type ObjectOwnership = NonNullable<BucketSpec['ownershipControls']>['objectOwnership'];

const absent = ['OwnershipControlsNotFoundError'];

/** `none`: there is no rule, so ACLs count, unless the server has a default of its own. */
type Ownership = ObjectOwnership | 'none';

const readOwnership = async ({ wire, bucket }: BucketWire, context: CallContext): Promise<Ownership> => {
  const answer = await wire.sendOrAbsent(new GetBucketOwnershipControlsCommand({ Bucket: bucket }), absent, context);
  if (answer === undefined) return 'none';
  const found = answer.OwnershipControls?.Rules?.[0]?.ObjectOwnership;
  if (found === undefined) {
    throw terminal(
      reasons.Unsupported,
      `The server answers GetBucketOwnershipControls of bucket ${bucket} with something else.`,
    );
  }
  return found;
};

/** What servers show of a bucket that has no rule, by what the `Server` header begins with. Tried: SeaweedFS 4.48. */
const shownUnset: ReadonlyMap<string, Ownership> = new Map([['SeaweedFS', 'BucketOwnerEnforced']]);

/**
 * Whose the objects are that others write, and whether ACLs count. A server that does not know the sub-resource lists the bucket instead,
 * and takes a DELETE of it for one of the bucket: a rule is removed only right after a read has shown one. `software`: what the server says
 * it is, for some show a default where there is no rule.
 * Source: Amazon S3 API, GetBucketOwnershipControls, PutBucketOwnershipControls and DeleteBucketOwnershipControls.
 */
export const ownershipControls = (software: () => string | undefined = () => undefined): Aspect<Ownership> => {
  /** What a server of another name shows after it has said that there is no rule. */
  const learned = new Set<Ownership>();
  const isNone = (have: Ownership): boolean =>
    have === 'none' || learned.has(have) || ofSoftware(shownUnset, software() ?? '') === have;
  return {
    name: 'ownershipControls',
    readsWith: 'GetBucketOwnershipControls',
    desired: ({ ownershipControls: declared }) => declared && (declared.enabled ? declared.objectOwnership : 'none'),
    read: readOwnership,
    isSet: (have) => !isNone(have),
    diff: (want, have) => (want === have || (want === 'none' && isNone(have)) ? undefined : want),
    async write(s3, to, context) {
      const { wire, bucket } = s3;
      if (to !== 'none') return put(s3, to, context);
      const remove = () =>
        wire.sendOrAbsent(new DeleteBucketOwnershipControlsCommand({ Bucket: bucket }), absent, context);
      if ((await readOwnership(s3, context)) === 'none') return;
      await remove();
      const left = await readOwnership(s3, context);
      if (left !== 'none' && (await remove()) === undefined) learned.add(left);
    },
  };
};

const put = async ({ wire, bucket }: BucketWire, to: ObjectOwnership, context: CallContext): Promise<void> => {
  const command = new PutBucketOwnershipControlsCommand({
    Bucket: bucket,
    OwnershipControls: { Rules: [{ ObjectOwnership: to }] },
  });
  await wire.send(command, context).catch((caught: unknown) => {
    if (!(caught instanceof Fault) || answerOf(caught.cause)?.code !== 'InvalidBucketAclWithObjectOwnership')
      throw caught;
    throw reworded(
      caught,
      `The ACL of bucket ${bucket} grants something to others, which BucketOwnerEnforced does not allow. Set the ACL to private first (aws s3api put-bucket-acl --acl private). ${caught.message}`,
    );
  });
};
