import type { AccessKeySpec } from '@operator/api';
import { asFault, type Fault } from '@operator/outcome';
import { createTestWorld, objectOf, providerOf } from '@operator/references/testing';
import { bucketSpec, createMemoryS3 } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import type { AccessKey } from './deps.ts';
import { rightsOf, type Rights } from './rights.ts';

const { driver } = createMemoryS3({ now: () => new Date(0) });
const ours = { exists: true, endpoint: 'http://s3.test', ownership: 'Created' as const };

const rightsFor = (
  spec: Partial<AccessKeySpec>,
  maxPolicyBytes = 2_048,
  provider = providerOf(driver),
): Promise<Rights> => {
  const { buckets, references } = createTestWorld(driver);
  for (const name of ['photos', 'videos']) {
    buckets.set(
      `team-a/${name}`,
      objectOf('Bucket', name, bucketSpec({ name }), { status: { bucketName: name, ...ours } }),
    );
  }
  const accessKey: AccessKey = objectOf('AccessKey', 'app', { providerRef: { name: 'provider' }, ...spec });
  return rightsOf(accessKey, { provider, driver }, references(), maxPolicyBytes);
};
const faultOf = async (rights: Promise<Rights>): Promise<Fault> => {
  const outcome = await rights.catch(asFault);
  if ('policy' in outcome) throw new Error('expected a Fault');
  return outcome;
};
const read = (name: string) => ({ bucketRef: { name }, level: 'ReadOnly' as const });
const policy = (resource: string): NonNullable<AccessKeySpec['policy']> => ({
  version: '2012-10-17',
  statement: [{ effect: 'Allow', action: 's3:DeleteObject', resource }],
});

describe('rightsOf', () => {
  it('is nothing where nothing is asked for', async () => {
    expect(await rightsFor({})).toEqual({ policy: undefined, buckets: [] });
  });

  it('joins access and policy, and names each bucket once', async () => {
    const { policy: document, buckets } = await rightsFor({
      access: [read('photos'), { ...read('photos'), prefix: 'a/' }, read('videos')],
      policy: policy('arn:aws:s3:::photos/*'),
    });
    expect(buckets.map(({ metadata }) => metadata.name)).toEqual(['photos', 'videos']);
    const text = JSON.stringify(document);
    for (const part of ['s3:DeleteObject', 'arn:aws:s3:::videos', 'arn:aws:s3:::photos/a/*'])
      expect(text).toContain(part);
  });

  it('lets ${bucket} stand for the one bucket of access', async () => {
    const { policy: document } = await rightsFor({
      access: [read('photos')],
      policy: policy('arn:aws:s3:::${bucket}/*'),
    });
    expect(document?.Statement[0]).toMatchObject({ Action: ['s3:DeleteObject'], Resource: ['arn:aws:s3:::photos/*'] });
  });

  it.each([
    ['none', []],
    ['several', [read('photos'), read('videos')]],
  ])('refuses ${bucket} where access names %s', async (_title, access) => {
    expect(await faultOf(rightsFor({ access, policy: policy('arn:aws:s3:::${bucket}/*') }))).toMatchObject({
      kind: 'terminal',
      reason: 'PolicyInvalid',
    });
  });

  it('keeps a namespace that only borrows the Provider to the buckets that are granted to it', async () => {
    const own = providerOf(driver);
    const foreign = { ...own, metadata: { ...own.metadata, namespace: 'platform' } };
    const spec = { access: [read('photos')], policy: policy('arn:aws:s3:::videos/*') };
    expect((await rightsFor(spec)).policy).toBeDefined();
    const fault = await faultOf(rightsFor(spec, 2_048, foreign));
    expect(fault).toMatchObject({ kind: 'terminal', reason: 'PolicyInvalid' });
    expect(fault.message).toContain('arn:aws:s3:::videos/* is in no bucket that access names');
    expect(
      (await rightsFor({ ...spec, policy: policy('arn:aws:s3:::${bucket}/*') }, 2_048, foreign)).policy,
    ).toBeDefined();
  });

  it('gives no rights in a bucket of another account on the same server', async () => {
    const { buckets, providers, references } = createTestWorld(driver);
    const bucket = { ...bucketSpec({ name: 'photos' }), providerRef: { name: 'other' } };
    buckets.set('team-a/photos', objectOf('Bucket', 'photos', bucket, { status: { bucketName: 'photos', ...ours } }));
    const accessKey: AccessKey = objectOf('AccessKey', 'app', {
      providerRef: { name: 'provider' },
      access: [read('photos')],
    });
    const rightsBeside = (accountId: string) => {
      providers.set('team-a/other', providerOf(driver, { metadata: { name: 'other' } }, { accountId }));
      return rightsOf(accessKey, { provider: providerOf(driver), driver }, references(), 2_048);
    };
    expect(await rightsBeside('account')).toMatchObject({ policy: expect.anything() as unknown });
    const { policy: document, missing } = await rightsBeside('another');
    expect(document).toBeUndefined();
    expect(missing).toMatchObject({ kind: 'waiting', reason: 'SpecInvalid' });
  });

  it('leaves nothing while a Bucket is missing and the rest is too large', async () => {
    const spec = { access: [read('none'), read('photos')] };
    expect((await rightsFor(spec)).policy).toBeDefined();
    expect(await rightsFor(spec, 100)).toMatchObject({ policy: undefined, missing: { reason: 'BucketNotFound' } });
  });

  it('refuses more than a user can have, and says how much it is', async () => {
    const fault = await faultOf(rightsFor({ access: [read('photos')] }, 100));
    expect(fault).toMatchObject({ kind: 'terminal', reason: 'PolicyInvalid' });
    expect(fault.message).toMatch(/has \d{3} bytes; .* can have 100/);
  });

  it('names the element that is wrong', async () => {
    const fault = await faultOf(
      rightsFor({ policy: { version: '2012-10-17', statement: [{ effect: 'Alow' }] } as never }),
    );
    expect(fault.message).toContain('statement[0].effect');
  });
});
