import type { BucketSpec } from '@operator/api';
import {
  bucketContext,
  bucketSpec,
  recordingContext,
  refuse,
  startFakeDriver,
  succeed,
  type FakeDriver,
} from '@operator/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  mergeNotifications,
  notifications,
  type FoundNotification,
  type NotificationsHave,
  type NotificationsWant,
} from './notifications.ts';

type Declared = NonNullable<BucketSpec['notifications']>;
const known = notifications({ replaces: true });
const unknown = notifications({ replaces: false });

const want = (declared: Partial<Declared>, former: readonly string[] = []): NotificationsWant => {
  const spec = bucketSpec({ notifications: { others: 'Keep', ...declared } });
  const desired = known.desired(spec, bucketContext({ managed: { notifications: former } }));
  if (desired === undefined) throw new Error('it is declared');
  return desired;
};

const queue = 'arn:aws:sqs:us-east-1:123456789012:q';
const topic = 'arn:aws:sns:us-east-1:123456789012:t';
const created = { id: 'created', arn: queue, events: ['s3:ObjectCreated:*'], prefix: 'in/', suffix: '.jpg' };
const removed = { arn: queue, events: ['s3:ObjectRemoved:Delete', 's3:ObjectRemoved:DeleteMarkerCreated'] };
const told = { id: 'told', arn: topic, events: ['s3:ObjectCreated:Put'] };

const nothing: NotificationsHave = { lambda: [], sqs: [], sns: [], eventBridge: undefined };
const found = (change: Partial<FoundNotification>): FoundNotification => ({
  id: 'theirs',
  arn: queue,
  events: ['s3:ObjectCreated:Copy'],
  prefix: '',
  suffix: '',
  raw: { Id: change.id ?? 'theirs', QueueArn: queue, Events: ['s3:ObjectCreated:Copy'] },
  ...change,
});
/** As it is there after the wish was written. */
const there = (wish: NotificationsWant, have: NotificationsHave = nothing): NotificationsHave => {
  const merged = mergeNotifications(have, wish);
  const all = (list: 'lambda' | 'sqs' | 'sns') => (merged[list] ?? []).map((one) => found(one));
  return { lambda: all('lambda'), sqs: all('sqs'), sns: all('sns'), eventBridge: have.eventBridge };
};

describe('notifications', () => {
  it('are not managed when they are not declared', () => {
    expect(known.desired(bucketSpec(), bucketContext())).toBeUndefined();
  });

  const both = want({ sqs: [created, removed] });
  const theirs: NotificationsHave = { ...nothing, sqs: [found({})] };
  it.each<[string, NotificationsWant, NotificationsHave, boolean]>([
    ['as wanted', both, there(both), true],
    ['in another order', both, { ...nothing, sqs: [...there(both).sqs].reverse() }, true],
    ['nothing there', both, nothing, false],
    ['one of others, which are kept', both, there(both, theirs), true],
    ['one of others, which are removed', want({ sqs: [created], others: 'Remove' }), theirs, false],
    ['one of others in a list that is not declared', want({ sns: [], others: 'Remove' }), theirs, true],
    ['none wanted, one of others', want({ sqs: [] }), theirs, true],
    ['none wanted, one of an earlier spec', want({ sqs: [] }, ['sqs/theirs']), theirs, false],
    ['one of an earlier spec in a list that is not declared', want({ sns: [] }, ['sqs/theirs']), theirs, true],
    ['another ARN', both, { ...nothing, sqs: there(both).sqs.map((one) => ({ ...one, arn: `${queue}2` })) }, false],
    [
      'more events',
      both,
      { ...nothing, sqs: there(both).sqs.map((one) => ({ ...one, events: ['s3:ObjectCreated:Put'] })) },
      false,
    ],
  ])('%s', (_title, wish, have, isSame) => {
    expect(known.diff(wish, have) === undefined).toBe(isSame);
    expect(known.diff(wish, there(wish, have))).toBeUndefined();
  });

  it('that have no id get one from their content, whatever the order of events and the region of a target of MinIO', () => {
    const idOf = (change: object) => want({ sqs: [{ ...removed, ...change }] }).declared.sqs?.[0]?.id;
    expect(idOf({})).toMatch(/^s3op-[0-9a-f]{32}$/);
    expect(idOf({ events: [...removed.events].reverse() })).toBe(idOf({}));
    expect(idOf({ prefix: 'a' })).not.toBe(idOf({}));
    expect(idOf({ arn: 'arn:minio:sqs:eu-west-1:T:webhook' })).toBe(idOf({ arn: 'arn:minio:sqs::T:webhook' }));
  });

  it('that stay in a list which is no longer declared are still known as ours', () => {
    expect(known.owns?.(want({ sqs: [created] }, ['sqs/old', 'sns/told']))).toEqual(['sqs/created', 'sns/told']);
  });

  it('without an id are never ours', () => {
    const have = { ...nothing, sqs: [found({ id: '' })] };
    expect(known.diff(want({ sqs: [] }, ['sqs/']), have)).toBeUndefined();
  });
});

describe('notifications at a server', () => {
  let fake: FakeDriver['fake'];
  let driver: FakeDriver['driver'];
  let stored = '';
  /** Whether the server knows a question for one id. */
  let isById = false;
  let refuses: (body: string) => ReturnType<typeof refuse> | undefined = () => undefined;
  let keeps: (body: string) => string = (body) => body;
  beforeEach(async () => {
    const started = await startFakeDriver();
    ({ fake, driver } = started);
    [stored, isById, refuses, keeps] = ['<NotificationConfiguration/>', false, () => undefined, (body) => body];
    fake.answer(({ method, body, query }) => {
      if (isById && query.get('notification') !== '') return method === 'GET' ? refuse(404, 'NoSuchKey') : succeed();
      if (method !== 'PUT') return succeed(stored);
      const refusal = refuses(body);
      if (refusal === undefined) stored = keeps(body);
      return refusal ?? succeed();
    });
    return started.close;
  });
  const s3 = () => ({ wire: driver.wire(), bucket: 'photos' });
  const read = () => known.read(s3(), recordingContext());
  const methods = () => fake.requests.map(({ method }) => method).join(' ');

  it.each([
    want({ sqs: [created, removed], sns: [told] }),
    want({ lambda: [] }),
    want({ sns: [told], others: 'Remove' }),
  ])('have nothing left to do after a write', async (wish) => {
    await known.write(
      s3(),
      want({ sqs: [removed], sns: [{ ...told, events: ['s3:ObjectRemoved:*'] }] }),
      recordingContext(),
    );
    await known.write(s3(), wish, recordingContext());
    expect(known.diff(wish, await read())).toBeUndefined();
  });

  it('are read with a filter as any server writes it', async () => {
    stored =
      '<NotificationConfiguration><QueueConfiguration><Id>created</Id><Queue>arn:aws:sqs:us-east-1:123456789012:q</Queue><Event>s3:ObjectCreated:*</Event><Filter><S3Key>' +
      '<FilterRule><Name>Suffix</Name><Value>.jpg</Value></FilterRule><FilterRule><Name>Prefix</Name><Value>in/</Value></FilterRule></S3Key></Filter></QueueConfiguration></NotificationConfiguration>';
    expect(known.diff(want({ sqs: [created] }), await read())).toBeUndefined();
  });

  it('keep what others have put there since the look, EventBridge too, and remove what they are to', async () => {
    stored =
      '<NotificationConfiguration><TopicConfiguration><Id>theirs</Id><Topic>arn:x</Topic><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>Prefix</Name><Value>a</Value></FilterRule></S3Key></Filter></TopicConfiguration>' +
      '<EventBridgeConfiguration/></NotificationConfiguration>';
    await known.write(s3(), want({ sns: [told] }), recordingContext());
    expect((await read()).sns).toMatchObject([{ id: 'told' }, { id: 'theirs', arn: 'arn:x', prefix: 'a' }]);
    expect(await known.write(s3(), want({ sns: [told], others: 'Remove' }), recordingContext())).toEqual({
      note: 'removed notifications of others: theirs',
    });
    expect(await read()).toMatchObject({ sns: [{ id: 'told' }], eventBridge: {} });
  });

  it('that a server takes and does not keep are lost, and the rest is there', async () => {
    keeps = (body) => body.replace(/<QueueConfiguration>.*<\/QueueConfiguration>/, '');
    const wish = want({ sqs: [created], sns: [told] });
    const written = await unknown.write(s3(), wish, recordingContext());
    expect([...(written?.lost ?? [])]).toEqual([
      ['sqsNotifications', expect.stringContaining('accepts what stands under notifications.sqs')],
    ]);
    const have = await read();
    expect(unknown.needs?.(wish, have)).toEqual(['sqsNotifications']);
    expect(unknown.diff(unknown.without?.(wish, have, ['sqsNotifications']) ?? wish, have)).toBeUndefined();
  });

  it('are put without functions and topics where the server refuses those', async () => {
    refuses = (body) => (body.includes('<Topic>') ? refuse(400, 'UnsupportedNotification') : undefined);
    const written = await unknown.write(s3(), want({ sqs: [created], sns: [told] }), recordingContext());
    expect([...(written?.lost ?? [])]).toEqual([
      ['snsNotifications', expect.stringContaining('refuses what stands under notifications.sns')],
    ]);
    expect((await read()).sqs).toMatchObject([{ id: 'created' }]);
    await expect(unknown.write(s3(), want({ sns: [told] }), recordingContext())).rejects.toMatchObject({
      reason: 'Unsupported',
    });
  });

  it('never put a document without topics on a server that keeps them by id: it would remove all', async () => {
    isById = true;
    stored =
      '<NotificationConfiguration><TopicConfiguration><Id>theirs</Id><Topic>arn:x</Topic><Event>s3:ObjectCreated:*</Event></TopicConfiguration></NotificationConfiguration>';
    const written = await unknown.write(s3(), want({ sqs: [created] }), recordingContext());
    expect([...(written?.lost?.keys() ?? [])]).toEqual(['sqsNotifications']);
    expect(methods()).toBe('GET GET GET');
    await unknown.write(s3(), want({ sns: [] }, ['sns/theirs']), recordingContext());
    const deletions = fake.requests.filter(({ method }) => method === 'DELETE');
    expect(deletions.map(({ query }) => query.get('notification'))).toEqual(['theirs']);
  });

  it('are never deleted where the server has not shown that it keeps them by id', async () => {
    keeps = () => stored;
    stored =
      '<NotificationConfiguration><TopicConfiguration><Id>told</Id><Topic>arn:x</Topic><Event>s3:ObjectCreated:*</Event></TopicConfiguration></NotificationConfiguration>';
    await unknown.write(s3(), want({ sns: [] }, ['sns/told']), recordingContext());
    expect(methods()).not.toContain('DELETE');
  });

  it('name the destinations that the server could not validate, as it tells them, else all', async () => {
    refuses = () => ({
      ...refuse(400, 'InvalidArgument'),
      body: `<Error><Code>InvalidArgument</Code><Message>Unable to validate the following destination configurations</Message><ArgumentName1>${queue}, null</ArgumentName1><ArgumentValue1>Not authorized to invoke it</ArgumentValue1></Error>`,
    });
    await expect(known.write(s3(), want({ sqs: [created], sns: [told] }), recordingContext())).rejects.toMatchObject({
      kind: 'waiting',
      reason: 'RequestRefused',
      message: expect.stringMatching(
        /refuses to send notifications to arn:aws:sqs:\S+:q \(Not authorized to invoke it\)\. Each destination must exist.*aws:SourceArn arn:aws:s3:::photos/,
      ) as string,
    });
    refuses = () => refuse(404, 'NoSuchKey');
    await expect(known.write(s3(), want({ sqs: [created], sns: [told] }), recordingContext())).rejects.toThrow(
      `to ${queue}, ${topic}. Each`,
    );
  });
});
