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
import { bindAspect } from '../bind-aspect.ts';
import { versioning } from './versioning.ts';
import { publicAccess, publicAccessOf, publicAccessWithoutAcls, readPolicyBlock } from './public-access.ts';

const flags = (acls: boolean, policies: boolean) => ({
  blockPublicAcls: acls,
  ignorePublicAcls: acls,
  blockPublicPolicy: policies,
  restrictPublicBuckets: policies,
});
const xml = (on: boolean) =>
  `<PublicAccessBlockConfiguration>${[
    'BlockPublicAcls',
    'BlockPublicPolicy',
    'IgnorePublicAcls',
    'RestrictPublicBuckets',
  ]
    .map((name) => `<${name}>${String(on)}</${name}>`)
    .join('')}</PublicAccessBlockConfiguration>`;

describe('what of public access is kept', () => {
  it.each([
    ['all of it on a bucket that we made', undefined, true, flags(true, true)],
    ['nothing on a bucket that we adopted', undefined, false, undefined],
    ['what the spec says, whoever made it', flags(true, false), true, flags(true, false)],
  ])('is %s', (_title, declared, created, want) => {
    expect(publicAccessOf(declared === undefined ? {} : { publicAccess: declared }, { created })).toEqual(want);
  });
});

describe('publicAccess', () => {
  let fake: FakeDriver['fake'];
  let driver: FakeDriver['driver'];
  beforeEach(async () => {
    const started = await startFakeDriver();
    ({ fake, driver } = started);
    return started.close;
  });
  const s3 = () => ({ wire: driver.wire(), bucket: 'photos' });

  it('reads a bucket without a block as all off, and finds nothing to do after a write', async () => {
    let body: string | undefined;
    fake.answer(({ method }) => {
      if (method === 'PUT') body = xml(true);
      return body === undefined
        ? refuse(404, 'NoSuchPublicAccessBlockConfiguration')
        : succeed(method === 'PUT' ? '' : body);
    });
    expect(await publicAccess.read(s3(), recordingContext())).toEqual(flags(false, false));
    fake.answer(({ method, body: sent }) => {
      if (method === 'PUT') body = sent;
      return succeed(method === 'PUT' ? '' : body);
    });
    await publicAccess.write(s3(), flags(true, false), recordingContext());
    const have = await publicAccess.read(s3(), recordingContext());
    expect(publicAccess.diff(flags(true, false), have)).toBeUndefined();
    expect(publicAccess.diff(flags(true, true), have)).toEqual(flags(true, true));
  });

  it('takes the list of a bucket for no block: such a server does not know the sub-resource', async () => {
    fake.answer(() => succeed('<ListBucketResult><Name>photos</Name></ListBucketResult>'));
    const look = await bindAspect(publicAccess).look(
      bucketSpec(),
      bucketContext(),
      s3(),
      new Map(),
      recordingContext(),
    );
    expect(look).toBeUndefined();
  });

  it('never sends a DELETE, which some servers take for one of the bucket', async () => {
    fake.answer(() => succeed());
    await publicAccess.write(s3(), flags(false, false), recordingContext());
    expect(fake.requests.map(({ method }) => method)).toEqual(['PUT']);
  });

  it('that was never declared is passed over on a server that lacks it, and told where it was declared', async () => {
    fake.answer(() => refuse(501, 'NotImplemented'));
    const bound = bindAspect(publicAccess);
    const look = (spec = bucketSpec()) => bound.look(spec, bucketContext(), s3(), new Map(), recordingContext());
    expect(await look()).toBeUndefined();
    expect(await look(bucketSpec({ publicAccess: flags(true, true) }))).toMatchObject({ verdict: 'unsupported' });
    expect(await look(bucketSpec({ publicAccess: flags(false, false) }))).toBeUndefined();
  });

  it.each([
    ['the flags for ACLs are met', flags(true, false), { verdict: 'same' }],
    ['those for policies are told', flags(true, true), { verdict: 'unsupported', message: 'no block' }],
    ['and nothing is kept without being declared', undefined, undefined],
  ])('on a server without blocks and public ACLs: %s', async (_title, declared, want) => {
    const spec = bucketSpec(declared === undefined ? {} : { publicAccess: declared });
    const unsupported = new Map([['publicPolicyBlock', 'no block']] as const);
    const view = await bindAspect(publicAccessWithoutAcls).look(
      spec,
      bucketContext(),
      s3(),
      unsupported,
      recordingContext(),
    );
    expect(view).toEqual(want && { aspect: 'publicAccess', ...want });
    expect(fake.requests).toEqual([]);
  });

  describe('what a server does about public policies', () => {
    const having = { aspects: [bindAspect(publicAccess)], unsupported: new Map() };
    const read = (wanted = flags(true, true), driverHas: Parameters<typeof readPolicyBlock>[0] = having) =>
      readPolicyBlock(driverHas, s3(), wanted, recordingContext());

    it.each([
      ['enforced', 'all is wanted and there', succeed(xml(true)), flags(true, true)],
      [
        'enforced',
        'more is there than is wanted',
        succeed(xml(true)),
        { ...flags(true, true), restrictPublicBuckets: false },
      ],
      ['later', 'nothing is there yet', refuse(404, 'NoSuchPublicAccessBlockConfiguration'), flags(false, true)],
      ['later', 'what is there is off', succeed(xml(false)), { ...flags(false, false), restrictPublicBuckets: true }],
      ['none', 'it lacks the operation', refuse(501, 'NotImplemented'), flags(true, true)],
      [
        'none',
        'it lists the bucket instead',
        succeed('<ListBucketResult><Name>photos</Name></ListBucketResult>'),
        flags(true, true),
      ],
    ])('is %s where %s', async (block, _why, answer, wanted) => {
      fake.answer(() => answer);
      expect(await read(wanted)).toBe(block);
    });

    it('is known without a call where the driver knows it, and once the server has shown that it lacks it', async () => {
      fake.answer(({ query }) =>
        query.has('versioning') ? succeed('<VersioningConfiguration/>') : refuse(501, 'NotImplemented'),
      );
      const unsupported = new Map([['publicPolicyBlock', 'no block']] as const);
      const wanted = flags(true, true);
      expect(await read(wanted, { aspects: [bindAspect(publicAccessWithoutAcls)], unsupported })).toBe('none');
      expect(await read(wanted, { aspects: [], unsupported: new Map() })).toBe('none');
      expect(fake.requests).toEqual([]);
      expect(await read()).toBe('none');
      await versioning.read(s3(), recordingContext());
      expect([await read(), await read()]).toEqual(['none', 'none']);
      expect(fake.requests).toHaveLength(3);
    });

    it('is not guessed where it may not be read', async () => {
      fake.answer(() => refuse(403, 'AccessDenied'));
      await expect(read()).rejects.toMatchObject({ reason: 'AccessDenied' });
    });
  });
});
