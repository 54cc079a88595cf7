import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { parseDocument } from 'yaml';
import { units } from '../scenario.ts';
import type { Bounds, Form, Worse } from './bounds.ts';

export const boundsPath = join(import.meta.dirname, '..', 'bounds.yaml');

const one = <T extends string>(...words: readonly T[]) => Type.Union(words.map((word) => Type.Literal(word)));
const unit = one(...units);
const closed = { additionalProperties: false };
const form = Type.Object(
  {
    machines: Type.Array(Type.String()),
    figures: Type.Record(
      Type.String(),
      Type.Record(
        Type.String(),
        Type.Object(
          {
            unit,
            mean: Type.Number(),
            least: Type.Number(),
            most: Type.Number(),
            runs: Type.Integer({ minimum: 1 }),
          },
          closed,
        ),
      ),
    ),
  },
  closed,
);
const schema = Type.Object(
  {
    rules: Type.Array(
      Type.Object(
        {
          figures: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
          unit: Type.Optional(unit),
          worse: one<Worse>('more', 'less', 'either', 'neither'),
          share: Type.Optional(Type.Number({ minimum: 0 })),
          plus: Type.Optional(Type.Number({ minimum: 0 })),
          reason: Type.String({ minLength: 1 }),
        },
        closed,
      ),
    ),
    quick: form,
    whole: form,
  },
  closed,
);

/** @throws Error that says where the text is no file of bounds */
export const parseBounds = (text: string): Bounds => {
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken !== undefined) throw broken;
  const value: unknown = document.toJS();
  const complaints = Value.Errors(schema, value).map(
    ({ instancePath, message }) => `${instancePath === '' ? 'the file' : instancePath} ${message}`,
  );
  if (complaints.length > 0) throw new Error(complaints.join('; '));
  return value as Bounds;
};

/** @throws Error with the path, when it cannot be read or is no file of bounds */
export const readBounds = async (path: string): Promise<Bounds> => {
  try {
    return parseBounds(await readFile(path, 'utf8'));
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
};

/** Puts what was measured into the file. Rules and the comments around them stay as they are; those among the figures do not. */
export const writeForm = async (path: string, name: 'quick' | 'whole', measured: Form): Promise<void> => {
  const document = parseDocument(await readFile(path, 'utf8'));
  const { machines, figures } = measured;
  document.set(name, document.createNode({ machines, figures }));
  for (const [scenario, byName] of Object.entries(figures)) {
    for (const [figure, value] of Object.entries(byName))
      document.setIn([name, 'figures', scenario, figure], document.createNode(value, { flow: true }));
  }
  const text = document.toString({ lineWidth: 0 });
  await writeFile(path, await format(text, { ...(await resolveConfig(boundsPath)), filepath: path }));
};
