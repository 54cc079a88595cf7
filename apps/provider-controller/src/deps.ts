import type { ProviderStatus } from '@operator/api';
import type { DriverPool, LabelsOf, Ownership, Provider } from '@operator/references';
import type { KubeClient, Metrics, ObjectKey, Pass } from '@operator/runtime';
import type { CheckMemory } from './check.ts';
import type { LookMemory } from './looks.ts';
import type { NamespaceWatch } from './namespace-watch.ts';
import type { OrphanSight } from './orphans.ts';
import type { RetainedFacts } from './retained.ts';
import type { AccessKeyUser, BucketUser, ProviderUsers } from './users.ts';

/** What the reconciler of Providers works with. */
export interface ProviderDeps {
  readonly kube: KubeClient;
  readonly pool: DriverPool;
  readonly metrics: Pick<Metrics, 'providerChecked'>;
  readonly checks: CheckMemory;
  /** Watches the Secrets that a Provider names, and enqueues it when one changes. */
  readonly secrets: { follow(provider: Provider): void };
  /** Everything that refers to a Provider, as the caches have it. */
  readonly usersOf: (key: ObjectKey) => ProviderUsers;
  /** The same by a live list of all namespaces: for what nobody may refer to any more. */
  readonly liveUsersOf: (key: ObjectKey, signal: AbortSignal) => Promise<ProviderUsers>;
  /** Every AccessKey of every namespace: as the caches have it, and by a live list. */
  readonly accessKeys: {
    known(): Iterable<AccessKeyUser>;
    live(signal: AbortSignal): Promise<readonly AccessKeyUser[]>;
  };
  /** By the value of the annotation that confirms orphans. */
  readonly orphans: LookMemory<OrphanSight, string>;
  /** Every Bucket as the caches have it, of the namespaces that this operator sees. */
  readonly buckets: { known(): Iterable<BucketUser>; readonly sees: (namespace: string) => boolean };
  /** By the number of the Provider's Buckets. */
  readonly retained: LookMemory<RetainedFacts, number>;
  /** The namespaces that a grant by selector matches; undefined where references do not leave their namespace. */
  readonly namespaces: NamespaceWatch | undefined;
  readonly labelsOf: LabelsOf;
  /** Proves, and checks, what a Provider's status says of where it leads. */
  readonly ownership: Pick<
    Ownership,
    'markOf' | 'sealProvider' | 'provenAccountOf' | 'remembersAt' | 'provenAccessKey'
  >;
}

/** One pass over one Provider. */
export interface ProviderWork {
  readonly provider: Provider;
  readonly deps: ProviderDeps;
  readonly pass: Pass<ProviderStatus>;
}
