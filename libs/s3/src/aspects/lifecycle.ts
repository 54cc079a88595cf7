import { isDeepStrictEqual } from 'node:util';
import {
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  type LifecycleRuleFilter,
  type TransitionDefaultMinimumObjectSize,
} from '@aws-sdk/client-s3';
import { reasons, type BucketSpec } from '@operator/api';
import { onlyFault, type CallContext, type Fault } from '@operator/outcome';
import type { Aspect, BucketWire, Part, Written } from '../aspect.ts';
import { isOwnRefusal } from '../lacking.ts';
import { answerOf } from '../wire-answer.ts';

type Declared = NonNullable<BucketSpec['lifecycle']>['rules'][number];

/** When something happens: so many days after, or on a day such as 2030-01-31. */
interface When {
  readonly days?: number | undefined;
  readonly date?: string | undefined;
}

interface NoncurrentWhen {
  readonly days: number;
  /** So many of the newest earlier versions stay. */
  readonly newer?: number | undefined;
}

/** A rule in its normal form: what is not said is undefined, and lists are sorted. */
export interface Rule {
  /** Empty where the server has none. */
  readonly id: string;
  readonly isEnabled: boolean;
  readonly prefix: string;
  readonly tags: readonly (readonly [key: string, value: string])[];
  readonly largerThan: number | undefined;
  readonly smallerThan: number | undefined;
  /** `markers`: delete markers that hide nothing go. */
  readonly expiration: (When & { readonly markers?: true | undefined }) | undefined;
  readonly transitions: readonly (When & { readonly storageClass: string })[];
  readonly noncurrentExpiration: NoncurrentWhen | undefined;
  readonly noncurrentTransitions: readonly (NoncurrentWhen & { readonly storageClass: string })[];
  readonly abortAfterDays: number | undefined;
}

/** A rule that is there. `raw`: as the server has it, to be put back as it is where it is another's. */
export interface FoundRule extends Rule {
  readonly raw: LifecycleRule;
}

export interface LifecycleWant {
  readonly rules: readonly Rule[];
  /** Of all rules of the spec, whether the server takes them or not. */
  readonly ids: readonly string[];
  readonly keepsOthers: boolean;
  /** Ids of rules that an earlier spec had set, and this one may have no longer. */
  readonly former: readonly string[];
}

const sorted = <T>(list: readonly T[]): readonly T[] =>
  [...list].sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));

const dayOf = (date: string | Date | undefined): string | undefined =>
  (typeof date === 'string' ? date : date?.toISOString())?.slice(0, 10);

const fromSpec = (rule: Declared): Rule => ({
  id: rule.id,
  isEnabled: rule.status === 'Enabled',
  prefix: rule.prefix ?? '',
  tags: sorted(Object.entries(rule.tags ?? {})),
  largerThan: rule.objectSizeGreaterThan,
  smallerThan: rule.objectSizeLessThan,
  expiration: rule.expiration && {
    days: rule.expiration.days,
    date: dayOf(rule.expiration.date),
    markers: rule.expiration.expiredObjectDeleteMarker === true ? true : undefined,
  },
  transitions: sorted(
    (rule.transitions ?? []).map(({ days, date, storageClass }) => ({ days, date: dayOf(date), storageClass })),
  ),
  noncurrentExpiration: rule.noncurrentVersionExpiration && {
    days: rule.noncurrentVersionExpiration.noncurrentDays,
    newer: rule.noncurrentVersionExpiration.newerNoncurrentVersions,
  },
  noncurrentTransitions: sorted(
    (rule.noncurrentVersionTransitions ?? []).map(
      ({ noncurrentDays: days, newerNoncurrentVersions: newer, storageClass }) => ({ days, newer, storageClass }),
    ),
  ),
  abortAfterDays: rule.abortIncompleteMultipartUpload?.daysAfterInitiation,
});

/**
 * Servers say the same filter in different forms: a prefix at the rule or in its filter, an empty one or none, one condition alone or
 * below And, two of them without And.
 */
const fromServer = (raw: LifecycleRule): FoundRule => {
  const { And, ...alone } = raw.Filter ?? {};
  const tags = [...(alone.Tag === undefined ? [] : [alone.Tag]), ...(And?.Tags ?? [])];
  const { Days: days, Date: date, ExpiredObjectDeleteMarker } = raw.Expiration ?? {};
  const expiration = {
    days,
    date: dayOf(date),
    markers: ExpiredObjectDeleteMarker === true ? true : undefined,
  } as const;
  const noncurrent = raw.NoncurrentVersionExpiration;
  return {
    id: raw.ID ?? '',
    isEnabled: raw.Status === 'Enabled',
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- old rules have their prefix there
    prefix: And?.Prefix ?? alone.Prefix ?? raw.Prefix ?? '',
    tags: sorted(tags.map(({ Key = '', Value = '' }) => [Key, Value] as const)),
    largerThan: And?.ObjectSizeGreaterThan ?? alone.ObjectSizeGreaterThan,
    smallerThan: And?.ObjectSizeLessThan ?? alone.ObjectSizeLessThan,
    expiration: Object.values(expiration).every((value) => value === undefined) ? undefined : expiration,
    transitions: sorted(
      (raw.Transitions ?? []).map(({ Days, Date: on, StorageClass: storageClass = '' }) => ({
        days: Days,
        date: dayOf(on),
        storageClass,
      })),
    ),
    noncurrentExpiration:
      noncurrent?.NoncurrentDays === undefined
        ? undefined
        : { days: noncurrent.NoncurrentDays, newer: noncurrent.NewerNoncurrentVersions },
    noncurrentTransitions: sorted(
      (raw.NoncurrentVersionTransitions ?? []).map(
        ({ NoncurrentDays: after = 0, NewerNoncurrentVersions: newer, StorageClass: storageClass = '' }) => ({
          days: after,
          newer,
          storageClass,
        }),
      ),
    ),
    abortAfterDays: raw.AbortIncompleteMultipartUpload?.DaysAfterInitiation,
    raw,
  };
};

/** One condition stands alone, several below And. */
const filterOf = ({ prefix, tags, largerThan, smallerThan }: Rule): LifecycleRuleFilter => {
  const Tags = tags.map(([Key, Value]) => ({ Key, Value }));
  const rest = {
    ...(prefix === '' ? {} : { Prefix: prefix }),
    ...(largerThan === undefined ? {} : { ObjectSizeGreaterThan: largerThan }),
    ...(smallerThan === undefined ? {} : { ObjectSizeLessThan: smallerThan }),
  };
  const conditions = Object.keys(rest).length + Tags.length;
  if (conditions === 0) return { Prefix: '' };
  if (conditions > 1) return { And: { ...rest, ...(Tags.length === 0 ? {} : { Tags }) } };
  return Tags[0] === undefined ? rest : { Tag: Tags[0] };
};

const whenOf = ({ days, date }: When) => (date === undefined ? { Days: days } : { Date: new Date(date) });

const toServer = (rule: Rule): LifecycleRule => ({
  ID: rule.id,
  Status: rule.isEnabled ? 'Enabled' : 'Disabled',
  Filter: filterOf(rule),
  ...(rule.expiration && {
    Expiration: rule.expiration.markers === true ? { ExpiredObjectDeleteMarker: true } : whenOf(rule.expiration),
  }),
  ...(rule.transitions.length > 0 && {
    Transitions: rule.transitions.map((transition) => ({
      ...whenOf(transition),
      StorageClass: transition.storageClass as 'GLACIER',
    })),
  }),
  ...(rule.noncurrentExpiration && {
    NoncurrentVersionExpiration: {
      NoncurrentDays: rule.noncurrentExpiration.days,
      NewerNoncurrentVersions: rule.noncurrentExpiration.newer,
    },
  }),
  ...(rule.noncurrentTransitions.length > 0 && {
    NoncurrentVersionTransitions: rule.noncurrentTransitions.map(({ days, newer, storageClass }) => ({
      NoncurrentDays: days,
      NewerNoncurrentVersions: newer,
      StorageClass: storageClass as 'GLACIER',
    })),
  }),
  ...(rule.abortAfterDays !== undefined && {
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: rule.abortAfterDays },
  }),
});

const isSameRule = (want: Rule, have: Rule | undefined): boolean =>
  have !== undefined && isDeepStrictEqual({ ...want, raw: undefined }, { ...have, raw: undefined });

const isOurs = ({ id }: Rule, { ids, former }: LifecycleWant): boolean => ids.includes(id) || former.includes(id);

const ruleIn = (have: readonly FoundRule[], { id }: Rule): FoundRule | undefined => have.find((rule) => rule.id === id);

/** All rules of a bucket that has `found` once the wish is fulfilled, as they are sent. */
const mergeRules = (found: readonly FoundRule[], want: LifecycleWant): readonly LifecycleRule[] => [
  ...want.rules.map(toServer),
  ...(want.keepsOthers ? found.filter((rule) => !isOurs(rule, want)).map(({ raw }) => raw) : []),
];

const differs = (want: LifecycleWant, have: readonly FoundRule[]): boolean => {
  const mine = want.keepsOthers ? have.filter((rule) => isOurs(rule, want)) : have;
  return mine.length !== want.rules.length || !want.rules.every((rule) => isSameRule(rule, ruleIn(mine, rule)));
};

/** One part of a rule that a server may lack. */
interface RulePart {
  readonly part: Part;
  /** Its fields in the spec, for people. */
  readonly fields: string;
  /** What the rule says of it; undefined when it does not use it. */
  readonly of: (rule: Rule) => unknown;
  /** The rule without it, as far as that may be set: never one that reaches more than was declared. */
  readonly drop: (rule: Rule, have: Rule | undefined) => Rule | undefined;
  /** True when it bounds what a rule deletes or moves. */
  readonly isBound: boolean;
  /** False for what every server takes that has lifecycle rules: a refusal is about something else. */
  readonly mayBeRefused?: false;
}

const listed = <T>(list: readonly T[]): readonly T[] | undefined => (list.length === 0 ? undefined : list);
const withoutNewer = ({ days, storageClass }: Rule['noncurrentTransitions'][number]) => ({ days, storageClass });
const newerIn = ({ noncurrentExpiration, noncurrentTransitions }: Rule) =>
  listed(
    [
      { to: '', newer: noncurrentExpiration?.newer },
      ...noncurrentTransitions.map(({ storageClass, newer }) => ({ to: storageClass, newer })),
    ].filter(({ newer }) => newer !== undefined),
  );

const ruleParts: readonly RulePart[] = [
  {
    part: 'lifecycleTransitions',
    fields: 'transitions and noncurrentVersionTransitions',
    isBound: false,
    of: ({ transitions, noncurrentTransitions }) =>
      listed([...transitions, ...sorted(noncurrentTransitions.map(withoutNewer))]),
    drop: (rule, have) => ({
      ...rule,
      transitions: have?.transitions ?? [],
      noncurrentTransitions: have?.noncurrentTransitions ?? [],
    }),
  },
  {
    part: 'lifecycleAbort',
    fields: 'abortIncompleteMultipartUpload',
    isBound: false,
    of: ({ abortAfterDays }) => abortAfterDays,
    drop: (rule, have) => ({ ...rule, abortAfterDays: have?.abortAfterDays }),
  },
  {
    part: 'lifecycleTags',
    fields: 'tags',
    isBound: true,
    of: ({ tags }) => listed(tags),
    drop: () => undefined,
  },
  {
    part: 'lifecycleSizes',
    fields: 'objectSizeGreaterThan and objectSizeLessThan',
    isBound: true,
    of: ({ largerThan, smallerThan }) =>
      largerThan === undefined && smallerThan === undefined ? undefined : [largerThan, smallerThan],
    drop: () => undefined,
  },
  {
    part: 'lifecycleNewerVersions',
    fields: 'newerNoncurrentVersions',
    isBound: true,
    of: newerIn,
    drop: ({ noncurrentExpiration, noncurrentTransitions, ...rule }, have) => ({
      ...rule,
      noncurrentExpiration:
        noncurrentExpiration?.newer === undefined || isDeepStrictEqual(noncurrentExpiration, have?.noncurrentExpiration)
          ? noncurrentExpiration
          : undefined,
      noncurrentTransitions: noncurrentTransitions.filter(
        (one) => one.newer === undefined || have?.noncurrentTransitions.some((other) => isDeepStrictEqual(one, other)),
      ),
    }),
  },
  {
    part: 'lifecyclePrefix',
    fields: 'prefix',
    isBound: true,
    mayBeRefused: false,
    of: ({ prefix }) => (prefix === '' ? undefined : prefix),
    drop: () => undefined,
  },
];

const hasAction = (rule: Rule): boolean =>
  rule.expiration !== undefined ||
  rule.transitions.length > 0 ||
  rule.noncurrentExpiration !== undefined ||
  rule.noncurrentTransitions.length > 0 ||
  rule.abortAfterDays !== undefined;

const partsOf = ({ rules }: LifecycleWant): readonly RulePart[] =>
  ruleParts.filter((part) => rules.some((rule) => part.of(rule) !== undefined));

const isKept = (part: RulePart, rule: Rule, have: Rule | undefined): boolean =>
  part.of(rule) === undefined || (have !== undefined && isDeepStrictEqual(part.of(rule), part.of(have)));

/** The wish as far as a server without those parts can have it: what is there of them stays, and no rule reaches more than declared. */
const withoutParts = (want: LifecycleWant, have: readonly FoundRule[], lost: readonly Part[]): LifecycleWant => {
  const dropped = ruleParts.filter(({ part }) => lost.includes(part));
  const reduce = (rule: Rule): readonly Rule[] => {
    const there = ruleIn(have, rule);
    const reduced = dropped.reduce<Rule | undefined>(
      (left, part) => (left === undefined || isKept(part, left, there) ? left : part.drop(left, there)),
      rule,
    );
    return reduced !== undefined && hasAction(reduced) ? [reduced] : [];
  };
  return { ...want, rules: want.rules.flatMap(reduce) };
};

/** The wish with those rules off whose bounds the server has not shown yet: one that dropped them would delete too much. */
const cautious = (want: LifecycleWant, have: readonly FoundRule[]): LifecycleWant => ({
  ...want,
  rules: want.rules.map((rule) => {
    const isProven = ruleParts.every((part) => !part.isBound || isKept(part, rule, ruleIn(have, rule)));
    return isProven ? rule : { ...rule, isEnabled: false };
  }),
});

/** What a bucket has. */
interface Found {
  readonly rules: readonly FoundRule[];
  /** From which size objects are moved where a rule does not say; Amazon sets it back in a PUT that is silent. No spec has it. */
  readonly minimumSize: TransitionDefaultMinimumObjectSize | undefined;
}

const readAll = async ({ wire, bucket }: BucketWire, context: CallContext): Promise<Found> => {
  const answer = await wire.sendOrAbsent(
    new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }),
    ['NoSuchLifecycleConfiguration'],
    context,
  );
  return {
    rules: (answer?.Rules ?? []).map(fromServer),
    minimumSize: answer?.TransitionDefaultMinimumObjectSize,
  };
};

const putRules = async (
  { wire, bucket }: BucketWire,
  want: LifecycleWant,
  { rules, minimumSize }: Found,
  context: CallContext,
): Promise<void> => {
  const Rules = [...mergeRules(rules, want)];
  if (Rules.length > 0) {
    const input = {
      Bucket: bucket,
      LifecycleConfiguration: { Rules },
      ...(minimumSize === undefined ? {} : { TransitionDefaultMinimumObjectSize: minimumSize }),
    };
    await wire.send(new PutBucketLifecycleConfigurationCommand(input), context);
  } else if (rules.length > 0) {
    // Only what a GET has shown is deleted.
    await wire.send(new DeleteBucketLifecycleCommand({ Bucket: bucket }), context);
  }
};

/** The Fault, when the server refuses what was sent and not the one who sends it. */
const refusalIn = (caught: unknown): Fault | undefined => {
  const fault = onlyFault(caught);
  return fault.reason === reasons.RequestRefused || isOwnRefusal(fault) ? fault : undefined;
};

type Lost = ReadonlyMap<Part, string>;

const sayRefused = ({ part, fields }: RulePart, { rules }: LifecycleWant, fault: Fault): readonly [Part, string] => {
  if (part === 'lifecycleTransitions' && answerOf(fault.cause)?.code === 'InvalidStorageClass') {
    const classes = new Set(
      rules.flatMap(({ transitions, noncurrentTransitions }) =>
        [...transitions, ...noncurrentTransitions].map(({ storageClass }) => storageClass),
      ),
    );
    return [
      part,
      `The server does not have one of the storage classes or tiers ${[...classes].sort().join(', ')}. Create it on the server (the operator tries again within an hour), or remove the transitions. ${fault.message}`,
    ];
  }
  return [part, `The server refuses ${fields} in these rules; the rest of them is in place. ${fault.message}`];
};

const sayDropped = ({ part, fields, isBound }: RulePart): readonly [Part, string] => [
  part,
  `The server accepts ${fields} in lifecycle rules and drops it. ` +
    (isBound
      ? 'Without it they would reach more objects than declared, so the operator does not set what depends on it. Remove those rules, or use a server that keeps it.'
      : 'The rest of the rules is in place. Remove it from the rules.'),
];

/**
 * Puts the rules; where the server refuses them on account of a part, without that part. Nothing is changed by a PUT that is refused.
 * `before`: what of a part stays all the same.
 */
const putWhatIsTaken = async (
  s3: BucketWire,
  want: LifecycleWant,
  found: Found,
  context: CallContext,
  before: readonly FoundRule[] = found.rules,
): Promise<Lost> => {
  const parts = partsOf(want).filter(({ mayBeRefused = true }) => mayBeRefused);
  let refusal: Fault;
  try {
    await putRules(s3, want, found, context);
    return new Map();
  } catch (caught) {
    const fault = refusalIn(caught);
    if (fault === undefined || parts.length === 0) throw caught;
    refusal = fault;
  }
  for (const blamed of [...parts.map((part) => [part]), ...(parts.length > 1 ? [parts] : [])]) {
    const rest = withoutParts(
      want,
      before,
      blamed.map(({ part }) => part),
    );
    try {
      if (differs(rest, found.rules)) await putRules(s3, rest, found, context);
      return new Map(blamed.map((part) => sayRefused(part, want, refusal)));
    } catch (caught) {
      if (refusalIn(caught) === undefined) throw caught;
    }
  }
  throw refusal;
};

/** Puts the rules and looks what the server has kept of them. Rules get into force once it has shown all that bounds them. */
const putWhatIsKept = async (
  s3: BucketWire,
  want: LifecycleWant,
  found: Found,
  context: CallContext,
): Promise<Lost> => {
  const refused = await putWhatIsTaken(s3, cautious(want, found.rules), found, context);
  if (partsOf(want).length === 0) return refused;
  const left = await readAll(s3, context);
  const after = left.rules;
  const taken = withoutParts(want, after, [...refused.keys()]);
  const dropped = ruleParts.filter((part) => !taken.rules.every((rule) => isKept(part, rule, ruleIn(after, rule))));
  const kept = withoutParts(
    taken,
    after,
    dropped.map(({ part }) => part),
  );
  // SeaweedFS refuses in a rule that is in force what it takes in one that is not: transitions.
  const late = differs(kept, after) ? await putWhatIsTaken(s3, kept, left, context, found.rules) : refused;
  return new Map([...refused, ...late, ...dropped.map(sayDropped)]);
};

const putAll: typeof putWhatIsKept = async (s3, want, found, context) => {
  await putRules(s3, want, found, context);
  return new Map();
};

const nameOf = ({ id }: Rule): string => (id === '' ? 'one without an id' : id);

/**
 * Rules by which objects are deleted or moved with time. Rules of others are drift unless the spec keeps them; whose a rule is, its id tells.
 * `keepsAll`: the server is known to keep or refuse whatever a rule says, as Amazon does, so that a write needs no look after it.
 *
 * Elsewhere parts of a rule may be dropped in silence, and a rule that lost its bounds deletes what nobody meant: one with bounds that the
 * server has not shown yet is put in Disabled first.
 * Source: Amazon S3 API, GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration, which replaces all rules, and DeleteBucketLifecycle.
 */
export const lifecycle = ({ keepsAll = false }: { readonly keepsAll?: boolean } = {}): Aspect<
  LifecycleWant,
  readonly FoundRule[]
> => ({
  name: 'lifecycle',
  readsWith: 'GetBucketLifecycleConfiguration',
  desired: ({ lifecycle: declared }, { managed }) =>
    declared && {
      rules: declared.rules.map(fromSpec),
      ids: declared.rules.map(({ id }) => id),
      keepsOthers: declared.others === 'Keep',
      former: managed.lifecycle ?? [],
    },
  owns: ({ ids }) => ids,
  holds: (have) => have.flatMap(({ id }) => (id === '' ? [] : [id])),
  read: async (s3, context) => (await readAll(s3, context)).rules,
  isSet: (have) => have.length > 0,
  needs: (want) => partsOf(want).map(({ part }) => part),
  without: withoutParts,
  diff: (want, have) => (differs(want, have) ? want : undefined),
  async write(s3, want, context): Promise<Written> {
    // What others have put there since the look must not be lost.
    const found = await readAll(s3, context);
    const put = keepsAll ? putAll : putWhatIsKept;
    const lost = await put(s3, want, found, context);
    const theirs = want.keepsOthers ? [] : found.rules.filter((rule) => !isOurs(rule, want));
    if (theirs.length === 0) return { lost };
    return { lost, note: `removed rules of others: ${theirs.map(nameOf).join(', ')}` };
  },
});
