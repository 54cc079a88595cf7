import { reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import { expect, it } from 'vitest';
import { isToldElsewhere, mayYetCome } from './provider-faults.ts';

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

it.each([
  [reasons.ProviderNotFound, true],
  [reasons.BucketNotFound, true],
  [reasons.AccessKeyNotFound, true],
  [reasons.ReferenceNotGranted, true],
  [reasons.SecretNotFound, true],
  [reasons.SecretKeyMissing, false],
  [reasons.AuthFailed, false],
  [reasons.NotOwned, false],
])('what %s misses may have been applied together with the object: %s', (reason, want) => {
  expect(mayYetCome(waiting(reason, ''))).toBe(want);
});
