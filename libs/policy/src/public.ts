import { asList, isJsonObject, own, type JsonObject } from './json.ts';
import { canonicalNetwork, prefixLength } from './network.ts';
import { actionsMatching, levelsOf, s3Actions, type S3Action } from './s3-actions.ts';

// Condition keys that, held to fixed values, keep the public out. The id of a KMS key, which Amazon counts too, is none of them: where no KMS
// asks for a right, anybody can send it.
// Source: Amazon S3 User Guide, Blocking public access, "The meaning of public".
const restrictingKeys = [
  'aws:sourcearn',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:sourceowner',
  'aws:sourceaccount',
  'aws:sourceip',
  'aws:userid',
  'aws:principalorgid',
  'aws:principalorgpaths',
  'aws:principalaccount',
  'aws:principalarn',
  's3:dataaccesspointarn',
  's3:dataaccesspointaccount',
];

// With IfExists or ForAllValues a request without the key passes; negated operators let in all others.
const restrictingOperator =
  /^(foranyvalue:)?(stringequals|stringequalsignorecase|stringlike|arnequals|arnlike|ipaddress)$/;

const isFixed = (key: string, value: unknown): boolean => {
  if (typeof value !== 'string') return false;
  if (key === 'aws:sourceip') return isNarrowNetwork(value);
  // The name of an access point may be a wildcard; its account may not.
  if (key === 's3:dataaccesspointarn') return /^arn:[a-z0-9-]+:s3:[^:]*:[0-9]{12}:accesspoint\/./.test(value);
  // Who does not sign in has an empty id on some servers, and this name on others.
  return !/[*?]|\$\{|^\s*(anonymous)?\s*$/i.test(value);
};

/** The part of all addresses of its kind that a network is; undefined for what is no network. */
const shareOf = (value: string): { readonly of: number; readonly share: number } | undefined => {
  const length = prefixLength(value);
  return length && { of: length.of, share: 2 ** -length.bits };
};

// A network wider than /8 (IPv6: /32) counts as the internet, and so do sixteen of those together.
const widest: Readonly<Record<number, number>> = { 32: 2 ** -8, 128: 2 ** -32 };
const mostTogether = 16;

const isNarrowNetwork = (value: string): boolean => {
  const network = shareOf(value);
  return network !== undefined && network.share <= (widest[network.of] ?? 0);
};

const areInternet = (networks: readonly string[]): boolean => {
  const distinct = new Map(networks.map((network) => [canonicalNetwork(network), network]));
  const shares = [...distinct.values()].map(shareOf).filter((network) => network !== undefined);
  return Object.entries(widest).some(([of, share]) => {
    const together = shares
      .filter((network) => network.of === Number(of))
      .reduce((sum, network) => sum + network.share, 0);
    return together >= share * mostTogether;
  });
};

/** How a condition keeps the public out: it asks for what only some have, or for these networks; undefined where it does not. */
const restrictionOf = (condition: unknown): 'fixed' | readonly string[] | undefined => {
  const found = Object.entries(isJsonObject(condition) ? condition : {})
    .filter(([operator]) => restrictingOperator.test(operator.toLowerCase()))
    .flatMap(([, keys]) => (isJsonObject(keys) ? Object.entries(keys) : []))
    .map(([name, values]) => ({ key: name.toLowerCase(), values: asList(values) }))
    .filter(({ key, values }) => restrictingKeys.includes(key) && values.length > 0)
    .filter(({ key, values }) => values.every((value) => isFixed(key, value)));
  if (found.some(({ key }) => key !== 'aws:sourceip')) return 'fixed';
  return found[0]?.values.map(String);
};

const isEverybody = (principal: unknown): boolean =>
  isJsonObject(principal)
    ? Object.values(principal).some((names) =>
        asList(names).some((name) => typeof name === 'string' && /[*?]/.test(name)),
      )
    : asList(principal).includes('*');

/** What a statement allows that writes on one of its resources, in its own words. */
const writesOf = (statement: JsonObject): readonly string[] => {
  const named = (key: string): readonly string[] => asList(own(statement, key)).map(String);
  const resources = named('Resource');
  const levels = new Set((resources.length === 0 ? ['*'] : resources).flatMap(levelsOf));
  const writes = (actions: readonly S3Action[]) => actions.some((action) => action.writes && levels.has(action.level));
  if (own(statement, 'NotAction') === undefined) return named('Action').filter((name) => writes(actionsMatching(name)));
  const spared = new Set(named('NotAction').flatMap(actionsMatching));
  return writes(s3Actions.filter((action) => !spared.has(action))) ? ['everything but its notAction'] : [];
};

/** The statements that let the public in, each with its number. Networks are judged together: each statement may have others. */
const publicStatements = (iamJson: unknown): readonly { readonly index: number; readonly statement: JsonObject }[] => {
  const open = (isJsonObject(iamJson) ? asList(own(iamJson, 'Statement')) : []).flatMap((statement, index) =>
    isJsonObject(statement) && allowsEverybody(statement)
      ? [{ index, statement, restriction: restrictionOf(own(statement, 'Condition')) }]
      : [],
  );
  const networks = open.flatMap(({ restriction = [] }) => (restriction === 'fixed' ? [] : restriction));
  const isWide = areInternet(networks);
  return open.filter(({ restriction }) => restriction === undefined || (restriction !== 'fixed' && isWide));
};

const allowsEverybody = (statement: JsonObject): boolean =>
  own(statement, 'Effect') === 'Allow' &&
  (isEverybody(own(statement, 'Principal')) || own(statement, 'NotPrincipal') !== undefined);

/**
 * The statements by which the whole world may write, delete or change rights, each with its number and the actions that let it; by
 * the same meaning of public as `isPublic`.
 */
export const findPublicWrites = (
  iamJson: unknown,
): readonly { readonly index: number; readonly actions: readonly string[] }[] =>
  publicStatements(iamJson).flatMap(({ index, statement }) => {
    const actions = writesOf(statement);
    return actions.length === 0 ? [] : [{ index, actions }];
  });

/**
 * Whether an IAM bucket policy lets the public in, by AWS's meaning of public as far as the document alone tells: some
 * statement allows everybody and no condition holds it to fixed accounts, networks or the like. Stricter than AWS where a server that has
 * no block of its own would let anonymous requests in.
 */
export const isPublic = (iamJson: unknown): boolean => publicStatements(iamJson).length > 0;
