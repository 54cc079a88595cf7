import type { ControllerName } from '../controllers.ts';

/** What one controller may do with one resource, and where. */
export interface Grant {
  readonly group: '' | 'apps' | 's3.cloud37.dev' | 'coordination.k8s.io';
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Only objects of these names; all when absent. */
  readonly names?: readonly string[];
  /**
   * `own`: in the namespaces whose objects it reconciles. `referred`: wherever a reference may lead, so in all namespaces unless references
   * stay in their namespace. `secrets`: where Providers and AccessKeys are. `release`: in the operator's own namespace. `cluster`: objects
   * without a namespace; with Roles alone those of the same name as a namespace that is watched, and kube-system. `clusterRole`: objects without
   * a namespace, and nowhere with Roles alone.
   */
  readonly where: 'own' | 'referred' | 'secrets' | 'release' | 'cluster' | 'clusterRole';
  /** The value below `rbac` without which it is not granted. */
  readonly when?: 'configMaps' | 'rollouts';
  /** Why no run of the tests needs it: what the end-to-end test of the presets does not see used must say so here. */
  readonly unseen?: string;
  /** For docs/rbac.md: what it is for. */
  readonly why: string;
}

const group = 's3.cloud37.dev';
const read = ['get', 'list', 'watch'] as const;

/** What a controller does with the kind that it reconciles. */
const kind = (resource: string): readonly Grant[] => [
  { group, resource, verbs: ['list', 'watch', 'patch'], where: 'own', why: 'reconcile them, and set their finalizer' },
  { group, resource: `${resource}/status`, verbs: ['patch'], where: 'own', why: 'write their status' },
];

/** Before something is written to a server, or taken away, the object itself is asked for once more. */
const live = (resource: string): Grant => ({
  group,
  resource,
  verbs: ['get'],
  where: 'referred',
  why: 'a last look before something is taken away',
});
const referred = (resource: string, why: string): Grant => ({
  group,
  resource,
  verbs: ['list', 'watch'],
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
  {
    group: '',
    resource: 'secrets',
    verbs: ['create'],
    where: 'release',
    unseen: 'Whichever controller is first creates it.',
    why: 'create the proof key, once',
  },
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
    {
      group,
      resource: 'providers',
      verbs: ['get'],
      where: 'own',
      unseen: 'Asked only when a change of the finalizer loses a race.',
      why: 'a last look before the finalizer goes',
    },
    referred('buckets', 'who uses a Provider'),
    referred('accesskeys', 'who uses a Provider'),
    {
      group: '',
      resource: 'secrets',
      verbs: [...read],
      where: 'secrets',
      why: 'credentials of Providers, and when they change',
    },
    {
      group: '',
      resource: 'namespaces',
      verbs: ['list', 'watch'],
      where: 'clusterRole',
      why: '`status.grantedNamespaces` of Providers with `allowedNamespaces.selector`',
    },
    ...everyController,
  ],
  bucket: [
    ...kind('buckets'),
    live('buckets'),
    referred('buckets', 'the Buckets that features refer to'),
    referred('providers', 'the Provider of a Bucket'),
    referred('bucketpolicies', 'conflicts between policies'),
    referred('accesskeys', 'who borrows a Bucket'),
    {
      group: '',
      resource: 'secrets',
      verbs: ['get'],
      where: 'secrets',
      why: 'credentials of Providers, and MFA devices of Buckets',
    },
    ...everyController,
  ],
  policy: [
    ...kind('bucketpolicies'),
    { group, resource: 'bucketpolicies', verbs: ['get'], where: 'own', why: 'a last look before a write' },
    {
      ...live('buckets'),
      unseen: 'Asked when the owner tags of a bucket name another Bucket: whether that one is gone.',
    },
    live('providers'),
    referred('bucketpolicies', 'others for the same bucket'),
    referred('buckets', 'the Bucket of a policy'),
    referred('providers', 'its Provider'),
    referred('accesskeys', 'users that a policy names'),
    { group: '', resource: 'secrets', verbs: ['get'], where: 'secrets', why: 'credentials of Providers' },
    ...everyController,
  ],
  accesskey: [
    ...kind('accesskeys'),
    { group, resource: 'accesskeys', verbs: ['get'], where: 'own', why: 'a last look before a write' },
    live('providers'),
    live('buckets'),
    {
      group,
      resource: 'accesskeys/finalizers',
      verbs: ['update'],
      where: 'own',
      unseen: 'An admission plugin asks for it, not the controller.',
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
    {
      group: '',
      resource: 'configmaps',
      verbs: ['get', 'create', 'patch', 'delete'],
      where: 'own',
      when: 'configMaps',
      why: 'the ConfigMap of `secretTemplate.presets: [RookObjectBucketClaim]`',
    },
    ...['deployments', 'statefulsets', 'daemonsets'].map((resource): Grant => ({
      group: 'apps',
      resource,
      verbs: ['get', 'patch'],
      where: 'own',
      when: 'rollouts',
      why: 'restart what `rollout` of an AccessKey names',
    })),
    ...everyController,
  ],
};
