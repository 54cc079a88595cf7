import type { Crd, Schema } from './crds.ts';

/** `list of string`, `integer, 1 to 10`, or the values that are accepted. */
const typeOf = (schema: Schema): string => {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.type === 'object' && schema.additionalProperties !== undefined)
    return `map of ${typeOf(schema.additionalProperties)}`;
  const { minimum, maximum } = schema;
  const range =
    minimum === undefined ? '' : maximum === undefined ? `, at least ${minimum}` : `, ${minimum} to ${maximum}`;
  return `${schema.type ?? 'anything'}${range}`;
};

/** An angle bracket would begin HTML, and an asterisk emphasis. */
const plain = (text: string): string => text.replaceAll(/[<*]|(?<!\w)_|_(?!\w)/g, String.raw`\$&`);

/** What fields must be together. How a text must look is told by the API server, to whom writes another. */
const rulesOf = (schema: Schema): string => {
  if (schema.type === 'string') return '';
  const messages = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => plain(message));
  return messages.length === 0 ? '' : ` _${messages.join('; ')}._`;
};

/** IAM's own spelling, which is there to be refused with a word of help. */
const isRefused = ({ description }: Schema): boolean => description?.startsWith('Refused') === true;

const fieldsOf = (schema: Schema, depth = 0): readonly string[] =>
  Object.entries(schema.properties ?? {})
    .filter(([, below]) => !isRefused(below))
    .flatMap(([name, below]) => {
      const required = schema.required?.includes(name) === true ? ', required' : '';
      const isExplainedElsewhere = name === 'conditions' && depth === 0;
      return [
        `${'  '.repeat(depth)}- **\`${name}\`** (${typeOf(below)}${required}): ${plain(below.description ?? '')}${rulesOf(below)}`,
        ...(isExplainedElsewhere ? [] : fieldsOf(below.items ?? below.additionalProperties ?? below, depth + 1)),
      ];
    });

/** docs/reference.md: every field of every kind, in the words of its definition. */
export const referencePage = (crds: readonly Crd[]): string =>
  [
    '<!-- Generated from crds/ by `npm run generate`. -->',
    '',
    '# Reference',
    '',
    'Every field of the four kinds, API group `s3.cloud37.dev`, in the words of `kubectl explain`; in _italics_ what the API server refuses.',
    'Annotations and conditions are in [conditions](conditions.md), examples in [examples](examples).',
    '',
    ...crds.flatMap(({ spec }) => {
      const { kind, plural, shortNames } = spec.names;
      const [{ name: version, schema }] = spec.versions;
      const object = schema.openAPIV3Schema;
      return [
        `## ${kind}`,
        '',
        `${plain(object.description ?? '')} \`${plural}.s3.cloud37.dev\`, short \`${shortNames.join('`, `')}\`, version \`${version}\`.${rulesOf(object)}`,
        '',
        `### ${kind}: spec`,
        '',
        ...fieldsOf(object.properties?.spec ?? {}),
        '',
        `### ${kind}: status`,
        '',
        ...fieldsOf(object.properties?.status ?? {}),
        '',
      ];
    }),
  ].join('\n');
