import { annotations, providerResource, reasons, type AccessKeySpec, type AccessKeyStatus } from '@operator/api';
import { terminal, type Fault } from '@operator/outcome';
import { isBorrowedBy, revokeRequestTo, type Provided, type Provider } from '@operator/references';
import { keyOf, ownStatus, pick, type Pass } from '@operator/runtime';
import type { KeyIssuer, KeyUser, OwnerMark } from '@operator/s3';
import type { AccessKey, AccessKeyDeps } from './deps.ts';
import { discreetIssuer } from './discreet-issuer.ts';
import type { KeyWish } from './plan.ts';

export type KeyPass = Pass<AccessKeyStatus>;

/** One pass over one AccessKey: what it is about, and what it works with. */
export interface KeyWork {
  readonly accessKey: AccessKey;
  readonly deps: AccessKeyDeps;
  readonly pass: KeyPass;
  readonly provided: Provided;
  readonly issuer: KeyIssuer;
  /** The user behind the key, as it is wanted. */
  readonly user: KeyUser;
  /** What the status remembers, as far as it may be believed. */
  readonly memory: AccessKeyStatus;
  /** What the owner of the Provider asks of this key now, as of all its keys. */
  readonly providerRevoke: string | undefined;
  /** Names of the steps that this pass has taken so far. */
  readonly steps: string[];
}

/** @throws Fault `terminal` Unsupported where the Provider issues no keys */
export const openWork = async (
  accessKey: AccessKey,
  provided: Provided,
  deps: AccessKeyDeps,
  pass: KeyPass,
): Promise<KeyWork> => {
  const { keys } = provided.driver;
  if (typeof keys === 'string') throw terminal(reasons.Unsupported, keys);
  const issuer = isBorrowedBy(accessKey, provided.provider) ? discreetIssuer(keys, pass.log) : keys;
  const mark = await deps.ownership.markOf(accessKey, pass.signal);
  const user = userOf(accessKey, issuer, provided, mark);
  const status = ownStatus(accessKey);
  const isProven = (await deps.ownership.provenAccessKey(accessKey, pass.signal)) !== undefined;
  const memory = believedStatus(isProven ? status : withoutAnswer(status), user.name, pass.now);
  const providerRevoke = await providerRequest(accessKey, memory, provided.provider, pass);
  return { accessKey, deps, pass, provided, issuer, user, memory, providerRevoke, steps: [] };
};

/**
 * What the owner of the Provider asks of this key, unless it was answered. A cached view takes no key away: the Provider itself has the word.
 * @throws KubeError
 */
const providerRequest = async (
  { metadata }: AccessKey,
  memory: AccessKeyStatus,
  provider: Provider,
  pass: KeyPass,
): Promise<string | undefined> => {
  const isFirst = memory.accessKeyId === undefined;
  const asked = (of: Provider): string | undefined => {
    const request = revokeRequestTo(of, { key: keyOf({ metadata }), isFirst });
    return request === memory.answeredProviderRevokeRequest ? undefined : request;
  };
  if (asked(provider) === undefined) return undefined;
  const live = await pass.live<Provider>(providerResource, keyOf(provider));
  return live && asked(live);
};

/** The same to take away what was given, whatever the Provider grants by now. @throws Faults of the Provider; Unsupported as above */
export const openRemoval = async (accessKey: AccessKey, deps: AccessKeyDeps, pass: KeyPass): Promise<KeyWork> => {
  const { spec, metadata } = accessKey;
  const provided = await deps.references.driverForRemoval(spec.providerRef, metadata.namespace, pass.signal);
  return openWork(accessKey, provided, deps, pass);
};

/** The user behind an AccessKey. Its name follows from the uid alone: a status lies where its owner may write it. */
const userOf = (
  { spec, metadata }: AccessKey,
  issuer: KeyIssuer,
  { provider }: Provided,
  mark: OwnerMark,
): KeyUser => ({
  name: issuer.userNameFor(mark),
  mark,
  ...(spec.displayName === undefined ? {} : { displayName: spec.displayName }),
  tags: sortTags(spec.tags, metadata.namespace, provider).allowed,
});

/** Says when the object borrows its Provider and asks for tags that this does not allow: Fault `terminal` SpecInvalid. */
export const findRefusedTags = ({
  accessKey: { spec, metadata },
  provided: { provider },
}: KeyWork): Fault | undefined => {
  const { refused } = sortTags(spec.tags, metadata.namespace, provider);
  if (refused.length === 0) return undefined;
  return terminal(
    reasons.SpecInvalid,
    `spec.tags has ${refused.join(', ')}, which Provider ${keyOf(provider)} does not let other namespaces set. Remove ` +
      `${refused.length === 1 ? 'it' : 'them'}, or ask the owner of the Provider to name ${refused.length === 1 ? 'it' : 'them'} in ` +
      'spec.borrowerTagKeys.',
  );
};

/** Tags of users may mean something in the policies of the account, so a borrower has only those that the owner allows. */
const sortTags = (tags: AccessKeySpec['tags'], namespace: string, { metadata, spec }: Provider) => {
  const isOwn = namespace === metadata.namespace;
  const isAllowed = (key: string): boolean => isOwn || spec.borrowerTagKeys?.includes(key) === true;
  const entries = Object.entries(tags ?? {});
  return {
    allowed: new Map(entries.filter(([key]) => isAllowed(key))),
    refused: entries.map(([key]) => key).filter((key) => !isAllowed(key)),
  };
};

/**
 * The part of a status that may be believed. A user that this object cannot have made means that somebody else's status came
 * here, by a late write or by hand: only the name of the former Secret is kept, which says itself whose it is. An instant in the
 * future is a clock's error and counts as now.
 */
const believedStatus = (status: AccessKeyStatus, userName: string, now: Date): AccessKeyStatus => {
  const believed = withoutProof(status);
  const { lastRotateTime, keyIntent } = believed;
  if (status.userName !== userName) return pick(believed, 'secretName', 'answeredProviderRevokeRequest');
  const notAfterNow = (instant: string): string => (Date.parse(instant) > now.getTime() ? now.toISOString() : instant);
  return {
    ...believed,
    ...(lastRotateTime === undefined ? {} : { lastRotateTime: notAfterNow(lastRotateTime) }),
    ...(keyIntent === undefined ? {} : { keyIntent: { ...keyIntent, at: notAfterNow(keyIntent.at) } }),
  };
};

/** What a status says of rights counts with its proof alone, which each report makes anew. */
const withoutProof = (status: AccessKeyStatus): AccessKeyStatus => without(status, 'grantedBuckets', 'proof');

/** What an unproven status says of the Provider's requests is anybody's word: by it a key could evade its revocation. */
const withoutAnswer = (status: AccessKeyStatus): AccessKeyStatus => {
  const { keyIntent, ...others } = without(status, 'answeredProviderRevokeRequest');
  if (keyIntent === undefined) return others;
  const { requests, ...intent } = keyIntent;
  const kept = requests && without(requests, 'providerRevoke');
  return { ...others, keyIntent: kept === undefined ? intent : { ...intent, requests: kept } };
};

const without = <T extends object>(object: T, ...fields: readonly (keyof T)[]): T =>
  Object.fromEntries(Object.entries(object).filter(([field]) => !fields.includes(field as keyof T))) as T;

const dayMs = 86_400_000;
const defaultRetentionDays = 7;

/** What spec and annotations ask for beyond a key pair that works, the Provider's included. */
export const wishOf = ({
  accessKey: {
    spec: { rotate },
    metadata,
  },
  providerRevoke,
}: Pick<KeyWork, 'accessKey' | 'providerRevoke'>): KeyWish => {
  const {
    [annotations.rotateRequestedAt]: rotation,
    [annotations.revokeRequestedAt]: revoke,
    [annotations.force]: force,
  } = metadata.annotations ?? {};
  return {
    intervalMs: rotate?.enabled === true ? rotate.intervalDays * dayMs : undefined,
    retentionMs: (rotate?.previousKeysRetentionDays ?? defaultRetentionDays) * dayMs,
    requests: {
      ...(rotation === undefined ? {} : { rotate: rotation }),
      ...(revoke === undefined ? {} : { revoke }),
      ...(providerRevoke === undefined ? {} : { providerRevoke }),
    },
    isForced: rotation !== undefined && force === rotation,
  };
};
