import type {
  DeleteBucketCorsCommandOutput,
  GetBucketNotificationConfigurationCommandInput,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-s3';
import type { CallContext } from '@operator/outcome';
import { makeBuilder } from '@smithy/core/client';
import { getEndpointPlugin } from '@smithy/core/endpoints';
import type { BucketWire } from '../aspect.ts';

/* Some servers, Ceph RGW for one, keep notifications by id: a PUT adds to what is there, and one alone can be read and removed. */

interface ById extends GetBucketNotificationConfigurationCommandInput {
  readonly Id: string;
}

type Answer = Pick<DeleteBucketCorsCommandOutput, '$metadata'>;

const command = makeBuilder<S3ClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes>(
  {
    Bucket: { type: 'contextParams', name: 'Bucket' },
    Endpoint: { type: 'builtInParams', name: 'endpoint' },
    Region: { type: 'builtInParams', name: 'region' },
    ForcePathStyle: { type: 'clientContextParams', name: 'forcePathStyle' },
    UseFIPS: { type: 'builtInParams', name: 'useFipsEndpoint' },
    UseDualStack: { type: 'builtInParams', name: 'useDualstackEndpoint' },
  },
  'AmazonS3',
  'S3Client',
  getEndpointPlugin,
);

/** As the SDK describes its own operations. */
const operation = (method: 'GET' | 'DELETE', name: string) =>
  command<ById, Answer>({}, () => [], name, [
    9,
    'com.amazonaws.s3',
    name,
    { http: [method, '/', 200] },
    () => [
      3,
      'com.amazonaws.s3',
      `${name}Request`,
      0,
      ['Bucket', 'Id'],
      [
        [0, 1],
        [0, { httpQuery: 'notification' }],
      ],
      2,
    ],
    () => 'unit',
  ]);

const GetBucketNotificationCommand = operation('GET', 'GetBucketNotification');
const DeleteBucketNotificationCommand = operation('DELETE', 'DeleteBucketNotification');

/** An id that nobody has given to a notification. */
const nobodys = 's3op-nobody-has-this-id';

/**
 * True when the server keeps the notifications of a bucket by their ids. It is asked for one that nobody has: a server that does not
 * know such requests answers with all that are there.
 * Source: Ceph documentation, "S3 Bucket Notifications Compatibility", Get Notification
 */
export const keepsNotificationsById = async ({ wire, bucket }: BucketWire, context: CallContext): Promise<boolean> => {
  const command = new GetBucketNotificationCommand({ Bucket: bucket, Id: nobodys });
  return (await wire.sendOrAbsent(command, ['NoSuchKey'], context)) === undefined;
};

/**
 * Removes one notification. Only for a server that `keepsNotificationsById`, and for an id that it has shown: others take this for
 * DeleteBucket. Source: Ceph documentation, "S3 Bucket Notifications Compatibility", Delete Notification
 */
export const deleteNotification = async (
  { wire, bucket }: BucketWire,
  id: string,
  context: CallContext,
): Promise<void> => {
  if (id === '') throw new TypeError('without an id all notifications would go');
  await wire.send(new DeleteBucketNotificationCommand({ Bucket: bucket, Id: id }), context);
};
