import type { BucketSpec } from '@operator/api';
import type { CallContext } from '@operator/outcome';
import type { OwnerMark } from '@operator/ownership';
import type { Wire } from './wire.ts';

export type { OwnerMark } from '@operator/ownership';

/** What a server can do with one feature. */
export type Support = 'Supported' | 'Unsupported' | 'Unknown';

/** What an aspect may know of the bucket beside its spec. */
export interface BucketContext {
  readonly mark: OwnerMark;
  /** Tag keys that an earlier pass wrote for the spec: only these may be removed. */
  readonly managedTagKeys: readonly string[];
  /** True when we created the bucket, false when we adopted it. */
  readonly created: boolean;
}

/** One bucket seen through one client. */
export interface BucketWire {
  readonly wire: Wire;
  readonly bucket: string;
  /** The bucket's tags, when this pass has read them already (for the mark): they are not read again. */
  readonly tags?: ReadonlyMap<string, string>;
  /** True when this very pass has made the bucket, so that what it read since is what stands there. */
  readonly isNew?: boolean;
}

/**
 * One bucket feature. `Want` is its normal form: `read` fills in server defaults and order, so that `diff` after `write` is
 * always undefined. A server without the feature makes `read` throw Fault `terminal` Unsupported (the wire does so on the
 * errors of PROVIDERS' list).
 */
export interface Aspect<Want> {
  readonly name: string;
  /** Undefined: not declared, so not managed. */
  desired(spec: BucketSpec, bucket: BucketContext): Want | undefined;
  /** Parts of the feature that reaching the wish from there needs, beside the feature itself, such as `mfaDelete`. */
  needs?(want: Want, have: Want | undefined): readonly string[];
  /** The wish with those parts left as they are: what can converge where the server lacks them. */
  without?(want: Want, have: Want | undefined, parts: readonly string[]): Want;
  read(s3: BucketWire, context: CallContext): Promise<Want | undefined>;
  /** Pure: what to write; undefined when nothing differs. */
  diff(want: Want, have: Want | undefined): Want | undefined;
  write(s3: BucketWire, to: Want, context: CallContext): Promise<void>;
}

/** One write that closes a gap. */
export interface Step {
  readonly name: string;
  apply(context: CallContext): Promise<void>;
}

/** What a look at one declared feature of one bucket found. */
export type AspectView =
  | { readonly aspect: string; readonly verdict: 'same' }
  | { readonly aspect: string; readonly verdict: 'different'; readonly step: Step }
  | { readonly aspect: string; readonly verdict: 'unsupported'; readonly message: string };

/** An aspect with its value type closed over, so that a driver can list different ones. */
export interface BoundAspect {
  readonly name: string;
  /** Reads the server; undefined when the feature is not declared. `unsupported`: the driver's own map. */
  look(
    spec: BucketSpec,
    bucket: BucketContext,
    s3: BucketWire,
    unsupported: ReadonlyMap<string, string>,
    context: CallContext,
  ): Promise<AspectView | undefined>;
  /** Finds by a read whether the server has the feature; `Unknown` when the read fails otherwise. */
  probe(s3: BucketWire, context: CallContext): Promise<Support>;
}
