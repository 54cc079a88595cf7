import { reasons } from '@operator/api';
import { terminal, type Fault } from '@operator/outcome';
import type { Aspect } from '../aspect.ts';

export interface QuotaWant {
  /** How many bytes the bucket may hold; 0: as many as there is room for. */
  readonly bytes: number;
  /** True where the server is lent: then a quota that is there bounds the borrower, whose it may be. */
  readonly isBorrowed: boolean;
}

/**
 * Why a quota of so many bytes may not be set in place of `have`; undefined when it may. The operator writes it with the rights of the
 * Provider, and no server says who set the one that is there.
 */
export const faultOfQuota = ({ bytes, isBorrowed }: QuotaWant, have: number): Fault | undefined => {
  const isLifted = have > 0 && (bytes === 0 || bytes > have);
  if (!isBorrowed || !isLifted) return undefined;
  return terminal(
    reasons.ReferenceNotGranted,
    `The bucket has a quota of ${String(have)} bytes, and only Buckets of the Provider's own namespace may raise or remove one. ` +
      `Declare at most ${String(have)} in quota.maxBytes, or ask the owner of the Provider to change it at the server.`,
  );
};

/** What the quotas of all servers have in common. */
export const quotaRules = {
  name: 'quota',
  isApart: true,
  desired: ({ quota: declared }, { isBorrowed }) => declared && { bytes: declared.maxBytes, isBorrowed },
  isSet: (have) => have > 0,
  held: faultOfQuota,
  diff: (want, have) => (want.bytes === have || faultOfQuota(want, have) !== undefined ? undefined : want),
} as const satisfies Partial<Aspect<QuotaWant, number>>;
