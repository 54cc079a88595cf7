import Type, { type Static, type TObject, type TProperties, type TSchema } from 'typebox';
import { anyShape, list, optional, rules, text, type CelRule, type Typed } from './schema.ts';

/** Whom a statement is about. `accessKeyRef` stands for the ARN of the user behind an AccessKey of the same namespace. */
export type Principal =
  | '*'
  | {
      readonly AWS?: string | readonly string[];
      readonly Service?: string | readonly string[];
      readonly Federated?: string | readonly string[];
      readonly CanonicalUser?: string | readonly string[];
      readonly accessKeyRef?: { readonly name: string };
    };

export type ConditionScalar = string | number | boolean;
/** Operator → key → value or values. */
export type PolicyCondition = Readonly<
  Record<string, Readonly<Record<string, ConditionScalar | readonly ConditionScalar[]>>>
>;

type Names = string | readonly string[];

const shared = {
  sid: optional(text('Identifier of the statement, unique in the document.', 128)),
  action: optional(anyShape<Names>('Actions the statement is about, such as s3:GetObject: one or a list.')),
  notAction: optional(anyShape<Names>('All actions but these: one or a list. In place of action.')),
  resource: optional(anyShape<Names>('ARNs the statement is about: one or a list.')),
  notResource: optional(anyShape<Names>('All resources but these: one or a list. In place of resource.')),
  condition: optional(
    Type.Unsafe<PolicyCondition>({
      type: 'object',
      description:
        'Conditions: operator, then key, then one value or a list. Values are texts: quote what looks like a number or a ' +
        'boolean. Only Numeric operators also take numbers, and Bool and Null also take true and false.',
      maxProperties: 50,
      patternProperties: {
        '^.*$': {
          type: 'object',
          description: 'Keys of one operator, such as aws:SourceIp.',
          maxProperties: 50,
          patternProperties: { '^.*$': anyShape<unknown>('One value or a list.') },
        },
      },
    }),
  ),
};

const resourcesOfBucket = {
  resource: optional(
    anyShape<Names>('ARNs the statement is about: one or a list. ${bucket} stands for the name of the bucket.'),
  ),
};

const principals = {
  principal: optional(
    anyShape<Principal>(
      'Whom the statement is about: "*", or an object with AWS, Service, Federated, CanonicalUser (each one or a list) or accessKeyRef.name.',
    ),
  ),
  notPrincipal: optional(anyShape<Principal>('Everybody but these. In place of principal.')),
};

const effect = {
  effect: Type.Enum(['Allow', 'Deny'], { description: 'Whether the statement allows or denies.' }),
};

const lowerCaseNames =
  'IAM names with capitals are not accepted: write version, statement, sid, effect, principal, action, resource and condition in lower case';

const lowered = (name: string): string => `${name.charAt(0).toLowerCase()}${name.slice(1)}`;

/** CEL has no type for a name of any shape, and compiles the access only by way of `dyn`; at run time it sees that it is there. */
const has = (name: string): string => `has(dyn(self).${name})`;
const either = (names: readonly string[]): string => names.map(has).join(' || ');

/** Exactly one of `key` and its opposite, such as `notAction`. A pasted spelling has a complaint of its own, and one is enough. */
const exactlyOne = (key: string): CelRule => {
  const capital = `${key.charAt(0).toUpperCase()}${key.slice(1)}`;
  return {
    rule: `${either([capital, `Not${capital}`])} || ${has(key)} != ${has(`not${capital}`)}`,
    message: `a statement needs exactly one of ${key} and not${capital}`,
  };
};

/**
 * An object that also declares IAM's own spelling, so that a pasted document is refused with our words and not by pruning
 * in silence. Nothing is `required` in the schema: a missing key would keep the API server from evaluating the rules.
 */
const refusingCapitals = <P extends TProperties>(
  description: string,
  properties: P,
  { capitals, without = [] }: { readonly capitals: readonly string[]; readonly without?: readonly string[] },
  ...needs: readonly CelRule[]
) =>
  Type.Unsafe<Static<TObject<P>>>({
    type: 'object',
    description,
    properties: {
      ...properties,
      ...Object.fromEntries(
        capitals.map((name) => [name, anyShape<unknown>(`Refused; write ${lowered(name)}, in lower case.`)]),
      ),
      ...Object.fromEntries(without.map((name) => [name, anyShape<unknown>('Refused; leave it out.')])),
    },
    ...rules(
      ...(without.length === 0
        ? []
        : [{ rule: `!(${either(without)})`, message: `${without.join(', ')} is not accepted: leave it out` }]),
      { rule: `!(${either(capitals)})`, message: lowerCaseNames },
      ...needs,
    ),
  });

const statementOf = <P extends TProperties>(properties: P, ...needs: readonly CelRule[]) =>
  refusingCapitals(
    'One statement.',
    { ...effect, ...properties },
    {
      capitals: [
        'Sid',
        'Effect',
        'Principal',
        'NotPrincipal',
        'Action',
        'NotAction',
        'Resource',
        'NotResource',
        'Condition',
      ],
    },
    { rule: `${has('Effect')} || has(self.effect)`, message: 'a statement needs effect: Allow or Deny' },
    ...needs,
    exactlyOne('action'),
    exactlyOne('resource'),
  );

const documentOf = <S extends TSchema>(description: string, statement: S) =>
  refusingCapitals(
    description,
    {
      version: Type.Enum(['2012-10-17', '2008-10-17'], {
        description: 'Version of the policy language.',
        default: '2012-10-17',
      }),
      statement: list('The statements, a list also where there is one; their order has no meaning.', statement, 100, {
        minItems: 1,
        // A single object, lawful in IAM, is refused as being no list, and not for the first key that is in it.
        patternProperties: { '^.*$': anyShape<unknown>('Refused; statement is a list.') },
      }),
    },
    { capitals: ['Version', 'Statement'], without: ['Id'] },
    { rule: `${has('Statement')} || has(self.statement)`, message: 'a policy needs statement, a list, in lower case' },
  );

/** A bucket policy: every statement has a principal. */
export const bucketPolicyDocument = documentOf(
  'IAM policy document in lower-case names.',
  statementOf({ ...shared, ...resourcesOfBucket, ...principals }, exactlyOne('principal')),
);

/** The policy of a user: no statement has a principal. */
export const identityPolicyDocument = documentOf(
  'IAM policy document of the user, in lower-case names and without principals.',
  statementOf(shared),
);

/** Either kind of document; the one of a user has no principals. */
export type PolicyDocument = Typed<typeof bucketPolicyDocument>;
export type PolicyStatement = PolicyDocument['statement'][number];
export type IdentityPolicyDocument = Typed<typeof identityPolicyDocument>;
