import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ESLint } from 'eslint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const boundaryRule = '@nx/enforce-module-boundaries';
const judged = new Set([
  boundaryRule,
  'no-restricted-imports',
  'no-restricted-properties',
  'no-restricted-syntax',
  '@typescript-eslint/no-explicit-any',
]);

const floatingRule = '@typescript-eslint/no-floating-promises';

let eslint: ESLint;
/** Knows types, so it looks at files that exist. */
let typed: ESLint;
let emptyCache: string;

beforeAll(async () => {
  // As on a fresh clone: no daemon, no earlier Nx run, an empty cache. Nx reads these when it is loaded.
  emptyCache = await mkdtemp(join(tmpdir(), 'boundaries-'));
  process.env.NX_DAEMON = 'false';
  process.env.NX_WORKSPACE_DATA_DIRECTORY = emptyCache;
  delete process.env.NX_TASK_TARGET_PROJECT;
  const { ESLint } = await import('eslint');
  eslint = new ESLint({
    cwd: root,
    ruleFilter: ({ ruleId }) => judged.has(ruleId),
    // The planted files exist as text only, so no TypeScript project knows them.
    overrideConfig: { files: ['**/*.ts'], languageOptions: { parserOptions: { projectService: false } } },
  });
  typed = new ESLint({ cwd: root, ruleFilter: ({ ruleId }) => ruleId === floatingRule });
}, 60_000);

afterAll(() => rm(emptyCache, { recursive: true, force: true }));

/** Plants `code` at `path` and returns the rules that refuse it. */
const refusals = async (path: string, code: string): Promise<readonly (string | null)[]> => {
  const [result] = await eslint.lintText(code, { filePath: join(root, path), warnIgnored: true });
  return [...new Set((result?.messages ?? []).map((message) => message.ruleId ?? message.message))];
};

describe('module boundaries', () => {
  it.each([
    ['s3 imports Kubernetes', 'libs/s3/src/planted.ts', '@kubernetes/client-node'],
    ['a driver imports Kubernetes', 'libs/driver-minio/src/planted.ts', '@kubernetes/client-node'],
    ['runtime imports the S3 client', 'libs/runtime/src/planted.ts', '@aws-sdk/client-s3'],
    ['runtime imports what the S3 client is made of', 'libs/runtime/src/planted.ts', '@smithy/core/retry'],
    ['what is shipped imports the MinIO client', 'libs/driver-minio/src/planted.ts', 'minio'],
    ['what is shipped imports undici', 'libs/runtime/src/planted.ts', 'undici'],
    ['core imports Kubernetes', 'libs/conditions/src/planted.ts', '@kubernetes/client-node'],
    ['core imports the S3 client', 'libs/policy/src/planted.ts', '@aws-sdk/client-s3'],
    ['core imports runtime', 'libs/outcome/src/planted.ts', '@operator/runtime'],
    ['s3 imports runtime', 'libs/s3/src/planted.ts', '@operator/runtime'],
    ['runtime imports s3', 'libs/runtime/src/planted.ts', '@operator/s3'],
    ['a driver imports another driver', 'libs/driver-minio/src/planted.ts', '@operator/driver-aws'],
    ['the binding imports a driver', 'libs/references/src/planted.ts', '@operator/driver-aws'],
    ['the binding imports the drivers', 'libs/references/src/planted.ts', '@operator/drivers'],
    ['an app imports one driver', 'apps/bucket-controller/src/planted.ts', '@operator/driver-minio'],
    ['a driver imports the drivers', 'libs/driver-minio/src/planted.ts', '@operator/drivers'],
    ['the drivers import runtime', 'libs/drivers/src/planted.ts', '@operator/runtime'],
    ['a lib imports an app', 'libs/secrets/src/planted.ts', '@operator/bucket-controller'],
    [
      'a lib imports a file of an app by name',
      'libs/secrets/src/planted.ts',
      '@operator/bucket-controller/src/plan.ts',
    ],
    ['a lib imports a package that nobody declared', 'libs/s3/src/planted.ts', 'fast-xml-parser'],
    ['a lib imports a file of an app', 'libs/secrets/src/planted.ts', '../../../apps/bucket-controller/src/main.ts'],
    ['an app imports another app', 'apps/policy-controller/src/planted.ts', '@operator/bucket-controller'],
    [
      'an app imports a file of another app',
      'apps/policy-controller/src/planted.ts',
      '../../bucket-controller/src/plan.ts',
    ],
    ['an app reaches into a lib', 'apps/policy-controller/src/planted.ts', '../../../libs/s3/src/wire.ts'],
    ['an app imports testing outside a spec', 'apps/policy-controller/src/planted.ts', '@operator/testing'],
    ['a lib imports tools outside a spec', 'libs/runtime/src/planted.ts', '@operator/tools/local'],
  ])('refuses that %s', async (_fact, path, specifier) => {
    expect(await refusals(path, `export { planted } from '${specifier}';\n`)).toEqual([boundaryRule]);
    expect(await refusals(path, `import type { Planted } from '${specifier}';\nexport type { Planted };\n`)).toEqual([
      boundaryRule,
    ]);
    expect(await refusals(path, `export const planted = () => import('${specifier}');\n`)).toEqual([boundaryRule]);
  });

  it.each([
    ['an app imports the drivers', 'apps/bucket-controller/src/planted.ts', '@operator/drivers'],
    ['the drivers import a driver', 'libs/drivers/src/planted.ts', '@operator/driver-minio'],
    ['an app imports the binding', 'apps/bucket-controller/src/planted.ts', '@operator/references'],
    ['the binding imports s3', 'libs/references/src/planted.ts', '@operator/s3'],
    ['the binding imports runtime', 'libs/references/src/planted.ts', '@operator/runtime'],
    ['s3 imports the S3 client', 'libs/s3/src/planted.ts', '@aws-sdk/client-s3'],
    ['s3 imports core', 'libs/s3/src/planted.ts', '@operator/policy'],
    ['runtime imports Kubernetes', 'libs/runtime/src/planted.ts', '@kubernetes/client-node'],
    ['s3 imports a module of Node', 'libs/s3/src/planted.ts', 'node:crypto'],
    ['a driver imports s3', 'libs/driver-minio/src/planted.ts', '@operator/s3'],
    ['a spec of an app imports a driver', 'apps/bucket-controller/src/planted.spec.ts', '@operator/driver-minio'],
    ['a spec of an app imports testing', 'apps/bucket-controller/src/planted.spec.ts', '@operator/testing'],
    ['a spec of a lib imports tools', 'libs/runtime/src/planted.integration.spec.ts', '@operator/tools/local'],
    ['a spec imports the MinIO client', 'libs/driver-minio/src/planted.spec.ts', 'minio'],
    ['a controller for tests imports undici', 'libs/runtime/test/planted.ts', 'undici'],
    ['e2e imports tools', 'e2e/src/planted.ts', '@operator/tools/local'],
  ])('accepts that %s', async (_fact, path, specifier) => {
    expect(await refusals(path, `export { planted } from '${specifier}';\n`)).toEqual([]);
  });
});

describe('a line knows its own room only', () => {
  it.each([
    ['the environment', 'export const home = process.env.HOME;\n', 'no-restricted-properties'],
    ['the environment by import', "export { env } from 'node:process';\n", 'no-restricted-imports'],
    ['the clock', 'export const at = Date.now();\n', 'no-restricted-properties'],
    ['the clock by a date', 'export const at = new Date();\n', 'no-restricted-syntax'],
    ['chance', 'export const draw = Math.random();\n', 'no-restricted-properties'],
  ])('refuses %s in a lib and accepts it in main.ts and in a spec', async (_fact, code, rule) => {
    expect(await refusals('libs/s3/src/planted.ts', code)).toEqual([rule]);
    expect(await refusals('apps/bucket-controller/src/planted.ts', code)).toEqual([rule]);
    expect(await refusals('apps/bucket-controller/src/main.ts', code)).toEqual([]);
    expect(await refusals('libs/s3/src/planted.spec.ts', code)).toEqual([]);
  });

  it('accepts a date made of a given instant', async () => {
    expect(await refusals('libs/s3/src/planted.ts', 'export const at = new Date(0);\n')).toEqual([]);
  });

  it('refuses an export of everything, and any', async () => {
    expect(await refusals('libs/s3/src/planted.ts', "export * from './wire.ts';\n")).toEqual(['no-restricted-syntax']);
    expect(await refusals('libs/s3/src/planted.ts', 'export const given = (value: any) => value;\n')).toEqual([
      '@typescript-eslint/no-explicit-any',
    ]);
  });
});

describe('a promise that nobody awaits', () => {
  it.each([
    'apps/bucket-controller/src/main.ts',
    'libs/outcome/src/index.ts',
    'libs/runtime/src/workqueue.spec.ts',
    'e2e/src/bundles.ts',
    'tools/paths.ts',
    'tools/bootstrap.mjs',
    'tools/lock.mjs',
    'vitest.config.ts',
    'eslint.config.mjs',
  ])('is refused in %s', async (path) => {
    const code = await readFile(join(root, path), 'utf8');
    const refused = async (text: string) => {
      const [result] = await typed.lintText(text, { filePath: join(root, path), warnIgnored: true });
      return result?.messages.map(({ ruleId, message }) => ruleId ?? message);
    };
    expect(await refused(code)).toEqual([]);
    expect(await refused(`${code}\nPromise.resolve();\n`)).toEqual([floatingRule]);
  });
});
