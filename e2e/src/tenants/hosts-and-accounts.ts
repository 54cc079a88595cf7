import { GetUserPolicyCommand, IAMClient, ListUserPoliciesCommand } from '@aws-sdk/client-iam';
import { expectRefusedAtAdmission, Found, platform, undisclosed, type Attempt, type Case, type Lent } from './case.ts';

/**
 * A host of the tenant's own that passes for a server which is lent; its Bucket "makes" the victim's bucket there. `owner`: the
 * account that it names.
 */
const passFor = async (given: Case, through: Lent['name'], host: string, type: string, owner?: string) => {
  const victim = await given.victim({ through, managed: false });
  const { port } = await given.hostile({ buckets: ['a-bucket'], ...(owner !== undefined && { owner }) });
  const endpoint = `http://${host.replace('VICTIM', victim.bucket)}:${String(port)}`;
  await given.provider('own', endpoint, { type, iamEndpoint: endpoint });
  await given.bucket('taken', 'own', victim.bucket);
  await given.verdictBeyond('Bucket', 'taken', 'own');
  await given.refusedKey('key', through, ['taken']);
};

/** The true owner comes later, and must get its bucket all the same. */
const ownerComes = async (given: Case, through: Lent['name'], bucket: string) => {
  const victim = await given.victim({ through, bucket });
  await given.admin.untilReady('Bucket', undisclosed, victim.name);
};

interface Imitated {
  readonly spec: { readonly providerRef: { readonly name: string; readonly namespace: string } };
}

/** A lent Provider of type wasabi. */
const imitatedWasabi = async (given: Case): Promise<Imitated> => {
  const name = given.freshName('wasabi');
  const { port } = await given.hostile({ owner: 'lender' });
  await given.world.createProvider(platform, name, {
    server: 'moto',
    endpoint: `http://s3.us-east-1.wasabisys.com:${String(port)}`,
    spec: {
      type: 'wasabi',
      iamEndpoint: given.world.server('moto').endpoint,
      allowedNamespaces: { names: [given.namespace] },
    },
  });
  await given.admin.untilReady('Provider', platform, name);
  return { spec: { providerRef: { name, namespace: platform } } };
};

const accessTo = (spec: Imitated['spec'], bucket: string) => ({
  spec: { ...spec, access: [{ bucketRef: { name: bucket }, level: 'Admin' }] },
});

/** The documents of the user behind an AccessKey, as moto has them. */
const rightsAtIam = async (given: Case, name: string): Promise<string> => {
  const { status } = (await given.admin.get('AccessKey', given.namespace, name)) ?? {};
  if (status?.userName === undefined) return '';
  const { endpoint, region, accessKey, secretKey } = given.world.server('moto');
  const iam = new IAMClient({
    endpoint,
    region,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  });
  try {
    const UserName = status.userName;
    const { PolicyNames: policies = [] } = await iam.send(new ListUserPoliciesCommand({ UserName }));
    const documents = policies.map(async (PolicyName) => {
      const { PolicyDocument } = await iam.send(new GetUserPolicyCommand({ UserName, PolicyName }));
      return decodeURIComponent(PolicyDocument ?? '');
    });
    return (await Promise.all(documents)).join('\n');
  } catch (error) {
    if ((error as { name?: string }).name === 'NoSuchEntityException') return '';
    throw error;
  } finally {
    iam.destroy();
  }
};

export const hostsAndAccounts: readonly Attempt[] = [
  {
    threat: 'T01',
    title: "a virtual host of the victim's bucket at Amazon passes for Amazon",
    act: (given) => passFor(given, 'shared-aws', 'VICTIM.s3.us-east-1.amazonaws.com', 'aws'),
    twin: (given) => given.lawfulKey('shared-aws'),
  },
  {
    threat: 'T02',
    title: "a virtual machine at Amazon, which names the lender's account, passes for its S3",
    act: async (given) => {
      const { status } = await given.admin.untilReady('Provider', platform, 'shared-aws');
      await passFor(given, 'shared-aws', 'ec2-203-0-113-7.compute-1.amazonaws.com', 'aws', status?.accountId);
    },
    twin: (given) => given.lawfulKey('shared-aws'),
  },
  {
    threat: 'T03',
    title: 'a host below wasabisys.com passes for Wasabi',
    // Nobody can run Wasabi: an endpoint of ours plays its buckets, moto its IAM, and the rights are looked up there.
    async act(given) {
      const { spec } = await imitatedWasabi(given);
      const bucket = given.freshName('vault');
      const { port } = await given.hostile({ buckets: ['a-bucket'] });
      const endpoint = `http://evil.wasabisys.com:${String(port)}`;
      await given.provider('own', endpoint, { type: 'wasabi', iamEndpoint: endpoint });
      await given.bucket('taken', 'own', bucket);
      await given.verdictBeyond('Bucket', 'taken', 'own');
      await given.tenant.create('AccessKey', given.namespace, 'key', accessTo(spec, 'taken'));
      await given.verdict('AccessKey', 'key');
      await given.again('AccessKey', 'key');
      given.refuse('AccessKey', 'key');
      const rights = await rightsAtIam(given, 'key');
      if (rights.includes(bucket)) throw new Found('harm', `the user of the key has rights in ${bucket}`);
    },
    async twin(given) {
      const { spec } = await imitatedWasabi(given);
      const bucket = given.freshName('own');
      await given.bucket('own', 'shared', bucket, spec);
      await given.admin.untilReady('Bucket', given.namespace, 'own');
      await given.tenant.create('AccessKey', given.namespace, 'own', accessTo(spec, 'own'));
      await given.admin.untilReady('AccessKey', given.namespace, 'own', 60_000);
      if (!(await rightsAtIam(given, 'own')).includes(bucket)) throw new Error('the lawful key has no rights');
    },
  },
  {
    threat: 'T04',
    title: 'a look-alike of an Amazon host passes for Amazon',
    act: async (given) => {
      await passFor(given, 'shared-aws', 's3.us-east-1.amazonaws.com.tenant.test', 'aws');
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T05',
    title: 'an address in another notation passes for the address of the lent server',
    async act(given) {
      const { port } = new URL(given.stage.endpointOf('shared'));
      const hosts = ['127.1', '0x7f.0.0.1', '2130706433', '127.0.0.1.', 'LOCALHOST@127.0.0.1'];
      for (const [position, host] of hosts.entries())
        await expectRefusedAtAdmission(() => given.provider(`odd${String(position)}`, `http://${host}:${port}`));
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T06',
    title:
      'a key of its own serves as the credentials of a Provider at the same server, under another name of its host',
    async act(given) {
      const victim = await given.victim();
      const { pair } = await given.lawfulKey();
      const { port } = new URL(given.stage.endpointOf('shared'));
      await given.provider('alias', `http://alias.tenant.test:${port}`, { type: 'custom' }, pair);
      await given.bucket('taken', 'alias', victim.bucket, { adoptionPolicy: 'Always' });
      await given.verdict('Bucket', 'taken');
      await given.key('key', 'shared', ['taken']);
      await given.verdict('AccessKey', 'key');
      given.refuse('Bucket', 'taken');
      given.refuse('AccessKey', 'key');
    },
    async twin(given) {
      const bucket = given.freshName('own');
      await given.bucket('own', 'shared', bucket);
      await given.admin.untilReady('Bucket', given.namespace, 'own');
    },
  },
  {
    threat: 'T07',
    title: "a Provider that names another account, and is gone before the rights are asked for, counts as the lender's",
    async act(given) {
      const victim = await given.victim({ through: 'shared-aws' });
      const { port } = await given.hostile({ owner: 'somebody-else' });
      const endpoint = `http://ec2-203-0-113-8.compute-1.amazonaws.com:${String(port)}`;
      await given.provider('own', endpoint, { type: 'aws', iamEndpoint: endpoint });
      await given.bucket('taken', 'own', victim.bucket);
      await given.verdict('Bucket', 'taken');
      await given.tenant.patch('Provider', given.namespace, 'own', { metadata: { finalizers: [] } });
      await given.tenant.delete('Provider', given.namespace, 'own');
      await given.tenant.patch('Provider', given.namespace, 'own', { metadata: { finalizers: [] } }).catch(() => null);
      await given.admin.untilGone('Provider', given.namespace, 'own');
      await given.key('key', 'shared-aws', ['taken']);
      await given.verdict('AccessKey', 'key');
      await given.again('AccessKey', 'key');
      given.refuse('AccessKey', 'key');
    },
    twin: (given) => given.lawfulKey('shared-aws'),
  },
  {
    threat: 'T08',
    title: "an endpoint that names the lender's account keeps a name of a bucket from its owner",
    async act(given) {
      const bucket = given.freshName('wanted');
      const { status } = await given.admin.untilReady('Provider', platform, 'shared-aws');
      const { port } = await given.hostile({
        buckets: ['a-bucket'],
        ...(status?.accountId !== undefined && { owner: status.accountId }),
      });
      const endpoint = `http://ec2-203-0-113-9.compute-1.amazonaws.com:${String(port)}`;
      await given.provider('own', endpoint, { type: 'aws', iamEndpoint: endpoint });
      await given.bucket('squat', 'own', bucket);
      await given.verdict('Bucket', 'squat');
      await ownerComes(given, 'shared-aws', bucket);
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T09',
    title: 'a Bucket whose requests the server refuses for ever keeps a name from its owner',
    async act(given) {
      const bucket = given.freshName('wanted');
      const { pair } = await given.lawfulKey();
      await given.provider('poor', given.stage.endpointOf('shared'), { type: 'custom' }, pair);
      await given.bucket('squat', 'poor', bucket);
      await given.verdict('Bucket', 'squat');
      await ownerComes(given, 'shared', bucket);
      await given.again('Bucket', 'squat');
      given.refuse('Bucket', 'squat');
    },
    async twin(given) {
      const bucket = given.freshName('first');
      await given.bucket('first', 'shared', bucket);
      await given.admin.untilReady('Bucket', given.namespace, 'first');
    },
  },
  {
    threat: 'T10',
    title: 'a paused Bucket, which never asks for anything, keeps a name from its owner',
    async act(given) {
      const bucket = given.freshName('wanted');
      await given.bucket('squat', 'shared', bucket, {}, { annotations: { 's3.cloud37.dev/paused': 'true' } });
      await given.verdict('Bucket', 'squat');
      await ownerComes(given, 'shared', bucket);
    },
    async twin(given) {
      await given.bucket('own', 'shared', given.freshName('own'));
      await given.admin.untilReady('Bucket', given.namespace, 'own');
    },
  },
  {
    threat: 'T11',
    title: 'a Bucket at an endpoint that never answers keeps a name from its owner',
    async act(given) {
      const bucket = given.freshName('wanted');
      const { port } = await given.hostile({
        buckets: ['a-bucket'],
        script: ({ operation }) => (operation === 'ListBuckets' ? undefined : 'drop'),
      });
      const endpoint = `http://ec2-203-0-113-10.compute-1.amazonaws.com:${String(port)}`;
      await given.provider('own', endpoint, { type: 'aws', iamEndpoint: endpoint });
      await given.bucket('squat', 'own', bucket);
      await given.verdict('Bucket', 'squat');
      await ownerComes(given, 'shared-aws', bucket);
    },
    twin: (given) => given.lawfulProvider(),
  },
];
