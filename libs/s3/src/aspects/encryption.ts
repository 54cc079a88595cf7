import {
  DeleteBucketEncryptionCommand,
  GetBucketEncryptionCommand,
  PutBucketEncryptionCommand,
  type ServerSideEncryptionRule,
} from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { terminal, type CallContext } from '@operator/outcome';
import type { Aspect, BucketWire } from '../aspect.ts';

/** How new objects are encrypted when they do not say it themselves. */
export type EncryptionWant = EncryptionSetting | { readonly algorithm: 'unchanged' };

type EncryptionSetting =
  | { readonly algorithm: 'none' }
  | { readonly algorithm: 'AES256' }
  | { readonly algorithm: 'aws:kms'; readonly keyId: string; readonly bucketKey: boolean };

/** As read: `algorithm` may also be one that the spec does not know, such as `aws:kms:dsse`; `keyId` is absent for the server's own key. */
export interface EncryptionHave {
  readonly algorithm: string;
  readonly keyId?: string;
  readonly bucketKey: boolean;
}

/**
 * True when two names mean one key. A server may tell the ARN of what was given as an id, or the id of an ARN: MinIO has names alone,
 * and takes them with `arn:aws:kms:` before. Two whole ARNs are compared as they are, since a key may have replicas under its id.
 */
export const isSameKey = (one: string, other: string): boolean => {
  if (one === other) return true;
  const isArn = (key: string) => key.split(':').length > 5;
  if (isArn(one) && isArn(other)) return false;
  const nameOf = (key: string) => key.replace(/^arn:[^:]*:kms:(?:[^:]*:[^:]*:)?(?:key\/)?/, '');
  return nameOf(one) === nameOf(other);
};

const readRule = async (
  { wire, bucket }: BucketWire,
  context: CallContext,
): Promise<ServerSideEncryptionRule | undefined> => {
  const answer = await wire.sendOrAbsent(
    new GetBucketEncryptionCommand({ Bucket: bucket }),
    ['ServerSideEncryptionConfigurationNotFoundError'],
    context,
  );
  return answer?.ServerSideEncryptionConfiguration?.Rules?.[0];
};

const haveOf = (rule: ServerSideEncryptionRule | undefined): EncryptionHave => {
  const { SSEAlgorithm: algorithm = 'none', KMSMasterKeyID: keyId } = rule?.ApplyServerSideEncryptionByDefault ?? {};
  return {
    algorithm,
    bucketKey: rule?.BucketKeyEnabled ?? false,
    ...(keyId === undefined || keyId === '' ? {} : { keyId }),
  };
};

const isSame = (want: EncryptionSetting, have: EncryptionHave): boolean =>
  want.algorithm === have.algorithm &&
  (want.algorithm !== 'aws:kms' ||
    (want.bucketKey === have.bucketKey && have.keyId !== undefined && isSameKey(want.keyId, have.keyId)));

/**
 * Default encryption of new objects. `alwaysOn`: the server encrypts with keys of its own where nothing is set, as Amazon does, so that
 * AES256 is what `enabled: false` leads to.
 * Source: Amazon S3 API, GetBucketEncryption, PutBucketEncryption and DeleteBucketEncryption.
 */
export const encryption = ({ alwaysOn = false }: { readonly alwaysOn?: boolean } = {}): Aspect<
  EncryptionWant,
  EncryptionHave,
  EncryptionSetting
> => ({
  name: 'encryption',
  readsWith: 'GetBucketEncryption',
  desired({ encryption: declared }) {
    if (declared === undefined) return undefined;
    const { enabled, algorithm, kmsKeyId, bucketKeyEnabled } = declared;
    if (!enabled) return { algorithm: 'none' };
    return algorithm === 'aws:kms'
      ? { algorithm, keyId: kmsKeyId ?? '', bucketKey: bucketKeyEnabled ?? false }
      : { algorithm: 'AES256' };
  },
  read: async (s3, context) => haveOf(await readRule(s3, context)),
  isSet: ({ algorithm }) => algorithm !== 'none',
  needs: (want, have) =>
    want.algorithm === 'aws:kms'
      ? ['kmsEncryption', ...(want.bucketKey === have.bucketKey ? [] : (['bucketKey'] as const))]
      : [],
  without: (want, have, parts) =>
    want.algorithm !== 'aws:kms' || parts.includes('kmsEncryption')
      ? { algorithm: 'unchanged' }
      : { ...want, bucketKey: have.bucketKey },
  diff(want, have) {
    if (want.algorithm === 'unchanged') return undefined;
    if (want.algorithm === 'none' && alwaysOn && have.algorithm === 'AES256') return undefined;
    return isSame(want, have) ? undefined : want;
  },
  async write(s3, to, context) {
    const { wire, bucket } = s3;
    // Some servers take a sub-resource they do not know for the bucket itself and delete that: only what a GET has shown is deleted.
    const found = await readRule(s3, context);
    if (to.algorithm === 'none') {
      if (found === undefined) return;
      await wire.send(new DeleteBucketEncryptionCommand({ Bucket: bucket }), context);
      if (haveOf(await readRule(s3, context)).algorithm === 'none' || alwaysOn) return;
      throw terminal(
        reasons.Unsupported,
        'The server encrypts new objects by default whatever is asked for. Declare enabled: true, or remove encryption.',
      );
    }
    const rule: ServerSideEncryptionRule = {
      // What else stands in the rule, such as the kinds of encryption that are refused, is not ours to change.
      ...found,
      ApplyServerSideEncryptionByDefault: {
        SSEAlgorithm: to.algorithm,
        ...(to.algorithm === 'aws:kms' ? { KMSMasterKeyID: to.keyId } : {}),
      },
      BucketKeyEnabled: to.algorithm === 'aws:kms' && to.bucketKey,
    };
    await wire.send(
      new PutBucketEncryptionCommand({ Bucket: bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } }),
      context,
    );
  },
});
