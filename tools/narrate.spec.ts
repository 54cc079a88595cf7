import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inWords, narrate } from './narrate.ts';

let told: string[];
beforeEach(() => {
  told = [];
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => vi.useRealTimers());

const log = (line: string) => told.push(line);
const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe('narrate', () => {
  it('tells the start, every 15 s what was last said, and the end with its time', async () => {
    const work = narrate('building etcd', log, async (say) => {
      say('fetching modules');
      await after(14_000);
      say('7 of 90 packages');
      await after(6_000);
      say('80 of 90 packages');
      await after(15_000);
      say('90 of 90 packages'); // nobody hears of it: the end comes first
      await after(2_000);
      return 'built';
    });
    expect(told).toEqual(['building etcd …']);
    await vi.advanceTimersByTimeAsync(37_000);
    expect(await work).toBe('built');
    expect(told).toEqual([
      'building etcd …',
      'building etcd: 7 of 90 packages, 15 s so far',
      'building etcd: 80 of 90 packages, 30 s so far',
      'building etcd: done in 37 s',
    ]);
  });

  it('tells of silent work that it goes on', async () => {
    const work = narrate('installing moto', log, () => after(31_000));
    await vi.advanceTimersByTimeAsync(31_000);
    await work;
    expect(told).toEqual([
      'installing moto …',
      'installing moto: 15 s so far',
      'installing moto: 30 s so far',
      'installing moto: done in 31 s',
    ]);
  });

  it('tells of short work its start and its end only', async () => {
    const work = narrate('applying', log, () => after(400));
    await vi.advanceTimersByTimeAsync(400);
    await work;
    expect(told).toEqual(['applying …', 'applying: done in 0.4 s']);
  });

  it.each([
    [new Error('no space left\nat write'), 'no space left'],
    ['a text', 'a text'],
  ])('tells the first line of a failure, %j, and passes it on', async (failure, words) => {
    const work = narrate('building etcd', log, async () => {
      await after(16_000);
      throw failure as Error;
    });
    const seen = expect(work).rejects.toBe(failure);
    await vi.advanceTimersByTimeAsync(16_000);
    await seen;
    expect(told.slice(2)).toEqual([`building etcd: not done after 16 s (${words})`]);
  });

  it.each([
    ['has ended', () => Promise.resolve()],
    ['has failed', () => Promise.reject(new Error('it failed'))],
  ])('says no more when the work %s', async (_what, work) => {
    await narrate('building etcd', log, work).catch(() => undefined);
    const atTheEnd = told.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toHaveLength(atTheEnd);
  });
});

describe('inWords', () => {
  it.each([
    [0, '0.0 s'],
    [4_210, '4.2 s'],
    [10_000, '10 s'],
    [59_400, '59 s'],
    [65_000, '1 min 5 s'],
    [3_600_000, '60 min 0 s'],
  ])('tells %d ms as %s', (ms, words) => {
    expect(inWords(ms)).toBe(words);
  });
});
