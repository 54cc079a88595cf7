import { annotations, commandToAnnotate, entriesIn, providerResource, reasons } from '@operator/api';
import { waiting, type Fault } from '@operator/outcome';
import type { Provider } from '@operator/references';
import type { Driver } from '@operator/s3';
import { countOf, describeUsers, usersAtServer, type ProviderUsers } from './users.ts';

/** Where a Provider leads. */
export interface Place {
  readonly serverIdentity: string;
  /** Undefined where no keys are issued. */
  readonly keyService: string | undefined;
  /** Undefined where the server does not tell, as when the credentials may not list buckets. */
  readonly accountId: string | undefined;
  readonly credentialsVersion: string;
}

/** The service that issues a driver's keys; undefined where none does. */
export const keyServiceOf = ({ keys }: Pick<Driver, 'keys'>): string | undefined =>
  typeof keys === 'string' ? undefined : keys.identity;

const nobody: ProviderUsers = { buckets: [], accessKeys: [] };

/** What of the identity of a key service is its address: `https://iam.test` of `iam+https://iam.test`. */
const addressOf = (keyService: string): string => keyService.slice(keyService.indexOf('+') + 1);
const protocolOf = (keyService: string): string => keyService.slice(0, keyService.indexOf('+'));

/**
 * What objects have at one server is not looked for at another: it would be made there anew, and be stranded where it is. So a
 * Provider in use stays with its server, its key service and its account, unless a person says that the new address leads to
 * the same one. Undefined: it has stayed, or nothing is held.
 */
export const serverChange = (provider: Provider, now: Place, users: ProviderUsers): Fault | undefined => {
  const held = usersAtServer(users);
  if (countOf(held) === 0) return undefined;
  const declared = entriesIn(provider.metadata.annotations?.[annotations.sameServer]);
  return (
    otherServer(provider, now, held, declared) ??
    otherKeyService(provider, now, held, declared) ??
    // A server that is the same by a person's word may name its accounts otherwise.
    (hasMoved(provider, now) ? undefined : otherAccount(provider, now, held, declared))
  );
};

/** True when something of where the Provider leads is not as its status says, or cannot be told any more. */
export const hasChanged = ({ status }: Provider, now: Place): boolean => {
  if (status?.endpoint === undefined) return false;
  const isAccountAsBefore =
    status.accountId === undefined ||
    status.accountId === now.accountId ||
    (now.accountId === undefined && status.credentialsVersion === now.credentialsVersion);
  const isServiceAsBefore = status.keyService === undefined || status.keyService === now.keyService;
  return status.endpoint !== now.serverIdentity || !isServiceAsBefore || !isAccountAsBefore;
};

const hasMoved = ({ status }: Provider, { serverIdentity }: Place): boolean =>
  status?.endpoint !== undefined && status.endpoint !== serverIdentity;

const otherServer = (
  provider: Provider,
  { serverIdentity }: Place,
  held: ProviderUsers,
  declared: readonly string[],
): Fault | undefined => {
  const former = provider.status?.endpoint;
  if (former === undefined || former === serverIdentity || declared.includes(serverIdentity)) return undefined;
  return changed(
    `spec.endpoint now points to ${serverIdentity}, but ${former}`,
    { held, old: 'endpoint' },
    `If it is the same server, say so: ${commandToDeclare(provider, [serverIdentity])}`,
  );
};

/** Keys are issued, and revoked, by one service, which need not be at the server's address. */
const otherKeyService = (
  provider: Provider,
  { keyService }: Place,
  { accessKeys }: ProviderUsers,
  declared: readonly string[],
): Fault | undefined => {
  const former = provider.status?.keyService;
  if (former === undefined || former === keyService || accessKeys.length === 0) return undefined;
  const kept = { held: { ...nobody, accessKeys }, old: 'address of that service' };
  if (keyService === undefined) return changed(`No keys are issued any more, but ${former}`, kept);
  const lead = `Keys are now issued by ${keyService}, but ${former}`;
  // Another protocol has other users, whatever the address.
  if (protocolOf(former) !== protocolOf(keyService)) return changed(lead, kept);
  const address = addressOf(keyService);
  if (declared.includes(address)) return undefined;
  const command = commandToDeclare(provider, [...declared, address]);
  return changed(lead, kept, `If it is the same service, say so: ${command}`);
};

/** What cannot be told is taken for a change only with other credentials: the same ones are of the same account. */
const otherAccount = (
  provider: Provider,
  { accountId, credentialsVersion }: Place,
  held: ProviderUsers,
  declared: readonly string[],
): Fault | undefined => {
  const { accountId: former, credentialsVersion: formerVersion } = provider.status ?? {};
  const kept = { held, old: 'credentials' };
  if (former === undefined || former === accountId) return undefined;
  if (accountId !== undefined) {
    return changed(`The credentials are now of account ${accountId}, but account ${former}`, kept);
  }
  if (formerVersion === undefined || formerVersion === credentialsVersion || declared.includes(former))
    return undefined;
  return changed(
    `The Secrets have changed, and the server does not say of which account these credentials are, but account ${former}`,
    kept,
    'It says so to credentials that may list buckets (s3:ListAllMyBuckets). If these are of that account, you may also say so yourself: ' +
      commandToDeclare(provider, [...declared, former]),
  );
};

/**
 * The account to remember where the server tells none: it is not forgotten while the credentials are the same, or something is held
 * there. `proven`: the one in the status, if we wrote it.
 */
export const accountToKeep = (
  provider: Provider,
  proven: string | undefined,
  now: Place,
  users: ProviderUsers,
): string | undefined => {
  if (hasMoved(provider, now)) return undefined;
  const isSame = provider.status?.credentialsVersion === now.credentialsVersion;
  return isSame || countOf(usersAtServer(users)) > 0 ? proven : undefined;
};

/** The command by which a person says that these are the former server, service or account. */
const commandToDeclare = ({ metadata }: Provider, values: readonly string[]): string =>
  commandToAnnotate(providerResource, metadata, annotations.sameServer, values.join(','));

/** What would be stranded, and what was there before. */
interface Kept {
  readonly held: ProviderUsers;
  /** In words: follows "Restore the old". */
  readonly old: string;
}

const changed = (lead: string, { held, old }: Kept, wayOut?: string): Fault =>
  waiting(
    reasons.ServerChanged,
    [`${lead} is used by ${describeUsers(held)}. Restore the old ${old}, or delete those objects first.`, wayOut]
      .filter((part) => part !== undefined)
      .join(' '),
  );
