import { GetBucketRequestPaymentCommand, PutBucketRequestPaymentCommand } from '@aws-sdk/client-s3';
import { reasons, type BucketSpec } from '@operator/api';
import { terminal } from '@operator/outcome';
import type { Aspect } from '../aspect.ts';

type Payer = NonNullable<BucketSpec['requestPayment']>['payer'];

/**
 * Who pays for requests. A server with the feature always names a payer; one that does not know the sub-resource may answer with
 * another document, and would take a PUT of it for CreateBucket.
 * Source: Amazon S3 API, GetBucketRequestPayment and PutBucketRequestPayment.
 */
export const requestPayment: Aspect<Payer> = {
  name: 'requestPayment',
  readsWith: 'GetBucketRequestPayment',
  desired: ({ requestPayment: declared }) => declared?.payer,
  async read({ wire, bucket }, context) {
    const { Payer: payer } = await wire.send(new GetBucketRequestPaymentCommand({ Bucket: bucket }), context);
    if (payer === undefined) {
      throw terminal(reasons.Unsupported, 'The server does not say who pays for requests, so it does not have this.');
    }
    return payer;
  },
  // A server may say that the owner pays, and know nothing else.
  isSet: (payer) => payer === 'Requester',
  diff: (want, have) => (want === have ? undefined : want),
  async write({ wire, bucket }, payer, context) {
    await wire.send(
      new PutBucketRequestPaymentCommand({ Bucket: bucket, RequestPaymentConfiguration: { Payer: payer } }),
      context,
    );
  },
};
