import { startBanner, until, type HostileAnswer, type HostileEndpoint } from '@operator/tools/harness';
import { Found, type Attempt, type Case } from './case.ts';

const mebibyte = 1_048_576;
/** What one answer may be at most; more is no answer to anything that the operator asks. */
const mostOfAnAnswer = 64 * mebibyte;
const endless = (begin: string, again: string): HostileAnswer => ({
  begin,
  endless: again.repeat(Math.ceil(65_536 / again.length)),
  limitBytes: 256 * mebibyte,
});

const expectBounded = (taken: number) => {
  if (taken > mostOfAnAnswer)
    throw new Found('harm', `one answer was taken to ${String(Math.round(taken / mebibyte))} MiB`);
};

/** Waits until an endless answer is read; then it is judged by how much of it was taken. */
const endlesslyRead = async (given: Case, hostile: HostileEndpoint, kind: 'Provider' | 'Bucket') => {
  await until(
    () => hostile.mostBytesTaken(),
    (taken) => taken > 0,
    { what: 'the endless answer is read' },
  );
  return {
    judge: () => {
      expectBounded(hostile.mostBytesTaken());
    },
    end: async () => {
      hostile.follow(() => 'drop');
      await given.verdict(kind, 'endless');
    },
  };
};

/** Many Providers of one namespace, all at the same endpoint. */
const manyProviders = async (given: Case, count: number, endpoint: string) => {
  await given.tenant.create('Secret', given.namespace, 'many', {
    stringData: { 'access-key': 'tenants-own', 'secret-key': 'tenants-own-secret' },
  });
  const secret = { name: 'many' };
  for (let index = 0; index < count; index += 1) {
    await given.tenant.create('Provider', given.namespace, `many${String(index)}`, {
      spec: {
        type: 'custom',
        endpoint,
        region: 'us-east-1',
        auth: { accessKeySecretRef: secret, secretKeySecretRef: secret },
        checkIntervalSeconds: 5,
      },
    });
  }
};

const removeMany = async (given: Case, kind: 'Provider' | 'Bucket') => {
  for (const { metadata } of await given.admin.list(kind, given.namespace)) {
    await given.admin.patch(kind, given.namespace, metadata.name, { metadata: { finalizers: [] } }).catch(() => null);
    await given.admin.delete(kind, given.namespace, metadata.name);
  }
};

/**
 * What a tenant does to take memory, turns or connections from others. Each goes on while a neighbour works (`during`), and is
 * judged by whether the neighbour came to its end.
 */
export interface Siege extends Omit<Attempt, 'act' | 'judge'> {
  readonly begin: (given: Case) => Promise<{ readonly judge?: () => void; readonly end: () => Promise<unknown> }>;
}

export const exhaustion: readonly Siege[] = [
  {
    threat: 'T89',
    title: 'a ListBuckets answer that never ends',
    async begin(given) {
      const body = '<Bucket><Name>b</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>';
      const answer = endless('<ListAllMyBucketsResult><Owner><ID>t</ID></Owner><Buckets>', body);
      const hostile = await given.hostile({ script: () => answer });
      await given.provider('endless', hostile.url, { checkIntervalSeconds: 5 });
      given.refuse('Provider', 'endless');
      return endlesslyRead(given, hostile, 'Provider');
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T90',
    title: 'answers about a bucket that never end: its tags, and errors',
    async begin(given) {
      const tag = '<Tag><Key>a</Key><Value>b</Value></Tag>';
      const hostile = await given.hostile({
        owner: 'tenant',
        script: ({ operation }) => {
          if (operation === 'GetBucketTagging') return endless('<Tagging><TagSet>', tag);
          if (operation === 'GetBucketVersioning') return endless('<Error><Code>A</Code><Message>', 'loud ');
          return undefined;
        },
      });
      await given.provider('endless', hostile.url);
      await given.bucket('endless', 'endless', given.freshName('endless'), { versioning: { enabled: true } });
      return endlesslyRead(given, hostile, 'Bucket');
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T91',
    title: 'XML whose entities name one another a thousandfold, and XML of a thousand levels',
    async begin(given) {
      const names = 'abcdefghij'.split('');
      const entities = names.map((name, at) => {
        const before = names[at - 1];
        return `<!ENTITY ${name} "${before === undefined ? 'lol' : `&${before};`.repeat(10)}">`;
      });
      const lol = `<?xml version="1.0"?><!DOCTYPE l [${entities.join('')}]><ListAllMyBucketsResult><Owner><ID>&j;</ID></Owner><Buckets/></ListAllMyBucketsResult>`;
      const deep = `<ListAllMyBucketsResult>${'<a>'.repeat(50_000)}${'</a>'.repeat(50_000)}</ListAllMyBucketsResult>`;
      let turn = 0;
      const hostile = await given.hostile({
        script: () => ({
          status: 200,
          headers: { 'content-type': 'application/xml' },
          body: turn++ % 2 === 0 ? lol : deep,
        }),
      });
      await given.provider('laughing', hostile.url, { checkIntervalSeconds: 5 });
      await until(
        () => hostile.calls.length,
        (calls) => calls > 0,
        { what: 'the endpoint is asked' },
      );
      return { end: () => given.verdict('Provider', 'laughing') };
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T92',
    title: 'an answer that comes one character a second',
    async begin(given) {
      const body = `<ListAllMyBucketsResult><Owner><ID>${'t'.repeat(500)}</ID></Owner><Buckets/></ListAllMyBucketsResult>`;
      const hostile = await given.hostile({ script: () => ({ drip: body, everyMs: 1_000 }) });
      await manyProviders(given, 40, hostile.url);
      await until(
        () => hostile.open(),
        (open) => open > 0,
        { what: 'the slow answer is waited for' },
      );
      return {
        end: () => removeMany(given, 'Provider'),
      };
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T93',
    title: '150 Providers at an endpoint that never answers',
    async begin(given) {
      const hostile = await given.hostile({ script: () => 'silence' });
      await manyProviders(given, 150, hostile.url);
      await until(
        () => hostile.open(),
        (open) => open >= 5,
        { what: 'the operator waits for answers' },
      );
      return {
        end: () => removeMany(given, 'Provider'),
      };
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T94',
    title: '200 Buckets at an endpoint that answers all but the lists with silence',
    async begin(given) {
      const hostile = await given.hostile({
        owner: 'tenant',
        script: ({ operation }) => (operation === 'ListBuckets' ? undefined : 'silence'),
      });
      await given.provider('mute', hostile.url);
      await given.admin.untilReady('Provider', given.namespace, 'mute');
      for (let index = 0; index < 200; index += 1)
        await given.bucket(`mute${String(index)}`, 'mute', given.freshName('mute'));
      await until(
        () => hostile.open(),
        (open) => open >= 5,
        { what: 'the operator waits for answers' },
      );
      return {
        end: () => removeMany(given, 'Bucket'),
      };
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T95',
    title: '20 Providers on a port where another protocol greets and then waits',
    async begin(given) {
      const banner = await startBanner('* OK IMAP4rev1 ready\r\n');
      given.onClose(() => banner.close());
      await manyProviders(given, 20, banner.url);
      return {
        end: () => removeMany(given, 'Provider'),
      };
    },
    twin: (given) => given.lawfulProvider(),
  },
  {
    threat: 'T96',
    title: 'a thousand changes of an object that ask for a pass each',
    async begin(given) {
      const { name } = await given.lawfulBucket();
      let isOver = false;
      const ask = async () => {
        for (let turn = 0; turn < 1_000 && !isOver; turn += 1)
          await given.tenant.patch('Bucket', given.namespace, name, {
            metadata: {
              annotations: {
                's3.cloud37.dev/reconcile-requested-at': String(turn),
                's3.cloud37.dev/resync-interval': '1s',
              },
            },
          });
      };
      const asking = ask();
      return {
        end: async () => {
          isOver = true;
          await asking;
        },
      };
    },
    twin: (given) => given.lawfulBucket(),
  },
];
