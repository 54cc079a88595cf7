import type { KnipConfig } from 'knip';

// What nobody imports, runs or installs for: the lint of `npm test` beside ESLint. Each exception says why.

export default {
  workspaces: {
    '.': {},
    'apps/*': {},
    'libs/*': {},
    // A controller for tests, which runs as a process of its own.
    'libs/runtime': { entry: ['test/widget-controller.ts'] },
    // Of util-linux: tests that need root.
    e2e: { ignoreBinaries: ['mount', 'umount'] },
    tools: {
      entry: [
        '*.mjs',
        'build.ts',
        '*/main.ts',
        'charts/generate.ts',
        'harness/bundled/*.ts',
        'harness/preload/*.ts',
        'local/node/link.ts',
        'release/publication.ts',
      ],
      // Types for lock.mjs, whose importers name the .mjs file.
      ignore: ['lock.d.mts'],
      // Of util-linux and dpkg, not of a package: what needs one says so where it is not there.
      ignoreBinaries: ['unshare', 'nsenter', 'dpkg-deb'],
    },
    // Begun by tools/bootstrap.mjs, and bundled by the benchmark itself.
    'tools/bench': { entry: ['main.ts', '*/main.ts'] },
  },
  // The index of a lib is no entry from outside: the workspaces have no users but each other.
  includeEntryExports: true,
  // The types that an exported function takes or returns are exported with it.
  ignoreExportsUsedInFile: { interface: true, type: true },
} satisfies KnipConfig;
