import type { ControllerName } from './controllers.ts';

/** What one controller may do with one resource, and where. */
export interface Grant {
  readonly group: '' | 's3.cloud37.dev' | 'coordination.k8s.io';
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Only objects of these names; all when absent. */
  readonly names?: readonly string[];
  /**
   * `own`: in the namespaces whose objects it reconciles. `referred`: wherever a reference may lead, so in all namespaces unless references
   * stay in their namespace. `secrets`: where Providers and AccessKeys are. `release`: in the operator's own namespace. `cluster`: objects
   * without a namespace.
   */
  readonly where: 'own' | 'referred' | 'secrets' | 'release' | 'cluster';
  /** For docs/rbac.md: what it is for. */
  readonly why: string;
}

const group = 's3.cloud37.dev';
const read = ['get', 'list', 'watch'] as const;

/** What a controller does with the kind that it reconciles. */
const kind = (resource: string): readonly Grant[] => [
  { group, resource, verbs: [...read, 'patch'], where: 'own', why: 'reconcile them, and set their finalizer' },
  { group, resource: `${resource}/status`, verbs: ['patch'], where: 'own', why: 'write their status' },
];
const referred = (resource: string, why: string): Grant => ({
  group,
  resource,
  verbs: [...read],
  where: 'referred',
  why,
});

const everyController: readonly Grant[] = [
  { group: '', resource: 'events', verbs: ['create', 'patch'], where: 'own', why: 'tell what happened' },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['get', 'create', 'update'],
    where: 'release',
    why: 'elect a leader',
  },
  {
    group: '',
    resource: 'secrets',
    verbs: ['get'],
    names: ['s3-operator-proof-key'],
    where: 'release',
    why: 'prove what a status remembers',
  },
  { group: '', resource: 'secrets', verbs: ['create'], where: 'release', why: 'create the proof key, once' },
  {
    group: '',
    resource: 'namespaces',
    verbs: ['get'],
    where: 'cluster',
    why: 'the identity of the cluster (kube-system), and labels for `allowedNamespaces.selector`',
  },
];

/** What each controller may do. The roles of the charts and docs/rbac.md are generated from here. */
export const grants: Readonly<Record<ControllerName, readonly Grant[]>> = {
  provider: [
    ...kind('providers'),
    referred('buckets', 'who uses a Provider'),
    referred('accesskeys', 'who uses a Provider'),
    {
      group: '',
      resource: 'secrets',
      verbs: [...read],
      where: 'secrets',
      why: 'credentials of Providers, and when they change',
    },
    ...everyController,
  ],
  bucket: [
    ...kind('buckets'),
    referred('providers', 'the Provider of a Bucket'),
    referred('bucketpolicies', 'conflicts between policies'),
    referred('accesskeys', 'who borrows a Bucket'),
    { group: '', resource: 'secrets', verbs: ['get'], where: 'secrets', why: 'credentials of Providers' },
    ...everyController,
  ],
  policy: [
    ...kind('bucketpolicies'),
    referred('buckets', 'the Bucket of a policy'),
    referred('providers', 'its Provider'),
    referred('accesskeys', 'users that a policy names'),
    { group: '', resource: 'secrets', verbs: ['get'], where: 'secrets', why: 'credentials of Providers' },
    ...everyController,
  ],
  accesskey: [
    ...kind('accesskeys'),
    {
      group,
      resource: 'accesskeys/finalizers',
      verbs: ['update'],
      where: 'own',
      why: 'owner references of Secrets, where the admission plugin OwnerReferencesPermissionEnforcement is on',
    },
    referred('providers', 'the Provider of an AccessKey'),
    referred('buckets', 'the Buckets that a key may use'),
    {
      group: '',
      resource: 'secrets',
      verbs: [...read, 'create', 'patch', 'delete'],
      where: 'secrets',
      why: 'credentials of Providers, and the Secrets of AccessKeys',
    },
    ...everyController,
  ],
};
