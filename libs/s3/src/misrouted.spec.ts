import { GetBucketTaggingCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import { asFault } from '@operator/outcome';
import {
  bucketContext,
  bucketSpec,
  connectionTo,
  driverDeps,
  recordingContext,
  refuse,
  startFakeS3,
  succeed,
  type FakeAnswer,
  type FakeRequest,
  type FakeS3,
} from '@operator/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { versioning } from './aspects/versioning.ts';
import { bindAspect } from './bind-aspect.ts';
import { readOwner } from './owner-mark.ts';
import { createWirePool, type WirePool } from './wire-pool.ts';

let fake: FakeS3;
let pool: WirePool;
const context = recordingContext();
beforeEach(async () => {
  fake = await startFakeS3();
  pool = createWirePool(connectionTo(fake.endpoint), driverDeps());
});
afterEach(async () => {
  pool.close();
  context.clear();
  await fake.close();
});

const s3 = () => ({ wire: pool.wire(), bucket: 'photos' });
const list = succeed(
  '<?xml version="1.0"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>photos</Name></ListBucketResult>',
);
/** What a bucket answers that has nothing. */
const nothing = ({ method, query }: FakeRequest): FakeAnswer => {
  if (method !== 'GET') return succeed();
  if (query.has('versioning')) return succeed('<VersioningConfiguration/>');
  if (query.has('versions')) return succeed('<ListVersionsResult/>');
  return succeed(query.has('uploads') ? '<ListMultipartUploadsResult/>' : '<ListBucketResult/>');
};
const created = succeed('', { location: '/photos' });

describe('an answer with the list of the bucket', () => {
  it('to another call is no answer to it', async () => {
    fake.answer(() => list);
    const fault = asFault(
      await pool
        .wire()
        .send(new GetBucketTaggingCommand({ Bucket: 'photos' }), context)
        .catch(asFault),
    );
    expect(fault).toMatchObject({ kind: 'terminal', reason: 'Unsupported' });
    expect(fault.message).toMatch(/^GetBucketTagging at .*: the server answers with the list of the bucket/);
    expect(context.calls).toHaveLength(1);
  });

  it('is the word of the server itself: where it keeps no tags, no mark is missed', async () => {
    fake.answer(({ query }) => (query.has('tagging') ? list : succeed()));
    expect(await readOwner(s3(), context)).toEqual({ kind: 'notKept' });
  });
});

describe('a PUT of a setting that is answered as CreateBucket is', () => {
  const wanted = bucketSpec({ versioning: { enabled: true, mfaDelete: false } });
  /** Applies versioning to a bucket that a misled server is asked about. `put`: its answers to the PUTs, in turn. */
  const apply = async (put: readonly FakeAnswer[], rest = nothing) => {
    const puts = [...put];
    fake.answer((request) => (request.method === 'PUT' ? (puts.shift() ?? refuse(500, 'TooMany')) : rest(request)));
    const bound = bindAspect(versioning);
    const look = () => bound.look(wanted, bucketContext(), s3(), new Map(), context);
    const view = await look();
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    const end = await view.step.apply(context);
    return { end, next: await look(), deletes: fake.requests.filter(({ method }) => method === 'DELETE').length };
  };
  const taken = { end: 'refused', message: expect.stringContaining('took it for CreateBucket') as string };

  it('is refused, not done', async () => {
    fake.answer(() => created);
    const put = { Bucket: 'photos', VersioningConfiguration: { Status: 'Enabled' } } as const;
    const fault = asFault(await pool.wire().send(new PutBucketVersioningCommand(put), context).catch(asFault));
    expect(fault).toMatchObject({ kind: 'terminal', reason: 'Unsupported' });
  });

  it('leaves a bucket alone that may have been there before', async () => {
    expect(await apply([created, created])).toMatchObject({ end: taken, next: { verdict: 'unsupported' }, deletes: 0 });
  });

  it('is undone where it has surely made the bucket', async () => {
    const ended = await apply([created, refuse(409, 'BucketAlreadyOwnedByYou')]);
    expect(ended).toMatchObject({ end: taken, next: { verdict: 'unsupported' }, deletes: 1 });
    const last = fake.requests.findLast(({ method }) => method === 'DELETE');
    expect([last?.path, last?.query.toString()]).toEqual(['/photos/', '']);
  });

  it('is not undone where somebody has used the bucket since', async () => {
    const holding = (request: FakeRequest) =>
      request.query.has('versions')
        ? succeed('<ListVersionsResult><Version><Key>a</Key></Version></ListVersionsResult>')
        : nothing(request);
    expect(await apply([created, refuse(409, 'BucketAlreadyOwnedByYou')], holding)).toMatchObject({ deletes: 0 });
  });
});
