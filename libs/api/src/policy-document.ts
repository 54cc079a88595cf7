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
  resource: optional(
    anyShape<Names>('ARNs the statement is about: one or a list. ${bucket} stands for the name of the bucket.'),
  ),
  notResource: optional(anyShape<Names>('All resources but these: one or a list. In place of resource.')),
  condition: optional(
    Type.Unsafe<PolicyCondition>({
      type: 'object',
      description: 'Conditions: operator, then key, then one value or a list.',
      'x-kubernetes-preserve-unknown-fields': true,
    }),
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

const refused = (name: string): string => `Refused; write ${name.charAt(0).toLowerCase()}${name.slice(1)}.`;

/**
 * An object that also declares IAM's own spelling, so that a pasted document is refused with our words and not by pruning
 * in silence. CEL sees only names with one certain type (`seen`); the others are `kept` for the controller, which refuses
 * them too. Nothing is `required` in the schema: a missing key would keep the API server from evaluating the rules.
 */
const refusingCapitals = <P extends TProperties>(
  description: string,
  properties: P,
  capitals: { readonly seen: readonly string[]; readonly kept: readonly string[] },
  rule: CelRule,
) =>
  Type.Unsafe<Static<TObject<P>>>({
    type: 'object',
    description,
    properties: {
      ...properties,
      ...Object.fromEntries(
        capitals.seen.map((name) => [name, Type.String({ description: refused(name), maxLength: 2048 })]),
      ),
      ...Object.fromEntries(capitals.kept.map((name) => [name, anyShape<unknown>(refused(name))])),
    },
    ...rules({ rule: capitals.seen.map((name) => `!has(self.${name})`).join(' && '), message: lowerCaseNames }, rule),
  });

const statementOf = <P extends TProperties>(properties: P) =>
  refusingCapitals(
    'One statement.',
    { ...effect, ...properties },
    {
      seen: ['Sid', 'Effect'],
      kept: ['Principal', 'NotPrincipal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'],
    },
    { rule: 'has(self.effect)', message: 'a statement needs effect: Allow or Deny' },
  );

const documentOf = <S extends TSchema>(description: string, statement: S) =>
  refusingCapitals(
    description,
    {
      version: Type.Enum(['2012-10-17', '2008-10-17'], {
        description: 'Version of the policy language.',
        default: '2012-10-17',
      }),
      statement: list('The statements; their order has no meaning.', statement, 100, { minItems: 1 }),
    },
    { seen: ['Version', 'Id'], kept: ['Statement'] },
    { rule: 'has(self.statement)', message: 'a policy needs statement, a list, in lower case' },
  );

/** A bucket policy: every statement has a principal. */
export const bucketPolicyDocument = documentOf(
  'IAM policy document in lower-case names.',
  statementOf({ ...shared, ...principals }),
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
