export { createGenericDriver } from './generic-driver.ts';
