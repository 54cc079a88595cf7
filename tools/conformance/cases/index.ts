import type { Bench } from '../bench.ts';
import type { Scenario } from '../scenario.ts';
import { bucketScenarios } from './buckets.ts';
import { eventScenarios } from './events.ts';
import { featureScenarios } from './features.ts';
import { keyScenarios } from './keys.ts';
import { policyScenarios } from './policies.ts';

/** All that is tried on a server. */
export const scenariosOn = (bench: Pick<Bench, 'target' | 'named'>): readonly Scenario[] => [
  ...bucketScenarios,
  ...featureScenarios(bench),
  ...policyScenarios,
  ...keyScenarios,
  ...eventScenarios,
];
