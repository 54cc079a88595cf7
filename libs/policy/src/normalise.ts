import { createHash } from 'node:crypto';
import { asList, isJsonObject, own, type JsonObject } from './json.ts';
import { canonicalNetwork } from './network.ts';

/** A statement in canonical form: no order, case or scalar that has no meaning is left in it. */
export interface CanonicalStatement {
  readonly sid: string | undefined;
  /** Everything but the sid, as sorted JSON: equal content, equal text. */
  readonly content: string;
}

/** A policy in canonical form; statements are sorted and each stands once for each sid. */
export interface CanonicalPolicy {
  readonly version: string;
  readonly statements: readonly CanonicalStatement[];
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const sortedSet = (values: readonly string[]): readonly string[] => [...new Set(values)].sort(byText);

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const texts = (value: unknown): readonly string[] => asList(value).map(text);

// The account and its root user are one principal. Source: IAM User Guide, AWS account principals.
const principalName = (kind: string, name: string): string =>
  kind === 'AWS' ? (/^arn:[a-z0-9-]+:iam::([0-9]{12}):root$/.exec(name)?.[1] ?? name) : name;

const principals = (value: unknown): unknown => {
  const kinds = isJsonObject(value) ? Object.entries(value) : [['AWS', value] as const];
  return kinds
    .map(([kind, names]) => [kind, sortedSet(texts(names).map((name) => principalName(kind, name)))] as const)
    .sort(([a], [b]) => byText(a, b));
};

// A day, or an instant with its zone: without one, the text would mean another instant on each machine.
const certainInstant = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

const canonicalInstant = (value: string): string => {
  const ms = certainInstant.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(ms) ? value : new Date(ms).toISOString();
};

const conditionValue = (operator: string, value: string): string => {
  if (/bool|null/.test(operator)) return value.toLowerCase();
  if (operator.includes('date')) return canonicalInstant(value);
  if (operator.includes('numeric')) return /^-?\d+$/.test(value) ? String(BigInt(value)) : value;
  return operator.includes('ipaddress') ? canonicalNetwork(value) : value;
};

// Operators and keys know no case; the name of a tag behind the slash may.
const conditionKey = (key: string): string => key.replace(/^[^/]*/, (name) => name.toLowerCase());

const conditions = (value: unknown): unknown =>
  (isJsonObject(value) ? Object.entries(value) : [])
    .flatMap(([name, keys]) => {
      const operator = name.toLowerCase();
      return (isJsonObject(keys) ? Object.entries(keys) : []).map(
        ([key, values]) =>
          [
            operator,
            conditionKey(key),
            sortedSet(texts(values).map((item) => conditionValue(operator, item))),
          ] as const,
      );
    })
    .sort((a, b) => byText(JSON.stringify(a), JSON.stringify(b)));

// A run of stars matches what one star does. MinIO returns a resource "*" as "**".
const pattern = (value: string): string => value.replaceAll(/\*{2,}/g, '*');

const actions = (value: unknown): unknown => sortedSet(texts(value).map((action) => pattern(action.toLowerCase())));

const resources = (value: unknown): unknown => sortedSet(texts(value).map(pattern));

const elements: Readonly<Record<string, (value: unknown) => unknown>> = {
  effect: text,
  principal: principals,
  notprincipal: principals,
  action: actions,
  notaction: actions,
  resource: resources,
  notresource: resources,
  condition: conditions,
};

const isEmpty = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.length === 0);

const canonicalStatement = (statement: JsonObject): CanonicalStatement => {
  const entries = Object.entries(statement)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => name !== 'sid')
    // What we do not know may mean something: it is kept, and makes two documents differ.
    .map(([name, value]) => [name, Object.hasOwn(elements, name) ? elements[name]?.(value) : value] as const)
    .filter(([, value]) => !isEmpty(value))
    .sort(([a], [b]) => byText(a, b));
  const sid = own(statement, 'Sid') ?? own(statement, 'sid');
  return { sid: typeof sid === 'string' && sid !== '' ? sid : undefined, content: JSON.stringify(entries) };
};

/**
 * The canonical form of an IAM document, as rendered or as a server gave it (an object, not text). Whatever a server may
 * rewrite without changing the meaning is the same in it: scalar or list, `"*"` or `{"AWS": "*"}`, order, case of actions
 * and condition keys, runs of stars, an account or its root ARN, numbers and booleans as text, an instant with or without
 * fractions.
 *
 * Source: IAM User Guide, Grammar of the IAM JSON policy language; an absent Version is 2008-10-17.
 */
export const normalisePolicy = (iamJson: unknown): CanonicalPolicy => {
  const policy = isJsonObject(iamJson) ? iamJson : {};
  const statements = asList(own(policy, 'Statement')).filter(isJsonObject).map(canonicalStatement);
  const distinct = new Map(
    statements.map((statement) => [JSON.stringify([statement.content, statement.sid ?? null]), statement]),
  );
  return {
    version: text(own(policy, 'Version') ?? '2008-10-17'),
    statements: [...distinct].sort(([a], [b]) => byText(a, b)).map(([, statement]) => statement),
  };
};

const sidsByContent = (policy: CanonicalPolicy): Map<string, readonly (string | undefined)[]> => {
  const found = new Map<string, readonly (string | undefined)[]>();
  for (const { content, sid } of policy.statements) found.set(content, [...(found.get(content) ?? []), sid]);
  return found;
};

/**
 * Whether two IAM documents mean the same. A sid counts only where both have one: servers may drop it, and a changed one is
 * a change a person asked for.
 */
export const samePolicy = (a: unknown, b: unknown): boolean => {
  const [left, right] = [normalisePolicy(a), normalisePolicy(b)];
  const [ours, theirs] = [sidsByContent(left), sidsByContent(right)];
  if (left.version !== right.version || ours.size !== theirs.size) return false;
  return [...ours].every(([content, sids]) => {
    const others = theirs.get(content);
    if (others === undefined) return false;
    return sids.includes(undefined) || others.includes(undefined) || sids.some((sid) => others.includes(sid));
  });
};

/** SHA-256, in hex, of what an IAM document means; sids do not count. */
export const hashPolicy = (iamJson: unknown): string => {
  const { version, statements } = normalisePolicy(iamJson);
  const contents = sortedSet(statements.map(({ content }) => content));
  return createHash('sha256')
    .update(JSON.stringify([version, contents]))
    .digest('hex');
};
