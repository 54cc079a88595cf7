export { createBench, tryEveryMishap } from './bench.ts';
export type { PassReport } from './bench.ts';
export { createMemoryKube } from './memory-kube.ts';
export { createTestWorld, objectOf, ownerTags, providerOf, testCluster, type TestWorld } from './world.ts';
export { createWrites } from './writes.ts';
