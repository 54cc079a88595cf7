import { reasons } from '@operator/api';
import { onlyFault, terminal, type Fault } from '@operator/outcome';
import {
  allowedWithin,
  denied,
  describeProblems,
  heldTo,
  mergePolicies,
  notYetIn,
  ownerActions,
  parsePolicy,
  partitionOf,
  policyFromAccess,
  renderPolicy,
  sendingActions,
  statementsAbout,
  withoutGains,
  type IamPolicy,
  type IamStatement,
} from '@operator/policy';
import { isBorrowedBy, keyOfReference, type Provider, type ReferredBucket } from '@operator/references';
import { keyOf, type ObjectKey } from '@operator/runtime';
import { policyBytes, type KeyIssuer, type ObservedUser } from '@operator/s3';
import { allowedBeyond } from './confinement.ts';
import type { AccessKey } from './deps.ts';
import type { BucketSight, Standing } from './observe-buckets.ts';

/** The rights of an AccessKey: its document, and the buckets in which it gives rights. */
export interface Rights {
  /** Undefined: no rights at all. */
  readonly policy: IamPolicy | undefined;
  readonly buckets: readonly ReferredBucket[];
  /** The Buckets in which the user has rights then: those, and what stays as it stands. Undefined: those that it had before. */
  readonly granted: readonly ObjectKey[] | undefined;
  /** Why an entry of `access` gives nothing now. */
  readonly missing?: Fault;
  /** Why the user does not get what is asked for as a whole. It concerns no key: those that stand are replaced and removed as ever. */
  readonly refused?: Fault;
}

/** What rights are made of. */
export interface RightsQuestion {
  readonly accessKey: AccessKey;
  readonly provider: Provider;
  /** The Buckets of `access`, each once. */
  readonly sights: readonly BucketSight[];
  /** What the user has at the server. */
  readonly standing: ObservedUser['policy'];
  readonly server: Pick<KeyIssuer, 'maxPolicyBytes' | 'lacksActions' | 'impliedActions'>;
}

/**
 * What the user may do: `access` and `policy` together, held to its buckets where the Provider is borrowed. Rights are given in
 * buckets that were seen to be the Bucket's; what the server has about a bucket that is in doubt stays as it stands; what was lost
 * goes. While the whole cannot be composed, what stands about the other buckets stays, and `missing` or `refused` says why. Pure.
 */
export const rightsOf = (question: RightsQuestion): Rights => {
  const { sights } = question;
  const buckets = sights.flatMap(({ standing, bucket }) => (standing === 'given' && bucket ? [bucket] : []));
  const granted = grantedIn(question);
  const missing = sights.find(({ fault }) => fault !== undefined)?.fault;
  if (missing !== undefined && hasUnnamed(question))
    return { policy: question.standing as IamPolicy | undefined, buckets, granted: undefined, missing };
  try {
    const policy = compose(question);
    const whole = { policy, buckets, granted, ...(missing === undefined ? {} : { missing }) };
    const excess = policy && findExcess(policy, question.server);
    return excess === undefined ? whole : lesserRights(question, whole, missing ?? excess);
  } catch (caught) {
    const refused = onlyFault(caught);
    if (missing !== undefined) return { policy: narrowedRights(question), buckets, granted, missing };
    // In the account of somebody else, what may not be asked for must not hold up what is to be taken away.
    if (isBorrowed(question)) return { policy: narrowedRights(question), buckets, granted, refused };
    return asItStands(question.standing, buckets, refused);
  }
};

/** The rights as the user has them, whatever is asked for. */
export const asItStands = (standing: ObservedUser['policy'], buckets: Rights['buckets'], refused: Fault): Rights => ({
  policy: standing as IamPolicy | undefined,
  buckets,
  granted: undefined,
  refused,
});

/** What the user keeps of its rights while the `whole` is too large: what is no longer asked for goes. */
const lesserRights = (question: RightsQuestion, whole: Rights, fault: Fault): Rights => {
  const less = onlyLess(whole, question.standing, fault);
  if (less.policy === undefined || findExcess(less.policy, question.server) === undefined) return less;
  // What is denied anew is not needed for taking; only who borrows the Provider stays held to its buckets.
  const standing = isBorrowed(question) ? narrowedRights(question) : question.standing;
  return onlyLess(withoutDenials(whole), standing, fault);
};

/** What is left of the rights at the server when nothing new may be given, and what was lost goes. */
export const narrowedRights = (question: RightsQuestion): IamPolicy | undefined => {
  if (hasUnnamed(question)) return question.standing as IamPolicy | undefined;
  const names = standingNames(question, ['given', 'kept']);
  return documentOf(question, { wanted: [], kept: names, names });
};

/** True where rights stay of which nobody can say any more in which bucket they are: then all rights stay. */
const hasUnnamed = ({ sights }: RightsQuestion): boolean =>
  sights.some(({ standing, bucket }) => standing === 'kept' && bucket === undefined);

/** These rights as far as the user has them already: what is no longer asked for goes, and `fault` says why no more is given. Pure. */
export const onlyLess = (rights: Rights, standing: unknown, fault: Fault): Rights => {
  const policy = withoutGains(standing, rights.policy);
  const allowed = { Statement: policy?.Statement.filter(({ Effect }) => Effect === 'Allow') ?? [] };
  const gained = rights.buckets.filter(({ spec }) => statementsAbout(allowed, new Set([spec.name])).length === 0);
  const without = new Set(gained.map(keyOf));
  return { ...rights, policy, granted: rights.granted?.filter((key) => !without.has(key)), refused: fault };
};

/** These rights without what they deny: `onlyLess` of them denies what is denied already. Pure. */
export const withoutDenials = ({ policy, ...others }: Rights): Rights => ({
  ...others,
  policy: policy && { ...policy, Statement: policy.Statement.filter(({ Effect }) => Effect === 'Allow') },
});

/** @throws Fault `terminal` PolicyInvalid */
const compose = (question: RightsQuestion): IamPolicy | undefined => {
  const { version, wanted } = askedFor(question);
  const kept = standingNames(question, ['kept']);
  const names = new Set([...namesOf(question, ['given']), ...kept]);
  return documentOf(question, { wanted, kept, names, version });
};

/** What the spec asks for in the buckets in which rights may be given. @throws Fault `terminal` PolicyInvalid */
const askedFor = (question: RightsQuestion) => {
  const { accessKey, provider, server } = question;
  const partition = partitionOf(provider.spec.region);
  const bucket = theOneBucket(question);
  const own = accessKey.spec.policy && requireValid(accessKey.spec.policy, bucket);
  const rendered = own && renderPolicy(own, bucket);
  if (rendered !== undefined && isBorrowed(question)) requireConfined(rendered, question);
  // Who asks for an action in their own policy gets it: a denial would outweigh that.
  const given = {
    partition,
    lacks: server.lacksActions,
    implied: server.impliedActions ?? new Map<string, string>(),
    own: rendered?.Statement ?? [],
  };
  const asked = mergePolicies(own, policyFromAccess(entriesIn(question), given));
  const statements = asked === undefined ? [] : renderPolicy(asked, bucket).Statement;
  const wanted = isBorrowed(question) ? allowedWithin(statements, namesOf(question, ['given'])) : statements;
  return { version: asked?.version, wanted };
};

/** What `${bucket}` stands for: the bucket of `access`, where it is one. */
const theOneBucket = ({ sights: [only, ...others] }: RightsQuestion): { readonly bucket?: string } =>
  only?.standing === 'given' && only.bucket !== undefined && others.length === 0
    ? { bucket: only.bucket.spec.name }
    : {};

/** Says when a policy has more than a user can have. */
const findExcess = (policy: IamPolicy, { maxPolicyBytes }: RightsQuestion['server']): Fault | undefined => {
  const bytes = policyBytes(policy);
  if (bytes <= maxPolicyBytes) return undefined;
  return terminal(
    reasons.PolicyInvalid,
    `The policy has ${String(bytes)} bytes; a user of this provider can have ${String(maxPolicyBytes)}. Use fewer buckets and prefixes ` +
      'in access (entries of one level without a prefix share their statements), or spread them over several AccessKeys.',
  );
};

/** What a document is made of. */
interface Contents {
  readonly wanted: readonly IamStatement[];
  /** Names of the buckets of which what stands about them stays. */
  readonly kept: ReadonlySet<string>;
  /** Those of all buckets in which there are rights. */
  readonly names: ReadonlySet<string>;
  readonly version?: string | undefined;
}

/** Who borrows the Provider is held to its buckets, also where it has none: policies of other resources must not widen that. */
const documentOf = (question: RightsQuestion, contents: Contents): IamPolicy | undefined => {
  const { wanted, kept, names, version = '2012-10-17' } = contents;
  const standing = statementsAbout(question.standing, kept);
  const denials = denialsFor(question, [...wanted, ...standing], names);
  // What is said anew of a bucket whose rights stay is there already, perhaps in one statement with others.
  const known = [...wanted, ...statementsAbout({ Statement: [...wanted, ...denials] }, kept)];
  const hold = isBorrowed(question) ? [heldTo([...names], partitionOf(question.provider.spec.region))] : [];
  const all = [...wanted, ...notYetIn(known, standing), ...denials, ...hold];
  return all.length === 0 ? undefined : { Version: version, Statement: all };
};

/**
 * What stays with the owners of the buckets in `names`, whatever a level leaves out and a policy of a bucket may give. Denied everywhere
 * where `statements` allow nothing elsewhere, for that takes no more room for more buckets.
 */
const denialsFor = (
  question: RightsQuestion,
  statements: readonly IamStatement[],
  names: ReadonlySet<string>,
): readonly IamStatement[] => {
  const { accessKey, provider, sights, server } = question;
  const of = { partition: partitionOf(provider.spec.region), lacks: server.lacksActions };
  const isLent = ({ metadata }: ReferredBucket): boolean => metadata.namespace !== accessKey.metadata.namespace;
  const buckets = sights.flatMap(({ bucket }) => (bucket !== undefined && names.has(bucket.spec.name) ? [bucket] : []));
  if (buckets.length === 0) return [];
  const lent = buckets.filter(isLent).map(({ spec }) => spec.name);
  const isElsewhere = lent.length < buckets.length || allowedBeyond(statements, names).length > 0;
  // Of a borrowed Provider also the own buckets: its server acts with the rights of the lender.
  return isBorrowed(question) && isElsewhere
    ? [...denied(ownerActions, lent, of), ...denied(sendingActions, 'everywhere', of)]
    : denied([...ownerActions, ...sendingActions], isElsewhere ? lent : 'everywhere', of);
};

const isBorrowed = ({ accessKey, provider }: Pick<RightsQuestion, 'accessKey' | 'provider'>): boolean =>
  isBorrowedBy(accessKey, provider);

/** Names at the server of the buckets that stand so. */
const namesOf = ({ sights }: RightsQuestion, standings: readonly Standing[]): ReadonlySet<string> =>
  new Set(sights.flatMap(({ standing, bucket }) => (standings.includes(standing) && bucket ? [bucket.spec.name] : [])));

/** Those of them about which the server has anything. */
const standingNames = (question: RightsQuestion, standings: readonly Standing[]): ReadonlySet<string> => {
  const names = [...namesOf(question, standings)];
  return new Set(names.filter((name) => statementsAbout(question.standing, new Set([name])).length > 0));
};

const grantedIn = (question: RightsQuestion): readonly ObjectKey[] => {
  const kept = standingNames(question, ['kept']);
  return question.sights
    .filter(({ standing, bucket }) => standing === 'given' || (bucket !== undefined && kept.has(bucket.spec.name)))
    .map(({ key }) => key);
};

const entriesIn = ({ accessKey: { spec, metadata }, sights }: RightsQuestion) => {
  const given = new Map(sights.map((sight) => [sight.key, sight.standing === 'given' ? sight.bucket : undefined]));
  return (spec.access ?? []).flatMap(({ bucketRef, level, prefix }) => {
    const bucket = given.get(keyOfReference(bucketRef, metadata.namespace));
    return bucket === undefined
      ? []
      : [{ bucketName: bucket.spec.name, level, ...(prefix === undefined ? {} : { prefix }) }];
  });
};

/** @throws Fault `terminal` PolicyInvalid when the policy of another namespace than the Provider's reaches beyond `access` */
const requireConfined = (policy: IamPolicy, question: RightsQuestion): void => {
  const beyond = allowedBeyond(policy.Statement, namesOf(question, ['given', 'kept', 'lost']));
  if (beyond.length === 0) return;
  throw terminal(
    reasons.PolicyInvalid,
    'Outside the namespace of its Provider an AccessKey can allow only actions of S3 in buckets that its access names: ' +
      beyond.join('; '),
  );
};

/** `bucket`: what `${bucket}` stands for, where there is one bucket. */
const requireValid = (policy: NonNullable<AccessKey['spec']['policy']>, bucket: { readonly bucket?: string }) => {
  const parsed = parsePolicy(policy, 'identity', bucket);
  if ('document' in parsed) return parsed.document;
  throw terminal(reasons.PolicyInvalid, describeProblems(parsed.problems));
};
