import type { AllowedNamespaces, LabelSelector } from '@operator/api';
import { describe, expect, it } from 'vitest';
import { askingOnce, isGranted, matchesSelector, withdrawalOf } from './grants.ts';

const labels = JSON.parse('{"team":"a","tier":"one","__proto__":"odd"}') as Record<string, string>;
const expression = (
  key: string,
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist',
  ...values: readonly string[]
): LabelSelector => ({ matchExpressions: [{ key, operator, ...(values.length === 0 ? {} : { values }) }] });

describe('matchesSelector', () => {
  it.each<[string, LabelSelector, boolean]>([
    ['empty', {}, true],
    ['a label', { matchLabels: { team: 'a' } }, true],
    ['a label of another value', { matchLabels: { team: 'b' } }, false],
    ['a label that is absent', { matchLabels: { other: 'a' } }, false],
    ['a label named as what every object inherits', { matchLabels: { constructor: 'x' } }, false],
    ['the label __proto__', { matchLabels: JSON.parse('{"__proto__":"odd"}') as Record<string, string> }, true],
    [
      'the label __proto__ of another value',
      { matchLabels: JSON.parse('{"__proto__":"x"}') as Record<string, string> },
      false,
    ],
    ['two labels, one of another value', { matchLabels: { team: 'a', tier: 'two' } }, false],
    ['In', expression('team', 'In', 'b', 'a'), true],
    ['In, not listed', expression('team', 'In', 'b'), false],
    ['In, absent', expression('other', 'In', ''), false],
    ['NotIn', expression('team', 'NotIn', 'b'), true],
    ['NotIn, listed', expression('team', 'NotIn', 'a'), false],
    ['NotIn, absent', expression('other', 'NotIn', 'a'), true],
    ['Exists', expression('team', 'Exists'), true],
    ['Exists, absent', expression('toString', 'Exists'), false],
    ['DoesNotExist', expression('other', 'DoesNotExist'), true],
    ['DoesNotExist, present', expression('team', 'DoesNotExist'), false],
    [
      'labels hold and an expression does not',
      { matchLabels: { team: 'a' }, ...expression('tier', 'NotIn', 'one') },
      false,
    ],
  ])('%s', (_title, selector, want) => {
    expect(matchesSelector(selector, labels)).toBe(want);
  });
});

describe('isGranted', () => {
  const cases: readonly (readonly [string, AllowedNamespaces | undefined, string, boolean, number])[] = [
    ['its own namespace, without a grant', undefined, 'owner', true, 0],
    ['another, without a grant', undefined, 'other', false, 0],
    ['another, with an empty grant', {}, 'other', false, 0],
    ['all', { all: true }, 'other', true, 0],
    ['all: false', { all: false }, 'other', false, 0],
    ['by name', { names: ['x', 'other'] }, 'other', true, 0],
    ['not by name', { names: ['x'] }, 'other', false, 0],
    ['by label', { selector: { matchLabels: { team: 'a' } } }, 'other', true, 1],
    ['not by label', { selector: { matchLabels: { team: 'b' } } }, 'other', false, 1],
    ['by name before labels are asked for', { names: ['other'], selector: {} }, 'other', true, 0],
  ];
  it.each(cases)('%s', async (_title, allowed, from, want, asks) => {
    const asked: string[] = [];
    const labelsOf = (namespace: string) => {
      asked.push(namespace);
      return Promise.resolve(labels);
    };
    expect(await isGranted(allowed, { owner: 'owner', from }, labelsOf)).toBe(want);
    expect(asked).toHaveLength(asks);
  });
});

describe('withdrawalOf', () => {
  const state = (allowed: AllowedNamespaces | undefined, confirmed: string | undefined, from = 'other') =>
    withdrawalOf(
      {
        metadata: {
          namespace: 'owner',
          ...(confirmed === undefined
            ? {}
            : { annotations: { 's3.cloud37.dev/confirm-withdrawal': confirmed, note: 'other' } }),
        },
        spec: allowed === undefined ? {} : { allowedNamespaces: allowed },
      },
      from,
      () => Promise.resolve(labels),
    );

  it.each<[string, AllowedNamespaces | undefined, string | undefined, string]>([
    ['a grant', { names: ['other'] }, undefined, 'granted'],
    ['a grant by label', { selector: { matchLabels: { team: 'a' } } }, 'other', 'granted'],
    ['a grant outweighs what is left of a confirmation', { names: ['other'] }, 'other', 'granted'],
    ['no grant', { names: ['x'] }, undefined, 'withdrawn'],
    ['no grant at all', undefined, undefined, 'withdrawn'],
    ['a confirmation of another namespace', { names: ['x'] }, 'another,x', 'withdrawn'],
    ['an empty confirmation', {}, ' , ', 'withdrawn'],
    ['a confirmation', {}, 'other', 'confirmed'],
    ['a confirmation among several, with spaces', {}, 'x, other ,y', 'confirmed'],
    ['labels that no longer match, confirmed', { selector: { matchLabels: { team: 'b' } } }, 'other', 'confirmed'],
  ])('%s', async (_title, allowed, confirmed, want) => {
    expect(await state(allowed, confirmed)).toBe(want);
  });

  it('of its own namespace never comes to that', async () => {
    expect(await state({}, 'owner', 'owner')).toBe('granted');
  });
});

it('labels are asked for once in a pass, and again in the next', async () => {
  const asked: string[] = [];
  const labelsOf = (namespace: string) => {
    asked.push(namespace);
    return Promise.resolve({ of: namespace });
  };
  for (const inOnePass of [askingOnce(labelsOf), askingOnce(labelsOf)]) {
    expect(await Promise.all([inOnePass('a'), inOnePass('b'), inOnePass('a')])).toEqual([
      { of: 'a' },
      { of: 'b' },
      { of: 'a' },
    ]);
  }
  expect(asked).toEqual(['a', 'b', 'a', 'b']);
});
