export { createMinioDriver } from './driver.ts';
export type { MinioOptions } from './driver.ts';
