import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Redacted } from '@operator/outcome';

/**
 * Statuses lie in the namespace of their owner, who may write them. So what a controller reads there as its own memory counts
 * only with a proof: an HMAC-SHA256 over what is remembered and what it is about, by a key that only the operator has.
 */
export interface Prover {
  /** The proof of a memory; equal for equal facts. */
  prove(facts: Facts): string;
  /** True when `proof` was made for exactly these facts by this key. */
  holds(proof: string | undefined, facts: Facts): boolean;
}

/**
 * What is remembered. `kind` keeps the proofs of different memories apart; every other entry is part of what is proved, and one
 * that is undefined differs from one that is empty.
 */
export type Facts = { readonly kind: string } & Readonly<Record<string, string | readonly string[] | undefined>>;

const version = 'v1';

/** In an order of their own, so that equal facts give equal text. */
const textOf = (facts: Facts): string =>
  JSON.stringify(
    Object.entries(facts)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .filter(([, value]) => value !== undefined),
  );

/** `key`: at least 32 random bytes, base64. */
export const createProver = (key: Redacted<string>): Prover => {
  const prove = (facts: Facts): string =>
    `${version}.${createHmac('sha256', Buffer.from(key.reveal(), 'base64')).update(textOf(facts)).digest('base64url')}`;
  return {
    prove,
    holds: (proof, facts) => {
      if (proof === undefined) return false;
      const [given, right] = [Buffer.from(proof), Buffer.from(prove(facts))];
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
};
