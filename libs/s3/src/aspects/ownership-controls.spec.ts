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
import type { BoundAspect } from '../aspect.ts';
import { bindAspect } from '../bind-aspect.ts';
import { ownershipControls } from './ownership-controls.ts';

const controls = (ownership: string) =>
  `<OwnershipControls><Rule><ObjectOwnership>${ownership}</ObjectOwnership></Rule></OwnershipControls>`;
const unset = refuse(404, 'OwnershipControlsNotFoundError');
type Declared = NonNullable<BucketSpec['ownershipControls']>;
const off: Declared = { enabled: false, objectOwnership: 'BucketOwnerEnforced' };
const writer: Declared = { enabled: true, objectOwnership: 'ObjectWriter' };

describe('ownershipControls', () => {
  let fake: FakeDriver['fake'];
  let driver: FakeDriver['driver'];
  beforeEach(async () => {
    const started = await startFakeDriver();
    ({ fake, driver } = started);
    return started.close;
  });
  let bound: BoundAspect;
  beforeEach(() => {
    bound = bindAspect(ownershipControls());
  });
  const s3 = () => ({ wire: driver.wire(), bucket: 'photos' });
  const lookAt = (declared: Declared) =>
    bound.look(bucketSpec({ ownershipControls: declared }), bucketContext(), s3(), new Map(), recordingContext());
  const deletions = () => fake.requests.filter(({ method }) => method === 'DELETE');

  it('is not ours to manage when the spec is silent', () => {
    expect(ownershipControls().desired(bucketSpec(), bucketContext())).toBeUndefined();
  });

  it.each([
    ['over none', unset, writer],
    ['over another', succeed(controls('BucketOwnerEnforced')), writer],
    ['as none, over one', succeed(controls('BucketOwnerEnforced')), off],
  ])('is written %s, and then nothing is left to do', async (_title, former, declared) => {
    let stored = former;
    fake.answer(({ method, body }) => {
      if (method === 'GET') return stored;
      stored = method === 'PUT' ? succeed(body) : unset;
      return succeed();
    });
    const view = await lookAt(declared);
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    expect(await view.step.apply(recordingContext())).toEqual({ end: 'done' });
    expect((await lookAt(declared))?.verdict).toBe('same');
    expect(deletions()).toHaveLength(declared === off ? 1 : 0);
  });

  it('that is not there is not deleted', async () => {
    fake.answer(() => unset);
    expect((await lookAt(off))?.verdict).toBe('same');
    expect(deletions()).toEqual([]);
  });

  it('that is removed where the server shows a default instead is learned to be that default', async () => {
    let rule: string | undefined = 'ObjectWriter';
    fake.answer(({ method }) => {
      if (method === 'GET') return succeed(controls(rule ?? 'BucketOwnerEnforced'));
      const hadOne = rule !== undefined;
      rule = undefined;
      return hadOne ? succeed() : unset;
    });
    const view = await lookAt(off);
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    await view.step.apply(recordingContext());
    expect((await lookAt(off))?.verdict).toBe('same');
    expect((await lookAt(writer))?.verdict).toBe('different');
  });

  it('that others have removed since the look is not deleted', async () => {
    fake.answer(() => succeed(controls('ObjectWriter')));
    const view = await lookAt(off);
    fake.answer(() => unset);
    if (view?.verdict !== 'different') throw new Error('expected a gap');
    await view.step.apply(recordingContext());
    expect(deletions()).toEqual([]);
  });

  it('is lacked by a server that lists the bucket instead, which would take the DELETE for one of the bucket', async () => {
    for (const body of ['<ListBucketResult><Name>photos</Name></ListBucketResult>', '<OwnershipControls/>']) {
      fake.answer(() => succeed(body));
      expect((await lookAt(writer))?.verdict).toBe('unsupported');
      expect(await lookAt(off)).toBeUndefined();
    }
    expect(fake.requests.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('says what to do about an ACL that stands against it', async () => {
    fake.answer(() => refuse(400, 'InvalidBucketAclWithObjectOwnership'));
    await expect(ownershipControls().write(s3(), 'BucketOwnerEnforced', recordingContext())).rejects.toMatchObject({
      reason: 'RequestRefused',
      message: expect.stringMatching(/Set the ACL to private first/) as unknown,
    });
  });
});
