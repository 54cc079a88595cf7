export { packageCharts } from './package.ts';
export { grants } from './rbac.ts';
