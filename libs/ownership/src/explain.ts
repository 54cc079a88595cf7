import { annotations, commandToAnnotate, entriesIn, providerResource, reasons } from '@operator/api';
import { oneLine, waiting, type Fault } from '@operator/outcome';
import type { Act, Rule, OwnershipVerdict } from './decide.ts';
import type { OwnerMark } from './mark.ts';

/** Who is told, and what about. */
export interface Asker {
  /** Name of the bucket at the server. */
  readonly bucket: string;
  /** The Bucket object that the verdict is about. */
  readonly namespace: string;
  readonly name: string;
  readonly provider: { readonly namespace: string; readonly name: string };
  /** `spec.adoptionPolicy` as written; absent where nobody asks to adopt. */
  readonly adoptionPolicy?: string | undefined;
  /** True when the owner of the Provider has said that the bucket is this object's. */
  readonly isConfirmed?: boolean;
}

/** True when the object uses a Provider of another namespace, so that the account behind it is not its owner's. */
const isBorrower = ({ namespace, provider }: Asker): boolean => namespace !== provider.namespace;

/** The value of the annotation by which the owner of a Provider says that a bucket is this object's. */
const confirmationOf = ({ namespace, name, bucket }: Omit<Asker, 'provider'>): string =>
  `${namespace}/${name}/${bucket}`;

/** True when the annotations of the Provider confirm the object. Entries stand with commas between. */
export const isConfirmed = (
  ofProvider: Readonly<Record<string, string>> | undefined,
  asker: Omit<Asker, 'provider'>,
): boolean => entriesIn(ofProvider?.[annotations.confirmOwner]).includes(confirmationOf(asker));

/** The one command that settles a doubt. */
export const commandToConfirm = (asker: Asker): string =>
  commandToAnnotate(providerResource, asker.provider, annotations.confirmOwner, confirmationOf(asker));

const why: Partial<Record<Rule, string>> = {
  markOfNamesake: 'its owner tags name an earlier object of this name',
  markUnsigned:
    'its owner tags name this Bucket, and anybody who may write tags can have put them there: their proof is missing or wrong',
  markUnverified:
    'its owner tags name another Bucket, and nothing proves that the operator wrote them: somebody changed them, or an operator with another key owns it',
  remadeSince: 'its owner tags are missing, and it was created after this Bucket last had it',
  ageUnknown: 'nothing at the server proves that it is the bucket that this Bucket had',
  intentUnclear: 'a creation was not answered, and nothing proves that this is the bucket that it made',
  unproven: 'the status says that it is ours, but without the proof that the operator wrote this',
  unmarked: 'its owner tags are missing',
};

/**
 * Says why a bucket is not used, and what settles it. The names of other namespaces' objects are told only to whom the Provider
 * belongs.
 * @returns Fault `waiting`: AlreadyClaimed, NameTaken or NotOwned for somebody else's bucket, OwnershipInDoubt otherwise
 */
export const explainOwnership = (verdict: Exclude<OwnershipVerdict, { is: 'ours' }>, act: Act, asker: Asker): Fault =>
  verdict.is === 'others' ? explainOthers(verdict.rule, verdict.owner, asker) : explainDoubt(verdict.rule, act, asker);

const explainOthers = (rule: Rule, owner: OwnerMark | undefined, asker: Asker): Fault => {
  const { bucket } = asker;
  switch (rule) {
    case 'markOfAnother':
      return waiting(reasons.AlreadyClaimed, explainClaimed(owner, asker));
    case 'notInAccount':
      return waiting(
        reasons.NameTaken,
        `Bucket ${bucket} exists and belongs to another account of the server. Choose another name.`,
      );
    case 'markOfNamesake':
      return waiting(
        reasons.NotOwned,
        `Bucket ${bucket} was made for an earlier Bucket of this name, and adoptionPolicy is Never. It is left alone.`,
      );
    default:
      return waiting(
        reasons.NotOwned,
        `Bucket ${bucket} exists already without the owner tags of this operator. It is left alone. ${howToAdopt("If it is this object's", asker)}`,
      );
  }
};

const explainClaimed = (owner: OwnerMark | undefined, asker: Asker): string => {
  const isTold = owner !== undefined && (!isBorrower(asker) || owner.namespace === asker.namespace);
  const whose = isTold
    ? oneLine(`Bucket ${owner.namespace}/${owner.name} of cluster ${owner.cluster}`, 400)
    : 'a Bucket of another namespace';
  const what = wishOf(asker) ?? howToAdopt('If that object is gone for good', asker);
  return `Bucket ${asker.bucket} has the owner tags of ${whose}. It is left alone. ${what}`;
};

/** What was said already to take the bucket over, and what it waits for; undefined where nobody who may has said so. */
const wishOf = (asker: Asker): string | undefined => {
  const isOwn = !isBorrower(asker) && asker.adoptionPolicy === 'Always';
  if (!isOwn && asker.isConfirmed !== true) return undefined;
  const word = isOwn ? 'adoptionPolicy is Always' : 'The owner of the Provider has confirmed it';
  return `${word}: the bucket is taken over once that object is gone. If its cluster is one that this cluster replaces, name that in --former-cluster-ids.`;
};

/** `when`: the condition under which it is right, such as "If it is this object's". */
const howToAdopt = (when: string, asker: Asker): string => {
  if (!isBorrower(asker)) return `${when}, set adoptionPolicy: Always to take it over.`;
  const word = `${when}, the owner of the Provider can hand it over: ${commandToConfirm(asker)}`;
  return asker.adoptionPolicy === 'Always'
    ? `adoptionPolicy: Always counts only in the namespace of the Provider. ${word}`
    : word;
};

const explainDoubt = (rule: Rule, act: Act, asker: Asker): Fault => {
  const { bucket } = asker;
  if (rule === 'markUnreadable') {
    return waiting(
      reasons.OwnershipInDoubt,
      `The owner of bucket ${bucket} is unknown: the credentials of the Provider may not read its tags. ` +
        'Allow them s3:GetBucketTagging.',
    );
  }
  const undone = {
    keep: 'Nothing is changed there.',
    delete: `It is not deleted. To let it stay and be done, annotate this object with ${annotations.abandon}=true.`,
    grant: 'Rights in it stay as they are.',
  }[act];
  return waiting(
    reasons.OwnershipInDoubt,
    `It is in doubt whose bucket ${bucket} is: ${why[rule] ?? rule}. ${undone} ` +
      `If it is this object's, the owner of the Provider says so: ${commandToConfirm(asker)}`,
  );
};
