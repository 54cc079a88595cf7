import { GetBucketVersioningCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { Fault, reworded } from '@operator/outcome';
import type { Aspect } from '../aspect.ts';
import { answerOf } from '../wire-answer.ts';

/** Suspended and never enabled are both off. */
export interface VersioningWant {
  readonly enabled: boolean;
  readonly mfaDelete: boolean;
}

/**
 * Versions of objects, and the second factor for deleting them. Many servers answer 200 to MFA delete and ignore it: the
 * next look shows that. Source: Amazon S3 API, GetBucketVersioning and PutBucketVersioning.
 */
export const versioning: Aspect<VersioningWant> = {
  name: 'versioning',
  blank: { enabled: false, mfaDelete: false },
  readsWith: 'GetBucketVersioning',
  // A bucket that has never had it, and one on a server without it, look alike.
  isSet: ({ enabled, mfaDelete }) => enabled || mfaDelete,
  desired: ({ versioning: declared }) => declared && { enabled: declared.enabled, mfaDelete: declared.mfaDelete },
  needs: (want, have) => (want.mfaDelete === have.mfaDelete ? [] : ['mfaDelete']),
  without: (want, have) => ({ ...want, mfaDelete: have.mfaDelete }),
  async read({ wire, bucket }, context) {
    const { Status, MFADelete } = await wire.send(new GetBucketVersioningCommand({ Bucket: bucket }), context);
    return { enabled: Status === 'Enabled', mfaDelete: MFADelete === 'Enabled' };
  },
  diff: (want, have) => (want.enabled === have.enabled && want.mfaDelete === have.mfaDelete ? undefined : want),
  async write({ wire, bucket }, to, context) {
    const command = new PutBucketVersioningCommand({
      Bucket: bucket,
      VersioningConfiguration: {
        Status: to.enabled ? 'Enabled' : 'Suspended',
        ...(to.mfaDelete ? { MFADelete: 'Enabled' as const } : {}),
      },
    });
    await wire.send(command, context).catch((caught: unknown) => {
      if (!(caught instanceof Fault) || answerOf(caught.cause)?.code !== 'InvalidBucketState') throw caught;
      throw reworded(
        caught,
        `Versioning of bucket ${bucket} cannot be suspended, because it keeps object lock for ever. Set versioning.enabled: true. ${caught.message}`,
      );
    });
  },
};
