import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { parseDocument, YAMLMap, YAMLSeq } from 'yaml';
import { kubernetesMinors } from '../local/versions.ts';
import { between } from '../marked.ts';
import { projectRoot } from '../paths.ts';
import { controllerNames } from '../controllers.ts';
import { dashboardFile } from '../monitoring/dashboard.ts';
import { rulesFile } from '../monitoring/alerts.ts';
import { readCrds } from '../reference/crds.ts';
import { nameReferences } from '../reference/kustomize.ts';
import { referencePage } from '../reference/page.ts';
import { grants, type Grant } from './rbac.ts';
import { chartValues, schemaFile, valuesFile, valuesTable } from './values.ts';

// usage: node tools/charts/generate.ts [--check]
// Writes what charts and docs have from one source: values, their schemas and tables, roles, alerts, the dashboard, the copy of the CRDs,
// the reference of their fields, and where they refer to others.

const umbrella = join(projectRoot, 'charts/s3-provider-operator');

const wheres: readonly Grant['where'][] = ['own', 'referred', 'secrets', 'release', 'cluster', 'clusterRole'];

const ruleOf = ({ group, resource, verbs, names, when }: Grant): string => {
  const list = (values: readonly string[]) => `[${values.map((value) => (value === '' ? "''" : value)).join(', ')}]`;
  const named = names === undefined ? '' : `, resourceNames: ${list(names)}`;
  const rule = `- { apiGroups: ${list([group])}, resources: ${list([resource])}, verbs: ${list(verbs)}${named} }`;
  return when === undefined ? rule : [`{{- if .values.rbac.${when} }}`, rule, '{{- end }}'].join('\n');
};

/** The rules of each controller, as templates of the library chart. */
const grantsTemplate = (): string =>
  [
    '{{/* Generated from tools/charts/rbac.ts by `npm run generate`. */}}',
    ...controllerNames.flatMap((name) =>
      wheres.flatMap((where) => [
        `{{- define "s3-operator.grants.${name}.${where}" -}}`,
        ...grants[name].filter((grant) => grant.where === where).map(ruleOf),
        '{{- end -}}',
      ]),
    ),
    '',
  ].join('\n');

const whereInWords: Readonly<Record<Grant['where'], string>> = {
  own: '`watch.namespaces`',
  referred: 'everywhere; with `minimal`: `watch.namespaces`',
  secrets: '`watch.namespaces`',
  release: 'namespace of the release',
  cluster: 'cluster; with `minimal`: kube-system alone',
  clusterRole: 'cluster; with `minimal`: nowhere',
};

/** Where a grant holds under each preset; the same as `_roles.tpl` does it. */
const reaches: Readonly<Record<Grant['where'], readonly [minimal: string | undefined, scoped: string, full: string]>> =
  {
    own: ['watched', 'watched', 'cluster'],
    referred: ['watched', 'cluster', 'cluster'],
    secrets: ['watched', 'watched', 'cluster'],
    release: ['release', 'release', 'release'],
    cluster: ['kube-system', 'cluster', 'cluster'],
    clusterRole: [undefined, 'cluster', 'cluster'],
  };

const verbOrder = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

/** One line of a controller for each resource: which verbs it has under each preset, and how far they reach. */
const presetTable = (): string => {
  const cell = (of: readonly Grant[], preset: number): string => {
    const byReach = new Map<string, Set<string>>();
    for (const { where, verbs, when } of of) {
      const place = reaches[where][preset];
      if (place === undefined) continue;
      const reach = `${place}${when === undefined ? '' : `, with \`rbac.${when}\``}`;
      byReach.set(reach, new Set([...(byReach.get(reach) ?? []), ...verbs]));
    }
    // What holds in the whole cluster needs no second mention.
    const everywhere = byReach.get('cluster') ?? new Set();
    return [...byReach]
      .map(([reach, verbs]) => [reach, reach === 'cluster' ? verbs : verbs.difference(everywhere)] as const)
      .filter(([, verbs]) => verbs.size > 0)
      .map(([reach, verbs]) => `${verbOrder.filter((verb) => verbs.has(verb)).join(', ')} (${reach})`)
      .join('; ');
  };
  return [
    '| controller | resource | minimal | scoped | full |',
    '| --- | --- | --- | --- | --- |',
    ...controllerNames.flatMap((name) =>
      [...Map.groupBy(grants[name], ({ resource, names = [] }) => [resource, ...names].join(' ')).entries()].map(
        ([resource, of]) => `| ${name} | ${resource} | ${cell(of, 0)} | ${cell(of, 1)} | ${cell(of, 2)} |`,
      ),
    ),
  ].join('\n');
};

/** The tables of docs/rbac.md. */
const grantsTable = (): string =>
  controllerNames
    .map((name) =>
      [
        `### ${name}-controller`,
        '',
        '| resource | verbs | where | what for |',
        '| --- | --- | --- | --- |',
        ...grants[name].map(({ resource, names = [], verbs, where, when, why }) =>
          [
            '',
            `${resource}${names.length === 0 ? '' : ` ${names.join(', ')}`}`,
            verbs.join(', '),
            `${whereInWords[where]}${when === undefined ? '' : `, with \`rbac.${when}\``}`,
            why,
            '',
          ]
            .join(' | ')
            .trim(),
        ),
      ].join('\n'),
    )
    .join('\n\n');

/** Chart.yaml with the project's version, for the chart and for the library in it, and the oldest Kubernetes that is tried. */
const chartFile = (text: string, version: string): string => {
  const chart = parseDocument(text);
  chart.set('version', version);
  if (chart.has('appVersion')) chart.set('appVersion', version);
  if (chart.has('kubeVersion')) chart.set('kubeVersion', `>=${kubernetesMinors.at(-1)}.0-0`);
  const dependencies: unknown = chart.get('dependencies');
  if (dependencies instanceof YAMLSeq)
    for (const one of dependencies.items) if (one instanceof YAMLMap) one.set('version', version);
  return chart.toString({ lineWidth: 0 });
};

/** Path below the project → content. */
const generated = async (): Promise<ReadonlyMap<string, string>> => {
  const files = new Map<string, string>();
  for (const values of chartValues) {
    const folder = `charts/${values.chart}`;
    files.set(`${folder}/values.yaml`, valuesFile(values));
    files.set(`${folder}/values.schema.json`, schemaFile(values));
    const readme = await readFile(join(projectRoot, folder, 'README.md'), 'utf8');
    files.set(`${folder}/README.md`, between(readme, 'values', valuesTable(values)));
  }
  const { version } = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  for (const chart of ['s3-operator-library', ...chartValues.map((values) => values.chart)]) {
    const path = `charts/${chart}/Chart.yaml`;
    files.set(path, chartFile(await readFile(join(projectRoot, path), 'utf8'), version));
  }
  files.set('charts/s3-operator-library/templates/_grants.tpl', grantsTemplate());
  files.set('charts/s3-provider-operator/monitoring/alerts.yaml', rulesFile());
  files.set('charts/s3-provider-operator/monitoring/dashboard.json', dashboardFile());
  const rights = await readFile(join(projectRoot, 'docs/rbac.md'), 'utf8');
  files.set('docs/rbac.md', between(between(rights, 'presets', presetTable()), 'grants', grantsTable()));
  const crds = await readCrds();
  files.set('docs/reference.md', referencePage(crds));
  files.set('kustomize/references.yaml', nameReferences(crds));
  for (const file of await readdir(join(projectRoot, 'crds'))) {
    files.set(`charts/s3-provider-operator/crds/${file}`, await readFile(join(projectRoot, 'crds', file), 'utf8'));
  }
  return files;
};

const pretty = async (path: string, content: string): Promise<string> => {
  if (path.endsWith('.tpl') || path.includes('/crds/')) return content;
  const file = join(projectRoot, path);
  return format(content, { ...(await resolveConfig(file)), filepath: file });
};

const isCheck = process.argv[2] === '--check';
const stale: string[] = [];
const files = await generated();
const ownCrds = join(umbrella, 'crds');
const expected = new Set([...files.keys()].map((path) => join(projectRoot, path)));
for (const [path, content] of files) {
  const file = join(projectRoot, path);
  const wanted = await pretty(path, content);
  const have = await readFile(file, 'utf8').catch(() => undefined); // not there yet
  if (have === wanted) continue;
  stale.push(path);
  if (!isCheck) await writeFile(file, wanted);
}
for (const file of await readdir(ownCrds)) {
  if (expected.has(join(ownCrds, file))) continue;
  stale.push(`charts/s3-provider-operator/crds/${file}`);
  if (!isCheck) await rm(join(ownCrds, file));
}
if (isCheck && stale.length > 0) {
  console.error(`not as generated: ${stale.join(', ')}. Run: npm run generate`);
  process.exitCode = 1;
}
