import {
  annotations,
  commandToAnnotate,
  entriesIn,
  eventReasons,
  providerResource,
  reasons,
  type ProviderStatus,
} from '@operator/api';
import { Fault, listFirst, oneLine, onlyFault, transient, waiting } from '@operator/outcome';
import type { Provider } from '@operator/references';
import { isKubeError, pick, type ObjectMeta } from '@operator/runtime';
import type { Driver, KeyIssuer, MarkedUser } from '@operator/s3';
import type { ProviderWork } from './deps.ts';
import { createLookMemory, listedAtMost, lookIntervalMs, retryMs, type LookMemory } from './looks.ts';
import { shownOwner } from './shown-owner.ts';

/** How many users an Event names. */
const namedAtMost = 5;

type Capability = NonNullable<ProviderStatus['capabilities']>[string];

/** What of a Provider's status tells of orphaned users. */
export type OrphanFacts = Pick<ProviderStatus, 'orphanedUsers' | 'orphanedUserCount'>;

/** How the last look ended: what it found, and whether users can be listed at all. */
export interface OrphanSight {
  readonly facts: OrphanFacts;
  /** Undefined before the first look. */
  readonly listUsers: Capability | undefined;
}

/** What stands for a user in the annotation. */
const idOf = ({ name, mark }: MarkedUser): string => mark?.uid ?? name;

/** Who is alive: uids of all AccessKeys, and the names that their users have. */
export interface Living {
  readonly uids: ReadonlySet<string>;
  readonly userNames: ReadonlySet<string>;
}

/** Those of the users whose AccessKey does not exist. Pure. */
export const orphansOf = (users: readonly MarkedUser[], { uids, userNames }: Living): readonly MarkedUser[] =>
  users.filter(({ name, mark }) => !userNames.has(name) && (mark === undefined || !uids.has(mark.uid)));

/** What the owner of a Provider has written into the annotation. Pure. */
const confirmationOf = ({ metadata }: Pick<Provider, 'metadata'>): string =>
  metadata.annotations?.[annotations.confirmOrphans] ?? '';

/** Those of the users that the owner of the Provider wants removed. Pure. */
export const confirmedOrphans = (
  orphans: readonly MarkedUser[],
  provider: Pick<Provider, 'metadata'>,
): readonly MarkedUser[] => {
  const confirmed = new Set(entriesIn(confirmationOf(provider)));
  return orphans.filter((orphan) => confirmed.has(orphan.name) || confirmed.has(idOf(orphan)));
};

/** The status of what a look found. Pure. */
export const reportOrphans = (orphans: readonly MarkedUser[]): OrphanFacts => ({
  ...(orphans.length === 0
    ? {}
    : {
        orphanedUsers: orphans.slice(0, listedAtMost).map(({ name, mark }) => ({
          userName: oneLine(name, 128),
          ...(mark === undefined ? {} : shownOwner(mark)),
        })),
      }),
  orphanedUserCount: orphans.length,
});

/** What an Event says of orphans that were not told before; undefined when there are none. Pure. */
export const explainOrphans = (orphans: readonly MarkedUser[], provider: Provider): string | undefined => {
  const told = new Set(provider.status?.orphanedUsers?.map(({ userName }) => userName));
  const shown = orphans.slice(0, listedAtMost);
  if (shown.every(({ name }) => told.has(oneLine(name, 128)))) return undefined;
  const names = orphans.map(({ name, mark }) =>
    oneLine(mark === undefined ? name : `${name} (AccessKey ${mark.namespace}/${mark.name}, uid ${mark.uid})`, 400),
  );
  const ids = orphans
    .slice(0, namedAtMost)
    .map((orphan) => oneLine(idOf(orphan), 128))
    .join(',');
  const count = orphans.length;
  return (
    `${String(count)} ${count === 1 ? 'user' : 'users'} at the provider ${count === 1 ? 'is' : 'are'} of AccessKeys that do not exist any more: ` +
    `${listFirst(names, namedAtMost)}. Their keys still work. If this cluster is a copy or was restored from a backup, they may be in use elsewhere. Remove these: ` +
    commandToAnnotate(providerResource, provider.metadata, annotations.confirmOrphans, ids)
  );
};

/** The last looks; the annotation makes one due at once when it has another value than at the last one. */
export const createOrphanMemory = (): LookMemory<OrphanSight, string> =>
  createLookMemory((confirmation, former = '') => confirmation !== former);

/** What the status says already, until this process has looked itself. */
const knownOf = ({ status = {} }: Provider): OrphanSight => ({
  facts: pick(status, 'orphanedUsers', 'orphanedUserCount'),
  listUsers: status.capabilities?.listUsers,
});

/**
 * Looks which users of this cluster at the provider have no AccessKey any more, where that is due, and removes those that the owner of
 * the Provider has confirmed. The health of the Provider does not depend on it: what stands in the way leaves the answer open.
 */
export const observeOrphans = async ({ keys }: Pick<Driver, 'keys'>, work: ProviderWork): Promise<OrphanSight> => {
  const { provider, deps, pass } = work;
  if (typeof keys === 'string') return { facts: {}, listUsers: undefined };
  const known = knownOf(provider);
  const confirmation = confirmationOf(provider);
  const standing = deps.orphans.standing(provider, confirmation, pass.now, known);
  if (standing !== undefined) return standing;
  const remember = (sight: OrphanSight, dueInMs: number) =>
    deps.orphans.remember(provider, confirmation, pass.now, sight, dueInMs);
  const found = await pass.step('orphans', () => findOrphans(keys, work)).catch(unanswered(work));
  if (found === 'unknown') return remember(known, retryMs);
  if (found instanceof Fault) {
    const isLacking = found.reason === reasons.Unsupported;
    return remember({ facts: {}, listUsers: isLacking ? 'Unsupported' : 'Unknown' }, lookIntervalMs);
  }
  const left = await removeConfirmed(found.orphans, keys, work);
  const message = explainOrphans(left, provider);
  if (message !== undefined) pass.event('Warning', eventReasons.OrphanedUsers, message);
  const hasFailed = confirmedOrphans(left, provider).length > 0;
  // That there are none is not said of users that nobody looked at.
  const facts = left.length > 0 || found.isComplete ? reportOrphans(left) : {};
  return remember({ facts, listUsers: 'Supported' }, hasFailed ? retryMs : lookIntervalMs);
};

/** A live list decides; the caches only say whether there is anything to ask. */
const findOrphans = async (
  keys: KeyIssuer,
  { provider, deps, pass }: ProviderWork,
): Promise<{ readonly orphans: readonly MarkedUser[]; readonly isComplete: boolean }> => {
  const { cluster } = await deps.ownership.markOf(provider, pass.signal);
  const livingAmong = (accessKeys: Iterable<{ readonly metadata: ObjectMeta }>): Living => {
    const uids = new Set<string>();
    const userNames = new Set<string>();
    for (const { metadata } of accessKeys) {
      const { namespace, name, uid } = metadata;
      uids.add(uid);
      userNames.add(keys.userNameFor({ cluster, namespace, name, uid }));
    }
    return { uids, userNames };
  };
  const cached = livingAmong(deps.accessKeys.known());
  const { users, isComplete } = await keys.listUsers(cluster, (name) => cached.userNames.has(name), pass);
  const suspects = orphansOf(users, cached);
  if (suspects.length === 0) return { orphans: [], isComplete };
  return { orphans: orphansOf(suspects, livingAmong(await deps.accessKeys.live(pass.signal))), isComplete };
};

/** What ended a look: a Fault where it says that users, or AccessKeys, cannot be listed; `unknown` where another attempt may help. */
const unanswered =
  ({ pass }: ProviderWork) =>
  (caught: unknown): Fault | 'unknown' => {
    pass.signal.throwIfAborted();
    const fault = isKubeError(caught, 401, 403)
      ? waiting(reasons.Forbidden, caught.message, { cause: caught })
      : isKubeError(caught)
        ? transient(reasons.KubernetesRefused, caught.message, { cause: caught })
        : onlyFault(caught);
    if (isOfThePass(fault)) throw fault;
    pass.log.info({ event: 'orphans', reason: fault.reason, err: caught }, 'whether users are orphaned stays open');
    return fault.kind === 'transient' ? 'unknown' : fault;
  };

/** It says nothing of the server: the Provider has changed, or another process leads. */
const isOfThePass = ({ reason }: Fault): boolean =>
  reason === reasons.ObjectChanged || reason === reasons.LeadershipLost || reason === reasons.KubernetesUnavailable;

/** @returns the orphans that are left */
const removeConfirmed = async (
  orphans: readonly MarkedUser[],
  keys: KeyIssuer,
  { provider, deps, pass }: ProviderWork,
): Promise<readonly MarkedUser[]> => {
  const removed = new Set<string>();
  for (const { name, mark } of confirmedOrphans(orphans, provider)) {
    const own = mark ?? { ...(await deps.ownership.markOf(provider, pass.signal)), namespace: '', name: '', uid: '' };
    const fault = await pass
      .step('removeOrphan', () => keys.deleteUser({ name, mark: own, tags: new Map() }, pass))
      .catch(onlyFault);
    if (fault instanceof Fault) {
      if (isOfThePass(fault)) throw fault;
      pass.event(
        'Warning',
        fault.reason,
        `User ${oneLine(name, 128)} of an AccessKey that is gone cannot be removed: ${fault.message}`,
      );
      continue;
    }
    removed.add(name);
    const whose = mark === undefined ? 'an AccessKey' : `AccessKey ${mark.namespace}/${mark.name} (uid ${mark.uid})`;
    const what = oneLine(`user ${name} of ${whose}`, 400);
    pass.event('Normal', eventReasons.OrphanRemoved, `Removed ${what}, which is gone, and its keys.`);
  }
  return orphans.filter(({ name }) => !removed.has(name));
};
