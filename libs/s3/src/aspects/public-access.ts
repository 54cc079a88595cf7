import { GetPublicAccessBlockCommand, PutPublicAccessBlockCommand } from '@aws-sdk/client-s3';
import { reasons, type BucketSpec } from '@operator/api';
import { Fault, terminal, type CallContext } from '@operator/outcome';
import type { Aspect, BucketWire } from '../aspect.ts';
import type { Driver } from '../driver.ts';

/** The four flags of a public access block; a bucket without one has them all off. */
type PublicAccessWant = NonNullable<BucketSpec['publicAccess']>;

const none: PublicAccessWant = {
  blockPublicAcls: false,
  blockPublicPolicy: false,
  ignorePublicAcls: false,
  restrictPublicBuckets: false,
};
const closed: PublicAccessWant = {
  blockPublicAcls: true,
  blockPublicPolicy: true,
  ignorePublicAcls: true,
  restrictPublicBuckets: true,
};

const isSame = (one: PublicAccessWant, other: PublicAccessWant): boolean =>
  one.blockPublicAcls === other.blockPublicAcls &&
  one.blockPublicPolicy === other.blockPublicPolicy &&
  one.ignorePublicAcls === other.ignorePublicAcls &&
  one.restrictPublicBuckets === other.restrictPublicBuckets;

/**
 * What of public access is kept: the flags of the spec, and all four where it has none and we made the bucket. Undefined: left as it
 * is. `created`: whether we made it.
 */
export const publicAccessOf = (
  { publicAccess: declared }: Pick<BucketSpec, 'publicAccess'>,
  { created }: { readonly created: boolean },
): PublicAccessWant | undefined => declared ?? (created ? closed : undefined);

/**
 * The public access block. All flags off are put, never deleted: some servers take that DELETE for one of the bucket.
 * Source: Amazon S3 API, GetPublicAccessBlock and PutPublicAccessBlock.
 */
export const publicAccess: Aspect<PublicAccessWant> = {
  name: 'publicAccess',
  readsWith: 'GetPublicAccessBlock',
  desired: publicAccessOf,
  async read({ wire, bucket }, context) {
    const answer = await wire.sendOrAbsent(
      new GetPublicAccessBlockCommand({ Bucket: bucket }),
      ['NoSuchPublicAccessBlockConfiguration'],
      context,
    );
    const found = answer?.PublicAccessBlockConfiguration;
    // A server that does not know the sub-resource lists the bucket instead: the answer has none of the flags, a block has all four.
    if (answer !== undefined && Object.values(found ?? {}).every((flag) => flag === undefined)) {
      throw terminal(
        reasons.Unsupported,
        `The server answers GetPublicAccessBlock of bucket ${bucket} with something else.`,
      );
    }
    return {
      blockPublicAcls: found?.BlockPublicAcls ?? false,
      blockPublicPolicy: found?.BlockPublicPolicy ?? false,
      ignorePublicAcls: found?.IgnorePublicAcls ?? false,
      restrictPublicBuckets: found?.RestrictPublicBuckets ?? false,
    };
  },
  isSet: (have) => !isSame(have, none),
  diff: (want, have) => (isSame(want, have) ? undefined : want),
  async write({ wire, bucket }, to, context) {
    await wire.send(
      new PutPublicAccessBlockCommand({
        Bucket: bucket,
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: to.blockPublicAcls,
          BlockPublicPolicy: to.blockPublicPolicy,
          IgnorePublicAcls: to.ignorePublicAcls,
          RestrictPublicBuckets: to.restrictPublicBuckets,
        },
      }),
      context,
    );
  },
};

/**
 * What a server does about public policies of a bucket. `enforced`: its public access block is as wanted. `later`: it has blocks, and this
 * one is not as wanted, or not yet. `none`: it has no such thing, or none for policies.
 */
export type PolicyBlock = 'enforced' | 'later' | 'none';

/** Sees that, by at most one read. `wanted`: the flags that are kept. @throws Fault when it may not be read */
export const readPolicyBlock = async (
  { aspects, unsupported }: Pick<Driver, 'aspects' | 'unsupported'>,
  s3: BucketWire,
  wanted: PublicAccessWant,
  context: CallContext,
): Promise<PolicyBlock> => {
  const mayHaveOne = aspects.some(({ name }) => name === 'publicAccess') && !unsupported.has('publicPolicyBlock');
  if (!mayHaveOne || s3.wire.lacks('GetPublicAccessBlock')) return 'none';
  try {
    const have = await publicAccess.read(s3, context);
    const isThere =
      (have.blockPublicPolicy || !wanted.blockPublicPolicy) &&
      (have.restrictPublicBuckets || !wanted.restrictPublicBuckets);
    return isThere ? 'enforced' : 'later';
  } catch (caught) {
    if (caught instanceof Fault && caught.reason === reasons.Unsupported) return 'none';
    throw caught;
  }
};

/**
 * The same on a server that has neither a public access block nor public ACLs: what is asked of ACLs is met, and what is asked of
 * policies is the part `publicPolicyBlock`. No call is made.
 */
export const publicAccessWithoutAcls: Aspect<PublicAccessWant> = {
  name: 'publicAccess',
  desired: ({ publicAccess: declared }) => declared,
  read: (_s3, context) => {
    context.signal.throwIfAborted();
    return Promise.resolve({ ...none, blockPublicAcls: true, ignorePublicAcls: true });
  },
  isSet: () => false,
  needs: () => ['publicPolicyBlock'],
  without: (_want, have) => have,
  diff: ({ blockPublicPolicy, restrictPublicBuckets }, have) => {
    const want = { ...have, blockPublicPolicy, restrictPublicBuckets };
    return isSame(want, have) ? undefined : want;
  },
  write: () => Promise.reject(new Error('a server without a public access block has nothing to write')),
};
