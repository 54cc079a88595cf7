export { driversWith } from './drivers.ts';
export type { Drivers } from './drivers.ts';
