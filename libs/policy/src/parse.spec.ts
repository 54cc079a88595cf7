import { describe, expect, test } from 'vitest';
import { parsePolicy, type ParseOptions, type PolicyKind } from './parse.ts';
import { describeProblems } from './problem.ts';

const statement = (change: Record<string, unknown> = {}): unknown => ({
  effect: 'Allow',
  principal: '*',
  action: 's3:GetObject',
  resource: 'arn:aws:s3:::data/*',
  ...change,
});
const identity = (change: Record<string, unknown> = {}): unknown => ({
  effect: 'Allow',
  action: 's3:GetObject',
  resource: 'arn:aws:s3:::data/*',
  ...change,
});
const policy = (...statements: readonly unknown[]): unknown => ({ statement: statements });

// As from the API server: undefined is left out, and a key may have any name.
const asSent = (input: unknown): unknown => (input === undefined ? undefined : JSON.parse(JSON.stringify(input)));

const problemsOf = (input: unknown, kind: PolicyKind, options?: ParseOptions): string => {
  const parsed = parsePolicy(asSent(input), kind, options);
  return 'problems' in parsed ? describeProblems(parsed.problems) : '';
};

describe('a bucket policy is accepted', () => {
  test.each([
    ['with everybody', statement()],
    ['with the ARN of a user', statement({ principal: { AWS: 'arn:aws:iam::123456789012:user/app' } })],
    ['with an account', statement({ principal: { AWS: ['123456789012'] } })],
    ['with a user of Ceph', statement({ principal: { AWS: 'arn:aws:iam::RGW12345678901234567:user/app' } })],
    ['with a plain user name', statement({ principal: { AWS: 'app' } })],
    ['with a role that is assumed', statement({ principal: { AWS: 'arn:aws:sts::123456789012:assumed-role/a/b' } })],
    ['with a service', statement({ principal: { Service: 'cloudtrail.amazonaws.com' } })],
    [
      'with a canonical user and a federated one',
      statement({ principal: { CanonicalUser: 'ab12', Federated: 'cognito-identity.amazonaws.com' } }),
    ],
    ['with an AccessKey', statement({ principal: { accessKeyRef: { name: 'app' } } })],
    [
      'with an AccessKey beside an account',
      statement({ principal: { AWS: '123456789012', accessKeyRef: { name: 'app' } } }),
    ],
    [
      'with all but one user denied',
      statement({ effect: 'Deny', principal: undefined, notPrincipal: { AWS: '123456789012' } }),
    ],
    ['with a list of actions', statement({ action: ['s3:Get*', 's3:Put?bject', '*'] })],
    ['with notAction', statement({ action: undefined, notAction: 's3:DeleteBucket' })],
    ['with notResource', statement({ resource: undefined, notResource: ['arn:aws:s3:::data/private/*'] })],
    ['with the bucket itself', statement({ resource: 'arn:aws:s3:::data' })],
    ['with the variable', statement({ resource: ['arn:aws:s3:::${bucket}', 'arn:aws:s3:::${bucket}/*'] })],
    ['with a variable of IAM', statement({ resource: 'arn:aws:s3:::${bucket}/home/${aws:username}/*' })],
    ['in China', statement({ resource: 'arn:aws-cn:s3:::data/*' })],
    ['in GovCloud', statement({ resource: 'arn:aws-us-gov:s3:::data/*' })],
    ['with a sid', statement({ sid: 'Read for all' })],
    [
      'with conditions',
      statement({
        condition: { IpAddress: { 'aws:SourceIp': ['10.0.0.0/8'] }, Bool: { 'aws:SecureTransport': true } },
      }),
    ],
    [
      'with set operators',
      statement({
        condition: {
          'ForAnyValue:StringLike': { 'aws:TagKeys': 'a*' },
          'ForAllValues:StringEqualsIfExists': { 'aws:TagKeys': ['a'] },
        },
      }),
    ],
    [
      'for the origin access identity of a CloudFront distribution',
      statement({
        principal: { AWS: 'arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1A2B3C4D5E6F7' },
      }),
    ],
    [
      'with numbers where the operator compares numbers',
      statement({
        condition: { NumericLessThan: { 's3:max-keys': 10 }, NumericEqualsIfExists: { 's3:max-keys': ['5', 6] } },
      }),
    ],
    [
      'with booleans where the operator compares booleans',
      statement({
        condition: { Null: { 'aws:TokenIssueTime': false }, BoolIfExists: { 'aws:SecureTransport': [true] } },
      }),
    ],
    ['with quoted digits', statement({ condition: { StringEquals: { 'aws:SourceAccount': '020222070707' } } })],
    ['with the ARN of a tag key', statement({ condition: { StringEquals: { 's3:ExistingObjectTag/team': 'data' } } })],
  ])('%s', (_, given) => {
    expect(problemsOf(policy(given), 'bucket', { bucket: 'data' })).toBe('');
  });

  test('and gets the default version', () => {
    expect(parsePolicy(policy(statement()), 'bucket')).toEqual({
      document: { version: '2012-10-17', statement: [statement()] },
    });
  });

  test('with its own version', () => {
    expect(parsePolicy({ version: '2008-10-17', statement: [statement()] }, 'bucket')).toHaveProperty(
      'document.version',
      '2008-10-17',
    );
  });
});

describe('a bucket policy is refused, naming the element', () => {
  test.each([
    ['no object', 'text', 'a policy is an object; it is "text"'],
    ['nothing', undefined, 'a policy is an object; it is nothing'],
    ['a list', [statement()], 'a policy is an object; it is [{'],
    [
      'an unknown version',
      { version: '2012-10-18', statement: [statement()] },
      'version: must be 2012-10-17 or 2008-10-17; it is "2012-10-18"',
    ],
    ['no statement', {}, 'statement: must be a list with at least one statement; it is nothing'],
    ['an empty list', { statement: [] }, 'statement: must be a list with at least one statement; it is []'],
    ['one statement without list', { statement: statement() }, 'statement: must be a list'],
    ['a statement that is text', policy('x'), 'statement[0]: must be an object; it is "x"'],
    ['an unknown key', { statement: [statement()], id: 'x' }, 'id: unknown key'],
    [
      'a key in capitals',
      policy(statement({ Action: 's3:*' })),
      'statement[0].Action: unknown key (did you mean "action"?)',
    ],
    [
      'a mistyped key',
      policy(statement({ resorce: 'x' })),
      'statement[0].resorce: unknown key (did you mean "resource"?)',
    ],
    ['no effect', policy(statement({ effect: undefined })), 'statement[0].effect: is missing: Allow or Deny'],
    [
      'an effect in lower case',
      policy(statement({ effect: 'allow' })),
      'statement[0].effect: must be Allow or Deny; it is "allow" (did you mean "Allow"?)',
    ],
    [
      'a mistyped effect',
      policy(statement(), statement({ effect: 'Denny' })),
      'statement[1].effect: must be Allow or Deny; it is "Denny" (did you mean "Deny"?)',
    ],
    ['an effect that is none', policy(statement({ effect: 1 })), 'statement[0].effect: must be Allow or Deny; it is 1'],

    [
      'no principal',
      policy(statement({ principal: undefined })),
      'statement[0].principal: is missing (or notPrincipal in its place)',
    ],
    [
      'both principals',
      policy(statement({ effect: 'Deny', notPrincipal: { AWS: '123456789012' } })),
      'statement[0].notPrincipal: cannot stand beside principal',
    ],
    [
      'all but one allowed',
      policy(statement({ principal: undefined, notPrincipal: { AWS: '123456789012' } })),
      'statement[0].notPrincipal: is only for effect Deny',
    ],
    [
      'a principal as an ARN',
      policy(statement({ principal: 'arn:aws:iam::1:root' })),
      'statement[0].principal: a principal is "*" or an object; write {AWS: "arn:aws:iam::1:root"}',
    ],
    [
      'a principal that is a list',
      policy(statement({ principal: ['*'] })),
      'statement[0].principal: must be "*" or an object with AWS',
    ],
    [
      'an empty principal',
      policy(statement({ principal: {} })),
      'statement[0].principal: must be "*" or an object with AWS',
    ],
    [
      'a principal in lower case',
      policy(statement({ principal: { aws: '*' } })),
      'statement[0].principal.aws: unknown kind of principal (did you mean "AWS"?)',
    ],
    [
      'a principal that is a number',
      policy(statement({ principal: { AWS: [123456789012] } })),
      'statement[0].principal.AWS[0]: must be text; it is 123456789012, which is how YAML reads what is not quoted: quote it',
    ],
    [
      'a principal that is an account without quotes',
      policy(statement({ principal: { AWS: 2_185_785_799 } })),
      'statement[0].principal.AWS: must be text; it is 2185785799, which is how YAML reads what is not quoted: quote it',
    ],
    [
      'a number in place of a principal',
      policy(statement({ principal: 123_456_789_012 })),
      'statement[0].principal: a principal is "*" or an object; it is 123456789012, as YAML reads a number: quote it, and write {AWS: "…"} around it',
    ],
    [
      'an empty list of principals',
      policy(statement({ principal: { AWS: [] } })),
      'statement[0].principal.AWS: the list is empty',
    ],
    [
      'a bucket as principal',
      policy(statement({ principal: { AWS: 'arn:aws:s3:::data' } })),
      'statement[0].principal.AWS: the ARN of a principal looks like',
    ],
    [
      'a service in capitals',
      policy(statement({ principal: { Service: 'CloudTrail' } })),
      'statement[0].principal.Service: a service looks like name.amazonaws.com',
    ],
    [
      'a space in a principal',
      policy(statement({ principal: { AWS: 'a b' } })),
      'statement[0].principal.AWS: must not have spaces',
    ],
    [
      'an AccessKey without name',
      policy(statement({ principal: { accessKeyRef: {} } })),
      'statement[0].principal.accessKeyRef: needs name',
    ],
    [
      'an AccessKey as text',
      policy(statement({ principal: { accessKeyRef: 'app' } })),
      'statement[0].principal.accessKeyRef: must be an object with the name',
    ],
    [
      'an AccessKey elsewhere',
      policy(statement({ principal: { accessKeyRef: { name: 'app', namespace: 'b' } } })),
      'statement[0].principal.accessKeyRef.namespace: unknown key; accessKeyRef has only name, in the same namespace',
    ],
    [
      'an AccessKey of a bad name',
      policy(statement({ principal: { accessKeyRef: { name: 'My App' } } })),
      'statement[0].principal.accessKeyRef.name: must be the name of an AccessKey',
    ],

    [
      'no action',
      policy(statement({ action: undefined })),
      'statement[0].action: is missing (or notAction in its place)',
    ],
    ['both actions', policy(statement({ notAction: 's3:*' })), 'statement[0].notAction: cannot stand beside action'],
    [
      'an action without service',
      policy(statement({ action: 'GetObject' })),
      'statement[0].action: an action looks like s3:GetObject or s3:*; it is "GetObject"',
    ],
    [
      'an action with a dot',
      policy(statement({ action: ['s3:GetObject', 's3.GetObject'] })),
      'statement[0].action[1]: an action looks like',
    ],
    [
      'an action of IAM',
      policy(statement({ action: 'iam:CreateUser' })),
      'statement[0].action: a bucket policy is about s3 actions only',
    ],
    ['an empty list of actions', policy(statement({ action: [] })), 'statement[0].action: the list is empty'],
    [
      'an action that is a number',
      policy(statement({ action: 1 })),
      'statement[0].action: must be text or a list of texts; it is 1, which is how YAML reads what is not quoted: quote it',
    ],

    [
      'no resource',
      policy(statement({ resource: undefined })),
      'statement[0].resource: is missing (or notResource in its place)',
    ],
    [
      'everything as resource',
      policy(statement({ resource: '*' })),
      'statement[0].resource: a resource of a bucket policy looks like arn:aws:s3:::${bucket}',
    ],
    [
      'another bucket',
      policy(statement({ resource: ['arn:aws:s3:::data/*', 'arn:aws:s3:::other/*'] })),
      'statement[0].resource[1]: must belong to the bucket "data"; it is "arn:aws:s3:::other/*"',
    ],
    [
      'a bucket whose name begins alike',
      policy(statement({ resource: 'arn:aws:s3:::database/*' })),
      'statement[0].resource: must belong to the bucket "data"',
    ],
    [
      'the variable as the beginning of another name',
      policy(statement({ resource: 'arn:aws:s3:::${bucket}-other/*' })),
      'statement[0].resource: must belong to the bucket "data"; it is "arn:aws:s3:::${bucket}-other/*"',
    ],
    [
      'every bucket',
      policy(statement({ resource: 'arn:aws:s3:::*' })),
      'statement[0].resource: must belong to the bucket "data"',
    ],
    [
      'a variable of IAM as bucket',
      policy(statement({ resource: 'arn:aws:s3:::${aws:username}/*' })),
      'statement[0].resource: must belong to the bucket "data"',
    ],
    [
      'a mistyped partition',
      policy(statement({ resource: 'arn:aws-ch:s3:::data/*' })),
      'statement[0].resource: unknown partition "aws-ch" (did you mean "aws-cn"?)',
    ],
    [
      'another service',
      policy(statement({ resource: 'arn:aws:sqs:us-east-1:123456789012:q' })),
      'statement[0].resource: a resource of a bucket policy looks like',
    ],
    [
      'a foreign notResource',
      policy(statement({ resource: undefined, notResource: 'arn:aws:s3:::other' })),
      'statement[0].notResource: must belong to the bucket "data"',
    ],

    [
      'a condition as text',
      policy(statement({ condition: 'x' })),
      'statement[0].condition: must be an object of operators',
    ],
    [
      'an unknown operator',
      policy(statement({ condition: { StringEqual: { 'aws:a': 'b' } } })),
      'statement[0].condition.StringEqual: unknown condition operator (did you mean "StringEquals"?)',
    ],
    [
      'an unknown set prefix',
      policy(statement({ condition: { 'ForSomeValues:StringEquals': { 'aws:a': 'b' } } })),
      'statement[0].condition["ForSomeValues:StringEquals"]: unknown condition operator',
    ],
    [
      'Null with IfExists',
      policy(statement({ condition: { NullIfExists: { 'aws:a': true } } })),
      'statement[0].condition.NullIfExists: Null takes neither',
    ],
    [
      'an operator without keys',
      policy(statement({ condition: { StringEquals: {} } })),
      'statement[0].condition.StringEquals: must be an object of condition keys',
    ],
    [
      'a condition key without service',
      policy(statement({ condition: { StringEquals: { SourceIp: 'b' } } })),
      'statement[0].condition.StringEquals.SourceIp: a condition key looks like aws:SourceIp',
    ],
    [
      'a value that is an object',
      policy(statement({ condition: { StringEquals: { 'aws:a': {} } } })),
      'statement[0].condition.StringEquals["aws:a"]: must be text or a list of texts; it is {}',
    ],
    [
      'a value that is null',
      policy(statement({ condition: { StringEquals: { 'aws:a': ['b', null] } } })),
      'statement[0].condition.StringEquals["aws:a"][1]: must be text',
    ],
    [
      'an account that YAML reads as an octal number',
      policy(statement({ condition: { StringEquals: { 'aws:SourceAccount': 2_185_785_799 } } })),
      'statement[0].condition.StringEquals["aws:SourceAccount"]: must be text or a list of texts; it is 2185785799, which is how YAML reads what is not quoted: quote it',
    ],
    [
      'a number among texts',
      policy(statement({ condition: { 'ForAnyValue:StringLike': { 'aws:a': ['b', 1] } } })),
      'statement[0].condition["ForAnyValue:StringLike"]["aws:a"][1]: must be text or a list of texts; it is 1, which is how YAML reads what is not quoted: quote it',
    ],
    [
      'a word that YAML reads as a boolean',
      policy(statement({ condition: { StringEquals: { 'aws:PrincipalTag/on-call': true } } })),
      'statement[0].condition.StringEquals["aws:PrincipalTag/on-call"]: must be text or a list of texts; it is true, which is how YAML reads what is not quoted: quote it',
    ],
    [
      'a date that YAML reads as a number',
      policy(statement({ condition: { DateLessThan: { 'aws:CurrentTime': 1_893_456_000 } } })),
      'statement[0].condition.DateLessThan["aws:CurrentTime"]: must be text or a list of texts; it is 1893456000, which is how YAML reads what is not quoted: quote it',
    ],
    [
      'a number where true or false is compared',
      policy(statement({ condition: { Bool: { 'aws:SecureTransport': 1 } } })),
      'statement[0].condition.Bool["aws:SecureTransport"]: must be true or false, as text or not, or a list of these; it is 1, which is how YAML reads what is not quoted: quote it',
    ],
    [
      'a boolean where numbers are compared',
      policy(statement({ condition: { NumericEquals: { 's3:max-keys': true } } })),
      'statement[0].condition.NumericEquals["s3:max-keys"]: must be a number, as text or not, or a list of these; it is true, which is how YAML reads what is not quoted: quote it',
    ],
    [
      'no value',
      policy(statement({ condition: { StringEquals: { 'aws:a': [] } } })),
      'statement[0].condition.StringEquals["aws:a"]: the list of values is empty',
    ],
    [
      'Bool with other than true and false',
      policy(statement({ condition: { Bool: { 'aws:SecureTransport': 'yes' } } })),
      'statement[0].condition.Bool["aws:SecureTransport"]: Bool compares with true or false, not with "yes"',
    ],
    [
      'a number that is none',
      policy(statement({ condition: { NumericEquals: { 's3:max-keys': 'ten' } } })),
      'statement[0].condition.NumericEquals["s3:max-keys"]: NumericEquals compares with a number, not with "ten"',
    ],

    [
      'a sid twice',
      policy(statement({ sid: 'a' }), statement({ sid: 'a' })),
      'statement[1].sid: "a" is also the sid of statement[0]',
    ],
    ['an empty sid', policy(statement({ sid: '' })), 'statement[0].sid: must be text of 1 to 128 characters'],
  ])('%s', (_, given, message) => {
    expect(problemsOf(given, 'bucket', { bucket: 'data' }).slice(0, message.length)).toBe(message);
  });

  test('and tells of all problems at once, up to five in full', () => {
    const bad = Array.from({ length: 7 }, () => statement({ action: 'x', effect: 'Allow' }));
    const parsed = parsePolicy(policy(...bad), 'bucket');
    expect(parsed).toHaveProperty('problems.length', 7);
    expect(problemsOf(policy(...bad), 'bucket')).toMatch(
      /^statement\[0\]\.action: .*statement\[4\]\.action: .*; and 2 more$/,
    );
  });
});

describe('the policy of a user', () => {
  test.each([
    ['everything', identity({ action: '*', resource: '*' })],
    [
      'other services',
      identity({ action: ['sts:AssumeRole', 'kms:Decrypt'], resource: 'arn:aws:kms:eu-west-1:123456789012:key/a' }),
    ],
    ['the admin API of MinIO', identity({ action: 'admin:ServerInfo', resource: 'arn:aws:s3:::*' })],
    ['a pattern of buckets', identity({ resource: 'arn:aws:s3:::team-*/*' })],
    ['a sid of letters and digits', identity({ sid: 'Read1' })],
  ])('may be about %s', (_, given) => {
    expect(problemsOf(policy(given), 'identity')).toBe('');
  });

  test.each([
    ['a principal', identity({ principal: '*' }), 'statement[0].principal: the policy of a user has no principal'],
    [
      'a notPrincipal',
      identity({ notPrincipal: '*' }),
      'statement[0].notPrincipal: the policy of a user has no principal',
    ],
    ['a sid with a space', identity({ sid: 'a b' }), 'statement[0].sid: has only letters and digits'],
    [
      'a resource that is no ARN',
      identity({ resource: 'data/*' }),
      'statement[0].resource: a resource is "*" or an ARN such as',
    ],
    [
      'the variable for a bucket it does not have',
      identity({ resource: 'arn:aws:s3:::${bucket}/*' }),
      '${bucket} stands for nothing here',
    ],
    ['no resource', identity({ resource: undefined }), 'statement[0].resource: is missing'],
  ])('is refused with %s', (_, given, message) => {
    expect(problemsOf(policy(given), 'identity')).toContain(message);
  });
});

describe('the size of a document', () => {
  const long = (characters: number) => policy(statement({ sid: 'a'.repeat(characters) }));

  test('is limited to 20 480 bytes', () => {
    expect(problemsOf(long(30_000), 'bucket')).toMatch(/^the policy has \d+ bytes; at most 20480 are allowed$/);
  });

  test('is counted in bytes, not characters', () => {
    const text = policy(statement({ resource: `arn:aws:s3:::data/${'ä'.repeat(600)}` }));
    expect(problemsOf(text, 'bucket', { maxBytes: 1000 })).toContain('at most 1000 are allowed');
    expect(problemsOf(text, 'bucket', { maxBytes: 1500 })).toBe('');
  });

  test('counts the name of the bucket, not the variable', () => {
    const text = policy(statement({ resource: 'arn:aws:s3:::${bucket}/*' }));
    const { length } = JSON.stringify(text);
    expect(problemsOf(text, 'bucket', { maxBytes: length, bucket: 'b'.repeat(9) })).toBe('');
    expect(problemsOf(text, 'bucket', { maxBytes: length, bucket: 'b'.repeat(10) })).toContain('bytes');
  });

  test('of a megabyte costs no more than a look at it', () => {
    const startedAt = performance.now();
    expect(problemsOf(long(1_000_000), 'bucket')).toContain('bytes');
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});

describe('keys that every object inherits', () => {
  const parse = (text: string): string => {
    const parsed = parsePolicy(JSON.parse(text), 'bucket');
    return 'problems' in parsed ? describeProblems(parsed.problems) : '';
  };

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'such as %s are unknown keys like any other',
    (key) => {
      const name = JSON.stringify(key);
      expect(
        parse(
          `{"statement":[{"effect":"Allow","principal":"*","action":"s3:*","resource":"arn:aws:s3:::a",${name}:{}}]}`,
        ),
      ).toBe(`statement[0].${key}: unknown key`);
      expect(
        parse(
          `{"statement":[{"effect":"Allow","principal":{${name}:"x"},"action":"s3:*","resource":"arn:aws:s3:::a"}]}`,
        ),
      ).toContain(`statement[0].principal.${key}: unknown kind of principal`);
      expect(
        parse(
          `{"statement":[{"effect":"Allow","principal":"*","action":"s3:*","resource":"arn:aws:s3:::a","condition":{${name}:{"a:b":"c"}}}]}`,
        ),
      ).toContain(`statement[0].condition.${key}: unknown condition operator`);
    },
  );

  test('do not stand in for missing ones', () => {
    const inherited = Object.create({ statement: [statement()] }) as object;
    expect(problemsOf(inherited, 'bucket')).toContain('statement: must be a list');
  });
});
