import type { Kinship, OwnerMark } from './mark.ts';

/**
 * What the server's tags say, read in this pass with the Provider of the object that acts. `isSigned`: the proof of the mark holds.
 * One that is not signed may be of before marks were signed, of another operator, or of anybody who may write tags.
 */
export type MarkSight =
  | { readonly kind: Exclude<Kinship, 'other'>; readonly isSigned: boolean }
  /** `isGone`: the object that it names is surely gone from this cluster. */
  | { readonly kind: 'other'; readonly isSigned: boolean; readonly owner: OwnerMark; readonly isGone: boolean }
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
  /** True when the Bucket uses a Provider of another namespace, so that the account behind it is not its owner's. */
  readonly isBorrowed: boolean;
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

export type OwnershipVerdict =
  | { readonly is: 'ours'; readonly rule: Rule; readonly ownership: 'Created' | 'Adopted' }
  | { readonly is: 'others'; readonly rule: Rule; readonly owner?: OwnerMark }
  | { readonly is: 'doubt'; readonly rule: Rule };

/** The rules by name, as docs/decisions/0010 and 0016 list them. */
export type Rule =
  | 'markIsOwn'
  | 'markOfNamesake'
  | 'markUnsigned'
  | 'markOfAnother'
  | 'markUnverified'
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
export const decideOwnership = (act: Act, sight: Sight): OwnershipVerdict => {
  const { mark } = sight;
  switch (mark.kind) {
    case 'own':
      return mark.isSigned ? ours('markIsOwn', ownershipOf(sight)) : decideUnsigned(act, sight);
    case 'namesake':
      return mark.isSigned ? decideNamesake(act, sight) : decideUnsignedNamesake(act, sight);
    case 'other':
      return decideOther(act, sight, mark);
    case 'unreadable':
      return doubt('markUnreadable');
    case 'none':
    case 'notKept':
      return decideUnmarked(act, sight);
  }
};

/** How a bucket came to be ours of which the mark, or the place of the object, is enough to say that it is. */
const ownershipOf = ({ memory, intent }: Sight): 'Created' | 'Adopted' =>
  memory?.ownership ?? (intent === undefined ? 'Adopted' : 'Created');

/** The name is this object's by now, so the one before it is gone; but what it left is not to be destroyed or given away by that. */
const decideNamesake = (act: Act, sight: Sight): OwnershipVerdict => {
  if (act === 'keep') {
    return isRefusedByNever(sight)
      ? others('markOfNamesake')
      : ours('markOfNamesake', sight.memory?.ownership ?? 'Adopted');
  }
  if (act === 'delete' && sight.isConfirmed) return ours('takenByWish', sight.memory?.ownership ?? 'Adopted');
  return doubt('markOfNamesake');
};

const isRefusedByNever = ({ adoption, memory }: Sight): boolean => adoption === 'Never' && memory === undefined;

/**
 * The mark names this object, and anybody may have written it: it gives nothing that would not be given without it. Who owns the
 * Provider may take what has no mark at all, so that its buckets are kept, and signed again.
 */
const decideUnsigned = (act: Act, sight: Sight): OwnershipVerdict => {
  if (act === 'grant') return doubt('markUnsigned');
  if (act === 'keep' && !sight.isBorrowed) return ours('markUnsigned', ownershipOf(sight));
  if (sight.age === 'notListed') return others('notInAccount');
  const found = decideByProof(act, sight);
  // What its owner's namespace keeps is not somebody else's when it is to be deleted.
  if (found?.is === 'ours' || (found?.is === 'others' && sight.isBorrowed)) return found;
  return sight.isConfirmed ? ours('takenByWish', sight.memory?.ownership ?? 'Adopted') : doubt('markUnsigned');
};

/** As one that is signed where that says no; to keep, as its own mark that is not signed. */
const decideUnsignedNamesake = (act: Act, sight: Sight): OwnershipVerdict =>
  act !== 'keep' || isRefusedByNever(sight) ? decideNamesake(act, sight) : decideUnsigned(act, sight);

/**
 * A proved mark is somebody else's. One that is not proved speaks against a stranger, and not against who had the bucket with
 * proof: else whoever may write tags could take its keys their rights.
 */
const decideOther = (act: Act, sight: Sight, mark: Extract<MarkSight, { kind: 'other' }>): OwnershipVerdict => {
  if (act === 'keep' && mark.isGone && isWished(sight)) return ours('ownerIsGone', 'Adopted');
  if (mark.isSigned || sight.memory === undefined) return { is: 'others', rule: 'markOfAnother', owner: mark.owner };
  if (sight.age === 'notListed') return others('notInAccount');
  return act !== 'grant' && sight.isConfirmed ? ours('takenByWish', sight.memory.ownership) : doubt('markUnverified');
};

const decideUnmarked = (act: Act, sight: Sight): OwnershipVerdict => {
  if (sight.age === 'notListed') return others('notInAccount');
  const found = act === 'grant' ? decideGrant(sight) : decideByMemory(act, sight);
  if (found.is !== 'doubt') return found;
  return isSettled(act, sight) ? ours('takenByWish', sight.memory?.ownership ?? 'Adopted') : found;
};

/** Without marks only the Provider that the Bucket itself uses surely leads to the same bucket. */
const decideGrant = (sight: Sight): OwnershipVerdict => {
  if (sight.mark.kind !== 'notKept') return doubt('unmarked');
  if (!sight.isSameProvider || sight.memory === undefined) return doubt('ageUnknown');
  return decideRemembered('grant', sight.memory, sight);
};

const decideByMemory = (act: 'keep' | 'delete', sight: Sight): OwnershipVerdict => {
  const { age } = sight;
  const proved = decideByProof(act, sight);
  if (proved !== undefined) return proved;
  if (isSettled(act, sight)) return ours('takenByWish', 'Adopted');
  if (sight.isMemoryUnproven) return doubt('unproven');
  return age === 'mayNotList' && act === 'delete' ? doubt('ageUnknown') : others('unmarked');
};

/** By what the status remembers with proof; undefined where that is nothing. */
const decideByProof = (act: 'keep' | 'delete', sight: Sight): OwnershipVerdict | undefined => {
  const { memory, intent } = sight;
  if (memory !== undefined) return decideRemembered(act, memory, sight);
  return intent && decideIntended(intent, sight);
};

/** True when a bucket of this age is not the one that was somebody's at `since`: it was made after that. */
export const isRemadeSince = (since: Date, age: Date): boolean => age.getTime() > since.getTime() + clockStepMs;

/** A bucket that was there when ours was first ours, and was never made again, is that one. */
const decideRemembered = (
  act: Act,
  { ownership, since }: Memory,
  { mark, age, isUntouched }: Sight,
): OwnershipVerdict => {
  if (age instanceof Date && since !== undefined) {
    return isRemadeSince(since, age) ? doubt('remadeSince') : ours('remembered', ownership);
  }
  // Whoever may have made it anew, nothing of theirs is in it.
  if (age === 'dateLost' && isUntouched) return ours('untouched', ownership);
  // A server that keeps neither marks nor dates leaves nothing but memory: enough to keep, not to destroy.
  return mark.kind === 'notKept' && act !== 'delete' ? ours('rememberedAlone', ownership) : doubt('ageUnknown');
};

/** The name was free when the intent was written: a bucket that was made between that and the end of the call is ours. */
const decideIntended = ({ from, until }: Intent, { age, isUntouched }: Sight): OwnershipVerdict => {
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

const ours = (rule: Rule, ownership: 'Created' | 'Adopted'): OwnershipVerdict => ({ is: 'ours', rule, ownership });
const others = (rule: Rule): OwnershipVerdict => ({ is: 'others', rule });
const doubt = (rule: Rule): OwnershipVerdict => ({ is: 'doubt', rule });
