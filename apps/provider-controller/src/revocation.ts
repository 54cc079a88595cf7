import { annotations, conditionTypes, eventReasons, revokedAtOnce, type Revocation } from '@operator/api';
import { listFirst } from '@operator/outcome';
import { keyOfReference, type Provider } from '@operator/references';
import { isPaused, keyOf, pick, type ObjectKey } from '@operator/runtime';
import type { ProviderWork } from './deps.ts';
import { createGrants, grantedUsers, type AccessKeyUser } from './users.ts';

/** Milliseconds in which an AccessKey answers in its turn. A server may take two minutes to know a new key everywhere. */
export const patienceMs = 300_000;

/** How many AccessKeys that get no turn, and how many namespaces, a status names. */
const heldAtMost = 20;
const lateAtMost = 100;

type Held = NonNullable<Revocation['held']>[number];

/** One AccessKey, as a revocation of all keys of its Provider sees it. */
export interface RevocableKey {
  readonly key: ObjectKey;
  readonly namespace: string;
  /** Its status proves that it has no pair from before the request. */
  readonly hasAnswered: boolean;
  /** Why it gets no turn; undefined: it may get one. */
  readonly heldBecause: Held['because'] | undefined;
  /** Since when it is not Ready; undefined while it is. */
  readonly unreadySince: string | undefined;
}

export interface RevocationPlan {
  /** For the status; undefined when nobody ever asked. */
  readonly revocation: Revocation | undefined;
  /** When somebody's turn is over; undefined: time alone changes nothing. */
  readonly nextAt: Date | undefined;
}

/**
 * Whose turn it is in a revocation of all keys of a Provider. The order is by namespace and name. Those that were not Ready when it began, and
 * those of a namespace of which one did not answer in its turn, come last, so that no borrower holds up the others for long. Pure.
 * `request`: value of the annotation; undefined: there is none, or no more. `isUsable`: the AccessKeys can do something about it now.
 */
export const planRevocation = (
  stored: Revocation | undefined,
  request: string | undefined,
  keys: readonly RevocableKey[],
  { now, isUsable }: { readonly now: Date; readonly isUsable: boolean },
): RevocationPlan => {
  if (!isOpen(stored, request)) return { revocation: stored, nextAt: undefined };
  const open = keys.filter(({ hasAnswered }) => !hasAnswered).sort((a, b) => (a.key < b.key ? -1 : 1));
  const counts = { total: keys.length, done: keys.length - open.length };
  if (request === undefined) {
    const stopped = stored && { ...withoutTurns(stored), ...counts, state: 'Stopped' as const };
    return { revocation: stopped, nextAt: undefined };
  }
  const former = stored?.request === request ? stored : undefined;
  const startedAt = former?.startedAt ?? now.toISOString();
  const waiting = new Map(open.filter(({ heldBecause }) => heldBecause === undefined).map((one) => [one.key, one]));
  const turns = isUsable ? (former?.current ?? []).filter(({ accessKey }) => waiting.has(accessKey)) : [];
  const overdue = new Set(turns.filter((turn) => endOf(turn) <= now.getTime()).map(({ accessKey }) => accessKey));
  const late = namespacesOf(
    [...waiting.values()],
    new Set([...(former?.late ?? []), ...[...overdue].map(namespaceIn)]),
  );
  const isLast = ({ namespace, unreadySince }: RevocableKey): boolean =>
    late.has(namespace) || (unreadySince !== undefined && Date.parse(unreadySince) < Date.parse(startedAt));
  const inTurn = new Set(turns.map(({ accessKey }) => accessKey));
  const next = from(former?.current.at(-1)?.accessKey, [...waiting.values()]).filter(({ key }) => !inTurn.has(key));
  const free = isUsable ? revokedAtOnce - (turns.length - overdue.size) : 0;
  const chosen = [...next.filter((one) => !isLast(one)), ...next.filter(isLast)].slice(0, free);
  // Whoever is late gives way only to somebody.
  const kept = new Set([...overdue].slice(0, free - chosen.length));
  const current = [
    ...turns.filter(({ accessKey }) => !overdue.has(accessKey) || kept.has(accessKey)),
    ...chosen.map(({ key }) => ({ accessKey: key, since: now.toISOString() })),
  ];
  const ends = current.map(endOf).filter((at) => at > now.getTime());
  return {
    revocation: {
      request,
      state: 'Running',
      startedAt,
      ...counts,
      current,
      ...heldAmong(open),
      ...(late.size === 0 ? {} : { late: [...late].sort().slice(0, lateAtMost) }),
    },
    nextAt: ends.length === 0 ? undefined : new Date(Math.min(...ends)),
  };
};

/** True while there is something to do about it: to go on, or to say that it has stopped. */
const isOpen = (stored: Revocation | undefined, request: string | undefined): boolean =>
  request === undefined ? stored?.state === 'Running' : stored?.request !== request || stored.state !== 'Finished';

const withoutTurns = (revocation: Revocation): Revocation => ({
  ...pick(revocation, 'request', 'state', 'startedAt', 'total', 'done'),
  current: [],
});

const endOf = ({ since }: Revocation['current'][number]): number => Date.parse(since) + patienceMs;

const namespaceIn = (key: ObjectKey): string => key.slice(0, key.indexOf('/'));

/** Those of the namespaces that have one of the keys. */
const namespacesOf = (keys: readonly RevocableKey[], among: ReadonlySet<string>): ReadonlySet<string> =>
  new Set(keys.map(({ namespace }) => namespace).filter((namespace) => among.has(namespace)));

/** In turn: what comes after the key, then the others. */
const from = (last: ObjectKey | undefined, keys: readonly RevocableKey[]): readonly RevocableKey[] =>
  last === undefined ? keys : [...keys.filter(({ key }) => key > last), ...keys.filter(({ key }) => key <= last)];

const heldAmong = (keys: readonly RevocableKey[]): Pick<Revocation, 'held'> => {
  const held = keys.flatMap(({ key, heldBecause }): readonly Held[] =>
    heldBecause === undefined ? [] : [{ accessKey: key, because: heldBecause }],
  );
  return held.length === 0 ? {} : { held: held.slice(0, heldAtMost) };
};

/**
 * How far a revocation of all keys is. What the count rests on is what the accesskey-controller has proved in the statuses; that all have
 * answered is said on a live list alone. `accessKeys`: those that use the Provider, as the cache has them.
 * @throws KubeError of the live list
 */
export const observeRevocation = async (
  work: ProviderWork,
  accessKeys: readonly AccessKeyUser[],
  isUsable: boolean,
): Promise<RevocationPlan> => {
  const { provider, deps, pass } = work;
  const stored = provider.status?.revocation;
  const request = provider.metadata.annotations?.[annotations.revokeRequestedAt];
  if (!isOpen(stored, request)) return { revocation: stored, nextAt: undefined };
  const planFor = async (users: readonly AccessKeyUser[]): Promise<RevocationPlan> =>
    planRevocation(stored, request, await revocableAmong(users, request ?? stored?.request, work), {
      now: pass.now,
      isUsable,
    });
  const plan = await planFor(accessKeys);
  if (plan.revocation === undefined || !hasEnded(plan.revocation)) return plan;
  const everybody = await deps.accessKeys.live(pass.signal);
  const named = everybody.filter(
    ({ spec, metadata }) => keyOfReference(spec.providerRef, metadata.namespace) === keyOf(provider),
  );
  const users = await grantedUsers(provider, { buckets: [], accessKeys: named }, deps, pass.signal);
  const proved = await planFor(users.accessKeys);
  if (proved.revocation === undefined || !hasEnded(proved.revocation)) return proved;
  const finishedAt = pass.now.toISOString();
  return { revocation: { ...withoutTurns(proved.revocation), state: 'Finished', finishedAt }, nextAt: undefined };
};

const hasEnded = ({ state, done, total }: Revocation): boolean => state === 'Running' && done === total;

const revocableAmong = async (
  users: readonly AccessKeyUser[],
  request: string | undefined,
  { provider, deps, pass }: ProviderWork,
): Promise<readonly RevocableKey[]> => {
  const isGrantedTo = createGrants(provider, deps.labelsOf);
  return Promise.all(
    users.map(async (user) => {
      const { metadata, status } = user;
      const proven = await deps.ownership.provenAccessKey(user, pass.signal);
      const ready = status?.conditions?.find(({ type }) => type === conditionTypes.Ready);
      return {
        key: keyOf(user),
        namespace: metadata.namespace,
        hasAnswered: request !== undefined && proven?.answeredProviderRevokeRequest === request,
        heldBecause: heldBecause(user, await isGrantedTo(metadata.namespace)),
        unreadySince: ready?.status === 'True' ? undefined : ready?.lastTransitionTime,
      };
    }),
  );
};

const heldBecause = (user: AccessKeyUser, isGranted: boolean): Held['because'] | undefined => {
  if (user.metadata.deletionTimestamp !== undefined) return 'Deleting';
  if (!isGranted) return 'NotGranted';
  return isPaused(user) ? 'Paused' : undefined;
};

/**
 * The Event that tells of namespaces whose AccessKeys did not answer in their turn; undefined when there is none that the status does not name
 * already. Pure.
 */
export const explainLate = (
  { status }: Pick<Provider, 'status'>,
  revocation: Revocation | undefined,
): { readonly reason: string; readonly message: string } | undefined => {
  const former = status?.revocation?.request === revocation?.request ? (status?.revocation?.late ?? []) : [];
  const late = (revocation?.late ?? []).filter((namespace) => !former.includes(namespace));
  if (late.length === 0) return undefined;
  return {
    reason: eventReasons.RevocationLate,
    message:
      `AccessKeys of ${late.length === 1 ? 'namespace' : 'namespaces'} ${listFirst(late, 10)} did not replace their key pairs within ${String(patienceMs / 60_000)} minutes of their turn. ` +
      'The others go first now. Their conditions say why: kubectl get accesskeys -n <namespace>',
  };
};

/** The Event that tells of a change; undefined when there is none to tell. Pure. */
export const explainRevocation = (
  { metadata: { name, namespace }, status }: Provider,
  revocation: Revocation | undefined,
): { readonly reason: string; readonly message: string } | undefined => {
  const former = status?.revocation;
  if (revocation === undefined || (former?.request === revocation.request && former.state === revocation.state))
    return undefined;
  const { done, total } = revocation;
  switch (revocation.state) {
    case 'Running':
      return {
        reason: eventReasons.RevocationStarted,
        message:
          `Replacing the key pairs of ${String(total - done)} AccessKeys, ${String(revokedAtOnce)} at a time. status.revocation says how far ` +
          `it is. To stop: kubectl annotate providers.s3.cloud37.dev ${name} -n ${namespace} ${annotations.revokeRequestedAt}-`,
      };
    case 'Stopped':
      return {
        reason: eventReasons.RevocationStopped,
        message:
          `Annotation ${annotations.revokeRequestedAt} was removed: ${String(done)} of ${String(total)} AccessKeys have answered, the others ` +
          'keep their key pairs. To go on, set it to the value of status.revocation.request.',
      };
    case 'Finished':
      return {
        reason: eventReasons.RevocationFinished,
        message: `None of the ${String(total)} AccessKeys has a key pair from before the request any more.`,
      };
  }
};
