import Type, { type Static, type TSchema } from 'typebox';

/** A value and all it holds, read-only: what is read from the API server is never changed in place. */
export type Immutable<T> = T extends string | number | boolean | null | undefined
  ? T
  : { readonly [K in keyof T]: Immutable<T[K]> };

/** A CEL rule. `message`: for people, and tells what to do. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  /** Path of the field to blame, relative to where the rule stands, such as `.region`. */
  readonly fieldPath?: string;
}

/** Schema option that carries CEL rules into the CRD. */
export const rules = (...list: readonly CelRule[]): { 'x-kubernetes-validations': readonly CelRule[] } => ({
  'x-kubernetes-validations': list,
});

/**
 * A rule at the root of a kind: keeps a field of the spec once `made` holds for the object as it was. `made`: CEL on
 * `oldSelf.status`, which is there. Until then the field may be mended: nothing at the server depends on it yet.
 * `required`: whether the field is always there. `since`: for people, such as `once the bucket was created`.
 */
export const fixedOnce = (
  { field, required }: { readonly field: string; readonly required: boolean },
  { made, since }: { readonly made: string; readonly since: string },
): CelRule => {
  const [now, before] = [`self.spec.${field}`, `oldSelf.spec.${field}`];
  const same = required
    ? `${now} == ${before}`
    : `has(${now}) == has(${before}) && (!has(${now}) || ${now} == ${before})`;
  return {
    rule: `!has(oldSelf.status) || !(${made}) || (${same})`,
    message: `${field} cannot be changed ${since}; delete the object and create it again`,
    fieldPath: `.spec.${field}`,
  };
};

/** Keyword of a field that this version has no code for; the generator turns it into words, of the field and of all below it. */
export const unbuiltKeyword = 'x-not-in-this-version';

/** Schema option of a field of a spec that is not built yet. Whoever builds it drops the option. */
export const notInThisVersion = {
  [unbuiltKeyword]:
    'Not in this version: asking for it gives Ready=False, reason Unsupported; everything else converges.',
} as const;

/** Whether this version has code for the field. `schema`: as declared here, such as `bucketSpec.properties.cors`. */
export const isInThisVersion = (schema: object): boolean => !(unbuiltKeyword in schema);

/** `<schema> | undefined`, for a key that may be left out. */
export const optional = Type.Optional;

/** Text of at most `maxLength` characters, at least one. */
export const text = (description: string, maxLength: number, options: Record<string, unknown> = {}) =>
  Type.String({ description, minLength: 1, maxLength, ...options });

/** RFC 3339 instant, written by the controllers. */
export const instant = (description: string, options: Record<string, unknown> = {}) =>
  Type.String({ description, format: 'date-time', maxLength: 64, ...options });

/** A list replaced as a whole by server-side apply. */
export const list = <T extends TSchema>(
  description: string,
  items: T,
  maxItems: number,
  options: Record<string, unknown> = {},
) => Type.Array(items, { description, maxItems, 'x-kubernetes-list-type': 'atomic', ...options });

/** A list whose items are told apart by one required key; the API server refuses duplicates. */
export const keyedList = <T extends TSchema>(
  description: string,
  items: T,
  key: string,
  maxItems: number,
  options: Record<string, unknown> = {},
) =>
  Type.Array(items, {
    description,
    maxItems,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': [key],
    ...options,
  });

/** A map of strings. `maxLength`: of a value. */
export const stringMap = (
  description: string,
  maxProperties: number,
  maxLength: number,
  options: Record<string, unknown> = {},
) => Type.Record(Type.String(), Type.String({ maxLength }), { description, maxProperties, ...options });

/** A value of any JSON shape, which the controllers check; CEL cannot see it. `T`: its static type. */
export const anyShape = <T>(description: string) =>
  Type.Unsafe<T>({ description, 'x-kubernetes-preserve-unknown-fields': true });

/** The static type of a schema, read-only. Keys with a default are present, as the API server fills them in. */
export type Typed<T extends TSchema> = Immutable<Static<T>>;
