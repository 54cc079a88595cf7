import type { AccessKeyStatus } from '@operator/api';
import { reasons } from '@operator/api';
import { terminal } from '@operator/outcome';
import type { Provided } from '@operator/references';
import { ownStatus, type Pass } from '@operator/runtime';
import type { KeyIssuer, KeyUser } from '@operator/s3';
import { markOf, type AccessKey, type AccessKeyDeps } from './deps.ts';
import type { KeyWish } from './plan.ts';

export type KeyPass = Pass<AccessKeyStatus>;

/** One pass over one AccessKey: what it is about, and what it works with. */
export interface Work {
  readonly accessKey: AccessKey;
  readonly deps: AccessKeyDeps;
  readonly pass: KeyPass;
  readonly provided: Provided;
  readonly issuer: KeyIssuer;
  /** The user behind the key, as it is wanted. */
  readonly user: KeyUser;
  /** What the status remembers, as far as it may be believed. */
  readonly memory: AccessKeyStatus;
  /** Names of the steps that this pass has taken so far. */
  readonly steps: string[];
}

/** @throws Fault `terminal` Unsupported where the Provider issues no keys */
export const openWork = async (
  accessKey: AccessKey,
  provided: Provided,
  deps: AccessKeyDeps,
  pass: KeyPass,
): Promise<Work> => {
  const issuer = provided.driver.keys;
  if (typeof issuer === 'string') throw terminal(reasons.Unsupported, issuer);
  const user = await userOf(accessKey, issuer, deps, pass.signal);
  const memory = believedStatus(ownStatus(accessKey), user.name, pass.now);
  return { accessKey, deps, pass, provided, issuer, user, memory, steps: [] };
};

/** The user behind an AccessKey. Its name follows from the uid alone: a status lies where its owner may write it. */
export const userOf = async (
  accessKey: AccessKey,
  issuer: KeyIssuer,
  deps: AccessKeyDeps,
  signal: AbortSignal,
): Promise<KeyUser> => {
  const { displayName, tags } = accessKey.spec;
  const mark = markOf(accessKey, await deps.clusterId(signal));
  return {
    name: issuer.userNameFor(mark),
    mark,
    ...(displayName === undefined ? {} : { displayName }),
    tags: new Map(Object.entries(tags ?? {})),
  };
};

/**
 * The part of a status that may be believed. A user that this object cannot have made means that somebody else's status came
 * here, by a late write or by hand: only the name of the former Secret is kept, which says itself whose it is. An instant in the
 * future is a clock's error and counts as now.
 */
export const believedStatus = (status: AccessKeyStatus, userName: string, now: Date): AccessKeyStatus => {
  const { secretName, lastRotateTime, keyIntent } = status;
  if (status.userName !== userName) return secretName === undefined ? {} : { secretName };
  const notAfterNow = (instant: string): string => (Date.parse(instant) > now.getTime() ? now.toISOString() : instant);
  return {
    ...status,
    ...(lastRotateTime === undefined ? {} : { lastRotateTime: notAfterNow(lastRotateTime) }),
    ...(keyIntent === undefined ? {} : { keyIntent: { ...keyIntent, at: notAfterNow(keyIntent.at) } }),
  };
};

const dayMs = 86_400_000;
const defaultRetentionDays = 7;

/** Beyond a key pair that works nothing is done yet: `unsupportedKeyClaims` says so where more is asked for. */
export const wishOf = ({ spec: { rotate } }: AccessKey): KeyWish => ({
  intervalMs: undefined,
  retentionMs: (rotate?.previousKeysRetentionDays ?? defaultRetentionDays) * dayMs,
  request: undefined,
});
