import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideOwnership, type Act, type AgeSight, type MarkSight, type Sight } from './decide.ts';

const at = (time: string) => new Date(`2026-05-05T${time}Z`);
const owner = { cluster: 'c', namespace: 'team-b', name: 'theirs', uid: 'u' };
const other = (isGone = false, isSigned = true): MarkSight => ({ kind: 'other', isSigned, owner, isGone });
const nothing: Sight = {
  mark: { kind: 'none' },
  age: 'notAsked',
  memory: undefined,
  intent: undefined,
  isMemoryUnproven: false,
  isUntouched: false,
  adoption: 'IfOwned',
  isBorrowed: false,
  isConfirmed: false,
  isSameProvider: true,
};
const created = { memory: { ownership: 'Created', since: at('10:00:00') } } as const;
const intended = { intent: { from: at('10:00:00'), until: at('10:06:00') } } as const;
const own = { mark: { kind: 'own', isSigned: true } } as const;
const namesake = { mark: { kind: 'namesake', isSigned: true } } as const;
const unsigned = { mark: { kind: 'own', isSigned: false } } as const;
const unsignedNamesake = { mark: { kind: 'namesake', isSigned: false } } as const;
const unverified = { mark: other(false, false) } as const;
const borrowed = { isBorrowed: true } as const;
const notKept = { mark: { kind: 'notKept' } } as const;
const unreadable = { mark: { kind: 'unreadable' } } as const;
const always = { adoption: 'Always' } as const;
const never = { adoption: 'Never' } as const;
const confirmed = { isConfirmed: true } as const;

describe('decideOwnership', () => {
  it.each<[string, Act, Partial<Sight>, string]>([
    ['its own mark', 'keep', own, 'ours Adopted by markIsOwn'],
    ['its own mark and memory', 'keep', { ...own, ...created }, 'ours Created by markIsOwn'],
    ['its own mark and an intent', 'keep', { ...own, ...intended }, 'ours Created by markIsOwn'],
    ['its own mark, Never', 'keep', { ...own, ...never }, 'ours Adopted by markIsOwn'],
    ['its own mark', 'delete', own, 'ours Adopted by markIsOwn'],
    ['its own mark', 'grant', own, 'ours Adopted by markIsOwn'],
    [
      'its own mark, seen through another Provider',
      'grant',
      { ...own, isSameProvider: false },
      'ours Adopted by markIsOwn',
    ],
    ['the mark of a namesake', 'keep', namesake, 'ours Adopted by markOfNamesake'],
    ['the mark of a namesake, Never', 'keep', { ...namesake, ...never }, 'others by markOfNamesake'],
    [
      'the mark of a namesake, Never, and memory',
      'keep',
      { ...namesake, ...never, ...created },
      'ours Created by markOfNamesake',
    ],
    ['the mark of a namesake', 'delete', { ...namesake, ...created }, 'doubt by markOfNamesake'],
    ['the mark of a namesake, confirmed', 'delete', { ...namesake, ...confirmed }, 'ours Adopted by takenByWish'],
    ['the mark of a namesake, confirmed', 'grant', { ...namesake, ...confirmed }, 'doubt by markOfNamesake'],
    ['the mark of another', 'keep', { mark: other() }, 'others by markOfAnother'],
    ['the mark of another, Always', 'keep', { mark: other(), ...always }, 'others by markOfAnother'],
    ['the mark of another, confirmed', 'keep', { mark: other(), ...confirmed }, 'others by markOfAnother'],
    ['the mark of another, and memory', 'keep', { mark: other(), ...created }, 'others by markOfAnother'],
    ['the mark of another that is gone', 'keep', { mark: other(true) }, 'others by markOfAnother'],
    [
      'the mark of another that is gone, Always',
      'keep',
      { mark: other(true), ...always },
      'ours Adopted by ownerIsGone',
    ],
    [
      'the mark of another that is gone, confirmed',
      'keep',
      { mark: other(true), ...confirmed },
      'ours Adopted by ownerIsGone',
    ],
    [
      'the mark of another that is gone, confirmed',
      'delete',
      { mark: other(true), ...confirmed },
      'others by markOfAnother',
    ],
    [
      'the mark of another that is gone, confirmed',
      'grant',
      { mark: other(true), ...confirmed },
      'others by markOfAnother',
    ],
    ['its own mark, unsigned', 'keep', unsigned, 'ours Adopted by markUnsigned'],
    ['its own mark, unsigned, Never', 'keep', { ...unsigned, ...never }, 'ours Adopted by markUnsigned'],
    ['its own mark, unsigned, and memory', 'keep', { ...unsigned, ...created }, 'ours Created by markUnsigned'],
    ['its own mark, unsigned, and an intent', 'keep', { ...unsigned, ...intended }, 'ours Created by markUnsigned'],
    ['its own mark, unsigned, borrowed', 'keep', { ...unsigned, ...borrowed }, 'doubt by markUnsigned'],
    [
      'its own mark, unsigned, borrowed, Never',
      'keep',
      { ...unsigned, ...borrowed, ...never },
      'doubt by markUnsigned',
    ],
    [
      'its own mark, unsigned, borrowed, the status without proof',
      'keep',
      { ...unsigned, ...borrowed, isMemoryUnproven: true },
      'doubt by markUnsigned',
    ],
    [
      'its own mark, unsigned, borrowed, confirmed',
      'keep',
      { ...unsigned, ...borrowed, ...confirmed },
      'ours Adopted by takenByWish',
    ],
    [
      'its own mark, unsigned, borrowed, confirmed, in another account',
      'keep',
      { ...unsigned, ...borrowed, ...confirmed, age: 'notListed' },
      'others by notInAccount',
    ],
    [
      'its own mark, unsigned, borrowed, memory, as old as ours',
      'keep',
      { ...unsigned, ...borrowed, ...created, age: at('10:00:00') },
      'ours Created by remembered',
    ],
    [
      'its own mark, unsigned, borrowed, memory, made since',
      'keep',
      { ...unsigned, ...borrowed, ...created, age: at('10:01:00') },
      'doubt by markUnsigned',
    ],
    [
      'its own mark, unsigned, borrowed, memory, made since, confirmed',
      'keep',
      { ...unsigned, ...borrowed, ...created, ...confirmed, age: at('10:01:00') },
      'ours Created by takenByWish',
    ],
    [
      'its own mark, unsigned, borrowed, memory, may not list',
      'keep',
      { ...unsigned, ...borrowed, ...created, age: 'mayNotList' },
      'doubt by markUnsigned',
    ],
    [
      'its own mark, unsigned, borrowed, an intent, made within it',
      'keep',
      { ...unsigned, ...borrowed, ...intended, age: at('10:00:01') },
      'ours Created by intended',
    ],
    [
      'its own mark, unsigned, borrowed, an intent, made after it',
      'keep',
      { ...unsigned, ...borrowed, ...intended, age: at('10:06:01') },
      'others by intentOver',
    ],
    ['its own mark, unsigned', 'delete', unsigned, 'doubt by markUnsigned'],
    ['its own mark, unsigned, Always', 'delete', { ...unsigned, ...always }, 'doubt by markUnsigned'],
    ['its own mark, unsigned, confirmed', 'delete', { ...unsigned, ...confirmed }, 'ours Adopted by takenByWish'],
    [
      'its own mark, unsigned, memory, as old as ours',
      'delete',
      { ...unsigned, ...created, age: at('10:00:00') },
      'ours Created by remembered',
    ],
    [
      'its own mark, unsigned, memory, made since',
      'delete',
      { ...unsigned, ...created, age: at('10:01:00') },
      'doubt by markUnsigned',
    ],
    [
      'its own mark, unsigned, an intent, made within it',
      'delete',
      { ...unsigned, ...intended, age: at('10:00:01') },
      'ours Created by intended',
    ],
    [
      'its own mark, unsigned, memory, as old as ours, confirmed',
      'grant',
      { ...unsigned, ...created, ...confirmed, age: at('10:00:00') },
      'doubt by markUnsigned',
    ],
    ['the mark of a namesake, unsigned', 'keep', unsignedNamesake, 'ours Adopted by markUnsigned'],
    ['the mark of a namesake, unsigned, Never', 'keep', { ...unsignedNamesake, ...never }, 'others by markOfNamesake'],
    [
      'the mark of a namesake, unsigned, borrowed',
      'keep',
      { ...unsignedNamesake, ...borrowed },
      'doubt by markUnsigned',
    ],
    [
      'the mark of a namesake, unsigned, borrowed, Never',
      'keep',
      { ...unsignedNamesake, ...borrowed, ...never },
      'others by markOfNamesake',
    ],
    [
      'the mark of a namesake, unsigned, borrowed, memory, as old as ours',
      'keep',
      { ...unsignedNamesake, ...borrowed, ...created, age: at('10:00:00') },
      'ours Created by remembered',
    ],
    [
      'the mark of a namesake, unsigned, memory, as old as ours',
      'delete',
      { ...unsignedNamesake, ...created, age: at('10:00:00') },
      'doubt by markOfNamesake',
    ],
    ['the mark of a namesake, unsigned', 'grant', { ...unsignedNamesake, ...created }, 'doubt by markOfNamesake'],
    ['the mark of another, unverified', 'keep', unverified, 'others by markOfAnother'],
    ['the mark of another, unverified, confirmed', 'keep', { ...unverified, ...confirmed }, 'others by markOfAnother'],
    ['the mark of another, unverified, and memory', 'keep', { ...unverified, ...created }, 'doubt by markUnverified'],
    ['the mark of another, unverified, and memory', 'delete', { ...unverified, ...created }, 'doubt by markUnverified'],
    ['the mark of another, unverified, and memory', 'grant', { ...unverified, ...created }, 'doubt by markUnverified'],
    [
      'the mark of another, unverified, and memory, Always',
      'keep',
      { ...unverified, ...created, ...always },
      'doubt by markUnverified',
    ],
    [
      'the mark of another, unverified, and memory, confirmed',
      'keep',
      { ...unverified, ...created, ...confirmed },
      'ours Created by takenByWish',
    ],
    [
      'the mark of another, unverified, and memory, confirmed, in another account',
      'keep',
      { ...unverified, ...created, ...confirmed, age: 'notListed' },
      'others by notInAccount',
    ],
    [
      'the mark of another, unverified, and memory, confirmed',
      'delete',
      { ...unverified, ...created, ...confirmed },
      'ours Created by takenByWish',
    ],
    [
      'the mark of another, unverified, and memory, confirmed',
      'grant',
      { ...unverified, ...created, ...confirmed },
      'doubt by markUnverified',
    ],
    [
      'the mark of another that is gone, unverified, and memory, Always',
      'keep',
      { mark: other(true, false), ...created, ...always },
      'ours Adopted by ownerIsGone',
    ],
    [
      'the mark of another, unverified, and an intent',
      'keep',
      { ...unverified, ...intended },
      'others by markOfAnother',
    ],
    ['tags that may not be read', 'keep', { ...unreadable, ...created, ...always }, 'doubt by markUnreadable'],
    ['tags that may not be read', 'delete', { ...unreadable, ...created, ...confirmed }, 'doubt by markUnreadable'],
    ['tags that may not be read', 'grant', { ...unreadable, ...created }, 'doubt by markUnreadable'],
    ['no mark', 'keep', {}, 'others by unmarked'],
    ['no mark, Always', 'keep', always, 'ours Adopted by takenByWish'],
    ['no mark, confirmed', 'keep', confirmed, 'ours Adopted by takenByWish'],
    ['no mark, Always, in another account', 'keep', { ...always, age: 'notListed' }, 'others by notInAccount'],
    ['no mark, memory, in another account', 'keep', { ...created, age: 'notListed' }, 'others by notInAccount'],
    ['no mark, memory, as old as ours', 'keep', { ...created, age: at('10:00:00') }, 'ours Created by remembered'],
    [
      'no mark, memory, adopted long after it was made',
      'delete',
      { ...created, age: at('08:00:00') },
      'ours Created by remembered',
    ],
    [
      'no mark, memory, made a minute after it was ours',
      'keep',
      { ...created, age: at('10:01:00') },
      'doubt by remadeSince',
    ],
    [
      'no mark, memory, made since, Always',
      'keep',
      { ...created, ...always, age: at('10:01:00') },
      'ours Created by takenByWish',
    ],
    [
      'no mark, memory, made since, Always',
      'delete',
      { ...created, ...always, age: at('10:01:00') },
      'doubt by remadeSince',
    ],
    [
      'no mark, memory, made since, confirmed',
      'delete',
      { ...created, ...confirmed, age: at('10:01:00') },
      'ours Created by takenByWish',
    ],
    ['no mark, memory, may not list', 'keep', { ...created, age: 'mayNotList' }, 'doubt by ageUnknown'],
    ['no mark, memory, no date', 'delete', { ...created, age: 'dateLost' }, 'doubt by ageUnknown'],
    [
      'no mark, memory, no date, untouched',
      'keep',
      { ...created, age: 'dateLost', isUntouched: true },
      'ours Created by untouched',
    ],
    [
      'no mark, memory without a time',
      'keep',
      { memory: { ownership: 'Created', since: undefined }, age: at('10:00:00') },
      'doubt by ageUnknown',
    ],
    ['no mark, the status speaks without proof', 'keep', { isMemoryUnproven: true }, 'doubt by unproven'],
    ['no mark, the status speaks without proof', 'delete', { isMemoryUnproven: true }, 'doubt by unproven'],
    ['no mark, an intent, made within it', 'keep', { ...intended, age: at('10:00:01') }, 'ours Created by intended'],
    ['no mark, an intent, made within it', 'delete', { ...intended, age: at('10:00:01') }, 'ours Created by intended'],
    ['no mark, an intent, made after it', 'keep', { ...intended, age: at('10:06:01') }, 'others by intentOver'],
    ['no mark, an intent, made before it', 'keep', { ...intended, age: at('09:59:00') }, 'doubt by intentUnclear'],
    ['no mark, an intent, no date', 'keep', { ...intended, age: 'dateLost' }, 'doubt by intentUnclear'],
    [
      'no mark, an intent, no date, untouched',
      'keep',
      { ...intended, age: 'dateLost', isUntouched: true },
      'ours Created by untouched',
    ],
    [
      'no mark, an intent, may not list, untouched',
      'keep',
      { ...intended, age: 'mayNotList', isUntouched: true },
      'doubt by intentUnclear',
    ],
    ['no mark', 'grant', created, 'doubt by unmarked'],
    ['no marks kept, memory', 'grant', { ...notKept, ...created, age: at('10:00:00') }, 'ours Created by remembered'],
    [
      'no marks kept, memory, no date',
      'grant',
      { ...notKept, ...created, age: 'dateLost' },
      'ours Created by rememberedAlone',
    ],
    [
      'no marks kept, memory, made since',
      'grant',
      { ...notKept, ...created, age: at('11:00:00') },
      'doubt by remadeSince',
    ],
    [
      'no marks kept, memory, another Provider',
      'grant',
      { ...notKept, ...created, isSameProvider: false },
      'doubt by ageUnknown',
    ],
    ['no marks kept, no memory', 'grant', notKept, 'doubt by ageUnknown'],
    [
      'no marks kept, memory, no date',
      'keep',
      { ...notKept, ...created, age: 'mayNotList' },
      'ours Created by rememberedAlone',
    ],
    ['no marks kept, memory, no date', 'delete', { ...notKept, ...created, age: 'mayNotList' }, 'doubt by ageUnknown'],
    [
      'no marks kept, memory, made since',
      'keep',
      { ...notKept, ...created, age: at('11:00:00') },
      'doubt by remadeSince',
    ],
  ])('%s: %s', (_title, act, sight, want) => {
    const verdict = decideOwnership(act, { ...nothing, ...sight });
    expect(`${verdict.is}${verdict.is === 'ours' ? ` ${verdict.ownership}` : ''} by ${verdict.rule}`).toBe(want);
  });
});

describe('decideOwnership, whatever is seen', () => {
  const instant = fc.integer({ min: 0, max: 48 }).map((hours) => new Date(Date.UTC(2026, 4, 5, hours)));
  const marks: fc.Arbitrary<MarkSight> = fc.oneof(
    fc.constantFrom<MarkSight>(
      own.mark,
      namesake.mark,
      unsigned.mark,
      unsignedNamesake.mark,
      { kind: 'none' },
      unreadable.mark,
      notKept.mark,
    ),
    fc.tuple(fc.boolean(), fc.boolean()).map(([isGone, isSigned]) => other(isGone, isSigned)),
  );
  const ages: fc.Arbitrary<AgeSight> = fc.oneof(
    instant,
    fc.constantFrom<AgeSight>('notAsked', 'notListed', 'mayNotList', 'dateLost'),
  );
  const memories = fc.option(
    fc.record({
      ownership: fc.constantFrom<'Created' | 'Adopted'>('Created', 'Adopted'),
      since: fc.option(instant, { nil: undefined }),
    }),
    { nil: undefined },
  );
  const intents = fc.option(
    fc.record({ from: fc.option(instant, { nil: undefined }), until: fc.option(instant, { nil: undefined }) }),
    { nil: undefined },
  );
  const sights: fc.Arbitrary<Sight> = fc.record({
    mark: marks,
    age: ages,
    memory: memories,
    intent: intents,
    isMemoryUnproven: fc.boolean(),
    isUntouched: fc.boolean(),
    adoption: fc.constantFrom<'IfOwned' | 'Always' | 'Never'>('IfOwned', 'Always', 'Never'),
    isBorrowed: fc.boolean(),
    isConfirmed: fc.boolean(),
    isSameProvider: fc.boolean(),
  });
  const holds = (property: (sight: Sight) => boolean) => {
    // Who only borrows the Provider may not use `Always`.
    const possible = sights.filter(({ isBorrowed, adoption }) => !isBorrowed || adoption !== 'Always');
    fc.assert(fc.property(possible, property), { numRuns: 5_000, seed: 20261128 });
  };
  const isSigned = ({ mark }: Sight) => 'isSigned' in mark && mark.isSigned;
  /** Every mark that one can write who may write tags, and has no key of the operator's. */
  const lies: readonly MarkSight[] = [
    unsigned.mark,
    unsignedNamesake.mark,
    other(false, false),
    other(true, false),
    { kind: 'none' },
  ];

  it('grants only by its own signed mark, or by a proved memory of the very same Provider where no marks are kept', () => {
    holds((sight) => {
      if (decideOwnership('grant', sight).is !== 'ours') return true;
      const isByMemory = sight.mark.kind === 'notKept' && sight.isSameProvider && sight.memory !== undefined;
      return (sight.mark.kind === 'own' && isSigned(sight)) || isByMemory;
    });
  });

  it('deletes only by its own signed mark, a proved memory or intent, or the word of the owner of the Provider', () => {
    holds((sight) => {
      if (decideOwnership('delete', sight).is !== 'ours') return true;
      const isOwn = sight.mark.kind === 'own' && isSigned(sight);
      return isOwn || sight.memory !== undefined || sight.intent !== undefined || sight.isConfirmed;
    });
  });

  it('gives a borrower nothing by a mark that is not signed: only what a memory, an intent or a word of the lender gives', () => {
    holds((sight) => {
      const stranger = { ...sight, isBorrowed: true, memory: undefined, intent: undefined, isConfirmed: false };
      return lies.every((mark) =>
        (['keep', 'delete', 'grant'] as const).every(
          (act) => decideOwnership(act, { ...stranger, adoption: 'IfOwned', mark }).is !== 'ours',
        ),
      );
    });
  });

  it('is not made to say somebody else’s of what it remembers, by a mark that is not signed', () => {
    holds((sight) => {
      if (sight.memory === undefined || sight.age === 'notListed') return true;
      return lies.every((mark) =>
        (['keep', 'delete', 'grant'] as const).every((act) => decideOwnership(act, { ...sight, mark }).is !== 'others'),
      );
    });
  });

  it('never takes what bears the signed mark of an object that lives, nor what is in another account', () => {
    holds((sight) => {
      const isForeign = sight.mark.kind === 'other' && !sight.mark.isGone && isSigned(sight);
      const isElsewhere = ['none', 'notKept'].includes(sight.mark.kind) && sight.age === 'notListed';
      if (!isForeign && !isElsewhere) return true;
      return (['keep', 'delete', 'grant'] as const).every((act) => decideOwnership(act, sight).is === 'others');
    });
  });

  it('takes a status without proof for nothing', () => {
    holds((sight) => {
      const unproven = { ...sight, memory: undefined, intent: undefined };
      return (['keep', 'delete', 'grant'] as const).every(
        (act) =>
          (decideOwnership(act, { ...unproven, isMemoryUnproven: true }).is === 'ours') ===
          (decideOwnership(act, { ...unproven, isMemoryUnproven: false }).is === 'ours'),
      );
    });
  });

  it('says somebody else’s only on a finding: less that is seen turns it into doubt, never ours into somebody else’s', () => {
    holds((sight) => {
      if (sight.mark.kind === 'unreadable') return decideOwnership('delete', sight).is === 'doubt';
      if (decideOwnership('keep', sight).is !== 'ours') return true;
      return (['delete', 'grant'] as const).every((act) => {
        const verdict = decideOwnership(act, sight);
        return verdict.is !== 'others' || ['markOfAnother', 'unmarked', 'notInAccount'].includes(verdict.rule);
      });
    });
  });

  it('does not grant or delete by adoptionPolicy', () => {
    holds((sight) =>
      (['delete', 'grant'] as const).every((act) => {
        const verdicts = (['IfOwned', 'Always', 'Never'] as const).map((adoption) =>
          JSON.stringify(decideOwnership(act, { ...sight, adoption })),
        );
        return new Set(verdicts).size === 1;
      }),
    );
  });
});
