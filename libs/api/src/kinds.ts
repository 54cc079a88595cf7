import type { TSchema } from 'typebox';
import { accessKeySpec, accessKeyStatus } from './access-key.ts';
import { bucketPolicySpec, bucketPolicyStatus } from './bucket-policy.ts';
import { bucketSpec, bucketStatus } from './bucket.ts';
import { providerSpec, providerStatus } from './provider.ts';
import { accessKeyResource, bucketPolicyResource, bucketResource, providerResource } from './resources.ts';
import { fixedOnce, type CelRule } from './schema.ts';

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'date' | 'boolean' | 'integer';
  readonly jsonPath: string;
  readonly description: string;
  /** With `-o wide` only. Never 0: the API server drops a 0, so that an apply would always find a difference. */
  readonly priority?: 1;
}

/** All that a CRD is made of. */
export interface Kind {
  readonly resource: {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
    readonly plural: string;
  };
  readonly shortName: string;
  readonly description: string;
  readonly spec: TSchema;
  /** Without conditions and observedGeneration. */
  readonly status: TSchema;
  /** The facts a person wants, shown between the name and Ready. */
  readonly columns: readonly PrinterColumn[];
  /** Fields that `kubectl get --field-selector` takes, beside name and namespace. None when absent. */
  readonly selectable?: readonly string[];
  /** Rules on the whole object. */
  readonly rules?: readonly CelRule[];
}

const column = (
  name: string,
  jsonPath: string,
  description: string,
  more: Partial<Pick<PrinterColumn, 'type' | 'priority'>> = {},
): PrinterColumn => ({ name, type: 'string', jsonPath, description, ...more });

const wide = { priority: 1 } as const;

/** Empty where the reference names none, which is the object's own namespace. */
const namespaceColumn = (kind: 'Provider' | 'Bucket', field: string) =>
  column(`${kind}-Namespace`, `.spec.${field}.namespace`, `Namespace of the ${kind}; its own when empty.`, wide);

/** Who refers to one object, across namespaces. A namespace that is left out is selected as an empty one. */
const referenceFields = (field: 'providerRef' | 'bucketRef'): readonly string[] => [
  `.spec.${field}.name`,
  `.spec.${field}.namespace`,
];

const madeBucket = {
  made: 'has(oldSelf.status.ownership) || has(oldSelf.status.createIntent)',
  since: 'once the bucket was created',
};
const madePolicy = {
  made: 'has(oldSelf.status.appliedHash) || has(oldSelf.status.pendingHash)',
  since: 'once the policy was applied',
};
const madeKey = {
  made: 'has(oldSelf.status.userName) || has(oldSelf.status.keyIntent)',
  since: 'once a user or key was created',
};

/** The four kinds, as their CRDs declare them. */
export const kinds: readonly Kind[] = [
  {
    resource: providerResource,
    shortName: 's3p',
    description: 'An S3-compatible storage provider and the credentials that manage it.',
    spec: providerSpec,
    status: providerStatus,
    columns: [
      column('Type', '.spec.type', 'Driver that speaks to the provider.'),
      column('Endpoint', '.spec.endpoint', 'URL of the S3 API.'),
      column('Region', '.spec.region', 'Region of the provider.', wide),
      column('Server', '.status.serverVersion', 'Name and version of the server.', wide),
      column('Revocation', '.status.revocation.state', 'Whether all key pairs are being replaced.', wide),
    ],
  },
  {
    resource: bucketResource,
    shortName: 's3b',
    description: 'A bucket at a Provider and what is set on it.',
    spec: bucketSpec,
    status: bucketStatus,
    columns: [
      column('Bucket', '.spec.name', 'Name of the bucket at the provider.'),
      column('Provider', '.spec.providerRef.name', 'Provider that has the bucket.'),
      namespaceColumn('Provider', 'providerRef'),
      column('Region', '.status.region', 'Region the bucket is in.', wide),
      column('Deletion', '.spec.deletionPolicy', 'What becomes of the bucket when this object is deleted.', wide),
    ],
    selectable: ['.spec.name', ...referenceFields('providerRef')],
    rules: [
      fixedOnce({ field: 'providerRef', required: true }, madeBucket),
      fixedOnce({ field: 'name', required: true }, madeBucket),
      fixedOnce({ field: 'region', required: false }, madeBucket),
    ],
  },
  {
    resource: bucketPolicyResource,
    shortName: 's3bp',
    description: 'The policy of a Bucket.',
    spec: bucketPolicySpec,
    status: bucketPolicyStatus,
    columns: [
      column('Bucket-Ref', '.spec.bucketRef.name', 'Name of the Bucket object that the policy is for.'),
      column('Applied', '.status.applied', 'Whether the bucket has this policy.', { type: 'boolean' }),
      namespaceColumn('Bucket', 'bucketRef'),
      column('Bucket', '.status.bucketName', 'Name of the bucket at the provider.', wide),
    ],
    selectable: referenceFields('bucketRef'),
    rules: [fixedOnce({ field: 'bucketRef', required: true }, madePolicy)],
  },
  {
    resource: accessKeyResource,
    shortName: 's3ak',
    description: 'A key pair for S3, kept in a Secret.',
    spec: accessKeySpec,
    status: accessKeyStatus,
    columns: [
      column('Key', '.status.accessKeyId', 'Id of the current key pair.'),
      column('Secret', '.status.secretName', 'Secret that has the key pair.'),
      column('Provider', '.spec.providerRef.name', 'Provider that knows the key pair.', wide),
      namespaceColumn('Provider', 'providerRef'),
      column('Rotation', '.status.nextRotateTime', 'When the next rotation is due.', wide),
    ],
    selectable: referenceFields('providerRef'),
    rules: [
      fixedOnce({ field: 'providerRef', required: true }, madeKey),
      {
        rule: 'has(self.spec.secretName) || self.metadata.name.size() <= 241',
        message:
          'set spec.secretName: with a name of more than 241 characters the default, <name>-credentials, is too long',
      },
    ],
  },
];
