import { Fault } from '@operator/outcome';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostBytes, render } from './template.ts';

const values = new Map([
  ['endpoint', 'https://s3.test'],
  ['access-key-id', 'AKIA'],
  ['bucket-photos', 'team-a-photos'],
  ['odd', '$(endpoint) $$( $&'],
]);
const field = 'spec.secretTemplate.data["app.conf"]';
const rendered = (template: string, left = mostBytes) => render(template, values, { field, room: { left } });

describe('render', () => {
  it.each([
    ['', ''],
    ['plain $ $$ $x ) ( {{ endpoint }} ${endpoint}', 'plain $ $$ $x ) ( {{ endpoint }} ${endpoint}'],
    ['$(endpoint)', 'https://s3.test'],
    ['a $(access-key-id)/$(bucket-photos) z', 'a AKIA/team-a-photos z'],
    ['$$(endpoint)', '$(endpoint)'],
    ['$$$(endpoint)', '$$(endpoint)'],
    ['$(endpoint))', 'https://s3.test)'],
    ['what a value brings is no template: $(odd)', 'what a value brings is no template: $(endpoint) $$( $&'],
  ])('of %j is %j', (template, want) => {
    expect(rendered(template)).toBe(want);
  });

  const known = 'The values are endpoint, access-key-id, bucket-photos, odd; write "$$(" for a plain "$("';
  it.each([
    ['$(bukcet)', `line 1, column 1: there is no value "bukcet". ${known}.`],
    ['a\nbc $(no)', `line 2, column 4: there is no value "no". ${known}.`],
    ['a\r\n\n $(endpoint', 'line 3, column 2: "$(" has no ")" after it. Write "$$(" for a plain "$(".'],
    ['$()', `line 1, column 1: there is no value "". ${known}.`],
    ['$( endpoint )', `line 1, column 1: there is no value " endpoint ". ${known}.`],
    ['$($(endpoint))', `line 1, column 1: there is no value "$(endpoint". ${known}.`],
    ...['__proto__', 'constructor', 'toString', 'endpoint.length', 'endpoint|json', 'process.env'].map(
      (name) => [`$(${name})`, `line 1, column 1: there is no value "${name}". ${known}.`] as const,
    ),
  ] as readonly (readonly [string, string])[])('refuses %j', (template, want) => {
    expect(() => rendered(template)).toThrow(
      expect.objectContaining({ kind: 'terminal', reason: 'TemplateInvalid', message: `${field}, ${want}` }),
    );
  });

  it('shows at most the beginning of a long name', () => {
    expect(() => rendered(`$(${'x'.repeat(10_000)})`)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{0,400}$/) as string }),
    );
  });

  it('ends before it has written more than there is room for, in bytes', () => {
    expect(rendered('$(access-key-id)', 4)).toBe('AKIA');
    expect(rendered('ü', 2)).toBe('ü');
    for (const [template, left] of [
      ['$(access-key-id)', 3],
      ['ü', 1],
      ['$(endpoint)'.repeat(1_490), 20_000],
    ] as const)
      expect(() => rendered(template, left)).toThrow(/makes more than 262144 bytes\. Shorten it/);
  });

  it('does a template of 16 KiB that multiplies a large value without building it all', () => {
    const bomb = new Map([['ca.crt', 'x'.repeat(1_000_000)]]);
    const room = { left: mostBytes };
    expect(() => render('$(ca.crt)'.repeat(1_800), bomb, { field, room })).toThrow(/makes more than/);
    expect(room.left).toBe(mostBytes - 1_000_000);
  });

  it('keeps any text whose "$(" are all escaped, and fails by a Fault alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', '(', ')', 'a', '\n', 'ü', 'endpoint') }), (text) => {
        expect(rendered(text.replaceAll('$(', '$$$('))).toBe(text);
        try {
          rendered(text);
        } catch (caught) {
          expect(caught).toBeInstanceOf(Fault);
        }
      }),
    );
  });
});
