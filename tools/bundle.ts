import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, stop, type Plugin } from 'esbuild';
import { projectRoot } from './paths.ts';

/**
 * Node's own flags for a controller. Where V8 sees much memory it lets its young generation grow to 50 MiB, and the rest to a
 * multiple of what lives; held to 2 MiB and to a fifth more, a busy controller is 100 MiB smaller and uses no more CPU
 * (docs/performance.md).
 */
export const nodeFlags: readonly string[] = ['--max-semi-space-size=2', '--heap-growing-percent=20'];

/**
 * The environment of a controller. Each thread of Node takes memory of its own from the C library, and what is freed stays in the process; held to
 * one place for all, and given back, a controller is 10 MiB smaller. `env` of a pod overrides it. Source: mallopt(3).
 */
export const nodeEnvironment: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '65536',
};

/** The commit of a clone, abbreviated, with `-dirty` where its working tree is not what it says; undefined where git cannot tell. */
export const commitOf = (folder: string): Promise<string | undefined> =>
  promisify(execFile)('git', ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'], { cwd: folder }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );

/** A bundled program. */
export interface Bundle {
  /** Path of its `main.js`. */
  readonly main: string;
  /** What went into it, as paths below the project. */
  readonly inputs: readonly string[];
  /** What it says that it was made of. */
  readonly commit: string | undefined;
}

/** A module that stands in the place of another one; both are paths below the project. */
export interface Replacement {
  readonly module: string;
  readonly by: string;
}

export interface BundleOptions {
  /** Only for proofs, never for what is shipped. */
  readonly replace?: Replacement;
}

const replacing = ({ module, by }: Replacement): Plugin => ({
  name: 'replacing',
  setup(at) {
    at.onLoad({ filter: /\.ts$/ }, ({ path }) =>
      path === join(projectRoot, module)
        ? { contents: `export * from ${JSON.stringify(join(projectRoot, by))};`, resolveDir: projectRoot }
        : undefined,
    );
  },
});

let underWay = 0;

/**
 * Bundles the program that begins in `entry`, a `main.ts`, into a folder; and says what went into it. What is imported
 * lazily (drivers, IAM, tracing, kubeconfig files) lies in chunks beside it and takes no memory until it is needed. Nothing is
 * minified, so that a stack in production can be read. What runs needs a folder of its own: the next build into the same one takes
 * it from under it.
 * @throws Error with esbuild's messages
 */
export async function bundleProgram(entry: string, outdir: string, { replace }: BundleOptions = {}): Promise<Bundle> {
  await rm(outdir, { recursive: true, force: true });
  const commit = await commitOf(projectRoot);
  underWay += 1;
  try {
    const { metafile } = await build({
      absWorkingDir: projectRoot,
      entryPoints: [entry],
      outdir,
      bundle: true,
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
      platform: 'node',
      format: 'esm',
      // Of a package that has both, the ES modules: of CommonJS nothing can be left out, and each name gets a function of its own.
      mainFields: ['module', 'main'],
      target: 'node26',
      sourcemap: 'linked',
      metafile: true,
      logLevel: 'silent',
      plugins: replace === undefined ? [] : [replacing(replace)],
      // What `--version` says beside the package's version.
      define: { operatorCommit: commit === undefined ? 'undefined' : JSON.stringify(commit) },
      // Some dependencies are CommonJS and ask for Node's own modules by `require`, which an ES module does not have.
      banner: {
        js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
      },
    });
    return { main: join(outdir, 'main.js'), inputs: Object.keys(metafile.inputs), commit };
  } finally {
    underWay -= 1;
    // Its service would keep half a GiB beside whatever runs next; the builds under way share it.
    if (underWay === 0) await stop();
  }
}
