import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { conditionTypes, eventReasons, reasons } from './conditions.ts';
import { crdOf } from './crd.ts';
import { kinds } from './kinds.ts';
import { annotations, group, labels } from './resources.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Decision 12 is the one table of names. A row is its cells by the title of their column. */
const page = readFileSync(new URL('../../../docs/decisions/0012-names-of-api-fields.md', import.meta.url), 'utf8');
const cellsOf = (line: string): readonly string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
const tableOf = (title: string): readonly Readonly<Record<string, string>>[] => {
  const section = page.split(/^## /m).find((text) => text.startsWith(title)) ?? '';
  const [head = '', , ...rows] = section.split('\n').filter((line) => line.startsWith('|'));
  const columns = cellsOf(head);
  return rows.map((row) => Object.fromEntries(cellsOf(row).map((cell, index) => [columns[index] ?? '', cell])));
};
/** What stands in backquotes in a cell. */
const namesIn = (cell = ''): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

const partOf = (kind: string, part: 'spec' | 'status'): Schema => {
  const found = kinds.find(({ resource }) => resource.kind === kind);
  if (found === undefined) throw new Error(`${kind} is no kind`);
  const crd = crdOf(found) as { spec: { versions: { schema: { openAPIV3Schema: { properties: Schema } } }[] } };
  return crd.spec.versions[0]?.schema.openAPIV3Schema.properties[part] as Schema;
};
/** The schema of a field such as `lifecycle.rules[].id`; undefined where there is none. */
const fieldOf = (schema: Schema | undefined, path: string): Schema | undefined =>
  path.split('.').reduce<Schema | undefined>((at, step) => {
    const next = (at?.properties as Record<string, Schema> | undefined)?.[step.replace('[]', '')];
    return step.endsWith('[]') ? (next?.items as Schema | undefined) : next;
  }, schema);

/** How a field is to be called in the column "said in". */
const saidOf = (field: Schema | undefined): string => {
  if (field === undefined) return 'here';
  return /not in this version|this version sees/i.test(String(field.description)) ? 'explain' : 'built';
};

const specs = kinds
  .map(({ resource }) => resource.kind)
  .flatMap((kind) =>
    tableOf(`Spec of a${kind === 'AccessKey' ? 'n' : ''} ${kind}\n`).flatMap((row) =>
      namesIn(row.field).map((field) => [kind, 'spec', field, row['said in']] as const),
    ),
  );
const statuses = tableOf('Status\n').flatMap((row) =>
  (row.kind === 'all' ? kinds.map(({ resource }) => resource.kind) : (row.kind ?? '').split(', ')).flatMap((kind) =>
    namesIn(row.field).map((field) => [kind, 'status', field, row['said in']] as const),
  ),
);

describe('decision 12', () => {
  test('has fields, annotations, and words', () => {
    expect(specs.length).toBeGreaterThan(30);
    expect(statuses.length).toBeGreaterThan(15);
  });

  test.each([...specs, ...statuses])('says of %s %s.%s whether it is built', (kind, part, field, said) => {
    expect(said).toBe(saidOf(fieldOf(partOf(kind, part), field)));
  });

  test.each(
    tableOf('In the CRDs')
      .filter(({ name = '' }) => !/^(ClusterRoles|ValidatingAdmissionPolicy) /.test(name))
      .flatMap((row) => namesIn(row.name).map((name) => [name, row['said in']] as const)),
  )('says whether %s is built', (name, said) => {
    const part = name.replace(/^(\S+): (\S+)$/, '$1":"$2');
    const isBuilt = kinds.some((kind) => JSON.stringify(crdOf(kind)).includes(`"${part}"`));
    expect(said).toBe(isBuilt ? 'built' : 'here');
  });

  test.each(
    tableOf('Annotations').flatMap((row) => namesIn(row.annotation).map((name) => [name, row['said in']] as const)),
  )('says whether the annotation %s is built', (name, said) => {
    const isKnown = Object.values<string>(annotations).includes(`${group}/${name}`);
    expect(said === 'here' ? 'here' : 'built').toBe(isKnown ? 'built' : 'here');
  });

  test.each(tableOf('Labels').flatMap((row) => namesIn(row.label).map((name) => [name, row['said in']] as const)))(
    'says whether the label %s is built',
    (name, said) => {
      const isKnown = Object.values<string>(labels).includes(`${group}/${name}`);
      expect(said).toBe(isKnown ? 'built' : 'here');
    },
  );

  test.each(
    tableOf('Condition types').flatMap((row) =>
      namesIn(row.name).map((name) => [name, row.what ?? '', row['said in']] as const),
    ),
  )('says whether the word %s, %s, is built', (name, what, said) => {
    const words = [
      ...(what.includes('type') ? [conditionTypes] : []),
      ...(what.includes('reason') ? [reasons] : []),
      ...(what.includes('Event') ? [eventReasons] : []),
    ];
    expect(words).not.toEqual([]);
    expect(said === 'here' ? 'here' : 'built').toBe(
      words.every((known) => Object.hasOwn(known, name)) ? 'built' : 'here',
    );
  });
});
