import { endReferences, lookAtFeatures, type BucketInput, type Driver, type Input } from '@operator/s3';
import { transient, waiting, type Fault } from '@operator/outcome';
import {
  bucketContext,
  bucketSpec,
  connectionTo,
  driverDeps,
  recordingContext,
  startFakeS3,
  succeed,
  type FakeS3,
} from '@operator/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { createMinioDriver } from './driver.ts';
import { healthCheckFor } from './target-mark.ts';

const context = recordingContext();
const arnOf = (bucket: string) => `arn:minio:replication::1:${bucket}`;

let fake: FakeS3;
let driver: Driver;
/** The rules of the source, by id: the bucket to whose target they lead. */
let rules: Map<string, string>;
/** The buckets to which there are targets of ours. */
let targets: Set<string>;

beforeEach(async () => {
  fake = await startFakeS3();
  driver = createMinioDriver(connectionTo(fake.endpoint), driverDeps());
  const credentials = { accessKey: driver.connection.credentials.accessKeyId };
  const healthCheckDuration = healthCheckFor('1', credentials.accessKey);
  fake.answer(({ method, path, query, body }) => {
    if (path.endsWith('/list-remote-targets')) {
      const listed = [...targets].map((bucket) => ({
        arn: arnOf(bucket),
        // By names of one server each, for it keeps one target for each.
        endpoint: `${bucket}.test`,
        secure: false,
        targetbucket: bucket,
        credentials,
        healthCheckDuration,
      }));
      return succeed(JSON.stringify(listed));
    }
    if (path.endsWith('/remove-remote-target')) targets.delete(query.get('arn')?.split(':').at(-1) ?? '');
    if (query.has('replication') && method === 'PUT') {
      const ids = [...body.matchAll(/<Rule>.*?<\/Rule>/gs)].map(([one]) => /<ID>(.*?)<\/ID>/.exec(one)?.[1] ?? '');
      rules = new Map([...rules].filter(([id]) => ids.includes(id)));
    }
    if (query.has('replication') && method === 'DELETE') rules.clear();
    if (query.has('replication') && method === 'GET') {
      const listed = [...rules].map(
        ([id, bucket]) =>
          `<Rule><ID>${id}</ID><Status>Enabled</Status><Priority>1</Priority><Filter><Prefix></Prefix></Filter>` +
          `<Destination><Bucket>${arnOf(bucket)}</Bucket></Destination></Rule>`,
      );
      return succeed(`<ReplicationConfiguration>${listed.join('')}</ReplicationConfiguration>`);
    }
    if (query.has('versioning')) {
      // The tenant's own bucket keeps none.
      const status = path.includes('own') ? 'Suspended' : 'Enabled';
      return succeed(`<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`);
    }
    return succeed();
  });
  return async () => {
    driver.close();
    await fake.close();
  };
});

const s3 = () => ({ wire: driver.wire(), bucket: 'source' });
const leadingTo = (bucket: string): BucketInput => ({
  kind: 'Bucket',
  key: `team-a/${bucket}`,
  bucket,
  region: 'us-east-1',
  driver: { ...driver, connection: { ...driver.connection, endpoint: `http://${bucket}.test` } },
  credentialsVersion: '1',
  isOfOneKeeper: true,
});

describe('a rule of ours has an id that proves nothing', () => {
  const unanswered = () => transient('ServerError', 'Status 503.');
  const toOwn = () => leadingTo('own');
  it.each<[string, string, () => BucketInput | Fault, readonly string[], readonly string[]]>([
    ['goes where it leads to what ended', 'lent', toOwn, [], []],
    ['stays where it leads to its own Bucket', 'own', toOwn, ['blocked'], ['own']],
    ['stays where its own Bucket cannot be seen, and it leads elsewhere', 'own', unanswered, ['blocked'], ['own']],
    ['goes where its own Bucket cannot be seen, and it leads to what ended', 'lent', unanswered, [], []],
  ])('and %s', async (_what, leadsTo, own, left, leftTargets) => {
    rules = new Map([
      ['lent', 'lent'],
      ['blocked', leadsTo],
    ]);
    targets = new Set(['lent', leadsTo]);
    const kept = new Map([['replication.blocked', [own()]]]);
    const ended = new Map([['replication.lent', ['lent']]]);
    expect(await endReferences(driver, s3(), { ended, kept }, context)).toEqual(['replication']);
    expect([[...rules.keys()], [...targets]]).toEqual([left, leftTargets]);
  });

  const ended = { kind: 'Ended', fault: waiting('ReferenceNotGranted', 'It was taken back.') } as const;
  const unseen = waiting('BucketNotReady', 'It is not to be seen.');
  const known = new Map([['replication.lent', ['lent']]]);
  type Given = readonly [lent: Input, blocked: Input | Fault, stands?: typeof known];
  it.each<[string, () => Given, string, boolean]>([
    ['goes where it is blocked and leads elsewhere', () => [leadingTo('lent'), leadingTo('own')], 'lent', false],
    ['stays where it is blocked and leads to its own Bucket', () => [ended, leadingTo('own')], 'own', true],
    ['goes where nobody sees whither it may lead, and something ended', () => [ended, unseen], 'lent', false],
    ['goes where what ended is known, and it leads there', () => [ended, unseen, known], 'lent', false],
    ['stays where what ended is known, and it leads elsewhere', () => [ended, unseen, known], 'own', true],
    ['stays where nobody sees that, and nothing ended', () => [leadingTo('lent'), unseen], 'own', true],
  ])('and %s', async (_what, inputs, leadsTo, stays) => {
    rules = new Map([['blocked', leadsTo]]);
    targets = new Set(['lent', 'own']);
    const [lent, blocked, stands = new Map<string, string[]>()] = inputs();
    const rule = (id: string) => ({
      id,
      status: 'Enabled' as const,
      destination: { bucketRef: { name: id } },
      deleteMarkers: false,
      existingObjects: false,
    });
    const spec = bucketSpec({ replication: { rules: [rule('lent'), rule('blocked')], others: 'Remove' } });
    const found = new Map([
      ['replication.lent', lent],
      ['replication.blocked', blocked],
    ]);
    const views = await lookAtFeatures(driver, spec, bucketContext({ inputs: found, stands }), s3(), context);
    const view = views.find(({ aspect }) => aspect === 'replication');
    if (view?.verdict === 'different') await view.step.apply(context);
    else expect(view?.verdict).toBe('blocked');
    expect(rules.has('blocked')).toBe(stays);
  });
});
