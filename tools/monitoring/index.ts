export { alerts } from './alerts.ts';
export { dashboardFile } from './dashboard.ts';
export { startScenario, type Scenario } from './scenario.ts';
