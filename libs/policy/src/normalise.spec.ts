import { describe, expect, test } from 'vitest';
import { hashPolicy, normalisePolicy, samePolicy } from './normalise.ts';

type Statement = Readonly<Record<string, unknown>>;

const statement = (change: Statement = {}): Statement => ({
  Effect: 'Allow',
  Principal: { AWS: ['*'] },
  Action: ['s3:GetObject'],
  Resource: ['arn:aws:s3:::data/*'],
  ...change,
});
const policy = (...Statement: readonly unknown[]) => ({ Version: '2012-10-17', Statement });
const condition = (Condition: unknown) => policy(statement({ Condition }));

describe('two documents mean the same', () => {
  test.each([
    ['one action as text or list', policy(statement({ Action: 's3:GetObject' })), policy(statement())],
    ['one resource as text or list', policy(statement({ Resource: 'arn:aws:s3:::data/*' })), policy(statement())],
    ['one statement as object or list', { Version: '2012-10-17', Statement: statement() }, policy(statement())],
    ['everybody in either form', policy(statement({ Principal: '*' })), policy(statement())],
    ['everybody as text under AWS', policy(statement({ Principal: { AWS: '*' } })), policy(statement())],
    [
      'actions in another order',
      policy(statement({ Action: ['s3:A', 's3:B'] })),
      policy(statement({ Action: ['s3:B', 's3:A'] })),
    ],
    ['actions in another case', policy(statement({ Action: 'S3:getobject' })), policy(statement())],
    ['an action twice', policy(statement({ Action: ['s3:GetObject', 's3:GetObject'] })), policy(statement())],
    [
      'resources in another order',
      policy(statement({ Resource: ['a', 'b'] })),
      policy(statement({ Resource: ['b', 'a'] })),
    ],
    ['one star or several', policy(statement({ Resource: '*' })), policy(statement({ Resource: '**' }))],
    [
      'statements in another order',
      policy(statement(), statement({ Effect: 'Deny' })),
      policy(statement({ Effect: 'Deny' }), statement()),
    ],
    ['a statement twice', policy(statement(), statement()), policy(statement())],
    [
      'an account or its root',
      policy(statement({ Principal: { AWS: '123456789012' } })),
      policy(statement({ Principal: { AWS: ['arn:aws:iam::123456789012:root'] } })),
    ],
    [
      'principals in another order',
      policy(statement({ Principal: { Service: 'a', AWS: ['x', 'y'] } })),
      policy(statement({ Principal: { AWS: ['y', 'x'], Service: ['a'] } })),
    ],
    ['a sid that a server dropped', policy(statement({ Sid: 'A' })), policy(statement())],
    ['an empty sid', policy(statement({ Sid: '' })), policy(statement())],
    [
      'a condition value as text or list',
      condition({ StringEquals: { 'aws:a': 'b' } }),
      condition({ StringEquals: { 'aws:a': ['b'] } }),
    ],
    [
      'condition values in another order',
      condition({ StringEquals: { 'aws:a': ['b', 'c'] } }),
      condition({ StringEquals: { 'aws:a': ['c', 'b'] } }),
    ],
    [
      'condition keys in another case',
      condition({ StringEquals: { 'aws:SourceVpc': 'b' } }),
      condition({ stringequals: { 'AWS:sourcevpc': 'b' } }),
    ],
    [
      'a boolean as text',
      condition({ Bool: { 'aws:SecureTransport': false } }),
      condition({ Bool: { 'aws:SecureTransport': ['False'] } }),
    ],
    [
      'a number as text',
      condition({ NumericEquals: { 's3:max-keys': 10 } }),
      condition({ NumericEquals: { 's3:max-keys': '10' } }),
    ],
    [
      'an address or a network of one',
      condition({ IpAddress: { 'aws:SourceIp': '10.0.0.1' } }),
      condition({ IpAddress: { 'aws:SourceIp': '10.0.0.1/32' } }),
    ],
    [
      'a network by any of its addresses',
      condition({ IpAddress: { 'aws:SourceIp': '192.168.1.5/24' } }),
      condition({ IpAddress: { 'aws:SourceIp': '192.168.1.0/24' } }),
    ],
    [
      'an IPv6 network however it is written',
      condition({ NotIpAddress: { 'aws:SourceIp': '2001:DB8:0:0::1/64' } }),
      condition({ NotIpAddress: { 'aws:SourceIp': '2001:db8::/64' } }),
    ],
    [
      'an instant however it is written',
      condition({ DateLessThan: { 'aws:CurrentTime': '2027-01-01T01:00:00.000+01:00' } }),
      condition({ DateLessThan: { 'aws:CurrentTime': '2027-01-01T00:00:00Z' } }),
    ],
    [
      'a day or its first instant',
      condition({ 'ForAnyValue:DateEqualsIfExists': { 'aws:CurrentTime': '2027-01-01' } }),
      condition({ 'ForAnyValue:DateEqualsIfExists': { 'aws:CurrentTime': '2027-01-01T00:00:00Z' } }),
    ],
    [
      'an integer with leading zeros',
      condition({ NumericEquals: { 's3:max-keys': '010' } }),
      condition({ NumericEquals: { 's3:max-keys': 10 } }),
    ],
    ['an empty condition', condition({}), policy(statement())],
    ['no version or the oldest', { Statement: [statement()] }, { Version: '2008-10-17', Statement: [statement()] }],
    [
      'keys in another order',
      policy(statement()),
      {
        Statement: [{ Resource: 'arn:aws:s3:::data/*', Action: 's3:GetObject', Principal: '*', Effect: 'Allow' }],
        Version: '2012-10-17',
      },
    ],
  ])('%s', (_, a, b) => {
    expect(samePolicy(a, b)).toBe(true);
    expect(samePolicy(b, a)).toBe(true);
    expect(hashPolicy(a)).toBe(hashPolicy(b));
  });
});

describe('two documents differ by', () => {
  test.each([
    ['the effect', policy(statement({ Effect: 'Deny' })), policy(statement())],
    ['an action', policy(statement({ Action: ['s3:GetObject', 's3:PutObject'] })), policy(statement())],
    ['a resource', policy(statement({ Resource: 'arn:aws:s3:::data' })), policy(statement())],
    [
      'the case of a resource',
      policy(statement({ Resource: 'arn:aws:s3:::data/A' })),
      policy(statement({ Resource: 'arn:aws:s3:::data/a' })),
    ],
    ['a principal', policy(statement({ Principal: { AWS: '123456789012' } })), policy(statement())],
    [
      'the kind of principal',
      policy(statement({ Principal: { Service: 'x' } })),
      policy(statement({ Principal: { AWS: 'x' } })),
    ],
    [
      'an account and another',
      policy(statement({ Principal: { AWS: '123456789012' } })),
      policy(statement({ Principal: { AWS: '210987654321' } })),
    ],
    [
      'a user and the account',
      policy(statement({ Principal: { AWS: 'arn:aws:iam::123456789012:user/root' } })),
      policy(statement({ Principal: { AWS: '123456789012' } })),
    ],
    ['principal and notPrincipal', policy(statement({ Principal: undefined, NotPrincipal: '*' })), policy(statement())],
    ['action and notAction', policy(statement({ Action: undefined, NotAction: 's3:GetObject' })), policy(statement())],
    ['a statement', policy(statement(), statement({ Effect: 'Deny' })), policy(statement())],
    ['the version', { Version: '2008-10-17', Statement: [statement()] }, policy(statement())],
    ['a condition', condition({ StringEquals: { 'aws:a': 'b' } }), policy(statement())],
    ['the operator', condition({ StringEquals: { 'aws:a': 'b' } }), condition({ StringLike: { 'aws:a': 'b' } })],
    [
      'a set prefix',
      condition({ StringEquals: { 'aws:a': 'b' } }),
      condition({ 'ForAnyValue:StringEquals': { 'aws:a': 'b' } }),
    ],
    ['a value', condition({ StringEquals: { 'aws:a': 'b' } }), condition({ StringEquals: { 'aws:a': 'B' } })],
    [
      'the name of a tag',
      condition({ StringEquals: { 's3:ExistingObjectTag/Team': 'b' } }),
      condition({ StringEquals: { 's3:ExistingObjectTag/team': 'b' } }),
    ],
    [
      'the size of a network',
      condition({ IpAddress: { 'aws:SourceIp': '2001:db8::1/32' } }),
      condition({ IpAddress: { 'aws:SourceIp': '2001:db8::1/128' } }),
    ],
    [
      'a moment',
      condition({ DateLessThan: { 'aws:CurrentTime': '2027-01-01T00:00:00.001Z' } }),
      condition({ DateLessThan: { 'aws:CurrentTime': '2027-01-01T00:00:00Z' } }),
    ],
    [
      'a date that is text',
      condition({ StringEquals: { 'aws:a': '2027-01-01T00:00:00.000Z' } }),
      condition({ StringEquals: { 'aws:a': '2027-01-01T00:00:00Z' } }),
    ],
    [
      'what is no date',
      condition({ DateLessThan: { 'aws:CurrentTime': 'soon' } }),
      condition({ DateLessThan: { 'aws:CurrentTime': 'later' } }),
    ],
    ['an element that we do not know', policy(statement({ Future: 'x' })), policy(statement())],
    ['everything', {}, policy(statement())],
  ])('%s', (_, a, b) => {
    expect(samePolicy(a, b)).toBe(false);
    expect(samePolicy(b, a)).toBe(false);
    expect(hashPolicy(a)).not.toBe(hashPolicy(b));
  });

  test('a sid that both have', () => {
    expect(samePolicy(policy(statement({ Sid: 'A' })), policy(statement({ Sid: 'B' })))).toBe(false);
  });

  test('a sid, yet not in what is hashed', () => {
    expect(hashPolicy(policy(statement({ Sid: 'A' })))).toBe(hashPolicy(policy(statement({ Sid: 'B' }))));
  });
});

describe('what a server should not say', () => {
  test.each([
    [null],
    ['text'],
    [[]],
    [{}],
    [{ Statement: 'x' }],
    [{ Statement: [1, null] }],
    [{ Version: 1, Statement: [{}] }],
  ])('%j is normalised all the same', (given) => {
    expect(samePolicy(given, given)).toBe(true);
    expect(samePolicy(given, policy(statement()))).toBe(false);
  });

  test('a key named like an inherited one makes a difference, and no harm', () => {
    const odd = JSON.parse(
      '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","__proto__":{"Effect":"Deny"},"constructor":"x"}]}',
    ) as unknown;
    expect(samePolicy(odd, policy({ Effect: 'Allow' }))).toBe(false);
    expect(samePolicy(odd, JSON.parse(JSON.stringify(odd)))).toBe(true);
  });
});

describe('documents made at random', () => {
  // A small generator with a fixed seed: the same documents on every run.
  const generator = (seed: number) => {
    let state = seed;
    const next = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const pick = <T>(from: readonly T[]): T => from[next(from.length)] as T;
    const some = <T>(from: readonly T[]): readonly T[] => Array.from({ length: 1 + next(3) }, () => pick(from));
    return { next, pick, some };
  };

  const randomPolicy = ({ next, pick, some }: ReturnType<typeof generator>) =>
    policy(
      ...Array.from({ length: 1 + next(4) }, () => ({
        Effect: pick(['Allow', 'Deny']),
        Principal: pick([
          '*',
          { AWS: some(['123456789012', 'arn:aws:iam::123456789012:root', '*', 'x']) },
          { Service: some(['a', 'b']) },
        ]),
        [pick(['Action', 'NotAction'])]: some(['s3:GetObject', 's3:getobject', 's3:*', 's3:PutObject']),
        Resource: some(['arn:aws:s3:::a', 'arn:aws:s3:::a/*', 'arn:aws:s3:::a/b']),
        ...(next(2) === 0
          ? {}
          : {
              Condition: {
                [pick(['StringEquals', 'StringLike'])]: { [pick(['aws:A', 's3:B'])]: some(['x', 'y', 1, true]) },
              },
            }),
      })),
    );

  /** The same meaning in other words: order, case, repetition, scalar or list. */
  const reword = (value: unknown, key: string, random: ReturnType<typeof generator>): unknown => {
    if (Array.isArray(value)) {
      const items = value.map((item) => reword(item, key, random));
      const shuffled = [...items, ...(random.next(2) === 0 ? items.slice(0, 1) : [])].sort(() => random.next(3) - 1);
      return shuffled.length === 1 && random.next(2) === 0 ? shuffled[0] : shuffled;
    }
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).map(([name, item]) => [name, reword(item, name, random)] as const);
      return Object.fromEntries(entries.sort(() => random.next(3) - 1));
    }
    if (key === 'Principal' && value === '*') return random.pick(['*', { AWS: '*' }, { AWS: ['*'] }]);
    if (key.endsWith('Action') && typeof value === 'string') return random.pick([value, value.toUpperCase()]);
    return typeof value === 'number' || typeof value === 'boolean' ? random.pick([value, String(value)]) : value;
  };

  const seeds = Array.from({ length: 300 }, (_, index) => index + 1);

  test('mean the same in other words', () => {
    for (const seed of seeds) {
      const random = generator(seed);
      const original = randomPolicy(random);
      const reworded = reword(original, '', random);
      expect(samePolicy(original, reworded), JSON.stringify([original, reworded])).toBe(true);
      expect(hashPolicy(original)).toBe(hashPolicy(reworded));
    }
  });

  test('have one canonical form, from which the document can be told', () => {
    const hashes = new Map<string, string>();
    for (const seed of seeds) {
      const original = randomPolicy(generator(seed));
      const canonical = JSON.stringify(normalisePolicy(original));
      expect(JSON.stringify(normalisePolicy(original))).toBe(canonical);
      const known = hashes.get(hashPolicy(original));
      expect(known === undefined || known === canonical).toBe(true);
      hashes.set(hashPolicy(original), canonical);
    }
    expect(hashes.size).toBeGreaterThan(200);
  });
});
