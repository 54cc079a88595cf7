import type { AccessKeySpec } from '@operator/api';
import { waiting, type Fault } from '@operator/outcome';
import { denied, heldTo, ownerActions, sameByResource, sendingActions, statementsAbout } from '@operator/policy';
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

describe('while what is asked for is too large', () => {
  const large = policy(`arn:aws:s3:::${'x'.repeat(2_048)}`);
  const at = (level: 'ReadOnly' | 'ReadWrite', name = 'photos') => ({ bucketRef: { name }, level });

  it('what is no longer asked for goes all the same, and nothing new is given', () => {
    const standing = { ...rightsFor({ access: [at('ReadWrite'), at('ReadWrite', 'videos')] }).policy };
    const less = rightsFor({ access: [at('ReadOnly'), at('ReadWrite', 'films')], policy: large }, { standing });
    expect(less.refused?.message).toMatch(/has 3\d{3} bytes; .* can have 2048/);
    expect(sameByResource(less.policy, rightsFor({ access: [at('ReadOnly')] }).policy)).toBe(true);
    expect(less.granted).toEqual(['team-a/photos']);
    expect(rightsFor({ access: [], policy: large }, { standing })).toMatchObject({ policy: undefined, granted: [] });
  });

  it('so it is on a borrowed Provider, and where a Bucket is missing, which is told', () => {
    const resource = `arn:aws:s3:::photos/${'x'.repeat(2_048)}`;
    const inBucket = { ...large, statement: [{ effect: 'Allow' as const, action: 's3:PutObjectRetention', resource }] };
    const standing = { ...rightsFor({ access: [at('ReadWrite')] }, borrowed).policy };
    const access = [at('ReadOnly'), at('ReadOnly', 'none')];
    const less = rightsFor({ access, policy: inBucket }, { ...borrowed, standing });
    expect(sameByResource(less.policy, rightsFor({ access: [at('ReadOnly')] }, borrowed).policy)).toBe(true);
    expect([less.missing?.reason, less.refused?.reason]).toEqual(['BucketNotFound', 'BucketNotFound']);
  });
});

describe('while what is to be denied is too large', () => {
  const at = (level: 'ReadOnly' | 'ReadWrite', name = 'photos') => ({ bucketRef: { name }, level });
  const resource = `arn:aws:s3:::photos/${'x'.repeat(2_048)}`;
  const denials = {
    version: '2012-10-17' as const,
    statement: [{ effect: 'Deny' as const, action: 's3:*', resource }],
  };

  it.each<[string, Given]>([
    ['an own', {}],
    ['a borrowed', borrowed],
  ])('what is no longer asked for goes without it, on %s Provider', (_title, given) => {
    const standing = { ...rightsFor({ access: [at('ReadWrite'), at('ReadWrite', 'videos')] }, given).policy };
    const less = rightsFor({ access: [at('ReadOnly')], policy: denials }, { ...given, standing });
    expect(less.refused?.reason).toBe('PolicyInvalid');
    expect(sameByResource(less.policy, rightsFor({ access: [at('ReadOnly')] }, given).policy)).toBe(true);
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
  const inBooks = { bucketRef: { name: 'books', namespace: 'team-b' } };
  const denials = (rights: Rights) =>
    rights.policy?.Statement.filter(({ Effect, Resource }) => Effect === 'Deny' && Resource);
  const all = [...ownerActions, ...sendingActions];
  const deny = (actions: readonly string[], buckets: Parameters<typeof denied>[1], lacks = new Set<string>()) =>
    denied(actions, buckets, { partition: 'aws', lacks });

  it.each(['ReadOnly', 'WriteOnly', 'ReadWrite', 'Admin'] as const)(
    "no key with %s does what is its owner's, nor has copies and logs sent elsewhere, for a policy of the bucket may allow it",
    (level) => {
      const access = [lent('films', level), { ...inBooks, level }];
      expect(denials(rightsFor({ access }))).toEqual(deny(all, 'everywhere'));
      expect(denials(rightsFor({ access }, borrowed))).toEqual(deny(all, 'everywhere'));
      // In its own buckets it may.
      expect(denials(rightsFor({ access: [own, ...access] }))).toEqual(deny(all, ['books', 'films']));
      expect(denials(rightsFor({ access: [own] }))).toEqual([]);
    },
  );

  it('a policy that allows something elsewhere is not denied it there', () => {
    const allOf = (resource: string) => ({
      ...policy(resource),
      statement: [{ effect: 'Allow' as const, action: 's3:*', resource }],
    });
    for (const resource of ['*', 'arn:aws:s3:::mine', 'arn:aws:s3:::film*'])
      expect(denials(rightsFor({ access: [lent('films', 'ReadWrite')], policy: allOf(resource) }))).toEqual(
        deny(all, ['films']),
      );
    const within = allOf('arn:aws:s3:::${bucket}');
    expect(denials(rightsFor({ access: [lent('films')], policy: within }))).toEqual(deny(all, 'everywhere'));
  });

  it('nor in an own one on a borrowed Provider, whose server acts with the rights of the lender', () => {
    expect(denials(rightsFor({ access: [lent('films'), own] }, borrowed))).toEqual([
      ...deny(ownerActions, ['films']),
      ...deny(sendingActions, 'everywhere'),
    ]);
    const ownPolicy = policy('arn:aws:s3:::mine/*');
    for (const spec of [{ access: [own] }, { access: [read('mine')] }, { access: [read('mine')], policy: ownPolicy }])
      expect(denials(rightsFor(spec, borrowed))).toEqual(deny(sendingActions, 'everywhere'));
  });

  it('whose server does not know of logs or ACLs is not asked to deny them', () => {
    const lacksActions = new Set(['s3:PutBucketLogging', 's3:Put*Acl', 's3:PutBucketOwnershipControls']);
    expect(denials(rightsFor({ access: [own, lent('films')] }, { ...borrowed, lacksActions }))).toEqual([
      ...deny(ownerActions, ['films'], lacksActions),
      ...deny(sendingActions, 'everywhere', lacksActions),
    ]);
  });

  it('a key that is narrowed while a policy of its own is wrong keeps what it is denied', () => {
    const access = [lent('films'), { bucketRef: { name: 'none' }, level: 'Admin' as const }];
    const wrong = policy('arn:aws:s3:::${bucket}/*');
    for (const provider of [{}, borrowed]) {
      const standing = { ...rightsFor({ access: [lent('films')] }, provider).policy };
      const rights = rightsFor({ access, policy: wrong }, { ...provider, standing });
      expect(sameByResource(rights.policy, standing)).toBe(true);
    }
  });

  it.each([
    ['an own one, which is not denied it', own],
    ['another lent one', lent('books')],
  ])('in doubt, the same stays denied beside %s', (_title, other) => {
    const access = [lent('films'), other];
    const standings = { films: 'kept' } as const;
    const before = rightsFor({ access: [lent('films')] }).policy;
    const { policy: document } = rightsFor({ access }, { standing: { ...before }, standings });
    expect(sameByResource(document, rightsFor({ access }).policy)).toBe(true);
    const once = rightsFor({ access }, { standing: { ...document }, standings }).policy;
    expect(once).toEqual(document);
  });

  it('what stands about one in doubt stays, with what is denied there', () => {
    const access = [lent('films'), lent('books')];
    const standing = { ...rightsFor({ access }).policy };
    const rights = rightsFor({ access }, { standing, standings: { films: 'kept' } });
    expect(sameByResource(rights.policy, standing)).toBe(true);
  });
});

describe('what is denied takes no more room for more buckets, so that a user can have', () => {
  /** As Ceph, which does not know more of them. */
  const lacksActions = new Set(['s3:PutInventoryConfiguration', 's3:PutAnalyticsConfiguration']);
  const mostOf = (given: Given, { namespace, nameLength = 40, prefix }: Fit): number => {
    const entry = (position: number) => ({
      bucketRef: { name: `b${String(position)}`.padEnd(nameLength, 'x'), ...(namespace && { namespace }) },
      level: 'ReadWrite' as const,
      ...(prefix && { prefix }),
    });
    const fits = (count: number): boolean =>
      rightsFor({ access: Array.from({ length: count }, (_, position) => entry(position)) }, given).refused ===
      undefined;
    let most = 0;
    while (fits(most + 1)) most += 1;
    return most;
  };
  interface Fit {
    readonly namespace?: string;
    readonly nameLength?: number;
    readonly prefix?: string;
  }
  const lent = { namespace: 'team-b' };
  const long = { nameLength: 63, prefix: 'team-a/in/' };
  it.each<[string, Given, Fit, number]>([
    ['own ones', {}, {}, 13],
    ['lent ones', {}, lent, 12],
    ['own ones of a borrowed Provider', borrowed, {}, 6],
    ['lent ones of a borrowed Provider', borrowed, lent, 5],
    ['own ones with long names and a prefix', {}, long, 5],
    ['lent ones with long names and a prefix', {}, { ...long, ...lent }, 5],
    ['own ones of a borrowed Provider with long names and a prefix', borrowed, long, 3],
    ['lent ones of a borrowed Provider with long names and a prefix', borrowed, { ...long, ...lent }, 3],
  ])('%s', (_title, given, fit, most) => {
    expect(mostOf({ ...given, lacksActions }, fit)).toBe(most);
  });

  it.each<[string, Given, Fit, number]>([
    ['own ones', {}, {}, 49],
    ['lent ones', {}, lent, 47],
    ['own ones of a borrowed Provider', borrowed, {}, 24],
    ['lent ones of a borrowed Provider', borrowed, lent, 23],
  ])('%s, on AWS', (_title, given, fit, most) => {
    expect(mostOf({ ...given, maxPolicyBytes: 6_144 }, fit)).toBe(most);
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
