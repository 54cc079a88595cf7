import { s3Error, startBanner, until, type HostileAnswer, type Manifest } from '@operator/tools/harness';
import { Found, type Attempt, type Case } from './case.ts';

/** A server that nobody may be led to. */
const sinkOf = async (given: Case) => {
  const sink = await given.hostile({ owner: 'sink' });
  const expectUntouched = () => {
    const [call] = sink.calls;
    if (call !== undefined)
      throw new Found('harm', `the operator was led to another server: ${call.method} ${call.path}`);
  };
  return { sink, expectUntouched };
};

/** A Provider whose endpoint answers ListBuckets so. */
const answering = async (given: Case, answer: HostileAnswer, spec: Manifest = {}) => {
  const hostile = await given.hostile({
    script: ({ operation }) => (operation === 'ListBuckets' ? answer : undefined),
  });
  await given.provider('odd', hostile.url, spec);
  await given.verdict('Provider', 'odd');
  given.refuse('Provider', 'odd');
  return hostile;
};

/** A bucket on an endpoint that is honest but for these calls. */
const bucketAnswering = async (given: Case, answerTo: (operation: string) => HostileAnswer | undefined) => {
  const hostile = await given.hostile({ owner: 'tenant', script: ({ operation }) => answerTo(operation) });
  await given.provider('odd', hostile.url);
  await given.admin.untilReady('Provider', given.namespace, 'odd');
  await given.bucket('odd', 'odd', given.freshName('odd'));
  await given.verdict('Bucket', 'odd');
  return hostile;
};

const redirect = (status: number, to: string, body = ''): HostileAnswer => ({
  status,
  headers: { location: to, 'x-amz-bucket-region': 'eu-west-1' },
  body,
});

const longest = 4_096;

export const answers: readonly Attempt[] = [
  ...([301, 302, 307, 308] as const).map((status, position): Attempt => {
    let expectUntouched = (): void => undefined;
    return {
      threat: `T${String(67 + position)}`,
      title: `an endpoint answers ${String(status)} and leads to another server`,
      async act(given) {
        const { sink, ...rest } = await sinkOf(given);
        ({ expectUntouched } = rest);
        await answering(given, redirect(status, `${sink.url}/`), { type: status === 301 ? 'aws' : 'custom' });
      },
      judge: async () => {
        expectUntouched();
      },
      twin: (given) => given.lawfulProvider(),
    };
  }),
  {
    threat: 'T71',
    title: "S3's own redirect, which names an endpoint in its body, leads a Bucket to another server",
    async act(given) {
      const { sink, expectUntouched } = await sinkOf(given);
      const { host } = new URL(sink.url);
      const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>PermanentRedirect</Code><Message>Go there.</Message><Endpoint>${host}</Endpoint></Error>`;
      await bucketAnswering(given, (operation) =>
        /^(Head|Create|Get)/.test(operation) ? redirect(301, `${sink.url}/x`, body) : undefined,
      );
      given.refuse('Bucket', 'odd');
      expectUntouched();
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T72',
    title: 'a region in an answer becomes a part of the name of a host',
    async act(given) {
      const regions = ['eu-west-1.tenant.test', 'a/../b', 'x@127.0.0.1:1/', 'y#'];
      for (const [position, region] of regions.entries()) {
        const name = `odd${String(position)}`;
        const hostile = await given.hostile({
          owner: 'tenant',
          script: ({ operation }) =>
            operation === 'HeadBucket' || operation === 'GetBucketLocation'
              ? { status: 301, headers: { 'x-amz-bucket-region': region } }
              : undefined,
        });
        await given.provider(name, `http://s3.${name}.amazonaws.com:${String(hostile.port)}`, { type: 'aws' });
        await given.bucket(name, name, given.freshName('odd'));
        await given.verdict('Bucket', name);
        given.refuse('Bucket', name);
      }
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T73',
    title: 'a web page, in answer to everything, passes for an S3 server',
    act: async (given) => {
      const page = '<!DOCTYPE html><html><head><title>It works</title></head><body><h1>It works</h1></body></html>';
      await answering(given, { status: 200, headers: { 'content-type': 'text/html' }, body: page });
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T74',
    title: 'a port that does not speak HTTP is called an error of the operator, or a connection',
    async act(given) {
      const banner = await startBanner('SSH-2.0-OpenSSH_9.2\r\n');
      given.onClose(() => banner.close());
      await given.provider('odd', banner.url);
      const { status } = await given.verdict('Provider', 'odd');
      given.refuse('Provider', 'odd');
      if (status?.connected === true) throw new Found('harm', 'a port that does not speak HTTP counts as connected');
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T75',
    title: 'a 401 with a code that nobody knows counts as good credentials',
    async act(given) {
      await answering(given, s3Error(401, 'Whatever'));
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T76',
    title: 'an error of a megabyte becomes a message of a megabyte',
    async act(given) {
      await answering(given, s3Error(400, 'Loud', 'loud '.repeat(200_000)));
      const { status } = await given.verdict('Provider', 'odd');
      const message = status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
      if (message.length > longest) throw new Found('harm', `a message has ${String(message.length)} characters`);
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T77',
    title: 'an error with control characters and line feeds writes lines of its own into the log',
    async act(given) {
      const forged = 'broken\n{"level":"info","msg":"planted by a tenant"}\r\n\u001b[31mred';
      await answering(given, s3Error(400, 'Broken', forged.replace('\u001b', '&#27;')));
      const { status } = await given.verdict('Provider', 'odd');
      const message = status?.conditions?.find(({ type }) => type === 'Ready')?.message ?? '';
      if (/[\u0000-\u0008\u000a-\u001f]/.test(message)) throw new Found('harm', 'a message has control characters');
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T78',
    title: "an endpoint gives the victim's owner tags as those of the tenant's bucket",
    async act(given) {
      const victim = await given.victim();
      const tags = (await victim.view.bucket(victim.bucket))?.tags ?? {};
      const set = Object.entries(tags).map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`);
      const body = `<Tagging><TagSet>${set.join('')}</TagSet></Tagging>`;
      await bucketAnswering(given, (operation) =>
        operation === 'GetBucketTagging'
          ? { status: 200, headers: { 'content-type': 'application/xml' }, body }
          : undefined,
      );
      // It wrote them down itself.
      given.namesHidden = false;
      await given.key('key', 'shared', ['odd']);
      await given.verdict('AccessKey', 'key');
      given.refuse('AccessKey', 'key');
    },
    twin: (given) => given.lawfulKey(),
  },
  {
    threat: 'T79',
    title: 'an endpoint that says one thing and its opposite makes the operator write without end',
    async act(given) {
      let turn = 0;
      const hostile = await bucketAnswering(given, (operation) => {
        if (operation !== 'GetBucketVersioning') return undefined;
        turn += 1;
        const state = turn % 2 === 0 ? 'Enabled' : 'Suspended';
        const body = `<VersioningConfiguration><Status>${state}</Status></VersioningConfiguration>`;
        return { status: 200, headers: { 'content-type': 'application/xml' }, body };
      });
      await given.tenant.patch('Bucket', given.namespace, 'odd', { spec: { versioning: { enabled: true } } });
      await given.verdict('Bucket', 'odd');
      const writes = () => hostile.calls.filter(({ operation }) => operation === 'PutBucketVersioning').length;
      if (writes() > 50) throw new Found('harm', `the operator wrote ${String(writes())} times`);
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T80',
    title: 'a list of versions that never ends keeps a deletion at work for ever, without a pause for others',
    async act(given) {
      const page = (name: string) =>
        `<ListVersionsResult><Name>${name}</Name><IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>1</NextVersionIdMarker><Version><Key>a</Key><VersionId>1</VersionId><IsLatest>true</IsLatest></Version></ListVersionsResult>`;
      const hostile = await bucketAnswering(given, (operation) => {
        const xml = (body: string) => ({ status: 200, headers: { 'content-type': 'application/xml' }, body });
        if (operation === 'ListObjectVersions') return xml(page('odd'));
        if (operation === 'DeleteObjects')
          return xml('<DeleteResult><Deleted><Key>a</Key><VersionId>1</VersionId></Deleted></DeleteResult>');
        return undefined;
      });
      await given.tenant.patch('Bucket', given.namespace, 'odd', {
        spec: { deletionPolicy: 'Delete', forceDelete: true },
      });
      await given.verdict('Bucket', 'odd');
      await given.tenant.delete('Bucket', given.namespace, 'odd');
      const lists = () => hostile.calls.filter(({ operation }) => operation === 'ListObjectVersions').length;
      await until(lists, (seen) => seen >= 1, { what: 'the emptying has begun' });
      // A list that did not shrink proves that nothing was deleted.
      await given.must(
        () => given.admin.get('Bucket', given.namespace, 'odd'),
        (object) => object?.status?.conditions?.some(({ reason }) => !['Emptying', 'Ready'].includes(reason)) === true,
        'the emptying that leads nowhere is said',
      );
      await given.tenant.patch('Bucket', given.namespace, 'odd', { metadata: { finalizers: [] } });
      await given.admin.untilGone('Bucket', given.namespace, 'odd');
    },
    twin: (given) => given.lawfulDeletion(),
  },
];
