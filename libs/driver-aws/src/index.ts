export { createAwsDriver } from './aws-driver.ts';
