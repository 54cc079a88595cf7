import type { ProviderStatus } from '@operator/api';
import type { Provider } from '@operator/references';
import { keyOf, pick } from '@operator/runtime';
import type { NamespaceWatch } from './namespace-watch.ts';

/** What of a Provider's status tells of the namespaces that it grants. It only tells: what is granted is decided by `isGranted`. */
export type GrantedFacts = Pick<ProviderStatus, 'grantedNamespaces' | 'grantedNamespaceCount'>;

const fields = ['grantedNamespaces', 'grantedNamespaceCount'] as const satisfies readonly (keyof GrantedFacts)[];

/** How many namespaces a status names. */
const listedAtMost = 100;
/** In place of names: all of them. No namespace has that name. */
const everyNamespace = '*';

/** The status of these namespaces, each once. `owner`: namespace of the Provider, which needs no grant. Pure. */
const reportGranted = (names: readonly string[], owner: string): GrantedFacts => {
  const granted = [...new Set(names)].filter((name) => name !== owner).sort();
  return {
    ...(granted.length === 0 ? {} : { grantedNamespaces: granted.slice(0, listedAtMost) }),
    grantedNamespaceCount: granted.length,
  };
};

/** What the status says already of the same spec, until this process has seen the namespaces itself. */
const knownOf = ({ metadata, status = {} }: Provider): GrantedFacts =>
  status.observedGeneration === metadata.generation ? pick(status, ...fields) : {};

/** The status with these in place of what it said of them. Pure. */
export const withGranted = (status: ProviderStatus, granted: GrantedFacts): ProviderStatus => ({
  ...Object.fromEntries(Object.entries(status).filter(([field]) => !fields.some((own) => own === field))),
  ...granted,
});

/**
 * Which namespaces the Provider grants now. Names count whether or not such a namespace exists: it is granted as soon as it does. Nothing is
 * said where a part is not known. `namespaces`: undefined where references do not leave their namespace.
 */
export const observeGranted = (provider: Provider, namespaces: NamespaceWatch | undefined): GrantedFacts => {
  if (namespaces === undefined) return {};
  const { all, names = [], selector } = provider.spec.allowedNamespaces ?? {};
  const { namespace: owner } = provider.metadata;
  if (all === true || selector === undefined) {
    namespaces.unfollow(keyOf(provider));
    return all === true ? { grantedNamespaces: [everyNamespace] } : reportGranted(names, owner);
  }
  const matching = namespaces.follow(provider, selector);
  if (matching === 'pending') return knownOf(provider);
  return matching === 'hidden' ? {} : reportGranted([...names, ...matching], owner);
};
