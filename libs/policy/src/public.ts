import { asList, isJsonObject, own, type JsonObject } from './json.ts';
import { prefixLength } from './network.ts';
import { actionsMatching, levelsOf, s3Actions, type S3Action } from './s3-actions.ts';

// Condition keys that, held to fixed values, keep the public out.
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
  's3:x-amz-server-side-encryption-aws-kms-key-id',
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
  return !/[*?]|\$\{/.test(value);
};

// A network wider than /8 (IPv6: /32) counts as the internet.
const isNarrowNetwork = (value: string): boolean => {
  const length = prefixLength(value);
  return length !== undefined && length.bits >= (length.of === 32 ? 8 : 32);
};

const isRestricted = (condition: unknown): boolean =>
  isJsonObject(condition) &&
  Object.entries(condition).some(
    ([operator, keys]) =>
      restrictingOperator.test(operator.toLowerCase()) &&
      isJsonObject(keys) &&
      Object.entries(keys).some(([name, values]) => {
        const key = name.toLowerCase();
        return (
          restrictingKeys.includes(key) &&
          asList(values).length > 0 &&
          asList(values).every((value) => isFixed(key, value))
        );
      }),
  );

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

/**
 * The statements by which the whole world may write, delete or change rights, each with its number and the actions that let it; by
 * the same meaning of public as `isPublic`.
 */
export const findPublicWrites = (
  iamJson: unknown,
): readonly { readonly index: number; readonly actions: readonly string[] }[] =>
  (isJsonObject(iamJson) ? asList(own(iamJson, 'Statement')) : []).flatMap((statement, index) => {
    if (!isJsonObject(statement) || !isPublicStatement(statement)) return [];
    const actions = writesOf(statement);
    return actions.length === 0 ? [] : [{ index, actions }];
  });

const isPublicStatement = (statement: JsonObject): boolean =>
  own(statement, 'Effect') === 'Allow' &&
  (isEverybody(own(statement, 'Principal')) || own(statement, 'NotPrincipal') !== undefined) &&
  !isRestricted(own(statement, 'Condition'));

/**
 * Whether an IAM bucket policy lets the public in, by AWS's meaning of public as far as the document alone tells: some
 * statement allows everybody and no condition holds it to fixed accounts, networks or the like.
 */
export const isPublic = (iamJson: unknown): boolean =>
  isJsonObject(iamJson) && asList(own(iamJson, 'Statement')).filter(isJsonObject).some(isPublicStatement);
