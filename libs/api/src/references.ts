import Type from 'typebox';
import { list, optional, rules, stringMap, text, type CelRule, type Typed } from './schema.ts';

const dnsLabel = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';

/** Name rule of most Kubernetes objects. Source: RFC 1123 subdomain. */
const objectNameRule: CelRule = {
  rule: `self.matches('^${dnsLabel}([.]${dnsLabel})*$')`,
  message: 'must be the name of a Kubernetes object: lower-case letters, digits, hyphens and dots',
};

const namespaceRule: CelRule = {
  rule: `self.matches('^${dnsLabel}$')`,
  message: 'must be the name of a namespace: lower-case letters, digits and hyphens',
};

/** Key of a Secret. */
export const secretKeyRule: CelRule = {
  rule: "self.matches('^[-._a-zA-Z0-9]+$')",
  message: 'must be a key of a Secret: letters, digits, hyphens, underscores and dots',
};
/** Source: Kubernetes, IsConfigMapKey, which Secrets share. */
export const secretKeyDotsRule: CelRule = {
  rule: "self != '.' && !self.startsWith('..')",
  message: "a key of a Secret cannot be '.' or begin with '..'",
};

export const objectName = (description: string) => text(description, 253, rules(objectNameRule));
const namespaceName = (description: string) => text(description, 63, rules(namespaceRule));

/** Reference to an object that may live in another namespace, if that object grants it. */
export const reference = (kind: string, description: string) =>
  Type.Object(
    {
      name: objectName(`Name of the ${kind}.`),
      namespace: optional(
        namespaceName(
          `Namespace of the ${kind}; this object's own when left out. In another namespace, the ${kind} must grant this one in allowedNamespaces.`,
        ),
      ),
    },
    { description },
  );

/** Name of a Secret in the object's own namespace. */
export const secretName = objectName('Name of the Secret, in the namespace of this object.');

/** Key of a Secret. */
export const secretKey = (description: string, defaultKey: string) =>
  text(description, 253, { default: defaultKey, ...rules(secretKeyRule, secretKeyDotsRule) });

/** One key of a Secret in the object's own namespace. */
export const secretKeyReference = (description: string, defaultKey: string) =>
  Type.Object(
    { name: secretName, key: secretKey('Key in the Secret that holds the value.', defaultKey) },
    { description },
  );

const labelSelector = Type.Object(
  {
    matchLabels: optional(stringMap('Labels that must all have these values.', 50, 63)),
    matchExpressions: optional(
      list(
        'Expressions that must all hold.',
        Type.Object(
          {
            key: text('Label that is looked at.', 316),
            operator: Type.Enum(['In', 'NotIn', 'Exists', 'DoesNotExist'], {
              description: 'How the label is compared with the values.',
            }),
            values: optional(
              list(
                'Values to compare with; for In and NotIn only.',
                Type.String({ maxLength: 63, description: 'One value.' }),
                50,
              ),
            ),
          },
          rules({
            rule: "self.operator in ['In', 'NotIn'] ? has(self.values) && self.values.size() > 0 : !has(self.values) || self.values.size() == 0",
            message: 'values are needed for In and NotIn, and not allowed for Exists and DoesNotExist',
          }),
        ),
        20,
      ),
    ),
  },
  { description: 'Namespaces whose labels match; an empty selector matches all.' },
);

/** Who outside an object's namespace may refer to it. Nobody when left out. */
export const allowedNamespaces = (kind: string, gives: string) =>
  Type.Object(
    {
      all: optional(Type.Boolean({ description: 'True: every namespace.' })),
      names: optional(list('Namespaces by name.', namespaceName('Name of a namespace.'), 200)),
      selector: optional(labelSelector),
    },
    {
      description: `Namespaces besides its own from which this ${kind} may be referred to; any of the three grants it. Nobody when left out. ${gives}`,
    },
  );

export type ObjectReference = Typed<ReturnType<typeof reference>>;
export type SecretKeyReference = Typed<ReturnType<typeof secretKeyReference>>;
export type AllowedNamespaces = Typed<ReturnType<typeof allowedNamespaces>>;
export type LabelSelector = Typed<typeof labelSelector>;
