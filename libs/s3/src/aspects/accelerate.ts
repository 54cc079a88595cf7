import { GetBucketAccelerateConfigurationCommand, PutBucketAccelerateConfigurationCommand } from '@aws-sdk/client-s3';
import { reasons } from '@operator/api';
import { terminal } from '@operator/outcome';
import type { Aspect } from '../aspect.ts';

/**
 * Transfer acceleration: on or off. Suspended and never enabled are both off.
 * Source: Amazon S3 API, GetBucketAccelerateConfiguration and PutBucketAccelerateConfiguration.
 */
export const accelerate: Aspect<boolean> = {
  name: 'accelerate',
  readsWith: 'GetBucketAccelerateConfiguration',
  desired: ({ accelerate: declared }) => declared?.enabled,
  async read({ wire, bucket }, context) {
    const command = new GetBucketAccelerateConfigurationCommand({ Bucket: bucket });
    const answer = await wire.sendOrAbsent(command, ['UnsupportedArgument'], context);
    if (answer === undefined) {
      throw terminal(reasons.Unsupported, `Amazon S3 has no transfer acceleration in the region ${wire.region}.`);
    }
    return answer.Status === 'Enabled';
  },
  // A server without it may answer with an empty document.
  isSet: (isEnabled) => isEnabled,
  diff: (want, have) => (want === have ? undefined : want),
  async write({ wire, bucket }, isEnabled, context) {
    const AccelerateConfiguration = { Status: isEnabled ? 'Enabled' : 'Suspended' } as const;
    await wire.send(new PutBucketAccelerateConfigurationCommand({ Bucket: bucket, AccelerateConfiguration }), context);
  },
};
