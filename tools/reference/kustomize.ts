import { stringify } from 'yaml';
import type { Crd, Schema } from './crds.ts';

interface FieldSpec {
  readonly kind: string;
  readonly group: string;
  readonly path: string;
}

const group = 's3.cloud37.dev';
const workloads = ['Deployment', 'StatefulSet', 'DaemonSet'];

/** What a field refers to, by its name. */
const kindsNamedBy = (field: string): readonly string[] => {
  if (field === 'providerRef') return ['Provider'];
  if (/(^b|B)ucketRef$/.test(field)) return ['Bucket'];
  if (field.endsWith('SecretRef')) return ['Secret'];
  return field === 'rollout' ? workloads : [];
};

const isReference = (field: string): boolean => field.endsWith('Ref') || field === 'rollout';

const referencesIn = (schema: Schema, path: string): readonly (readonly [kind: string, path: string])[] =>
  Object.entries(schema.properties ?? {}).flatMap(([field, below]) => {
    const here = `${path}/${field}`;
    if (!isReference(field)) return referencesIn(below.items ?? below, here);
    const named = kindsNamedBy(field);
    if (named.length === 0) throw new Error(`${here}: nothing is known of what it refers to`);
    return named.map((kind) => [kind, `${here}/name`] as const);
  });

/**
 * Where the four kinds name other objects, for what renames those: the configuration of kustomize. Source: kustomize, nameReference.
 * `accessKeyRef` in a principal cannot be among them: kustomize fails as soon as another principal is `*`.
 */
export const nameReferences = (crds: readonly Crd[]): string => {
  const fields = new Map<string, FieldSpec[]>();
  for (const { spec } of crds) {
    const ofObject = spec.versions[0].schema.openAPIV3Schema.properties?.spec ?? {};
    for (const [kind, path] of referencesIn(ofObject, 'spec'))
      fields.set(kind, [...(fields.get(kind) ?? []), { kind: spec.names.kind, group, path }]);
  }
  const groupOf = (kind: string) =>
    kind === 'Secret' ? { version: 'v1' } : { group: workloads.includes(kind) ? 'apps' : group };
  return [
    '# Generated from crds/ by `npm run generate`.',
    stringify({
      nameReference: [...fields].map(([kind, fieldSpecs]) => ({ kind, ...groupOf(kind), fieldSpecs })),
    }),
  ].join('\n');
};
