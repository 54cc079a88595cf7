import { own, texts } from './json.ts';
import { normalisePolicy } from './normalise.ts';
import { notYetIn, statementsOf, without } from './buckets.ts';
import type { IamPolicy, IamStatement } from './render.ts';
import { matches } from './wildcard.ts';

/**
 * What of a wanted document gives nothing that the standing one does not give: of what either allows only what both allow, and all that
 * either denies. Done once more with its result it gives the same. Undefined when nothing is left. Both as stored or rendered; undefined is none.
 */
export const withoutGains = (standing: unknown, wanted: IamPolicy | undefined): IamPolicy | undefined => {
  const [had, asked] = [listed(standing), wanted?.Statement ?? []];
  const denied = asked.filter(({ Effect }) => Effect === 'Deny');
  const stillDenied = had.filter((one) => one.Effect === 'Deny' && !denied.some((other) => covers(other, one)));
  const askedFor = asked.filter(({ Effect }) => Effect === 'Allow');
  const allowed = had.filter(({ Effect }) => Effect === 'Allow').flatMap((one) => inBoth(one, askedFor));
  const statements = notYetIn([], [...allowed, ...denied, ...stillDenied]);
  return statements.length === 0 ? undefined : { Version: wanted?.Version ?? '2012-10-17', Statement: statements };
};

const elements = ['Action', 'NotAction', 'Resource', 'NotResource'] as const;

/** The statements as they are rendered, and without sids: a part of a statement is another one. */
const listed = (document: unknown): readonly IamStatement[] =>
  statementsOf(document).map((statement) => {
    const present = elements.filter((name) => Object.hasOwn(statement, name));
    const lists = Object.fromEntries(present.map((name) => [name, texts(own(statement, name))]));
    return { ...without(statement, 'Sid'), ...lists } as unknown as IamStatement;
  });

/** The parts of a statement that one of the others allows, too. */
const inBoth = (one: IamStatement, others: readonly IamStatement[]): readonly IamStatement[] =>
  others.some((other) => covers(other, one)) ? [one] : others.flatMap((other) => common(one, other));

/** What two statements allow both, as far as their lists and conditions tell. */
const common = (one: IamStatement, other: IamStatement): readonly IamStatement[] => {
  const condition = strictest(one, other);
  const action = commonOf(one.Action, other.Action, lower);
  const resource = commonOf(one.Resource, other.Resource);
  if (condition === undefined || action.length === 0 || resource.length === 0) return [];
  return [{ ...condition, Effect: 'Allow', Action: action, Resource: resource }];
};

/** The conditions of the one that has any; undefined where both have some, and not the same. */
const strictest = (one: IamStatement, other: IamStatement): Pick<IamStatement, 'Condition'> | undefined => {
  const conditions = [one, other].flatMap(({ Condition }) => (Condition === undefined ? [] : [Condition]));
  const [first] = conditions;
  if (first === undefined) return {};
  return conditions.length === 1 || conditionOf(one) === conditionOf(other) ? { Condition: first } : undefined;
};

const conditionOf = ({ Condition }: IamStatement): string | undefined =>
  Condition && normalisePolicy({ Statement: [{ Condition }] }).statements[0]?.content;

/** The narrower of each two patterns. `as`: as what they are compared. */
const commonOf = (some: readonly string[] = [], others: readonly string[] = [], as = itself): readonly string[] => {
  const within = (values: readonly string[], patterns: readonly string[]) =>
    values.filter((value) => isWithin(patterns, [value], as));
  return [...new Map([...within(some, others), ...within(others, some)].map((value) => [as(value), value])).values()];
};

/** Whether all that a statement is about is in another one of the same effect. False where it takes more than their lists to tell. */
const covers = (wide: IamStatement, narrow: IamStatement): boolean =>
  (wide.Condition === undefined || conditionOf(wide) === conditionOf(narrow)) &&
  (isWithin(wide.Action, narrow.Action, lower) || isWithin(narrow.NotAction, wide.NotAction, lower)) &&
  (isWithin(wide.Resource, narrow.Resource) ||
    isWithin(narrow.NotResource, wide.NotResource) ||
    // Nothing is beyond everything.
    (wide.Resource?.includes('*') === true && narrow.NotResource !== undefined));

const isWithin = (
  patterns: readonly string[] | undefined,
  values: readonly string[] | undefined,
  as = itself,
): boolean =>
  values?.every((value) => patterns?.some((pattern) => includes(as(pattern), as(value))) === true) === true &&
  patterns !== undefined;

const itself = (value: string): string => value;

/** Names of actions have no case. */
const lower = (action: string): string => action.toLowerCase();

/** Whether all that fits the one pattern fits the other. False for what only its variables tell. */
const includes = (wide: string, narrow: string): boolean => {
  if (wide === narrow) return true;
  if (wide.includes('${') || (wide.includes('?') && narrow.includes('*'))) return false;
  return matches(wide, narrow);
};
