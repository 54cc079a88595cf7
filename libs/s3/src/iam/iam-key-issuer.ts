import { createHash } from 'node:crypto';
import type { OwnerMark } from '../aspect.ts';
import type { Credentials } from '../connection.ts';
import type { KeyIssuer } from '../key-issuer.ts';
import type { Uplink } from '../uplink.ts';
import { iamSoftwareOf } from './iam-software.ts';

/** Where IAM is and what it can do. */
export interface IamSettings {
  readonly endpoint: string;
  /** The region that requests are signed for. */
  readonly region: string;
  readonly credentials: Credentials;
  /** True where a user keeps the tags that CreateUser and TagUser give it. Elsewhere tags are used for the mark alone, and only where a user has no path. */
  readonly userTags: boolean;
  /** True where a document that is too large for an inline policy becomes a managed one, which the server tags. */
  readonly managedPolicies: boolean;
  /** True where a server that does not say what it is knows each action of S3: others refuse a document with one that they do not know. */
  readonly allActions: boolean;
  /** As in `Connection`. */
  readonly permissionsBoundaryArn?: string | undefined;
}

/** The part of a key issuer that speaks to the server. */
export type IamUsers = Required<Pick<KeyIssuer, 'signsIn'>> &
  Pick<KeyIssuer, 'observeUser' | 'putUser' | 'putPolicy' | 'createKey' | 'deleteKey' | 'listUsers' | 'deleteUser'>;

/** Bytes without white space that the inline policies of a user may have in all, and one managed policy. Source: IAM and AWS STS quotas. */
export const mostInlineBytes = 2_048;
const mostManagedBytes = 6_144;

const longestUserName = 64;

/**
 * A legal IAM user name, at most 64 characters: `s3-<namespace>-<name>-<hash of the mark>`, the readable part cut to fit.
 * Source: IAM API, CreateUser.
 */
export const iamUserNameFor = (mark: OwnerMark): string => {
  const hash = createHash('sha256')
    .update(JSON.stringify([mark.cluster, mark.namespace, mark.name, mark.uid]))
    .digest('hex')
    .slice(0, 16);
  const readable = `s3-${mark.namespace}-${mark.name}`.slice(0, longestUserName - hash.length - 1);
  return `${readable}-${hash}`;
};

/** True for what `iamUserNameFor` could have made. */
export const mayBeIamUserName = (name: string): boolean => /^s3-.+-[0-9a-f]{16}$/.test(name);

/**
 * Issues keys over the AWS IAM protocol: a user under the cluster's own path for each AccessKey, with one policy. What
 * the server is, and so how it differs from Amazon, shows by its first answer. Source: IAM API Reference.
 */
export const createIamKeyIssuer = (uplink: Uplink, settings: IamSettings): KeyIssuer => {
  // Loaded when first used: of the four controllers only one issues keys, and the IAM client is large.
  let loading: Promise<IamUsers> | undefined;
  let software = iamSoftwareOf('', settings.allActions);
  const hear = ({ server }: Readonly<Record<string, string>>): void => {
    if (server !== undefined) software = iamSoftwareOf(server, settings.allActions);
  };
  const users = (): Promise<IamUsers> =>
    (loading ??= import('./iam-users.ts').then(({ createIamUsers }) => createIamUsers(uplink, settings, hear)));

  return {
    identity: `iam+${new URL(settings.endpoint).origin}`,
    get maxKeysPerUser() {
      return software.maxKeysPerUser;
    },
    get lacksActions() {
      return software.lacksActions;
    },
    choosesPair: false,
    maxPolicyBytes: settings.managedPolicies ? mostManagedBytes : mostInlineBytes,
    userNameFor: iamUserNameFor,
    signsIn: async (...given) => (await users()).signsIn(...given),
    observeUser: async (...given) => (await users()).observeUser(...given),
    putUser: async (...given) => (await users()).putUser(...given),
    putPolicy: async (...given) => (await users()).putPolicy(...given),
    createKey: async (...given) => (await users()).createKey(...given),
    deleteKey: async (...given) => (await users()).deleteKey(...given),
    listUsers: async (...given) => (await users()).listUsers(...given),
    deleteUser: async (...given) => (await users()).deleteUser(...given),
  };
};
