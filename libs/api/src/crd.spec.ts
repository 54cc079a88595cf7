import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { crdOf, structural } from './crd.ts';
import { kinds, type PrinterColumn } from './kinds.ts';
import { isInThisVersion, notInThisVersion, optional, text } from './schema.ts';
import Type from 'typebox';

type Schema = Readonly<Record<string, unknown>>;

/** Every schema below this one, with its path. */
const walk = (schema: Schema, path: string): readonly (readonly [path: string, schema: Schema])[] => [
  [path, schema],
  ...Object.entries((schema.properties ?? {}) as Record<string, Schema>).flatMap(([key, below]) =>
    walk(below, `${path}.${key}`),
  ),
  ...(schema.items === undefined ? [] : walk(schema.items as Schema, `${path}[]`)),
  ...(schema.additionalProperties === undefined ? [] : walk(schema.additionalProperties as Schema, `${path}.*`)),
];

/** Paths of the fields that are declared as not in this version. */
const unbuiltBelow = (schema: object, path: string): readonly string[] => [
  ...(isInThisVersion(schema) ? [] : [path]),
  ...Object.entries((schema as { properties?: Record<string, object> }).properties ?? {}).flatMap(([key, below]) =>
    unbuiltBelow(below, `${path}.${key}`),
  ),
];

const schemaOf = (kind: (typeof kinds)[number]): Schema => {
  const crd = crdOf(kind) as { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } };
  return crd.spec.versions[0]?.schema.openAPIV3Schema ?? {};
};

const named = kinds.map((kind) => [kind.resource.kind, kind] as const);

describe.each(named)('the CRD of %s', (name, kind) => {
  const fields = walk(schemaOf(kind), name).filter(([path]) => !path.startsWith(`${name}.metadata`));

  test('describes every field', () => {
    const bare = fields.filter(
      ([path, { description }]) => !path.endsWith('.*') && !path.endsWith('[]') && !description,
    );
    expect(bare.map(([path]) => path)).toEqual([]);
  });

  test('says the default of every field that has one', () => {
    const silent = fields.filter(
      ([, schema]) =>
        schema.type !== 'object' &&
        'default' in schema &&
        !String(schema.description).endsWith(`Default: ${schema.default === '' ? '""' : String(schema.default)}.`),
    );
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  test('speaks of a default nowhere else', () => {
    const wrong = fields.filter(
      ([, schema]) => !('default' in schema) && String(schema.description).includes('Default:'),
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  test('says the unit of every number that has one, first', () => {
    const silent = fields.filter(([path, { type, description }]) => {
      const unit = /(days|years|seconds|bytes)$/i.exec(path)?.[1]?.toLowerCase();
      return type === 'integer' && unit !== undefined && !String(description).toLowerCase().startsWith(`${unit} `);
    });
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  test('says of every field that cannot be changed that it cannot, and of no other', () => {
    const frozen = fields.flatMap(([path, schema]) =>
      ((schema['x-kubernetes-validations'] ?? []) as readonly { rule: string; message: string }[])
        .filter(({ rule }) => rule.includes('oldSelf'))
        .map(({ rule, message }) => {
          const what = /cannot be (changed|switched off)/.exec(message)?.[0] ?? message;
          // The rules at the root look at the status too; their messages begin with the field.
          return path === name
            ? `${name}.spec.${message.split(' ')[0] ?? ''} ${what}`
            : `${path}.${/self\.(\w+)/.exec(rule)?.[1] ?? rule} ${what}`;
        }),
    );
    const told = fields.flatMap(([path, { description }]) => {
      const words = /[Cc]annot be (changed|switched off)/.exec(String(description))?.[1];
      return words === undefined ? [] : [`${path} cannot be ${words}`];
    });
    expect(told.toSorted()).toEqual(frozen.toSorted());
  });

  test('is kept by Argo CD and Helm when it goes from what they apply: with it all objects of its kind would go', () => {
    expect(crdOf(kind)).toMatchObject({
      metadata: {
        annotations: {
          'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
          'helm.sh/resource-policy': 'keep',
        },
      },
    });
  });

  test('says of every field, and all below it, that it is not in this version', () => {
    const unbuilt = [...unbuiltBelow(kind.spec, `${name}.spec`), ...unbuiltBelow(kind.status, `${name}.status`)];
    const told = fields.filter(([, { description }]) => String(description).includes('Not in this version'));
    const described = fields.filter(
      ([path, { description }]) =>
        description !== undefined &&
        unbuilt.some((root) => path === root || (/^[.[]/.test(path.slice(root.length)) && path.startsWith(root))),
    );
    expect(told.map(([path]) => path)).toEqual(described.map(([path]) => path));
  });

  test('limits every text, list and map, as the cost of rules needs it', () => {
    const unlimited = fields.filter(([path, schema]) => {
      if (/\.(apiVersion|kind)$/.test(path) || 'enum' in schema) return false;
      if (schema.type === 'string') return schema.maxLength === undefined && schema.format !== 'date-time';
      if (schema.type === 'array') return schema.maxItems === undefined;
      return schema.additionalProperties !== undefined && schema.maxProperties === undefined;
    });
    expect(unlimited.map(([path]) => path)).toEqual([]);
  });

  test('gives an optional block no default of its own: left out is unmanaged', () => {
    const defaulted = fields.filter(
      ([path, schema]) => schema.type === 'object' && 'default' in schema && path !== `${name}.status`,
    );
    expect(defaulted.map(([path]) => path)).toEqual([]);
  });

  test('never demands what has a default', () => {
    for (const [path, schema] of fields) {
      const properties = (schema.properties ?? {}) as Record<string, Schema>;
      const demanded = ((schema.required ?? []) as readonly string[]).filter(
        (key) => 'default' in (properties[key] ?? {}),
      );
      expect(demanded, path).toEqual([]);
    }
  });

  test('has no column of priority 0, which the API server would drop', () => {
    const { versions } = (crdOf(kind) as { spec: { versions: { additionalPrinterColumns: Schema[] }[] } }).spec;
    const columns = versions.flatMap(({ additionalPrinterColumns }) => additionalPrinterColumns);
    expect(columns.filter((column) => 'priority' in column && column.priority !== 1)).toEqual([]);
  });

  test('ends every rule with words, without a full stop', () => {
    for (const [path, schema] of fields) {
      for (const { message } of (schema['x-kubernetes-validations'] ?? []) as readonly { message: string }[]) {
        expect(message, path).toMatch(/[^.]$/);
      }
    }
  });
});

test.each(named)('objects of kind %s can be selected by each reference that is not in a list', (_name, kind) => {
  const { versions } = (crdOf(kind) as { spec: { versions: { selectableFields?: { jsonPath: string }[] }[] } }).spec;
  const selectable = versions.flatMap(({ selectableFields = [] }) => selectableFields.map(({ jsonPath }) => jsonPath));
  const { properties = {} } = kind.spec as { properties?: Readonly<Record<string, unknown>> };
  const references = Object.keys(properties).filter((field) => field.endsWith('Ref'));
  expect(selectable.filter((path) => path !== '.spec.name')).toEqual(
    references.flatMap((field) => [`.spec.${field}.name`, `.spec.${field}.namespace`]),
  );
});

describe('columns', () => {
  const columnsOf = (
    kind: (typeof kinds)[number],
  ): readonly (readonly [name: string, jsonPath: string, where: string])[] => {
    const { versions } = (crdOf(kind) as { spec: { versions: { additionalPrinterColumns: PrinterColumn[] }[] } }).spec;
    return versions.flatMap(({ additionalPrinterColumns }) =>
      additionalPrinterColumns.map(({ name, jsonPath, priority }) => [
        name,
        jsonPath,
        priority === 1 ? 'wide' : 'always',
      ]),
    );
  };

  test.each(named)('of a %s begin with its facts and say since when and whether it is paused, wide', (_name, kind) => {
    const columns = columnsOf(kind).map(([name, , where]) => `${name} ${where}`);
    const always = columns.filter((column) => column.endsWith(' always'));
    expect(columns.slice(0, always.length)).toEqual(always);
    expect(always.slice(-3)).toEqual(['Ready always', 'Reason always', 'Age always']);
    expect(columns.slice(-3)).toEqual(['Since wide', 'Paused wide', 'Message wide']);
  });

  test('of one name mean the same on every kind', () => {
    // A name at the server is known from the spec of a Bucket, and from the status of what refers to one.
    const meanings = new Map([
      ['.spec.name', 'name at the server'],
      ['.status.bucketName', 'name at the server'],
    ]);
    const paths = new Map<string, Set<string>>();
    for (const [name, jsonPath] of kinds.flatMap(columnsOf)) {
      // Of the region each kind tells its own.
      if (name === 'Region') continue;
      paths.set(name, (paths.get(name) ?? new Set()).add(meanings.get(jsonPath) ?? jsonPath));
    }
    expect([...paths].filter(([, meaning]) => meaning.size > 1)).toEqual([]);
  });

  test.each(['providerRef', 'bucketRef'])('show beside the name in %s its namespace, wide', (reference) => {
    const referring = kinds
      .map(columnsOf)
      .filter((columns) => columns.some(([, path]) => path === `.spec.${reference}.name`));
    expect(referring.length).toBeGreaterThan(0);
    for (const columns of referring) {
      expect(columns).toContainEqual([expect.stringMatching(/-Namespace$/), `.spec.${reference}.namespace`, 'wide']);
    }
  });
});

test.each([
  ['Bucket', 'deletionPolicy'],
  ['Bucket', 'adoptionPolicy'],
  ['AccessKey', 'access[].level'],
])('%s spec.%s explains each of its values', (kindName, field) => {
  const kind = kinds.find(({ resource }) => resource.kind === kindName);
  const fields = kind === undefined ? [] : walk(schemaOf(kind), kindName);
  const [, schema = {}] = fields.find(([path]) => path === `${kindName}.spec.${field}`) ?? [];
  const values = (schema.enum ?? []) as readonly string[];
  expect(values.length).toBeGreaterThan(1);
  expect(values.filter((value) => !String(schema.description).includes(`${value}: `))).toEqual([]);
});

describe('a structural schema', () => {
  test('says defaults, and that a block is not in this version, also on every field of it', () => {
    const block = Type.Object(
      { on: Type.Boolean({ description: 'Whether it is on.', default: false }), list: Type.Array(text('One.', 5)) },
      { description: 'A block.', ...notInThisVersion },
    );
    expect(structural(Type.Object({ block: optional(block) }) as unknown as Schema)).toEqual({
      type: 'object',
      properties: {
        block: {
          type: 'object',
          description:
            'A block. Not in this version: asking for it gives Ready=False, reason Unsupported; everything else converges.',
          required: ['list'],
          properties: {
            on: {
              type: 'boolean',
              description: 'Whether it is on. Not in this version. Default: false.',
              default: false,
            },
            list: {
              type: 'array',
              items: { type: 'string', description: 'One. Not in this version.', minLength: 1, maxLength: 5 },
            },
          },
        },
      },
    });
  });

  test('leaves out what the API server drops, an empty map, and says a default that is an empty text', () => {
    const schema = Type.Object({
      choice: optional(Type.Object({}, { description: 'A choice.' })),
      prefix: Type.String({ description: 'A prefix.', default: '' }),
    });
    expect(structural(schema as unknown as Schema)).toEqual({
      type: 'object',
      properties: {
        choice: { type: 'object', description: 'A choice.' },
        prefix: { type: 'string', description: 'A prefix. Default: "".', default: '' },
      },
    });
  });

  test('has a type for each enum, and maps for patterns', () => {
    const schema = Type.Object({
      mode: Type.Enum(['A', 'B'], { default: 'A' }),
      name: text('A name.', 10),
      note: optional(text('A note.', 10)),
      tags: Type.Record(Type.String(), Type.String()),
    });
    expect(structural(schema as unknown as Schema)).toEqual({
      type: 'object',
      required: ['name', 'tags'],
      properties: {
        mode: { type: 'string', description: 'Default: A.', enum: ['A', 'B'], default: 'A' },
        name: { type: 'string', description: 'A name.', minLength: 1, maxLength: 10 },
        note: { type: 'string', description: 'A note.', minLength: 1, maxLength: 10 },
        tags: { type: 'object', additionalProperties: { type: 'string' } },
      },
    });
  });
});

test('the files in crds/ are current', async () => {
  const generate = fileURLToPath(new URL('generate.ts', import.meta.url));
  await expect(promisify(execFile)(process.execPath, [generate, '--check'])).resolves.toMatchObject({ stderr: '' });
});

test('the files in crds/ come before those of objects where a folder is applied at once', () => {
  const filesIn = (folder: string) => readdirSync(new URL(`../../../${folder}/`, import.meta.url));
  const definitions = filesIn('crds');
  const all = [...filesIn('docs/examples/quickstart'), ...definitions, 'CRDs.yaml', 'a.yaml', '1-provider.yaml'];
  expect(all.toSorted().slice(0, definitions.length)).toEqual(definitions.toSorted());
});
