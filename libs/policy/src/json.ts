/** A JSON object. Keys are read with `Object.hasOwn` or as entries, for a key may be `__proto__` or `constructor`. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value of an own key; undefined when absent, also for names that every object inherits. */
export const own = (object: JsonObject, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);

/** One or many, as IAM writes it, as a list; absent as an empty one. */
export const asList = (value: unknown): readonly unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly unknown[]) : [value];

/** The same, each as text. */
export const texts = (value: unknown): readonly string[] => asList(value).map(String);
