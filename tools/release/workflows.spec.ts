import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { projectRoot } from '../paths.ts';

const folder = join(projectRoot, '.github/workflows');
const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly if?: string;
        readonly permissions?: Readonly<Record<string, string>>;
        readonly 'timeout-minutes'?: number;
        readonly steps: readonly { readonly run?: string }[];
      }
    >
  >;
}
const workflows = readdirSync(folder).map((file) => {
  const text = readFileSync(join(folder, file), 'utf8');
  return { file, text, workflow: parse(text) as Workflow };
});

describe.each(workflows)('the workflow $file', ({ text, workflow }) => {
  it('runs commands that there are', () => {
    const asked = [...text.matchAll(/\bnpm (?:run )?([\w:-]+)/g)].map(([, script = '']) => script);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((script) => !(script in scripts))).toEqual([]);
  });

  it('may read alone where a job asks for no more, and ends', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(workflow.jobs)) expect(job['timeout-minutes']).toBeGreaterThan(0);
  });

  it('gives the right to write only for a push, and to a job that installs and builds nothing', () => {
    const writing = Object.values(workflow.jobs).filter(({ permissions = {} }) =>
      Object.values(permissions).includes('write'),
    );
    for (const { if: condition, steps } of writing) {
      // By hand, a workflow may run on a tag as well.
      expect(condition).toBe("github.event_name == 'push'");
      expect(steps.filter(({ run = '' }) => /\bnpm\b/.test(run))).toEqual([]);
    }
    expect(text).not.toContain('github.ref_type');
  });

  it('puts no text of others into a command', () => {
    const commands = Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ run = '' }) => run));
    expect(commands.filter((run) => /\$\{\{(?! matrix\.)/.test(run))).toEqual([]);
  });
});

describe('what publishes a release', () => {
  it('needs no package, so that nothing of one runs with its rights', async () => {
    const { metafile } = await build({
      entryPoints: [join(projectRoot, 'tools/release/publication.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      metafile: true,
      write: false,
    });
    const imported = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
    expect(imported.filter(({ external, path }) => external === true && !path.startsWith('node:'))).toEqual([]);
  });
});
