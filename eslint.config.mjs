import { createProjectGraphAsync } from '@nx/devkit';
import nx from '@nx/eslint-plugin';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

// Without a cached project graph @nx/enforce-module-boundaries prints a warning and lets everything pass. Nx makes the graph
// before it runs a target; whoever runs ESLint directly gets it here, and a graph that cannot be made is an error.
if (process.env.NX_TASK_TARGET_PROJECT === undefined) await createProjectGraphAsync();

const kube = ['@kubernetes/*'];
const wire = ['@aws-sdk/*', '@smithy/*'];
/** Judges of what is shipped, so no part of it: decision 21. */
const testsOnly = ['minio', 'undici'];

/**
 * Who may know whom (CONTRIBUTING.md, Layout). `extra`: layers that the tests of every project may import beside its own list. None:
 * the file is shipped.
 */
const boundaries = (extra = []) => {
  const layer = (name, targets, banned = []) => ({
    sourceTag: `layer:${name}`,
    onlyDependOnLibsWithTags: [...targets, ...extra].map((target) => `layer:${target}`),
    bannedExternalImports: extra.length === 0 ? [...banned, ...testsOnly] : banned,
  });
  return [
    'error',
    {
      // Whoever is named in no package.json is refused: apps export nothing, so Nx does not know their names.
      banTransitiveDependencies: true,
      // Only spec files may import testing and tools, so a circle through them never exists at run time.
      ignoredCircularDependencies: [
        ['testing', '*'],
        ['tools', '*'],
      ],
      depConstraints: [
        layer('app', ['runtime', 'drivers', 's3', 'core', 'binding']),
        layer('binding', ['runtime', 's3', 'core']),
        layer('runtime', ['runtime', 'core'], wire),
        // The one map of all drivers, which the apps offer.
        layer('drivers', ['driver', 's3', 'core'], kube),
        layer('driver', ['s3', 'core'], kube),
        layer('s3', ['core'], kube),
        // Itself too: the circles that are let through above include that with itself.
        layer('testing', ['testing', 's3', 'core'], kube),
        layer('core', ['core'], [...kube, ...wire]),
        { sourceTag: 'layer:tools', onlyDependOnLibsWithTags: ['*'], notDependOnLibsWithTags: ['layer:bench'] },
        { sourceTag: 'layer:bench', onlyDependOnLibsWithTags: ['*'] },
        { sourceTag: 'layer:e2e', onlyDependOnLibsWithTags: ['*'] },
      ],
    },
  ];
};

/** Rules that know types. What no tsconfig.json beside or above it includes is named here. */
const parserOptions = {
  projectService: { allowDefaultProject: ['*.ts', '*.mjs', 'tools/*.mjs'] },
  tsconfigRootDir: import.meta.dirname,
};

const noExportAll = { selector: 'ExportAllDeclaration', message: 'Export by name.' };
const noOwnReason = {
  selector: 'CallExpression[callee.name=/^(waiting|terminal|transient)$/][arguments.0.type="Literal"]',
  message: 'A reason is a constant of @operator/api.',
};
const noOwnTime = {
  selector: ':matches(NewExpression, CallExpression)[callee.name="Date"][arguments.length=0]',
  message: 'Time comes from `clock` or the pass.',
};

export default defineConfig(
  globalIgnores(['**/node_modules', '**/dist', '.nx', '.local', 'crds', 'tools/local/go']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts', '**/*.mjs'],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': boundaries(),
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', noExportAll],
    },
  },
  {
    files: ['**/*.spec.ts', '{apps,libs}/*/test/**/*.ts'],
    rules: { '@nx/enforce-module-boundaries': boundaries(['testing', 'tools']) },
  },
  {
    // On a real server a spec of an app makes the one driver that it needs.
    files: ['apps/**/*.spec.ts'],
    rules: { '@nx/enforce-module-boundaries': boundaries(['testing', 'tools', 'driver']) },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions },
    rules: {
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // An interface that promises lets an implementation have nothing to wait for.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // Plain JavaScript belongs to no TypeScript project; a promise that nobody awaits is no less lost in it.
    files: ['**/*.mjs'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: { parser: tseslint.parser, parserOptions },
    rules: {
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
    },
  },
  {
    // A line knows its own room only: what comes from outside is handed in by main.ts.
    files: ['apps/**/*.ts', 'libs/**/*.ts'],
    ignores: ['apps/*/src/main.ts', '**/*.spec.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': ['error', noExportAll, noOwnTime, noOwnReason],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only main.ts reads the environment.' },
        { object: 'Date', property: 'now', message: 'Time comes from `clock` or the pass.' },
        { object: 'Math', property: 'random', message: 'Randomness comes from the caller.' },
      ],
      'no-restricted-imports': [
        'error',
        { name: 'node:process', importNames: ['env', 'default'], message: 'Only main.ts reads the environment.' },
      ],
    },
  },
);
