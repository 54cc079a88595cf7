import { reasons } from '@operator/api';
import { terminal, transient, waiting } from '@operator/outcome';
import { expect, it } from 'vitest';
import { levelOfReady } from './log-level.ts';

const isToldElsewhere = ({ reason }: { reason: string }) => reason === reasons.ProviderNotReady;

it.each([
  ['an object that is Ready', 'True', reasons.Ready, 'False', undefined, 'info'],
  ['a bucket that is gone', 'False', reasons.BucketMissing, 'True', waiting(reasons.BucketMissing, ''), 'error'],
  ['credentials that are wrong', 'False', reasons.AuthFailed, undefined, waiting(reasons.AuthFailed, ''), 'warn'],
  ['a spec that cannot hold', 'False', reasons.SpecInvalid, undefined, terminal(reasons.SpecInvalid, ''), 'warn'],
  ['an endpoint that is down', 'False', reasons.EndpointUnreachable, 'True', transient('x', ''), 'warn'],
  ['a new object that is throttled', 'False', reasons.Throttled, undefined, transient(reasons.Throttled, ''), 'info'],
  ['one that was Ready and is throttled', 'False', reasons.Throttled, 'True', transient(reasons.Throttled, ''), 'warn'],
  ['a key that is not usable yet', 'False', reasons.KeyNotUsableYet, 'False', waiting('x', ''), 'info'],
  [
    'an outage told elsewhere',
    'False',
    reasons.ProviderNotReady,
    'True',
    waiting(reasons.ProviderNotReady, ''),
    'info',
  ],
  ['a drift that does not end', 'False', reasons.DriftLoop, 'True', undefined, 'warn'],
] as const)('tells %s', (_title, status, reason, before, fault, level) => {
  expect(levelOfReady({ ready: { status, reason }, before, fault, isToldElsewhere })).toBe(level);
});
