import type { Kinship, OwnerMark } from './mark.ts';

/** What the server's tags say, read in this pass with the Provider of the object that acts. */
export type MarkSight =
  | { readonly kind: Exclude<Kinship, 'other'> }
  /** `isGone`: the object that it names is surely gone from this cluster. */
  | { readonly kind: 'other'; readonly owner: OwnerMark; readonly isGone: boolean }
  /** The tags were read, and no mark is among them. */
  | { readonly kind: 'none' }
  /** The credentials may not read the tags. */
  | { readonly kind: 'unreadable' }
  /** The server keeps no tags. */
  | { readonly kind: 'notKept' };

/** What the account's own list says of the bucket: a date by the server's clock, or why there is none. */
export type AgeSight = Date | 'notAsked' | 'notListed' | 'mayNotList' | 'dateLost';

/** What an earlier pass remembers, with its proof. */
export interface Memory {
  readonly ownership: 'Created' | 'Adopted';
  /** By the server's clock: when the bucket was first ours. Undefined where the server tells no time. */
  readonly since: Date | undefined;
}

/** What an earlier pass was about to create, with its proof; both ends by the server's clock, undefined where it tells no time. */
export interface Intent {
  /** When the server said that there is no such bucket. */
  readonly from: Date | undefined;
  /** When the server has surely made, or refused, what was asked for. */
  readonly until: Date | undefined;
}

/** Everything that decides whose a bucket is. */
export interface Sight {
  readonly mark: MarkSight;
  readonly age: AgeSight;
  readonly memory: Memory | undefined;
  readonly intent: Intent | undefined;
  /** True when the status speaks of the bucket as ours, and the proof is missing or wrong. */
  readonly isMemoryUnproven: boolean;
  /** True when it was looked at and has neither tags nor content. */
  readonly isUntouched: boolean;
  /** `spec.adoptionPolicy`, as far as the object may use it: one that borrows its Provider may not use `Always`. */
  readonly adoption: 'IfOwned' | 'Always' | 'Never';
  /** True when the owner of the Provider says that the bucket is this object's. */
  readonly isConfirmed: boolean;
  /** True when the object that acts uses the very Provider object of the Bucket. */
  readonly isSameProvider: boolean;
}

/**
 * What is about to be done. `keep`: to bring the bucket into line, and to adopt it; `delete`: to remove it; `grant`: to give or
 * take rights in it, by an AccessKey or a BucketPolicy.
 */
export type Act = 'keep' | 'delete' | 'grant';

export type Verdict =
  | { readonly is: 'ours'; readonly rule: Rule; readonly ownership: 'Created' | 'Adopted' }
  | { readonly is: 'others'; readonly rule: Rule; readonly owner?: OwnerMark }
  | { readonly is: 'doubt'; readonly rule: Rule };

/** The rules by name, as docs/decisions/0010 lists them. */
export type Rule =
  | 'markIsOwn'
  | 'markOfNamesake'
  | 'markOfAnother'
  | 'ownerIsGone'
  | 'markUnreadable'
  | 'notInAccount'
  | 'remembered'
  | 'rememberedAlone'
  | 'remadeSince'
  | 'ageUnknown'
  | 'intended'
  | 'untouched'
  | 'intentUnclear'
  | 'intentOver'
  | 'unproven'
  | 'takenByWish'
  | 'unmarked';

/** Milliseconds by which a date that the server gives a bucket may lie after its own clock at the answer: dates have whole seconds. */
const clockStepMs = 5_000;

/**
 * Decides whose a bucket is: the server's word first, then what is remembered with proof, then age, then a person's wish. In
 * doubt nothing is written, deleted, given or taken. Pure.
 */
export const decideOwnership = (act: Act, sight: Sight): Verdict => {
  const { mark } = sight;
  switch (mark.kind) {
    case 'own':
      return ours('markIsOwn', sight.memory?.ownership ?? (sight.intent === undefined ? 'Adopted' : 'Created'));
    case 'namesake':
      return decideNamesake(act, sight);
    case 'other':
      return act === 'keep' && mark.isGone && isWished(sight)
        ? ours('ownerIsGone', 'Adopted')
        : { is: 'others', rule: 'markOfAnother', owner: mark.owner };
    case 'unreadable':
      return doubt('markUnreadable');
    case 'none':
    case 'notKept':
      return decideUnmarked(act, sight);
  }
};

/** The name is this object's by now, so the one before it is gone; but what it left is not to be destroyed or given away by that. */
const decideNamesake = (act: Act, sight: Sight): Verdict => {
  if (act === 'keep') {
    if (sight.memory !== undefined) return ours('markOfNamesake', sight.memory.ownership);
    return sight.adoption === 'Never' ? others('markOfNamesake') : ours('markOfNamesake', 'Adopted');
  }
  if (act === 'delete' && sight.isConfirmed) return ours('takenByWish', sight.memory?.ownership ?? 'Adopted');
  return doubt('markOfNamesake');
};

const decideUnmarked = (act: Act, sight: Sight): Verdict => {
  if (sight.age === 'notListed') return others('notInAccount');
  const found = act === 'grant' ? decideGrant(sight) : decideByMemory(act, sight);
  if (found.is !== 'doubt') return found;
  return isSettled(act, sight) ? ours('takenByWish', sight.memory?.ownership ?? 'Adopted') : found;
};

/** Without marks only the Provider that the Bucket itself uses surely leads to the same bucket. */
const decideGrant = (sight: Sight): Verdict => {
  if (sight.mark.kind !== 'notKept') return doubt('unmarked');
  if (!sight.isSameProvider || sight.memory === undefined) return doubt('ageUnknown');
  return decideRemembered('grant', sight.memory, sight);
};

const decideByMemory = (act: 'keep' | 'delete', sight: Sight): Verdict => {
  const { memory, intent, age } = sight;
  if (memory !== undefined) return decideRemembered(act, memory, sight);
  if (intent !== undefined) return decideIntended(intent, sight);
  if (isSettled(act, sight)) return ours('takenByWish', 'Adopted');
  if (sight.isMemoryUnproven) return doubt('unproven');
  return age === 'mayNotList' && act === 'delete' ? doubt('ageUnknown') : others('unmarked');
};

/** True when a bucket of this age is not the one that was somebody's at `since`: it was made after that. */
export const isRemadeSince = (since: Date, age: Date): boolean => age.getTime() > since.getTime() + clockStepMs;

/** A bucket that was there when ours was first ours, and was never made again, is that one. */
const decideRemembered = (act: Act, { ownership, since }: Memory, { mark, age, isUntouched }: Sight): Verdict => {
  if (age instanceof Date && since !== undefined) {
    return isRemadeSince(since, age) ? doubt('remadeSince') : ours('remembered', ownership);
  }
  // Whoever may have made it anew, nothing of theirs is in it.
  if (age === 'dateLost' && isUntouched) return ours('untouched', ownership);
  // A server that keeps neither marks nor dates leaves nothing but memory: enough to keep, not to destroy.
  return mark.kind === 'notKept' && act !== 'delete' ? ours('rememberedAlone', ownership) : doubt('ageUnknown');
};

/** The name was free when the intent was written: a bucket that was made between that and the end of the call is ours. */
const decideIntended = ({ from, until }: Intent, { age, isUntouched }: Sight): Verdict => {
  if (age instanceof Date && from !== undefined && until !== undefined) {
    if (age.getTime() > until.getTime()) return others('intentOver');
    return age.getTime() >= from.getTime() - clockStepMs ? ours('intended', 'Created') : doubt('intentUnclear');
  }
  const isOfAccount = age === 'dateLost' || age instanceof Date;
  return isOfAccount && isUntouched ? ours('untouched', 'Created') : doubt('intentUnclear');
};

/** A person's word settles a doubt: to keep, anybody's who may say it; to delete, that of the Provider's owner alone; to grant, nobody's. */
const isSettled = (act: Act, sight: Sight): boolean =>
  (act === 'keep' && isWished(sight)) || (act === 'delete' && sight.isConfirmed);

const isWished = ({ adoption, isConfirmed }: Sight): boolean => adoption === 'Always' || isConfirmed;

const ours = (rule: Rule, ownership: 'Created' | 'Adopted'): Verdict => ({ is: 'ours', rule, ownership });
const others = (rule: Rule): Verdict => ({ is: 'others', rule });
const doubt = (rule: Rule): Verdict => ({ is: 'doubt', rule });
