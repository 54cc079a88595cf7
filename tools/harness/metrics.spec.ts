import { describe, expect, it } from 'vitest';
import { sumOfMetric } from './metrics.ts';

const text = `# HELP calls How many
# TYPE calls counter
calls{kind="Bucket",result="settled"} 3
calls{kind="Bucket",result="waiting"} 2
calls{kind="Provider",result="settled"} 7
calls_total 90
plain 4.5
`;

describe('sumOfMetric', () => {
  it.each([
    ['calls', {}, 12],
    ['calls', { kind: 'Bucket' }, 5],
    ['calls', { kind: 'Bucket', result: 'waiting' }, 2],
    ['plain', {}, 4.5],
    ['absent', {}, 0],
  ] as const)('adds up %s %j to %d', (name, labels, want) => {
    expect(sumOfMetric(text, name, labels)).toBe(want);
  });
});
