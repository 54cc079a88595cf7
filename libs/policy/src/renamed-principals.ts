import { normalisePolicy } from './normalise.ts';

/** Blanks the names of principals, and keeps how many there are. */
const blanked = (policy: unknown): string => {
  const { version, statements } = normalisePolicy(policy);
  const contents = statements.map(({ content }) =>
    (JSON.parse(content) as readonly (readonly [string, unknown])[]).map(([element, value]) =>
      element === 'principal' || element === 'notprincipal' ? [element, namesIn(value)] : [element, value],
    ),
  );
  return JSON.stringify([version, contents.map((content) => JSON.stringify(content)).sort()]);
};

/** How many names a canonical principal has, of whatever kinds. */
const namesIn = (principal: unknown): number =>
  (principal as readonly (readonly [string, readonly string[]])[]).reduce((sum, [, names]) => sum + names.length, 0);

/**
 * Whether two IAM documents differ in nothing but the names of their principals: each statement of one has its like in the other,
 * with as many names. Servers keep some principals by another name, such as that of a canonical user by its ARN.
 * Source: IAM User Guide, AWS JSON policy elements: Principal.
 */
export const sameButForNames = (a: unknown, b: unknown): boolean => blanked(a) === blanked(b);
