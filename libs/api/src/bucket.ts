import Type from 'typebox';
import * as features from './bucket-features.ts';
import { lifecycle } from './bucket-lifecycle.ts';
import { bucketName } from './bucket-name.ts';
import { region } from './provider.ts';
import { allowedNamespaces, reference } from './references.ts';
import { instant, list, optional, rules, type Typed } from './schema.ts';

/** A bucket and what is set on it. */
export const bucketSpec = Type.Object(
  {
    providerRef: reference(
      'Provider',
      'The Provider that has the bucket. Cannot be changed once the bucket was created.',
    ),
    name: bucketName('Name of the bucket at the provider. Cannot be changed once the bucket was created.'),
    region: optional(
      region("Region of the bucket; the Provider's when left out. Cannot be changed once the bucket was created."),
    ),
    deletionPolicy: Type.Enum(['Retain', 'Delete'], {
      description:
        'What becomes of the bucket when this object is deleted. Retain: it stays. Delete: it is deleted if it is empty.',
      default: 'Retain',
    }),
    forceDelete: Type.Boolean({
      description: 'With deletionPolicy Delete: empty the bucket first. All objects and versions in it are lost.',
      default: false,
    }),
    adoptionPolicy: Type.Enum(['IfOwned', 'Always', 'Never'], {
      description:
        'Whether a bucket that already exists is used. IfOwned: only if its owner tags (s3.cloud37.dev/…) name this object. ' +
        'Always: also without owner tags, or with those of an object that is gone; only for objects in the namespace of their ' +
        'Provider. Never: only a bucket that this object created.',
      default: 'IfOwned',
    }),
    versioning: optional(features.versioning),
    encryption: optional(features.encryption),
    publicAccess: optional(features.publicAccess),
    lifecycle: optional(lifecycle),
    cors: optional(features.cors),
    ownershipControls: optional(features.ownershipControls),
    requestPayment: optional(features.requestPayment),
    accelerate: optional(features.accelerate),
    logging: optional(features.logging),
    website: optional(features.website),
    notifications: optional(features.notifications),
    tagging: optional(features.tagging),
    replication: optional(features.replication),
    objectLock: optional(features.objectLock),
    quota: optional(features.quota),
    cloudTrail: optional(features.cloudTrail),
    allowedNamespaces: optional(
      allowedNamespaces('Bucket', 'Such a namespace can set the policy of the bucket and have keys to it.'),
    ),
  },
  {
    description: 'The bucket and what is set on it.',
    ...rules(
      {
        rule: '!has(self.objectLock) || !self.objectLock.enabled || (has(self.versioning) && self.versioning.enabled)',
        message: 'objectLock needs versioning.enabled: true',
        fieldPath: '.objectLock',
      },
      {
        rule: '!has(self.replication) || self.replication.rules.size() == 0 || (has(self.versioning) && self.versioning.enabled)',
        message: 'replication needs versioning.enabled: true',
        fieldPath: '.replication',
      },
      {
        rule: '!has(self.versioning) || !self.versioning.mfaDelete || !has(self.lifecycle) || self.lifecycle.rules.size() == 0',
        message:
          'versioning.mfaDelete and lifecycle rules exclude each other: set mfaDelete to false, or take the lifecycle rules out',
        fieldPath: '.lifecycle',
      },
      {
        rule: "!has(self.accelerate) || !self.accelerate.enabled || !self.name.contains('.')",
        message: 'accelerate needs a bucket name without dots',
        fieldPath: '.accelerate',
      },
    ),
  },
);

const count = (description: string) => Type.Integer({ description, minimum: 0, format: 'int64' });

/** What the bucket-controller found and did. Conditions and observedGeneration are the runtime's. */
export const bucketStatus = Type.Object({
  bucketName: optional(Type.String({ description: 'Name of the bucket at the provider.', maxLength: 255 })),
  arn: optional(Type.String({ description: 'ARN of the bucket.', maxLength: 512 })),
  exists: optional(
    Type.Boolean({
      description:
        'Whether the bucket of this object was there at the last look. False while the name is taken by somebody else.',
    }),
  ),
  lastSyncTime: optional(instant('When the bucket last came to be as the spec says.')),
  region: optional(Type.String({ description: 'Region the bucket is in.', maxLength: 64 })),
  endpoint: optional(Type.String({ description: 'Endpoint of the server that has the bucket.', maxLength: 512 })),
  ownership: optional(
    Type.Enum(['Created', 'Adopted'], { description: 'Whether the operator created the bucket or took it over.' }),
  ),
  createIntent: optional(
    Type.Object(
      {
        at: instant('When it was decided, by the clock of the operator.'),
        serverTime: optional(
          instant(
            'When the server said that there is no such bucket, by its own clock; absent where it tells no time.',
          ),
        ),
        bucketName: Type.String({ description: 'Name of the bucket to create.', maxLength: 255 }),
      },
      { description: 'Set before the bucket is created; tells after a crash that an unmarked bucket is ours.' },
    ),
  ),
  ownedSince: optional(
    instant("When the bucket was first this object's, by the clock of the server; absent where it tells no time."),
  ),
  proof: optional(
    Type.String({
      description:
        'Proof that the operator wrote ownership, ownedSince and createIntent; without it they do not count.',
      maxLength: 128,
    }),
  ),
  managed: optional(
    Type.Record(
      Type.String(),
      list(
        'Keys of tags, ids of rules.',
        Type.String({ description: 'One entry.', maxLength: 300 }),
        // The most entries of a list (lifecycle has 1 000), and as many that are about to take their place.
        2000,
      ),
      {
        description:
          'By feature: the entries of a list shared with others that the spec set; the only ones that are ever removed.',
        maxProperties: 20,
      },
    ),
  ),
  references: optional(
    Type.Object(
      {
        buckets: Type.Record(
          Type.String(),
          list(
            'The Buckets, as namespace/name/bucket.',
            Type.String({ description: 'One Bucket, with the name of its bucket.', maxLength: 381 }),
            // Before a reference leads elsewhere, what stands by it may still be of those before.
            100,
          ),
          {
            description: 'By feature and entry, such as replication.all: the Buckets that it may have been set up for.',
            maxProperties: 1000,
          },
        ),
        proof: Type.String({
          description: 'Proof that the operator wrote them; without it they do not count.',
          maxLength: 64,
        }),
      },
      {
        description: 'Other Buckets for which something stands at the server: it is removed when they are taken back.',
      },
    ),
  ),
  deletionProgress: optional(
    Type.Object(
      {
        deletedObjects: count('Objects, versions and delete markers that were removed.'),
        abortedUploads: count('Multipart uploads that were aborted.'),
        lockedObjects: count('Objects, versions and markers that the server refused to remove.'),
      },
      { description: 'How far the emptying of the bucket is.' },
    ),
  ),
});

export type BucketSpec = Typed<typeof bucketSpec>;
export type BucketStatus = Typed<typeof bucketStatus>;
