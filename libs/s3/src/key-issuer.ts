import type { CallContext, Redacted } from '@operator/outcome';
import type { OwnerMark } from './aspect.ts';
import type { Credentials } from './connection.ts';

/** A rendered IAM policy document, with IAM's capitals. */
export type RenderedPolicy = Readonly<Record<string, unknown>>;

/** How large a policy is: its bytes without white space, which IAM does not count. */
export const policyBytes = (policy: RenderedPolicy): number =>
  Buffer.byteLength(JSON.stringify(policy).replaceAll(/\s/g, ''));

export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: Redacted<string>;
}

/** The user behind one AccessKey, owned by it alone. */
export interface KeyUser {
  /** As `userNameFor` made it. */
  readonly name: string;
  readonly mark: OwnerMark;
  /** As the server has shown it, for what may outlive the user. Not known when absent; anybody's word, so it proves nothing. */
  readonly arn?: string;
  readonly displayName?: string;
  readonly tags: ReadonlyMap<string, string>;
}

export interface ObservedKey {
  readonly accessKeyId: string;
  readonly isActive: boolean;
  readonly createdAt?: Date;
  /** Whether it says itself that the operator made it for this AccessKey; absent where keys say nothing. */
  readonly isMarked?: boolean;
}

export interface ObservedUser {
  /** How a bucket policy names this user. */
  readonly arn: string;
  /** False when a user of that name exists and bears somebody else's mark. */
  readonly isOurs: boolean;
  /** The policy attached by us, as the server returns it. */
  readonly policy: RenderedPolicy | undefined;
  /** True where that stands in two policies, because a change broke off: `putPolicy` finishes it. */
  readonly hasTwoPolicies?: boolean;
  readonly keys: readonly ObservedKey[];
  /** False while the user has not the permissions boundary that is wanted: then no right may be given. True when absent. */
  readonly isBounded?: boolean;
  /** True when displayName, tags or mark at the server differ from what is wanted, or somebody else gave the user rights. */
  readonly needsUpdate: boolean;
  /** Names of policies that others attached and that only deny: they stay. None when absent. */
  readonly denials?: readonly string[];
  /** True for one whose creation broke off before it had its mark: `putUser` finishes it, and nothing else may come before. */
  readonly isUnmarked?: boolean;
}

/** Something that others put on a user: a policy, a group, what a person signs in with. */
export interface Attachment {
  /** In words, such as `attached policy`. */
  readonly kind: string;
  /** At the server; absent for what has no name of its own. */
  readonly name?: string;
}

/** A user that the operator of one cluster has made. */
export interface MarkedUser {
  readonly name: string;
  /** Of the AccessKey for which it was made; undefined where the server keeps no tags of users, and its path alone shows the cluster. */
  readonly mark: OwnerMark | undefined;
}

/** What a search for users found. */
export interface MarkedUsers {
  readonly users: readonly MarkedUser[];
  /** False when there are more than one search looks at. */
  readonly isComplete: boolean;
}

/** How many users one search looks at more closely. */
export const mostUsersLookedAt = 100;

/**
 * Issues access keys on one kind of server: one user for each AccessKey, its policy, its keys. Every call is idempotent;
 * "already there" and "already gone" are successes. Errors are Faults made where the wire is met.
 */
export interface KeyIssuer {
  /**
   * Where the users live: `<protocol>+<origin>`, such as `iam+https://iam.amazonaws.com`. Issuers with equal values, on the
   * same account, have the same users.
   */
  readonly identity: string;
  /** Keys that one user may hold at once. */
  readonly maxKeysPerUser: number;
  /** Actions that the server refuses in the policy of a user though Amazon has them, such as `s3:ListMultipartUploadParts`. */
  readonly lacksActions: ReadonlySet<string>;
  /** Actions that the server lets those do who have another one, unless they are denied: action → the other one. None when absent. */
  readonly impliedActions?: ReadonlyMap<string, string>;
  /** True when the caller chooses the pair, so that it can stand in the Secret before it exists at the server. */
  readonly choosesPair: boolean;
  /** Largest policy in bytes without white space. */
  readonly maxPolicyBytes: number;
  /**
   * True when a key signs in by a call that any key may make, such as its own GetUser: for servers on which AccessDenied proves
   * nothing. Absent where there is no such call. One attempt.
   * @throws Fault of the connection; never for a key that is refused
   */
  signsIn?(credentials: Credentials, context: CallContext): Promise<boolean>;
  /** Pure: a legal user name, unique for the mark. */
  userNameFor(mark: OwnerMark): string;
  /** Undefined when there is no such user. */
  observeUser(user: KeyUser, context: CallContext): Promise<ObservedUser | undefined>;
  /**
   * Creates the user with its mark, or brings displayName and tags up to date and takes off rights that others gave it; what only denies stays.
   * @returns what of others it took off
   */
  putUser(user: KeyUser, context: CallContext): Promise<readonly Attachment[]>;
  /** Undefined removes the policy: a user without a policy may do nothing. */
  putPolicy(user: KeyUser, policy: RenderedPolicy | undefined, context: CallContext): Promise<void>;
  /**
   * Creates a key. `pair`: the chosen pair, given exactly when `choosesPair`.
   * @throws Fault `waiting` KeyLimitReached when the user holds its most
   */
  createKey(user: KeyUser, pair: KeyPair | undefined, context: CallContext): Promise<KeyPair>;
  deleteKey(user: KeyUser, accessKeyId: string, context: CallContext): Promise<void>;
  /**
   * The users that the operator of a cluster has made, but for those whose names are known: of the rest the server is asked whose each
   * is, of `mostUsersLookedAt` at most. Which are left out says nothing about them.
   * @throws Fault `waiting` AccessDenied, `terminal` Unsupported where users cannot be listed
   */
  listUsers(cluster: string, isKnown: (name: string) => boolean, context: CallContext): Promise<MarkedUsers>;
  /**
   * Removes keys, policy and user, in the order the server demands. Only for a user that is ours.
   * @returns what of others went with the user; undefined when there was no user any more for this call to remove
   */
  deleteUser(user: KeyUser, context: CallContext): Promise<readonly Attachment[] | undefined>;
}
