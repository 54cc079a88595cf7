import { describe, expect, it } from 'vitest';
import { createDriftLoops } from './drift-loop.ts';

const object = { key: 'n/a', uid: 'u', generation: 1 };
const loops = () => createDriftLoops(() => 0.999);

describe('drift loops', () => {
  it('are none while passes take no steps and only wait', () => {
    const seen = loops();
    const waits = Array.from({ length: 20 }, () => seen.progressed(object, []));
    expect(waits.every(({ claim }) => claim === undefined)).toBe(true);
    expect(seen.progressed(object, ['tagging']).claim).toBeUndefined();
  });

  it('are seen at the fifth pass with the same steps, and back off to an hour', () => {
    const seen = loops();
    const early = Array.from({ length: 4 }, () => seen.progressed(object, ['tagging']));
    expect(early.every(({ claim }) => claim === undefined)).toBe(true);
    const late = Array.from({ length: 10 }, () => seen.progressed(object, ['tagging']));
    expect(late.every(({ claim }) => claim?.type === 'DriftLoop')).toBe(true);
    expect(late[0]?.claim?.message).toContain('tagging 5 times');
    expect(late.at(-1)?.delayMs).toBeGreaterThan(3_000_000);
    expect(late.at(-1)?.delayMs).toBeLessThanOrEqual(3_600_000);
    expect(seen.progressed(object, ['something else']).claim?.type).toBe('DriftLoop');
  });

  it('are seen when two steps undo each other in turn', () => {
    const seen = loops();
    const claims = Array.from({ length: 9 }, (_, pass) => seen.progressed(object, [pass % 2 === 0 ? 'a' : 'b']).claim);
    expect(claims.map((claim) => claim !== undefined)).toEqual([...new Array<boolean>(8).fill(false), true]);
  });

  it('are not seen in work that goes on', () => {
    const seen = loops();
    for (let step = 0; step < 50; step += 1) expect(seen.progressed(object, [`batch ${step}`]).claim).toBeUndefined();
  });

  /** A pass that repairs and settles. */
  const repair = (seen: ReturnType<typeof loops>, steps: readonly string[], of = object) => {
    const progress = seen.progressed(of, steps);
    seen.settled('n/a');
    return progress;
  };

  it('are seen when every repair settles and is undone before the next look, and back off to an hour', () => {
    const seen = loops();
    const repairs = Array.from({ length: 14 }, () => repair(seen, ['policy']));
    expect(repairs.map(({ claim }) => claim !== undefined)).toEqual([
      ...new Array<boolean>(4).fill(false),
      ...new Array<boolean>(10).fill(true),
    ]);
    expect(repairs[4]?.claim?.message).toContain('policy 5 times');
    expect(repairs.at(-1)?.delayMs).toBeGreaterThan(3_000_000);
  });

  it('are not seen in repairs between which a look found nothing to do', () => {
    const seen = loops();
    for (let times = 0; times < 20; times += 1) {
      expect(repair(seen, ['policy']).claim).toBeUndefined();
      seen.settled('n/a');
    }
  });

  it('are not seen in repairs of different things, of a new spec or of another object', () => {
    const seen = loops();
    for (let times = 0; times < 20; times += 1) {
      const of = { ...object, generation: times };
      expect(repair(seen, ['policy'], of).claim).toBeUndefined();
      expect(repair(seen, [times % 2 === 0 ? 'a' : 'b'], of).claim).toBeUndefined();
    }
  });

  it.each([
    ['it settled', (seen: ReturnType<typeof loops>) => seen.settled('n/a'), object],
    ['the spec is new', () => undefined, { ...object, generation: 2 }],
    ['the object was recreated', () => undefined, { ...object, uid: 'other' }],
  ])('are over when %s', (_title, then, next) => {
    const seen = loops();
    for (let pass = 0; pass < 6; pass += 1) seen.progressed(object, ['tagging']);
    then(seen);
    expect(seen.progressed(next, ['tagging']).claim).toBeUndefined();
  });
});
