import { describe, expect, it } from 'vitest';
import { trackBuilds } from './build-progress.ts';

const begun = (...modules: readonly string[]) => {
  let ms = 0;
  const progress = trackBuilds(modules, () => ms);
  progress.begin();
  return { progress, pass: (by: number) => (ms += by) };
};

describe('trackBuilds', () => {
  it('says which part of how many is under way before anything is compiled', () => {
    expect(begun('etcd', 'kubernetes', 'minio').progress.inWords()).toBe('part 1 of 3, 0 % of all');
  });

  it('foretells nothing from a few packages', () => {
    const { progress, pass } = begun('kind');
    progress.compiled(0, 300);
    pass(1_000);
    progress.compiled(49, 300);
    expect(progress.inWords()).toBe('part 1 of 1, 16 % of all');
  });

  it('takes the time of what is compiled for the time of what is left, all parts together', () => {
    const { progress, pass } = begun('etcd', 'minio');
    progress.compiled(0, 700);
    pass(60_000);
    progress.compiled(500, 700);
    // 500 of 2 000 in a minute
    expect(progress.inWords()).toBe('part 1 of 2, 25 % of all, about 3 min left');
    pass(24_000);
    progress.compiled(700, 700);
    progress.begin();
    expect(progress.inWords()).toBe('part 2 of 2, 35 % of all, about 3 min left');
    pass(140_000);
    progress.compiled(1_290, 1_300);
    expect(progress.inWords()).toBe('part 2 of 2, 99 % of all, about a minute left');
  });

  it('counts as done what a former build had compiled already', () => {
    const { progress, pass } = begun('etcd', 'minio');
    progress.compiled(0, 700);
    pass(6_000);
    progress.compiled(100, 700);
    progress.begin();
    expect(progress.inWords()).toBe('part 2 of 2, 35 % of all, about 2 min left');
  });
});
