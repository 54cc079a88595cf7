import { describe, expect, it } from 'vitest';
import { kinshipOf, markIn, tagsOfMark } from './mark.ts';

const own = { cluster: 'c', namespace: 'team-a', name: 'photos', uid: 'u', proof: 'v1.p' };

describe('a mark', () => {
  it('is read from the tags that it was written as, and but for its proof from nothing less', () => {
    const tags = new Map(tagsOfMark(own));
    expect(markIn(tags)).toEqual(own);
    tags.delete('s3.cloud37.dev/proof');
    expect(markIn(tags)).toEqual({ ...own, proof: undefined });
    tags.delete('s3.cloud37.dev/uid');
    expect(markIn(tags)).toBeUndefined();
  });

  it.each([
    ['own', own, 'own'],
    ['of another uid', { ...own, uid: 'v' }, 'namesake'],
    ['of another name', { ...own, name: 'x' }, 'other'],
    ['of another namespace', { ...own, namespace: 'x' }, 'other'],
    ['of another cluster', { ...own, cluster: 'x' }, 'other'],
    ['of a former cluster', { ...own, cluster: 'former' }, 'namesake'],
    ['of a former cluster and another name', { ...own, cluster: 'former', name: 'x' }, 'other'],
  ])('that is %s is %s', (_title, mark, want) => {
    expect(kinshipOf(mark, own, new Set(['former']))).toBe(want);
  });
});
