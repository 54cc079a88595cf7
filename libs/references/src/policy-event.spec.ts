import { expect, it } from 'vitest';
import { policyFailed } from './policy-event.ts';

it.each([
  ['PolicyInvalid', 'PolicyFailed'],
  ['PolicyConflict', 'PolicyFailed'],
  ['PublicPolicyBlocked', 'PolicyFailed'],
  ['BucketNotFound', undefined],
  ['AccessDenied', undefined],
])('the Event for %s is %s on every kind that has a document', (reason, event) => {
  expect(policyFailed(reason)).toBe(event);
});
