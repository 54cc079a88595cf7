import type {
  AdvancedEventSelector,
  AdvancedFieldSelector,
  EventSelector,
  GetEventSelectorsResponse,
} from '@aws-sdk/client-cloudtrail';
import { bucketArn } from '@operator/policy';

/** Which data events of a bucket a trail records. */
export type Events = 'All' | 'ReadOnly' | 'WriteOnly';
const kinds: readonly Events[] = ['All', 'ReadOnly', 'WriteOnly'];

/** What a trail records. It has selectors of the one kind or of the other: putting one kind removes those of the other. */
export type Selectors =
  | { readonly kind: 'classic'; readonly selectors: readonly EventSelector[] }
  | { readonly kind: 'advanced'; readonly selectors: readonly AdvancedEventSelector[] };

/**
 * A selector of the operator's, for the buckets of everybody whose events of this kind are recorded. All other selectors belong to others and
 * are never changed. `isExact`: it still does what the operator wrote.
 */
interface Pool {
  readonly events: Events;
  /** ARNs of buckets, with a slash at the end: all their objects. */
  readonly arns: readonly string[];
  readonly isExact: boolean;
}

/** The name of an advanced selector of ours ends with the kind of events. */
const namePrefix = 's3.cloud37.dev/';

/**
 * A classic selector has no name: ours has this bucket among its own. It need not exist, and costs one data resource of each pool.
 * An advanced pool has it while it has no other, since a trail needs at least one selector.
 */
const markerBucket = 's3.cloud37.dev';

const objects = 'AWS::S3::Object';
const arnField = 'resources.ARN';

/** How the objects of a bucket are named in a selector. */
export const objectsOf = (bucket: string, partition: string): string => `${bucketArn(bucket, partition)}/`;

const markerFor = (arn: string): string => objectsOf(markerBucket, arn.split(':')[1] ?? 'aws');
const isMarker = (arn: string): boolean => arn.endsWith(`:${markerBucket}/`);

const isJust = (values: readonly string[] | undefined, ...wanted: readonly string[]): boolean =>
  values?.length === wanted.length && wanted.every((value) => values.includes(value));

/** What a trail answers that never had any: management events, and no data. */
const initially: EventSelector = { ReadWriteType: 'All', IncludeManagementEvents: true, DataResources: [] };

/** The selectors in an answer of GetEventSelectors. */
export const selectorsIn = ({
  EventSelectors = [],
  AdvancedEventSelectors = [],
}: GetEventSelectorsResponse): Selectors =>
  EventSelectors.length === 0 && AdvancedEventSelectors.length > 0
    ? { kind: 'advanced', selectors: AdvancedEventSelectors }
    : { kind: 'classic', selectors: EventSelectors.length === 0 ? [initially] : EventSelectors };

const classicPool = ({
  ReadWriteType,
  IncludeManagementEvents,
  DataResources = [],
}: EventSelector): Pool | undefined => {
  const [{ Type, Values = [] } = {}] = DataResources;
  const events = kinds.find((kind) => kind === ReadWriteType);
  // With anything else in it, somebody made it their own.
  const isOurs = IncludeManagementEvents === false && DataResources.length === 1 && Type === objects;
  return isOurs && events !== undefined && Values.some(isMarker)
    ? { events, arns: Values.filter((arn) => !isMarker(arn)), isExact: true }
    : undefined;
};

const fieldsOf = (events: Events): readonly AdvancedFieldSelector[] => [
  { Field: 'eventCategory', Equals: ['Data'] },
  { Field: 'resources.type', Equals: [objects] },
  ...(events === 'All' ? [] : [{ Field: 'readOnly', Equals: [String(events === 'ReadOnly')] }]),
];

const operators = ['Equals', 'NotEquals', 'StartsWith', 'NotStartsWith', 'EndsWith', 'NotEndsWith'] as const;

/** True when the field is selected by just that: one more operator may leave nothing to record. */
const isField = (found: AdvancedFieldSelector | undefined, wanted: AdvancedFieldSelector): boolean =>
  operators.every((operator) => isJust(found?.[operator] ?? [], ...(wanted[operator] ?? [])));

const advancedPool = ({ Name = '', FieldSelectors = [] }: AdvancedEventSelector): Pool | undefined => {
  const events = kinds.find((kind) => Name === `${namePrefix}${kind}`);
  if (events === undefined) return undefined;
  const byField = new Map(FieldSelectors.map((selector) => [selector.Field, selector]));
  const fields = fieldsOf(events);
  const arns = byField.get(arnField)?.StartsWith ?? [];
  const wanted = [...fields, { Field: arnField, StartsWith: arns }];
  const isExact =
    FieldSelectors.length === wanted.length && wanted.every((field) => isField(byField.get(field.Field), field));
  return { events, arns: arns.filter((arn) => !isMarker(arn)), isExact };
};

const poolsIn = (trail: Selectors): readonly Pool[] =>
  (trail.kind === 'classic' ? trail.selectors.map(classicPool) : trail.selectors.map(advancedPool)).filter(
    (pool) => pool !== undefined,
  );

/** What the operator's selectors record of a bucket; `altered`: by one that somebody changed. `arn`: as `objectsOf` names it. */
export const recordedOf = (trail: Selectors, arn: string): readonly (Events | 'altered')[] =>
  poolsIn(trail).flatMap(({ events, arns, isExact }) => (arns.includes(arn) ? [isExact ? events : 'altered'] : []));

/** `marker`: stands in it beside, or in place of, the buckets. */
const classicSelector = (events: Events, arns: readonly string[], marker: string): EventSelector => ({
  ReadWriteType: events,
  IncludeManagementEvents: false,
  DataResources: [{ Type: objects, Values: [marker, ...arns] }],
});

const advancedSelector = (events: Events, arns: readonly string[], marker: string): AdvancedEventSelector => ({
  Name: `${namePrefix}${events}`,
  FieldSelectors: [...fieldsOf(events), { Field: arnField, StartsWith: arns.length === 0 ? [marker] : [...arns] }],
});

/** What to put so that a bucket's events are recorded as wished, or not at all; undefined when that is so. `arn`: as `objectsOf` names it. */
export const changeTo = (trail: Selectors, arn: string, events: Events | undefined): Selectors | undefined =>
  isJust(recordedOf(trail, arn), ...(events === undefined ? [] : [events]))
    ? undefined
    : withEvents(trail, arn, events);

/** In selectors of ours, of the kind that the trail has. */
const withEvents = (trail: Selectors, arn: string, events: Events | undefined): Selectors => {
  const pools = poolsIn(trail);
  const wanted = kinds.flatMap((kind) => {
    const arns = pools.flatMap((pool) => (pool.events === kind ? pool.arns : [])).filter((other) => other !== arn);
    if (kind === events) arns.push(arn);
    return arns.length === 0 ? [] : [[kind, [...new Set(arns)].sort()] as const];
  });
  const marker = markerFor(arn);
  const merge = <S>(
    poolOf: (selector: S) => Pool | undefined,
    make: typeof classicSelector | typeof advancedSelector,
  ) => {
    const others = (trail.selectors as readonly S[]).filter((selector) => poolOf(selector) === undefined);
    // A trail without any selector is refused.
    const kept = others.length === 0 && wanted.length === 0 ? [['All', []] as const] : wanted;
    return [...others, ...kept.map(([kind, arns]) => make(kind, arns, marker) as S)];
  };
  return trail.kind === 'classic'
    ? { kind: 'classic', selectors: merge(classicPool, classicSelector) }
    : { kind: 'advanced', selectors: merge(advancedPool, advancedSelector) };
};

const mostClassic = 5;
const mostResources = 250;
const mostValues = 500;

const countOf = (lists: readonly (readonly unknown[] | undefined)[]): number =>
  lists.reduce((sum, list) => sum + (list?.length ?? 0), 0);

/** What a trail cannot hold, and what helps; undefined when it can. Source: CloudTrail User Guide, Quotas. */
export const excessOf = (trail: Selectors): string | undefined => {
  if (trail.kind === 'classic') {
    const resources = countOf(
      trail.selectors.flatMap(({ DataResources = [] }) => DataResources.map(({ Values }) => Values)),
    );
    const instead = 'Switch it to advanced event selectors, which hold more, or name another trail.';
    if (trail.selectors.length > mostClassic) {
      return `it would have ${String(trail.selectors.length)} event selectors, and CloudTrail allows ${String(mostClassic)}. Merge some that others put there. ${instead}`;
    }
    return resources <= mostResources
      ? undefined
      : `it would name ${String(resources)} data resources, and CloudTrail allows ${String(mostResources)}. ${instead}`;
  }
  const values = countOf(
    trail.selectors.flatMap(({ FieldSelectors = [] }) =>
      FieldSelectors.flatMap((field) => operators.map((operator) => field[operator])),
    ),
  );
  return values <= mostValues
    ? undefined
    : `its selectors would have ${String(values)} values, and CloudTrail allows ${String(mostValues)}. Name another trail.`;
};
