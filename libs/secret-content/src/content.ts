import { reasons, type AccessKeySpec } from '@operator/api';
import { redact, terminal, type Redacted } from '@operator/outcome';
import { presetContent } from './presets.ts';
import { mostBytes, render, type Room } from './template.ts';
import { secretValues, type SecretFacts } from './values.ts';

/** What of the spec says how the Secret looks. */
export type SecretShape = Pick<AccessKeySpec, 'secretKeys' | 'secretTemplate'>;

export interface ComposedSecret {
  readonly data: ReadonlyMap<string, Redacted<string>>;
  /** Of a ConfigMap with the name of the Secret; undefined where no preset asks for one. It holds no credential. */
  readonly configMap: ReadonlyMap<string, string> | undefined;
}

/** The name of the Secret of an AccessKey. */
export const secretNameOf = ({
  metadata,
  spec,
}: {
  readonly metadata: { readonly name: string };
  readonly spec: Pick<AccessKeySpec, 'secretName'>;
}): string => spec.secretName ?? `${metadata.name}-credentials`;

/** The name of a key after `secretKeys`. */
export const renamedKey = ({ secretKeys = {} }: SecretShape, key: string): string =>
  Object.hasOwn(secretKeys, key) ? (secretKeys[key] ?? key) : key;

/**
 * The content of the Secret: the values under their names, what presets add, and the templates. Pure; all or nothing.
 * @throws Fault `terminal` TemplateInvalid, with field, line and column; `waiting` SecretValueInvalid
 */
export const composeSecret = (shape: SecretShape, facts: SecretFacts): ComposedSecret => {
  const values = secretValues(facts);
  const data = new Map<string, string>();
  for (const [key, value] of values) data.set(renamedKey(shape, key), value);
  const room: Room = { left: mostBytes };
  const { presets = [], data: templates = {} } = shape.secretTemplate ?? {};
  const configMaps = presets.map((preset) => {
    const { secret, configMap } = presetContent(preset, facts);
    for (const [key, value] of Object.entries(secret)) add(data, key, value, `spec.secretTemplate.presets: ${preset}`);
    return configMap;
  });
  for (const [key, template] of Object.entries(templates)) {
    const field = `spec.secretTemplate.data[${JSON.stringify(key)}]`;
    if (data.has(key)) throw taken(key, field);
    data.set(key, render(template, values, { field, room }));
  }
  const configMap = configMaps.flatMap((entries) => Object.entries(entries ?? {}));
  return {
    data: new Map([...data].map(([key, value]) => [key, redact(value)])),
    configMap: configMap.length === 0 ? undefined : new Map(configMap),
  };
};

/** Several may give one key the same value, as the names of the AWS SDKs are. */
const add = (data: Map<string, string>, key: string, value: string, field: string): void => {
  if (data.has(key) && data.get(key) !== value) throw taken(key, field);
  data.set(key, value);
};

const taken = (key: string, field: string) =>
  terminal(
    reasons.TemplateInvalid,
    `${field}: the Secret has a key ${JSON.stringify(key)} already, by secretKeys, a preset or its own names. Use another name.`,
  );
