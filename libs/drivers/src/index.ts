export { driversWith } from './drivers.ts';
