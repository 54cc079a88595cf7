const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };
const leastMs = 1_000;
const mostMs = 604_800_000;

/** Milliseconds of `90s`, `10m`, `1h30m`; undefined when it is none, shorter than a second or longer than a week. */
export const parseDuration = (value: string): number | undefined => {
  if (!/^(\d{1,6}[hms])+$/.test(value)) return undefined;
  const ms = [...value.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ''] ?? NaN),
    0,
  );
  return ms >= leastMs && ms <= mostMs ? ms : undefined;
};
