import { expect, it } from 'vitest';
import { createSigningClock } from './server-clock.ts';

const at = (iso: string) => new Date(iso);
const dateOf = (iso: string) => ({ date: at(iso).toUTCString() });

const signed = at('2026-05-05T10:00:00Z');

it('signs with the time of this machine while the server is not far from it', () => {
  const clock = createSigningClock(() => at('2026-05-05T10:00:00Z'));
  expect(clock.hear(dateOf('2026-05-05T10:03:59Z'), signed)).toBe(false);
  expect(clock.now()).toEqual(at('2026-05-05T10:00:00Z'));
});

it('signs with the time of the server once that is far, and again with its own when that is right', () => {
  let here = at('2026-05-05T10:00:00Z');
  const clock = createSigningClock(() => here);
  expect(clock.hear(dateOf('2026-05-05T11:00:00Z'), signed)).toBe(true);
  expect(clock.now()).toEqual(at('2026-05-05T11:00:00Z'));
  expect(clock.hear(dateOf('2026-05-05T11:00:01Z'), clock.now())).toBe(false);
  here = at('2026-05-05T11:00:02Z');
  expect(clock.hear(dateOf('2026-05-05T11:00:02Z'), at('2026-05-05T12:00:01Z'))).toBe(true);
  expect(clock.now()).toEqual(here);
});

it('says of each answer whether what it answers was signed with a wrong time, also when another has told before', () => {
  const clock = createSigningClock(() => signed);
  expect(clock.hear(dateOf('2026-05-05T11:00:00Z'), signed)).toBe(true);
  expect(clock.hear(dateOf('2026-05-05T11:00:00Z'), signed)).toBe(true);
});

it.each([{}, { date: 'soon' }, { ...dateOf('2026-05-05T11:00:00Z'), age: '3600' }])(
  'learns nothing from %j',
  (headers) => {
    const clock = createSigningClock(() => at('2026-05-05T10:00:00Z'));
    expect(clock.hear(headers, signed)).toBe(false);
    expect(clock.now()).toEqual(at('2026-05-05T10:00:00Z'));
  },
);
