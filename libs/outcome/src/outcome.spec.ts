import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Fault, asFault, blocked, progressing, redact, settled, terminal, transient, waiting } from './index.ts';

describe('a redacted value', () => {
  const secret = redact('hush');
  const nested = { pair: { id: 'ID', secret }, list: [secret], map: new Map([['s', secret]]) };

  it.each<[string, () => string]>([
    ['String', () => String(secret)],
    ['toString', () => secret.toString()],
    ['JSON', () => JSON.stringify(nested)],
    ['inspect', () => inspect(nested, { depth: 9, showHidden: true })],
    ['its entries', () => JSON.stringify(Object.entries(secret))],
    ['a copy', () => JSON.stringify(Object.assign({}, secret))],
    ['the message of an Error', () => String(new Error(`failed with ${String(secret)}`))],
  ])('does not show in %s', (_title, print) => {
    expect(print()).not.toContain('hush');
  });

  it('opens on request alone', () => {
    expect(secret.reveal()).toBe('hush');
  });
});

describe('a Fault', () => {
  it.each([
    ['transient', transient],
    ['waiting', waiting],
    ['terminal', terminal],
  ])('is %s', (kind, make) => {
    const cause = new Error('wire');
    const fault = make('Throttled', 'Slow down.', { retryAfterMs: 5, cause });
    expect(fault).toBeInstanceOf(Fault);
    expect(fault).toMatchObject({ kind, reason: 'Throttled', message: 'Slow down.', retryAfterMs: 5, cause });
    const { retryAfterMs, cause: none } = make('Throttled', 'Slow down.');
    expect([retryAfterMs, none]).toEqual([undefined, undefined]);
  });

  it('is itself when it is caught', () => {
    const fault = waiting('AuthFailed', 'No.');
    expect(asFault(fault)).toBe(fault);
  });

  it.each([new TypeError('hush'), 'hush', undefined, { reason: 'hush' }])(
    'stands for the bug %o without its words',
    (caught) => {
      const fault = asFault(caught);
      expect(fault).toMatchObject({ kind: 'transient', reason: 'InternalError' });
      expect(fault.cause).toBe(caught);
      expect(fault.message).not.toContain('hush');
    },
  );
});

describe('an outcome', () => {
  const claim = { type: 'Unsupported', status: 'True', reason: 'Unsupported', message: '' } as const;
  const fault = terminal('PolicyInvalid', 'No.');

  it.each([
    ['settled', settled({ a: 1 }), { result: 'settled', status: { a: 1 }, claims: [] }],
    [
      'settled, with more',
      settled({}, { claims: [claim], resyncAfterMs: 5 }),
      { result: 'settled', status: {}, claims: [claim], resyncAfterMs: 5 },
    ],
    [
      'progressing',
      progressing({}, { reason: 'Converging', steps: ['create', 'tagging'] }),
      {
        result: 'progressing',
        status: {},
        reason: 'Converging',
        message: 'Applied create, tagging; looking again.',
        steps: ['create', 'tagging'],
        claims: [],
      },
    ],
    [
      'progressing, with more',
      progressing({}, { reason: 'Emptying', message: 'Half done.', steps: [], claims: [claim], retryAfterMs: 5 }),
      {
        result: 'progressing',
        status: {},
        reason: 'Emptying',
        message: 'Half done.',
        steps: [],
        claims: [claim],
        retryAfterMs: 5,
      },
    ],
    ['blocked', blocked({}, fault), { result: 'blocked', status: {}, fault, claims: [] }],
    ['blocked, with claims', blocked({}, fault, [claim]), { result: 'blocked', status: {}, fault, claims: [claim] }],
    [
      'blocked, with a look that is due',
      blocked({}, fault, [], { dueInMs: 5 }),
      { result: 'blocked', status: {}, fault, claims: [], dueInMs: 5 },
    ],
  ])('%s', (_title, outcome, want) => {
    expect(outcome).toStrictEqual(want);
  });
});
