import type { AspectView } from '@operator/s3';
import { describe, expect, it } from 'vitest';
import { planBucket } from './plan.ts';

const different = (aspect: string): AspectView => ({
  aspect,
  verdict: 'different',
  step: { name: aspect, apply: () => Promise.resolve() },
});
const same = (aspect: string): AspectView => ({ aspect, verdict: 'same' });
const tags = (...keys: readonly string[]) => ({ tagging: { tags: Object.fromEntries(keys.map((key) => [key, 'x'])) } });

describe('planBucket', () => {
  it.each<
    [string, Parameters<typeof planBucket>, { steps: readonly string[]; keys: readonly string[]; first: boolean }]
  >([
    [
      'takes no step where all is the same, and knows the declared keys',
      [{ views: [same('tagging')], formerTagKeys: ['old'] }, tags('b', 'a'), undefined],
      { steps: [], keys: ['a', 'b'], first: false },
    ],
    [
      'keeps the keys that are still there where no tags are declared',
      [{ views: [same('tagging')], formerTagKeys: ['old'] }, {}, undefined],
      { steps: [], keys: ['old'], first: false },
    ],
    [
      'takes the steps in the order of the views, and stores new keys first',
      [{ views: [different('tagging'), different('versioning')], formerTagKeys: ['old'] }, tags('a'), {}],
      { steps: ['tagging', 'versioning'], keys: ['a', 'old'], first: true },
    ],
    [
      'stores nothing first where every key is known',
      [{ views: [different('tagging')], formerTagKeys: ['a'] }, tags('a'), { managedTagKeys: ['a'] }],
      { steps: ['tagging'], keys: ['a'], first: false },
    ],
    [
      'stores nothing first where no tags are written',
      [{ views: [same('tagging'), different('versioning')], formerTagKeys: [] }, tags('a'), {}],
      { steps: ['versioning'], keys: ['a'], first: false },
    ],
  ])('%s', (_title, parameters, want) => {
    const { steps, managedTagKeys, recordsFirst } = planBucket(...parameters);
    expect({ steps: steps.map(({ name }) => name), keys: managedTagKeys, first: recordsFirst }).toEqual(want);
  });
});
