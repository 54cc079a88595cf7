import type { Scenario } from '../scenario.ts';
import { bucketScenarios } from './buckets.ts';
import { eventScenarios } from './events.ts';
import { featureScenarios } from './features.ts';
import { keyScenarios } from './keys.ts';
import { policyScenarios } from './policies.ts';

export const scenarios: readonly Scenario[] = [
  ...bucketScenarios,
  ...featureScenarios,
  ...policyScenarios,
  ...keyScenarios,
  ...eventScenarios,
];
