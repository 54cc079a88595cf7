import type { ProviderSpec, ProviderStatus } from '@operator/api';
import { annotations, eventReasons, reasons } from '@operator/api';
import { Fault, blocked, settled, waiting, type Blocked, type Settled } from '@operator/outcome';
import { grantWithdrawn, isTold } from '@operator/references';
import { isAbandoned, keyOf, ownStatus, type Reconciler } from '@operator/runtime';
import type { ProviderDeps, ProviderWork } from './deps.ts';
import { withGranted } from './granted.ts';
import { observe, observeLiveUsers, type ProviderSight } from './observe.ts';
import { claimsOfProviderFault, healthyClaims, reportProvider } from './report.ts';
import { explainLate, explainRevocation } from './revocation.ts';
import { countOf, describeUsers, grantedUsers, inUseByOf, type ProviderUsers } from './users.ts';

/** Finds out whether a Provider can be reached, whether its credentials are good, and what its server can do. */
export const providerReconciler = (deps: ProviderDeps): Reconciler<ProviderSpec, ProviderStatus> => ({
  async reconcile(provider, pass) {
    const work = { provider, deps, pass };
    return report(await observe(work), work);
  },

  async finalize(provider, pass) {
    const work = { provider, deps, pass };
    if (isAbandoned(provider)) {
      pass.event('Warning', eventReasons.ProviderAbandoned, abandonedMessage);
      return { result: 'done' };
    }
    const known = await grantedUsers(provider, deps.usersOf(keyOf(provider)), deps, pass.signal);
    // The cache says when to look: nobody can undo anything at a server whose Provider is gone.
    const users = countOf(known) > 0 ? known : await observeLiveUsers(work);
    return countOf(users) > 0 ? waitForUsers(users, work) : { result: 'done' };
  },

  claimsOf: claimsOfProviderFault,

  providerOf: keyOf,
});

const abandonedMessage = 'The Provider goes although it may be in use; what its users have at the server stays there.';

/** A Provider that is to go is checked as before: those that still use it need it for their own deletion. */
const waitForUsers = async (users: ProviderUsers, work: ProviderWork): Promise<Blocked<ProviderStatus>> => {
  const outcome = await report(await observe(work), work);
  if (outcome.result === 'blocked') return outcome;
  const fault = waiting(
    reasons.InUse,
    `The Provider is still in use by ${describeUsers(users)}. It goes when they are gone. To let it go before, annotate it with ` +
      `${annotations.abandon}: "true"; what they have at the server, credentials too, then stays there, and nobody removes it.`,
    outcome.resyncAfterMs === undefined ? {} : { retryAfterMs: outcome.resyncAfterMs },
  );
  return blocked(outcome.status, fault, outcome.claims);
};

/** Tells what a look found: in the metric, in Events where that is news, and in the outcome. */
const report = async (
  seen: ProviderSight,
  work: ProviderWork,
): Promise<Settled<ProviderStatus> | Blocked<ProviderStatus>> => {
  const { provider, deps, pass } = work;
  const { found, users, granted } = seen;
  const { revocation, nextAt } = seen.revocation;
  const former = provider.status;
  const inUseBy = inUseByOf(users, provider.metadata.namespace);
  const claims = reportWithdrawal(seen, work);
  deps.metrics.providerChecked(
    keyOf(provider),
    found instanceof Fault
      ? { connected: false }
      : { connected: true, certificateExpiresAt: found.health.certificateExpiresAt },
  );
  const news = explainRevocation(provider, revocation);
  if (news !== undefined) pass.event('Normal', news.reason, news.message);
  const late = explainLate(provider, revocation);
  if (late !== undefined) pass.event('Warning', late.reason, late.message);
  const told = { inUseBy, ...(revocation === undefined ? {} : { revocation }) };
  if (found instanceof Fault)
    return blocked({ ...withGranted(ownStatus(provider), granted), connected: false, ...told }, found, claims);
  if (former?.connected !== true) {
    pass.event('Normal', eventReasons.ValidateSucceeded, `Reached ${provider.spec.endpoint} with valid credentials.`);
  }
  const status = reportProvider(former, { ...found, inUseBy, granted, revocation }, pass.now);
  return settled(await deps.ownership.sealProvider(status, provider, pass.signal), {
    claims: [...healthyClaims(found.health.listDenied), ...claims],
    resyncAfterMs: found.dueInMs,
    ...(nextAt === undefined ? {} : { dueInMs: nextAt.getTime() - pass.now.getTime() }),
  });
};

/** Whom a withdrawn grant would hit; an Event says it once. */
const reportWithdrawal = ({ withdrawn }: ProviderSight, { provider, pass }: ProviderWork) => {
  const claim = grantWithdrawn(provider, withdrawn);
  if (claim === undefined) return [];
  if (!isTold(provider, claim)) pass.event('Warning', claim.reason, claim.message);
  return [claim];
};
