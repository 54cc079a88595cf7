import type { Scenario } from '../scenario.ts';
import type { Target } from '../target.ts';
import { bucketScenarios } from './buckets.ts';
import { eventScenarios } from './events.ts';
import { featureScenarios } from './features.ts';
import { keyScenarios } from './keys.ts';
import { policyScenarios } from './policies.ts';

/** All that is tried on a server. */
export const scenariosOn = (target: Target): readonly Scenario[] => [
  ...bucketScenarios,
  ...featureScenarios(target),
  ...policyScenarios,
  ...keyScenarios,
  ...eventScenarios,
];
