import { describe, expect, it, vi } from 'vitest';
import { createServerClock, createSigningClock, inTime } from './server-clock.ts';

const at = (iso: string) => new Date(iso);
const dateOf = (iso: string) => ({ date: at(iso).toUTCString() });

const here = at('2026-05-05T10:00:00Z');
const later = at('2026-05-05T11:00:00Z');

type Headers = Readonly<Record<string, string>>;
const accepted = (headers: Headers) => ({ answer: { code: '', status: 200 }, headers });
const skewed = (headers: Headers, serverTime?: string) => ({
  answer: { code: 'RequestTimeTooSkewed', status: 403, ...(serverTime === undefined ? {} : { serverTime }) },
  headers,
});
/** As a HEAD is refused, for whatever reason. */
const refused = (headers: Headers, status = 403) => ({ answer: { code: '', status }, headers });
const clockOf = () => createSigningClock(() => here);

describe('the time to sign with', () => {
  it('is that of the server once it has refused that of this machine, and again that of this machine when that is right', () => {
    let machine = here;
    const clock = createSigningClock(() => machine);
    expect(clock.hear(skewed(dateOf('2026-05-05T11:00:00Z')), here)).toBe(true);
    expect(clock.now()).toEqual(later);
    expect(clock.hear(accepted(dateOf('2026-05-05T11:00:01Z')), clock.now())).toBe(false);
    machine = at('2026-05-05T11:00:02Z');
    expect(clock.hear(skewed(dateOf('2026-05-05T11:00:02Z')), at('2026-05-05T12:00:01Z'))).toBe(true);
    expect(clock.now()).toEqual(machine);
  });

  it.each([
    ['is accepted', accepted(dateOf('2026-05-05T11:00:00Z'))],
    [
      'is refused for another reason',
      { ...skewed(dateOf('2026-05-05T11:00:00Z')), answer: { code: 'NoSuchTagSet', status: 404 } },
    ],
    ['is denied', { ...skewed(dateOf('2026-05-05T11:00:00Z')), answer: { code: 'AccessDenied', status: 403 } }],
    ['fails', { ...skewed(dateOf('2026-05-05T11:00:00Z')), answer: { code: '', status: 503 } }],
  ])('stays when the request %s, whatever a proxy writes', (_title, heard) => {
    const clock = clockOf();
    expect(clock.hear(heard, here)).toBe(false);
    expect(clock.now()).toEqual(here);
  });

  it('is for each refusal another one, also when one before has told', () => {
    const clock = clockOf();
    expect(clock.hear(skewed(dateOf('2026-05-05T11:00:00Z')), here)).toBe(true);
    expect(clock.hear(skewed(dateOf('2026-05-05T11:00:00Z')), here)).toBe(true);
    expect(clock.hear(skewed({}), here)).toBe(true);
    expect(clock.now()).toEqual(later);
  });

  it.each([
    ['without Date', {}],
    ['beside the Date of a proxy', dateOf('2026-05-05T10:00:00Z')],
    ['beside the Date of a proxy that is wrong', dateOf('2026-05-05T09:00:00Z')],
    ['beside the Date of a cache', { ...dateOf('2026-05-05T09:00:00Z'), age: '0' }],
  ])('is the one in the body of the refusal, %s', (_title, headers) => {
    const clock = clockOf();
    expect(clock.hear(skewed(headers, '2026-05-05T11:00:00Z'), here)).toBe(true);
    expect(clock.now()).toEqual(later);
  });

  it.each([
    [{}, undefined],
    [{ date: 'soon' }, 'soon'],
    [{ date: '1' }, '1'],
    [{ date: '2026-05-05T11:00:00Z' }, 'Tue, 05 May 2026 11:00:00 GMT'],
    [{ date: 'Sat, 13 Sep 275760 00:00:00 GMT' }, '+275760-09-13T00:00:00Z'],
    [{ date: 'Mon, 05 May 2127 10:00:00 GMT' }, '2127-05-05T10:00:00Z'],
    [{ date: 'Sat, 31 Feb 2026 11:00:00 GMT' }, '2026-02-40T11:00:00Z'],
    [{ ...dateOf('2026-05-05T11:00:00Z'), age: '3600' }, undefined],
    [dateOf('2026-05-05T10:03:59Z'), '2026-05-05T10:03:59Z'],
  ])('is not learned from %j and %j', (headers, serverTime) => {
    const clock = clockOf();
    expect(clock.hear(skewed(headers, serverTime), here)).toBe(false);
    expect(clock.now()).toEqual(here);
  });

  it('is that of this machine again when the one that an answer showed is refused too', () => {
    const clock = clockOf();
    const wrong = dateOf('2026-05-05T09:00:00Z');
    expect(clock.hear(skewed(wrong), here)).toBe(true);
    expect(clock.hear(skewed(wrong), clock.now())).toBe(true);
    expect(clock.now()).toEqual(here);
  });

  it.each([400, 401, 403])('is the one beside a bare %d, where that is of use', (status) => {
    const clock = clockOf();
    expect(clock.hear(refused(dateOf('2026-05-05T11:00:00Z'), status), here)).toBe(true);
    expect(clock.now()).toEqual(later);
    clock.hear(accepted(dateOf('2026-05-05T11:00:00Z')), later);
    // By now a bare refusal is one of rights.
    expect(clock.hear(refused(dateOf('2026-05-05T11:00:00Z'), status), later)).toBe(false);
    expect(clock.now()).toEqual(later);
  });

  it('stays when the one beside a bare refusal was of no use, which is tried once', () => {
    const clock = clockOf();
    const wrong = dateOf('2026-05-05T09:00:00Z');
    expect(clock.hear(refused(wrong), here)).toBe(true);
    expect(clock.hear(refused(wrong), clock.now())).toBe(false);
    expect(clock.now()).toEqual(here);
    expect(clock.hear(refused(wrong), here)).toBe(false);
    expect(clock.now()).toEqual(here);
    expect(clock.hear(skewed(dateOf('2026-05-05T09:00:00Z')), here)).toBe(true);
    expect(clock.now()).toEqual(at('2026-05-05T09:00:00Z'));
  });
});

describe('the clock of a server', () => {
  it.each([undefined, 'soon', '1', 'Sat, 13 Sep 275760 00:00:00 GMT', 'Mon, 05 May 2127 10:00:00 GMT'])(
    'stays as it is after the Date %j',
    (date) => {
      const clock = createServerClock(
        () => 0,
        () => here,
      );
      clock.hear(date);
      expect(clock.now()).toBeUndefined();
      clock.hear(dateOf('2026-05-05T11:00:00Z').date);
      clock.hear(date);
      expect(clock.now()).toEqual(later);
    },
  );
});

describe('an attempt', () => {
  const skewedError = Object.assign(new Error('skewed'), { isClockSkewed: true });

  it('that is refused for its time is made again once', async () => {
    const attempt = vi.fn(() => Promise.reject(skewedError));
    await expect(inTime(attempt)).rejects.toBe(skewedError);
    expect(attempt).toHaveBeenCalledTimes(2);
  });

  it('that fails otherwise is not', async () => {
    const attempt = vi.fn(() => Promise.reject(new Error('denied')));
    await expect(inTime(attempt)).rejects.toThrow('denied');
    expect(attempt).toHaveBeenCalledTimes(1);
  });
});
