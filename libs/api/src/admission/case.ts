/** What a manifest in a table is, and what the API server must say to it. */
export interface AdmissionCase {
  /** A fact, such as "a bucket name has no capitals". */
  readonly title: string;
  readonly kind: KindName;
  readonly spec: unknown;
  /** Every complaint, as the field and a part of the message; none: the manifest is accepted. */
  readonly complaints: readonly Complaint[];
  /** Name of the object; `example` when left out. */
  readonly name?: string;
}

/** A change of a stored object, or of one that is valid but for the change. */
export interface UpdateCase extends AdmissionCase {
  readonly before: unknown;
  /** What the controller had written before the change; nothing when left out. */
  readonly status?: unknown;
}

export type Complaint = readonly [field: string, message: string];
export type KindName = 'Provider' | 'Bucket' | 'BucketPolicy' | 'AccessKey';

type Spec = Readonly<Record<string, unknown>>;

/** A key set to undefined is left out of the manifest. */
export const providerWith = (change: Spec = {}): Spec => ({
  type: 'minio',
  endpoint: 'https://s3.example.com',
  region: 'us-east-1',
  auth: { accessKeySecretRef: { name: 'credentials' }, secretKeySecretRef: { name: 'credentials' } },
  ...change,
});

export const bucketWith = (change: Spec = {}): Spec => ({
  providerRef: { name: 'provider' },
  name: 'example-bucket',
  ...change,
});

export const statementWith = (change: Spec = {}): Spec => ({
  effect: 'Allow',
  principal: '*',
  action: 's3:GetObject',
  resource: 'arn:aws:s3:::${bucket}/*',
  ...change,
});

export const bucketPolicyWith = (change: Spec = {}): Spec => ({
  bucketRef: { name: 'example' },
  policy: { statement: [statementWith()] },
  ...change,
});

export const accessKeyWith = (change: Spec = {}): Spec => ({ providerRef: { name: 'provider' }, ...change });

/** Two makers of cases for one kind: `accepts(title, spec)` and `refuses(title, spec, field, message, …more)`. */
export const casesFor = (kind: KindName) => ({
  accepts: (title: string, spec: unknown): AdmissionCase => ({ title, kind, spec, complaints: [] }),
  refuses: (title: string, spec: unknown, ...complaints: readonly Complaint[]): AdmissionCase => ({
    title,
    kind,
    spec,
    complaints,
  }),
});

/** Numbered items, to go over a limit. */
export const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** The complaint on a reference or another name of an object. */
export const badObjectName = 'must be the name of a Kubernetes object: lower-case letters, digits, hyphens and dots';
/** What the API server adds when a manifest is too wrong for the rules. */
export const rulesNotChecked: Complaint = ['', 'some validation rules were not checked'];
