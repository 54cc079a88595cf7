import type { ProviderStatus } from '@operator/api';
import { Fault, onlyFault, waiting } from '@operator/outcome';
import { askingOnce, withdrawnBorrowers, type Borrower } from '@operator/references';
import { keyOf } from '@operator/runtime';
import type { Health } from '@operator/s3';
import type { StandingCheck } from './check.ts';
import { connect, type Connected } from './connect.ts';
import type { ProviderWork } from './deps.ts';
import { observeGranted, type GrantedFacts } from './granted.ts';
import { observeOrphans, type OrphanFacts } from './orphans.ts';
import { mergeCapabilities } from './report.ts';
import { observeRetained, type RetainedFacts } from './retained.ts';
import { observeRevocation, type RevocationPlan } from './revocation.ts';
import { accountToKeep, hasChanged, keyServiceOf, serverChange, type Place } from './server-change.ts';
import { borrowersAmong, grantedUsers, isReadable, type ProviderUsers } from './users.ts';

/** What a good look found. */
export interface Found {
  readonly place: Place;
  /** The account to remember; the one of `place` where the server tells it. */
  readonly accountId: string | undefined;
  readonly health: Health;
  readonly capabilities: ProviderStatus['capabilities'];
  readonly orphans: OrphanFacts;
  readonly retained: RetainedFacts;
  /** Milliseconds until the next check. */
  readonly dueInMs: number;
}

/** What one look at a Provider found. */
export interface ProviderSight {
  readonly users: ProviderUsers;
  readonly granted: GrantedFacts;
  /** Who has something by a grant that is withdrawn and not confirmed. */
  readonly withdrawn: readonly Borrower[];
  /** A Fault is what stands in the way of its use. */
  readonly found: Found | Fault;
  /** How far a revocation of all its keys is. */
  readonly revocation: RevocationPlan;
}

/** Looks who uses the Provider, and checks its connection where that is due. */
export const observe = async (work: ProviderWork): Promise<ProviderSight> => {
  const { provider, deps, pass } = work;
  deps.secrets.follow(provider);
  const labelsOf = askingOnce(deps.labelsOf);
  const users = await grantedUsers(provider, deps.usersOf(keyOf(provider)), { ...deps, labelsOf }, pass.signal);
  const withdrawn = await withdrawnBorrowers(provider, borrowersAmong(users), labelsOf);
  const found = await observeServer(users, work).catch(onlyFault);
  const revocation = await observeRevocation(work, users.accessKeys, !(found instanceof Fault));
  const granted = observeGranted(provider, deps.namespaces);
  return { users, granted, withdrawn, found, revocation };
};

/** Who uses the Provider by a live list: for what must not be done while anybody does. */
export const observeLiveUsers = async ({ provider, deps, pass }: ProviderWork): Promise<ProviderUsers> =>
  grantedUsers(provider, await deps.liveUsersOf(keyOf(provider), pass.signal), deps, pass.signal);

/** @throws Fault: of the Secrets, of the check, ServerChanged */
const observeServer = async (users: ProviderUsers, work: ProviderWork): Promise<Found> => {
  const { provider } = work;
  const connected = await connect(work);
  const { result: health, dueInMs } = await check(connected, work);
  const place: Place = {
    serverIdentity: connected.driver.serverIdentity,
    keyService: keyServiceOf(connected.driver),
    accountId: health.accountId,
    credentialsVersion: connected.credentialsVersion,
  };
  const holders = await holdersOf(place, users, work);
  const moved = serverChange(provider, place, holders);
  if (moved !== undefined) throw moved;
  const capabilities = await capabilitiesOf(connected, health, users, work);
  const { facts, listUsers } = await observeOrphans(connected.driver, work);
  return {
    place,
    accountId: await accountAt(place, holders, work),
    health,
    capabilities: listUsers === undefined ? capabilities : { ...capabilities, listUsers },
    orphans: facts,
    retained: await observeRetained(connected.driver, users, work),
    dueInMs,
  };
};

/** The last check while it stands, else a new one. @throws Fault, to be tried again when the next check is due */
const check = async (
  { driver, version }: Connected,
  { provider, deps, pass }: ProviderWork,
): Promise<StandingCheck & { readonly result: Health }> => {
  const standing =
    deps.checks.standing(provider, version, pass.now) ??
    deps.checks.remember(
      provider,
      version,
      pass.now,
      await pass.step('check', () => driver.checkHealth(pass)).catch(onlyFault),
    );
  const { result, dueInMs } = standing;
  if (!(result instanceof Fault)) return { result, dueInMs };
  // Trying again is the check's own business: at its period, not at the workqueue's back-off.
  const { kind, reason, message } = result;
  throw kind === 'terminal' ? result : waiting(reason, message, { retryAfterMs: dueInMs });
};

/**
 * Whoever has something at the server. The cache may be late, so a Provider that leads elsewhere is accepted on a live list
 * alone: one for each change, since the status then says where it leads.
 */
const holdersOf = async (place: Place, users: ProviderUsers, work: ProviderWork): Promise<ProviderUsers> => {
  const { provider } = work;
  const isAsked = hasChanged(provider, place) && serverChange(provider, place, users) === undefined;
  return isAsked ? observeLiveUsers(work) : users;
};

/** What the server does not tell is kept only from a status that we wrote. */
const accountAt = async (
  place: Place,
  holders: ProviderUsers,
  { provider, deps, pass }: ProviderWork,
): Promise<string | undefined> =>
  place.accountId ??
  accountToKeep(provider, await deps.ownership.provenAccountOf(provider, pass.signal), place, holders);

/** What the server can do: asked once by each process for each version, and again when there is a bucket to read from. */
const capabilitiesOf = async (
  { driver, version }: Connected,
  health: Health,
  users: ProviderUsers,
  { provider, deps: { checks }, pass }: ProviderWork,
): Promise<ProviderStatus['capabilities']> => {
  const { status, metadata } = provider;
  const bucket = users.buckets.find((user) => isReadable(user, provider));
  const hasBucket = bucket !== undefined;
  if (status?.capabilities !== undefined && !checks.needsProbe(provider, version, hasBucket))
    return status.capabilities;
  const probed = await pass.step('probe', () => driver.probe(pass, bucket?.spec.name));
  checks.probed(provider, version, hasBucket);
  const isSame = status?.observedGeneration === metadata.generation && status.serverVersion === health.serverVersion;
  return mergeCapabilities(isSame ? status.capabilities : undefined, probed);
};
