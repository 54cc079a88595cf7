import { providerOf } from '@operator/references/testing';
import { describe, expect, it } from 'vitest';
import { firstLookMs, lookIntervalMs } from './looks.ts';
import { createOrphanMemory } from './orphans.ts';
import { createRetainedMemory } from './retained.ts';

const provider = providerOf({ serverIdentity: 'http://s3.test' });
const at = (ms: number) => new Date(1_000_000_000_000 + ms);

describe('a look for orphaned users', () => {
  const known = { facts: { orphanedUsers: [{ userName: 'known' }] }, listUsers: undefined };
  const sight = { facts: { orphanedUserCount: 0 }, listUsers: 'Supported' } as const;

  it('is due some minutes after the first pass of a process, and then once an hour', () => {
    const memory = createOrphanMemory();
    const standing = (ms: number) => memory.standing(provider, '', at(ms), known);
    expect(standing(0)).toEqual(known);
    expect(standing(firstLookMs - 1)).toEqual(known);
    expect(standing(firstLookMs)).toBeUndefined();
    memory.remember(provider, '', at(firstLookMs), sight, lookIntervalMs);
    expect(standing(firstLookMs + lookIntervalMs - 1)).toEqual(sight);
    expect(standing(firstLookMs + lookIntervalMs)).toBeUndefined();
  });

  it('is due at once with another value of the annotation, and after a clock was set back', () => {
    const memory = createOrphanMemory();
    const standing = (confirmation: string, ms: number) => memory.standing(provider, confirmation, at(ms), known);
    expect(standing('a', 0)).toBeUndefined();
    memory.remember(provider, 'a', at(0), sight, lookIntervalMs);
    expect(standing('a', 1)).toEqual(sight);
    expect(standing('b', 1)).toBeUndefined();
    expect(standing('a', -lookIntervalMs)).toBeUndefined();
    memory.forget(provider.metadata.uid);
    expect(standing('a', 1)).toBeUndefined();
  });
});

describe('a look for retained buckets', () => {
  it('is due at once when there are fewer Buckets than at the last pass, also while another was put off', () => {
    const memory = createRetainedMemory();
    const known = { retainedBucketCount: 1 };
    const standing = (buckets: number, ms: number) => memory.standing(provider, buckets, at(ms), known);
    expect(standing(1, 0)).toEqual(known);
    expect(standing(3, 1)).toEqual(known);
    expect(standing(2, 2)).toBeUndefined();
    expect(standing(3, firstLookMs)).toBeUndefined();
  });
});
