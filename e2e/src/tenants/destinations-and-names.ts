import { readFile } from 'node:fs/promises';
import { labels } from '@operator/api';
import { conditionOf, openAccess, type Manifest, type OurKind } from '@operator/tools/harness';
import { expectRefusedAtAdmission, Found, platform, undisclosed, type Attempt, type Case } from './case.ts';

/**
 * No process has begun a connection to such an address. Each attempt has link-local addresses of its own, at which nothing is: the
 * one at which clouds keep the credentials of their machines may be real where the tests run.
 */
const expectNoConnection = async ({ stage }: Case, addresses: readonly string[]) => {
  const lines = (await readFile(stage.connectionsLog, 'utf8')).split('\n');
  const begun = lines.find((line) => addresses.some((address) => line.startsWith(`${address} `)));
  if (begun !== undefined) throw new Found('harm', `the operator connected to ${begun}`);
};

const leadTo = (
  threat: string,
  title: string,
  endpoints: readonly string[],
  addresses: readonly string[] = endpoints.map((endpoint) => new URL(endpoint).hostname.replace(/^\[|\]$/g, '')),
): Attempt => ({
  threat,
  title,
  async act(given) {
    for (const [position, endpoint] of endpoints.entries()) {
      const name = `inward${String(position)}`;
      await given.provider(name, endpoint);
      await given.verdict('Provider', name);
      given.refuse('Provider', name);
    }
  },
  judge: (given) => expectNoConnection(given, addresses),
  twin: (given) => given.lawfulProvider(),
});

const messageOf = async (given: Case, kind: OurKind, name: string) =>
  conditionOf(await given.admin.get(kind, given.namespace, name), 'Ready')?.message ?? '';

export const destinationsAndNames: readonly Attempt[] = [
  leadTo('T81', "a Provider leads to a link-local address, as that of a cloud's metadata is", [
    'http://169.254.81.1',
    'http://169.254.81.2:80',
  ]),
  leadTo('T82', 'a name of a host leads to a link-local address', ['http://inward.tenant.test'], ['169.254.82.1']),
  leadTo(
    'T83',
    "IPv6 notations lead to a link-local address, or to that of a cloud's metadata",
    ['http://[::ffff:169.254.83.1]', 'http://[fe80::83]', 'http://[fd00:ec2::254]'],
    ['169.254.83.1', '::ffff:a9fe:5301', '::ffff:169.254.83.1', 'fe80::83', 'fd00:ec2::254'],
  ),
  {
    threat: 'T84',
    title: 'an iamEndpoint leads to a link-local address',
    async act(given) {
      const { url } = await given.hostile({ owner: 'tenant' });
      await given.provider('inward', url, { type: 'custom', iamEndpoint: 'http://169.254.84.1' });
      await given.verdict('Provider', 'inward');
      await given.tenant.create('AccessKey', given.namespace, 'key', {
        spec: { providerRef: { name: 'inward' } },
      });
      await given.verdict('AccessKey', 'key');
      given.refuse('AccessKey', 'key');
    },
    judge: (given) => expectNoConnection(given, ['169.254.84.1']),
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T120',
    title: 'an adminEndpoint leads to a link-local address',
    async act(given) {
      const { url } = await given.hostile({ owner: 'tenant' });
      await given.provider('inward', url, { type: 'custom', adminEndpoint: 'http://169.254.84.2' });
      await given.admin.untilReady('Provider', given.namespace, 'inward');
      await given.tenant.create('Bucket', given.namespace, 'full', {
        spec: { providerRef: { name: 'inward' }, name: given.freshName('full'), quota: { maxBytes: 1_000_000 } },
      });
      await given.verdict('Bucket', 'full');
      given.refuse('Bucket', 'full');
    },
    judge: (given) => expectNoConnection(given, ['169.254.84.2']),
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T85',
    title: 'a redirect leads to a link-local address',
    async act(given) {
      const { url } = await given.hostile({
        script: () => ({ status: 307, headers: { location: 'http://169.254.85.1/latest/meta-data/' } }),
      });
      await given.provider('inward', url);
      await given.verdict('Provider', 'inward');
      given.refuse('Provider', 'inward');
    },
    judge: (given) => expectNoConnection(given, ['169.254.85.1']),
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T86',
    title: 'a Bucket of a taken name is told who has it',
    async act(given) {
      const victim = await given.victim();
      await given.bucket('curious', 'shared', victim.bucket);
      await given.verdict('Bucket', 'curious');
      await given.again('Bucket', 'curious');
      given.refuse('Bucket', 'curious');
    },
    twin: (given) => given.lawfulBucket(),
  },
  {
    threat: 'T87',
    title: 'a BucketPolicy that lost against one of a third namespace is told whose that is',
    async act(given) {
      const name = given.freshName('granted');
      const third = `withheld-${name.slice(-6)}`;
      await given.admin.create('Bucket', undisclosed, name, {
        spec: {
          providerRef: { name: 'shared', namespace: platform },
          name,
          allowedNamespaces: { names: [given.namespace, 'neighbour'] },
          ...openAccess,
        },
      });
      await given.admin.untilReady('Bucket', undisclosed, name);
      const statement = [
        { effect: 'Allow', principal: '*', action: 's3:GetObject', resource: 'arn:aws:s3:::${bucket}/*' },
      ];
      const spec = { spec: { bucketRef: { name, namespace: undisclosed }, policy: { statement } } };
      await given.admin.create('BucketPolicy', 'neighbour', third, spec);
      await given.admin.untilReady('BucketPolicy', 'neighbour', third);
      await given.until(
        async () => Date.now() - Date.parse(await createdAt(given, 'neighbour', third)),
        (ageMs) => ageMs > 1_100,
        'the first policy is older, by the second',
      );
      await given.tenant.create('BucketPolicy', given.namespace, 'curious', spec);
      await given.verdict('BucketPolicy', 'curious');
      given.refuse('BucketPolicy', 'curious');
      const message = await messageOf(given, 'BucketPolicy', 'curious');
      if (message.includes(third) || message.includes('neighbour'))
        throw new Found('name', `a message names another namespace: ${message}`);
      // The namespace of the Bucket it knows.
      given.namesHidden = false;
    },
    twin: (given) => given.lawfulPolicy(),
  },
  {
    threat: 'T88',
    title: 'the answers of the lent server show what else its account has',
    async act(given) {
      const victim = await given.victim({ key: true });
      const { name } = await given.lawfulKey();
      given.unsayable.push(victim.bucket, victim.key?.userName ?? victim.bucket);
      await given.policy('named', name, 'arn:aws:s3:::${bucket}/*', { principal: { AWS: 'arn:aws:iam::1:user/x' } });
      await given.verdict('BucketPolicy', 'named');
      await given.key('key', 'shared', [name], {
        policy: { statement: [{ effect: 'Deny', action: 's3:PutObject', resource: '*' }] },
      });
      await given.verdict('AccessKey', 'key');
    },
    twin: (given) => given.lawfulPolicy(),
  },
  {
    threat: 'T148',
    title:
      "a Provider of the tenant's own grants by a selector, to learn which namespaces there are and how they are labelled",
    async act(given) {
      await expectRefusedAtAdmission(
        () => given.tenant.patch('Namespace', undefined, given.namespace, { metadata: { labels: mayShow } }),
        403,
      );
      const { url } = await given.hostile();
      await given.provider('everybody', url, { allowedNamespaces: { selector: {} } });
      await given.verdict('Provider', 'everybody');
      await given.again('Provider', 'everybody');
    },
    async judge(given) {
      const shown = await grantedBy(given);
      if (shown.length > 0) throw new Found('name', `the status shows other namespaces: ${shown.join(', ')}`);
    },
    async twin(given) {
      await given.admin.patch('Namespace', undefined, given.namespace, { metadata: { labels: mayShow } });
      await given.until(
        () => grantedBy(given),
        (shown) => shown.length > 1,
        'the Provider shows whom it grants',
      );
    },
  },
];

const mayShow = { [labels.showGrantedNamespaces]: 'true' };

/** What the status of the Provider `everybody` says of the namespaces that it grants: their number, and their names. */
const grantedBy = async (given: Case): Promise<readonly unknown[]> => {
  const status = (await given.admin.get('Provider', given.namespace, 'everybody'))?.status as Manifest | undefined;
  const { grantedNamespaceCount, grantedNamespaces = [] } = status ?? {};
  return [
    ...(grantedNamespaceCount === undefined ? [] : [grantedNamespaceCount]),
    ...(grantedNamespaces as readonly string[]),
  ];
};

const createdAt = async (given: Case, namespace: string, name: string): Promise<string> => {
  const stored = await given.admin.get('BucketPolicy', namespace, name);
  return (stored?.metadata as { creationTimestamp?: string } | undefined)?.creationTimestamp ?? '';
};
