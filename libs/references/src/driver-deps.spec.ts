import { readConfig } from '@operator/runtime';
import { expect, it } from 'vitest';
import { driverDepsFor } from './driver-deps.ts';

const process = { version: '1', random: () => 0, now: () => new Date(0), elapsedMs: () => 0 };
const lock = (): never => {
  throw new Error('nothing is locked here');
};
const depsWith = (...argv: readonly string[]) => {
  const config = readConfig('c', argv, {});
  if (typeof config === 'string') throw new Error(`${config} was asked for`);
  return driverDepsFor({ config, lock }, process);
};

it('leaves the refused destinations to the drivers where the flag is not set', () => {
  expect(depsWith()).toEqual({ ...process, lock });
});

it('refuses what the flag names, and nothing with none', () => {
  const deps = depsWith('--refused-destinations=10.0.0.0/8, fd00::1');
  expect(deps.refusedDestinations?.rangeOf('10.1.2.3')).toBe('10.0.0.0/8');
  expect(deps.refusedDestinations?.rangeOf('fd00::1')).toBe('fd00::1');
  expect(deps.refusedDestinations?.rangeOf('169.254.169.254')).toBeUndefined();
  expect(depsWith('--refused-destinations=none').refusedDestinations?.rangeOf('169.254.169.254')).toBeUndefined();
});

it('says at start which value is no address', () => {
  expect(() => depsWith('--refused-destinations=10.0.0.0/8,metadata')).toThrow(
    /^--refused-destinations: "metadata" is not an address/,
  );
});
