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

/** How many names a canonical principal has, of whatever kinds, and whether everybody is among them: nobody's name is that. */
const namesIn = (principal: unknown): { readonly count: number; readonly everybody: boolean } => {
  const names = (principal as readonly (readonly [string, readonly string[]])[]).flatMap(([, ofKind]) => ofKind);
  return { count: names.length, everybody: names.includes('*') };
};

/**
 * Whether two IAM documents differ in nothing but the names of their principals: each statement of one has its like in the other,
 * with as many names, and with everybody only where the other has everybody. Servers keep some principals by another name, such as that of a canonical user by its ARN.
 * Source: IAM User Guide, AWS JSON policy elements: Principal.
 */
export const sameButForNames = (a: unknown, b: unknown): boolean => blanked(a) === blanked(b);
