import { ofTheAccount } from './account.ts';
import { answers } from './answers.ts';
import type { Attempt } from './case.ts';
import { destinationsAndNames } from './destinations-and-names.ts';
import { forgedStatus } from './forged-status.ts';
import { hostsAndAccounts } from './hosts-and-accounts.ts';
import { logging } from './logging.ts';
import { notifications } from './notifications.ts';
import { ownerTags } from './owner-tags.ts';
import { references } from './references.ts';
import { remade } from './remade.ts';
import { replication } from './replication.ts';
import { revocation } from './revocation.ts';
import { secretsAndAnnotations } from './secrets-and-annotations.ts';
import { stripped } from './stripped.ts';
import { tagsAndPolicies } from './tags-and-policies.ts';
import { waits } from './waits.ts';

/** All that a tenant tries, but for the sieges. */
export const attempts: readonly Attempt[] = [
  ...hostsAndAccounts,
  ...forgedStatus,
  ...references,
  ...remade,
  ...tagsAndPolicies,
  ...ownerTags,
  ...secretsAndAnnotations,
  ...answers,
  ...destinationsAndNames,
  ...replication,
  ...logging,
  ...notifications,
  ...revocation,
  ...ofTheAccount,
  ...stripped,
  ...waits,
];
