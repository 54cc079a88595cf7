import { reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import { expect, it } from 'vitest';
import { isToldElsewhere } from './provider-faults.ts';

it.each([
  [reasons.EndpointUnreachable, true],
  [reasons.ProviderNotReady, true],
  [reasons.BucketNotReady, true],
  [reasons.AccessKeyNotReady, true],
  // Nobody else tells these.
  [reasons.ProviderNotFound, false],
  [reasons.BucketNotFound, false],
  [reasons.ReferenceNotGranted, false],
  [reasons.AccessDenied, false],
])('what %s means is told elsewhere: %s', (reason, want) => {
  expect(isToldElsewhere(waiting(reason, ''))).toBe(want);
});
