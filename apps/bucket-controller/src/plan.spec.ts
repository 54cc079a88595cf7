import type { BucketFeature } from '@operator/api';
import { terminal, transient, waiting, type Fault } from '@operator/outcome';
import type { AspectView, Managed } from '@operator/s3';
import { describe, expect, it } from 'vitest';
import { managedIn, planBucket } from './plan.ts';

const different = (aspect: BucketFeature, ...managed: readonly string[]): AspectView => ({
  aspect,
  verdict: 'different',
  step: { name: aspect, apply: () => Promise.resolve({ end: 'done' }) },
  ...(managed.length === 0 ? {} : { managed }),
});
const same = (aspect: BucketFeature, ...managed: readonly string[]): AspectView => ({
  aspect,
  verdict: 'same',
  managed,
});
const held = (aspect: BucketFeature, fault: Fault): AspectView => ({ aspect, verdict: 'blocked', fault });

describe('planBucket', () => {
  it.each<
    [string, readonly AspectView[], Managed | undefined, { steps: readonly string[]; managed: Managed; first: boolean }]
  >([
    [
      'takes no step where all is the same, and knows what is ours',
      [same('tagging', 'a', 'b')],
      undefined,
      { steps: [], managed: { tagging: ['a', 'b'] }, first: false },
    ],
    [
      'forgets a feature that has no entries any more',
      [same('tagging')],
      { tagging: ['old'] },
      { steps: [], managed: {}, first: false },
    ],
    [
      'keeps what is known of a feature that nobody looked at',
      [same('tagging', 'a')],
      { tagging: ['a'], cors: ['rule'] },
      { steps: [], managed: { tagging: ['a'], cors: ['rule'] }, first: false },
    ],
    [
      'takes the steps in the order of the views, and stores new entries first',
      [different('tagging', 'a', 'old'), different('versioning')],
      { tagging: ['old'] },
      { steps: ['tagging', 'versioning'], managed: { tagging: ['a', 'old'] }, first: true },
    ],
    [
      'stores nothing first where every entry is known',
      [different('tagging', 'a')],
      { tagging: ['a'] },
      { steps: ['tagging'], managed: { tagging: ['a'] }, first: false },
    ],
    [
      'stores nothing first where none of them is written',
      [same('tagging', 'a'), different('versioning')],
      {},
      { steps: ['versioning'], managed: { tagging: ['a'] }, first: false },
    ],
  ])('%s', (_title, views, former, want) => {
    const { steps, managed, recordsFirst } = planBucket({ views }, former && { managed: former });
    expect({ steps: steps.map(({ name }) => name), managed, first: recordsFirst }).toEqual(want);
  });

  it('tells the Fault that is tried again soonest, and names the other features that are held up', () => {
    const views = [
      held('versioning', terminal('SpecInvalid', 'No.')),
      held('cors', transient('ServerError', 'It failed.')),
      held('encryption', waiting('AccessDenied', 'Denied.', { retryAfterMs: 5 })),
    ];
    expect(planBucket({ views }, undefined).fault).toMatchObject({
      kind: 'transient',
      reason: 'ServerError',
      message: 'cors: It failed. These features are held up too: versioning, encryption.',
    });
    expect(planBucket({ views: views.slice(2) }, undefined).fault).toMatchObject({
      message: 'encryption: Denied.',
      retryAfterMs: 5,
    });
    expect(planBucket({ views: [same('tagging')] }, undefined).fault).toBeUndefined();
  });
});

it('what a status names as ours counts for features alone', () => {
  expect(managedIn({ managed: { tagging: ['a'], nonsense: ['b'] } })).toEqual({ tagging: ['a'] });
  expect(managedIn(undefined)).toEqual({});
});
