import { type Claim, terminal, transient, waiting } from '@operator/outcome';
import { describe, expect, it } from 'vitest';
import { type Condition, type SummaryContext, type Verdict, summarise } from './index.ts';

const now = new Date('2026-03-01T12:00:00.987Z');
const settled: Verdict = { result: 'settled' };
const claim = (type: string, status: Claim['status'], reason = 'Because', more: Partial<Claim> = {}): Claim => ({
  type,
  status,
  reason,
  message: `${type} is ${status}.`,
  ...more,
});
const context = (verdict: Verdict, more: Partial<SummaryContext> = {}): SummaryContext => ({
  generation: 7,
  now,
  verdict,
  positive: ['AuthValid', 'EndpointReachable'],
  stalling: ['Unsupported'],
  ...more,
});
const shown = (conditions: readonly Condition[]) =>
  conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);

describe('summarise', () => {
  const table: readonly (readonly [
    title: string,
    claims: readonly Claim[],
    verdict: Verdict,
    want: readonly string[],
  ])[] = [
    ['is Ready when settled and nothing is claimed', [], settled, ['Ready=True Ready']],
    [
      'is Ready with good positive conditions, in the order of their types',
      [claim('EndpointReachable', 'True'), claim('AuthValid', 'True')],
      settled,
      ['Ready=True Ready', 'AuthValid=True Because', 'EndpointReachable=True Because'],
    ],
    [
      'takes the reason of the first abnormal claim, not of the first claim',
      [claim('AuthValid', 'True'), claim('PolicyConflict', 'True', 'Two'), claim('CreationFailed', 'True', 'Other')],
      settled,
      ['Ready=False Two', 'AuthValid=True Because', 'CreationFailed=True Other', 'PolicyConflict=True Two'],
    ],
    [
      'does not hold Ready back for a claim that only informs',
      [claim('PolicyConflict', 'True', 'Told', { onlyInforms: true })],
      settled,
      ['Ready=True Ready', 'PolicyConflict=True Told'],
    ],
    [
      'is not Ready on doubt about a positive condition',
      [claim('AuthValid', 'Unknown', 'NotLooked')],
      settled,
      ['Ready=False NotLooked', 'AuthValid=Unknown NotLooked'],
    ],
    [
      'is Stalled when settled with what only a new spec can help',
      [claim('CreationFailed', 'True', 'Unsupported')],
      settled,
      ['Ready=False Unsupported', 'Stalled=True Unsupported', 'CreationFailed=True Unsupported'],
    ],
    [
      'is Reconciling while it progresses, and never Ready',
      [claim('AuthValid', 'True')],
      { result: 'progressing', reason: 'Converging', message: 'on it' },
      ['Ready=False Converging', 'Reconciling=True Converging', 'AuthValid=True Because'],
    ],
    [
      'is Reconciling on a transient fault',
      [],
      { result: 'blocked', fault: transient('Throttled', 'm') },
      ['Ready=False Throttled', 'Reconciling=True Throttled'],
    ],
    [
      'is Reconciling while it waits',
      [],
      { result: 'blocked', fault: waiting('ProviderNotReady', 'm') },
      ['Ready=False ProviderNotReady', 'Reconciling=True ProviderNotReady'],
    ],
    [
      'is Stalled on a terminal fault',
      [],
      { result: 'blocked', fault: terminal('PolicyInvalid', 'm') },
      ['Ready=False PolicyInvalid', 'Stalled=True PolicyInvalid'],
    ],
    [
      'prefers the reason of a claim to that of the fault',
      [claim('CreationFailed', 'True', 'AlreadyClaimed')],
      { result: 'blocked', fault: waiting('Waiting', 'm') },
      ['Ready=False AlreadyClaimed', 'Reconciling=True Waiting', 'CreationFailed=True AlreadyClaimed'],
    ],
    [
      'ignores claims of the conditions that it computes',
      [claim('Ready', 'True', 'Wish')],
      { result: 'blocked', fault: transient('No', 'm') },
      ['Ready=False No', 'Reconciling=True No'],
    ],
    [
      'takes the first of two claims of one type',
      [claim('AuthValid', 'False', 'First'), claim('AuthValid', 'True', 'Second')],
      settled,
      ['Ready=False First', 'AuthValid=False First'],
    ],
  ];
  it.each(table)('%s', (_title, claims, verdict, want) => {
    expect(shown(summarise(claims, [], context(verdict)))).toEqual(want);
  });

  it('moves lastTransitionTime only when the status moves, and carries the generation', () => {
    const before: Condition[] = [
      {
        type: 'Ready',
        status: 'False',
        reason: 'Old',
        message: 'old',
        observedGeneration: 6,
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
      {
        type: 'AuthValid',
        status: 'False',
        reason: 'Old',
        message: 'old',
        observedGeneration: 6,
        lastTransitionTime: '2026-01-02T00:00:00Z',
      },
      {
        type: 'Gone',
        status: 'True',
        reason: 'Old',
        message: 'old',
        observedGeneration: 6,
        lastTransitionTime: '2026-01-03T00:00:00Z',
      },
    ];
    expect(summarise([claim('AuthValid', 'False', 'New')], before, context(settled))).toEqual([
      {
        type: 'Ready',
        status: 'False',
        reason: 'New',
        message: 'AuthValid is False.',
        observedGeneration: 7,
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
      {
        type: 'AuthValid',
        status: 'False',
        reason: 'New',
        message: 'Ready says why.',
        observedGeneration: 7,
        lastTransitionTime: '2026-01-02T00:00:00Z',
      },
    ]);
    const [ready] = summarise([], before, context(settled));
    expect(ready?.lastTransitionTime).toBe('2026-03-01T12:00:00Z');
  });

  it('gives the same conditions for the same claims in another order, but for what Ready says in their place', () => {
    const claims = [claim('B', 'True'), claim('A', 'True'), claim('C', 'False')];
    const one = summarise(claims, [], context(settled)).slice(1);
    expect(shown(summarise(claims.toReversed(), [], context(settled)).slice(1))).toEqual(shown(one));
  });

  it.each(['😀'.repeat(600), `${'a'.repeat(1_022)}😀😀`, '\ud83d'])(
    'gives messages that are stored as they are, whatever is cut: case %#',
    (message) => {
      const [ready] = summarise([], [], context({ result: 'progressing', reason: 'Converging', message }));
      expect(ready?.message).toBe(new TextDecoder().decode(new TextEncoder().encode(ready?.message)));
    },
  );

  it.each<[string, Verdict, readonly Claim[], readonly string[]]>([
    [
      'while it waits',
      { result: 'blocked', fault: waiting('ProviderNotReady', 'It is down.') },
      [claim('ProviderNotReady', 'True', 'ProviderNotReady', { message: 'It is down.' })],
      ['It is down.', 'Waiting (ProviderNotReady); Ready says for what.', 'Ready says why.'],
    ],
    [
      'while it tries again',
      { result: 'blocked', fault: transient('Throttled', 'Too fast.') },
      [],
      ['Too fast.', 'Trying again (Throttled); Ready says why.'],
    ],
    [
      'when only a new spec helps',
      { result: 'blocked', fault: terminal('PolicyInvalid', 'No.') },
      [claim('PolicyInvalid', 'True', 'PolicyInvalid', { message: 'No.' })],
      ['No.', 'Only a change of the spec helps (PolicyInvalid); Ready says why.', 'Ready says why.'],
    ],
    [
      'while it works',
      { result: 'progressing', reason: 'Converging', message: 'Applied tags; looking again.' },
      [],
      ['Applied tags; looking again.', 'At work (Converging); Ready says on what.'],
    ],
    [
      'unless the conditions have words of their own',
      { result: 'blocked', fault: waiting('B', 'Of the fault.') },
      [claim('A', 'True', 'A', { message: 'Of the claim.' }), claim('C', 'True', 'C', { message: 'Another.' })],
      ['Of the claim.', 'Of the fault.', 'Ready says why.', 'Another.'],
    ],
  ])('says one sentence once %s', (_title, verdict, claims, messages) => {
    expect(summarise(claims, [], context(verdict)).map(({ message }) => message)).toEqual(messages);
  });

  it('adds warnings to the message of Ready, and to nothing else', () => {
    const warnings = [
      { reason: 'A', message: 'One is odd.' },
      { reason: 'B', message: 'Two is too.' },
    ];
    const [ready, ...others] = summarise([], [], context({ result: 'settled', warnings }));
    expect(ready).toMatchObject({
      status: 'True',
      reason: 'Ready',
      message: 'Everything is as declared. Warning: One is odd. Two is too.',
    });
    expect(others).toEqual([]);
    const unready = summarise(
      [claim('Unsupported', 'True')],
      [],
      context({ result: 'settled', warnings }, { stalling: ['Because'] }),
    );
    expect(unready.map(({ message }) => message)).toEqual([
      'Unsupported is True. Warning: One is odd. Two is too.',
      'Only a change of the spec helps (Because); Ready says why.',
      'Ready says why.',
    ]);
  });

  it('cuts a message at 1 024 characters', () => {
    const [ready] = summarise([claim('A', 'True', 'Long', { message: 'x'.repeat(5_000) })], [], context(settled));
    expect(ready?.message).toHaveLength(1_024);
    expect(ready?.message.endsWith('…')).toBe(true);
  });
});
