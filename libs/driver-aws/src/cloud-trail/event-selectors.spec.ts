import type { AdvancedEventSelector, EventSelector } from '@aws-sdk/client-cloudtrail';
import { assert, constantFrom, integer, option, property, array, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changeTo,
  excessOf,
  objectsOf,
  recordedOf,
  selectorsIn,
  type Events,
  type Selectors,
} from './event-selectors.ts';

const arnOf = (bucket: string) => objectsOf(bucket, 'aws');
const photos = arnOf('photos');
const marker = 'arn:aws:s3:::s3.cloud37.dev/';

const management: EventSelector = { ReadWriteType: 'All', IncludeManagementEvents: true, DataResources: [] };
const theirs: EventSelector = {
  ReadWriteType: 'All',
  IncludeManagementEvents: false,
  DataResources: [{ Type: 'AWS::S3::Object', Values: [arnOf('theirs'), photos] }],
};
const theirsAdvanced: AdvancedEventSelector = {
  Name: 'theirs',
  FieldSelectors: [
    { Field: 'eventCategory', Equals: ['Data'] },
    { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
    { Field: 'resources.ARN', StartsWith: [arnOf('theirs'), photos] },
  ],
};
const classic: Selectors = { kind: 'classic', selectors: [management, theirs] };
const advanced: Selectors = { kind: 'advanced', selectors: [theirsAdvanced] };

const changed = (trail: Selectors, arn: string, events: Events | undefined): Selectors =>
  changeTo(trail, arn, events) ?? trail;

describe('what a trail records', () => {
  it.each<[string, Parameters<typeof selectorsIn>[0], Selectors]>([
    ['at first: management events', {}, { kind: 'classic', selectors: [management] }],
    ['by classic selectors', { EventSelectors: [theirs] }, { kind: 'classic', selectors: [theirs] }],
    ['by advanced ones', { EventSelectors: [], AdvancedEventSelectors: [theirsAdvanced] }, advanced],
    // moto keeps what classic ones have replaced.
    [
      'by classic ones where the server names both',
      { EventSelectors: [theirs], AdvancedEventSelectors: [theirsAdvanced] },
      { kind: 'classic', selectors: [theirs] },
    ],
  ])('%s', (_title, answer, wanted) => {
    expect(selectorsIn(answer)).toEqual(wanted);
  });

  it.each([classic, advanced])('of a bucket by selectors of others is not ours: $kind', (trail) => {
    expect(recordedOf(trail, photos)).toEqual([]);
    expect(changeTo(trail, photos, undefined)).toBeUndefined();
  });
});

describe('a bucket on a trail with classic selectors', () => {
  it('has a selector of ours beside those of others', () => {
    const ours = (events: Events, ...arns: readonly string[]) => ({
      ReadWriteType: events,
      IncludeManagementEvents: false,
      DataResources: [{ Type: 'AWS::S3::Object', Values: [marker, ...arns] }],
    });
    const first = changed(classic, photos, 'ReadOnly');
    expect(first.selectors).toEqual([management, theirs, ours('ReadOnly', photos)]);
    const second = changed(first, arnOf('music'), 'ReadOnly');
    expect(second.selectors).toEqual([management, theirs, ours('ReadOnly', arnOf('music'), photos)]);
    const moved = changed(second, photos, 'All');
    expect(moved.selectors).toEqual([management, theirs, ours('All', photos), ours('ReadOnly', arnOf('music'))]);
  });

  it('leaves a selector alone that somebody made their own', () => {
    const [, , ours] = changed(classic, photos, 'All').selectors as readonly EventSelector[];
    const taken = { ...ours, IncludeManagementEvents: true };
    const trail: Selectors = { kind: 'classic', selectors: [taken] };
    expect(recordedOf(trail, photos)).toEqual([]);
    expect(changed(trail, photos, 'All').selectors).toEqual([taken, ours]);
  });
});

describe('a bucket on a trail with advanced selectors', () => {
  it.each([
    ['All', []],
    ['ReadOnly', [{ Field: 'readOnly', Equals: ['true'] }]],
    ['WriteOnly', [{ Field: 'readOnly', Equals: ['false'] }]],
  ] as const)('has a selector of ours by name, for %s', (events, readOnly) => {
    expect(changed(advanced, photos, events).selectors).toEqual([
      theirsAdvanced,
      {
        Name: `s3.cloud37.dev/${events}`,
        FieldSelectors: [
          { Field: 'eventCategory', Equals: ['Data'] },
          { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
          ...readOnly,
          { Field: 'resources.ARN', StartsWith: [photos] },
        ],
      },
    ]);
  });

  it('has it repaired where somebody changed it', () => {
    const [, ours] = changed(advanced, photos, 'All').selectors as readonly AdvancedEventSelector[];
    const narrowed: AdvancedEventSelector = {
      ...ours,
      FieldSelectors: [...(ours?.FieldSelectors ?? []), { Field: 'eventName', Equals: ['GetObject'] }],
    };
    const trail: Selectors = { kind: 'advanced', selectors: [narrowed, theirsAdvanced] };
    expect(recordedOf(trail, photos)).toEqual(['altered']);
    expect(changed(trail, photos, 'All').selectors).toEqual([theirsAdvanced, ours]);
    expect(changed(trail, photos, undefined).selectors).toEqual([theirsAdvanced]);
  });

  it.each([
    ['that keep the bucket out', 'resources.ARN', { NotStartsWith: [photos] }],
    ['that keep all out', 'eventCategory', { NotEquals: ['Data'] }],
  ])('has it repaired where somebody added words to its fields %s', (_what, field, words) => {
    const [, ours] = changed(advanced, photos, 'All').selectors as readonly AdvancedEventSelector[];
    const fields = ours?.FieldSelectors ?? [];
    const FieldSelectors = fields.map((one) => (one.Field === field ? { ...one, ...words } : one));
    const trail: Selectors = { kind: 'advanced', selectors: [theirsAdvanced, { ...ours, FieldSelectors }] };
    expect(recordedOf(trail, photos)).toEqual(['altered']);
    expect(changed(trail, photos, 'All').selectors).toEqual([theirsAdvanced, ours]);
  });

  it('leaves the last selector, which records nothing then, since a trail needs one', () => {
    const alone = changed({ kind: 'advanced', selectors: [] }, photos, 'WriteOnly');
    const left = changed(alone, photos, undefined);
    expect(left.selectors).toHaveLength(1);
    expect(JSON.stringify(left)).toContain(marker);
    expect(JSON.stringify(left)).not.toContain(photos);
    expect(changed(left, photos, 'WriteOnly')).toEqual(alone);
  });
});

it.each([classic, advanced])(
  'any history leaves of each bucket what was wished last, and others alone: $kind',
  (start) => {
    const wish = tuple(integer({ min: 0, max: 3 }), option(constantFrom<Events[]>('All', 'ReadOnly', 'WriteOnly')));
    assert(
      property(array(wish, { maxLength: 12 }), (wishes) => {
        let trail = start;
        const last = new Map<string, Events | undefined>();
        for (const [bucket, events] of wishes) {
          const arn = arnOf(`bucket-${String(bucket)}`);
          trail = changed(trail, arn, events ?? undefined);
          last.set(arn, events ?? undefined);
        }
        for (const [arn, events] of last) {
          expect(recordedOf(trail, arn)).toEqual(events === undefined ? [] : [events]);
          expect(changeTo(trail, arn, events)).toBeUndefined();
        }
        expect(trail.kind).toBe(start.kind);
        const untouched = start.selectors.map((selector) => JSON.stringify(selector));
        expect(trail.selectors.map((selector) => JSON.stringify(selector))).toEqual(expect.arrayContaining(untouched));
        if ([...last.values()].every((events) => events === undefined)) expect(trail).toEqual(start);
      }),
    );
  },
);

describe('a trail without room', () => {
  const full = (count: number): Selectors => ({
    kind: 'classic',
    selectors: [
      {
        ...theirs,
        DataResources: [
          { Type: 'AWS::S3::Object', Values: Array.from({ length: count }, (_, n) => arnOf(`b-${String(n)}`)) },
        ],
      },
    ],
  });
  it.each<[string, Selectors, RegExp | undefined]>([
    ['five classic selectors', { kind: 'classic', selectors: Array.from({ length: 4 }, () => management) }, undefined],
    [
      'six classic selectors',
      { kind: 'classic', selectors: Array.from({ length: 5 }, () => management) },
      /6 event selectors, and CloudTrail allows 5\. Merge/,
    ],
    ['250 data resources', full(248), undefined],
    ['251 data resources', full(249), /251 data resources, and CloudTrail allows 250\. Switch/],
    [
      '501 values',
      {
        kind: 'advanced',
        selectors: [
          { Name: 'x', FieldSelectors: [{ Field: 'eventName', NotEquals: Array.from({ length: 498 }, () => 'x') }] },
        ],
      },
      /501 values, and CloudTrail allows 500\. Name another trail\./,
    ],
  ])('says so: %s', (_title, trail, message) => {
    const excess = excessOf(changed(trail, photos, 'All'));
    if (message === undefined) expect(excess).toBeUndefined();
    else expect(excess).toMatch(message);
  });
});
