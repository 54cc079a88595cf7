export { createWasabiDriver } from './wasabi-driver.ts';
