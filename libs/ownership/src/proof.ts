import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
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

/** Of how many facts the proofs are remembered: a pass asks for those of its object, its Provider and its mark several times. */
const remembered = 256;

/** In an order of their own, so that equal facts give equal text. */
const textOf = (facts: Facts): string =>
  JSON.stringify(
    Object.entries(facts)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .filter(([, value]) => value !== undefined),
  );

/** `key`: at least 32 random bytes, base64. */
export const createProver = (key: Redacted<string>): Prover => {
  const secret = createSecretKey(key.reveal(), 'base64');
  const made = new Map<string, string>();
  const prove = (facts: Facts): string => {
    const text = textOf(facts);
    const known = made.get(text);
    if (known !== undefined) return known;
    const proof = `${version}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
    if (made.size === remembered) made.clear();
    made.set(text, proof);
    return proof;
  };
  return {
    prove,
    holds: (proof, facts) => {
      if (proof === undefined) return false;
      const [given, right] = [Buffer.from(proof), Buffer.from(prove(facts))];
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
};
