import type { CallContext } from '@operator/outcome';
import type { BoundAspect, Support, UnsupportedFeatures } from './aspect.ts';
import type { Connection, Credentials } from './connection.ts';
import type { CreationTags } from './creation-tags.ts';
import type { DriverDeps } from './deps.ts';
import type { KeyIssuer } from './key-issuer.ts';
import type { Wire } from './wire.ts';

/** What a server can do, by feature name; names are those of the aspects, plus `accessKeys` and finer ones such as `mfaDelete`. */
export type Capabilities = Readonly<Record<string, Support>>;

/** What a look at the server with the Provider's own credentials found. */
export interface Health {
  /** The account that ListBuckets names as owner, where the server tells. */
  readonly accountId?: string;
  readonly serverVersion?: string;
  /** True when the credentials are good yet may not list buckets. */
  readonly listDenied: boolean;
  /** When the certificate ends first among those that its hosts have shown; absent without TLS, or before a full handshake. */
  readonly certificateExpiresAt?: Date;
}

/**
 * One kind of S3 server: which bucket features it has, how keys are issued, and its quirks. Everything that all servers share
 * (existence, observing, emptying) is a function over a Driver. Drivers know nothing of Kubernetes.
 */
export interface Driver {
  readonly connection: Connection;
  /** The bucket features of this server. In which order they are applied is stated in `bucketFeatures`. */
  readonly aspects: readonly BoundAspect[];
  /** Features, or parts of them, that this server refuses or silently ignores: feature → what to tell the person. */
  readonly unsupported: UnsupportedFeatures;
  /** Issues access keys; a string tells why this Provider cannot and what to set. */
  readonly keys: KeyIssuer | string;
  /** True when the server keeps bucket tags, where the owner's mark lives. */
  readonly marksBuckets: boolean;
  /** Absent where CreateBucket carries no tags, because nobody knows what the server makes of them. */
  readonly creationTags?: CreationTags;
  /**
   * True when the server refuses to create a bucket that is there: then whoever it grants a creation has made the bucket, and knows what is
   * in it. Absent where it may grant one twice (Amazon's us-east-1), or where nobody knows.
   */
  readonly refusesRecreation?: true;
  /** True when the server is known to refuse DeleteBucket while the bucket holds anything; all others are looked into first. */
  readonly guardsContent: boolean;
  /** Milliseconds for which the server may deny a bucket that it has made; absent where it knows what it did. */
  readonly settlesInMs?: number;
  /** A warning to tell before a bucket's objects are deleted (a minimum storage duration, say). */
  readonly deletionWarning?: string;
  /** The identity of this server for claims: Providers with equal values reach the same buckets. */
  readonly serverIdentity: string;
  /** The client for buckets in a region; pooled, the connection's own region when absent. */
  wire(region?: string): Wire;
  /** A client with other credentials on the same server: to verify an issued key as its user would. */
  wireAs(credentials: Credentials): Wire;
  /**
   * True when the server answers AccessDenied to keys that it does not know, so that this proves nothing of a key. Asked once,
   * with a made-up key; remembered for the life of the driver.
   */
  deniesUnknownKeys(context: CallContext): Promise<boolean>;
  /**
   * Reaches the server once, without retry.
   * @throws Fault `waiting` AuthFailed, ClockSkew, WrongRegion, TlsFailed, NotAnS3Server; `transient` EndpointUnreachable, Throttled
   */
  checkHealth(context: CallContext): Promise<Health>;
  /** Finds what the server can do, by reads only. `bucket`: a bucket of ours to read from, when there is one. */
  probe(context: CallContext, bucket?: string): Promise<Capabilities>;
  /** Ends the pooled connections. */
  close(): void;
}

export type DriverFactory = (connection: Connection, deps: DriverDeps) => Driver;
