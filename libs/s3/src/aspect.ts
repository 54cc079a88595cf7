import type { CreateBucketCommandInput } from '@aws-sdk/client-s3';
import type { BucketFeature, BucketSpec, ObjectReference } from '@operator/api';
import type { CallContext, Fault, Redacted } from '@operator/outcome';
import type { SignedMark } from '@operator/ownership';
import type { Driver } from './driver.ts';
import type { Wire } from './wire.ts';

export type { OwnerMark } from '@operator/ownership';

/** What a server can do with one feature. */
export type Support = 'Supported' | 'Unsupported' | 'Unknown';

/**
 * Parts of features that a server may lack while it has the rest. A driver's `unsupported` names them beside whole features.
 * The `policy…` parts are asked for by BucketPolicies, and `userTags` by AccessKeys.
 */
export const parts = [
  'mfaDelete',
  'laterObjectLock',
  'kmsEncryption',
  'bucketKey',
  'publicPolicyBlock',
  'lambdaNotifications',
  'sqsNotifications',
  'snsNotifications',
  'lifecycleTransitions',
  'lifecycleAbort',
  'lifecycleTags',
  'lifecycleSizes',
  'lifecycleNewerVersions',
  'lifecyclePrefix',
  'loggingPartitionedPrefix',
  'policyPrincipals',
  'policyNotAction',
  'policyNotPrincipal',
  'policyPrincipalKinds',
  'policyAbsentKeys',
  'policySecureTransport',
  'policyAccountPrincipal',
  'userTags',
] as const;
export type Part = (typeof parts)[number];

/** What reaching a wish needs: a part that the server may lack, or what stands in the way on every server, in words. */
export type Need = Part | { readonly message: string };

/** What a driver knows that its server refuses or silently ignores: the feature, or the part of one → what to tell the person. */
export type UnsupportedFeatures = ReadonlyMap<BucketFeature | Part, string>;

/**
 * Something outside the bucket that an aspect needs. `as`: how the aspect finds it in `BucketContext.inputs`; begins with the name
 * of the feature, such as `versioning.mfa`.
 */
export type Reference =
  /** A Secret of the Bucket's own namespace. */
  | { readonly as: string; readonly kind: 'Secret'; readonly name: string; readonly keys: readonly string[] }
  | { readonly as: string; readonly kind: 'Bucket'; readonly ref: ObjectReference }
  | { readonly as: string; readonly kind: 'Provider'; readonly ref: ObjectReference };

/** What a reference led to. */
export type Input =
  | { readonly kind: 'Secret'; readonly values: ReadonlyMap<string, Redacted<string>> }
  /** `region`: where the bucket is. `driver`: of the Provider of that bucket. */
  | {
      readonly kind: 'Bucket';
      /** `namespace/name` of the object. */
      readonly key: string;
      readonly bucket: string;
      readonly region: string;
      readonly driver: Driver;
      /** Of that Provider; moves with its Secrets. */
      readonly credentialsVersion: string;
      /**
       * True when that Provider and the Provider of this bucket are of one namespace: only then may the credentials of the one be made
       * known to the server of the other.
       */
      readonly isOfOneKeeper: boolean;
    }
  | { readonly kind: 'Provider'; readonly driver: Driver }
  /** It is gone, or its owner has taken it back for good: what there is by this reference ends. The Fault says no more than of one that never was. */
  | { readonly kind: 'Ended'; readonly fault: Fault };

export type BucketInput = Extract<Input, { readonly kind: 'Bucket' }>;

/** By `Reference.as`. A Fault: the reference leads nowhere, may not be followed, or not yet. */
export type Inputs = ReadonlyMap<string, Input | Fault>;

/** Ids of our entries in lists that we share with others, by feature. */
export type Managed = Readonly<Partial<Record<BucketFeature, readonly string[]>>>;

/** What an aspect may know of the bucket beside its spec. */
export interface BucketContext {
  readonly mark: SignedMark;
  /** Entries that an earlier pass may have written for the spec: only these may be removed from a list that is shared. */
  readonly managed: Managed;
  /** True when we created the bucket, false when we adopted it. */
  readonly created: boolean;
  /** True when the Provider is of another namespace, which lends it. */
  readonly isBorrowed: boolean;
  /** By `Reference.as`: names of the buckets for which something of ours may stand, as is proven. */
  readonly stands: ReadonlyMap<string, readonly string[]>;
  /** What the references of the spec led to. An aspect without `held` is asked only when all of its own were found. */
  readonly inputs: Inputs;
}

/** One bucket seen through one client. */
export interface BucketWire {
  readonly wire: Wire;
  readonly bucket: string;
  /** The bucket's tags, when this pass has read them already (for the mark): they are not read again. */
  readonly tags?: ReadonlyMap<string, string>;
  /** True when this very pass has made the bucket, so that what it read since is what stands there. */
  readonly isNew?: boolean;
  /** True when it was made by this pass with nothing but its name, and nobody else can have made it: what it has needs no read. */
  readonly isBlank?: boolean;
}

/** What there is to say of a write beside that it was made. */
export interface Written {
  /**
   * Parts that the server refused, or took and did not keep. Everything else was written. They count as unsupported for this bucket and
   * this declaration, so that the write is not repeated in each pass.
   */
  readonly lost?: ReadonlyMap<Part, string>;
  /** What else was changed, for an Event, such as `removed rules of others: theirs`. */
  readonly note?: string;
}

/**
 * One bucket feature: what is wanted, what is there, and the change from the one to the other. They are one type where a write
 * replaces a setting of our own. All three are normal forms: `read` fills in server defaults and order, so that `diff` after
 * `write` is always undefined. A server without the feature makes `read` throw Fault `terminal` Unsupported (the wire does so on the
 * answers that docs/providers/README.md lists); an aspect throws the same, without a cause, for a lack that it has seen itself.
 */
export interface Aspect<Want, Have = Want, Change = Want> {
  readonly name: BucketFeature;
  /** What a bucket has that was made with nothing but its name; absent where servers give a new bucket something of their own. */
  readonly blank?: Have;
  /** The API's name of the call that `read` makes: where the server is known to lack it, it is not asked in each look. */
  readonly readsWith?: string;
  /** What lies outside the bucket and must be found first: a Secret, another Bucket, another Provider. */
  refersTo?(spec: BucketSpec): readonly Reference[];
  /** Undefined: not ours to manage. */
  desired(spec: BucketSpec, bucket: BucketContext): Want | undefined;
  /** What the bucket must be born with, because it cannot have it later. */
  atCreation?(want: Want): Partial<CreateBucketCommandInput>;
  /** Ids of our entries in a list that we share with others, as `Managed` keeps them. Needs `holds`. */
  owns?(want: Want): readonly string[];
  /** Ids of all entries that are there: what is gone needs no memory. */
  holds?(have: Have): readonly string[];
  /** True where the feature is of another service than the bucket: no failure there says anything of the bucket. */
  readonly isApart?: boolean;
  /** Absence is a value of `Have`. `want`: what it is compared with, where that says where to look; undefined in a probe. */
  read(s3: BucketWire, context: CallContext, want?: Want): Promise<Have>;
  /** Pure. True when what is there can only be there because somebody set it: such a read proves that the server has the feature. */
  isSet(have: Have): boolean;
  /** What reaching the wish from there needs, beside the feature itself. */
  needs?(want: Want, have: Have): readonly Need[];
  /** The wish with those left as they are: what can converge all the same. */
  without?(want: Want, have: Have, missing: readonly Need[]): Want;
  /**
   * Pure: why the wish cannot be fulfilled whole now, where `diff` and `write` leave out what cannot be reached; it is said once the rest is
   * there. An aspect that has this also judges for itself what a reference means that leads nowhere.
   */
  held?(want: Want, have: Have): Fault | undefined;
  /** Pure: what to write; undefined when nothing differs. */
  diff(want: Want, have: Have): Change | undefined;
  /** A list that is shared is read again and merged. Nothing returned: all of it was written. `Written.lost` needs `without`. */
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- of most writes there is nothing to say
  write(s3: BucketWire, change: Change, context: CallContext): Promise<Written | void>;
  /**
   * Removes what stands by references that ended, whatever the spec says by now: it may be paused, or silent. For an aspect with references
   * to Buckets. @returns true when anything was there
   */
  end?(s3: BucketWire, references: EndedReferences, context: CallContext): Promise<boolean>;
  /** Undoes what lies outside the bucket, before the bucket is removed, and of what is apart also after it is gone; what is gone already counts as undone. */
  retire?(s3: BucketWire, last: LastWish, context: CallContext): Promise<void>;
}

/** References that lead nowhere any more, and those beside them, as `Reference.as`. */
export interface EndedReferences {
  /** With the names of the buckets that each led to, as far as they are known. */
  readonly ended: ReadonlyMap<string, readonly string[]>;
  /** With the Buckets that each leads to, or why that cannot be seen now: what a reference is called proves nothing. */
  readonly kept: ReadonlyMap<string, readonly (BucketInput | Fault)[]>;
}

/** What a Bucket that is being deleted said last. */
export interface LastWish {
  readonly spec: BucketSpec;
  readonly bucket: BucketContext;
  /** True when the bucket is not there any more: only what stands apart from it is left. */
  readonly isGone?: boolean;
}

/** How a step ended; `refused`: the server does not have this, which is remembered. `note`: see `Written`. */
export type StepEnd =
  { readonly end: 'done'; readonly note?: string } | { readonly end: 'refused'; readonly message: string };

/** One write that closes a gap. */
export interface Step {
  readonly name: BucketFeature;
  /** @throws Fault when the write failed otherwise */
  apply(context: CallContext): Promise<StepEnd>;
}

/** What a look at one declared feature of one bucket found. */
export type Finding =
  | { readonly verdict: 'same' }
  | { readonly verdict: 'different'; readonly step: Step }
  /** The server lacks what is declared. */
  | { readonly verdict: 'unsupported'; readonly message: string }
  /** It cannot be seen, or what it needs is not there; the other features go on. */
  | { readonly verdict: 'blocked'; readonly fault: Fault };

/** `managed`: the ids that count as ours from now on, for a feature that keeps some. They must be stored before the step. */
export type AspectView = Finding & { readonly aspect: BucketFeature; readonly managed?: readonly string[] };

/** An aspect with its value types closed over, so that a driver can list different ones. */
export interface BoundAspect {
  readonly name: BucketFeature;
  /** True where the feature is of another service than the bucket, so that it outlives the bucket. */
  readonly isApart: boolean;
  refersTo(spec: BucketSpec): readonly Reference[];
  /**
   * Reads the server; undefined when the feature is not declared. `unsupported`: the driver's own map.
   * @throws Fault that is not of this feature alone
   */
  look(
    spec: BucketSpec,
    bucket: BucketContext,
    s3: BucketWire,
    unsupported: UnsupportedFeatures,
    context: CallContext,
  ): Promise<AspectView | undefined>;
  /** What is declared that must be there from the beginning. @throws Fault when a reference that it needs leads nowhere */
  birth(spec: BucketSpec, bucket: BucketContext): Birth;
  /** Finds by a read whether the server has the feature; `Unknown` when the read leaves it open. */
  probe(s3: BucketWire, context: CallContext): Promise<Support>;
  /** Absent where nothing stands by references to Buckets. */
  readonly end?: (s3: BucketWire, references: EndedReferences, context: CallContext) => Promise<boolean>;
  /** Absent where nothing lies outside the bucket. */
  readonly retire?: (s3: BucketWire, last: LastWish, context: CallContext) => Promise<void>;
}

/** What a bucket is created with on account of one feature. */
export interface Birth {
  readonly input: Partial<CreateBucketCommandInput>;
  /** Ids of entries that are about to be written. */
  readonly owns: readonly string[];
}
