import Type from 'typebox';
import { keyedList, list, notInThisVersion, optional, rules, text } from './schema.ts';

const status = Type.Enum(['Enabled', 'Disabled'], { description: 'Whether the rule is in force.', default: 'Enabled' });

const expiration = Type.Object(
  {
    days: optional(
      Type.Integer({ description: 'Days after which an object is deleted.', minimum: 1, maximum: 2_147_483_647 }),
    ),
    date: optional(
      text(
        'Day on which objects are deleted, at midnight UTC: 2030-01-31 or 2030-01-31T00:00:00Z.',
        32,
        rules({
          rule: "self.matches('^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T00:00:00([.]0+)?(Z|[+]00:00))?$') && !self.matches('-(02|04|06|09|11)-31|-02-30')",
          message: 'date must be a day, such as 2030-01-31 or 2030-01-31T00:00:00Z; servers accept only midnight UTC',
        }),
      ),
    ),
  },
  {
    description: 'When objects are deleted: after days, or on a date.',
    ...rules({ rule: 'has(self.days) != has(self.date)', message: 'an expiration needs exactly one of days and date' }),
  },
);

const transition = Type.Object(
  {
    days: Type.Integer({ description: 'Days after which an object is moved.', minimum: 0, maximum: 2_147_483_647 }),
    storageClass: text('Storage class, or name of the tier, to move to.', 128),
  },
  { description: 'When objects are moved to another storage class.' },
);

const rule = Type.Object(
  {
    id: text('Name of the rule, unique in the bucket.', 255),
    status,
    prefix: optional(
      Type.String({
        description: 'The rule is for objects whose key begins so; for all when left out.',
        maxLength: 1024,
      }),
    ),
    expiration: optional(expiration),
    transitions: optional(list('Moves to other storage classes.', transition, 20)),
  },
  {
    description: 'One lifecycle rule.',
    ...rules(
      {
        rule: 'has(self.expiration) || (has(self.transitions) && self.transitions.size() > 0)',
        message: 'a lifecycle rule needs at least one action: expiration or transitions',
      },
      {
        rule: '!has(self.expiration) || !has(self.expiration.days) || !has(self.transitions) || self.transitions.all(t, t.days < self.expiration.days)',
        message: 'objects must be moved before they are deleted: transitions days must be less than expiration days',
      },
    ),
  },
);

/** Rules that delete or move objects with time. An empty list removes what is on the server. */
export const lifecycle = Type.Object(
  { rules: keyedList('The rules; an empty list removes all rules from the bucket.', rule, 'id', 1000) },
  {
    description: 'Deletes or moves objects with time. Left as it is on the server when left out.',
    ...notInThisVersion,
  },
);
