import Type from 'typebox';
import { bucketPolicyDocument } from './policy-document.ts';
import { reference } from './references.ts';
import { instant, optional, type Typed } from './schema.ts';

/** The policy of one bucket. */
export const bucketPolicySpec = Type.Object(
  {
    bucketRef: reference('Bucket', 'The Bucket that gets the policy. Cannot be changed once the policy was applied.'),
    policy: bucketPolicyDocument,
  },
  { description: 'The bucket and its policy.' },
);

/** What the policy-controller did. Conditions and observedGeneration are the runtime's. */
export const bucketPolicyStatus = Type.Object({
  applied: optional(Type.Boolean({ description: 'Whether the bucket has this policy.' })),
  lastSyncTime: optional(instant('When the bucket last came to have this policy.')),
  appliedHash: optional(
    Type.String({
      description: 'Hash of the policy that stands on the bucket; only what this object put there is ever removed.',
      maxLength: 128,
    }),
  ),
  pendingHash: optional(
    Type.String({
      description:
        'Hash of a policy that is about to be applied, or of one that the server keeps in another form, as it was sent.',
      maxLength: 128,
    }),
  ),
  bucketName: optional(Type.String({ description: 'Name of the bucket at the provider.', maxLength: 255 })),
  region: optional(Type.String({ description: 'Region the bucket is in.', maxLength: 64 })),
  providerRef: optional(
    Type.Object(
      {
        name: Type.String({ description: 'Name of the Provider.', maxLength: 253 }),
        namespace: Type.String({ description: 'Namespace of the Provider.', maxLength: 63 }),
      },
      { description: 'Provider that has the bucket; lets the policy be removed when the Bucket object is gone.' },
    ),
  ),
  proof: optional(
    Type.String({
      description: 'Proof that the operator wrote where the policy is and which it is; without it they do not count.',
      maxLength: 128,
    }),
  ),
});

export type BucketPolicySpec = Typed<typeof bucketPolicySpec>;
export type BucketPolicyStatus = Typed<typeof bucketPolicyStatus>;
