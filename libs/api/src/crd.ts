import type { TSchema } from 'typebox';
import type { Kind, PrinterColumn } from './kinds.ts';
import { unbuiltKeyword } from './schema.ts';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

// `required` leaves out what has a default: the API server fills it in before it validates.
const requiredOf = (schema: Json): readonly string[] => {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? (schema.required as readonly string[]) : [];
  return required.filter((key) => {
    const property = properties[key];
    return !(isObject(property) && 'default' in property);
  });
};

// What a structural schema says in another way; every other keyword is taken as it is.
const rewritten = ['type', 'description', 'required', 'properties', 'patternProperties', 'items', unbuiltKeyword];

// `kubectl explain` shows neither defaults nor what has no code yet, so the description says both.
const describe = (schema: Json, isUnbuilt: boolean): Json => {
  const words = [
    schema.description,
    schema[unbuiltKeyword] ?? (isUnbuilt && 'description' in schema ? 'Not in this version.' : undefined),
    'default' in schema ? `Default: ${schema.default === '' ? '""' : String(schema.default)}.` : undefined,
  ].filter((text) => typeof text === 'string');
  return words.length === 0 ? {} : { description: words.join(' ') };
};

/**
 * Turns a TypeBox schema into the structural schema of a CRD. `isUnbuilt`: it lies below a field that is not in this version.
 * Source: Kubernetes, Specifying a structural schema.
 */
export const structural = (schema: Json, isUnbuilt = false): Json => {
  const { type, properties, patternProperties, items } = schema;
  const required = requiredOf(schema);
  const isBelowUnbuilt = isUnbuilt || unbuiltKeyword in schema;
  return {
    ...(type === undefined ? {} : { type }),
    ...('enum' in schema ? { type: 'string' } : {}),
    ...describe(schema, isUnbuilt),
    ...Object.fromEntries(Object.entries(schema).filter(([keyword]) => !rewritten.includes(keyword))),
    ...(required.length === 0 ? {} : { required }),
    // The API server drops an empty map, and each apply would be a change.
    ...(isObject(properties) && Object.keys(properties).length > 0
      ? { properties: mapValues(properties, isBelowUnbuilt) }
      : {}),
    ...(isObject(patternProperties)
      ? { additionalProperties: Object.values(mapValues(patternProperties, isBelowUnbuilt))[0] }
      : {}),
    ...(isObject(items) ? { items: structural(items, isBelowUnbuilt) } : {}),
  };
};

const mapValues = (schemas: Json, isUnbuilt: boolean): Json =>
  Object.fromEntries(Object.entries(schemas).map(([key, schema]) => [key, structural(schema as Json, isUnbuilt)]));

// Source: Kubernetes API conventions, metav1.Condition.
const conditions: Json = {
  type: 'array',
  description: 'Conditions; Ready sums them up.',
  maxItems: 32,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    description: 'One condition.',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: { type: 'string', description: 'What the condition is about.', maxLength: 316 },
      status: { type: 'string', description: 'Whether it holds.', enum: ['True', 'False', 'Unknown'] },
      reason: {
        type: 'string',
        description: 'Why, in one CamelCase word.',
        minLength: 1,
        maxLength: 1024,
        pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
      },
      message: { type: 'string', description: 'Why, for people.', maxLength: 32_768 },
      observedGeneration: { type: 'integer', format: 'int64', minimum: 0, description: 'Generation it was found for.' },
      lastTransitionTime: { type: 'string', format: 'date-time', description: 'When status last changed.' },
    },
  },
};

/**
 * An object that nothing has looked at yet has no status, and kstatus takes what has neither conditions nor an
 * observedGeneration for done: Flux and Helm went on before the first look. Flux's own kinds have the same default.
 */
const nothingObserved = -1;

const statusOf = (status: TSchema): Json => {
  const own = structural(status as unknown as Json);
  return {
    type: 'object',
    description: 'What was found and done; written by the controller.',
    default: { observedGeneration: nothingObserved },
    properties: {
      observedGeneration: {
        type: 'integer',
        format: 'int64',
        minimum: nothingObserved,
        description: `Generation of the spec that has its verdict; ${String(nothingObserved)} until the first. Default: ${String(nothingObserved)}.`,
        default: nothingObserved,
      },
      conditions,
      ...(own.properties as Json),
    },
  };
};

const columnsOf = (kind: Kind): readonly PrinterColumn[] => {
  const ready = (field: string) => `.status.conditions[?(@.type=="Ready")].${field}`;
  return [
    ...kind.columns.filter((column) => column.priority !== 1),
    { name: 'Ready', type: 'string', jsonPath: ready('status'), description: 'Whether all is as the spec says.' },
    { name: 'Reason', type: 'string', jsonPath: ready('reason'), description: 'Why it is ready or not.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'When the object was created.' },
    ...kind.columns.filter((column) => column.priority === 1),
    {
      name: 'Since',
      type: 'date',
      jsonPath: ready('lastTransitionTime'),
      description: 'How long it has been ready, or not.',
      priority: 1,
    },
    {
      name: 'Paused',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Paused")].status',
      description: 'True while an annotation pauses it.',
      priority: 1,
    },
    { name: 'Message', type: 'string', jsonPath: ready('message'), description: 'Why, for people.', priority: 1 },
  ];
};

/**
 * Who deletes a kind deletes every object of it, and so every bucket and key that they say to delete: no tool does so because the file left
 * what it applies. Source: Argo CD, sync options; Helm, resource policy.
 */
const keepers = {
  'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
  'helm.sh/resource-policy': 'keep',
};

/** The CustomResourceDefinition of a kind, as a plain object. */
export const crdOf = (kind: Kind): Json => {
  const { group, version, kind: name, plural } = kind.resource;
  const singular = name.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, annotations: keepers },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind: name,
        listKind: `${name}List`,
        plural,
        singular,
        shortNames: [kind.shortName],
        categories: ['s3'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columnsOf(kind),
          ...(kind.selectable === undefined
            ? {}
            : { selectableFields: kind.selectable.map((jsonPath) => ({ jsonPath })) }),
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: kind.description,
              required: ['spec'],
              ...(kind.rules === undefined ? {} : { 'x-kubernetes-validations': kind.rules }),
              properties: {
                apiVersion: { type: 'string', description: 'Version of this schema: group and version.' },
                kind: { type: 'string', description: 'Kind of the object.' },
                metadata: { type: 'object' },
                spec: structural(kind.spec as unknown as Json),
                status: statusOf(kind.status),
              },
            },
          },
        },
      ],
    },
  };
};
