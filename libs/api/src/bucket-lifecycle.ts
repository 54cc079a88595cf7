import Type from 'typebox';
import { keyedList, list, optional, rules, stringMap, text } from './schema.ts';

const status = Type.Enum(['Enabled', 'Disabled'], { description: 'Whether the rule is in force.', default: 'Enabled' });

const days = (description: string, minimum: number) => Type.Integer({ description, minimum, maximum: 2_147_483_647 });

const bytes = (description: string, minimum: number) =>
  Type.Integer({ description, minimum, maximum: Number.MAX_SAFE_INTEGER, format: 'int64' });

const day = (description: string) =>
  text(
    `${description}, at midnight UTC: 2030-01-31 or 2030-01-31T00:00:00Z.`,
    32,
    rules({
      rule: "self.matches('^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T00:00:00([.]0+)?(Z|[+]00:00))?$') && !self.matches('-(02|04|06|09|11)-31|-02-30')",
      message: 'date must be a day, such as 2030-01-31 or 2030-01-31T00:00:00Z; servers accept only midnight UTC',
    }),
  );

const storageClass = text('Storage class, or name of the tier, to move to.', 128);

const newerNoncurrentVersions = optional(
  Type.Integer({
    description: 'So many earlier versions stay as they are, the newest ones.',
    minimum: 1,
    maximum: 100,
  }),
);

const expiration = Type.Object(
  {
    days: optional(days('Days after which an object is deleted.', 1)),
    date: optional(day('Day on which objects are deleted')),
    expiredObjectDeleteMarker: optional(
      Type.Boolean({ description: 'True: a delete marker is removed once it hides no version any more.' }),
    ),
  },
  {
    description: 'When objects are deleted: after days, or on a date. Or that delete markers go which hide nothing.',
    ...rules({
      rule: '(has(self.days) ? 1 : 0) + (has(self.date) ? 1 : 0) + (has(self.expiredObjectDeleteMarker) && self.expiredObjectDeleteMarker ? 1 : 0) == 1',
      message: 'an expiration needs exactly one of days, date and expiredObjectDeleteMarker: true',
    }),
  },
);

const transition = Type.Object(
  {
    days: optional(days('Days after which an object is moved.', 0)),
    date: optional(day('Day on which objects are moved')),
    storageClass,
  },
  {
    description: 'When objects are moved to another storage class.',
    ...rules({ rule: 'has(self.days) != has(self.date)', message: 'a transition needs exactly one of days and date' }),
  },
);

const noncurrentVersionExpiration = Type.Object(
  {
    noncurrentDays: days('Days after which an earlier version is deleted, since a newer one took its place.', 1),
    newerNoncurrentVersions,
  },
  { description: 'When earlier versions are deleted.' },
);

const noncurrentVersionTransition = Type.Object(
  {
    noncurrentDays: days('Days after which an earlier version is moved, since a newer one took its place.', 0),
    newerNoncurrentVersions,
    storageClass,
  },
  { description: 'When earlier versions are moved to another storage class.' },
);

const abortIncompleteMultipartUpload = Type.Object(
  { daysAfterInitiation: days('Days after its beginning.', 1) },
  { description: 'When a multipart upload that nobody finished is aborted.' },
);

const has = (list: string) => `has(self.${list}) && self.${list}.size() > 0`;

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
    tags: optional(
      stringMap(
        'The rule is for objects that have all these tags.',
        10,
        256,
        rules({
          rule: 'self.all(key, key.size() >= 1 && key.size() <= 128)',
          message: 'a tag key has 1 to 128 characters',
        }),
      ),
    ),
    objectSizeGreaterThan: optional(bytes('The rule is for objects of more bytes.', 0)),
    objectSizeLessThan: optional(bytes('The rule is for objects of fewer bytes.', 1)),
    expiration: optional(expiration),
    transitions: optional(list('Moves to other storage classes.', transition, 20)),
    noncurrentVersionExpiration: optional(noncurrentVersionExpiration),
    noncurrentVersionTransitions: optional(
      list('Moves of earlier versions to other storage classes.', noncurrentVersionTransition, 20),
    ),
    abortIncompleteMultipartUpload: optional(abortIncompleteMultipartUpload),
  },
  {
    description: 'One lifecycle rule.',
    ...rules(
      {
        rule: `has(self.expiration) || (${has('transitions')}) || has(self.noncurrentVersionExpiration) || (${has('noncurrentVersionTransitions')}) || has(self.abortIncompleteMultipartUpload)`,
        message:
          'a lifecycle rule needs at least one action: expiration, transitions, noncurrentVersionExpiration, noncurrentVersionTransitions or abortIncompleteMultipartUpload',
      },
      {
        rule: '!has(self.transitions) || self.transitions.all(t, has(t.days)) || self.transitions.all(t, has(t.date))',
        message: 'transitions count all in days or all by date; make two rules of them',
      },
      {
        rule: '!has(self.expiration) || !has(self.transitions) || (has(self.expiration.days) ? self.transitions.all(t, has(t.days)) : !has(self.expiration.date) || self.transitions.all(t, has(t.date)))',
        message: 'expiration and transitions of one rule count both in days or both by date; make two rules of them',
      },
      {
        rule: '!has(self.expiration) || !has(self.expiration.days) || !has(self.transitions) || self.transitions.all(t, !has(t.days) || t.days < self.expiration.days)',
        message: 'objects must be moved before they are deleted: transitions days must be less than expiration days',
      },
      {
        rule: '!has(self.expiration) || !has(self.expiration.date) || !has(self.transitions) || self.transitions.all(t, !has(t.date) || t.date.substring(0, 10) < self.expiration.date.substring(0, 10))',
        message: 'objects must be moved before they are deleted: transitions date must be before expiration date',
      },
      {
        rule: '!has(self.noncurrentVersionExpiration) || !has(self.noncurrentVersionTransitions) || self.noncurrentVersionTransitions.all(t, t.noncurrentDays < self.noncurrentVersionExpiration.noncurrentDays)',
        message:
          'earlier versions must be moved before they are deleted: noncurrentDays of noncurrentVersionTransitions must be less than that of noncurrentVersionExpiration',
      },
      {
        rule: '!has(self.objectSizeGreaterThan) || !has(self.objectSizeLessThan) || self.objectSizeGreaterThan < self.objectSizeLessThan',
        message: 'the rule matches no object: objectSizeLessThan must be more than objectSizeGreaterThan',
      },
      {
        rule: '!has(self.abortIncompleteMultipartUpload) || ((!has(self.tags) || self.tags.size() == 0) && !has(self.objectSizeGreaterThan) && !has(self.objectSizeLessThan))',
        message:
          'an upload has neither tags nor a size yet: put abortIncompleteMultipartUpload into a rule without tags, objectSizeGreaterThan and objectSizeLessThan',
      },
      {
        rule: '!has(self.expiration) || !has(self.expiration.expiredObjectDeleteMarker) || !self.expiration.expiredObjectDeleteMarker || !has(self.tags) || self.tags.size() == 0',
        message: 'a delete marker has no tags: put expiredObjectDeleteMarker into a rule without tags',
      },
    ),
  },
);

/** Rules that delete or move objects with time. An empty list removes what is on the server. */
export const lifecycle = Type.Object(
  {
    rules: keyedList('The rules; an empty list removes all rules from the bucket.', rule, 'id', 1000),
    others: Type.Enum(['Keep', 'Remove'], {
      description:
        'What happens to rules that somebody else put there, known by their ids. Keep: they stay. Remove: they go, for they may delete objects.',
      default: 'Remove',
    }),
  },
  { description: 'Deletes or moves objects with time. Left as it is on the server when left out.' },
);
