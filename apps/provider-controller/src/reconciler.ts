import type { ProviderSpec, ProviderStatus } from '@operator/api';
import { eventReasons, reasons } from '@operator/api';
import { Fault, blocked, onlyFault, settled, waiting, type Blocked, type Settled } from '@operator/outcome';
import {
  driverVersion,
  namespaceResource,
  resolveConnection,
  type DriverPool,
  type LabelsOf,
  type Provider,
} from '@operator/references';
import {
  keyOf,
  ownStatus,
  type KubeClient,
  type Metrics,
  type ObjectKey,
  type Pass,
  type Reconciler,
} from '@operator/runtime';
import type { Driver, Health } from '@operator/s3';
import type { CheckMemory } from './check.ts';
import { claimsOfProviderFault, healthyClaims, mergeCapabilities, reportProvider } from './report.ts';
import { accountToKeep, keyServiceOf, serverChange } from './server-change.ts';
import { describeUsers, grantedUsers, type BucketUser, type ProviderUsers } from './users.ts';

export interface ProviderDeps {
  readonly kube: KubeClient;
  readonly pool: DriverPool;
  readonly metrics: Pick<Metrics, 'providerConnectivity'>;
  readonly checks: CheckMemory;
  /** Watches the Secrets that a Provider names, and enqueues it when one changes. */
  readonly secrets: { follow(provider: Provider): void };
  /** Everything that refers to a Provider. */
  readonly usersOf: (key: ObjectKey) => ProviderUsers;
  readonly labelsOf: LabelsOf;
}

type ProviderPass = Pass<ProviderStatus>;

/** Finds out whether a Provider can be reached, whether its credentials are good, and what its server can do. */
export const providerReconciler = (deps: ProviderDeps): Reconciler<ProviderSpec, ProviderStatus> => ({
  async reconcile(provider, pass) {
    const users = await grantedUsers(provider, deps.usersOf(keyOf(provider)), deps.labelsOf);
    return look(provider, users, deps, pass);
  },

  async finalize(provider, pass) {
    const users = await grantedUsers(provider, deps.usersOf(keyOf(provider)), deps.labelsOf);
    const isInUse = users.buckets.length + users.accessKeys.length > 0;
    return isInUse ? waitForUsers(provider, users, deps, pass) : { result: 'done' };
  },

  claimsOf: claimsOfProviderFault,

  providerOf: keyOf,
});

/** Checks the connection where that is due, and tells what the server can do. */
const look = async (
  provider: Provider,
  users: ProviderUsers,
  deps: ProviderDeps,
  pass: ProviderPass,
): Promise<Settled<ProviderStatus> | Blocked<ProviderStatus>> => {
  deps.secrets.follow(provider);
  const inUseBy = { buckets: users.buckets.length, accessKeys: users.accessKeys.length };

  const connected = await connect(provider, deps, pass).catch(onlyFault);
  if (connected instanceof Fault) return fail(provider, inUseBy, connected, deps);
  const { driver, version, credentialsVersion } = connected;

  const check =
    deps.checks.standing(provider, version, pass.now) ??
    deps.checks.remember(
      provider,
      version,
      pass.now,
      await pass.step('check', () => driver.checkHealth(pass)).catch(onlyFault),
    );
  if (check.result instanceof Fault) {
    const { kind, reason, message } = check.result;
    // Trying again is the check's own business: at its period, not at the workqueue's back-off.
    const fault = kind === 'terminal' ? check.result : waiting(reason, message, { retryAfterMs: check.dueInMs });
    return fail(provider, inUseBy, fault, deps);
  }
  const { accountId, serverVersion, listDenied } = check.result;
  const { serverIdentity } = driver;
  const place = { serverIdentity, keyService: keyServiceOf(driver), accountId, credentialsVersion };
  const moved = serverChange(provider, place, users);
  if (moved !== undefined) return fail(provider, inUseBy, moved, deps);
  const bucket = users.buckets.find((user) => isReadable(user, provider));
  const capabilities = await capabilitiesOf(provider, { driver, version, bucket, check: check.result }, deps, pass);

  deps.metrics.providerConnectivity(keyOf(provider), true);
  const former = provider.status;
  if (former?.connected !== true) {
    pass.event('Normal', eventReasons.ValidateSucceeded, `Reached ${provider.spec.endpoint} with valid credentials.`);
  }
  const facts = { ...place, accountId: accountToKeep(provider, place, users), serverVersion, capabilities, inUseBy };
  return settled(reportProvider(former, facts, pass.now), {
    claims: healthyClaims(listDenied),
    resyncAfterMs: check.dueInMs,
  });
};

/** A Provider that is to go is checked as before: those that still use it need it for their own deletion. */
const waitForUsers = async (
  provider: Provider,
  users: ProviderUsers,
  deps: ProviderDeps,
  pass: ProviderPass,
): Promise<Blocked<ProviderStatus>> => {
  const outcome = await look(provider, users, deps, pass);
  if (outcome.result === 'blocked') return outcome;
  const fault = waiting(
    reasons.InUse,
    `The Provider is still in use by ${describeUsers(users)}. It goes when they are gone.`,
    outcome.resyncAfterMs === undefined ? {} : { retryAfterMs: outcome.resyncAfterMs },
  );
  return blocked(outcome.status, fault, outcome.claims);
};

/** The driver for the Secrets as they are now. @throws the Faults of `resolveConnection` */
const connect = async (provider: Provider, deps: ProviderDeps, pass: ProviderPass) => {
  const resolved = await resolveConnection(deps.kube, provider, pass.signal).catch(onlyFault);
  const credentialsVersion =
    resolved instanceof Fault ? await versionInMemory(provider, resolved, deps, pass) : resolved.credentialsVersion;
  const version = driverVersion(provider, credentialsVersion);
  const driver = await deps.pool.driverOf(provider, version, () =>
    resolved instanceof Fault ? Promise.reject(resolved) : Promise.resolve(resolved),
  );
  return { driver, version, credentialsVersion };
};

/**
 * The version of the credentials that are still in memory, when a Secret went before those who need it: a namespace under
 * deletion loses its Secrets first. @throws `missing` where nobody leaves: then it is a mistake, or the end of the credentials
 */
const versionInMemory = async (
  { metadata, status }: Provider,
  missing: Fault,
  { kube }: ProviderDeps,
  { signal }: ProviderPass,
): Promise<string> => {
  const isLeaving = async () => {
    if (metadata.deletionTimestamp !== undefined) return true;
    const namespace = await kube.get(namespaceResource, { name: metadata.namespace }, { signal });
    return namespace?.metadata.deletionTimestamp !== undefined;
  };
  const version = status?.credentialsVersion;
  if (missing.reason === reasons.SecretNotFound && version !== undefined && (await isLeaving())) return version;
  throw missing;
};

/** A bucket that the probe may read: ours, there, and where the Provider's own client reaches it. */
const isReadable = ({ spec, status }: BucketUser, provider: Provider): boolean =>
  status?.exists === true &&
  status.ownership !== undefined &&
  status.bucketName === spec.name &&
  (status.region ?? provider.spec.region) === provider.spec.region;

const fail = (
  provider: Provider,
  inUseBy: NonNullable<ProviderStatus['inUseBy']>,
  fault: Fault,
  { metrics }: ProviderDeps,
): Blocked<ProviderStatus> => {
  metrics.providerConnectivity(keyOf(provider), false);
  return blocked({ ...ownStatus(provider), connected: false, inUseBy }, fault);
};

interface Found {
  readonly driver: Driver;
  readonly version: string;
  readonly bucket: BucketUser | undefined;
  readonly check: Health;
}

/** What the server can do: asked once by each process for each version, and again when there is a bucket to read from. */
const capabilitiesOf = async (
  provider: Provider,
  { driver, version, bucket, check }: Found,
  { checks }: ProviderDeps,
  pass: ProviderPass,
): Promise<ProviderStatus['capabilities']> => {
  const { status, metadata } = provider;
  const hasBucket = bucket !== undefined;
  if (status?.capabilities !== undefined && !checks.needsProbe(provider, version, hasBucket))
    return status.capabilities;
  const probed = await pass.step('probe', () => driver.probe(pass, bucket?.spec.name));
  checks.probed(provider, version, hasBucket);
  const isSame = status?.observedGeneration === metadata.generation && status.serverVersion === check.serverVersion;
  return mergeCapabilities(isSame ? status.capabilities : undefined, probed);
};
