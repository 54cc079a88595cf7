import type { Condition } from '@operator/conditions';
import { describe, expect, it } from 'vitest';
import { kstatusOf } from '../test/kstatus.ts';
import { reconcilingStatus } from './status.ts';

const now = new Date('2026-05-05T10:00:00.789Z');
const condition = (type: string, status: Condition['status'] = 'True'): Condition => ({
  type,
  status,
  reason: 'Because',
  message: '',
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});
const reconciling = {
  type: 'Reconciling',
  status: 'True',
  reason: 'Converging',
  message: 'A change is under way.',
  observedGeneration: 3,
  lastTransitionTime: '2026-05-05T10:00:00Z',
};

describe('a recorded status', () => {
  it.each<[string, readonly Condition[] | undefined, readonly unknown[]]>([
    ['of a new object', undefined, [reconciling]],
    ['of one that was Ready', [condition('Ready')], [condition('Ready'), reconciling]],
    [
      'of one that was stalled, and is no more',
      [condition('Ready', 'False'), condition('Stalled'), condition('Unsupported')],
      [condition('Ready', 'False'), reconciling, condition('Unsupported')],
    ],
    [
      'of one that says so already',
      [condition('Ready', 'False'), condition('Reconciling')],
      [condition('Ready', 'False'), condition('Reconciling')],
    ],
  ])('%s says that it is under way, and is not taken for done', (_title, conditions, want) => {
    const metadata = { name: 'a', uid: 'u', resourceVersion: '1', creationTimestamp: '', generation: 3 };
    const given = conditions === undefined ? {} : { status: { observedGeneration: 3, conditions } };
    const status = reconcilingStatus({ metadata, ...given }, now);
    expect(status).toEqual({ ...(conditions === undefined ? {} : { observedGeneration: 3 }), conditions: want });
    expect(kstatusOf({ metadata, status })).toBe('InProgress');
  });
});
