import type { BucketStatus } from '@operator/api';
import { bucketSpec, ownerMark } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import { decideOwnership, isMadeByIntent, winnerOf, type Claimant, type FoundBucket } from './plan.ts';

const own = ownerMark();
const server = 'http://s3.test';
const at = (time: string) => new Date(`2026-05-05T${time}Z`);
const intent = { at: '2026-05-05T10:00:00Z', bucketName: 'photos' };
const known: BucketStatus = { bucketName: 'photos', endpoint: server, ownership: 'Created' };
const unmarked: FoundBucket = { mark: undefined, createdAt: undefined, isOwnerGone: false };
const marked = (mark: Partial<typeof own> = {}, isOwnerGone = false): FoundBucket => ({
  mark: { ...own, ...mark },
  createdAt: undefined,
  isOwnerGone,
});

describe('decideOwnership', () => {
  it.each<[string, 'IfOwned' | 'Always' | 'Never', BucketStatus | undefined, FoundBucket, string]>([
    ['our mark', 'IfOwned', undefined, marked(), 'Adopted'],
    ['our mark and our memory', 'IfOwned', known, marked(), 'Created'],
    ['our mark and our memory of another server', 'IfOwned', { ...known, endpoint: 'http://old' }, marked(), 'Created'],
    ['our mark, status lost, Never', 'Never', undefined, marked(), 'Adopted'],
    [
      'our mark and our intent',
      'Never',
      { bucketName: 'photos', endpoint: server, createIntent: intent },
      marked(),
      'Created',
    ],
    ['the mark of a forerunner', 'IfOwned', undefined, marked({ uid: 'before' }), 'Adopted'],
    ['the mark of a forerunner, Never', 'Never', undefined, marked({ uid: 'before' }), 'NotOwned'],
    ['the mark of another', 'Always', undefined, marked({ name: 'other' }), 'AlreadyClaimed'],
    ['the mark of another that is gone', 'Always', undefined, marked({ name: 'other' }, true), 'Adopted'],
    ['the mark of another that is gone', 'IfOwned', undefined, marked({ name: 'other' }, true), 'AlreadyClaimed'],
    ['the mark of another, against our memory', 'IfOwned', known, marked({ name: 'other' }), 'AlreadyClaimed'],
    ['no mark', 'IfOwned', undefined, unmarked, 'NotOwned'],
    ['no mark', 'Never', undefined, unmarked, 'NotOwned'],
    ['no mark', 'Always', undefined, unmarked, 'Adopted'],
    ['no mark, our memory', 'Never', known, unmarked, 'Created'],
    ['no mark, our memory of another name', 'IfOwned', { ...known, bucketName: 'old' }, unmarked, 'NotOwned'],
    ['no mark, our memory of another server', 'IfOwned', { ...known, endpoint: 'http://old' }, unmarked, 'NotOwned'],
    [
      'no mark, made after ours was last seen',
      'IfOwned',
      { ...known, lastSyncTime: '2026-05-05T10:00:00Z' },
      { ...unmarked, createdAt: at('10:15:01') },
      'NotOwned',
    ],
    [
      'no mark, made before ours was last seen',
      'IfOwned',
      { ...known, lastSyncTime: '2026-05-05T10:00:00Z' },
      { ...unmarked, createdAt: at('09:00:00') },
      'Created',
    ],
    [
      'no mark, made after our intent',
      'Never',
      { bucketName: 'photos', endpoint: server, createIntent: intent },
      { ...unmarked, createdAt: at('10:00:01') },
      'Created',
    ],
  ])('%s, %s', (_title, adoptionPolicy, status, found, want) => {
    const decided = decideOwnership(bucketSpec({ adoptionPolicy }), status, own, found, server);
    expect(decided.verdict === 'ours' ? decided.ownership : decided.fault.reason).toBe(want);
  });
});

describe('isMadeByIntent', () => {
  const status: BucketStatus = { bucketName: 'photos', endpoint: server, createIntent: intent };
  it.each<[string, BucketStatus | undefined, Date | undefined, boolean]>([
    ['created later', status, at('10:00:05'), true],
    ['created as late as clocks and a slow call allow', status, at('10:21:00'), true],
    ['created by somebody when our call was long over', status, at('10:21:01'), false],
    ['created earlier, within what clocks may differ', status, at('09:46:00'), true],
    ['created earlier', status, at('09:44:00'), false],
    ['creation unknown', status, undefined, false],
    ['no intent', { ...status, createIntent: undefined as never }, at('10:00:05'), false],
    ['an intent on another server', { ...status, endpoint: 'http://old' }, at('10:00:05'), false],
    [
      'an intent for another name',
      { ...status, createIntent: { ...intent, bucketName: 'old' } },
      at('10:00:05'),
      false,
    ],
    ['no status', undefined, at('10:00:05'), false],
  ])('%s', (_title, given, createdAt, want) => {
    expect(isMadeByIntent('photos', given, createdAt, server)).toBe(want);
  });
});

describe('winnerOf', () => {
  const claimant = (uid: string, day: number, holds = false): Claimant => ({
    namespace: 'a',
    name: uid,
    uid,
    creationTimestamp: `2026-05-0${String(day)}T00:00:00Z`,
    holds,
  });
  it.each<[string, readonly Claimant[], string | undefined]>([
    ['nobody', [], undefined],
    ['the older', [claimant('b', 2), claimant('a', 3)], 'b'],
    ['the lower uid of the same age', [claimant('b', 2), claimant('a', 2)], 'a'],
    ['the one that holds it, though younger', [claimant('a', 1), claimant('b', 2, true)], 'b'],
    ['the older of two that hold it', [claimant('b', 1, true), claimant('a', 2, true)], 'b'],
  ])('%s', (_title, claimants, want) => {
    expect(winnerOf(claimants)?.uid).toBe(want);
    expect(winnerOf(claimants.toReversed())?.uid).toBe(want);
  });
});
