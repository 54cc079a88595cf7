import type { AccessKeySpec } from '@operator/api';
import { waiting, type Fault } from '@operator/outcome';
import { givesNoAcls, heldTo, leftToOwner, sameByResource, sendsNowhere, statementsAbout } from '@operator/policy';
import type { Provider } from '@operator/references';
import { objectOf, providerOf } from '@operator/references/testing';
import { bucketSpec, createMemoryS3 } from '@operator/testing';
import { describe, expect, it } from 'vitest';
import type { AccessKey } from './deps.ts';
import type { BucketSight, Standing } from './observe-buckets.ts';
import { rightsOf, type Rights } from './rights.ts';

const { driver } = createMemoryS3({ now: () => new Date(0) });

const sightOf = (name: string, standing: Standing = 'given', namespace = 'team-a'): BucketSight => {
  const metadata = { namespace };
  const bucket = objectOf('Bucket', name, bucketSpec({ name }), { metadata, status: { bucketName: name } });
  const fault = standing === 'given' ? undefined : waiting('OwnershipInDoubt', `${name} is ${standing}`);
  return { key: `${namespace}/${name}`, standing, bucket, fault };
};
const gone: BucketSight = {
  key: 'team-a/none',
  standing: 'lost',
  bucket: undefined,
  fault: waiting('BucketNotFound', 'Bucket team-a/none does not exist.'),
};

interface Given {
  readonly maxPolicyBytes?: number;
  readonly lacksActions?: ReadonlySet<string>;
  readonly impliedActions?: ReadonlyMap<string, string>;
  readonly provider?: Provider;
  readonly standing?: Record<string, unknown>;
  /** How the named buckets stand; `given` when left out. */
  readonly standings?: Readonly<Record<string, Standing>>;
}

const rightsFor = (spec: Partial<AccessKeySpec>, given: Given = {}): Rights => {
  const {
    maxPolicyBytes = 2_048,
    lacksActions = new Set<string>(),
    impliedActions = new Map<string, string>(),
    provider = providerOf(driver),
    standing,
    standings = {},
  } = given;
  const accessKey: AccessKey = objectOf('AccessKey', 'app', { providerRef: { name: 'provider' }, ...spec });
  const refs = new Map((spec.access ?? []).map(({ bucketRef }) => [bucketRef.name, bucketRef.namespace]));
  const sights = [...refs].map(([name, namespace]) =>
    name === 'none' ? gone : sightOf(name, standings[name], namespace),
  );
  return rightsOf({ accessKey, provider, sights, standing, server: { maxPolicyBytes, lacksActions, impliedActions } });
};
const refusalOf = ({ refused }: Rights): Fault => {
  if (refused === undefined) throw new Error('expected a Fault');
  return refused;
};
/** As the Provider of another namespace. */
const borrowed = { provider: providerOf(driver, { metadata: { namespace: 'platform' } }) };
const read = (name: string) => ({ bucketRef: { name }, level: 'ReadOnly' as const });
const policy = (resource: string): NonNullable<AccessKeySpec['policy']> => ({
  version: '2012-10-17',
  statement: [{ effect: 'Allow', action: 's3:DeleteObject', resource }],
});

describe('rightsOf', () => {
  it('is nothing where nothing is asked for', () => {
    expect(rightsFor({})).toEqual({ policy: undefined, buckets: [], granted: [] });
  });

  it('joins access and policy, and names each bucket once', () => {
    const { policy: document, buckets } = rightsFor({
      access: [read('photos'), { ...read('photos'), prefix: 'a/' }, read('videos')],
      policy: policy('arn:aws:s3:::photos/*'),
    });
    expect(buckets.map(({ metadata }) => metadata.name)).toEqual(['photos', 'videos']);
    const text = JSON.stringify(document);
    for (const part of ['s3:DeleteObject', 'arn:aws:s3:::videos', 'arn:aws:s3:::photos/a/*'])
      expect(text).toContain(part);
  });

  const photos = 'arn:aws:s3:::photos/*';
  it.each([
    ['is denied', undefined, undefined, ['photos', 'videos']],
    ['is denied also where policy allows something else', 's3:GetObject*', photos, ['photos', 'videos']],
    ['is given in the bucket in which policy asks for it', 's3:deleteobjectversion', photos, ['videos']],
    ['is given in the bucket in which policy asks for more', 's3:*', 'arn:aws:s3:::ph*', ['videos']],
    ['is given in both where policy asks for it in both', 's3:Delete*', '*', []],
    ['is denied where policy asks for it in another bucket', 's3:*', 'arn:aws:s3:::others/*', ['photos', 'videos']],
  ])('what the server implies and the level does not give %s', (_title, action, resource, denied) => {
    const impliedActions = new Map([['s3:DeleteObjectVersion', 's3:DeleteObject']]);
    const level = 'ReadWrite' as const;
    const access = [
      { bucketRef: { name: 'photos' }, level },
      { bucketRef: { name: 'videos' }, level },
    ];
    const statement = [{ effect: 'Allow' as const, action: action ?? '', resource: resource ?? '' }];
    const own = action === undefined ? {} : { policy: { version: '2012-10-17' as const, statement } };
    const { policy: document } = rightsFor({ access, ...own }, { impliedActions });
    const denials = document?.Statement.filter(({ Effect }) => Effect === 'Deny') ?? [];
    expect(denials.flatMap(({ Action }) => Action)).toEqual(denied.length === 0 ? [] : ['s3:DeleteObjectVersion']);
    expect(denials.flatMap(({ Resource }) => Resource)).toEqual(denied.map((name) => `arn:aws:s3:::${name}/*`));
  });

  it('what the server implies is given where policy asks for it in ${bucket}', () => {
    const impliedActions = new Map([['s3:DeleteObjectVersion', 's3:DeleteObject']]);
    const access = [{ bucketRef: { name: 'photos' }, level: 'ReadWrite' as const }];
    const statement = [{ effect: 'Allow' as const, action: 's3:*', resource: 'arn:aws:s3:::${bucket}/a/*' }];
    const own = { version: '2012-10-17' as const, statement };
    const { policy: document } = rightsFor({ access, policy: own }, { impliedActions });
    expect(document?.Statement.filter(({ Effect }) => Effect === 'Deny')).toEqual([]);
  });

  it('lets ${bucket} stand for the one bucket of access', () => {
    const { policy: document } = rightsFor({
      access: [read('photos')],
      policy: policy('arn:aws:s3:::${bucket}/*'),
    });
    expect(document?.Statement[0]).toMatchObject({ Action: ['s3:DeleteObject'], Resource: ['arn:aws:s3:::photos/*'] });
  });

  it.each([
    ['none', []],
    ['several', [read('photos'), read('videos')]],
  ])('refuses ${bucket} where access names %s', (_title, access) => {
    expect(refusalOf(rightsFor({ access, policy: policy('arn:aws:s3:::${bucket}/*') }))).toMatchObject({
      kind: 'terminal',
      reason: 'PolicyInvalid',
    });
  });

  it('keeps a namespace that only borrows the Provider to the buckets that are granted to it', () => {
    const spec = { access: [read('photos')], policy: policy('arn:aws:s3:::videos/*') };
    expect(rightsFor(spec).policy).toBeDefined();
    const { refused: fault, policy: held } = rightsFor(spec, borrowed);
    expect(fault).toMatchObject({ kind: 'terminal', reason: 'PolicyInvalid' });
    expect(fault?.message).toContain('arn:aws:s3:::videos/* is in no bucket that access names');
    // It is no way to keep what stands about a bucket that `access` no longer names.
    expect(held?.Statement.map(({ Effect }) => Effect)).toEqual(['Deny']);
    expect(rightsFor({ ...spec, policy: policy('arn:aws:s3:::${bucket}/*') }, borrowed).policy).toBeDefined();
  });

  it('leaves nothing while a Bucket is missing and the rest is too large', () => {
    const spec = { access: [read('none'), read('photos')] };
    expect(rightsFor(spec).policy).toBeDefined();
    expect(rightsFor(spec, { maxPolicyBytes: 100 })).toMatchObject({
      policy: undefined,
      missing: { reason: 'BucketNotFound' },
    });
  });

  it('refuses more than a user can have, and says how much it is', () => {
    const fault = refusalOf(rightsFor({ access: [read('photos')] }, { maxPolicyBytes: 100 }));
    expect(fault).toMatchObject({ kind: 'terminal', reason: 'PolicyInvalid' });
    expect(fault.message).toMatch(/has \d{3} bytes; .* can have 100/);
  });

  it('names the element that is wrong', () => {
    const fault = refusalOf(rightsFor({ policy: { version: '2012-10-17', statement: [{ effect: 'Alow' }] } as never }));
    expect(fault.message).toContain('statement[0].effect');
  });

  it('says of a policy that is too large how to make it smaller', () => {
    expect(refusalOf(rightsFor({ access: [read('photos')] }, { maxPolicyBytes: 100 })).message).toMatch(
      /Use fewer buckets and prefixes in access .* or spread them over several AccessKeys\.$/,
    );
  });
});

describe('a user of a borrowed Provider', () => {
  it.each<[string, AccessKeySpec['access'], readonly string[]]>([
    ['to its buckets', [read('photos'), read('videos')], ['photos', 'videos']],
    ['to nothing where it has none', [], []],
  ])('is held %s, whatever policies of other resources say', (_title, access, names) => {
    const { policy: document } = rightsFor(access === undefined ? {} : { access }, borrowed);
    expect(document?.Statement.at(-1)).toEqual(heldTo(names, 'aws'));
    expect(JSON.stringify(rightsFor(access === undefined ? {} : { access }).policy ?? {})).not.toContain('Deny');
  });

  it('is not held to a bucket that was lost', () => {
    const { policy: document } = rightsFor(
      { access: [read('photos'), read('videos')] },
      { ...borrowed, standings: { videos: 'lost' } },
    );
    expect(document?.Statement.at(-1)).toEqual(heldTo(['photos'], 'aws'));
    expect(JSON.stringify(document)).not.toContain('videos');
  });

  it('gets nothing by its own policy in a bucket that is in doubt or lost', () => {
    const spec = { access: [read('photos'), read('videos')], policy: policy('arn:aws:s3:::videos/*') };
    for (const standing of ['kept', 'lost'] as const) {
      const { policy: document } = rightsFor(spec, { ...borrowed, standings: { videos: standing } });
      expect(JSON.stringify(document)).not.toContain('s3:DeleteObject');
      expect(JSON.stringify(document)).toContain('arn:aws:s3:::photos/*');
    }
  });
});

describe('in a bucket that another namespace lends', () => {
  const lent = (name: string, level: 'ReadOnly' | 'WriteOnly' | 'ReadWrite' | 'Admin' = 'Admin') => ({
    bucketRef: { name, namespace: 'team-b' },
    level,
  });
  const own = { bucketRef: { name: 'mine' }, level: 'Admin' as const };
  const none: ReadonlySet<string> = new Set();
  const denials = (rights: Rights) =>
    rights.policy?.Statement.filter(({ Effect, Resource }) => Effect === 'Deny' && Resource);

  it('a key with all rights writes no tags, and neither removes nor makes the bucket', () => {
    expect(denials(rightsFor({ access: [lent('films'), own, lent('books')] }))).toEqual([
      leftToOwner(['books', 'films'], 'aws'),
      givesNoAcls(['books', 'films'], 'aws', none),
      sendsNowhere(['books', 'films'], 'aws', none),
    ]);
  });

  it('nor does a key with a policy of its own, whatever its level', () => {
    const all = {
      ...policy('arn:aws:s3:::films'),
      statement: [{ effect: 'Allow' as const, action: 's3:*', resource: '*' }],
    };
    expect(denials(rightsFor({ access: [lent('films', 'ReadWrite')], policy: all }))).toEqual([
      leftToOwner(['films'], 'aws'),
      givesNoAcls(['films'], 'aws', none),
      sendsNowhere(['films'], 'aws', none),
    ]);
  });

  it('nor does any key send copies or logs of the bucket elsewhere, which the server makes with the rights of its owner', () => {
    const ownPolicy = policy('arn:aws:s3:::mine/*');
    expect(denials(rightsFor({ access: [lent('films'), own] }, borrowed))).toEqual([
      leftToOwner(['films'], 'aws'),
      givesNoAcls(['films'], 'aws', none),
      sendsNowhere(['films', 'mine'], 'aws', none),
    ]);
    expect(denials(rightsFor({ access: [own] }, borrowed))).toEqual([sendsNowhere(['mine'], 'aws', none)]);
    expect(denials(rightsFor({ access: [read('mine')], policy: ownPolicy }, borrowed))).toEqual([
      sendsNowhere(['mine'], 'aws', none),
    ]);
    expect(denials(rightsFor({ access: [read('mine')] }, borrowed))).toEqual([sendsNowhere(['mine'], 'aws', none)]);
    expect(denials(rightsFor({ access: [own] }))).toEqual([]);
  });

  it('whose server does not know of logs or ACLs is not asked to deny them', () => {
    const lacksActions = new Set(['s3:PutBucketLogging', 's3:Put*Acl', 's3:PutBucketOwnershipControls']);
    expect(denials(rightsFor({ access: [own, lent('films')] }, { ...borrowed, lacksActions }))).toEqual([
      leftToOwner(['films'], 'aws'),
      sendsNowhere(['films', 'mine'], 'aws', lacksActions),
    ]);
  });

  it('a key that no level lets do so is denied it as well, for a policy of the bucket may; not one in its own buckets', () => {
    for (const level of ['ReadOnly', 'WriteOnly', 'ReadWrite'] as const)
      expect(denials(rightsFor({ access: [lent('films', level), own] }))).toEqual([
        leftToOwner(['films'], 'aws'),
        givesNoAcls(['films'], 'aws', none),
        sendsNowhere(['films'], 'aws', none),
      ]);
  });

  it('what stands about one in doubt stays, with what is denied there', () => {
    const access = [lent('films'), lent('books')];
    const standing = { ...rightsFor({ access }).policy };
    const rights = rightsFor({ access }, { standing, standings: { films: 'kept' } });
    expect(sameByResource(rights.policy, standing)).toBe(true);
  });
});

describe('while a bucket is in doubt', () => {
  const both = { access: [read('photos'), read('videos')] };
  const standing = rightsFor(both).policy;
  const inDoubt = (spec: Partial<AccessKeySpec>, given: Given = {}) =>
    rightsFor(spec, { standings: { videos: 'kept' }, ...given });

  it('what stands about it stays, and the others are as declared', () => {
    const { policy: document, buckets, missing } = inDoubt(both, { standing: { ...standing } });
    expect(sameByResource(document, standing)).toBe(true);
    expect(buckets.map(({ metadata }) => metadata.name)).toEqual(['photos']);
    expect(missing).toMatchObject({ reason: 'OwnershipInDoubt' });
    expect(inDoubt(both, { standing: { ...standing } }).granted).toEqual(['team-a/photos', 'team-a/videos']);
    expect(inDoubt(both).granted).toEqual(['team-a/photos']);
    expect(rightsFor(both, { standing: { ...standing }, standings: { videos: 'lost' } }).granted).toEqual([
      'team-a/photos',
    ]);
  });

  it('nothing is given in it', () => {
    expect(JSON.stringify(inDoubt(both).policy)).not.toContain('videos');
    expect(inDoubt({ access: [read('videos')] }).policy).toBeUndefined();
  });

  it('a wider level waits there, and is given elsewhere', () => {
    const wider = both.access.map((entry) => ({ ...entry, level: 'ReadWrite' as const }));
    const statements = inDoubt({ access: wider }, { standing: { ...standing } }).policy?.Statement ?? [];
    const about = (bucket: string) => JSON.stringify(statementsAbout({ Statement: statements }, new Set([bucket])));
    expect(about('photos')).toContain('s3:PutObject');
    expect(about('videos')).not.toContain('s3:PutObject');
    expect(about('videos')).toContain('s3:GetObject');
  });

  it('an own policy that names it is not written twice', () => {
    const spec = { ...both, policy: policy('arn:aws:s3:::videos/*') };
    const full = rightsFor(spec).policy;
    const once = inDoubt(spec, { standing: { ...full } }).policy;
    expect(sameByResource(once, full)).toBe(true);
    expect(inDoubt(spec, { standing: { ...once } }).policy).toEqual(once);
  });

  it('a policy that cannot stand leaves what stands about the other buckets, and of what was lost nothing', () => {
    const spec = {
      access: [read('photos'), read('videos'), read('films')],
      policy: policy('arn:aws:s3:::${bucket}/*'),
    };
    const all = { access: spec.access };
    const { policy: document } = rightsFor(spec, {
      standing: { ...rightsFor(all).policy },
      standings: { videos: 'kept', films: 'lost' },
    });
    expect(sameByResource(document, standing)).toBe(true);
  });
});
