import { expect, it } from 'vitest';
import { createCircuit } from './circuit.ts';

const circuitAt = () => {
  const clock = { nowMs: 0 };
  return { clock, circuit: createCircuit({ random: () => 0.999_999, elapsedMs: () => clock.nowMs }) };
};
const silence = (circuit: ReturnType<typeof createCircuit>, times: number) => {
  for (let time = 0; time < times; time += 1) circuit.report('silent');
};

it('stays closed while fewer than five silences come in a row', () => {
  const { circuit } = circuitAt();
  silence(circuit, 4);
  circuit.report('answered');
  silence(circuit, 4);
  expect(circuit.enter(false)).toBe(0);
});

it('opens at the fifth silence, and lets one trial through when its time is over', () => {
  const { circuit, clock } = circuitAt();
  silence(circuit, 5);
  expect(circuit.enter(false)).toBeCloseTo(1_000, 0);
  clock.nowMs += 1_001;
  expect(circuit.enter(false)).toBe(0);
  expect(circuit.enter(false)).toBeGreaterThan(0);
  circuit.report('answered');
  expect(circuit.enter(false)).toBe(0);
  expect(circuit.enter(false)).toBe(0);
});

it('opens for longer after each failed trial, up to 30 s', () => {
  const { circuit, clock } = circuitAt();
  silence(circuit, 5);
  const openMs = [];
  for (let trial = 0; trial < 7; trial += 1) {
    const awayMs = circuit.enter(false);
    openMs.push(Math.round(awayMs / 1000));
    clock.nowMs += awayMs + 1;
    expect(circuit.enter(false)).toBe(0);
    circuit.report('silent');
  }
  expect(openMs).toEqual([1, 2, 4, 8, 16, 30, 30]);
});

it('lets another trial through when the first ended without a verdict', () => {
  const { circuit, clock } = circuitAt();
  silence(circuit, 5);
  clock.nowMs += 2_000;
  expect(circuit.enter(false)).toBe(0);
  circuit.report('unknown');
  expect(circuit.enter(false)).toBe(0);
});

it('lets the health check through at any time, whose answer closes it', () => {
  const { circuit } = circuitAt();
  silence(circuit, 9);
  expect(circuit.enter(true)).toBe(0);
  circuit.report('answered');
  expect(circuit.enter(false)).toBe(0);
});
