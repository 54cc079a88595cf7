export { alerts } from './alerts.ts';
export { rows } from './panels.ts';
export { startScenario, type Scenario } from './scenario.ts';
