import { defineConfig } from 'vitest/config';

/** Where nothing but sources lies. */
const never = ['**/node_modules/**', '**/dist/**', '.nx/**', '.local/**', 'tools/local/go/**'];

const ceph = ['{apps,libs,tools,e2e}/**/{ceph,*.ceph}.root.spec.ts'];
const node = ['{apps,libs,tools,e2e}/**/{node,*.node}.root.spec.ts'];

export default defineConfig({
  test: {
    // The machine also runs an API server and S3 servers while the tests run.
    maxWorkers: 2,
    // A process each: a test that hangs or exits takes nobody with it, and its servers end with it.
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{apps,libs,tools,e2e}/**/*.spec.ts'],
          exclude: [...never, '**/*.integration.spec.ts', '**/*.e2e.spec.ts', '**/*.root.spec.ts'],
          // Only hangs are meant to end here: the linter and esbuild are slow on a machine that is busy.
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['{apps,libs,tools,e2e}/**/*.integration.spec.ts'],
          exclude: never,
          // As above: a server starts in seconds, and in minutes where much else runs.
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          // What runs on Ceph RGW, which root alone can start: npm run test:root.
          name: 'ceph',
          include: ceph,
          exclude: never,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          // What else needs root: npm run test:root.
          name: 'root',
          include: ['{apps,libs,tools,e2e}/**/*.root.spec.ts'],
          globalSetup: ['e2e/src/bundles.ts'],
          exclude: [...never, ...ceph, ...node],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          // What runs on a node of a cluster, one file after the other: npm run test:root.
          name: 'node',
          include: node,
          exclude: never,
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 900_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.e2e.spec.ts'],
          globalSetup: ['e2e/src/bundles.ts'],
          exclude: never,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
