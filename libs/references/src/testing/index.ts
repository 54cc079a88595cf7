export { createBench, tryEveryMishap } from './bench.ts';
export type { Bench, BenchOptions, PassReport } from './bench.ts';
export { createMemoryKube } from './memory-kube.ts';
export type { MemoryKube } from './memory-kube.ts';
export { createTestWorld, informerOf, objectOf, providerOf, testCluster } from './world.ts';
export type { TestWorld } from './world.ts';
export { Killed, createWrites, mishaps } from './writes.ts';
export type { Mishap, Writes } from './writes.ts';
