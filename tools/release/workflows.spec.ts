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
        readonly steps: readonly { readonly run?: string; readonly uses?: string }[];
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

  it('names each action by its commit, which no one can move, and says which version that is', () => {
    const used = Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
    expect(used.length).toBeGreaterThan(0);
    for (const uses of used) {
      expect(uses).toMatch(/^actions\/[\w-]+@[0-9a-f]{40}$/);
      expect(text).toMatch(new RegExp(`uses: ${uses} # v\\d+\\.\\d+\\.\\d+\\n`));
    }
  });

  it('puts no text of others into a command', () => {
    const commands = Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ run = '' }) => run));
    expect(commands.filter((run) => /\$\{\{(?! matrix\.)/.test(run))).toEqual([]);
  });
});

it('one version of an action is in use, and a bot asks for the next one by a commit of our form', () => {
  const uses = new Set(workflows.flatMap(({ text }) => [...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action)));
  const actions = [...uses].map((action = '') => action.split('@')[0]);
  expect(actions.toSorted()).toEqual([...new Set(actions)].toSorted());
  const { updates } = parse(readFileSync(join(projectRoot, '.github/dependabot.yml'), 'utf8')) as {
    readonly updates: readonly Readonly<Record<string, unknown>>[];
  };
  expect(updates).toMatchObject([{ 'package-ecosystem': 'github-actions', 'commit-message': { prefix: 'ci' } }]);
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
