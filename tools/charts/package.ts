import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { projectRoot } from '../paths.ts';
import { chartValues } from './values.ts';

const run = promisify(execFile);

interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: { readonly description: string } };
    }[];
  };
}

const yamlIn = async (folder: string): Promise<readonly unknown[]> => {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.yaml')).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as unknown));
};

/** What Artifact Hub shows of a chart. Source: artifacthub.io, Helm annotations. */
const artifactHubAnnotations = async (): Promise<Readonly<Record<string, string>>> => {
  const crds = (await yamlIn(join(projectRoot, 'crds'))) as readonly Crd[];
  const examples = await yamlIn(join(projectRoot, 'docs/examples/quickstart'));
  return {
    'artifacthub.io/license': 'Apache-2.0',
    'artifacthub.io/operator': 'true',
    'artifacthub.io/crds': stringify(
      crds.flatMap(({ metadata, spec }) =>
        spec.versions.map((version) => ({
          kind: spec.names.kind,
          version: version.name,
          name: metadata.name,
          displayName: spec.names.kind,
          description: version.schema.openAPIV3Schema.description,
        })),
      ),
    ),
    'artifacthub.io/crdsExamples': stringify(
      examples.filter((example) => (example as { apiVersion?: string }).apiVersion?.startsWith('s3.cloud37.dev/')),
    ),
  };
};

/** Packages every chart that can be installed, with the library in it; returns their archives by name. @throws Error with helm's words */
export const packageCharts = async (helm: string, outdir: string): Promise<ReadonlyMap<string, string>> => {
  const scratch = await mkdtemp(join(tmpdir(), 'charts-'));
  try {
    await cp(join(projectRoot, 'charts'), scratch, { recursive: true });
    await mkdir(outdir, { recursive: true });
    const annotations = await artifactHubAnnotations();
    const packaged = new Map<string, string>();
    for (const { chart } of chartValues) {
      const file = join(scratch, chart, 'Chart.yaml');
      const described = parse(await readFile(file, 'utf8')) as { readonly version: string };
      await writeFile(file, stringify({ ...described, annotations }));
      await run(helm, ['dependency', 'update', join(scratch, chart)]);
      await run(helm, ['package', join(scratch, chart), '--destination', outdir]);
      packaged.set(chart, join(outdir, `${chart}-${described.version}.tgz`));
    }
    return packaged;
  } finally {
    await rm(scratch, { recursive: true });
  }
};
