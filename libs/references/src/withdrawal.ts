import {
  annotations,
  bucketResource,
  commandToAnnotate,
  conditionTypes,
  providerResource,
  reasons,
} from '@operator/api';
import { listFirst, type Claim } from '@operator/outcome';
import type { CommonStatus } from '@operator/runtime';
import { confirmedWithdrawals, withdrawalOf, type GrantState, type LabelsOf, type Lender } from './grants.ts';

/** An object that has something at the server by the grant of a lender. */
export interface Borrower {
  readonly kind: string;
  readonly namespace: string;
}

/** Who lends: a Provider or a Bucket, as stored. */
export type LendingObject = Lender & {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly status?: CommonStatus;
};

/** The borrowers whose grant is withdrawn without a confirmation: they keep what they have. A namespace is asked about once. */
export const withdrawnBorrowers = async <T extends Borrower>(
  lender: Lender,
  borrowers: Iterable<T>,
  labelsOf: LabelsOf,
): Promise<readonly T[]> => {
  const states = new Map<string, GrantState>();
  const withdrawn: T[] = [];
  for (const borrower of borrowers) {
    const { namespace } = borrower;
    const state = states.get(namespace) ?? (await withdrawalOf(lender, namespace, labelsOf));
    states.set(namespace, state);
    if (state === 'withdrawn') withdrawn.push(borrower);
  }
  return withdrawn;
};

/** How many namespaces a message lists. */
const namedAtMost = 10;

const countsOf = (borrowers: readonly Borrower[]): string => {
  const counts = new Map<string, number>();
  for (const { kind } of borrowers) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, count]) => `${String(count)} ${count === 1 ? kind : pluralOf(kind)}`)
    .join(' and ');
};

const pluralOf = (kind: string): string =>
  kind.endsWith('y') && !kind.endsWith('ey') ? `${kind.slice(0, -1)}ies` : `${kind}s`;

/**
 * The condition that tells, on the lender, whom a withdrawn grant would hit, with the command that confirms it. It only informs.
 * Pure. `borrowers`: those of `withdrawnBorrowers`; undefined when there are none.
 */
export const grantWithdrawn = (lender: LendingObject, borrowers: readonly Borrower[]): Claim | undefined => {
  if (borrowers.length === 0) return undefined;
  const namespaces = [...new Set(borrowers.map(({ namespace }) => namespace))].sort();
  return {
    type: conditionTypes.GrantWithdrawn,
    status: 'True',
    reason: reasons.GrantWithdrawn,
    onlyInforms: true,
    message:
      `allowedNamespaces does not grant ${namespaces.length === 1 ? 'namespace' : 'namespaces'} ${listFirst(namespaces, namedAtMost)}, where ` +
      `${countsOf(borrowers)} still ${borrowers.length === 1 ? 'uses' : 'use'} this ${lender.kind}. They keep what they have and get ` +
      `nothing new. Grant the namespace again, or remove their rights and policies: ${commandToWithdraw(lender, namespaces)}`,
  };
};

/** The command by which a lender confirms that these namespaces lost their grant. What was confirmed before stays confirmed. */
export const commandToWithdraw = (lender: Omit<LendingObject, 'status'>, namespaces: readonly string[]): string => {
  const confirmed = [...new Set([...confirmedWithdrawals(lender), ...namespaces.slice(0, namedAtMost)])].join(',');
  const resource = lender.kind === bucketResource.kind ? bucketResource : providerResource;
  return commandToAnnotate(resource, lender.metadata, annotations.confirmWithdrawal, confirmed);
};

/** The namespaces of a message, as it names them. */
const namespacesIn = (message: string): string | undefined => message.split(', where ')[0];

/** True when the stored lender tells of the same namespaces already, so that no Event says it again. */
export const isTold = ({ status }: Pick<LendingObject, 'status'>, { type, message }: Claim): boolean =>
  status?.conditions?.some(
    (condition) => condition.type === type && namespacesIn(condition.message) === namespacesIn(message),
  ) === true;
