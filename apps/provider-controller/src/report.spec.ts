import { transient, waiting } from '@operator/outcome';
import { objectOf, providerOf } from '@operator/references/testing';
import { describe, expect, it } from 'vitest';
import { claimsOfProviderFault, healthyClaims, mergeCapabilities, reportProvider, validateFailed } from './report.ts';
import { describeUsers, grantedUsers, inUseByOf } from './users.ts';

const brief = (claims: ReturnType<typeof healthyClaims>) => claims.map(({ type, status }) => `${type}=${status}`);

it.each([
  [waiting('AuthFailed', 'why'), ['AuthValid=False', 'EndpointReachable=True', 'AuthFailed=True']],
  [waiting('SecretNotFound', 'why'), ['AuthValid=False', 'AuthFailed=True']],
  [
    transient('EndpointUnreachable', 'why'),
    ['EndpointReachable=False', 'EndpointUnreachable=True', 'AuthValid=Unknown'],
  ],
  [waiting('TlsFailed', 'why'), ['EndpointReachable=False', 'EndpointUnreachable=True', 'AuthValid=Unknown']],
  [waiting('InUse', 'why'), []],
])('%s', (fault, want) => {
  expect(brief(claimsOfProviderFault(fault))).toEqual(want);
});

it.each([
  ['AuthFailed', 'ValidateFailed'],
  ['SecretNotFound', 'ValidateFailed'],
  ['TlsFailed', 'ValidateFailed'],
  ['Timeout', 'ValidateFailed'],
  ['InUse', undefined],
  ['ServerChanged', undefined],
  ['Forbidden', undefined],
])('the Event for %s is %s, where it is no check that failed that of the cause', (reason, event) => {
  expect(validateFailed(reason)).toBe(event);
});

it.each([
  ['AuthFailed', 'SecretKeyMissing'],
  ['EndpointUnreachable', 'ClockSkew'],
  ['EndpointUnreachable', 'ResponseTooLarge'],
  ['EndpointUnreachable', 'DestinationRefused'],
])('%s carries the precise reason and the words of the fault: %s', (type, reason) => {
  const claims = claimsOfProviderFault(waiting(reason, 'why'));
  expect(claims.find((claim) => claim.type === type)).toEqual({ type, status: 'True', reason, message: 'why' });
});

it('credentials that may not list buckets are valid, and the message says what they may not', () => {
  expect(brief(healthyClaims(true))).toEqual(['EndpointReachable=True', 'AuthValid=True']);
  expect(healthyClaims(true)[1]?.message).toContain('may not list');
});

describe('reportProvider', () => {
  const now = new Date('2026-05-05T10:00:00.000Z');
  const before = '2026-05-01T00:00:00.000Z';
  const facts = {
    place: { serverIdentity: 'http://s3.test', keyService: undefined, credentialsVersion: '2' },
    accountId: undefined,
    health: {},
    capabilities: undefined,
    orphans: {},
    retained: {},
    inUseBy: { buckets: 0, accessKeys: 0 },
    granted: {},
    revocation: undefined,
  };
  const fresh = { connected: true, endpoint: 'http://s3.test', credentialsVersion: '2', inUseBy: facts.inUseBy };
  it.each([
    ['the first connection', undefined, now.toISOString()],
    ['a standing one', { connected: true, credentialsVersion: '2', lastConnectTime: before }, before],
    ['one after an outage', { connected: false, credentialsVersion: '2', lastConnectTime: before }, now.toISOString()],
    [
      'one with other credentials',
      { connected: true, credentialsVersion: '1', lastConnectTime: before },
      now.toISOString(),
    ],
  ])('%s', (_title, former, lastConnectTime) => {
    expect(reportProvider(former, facts, now)).toEqual({ ...fresh, lastConnectTime });
  });
});

it.each([
  [undefined, { a: 'Unknown' }, { a: 'Unknown' }],
  [{ a: 'Supported' }, { a: 'Unknown', b: 'Unknown' }, { a: 'Supported', b: 'Unknown' }],
  [{ a: 'Supported', gone: 'Supported' }, { a: 'Unsupported' }, { a: 'Unsupported' }],
] as const)('capabilities %j and then %j are %j', (former, probed, want) => {
  expect(mergeCapabilities(former, probed)).toEqual(want);
});

it('the other namespaces that use a Provider are named, each once and in order, a hundred at most', () => {
  const bucket = (namespace: string) =>
    objectOf(
      'Bucket',
      'one',
      { providerRef: { name: 'provider' }, name: 'one' },
      { metadata: { namespace }, status: {} },
    );
  const key = (namespace: string) =>
    objectOf('AccessKey', 'one', { providerRef: { name: 'provider' } }, { metadata: { namespace }, status: {} });
  const users = {
    buckets: [bucket('b'), bucket('storage'), bucket('a')],
    accessKeys: [key('b')],
    sources: [bucket('c')],
  };
  expect(inUseByOf(users, 'storage')).toEqual({ buckets: 4, accessKeys: 1, namespaces: ['a', 'b', 'c'] });
  expect(inUseByOf({ buckets: [bucket('storage')], accessKeys: [] }, 'storage')).toEqual({ buckets: 1, accessKeys: 0 });
  const many = Array.from({ length: 120 }, (_, index) => bucket(`team-${String(index)}`));
  expect(inUseByOf({ buckets: many, accessKeys: [] }, 'storage').namespaces).toHaveLength(100);
});

describe('the users of a Provider', () => {
  const user = (name: string, namespace: string, status = {}) =>
    objectOf('Bucket', name, { providerRef: { name: 'provider' }, name }, { metadata: { namespace }, status });
  const provider = providerOf(
    { serverIdentity: 'http://s3.test' },
    { spec: { allowedNamespaces: { selector: { matchLabels: { s3: 'yes' } } } } },
  );

  it('count when they are granted, or surely have something at the server; a namespace is asked about once', async () => {
    const asked: string[] = [];
    const labelsOf = (namespace: string) => {
      asked.push(namespace);
      return Promise.resolve<Record<string, string>>(namespace === 'team-b' ? { s3: 'yes' } : {});
    };
    const buckets = [
      user('own', 'team-a'),
      user('b1', 'team-b'),
      user('b2', 'team-b'),
      user('stranger', 'team-c'),
      user('revoked', 'team-c', { ownership: 'Created' }),
      user('making', 'team-c', { createIntent: { at: '', bucketName: '' } }),
      user('forged', 'team-c', { ownership: 'Created' }),
      user('intruder', 'team-d', { proof: 'holds' }),
    ];
    const ownership = {
      remembersAt: ({ metadata }: { metadata: { name: string } }) => Promise.resolve(metadata.name !== 'forged'),
      provenAccessKey: () => Promise.resolve(undefined),
    };
    const { signal } = new AbortController();
    const found = await grantedUsers(provider, { buckets, accessKeys: [] }, { labelsOf, ownership }, signal);
    expect(found.buckets.map(({ metadata }) => metadata.name)).toEqual(['own', 'b1', 'b2', 'revoked', 'making']);
    expect(asked).toEqual(['team-b', 'team-c', 'team-d']);
  });

  it('are Buckets of other Providers too, where a Bucket of this one lets them copy to it', async () => {
    const source = (name: string, namespace: string) => {
      const rules = [{ destination: { bucketRef: { name: 'copies', namespace: 'team-a' } } }];
      const made = user(name, namespace);
      return { ...made, spec: { ...made.spec, replication: { rules } } } as unknown as typeof made;
    };
    const copies = user('copies', 'team-a');
    const lent = { ...copies, spec: { ...copies.spec, allowedNamespaces: { names: ['team-b'] } } };
    const labelsOf = () => Promise.resolve({});
    const ownership = { remembersAt: () => Promise.resolve(false), provenAccessKey: () => Promise.resolve(undefined) };
    const sources = [source('own', 'team-a'), source('granted', 'team-b'), source('stranger', 'team-c')];
    const users = { buckets: [lent], accessKeys: [], sources };
    const found = await grantedUsers(provider, users, { labelsOf, ownership }, new AbortController().signal);
    expect(found.sources?.map(({ metadata }) => metadata.name)).toEqual(['own', 'granted']);
    expect(describeUsers(found)).toBe('3 objects: Bucket team-a/copies, Bucket team-a/own, Bucket team-b/granted');
  });

  it.each([
    [1, '1 object: Bucket a/b0'],
    [7, '7 objects: Bucket a/b0, Bucket a/b1, Bucket a/b2, Bucket a/b3, Bucket a/b4, and 2 more'],
  ])('%i of them are named', (count, want) => {
    const buckets = Array.from({ length: count }, (_, at) => user(`b${String(at)}`, 'a'));
    expect(describeUsers({ buckets, accessKeys: [] })).toBe(want);
  });
});
