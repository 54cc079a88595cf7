import { expect, test } from 'vitest';
import { isStoredByArn } from './renamed-principals.ts';

const statement = (Principal: unknown, change: object = {}) => ({
  Effect: 'Allow',
  Principal,
  Action: ['s3:GetObject'],
  Resource: ['arn:aws:s3:::data/*'],
  ...change,
});
const policy = (...Statement: readonly unknown[]) => ({ Version: '2012-10-17', Statement });
const root = 'arn:aws:iam::123456789012:root';
const mallory = 'arn:aws:iam::123456789012:user/mallory';
const sent = policy(statement({ CanonicalUser: ['64hex'] }), statement({ AWS: ['*'] }, { Effect: 'Deny' }));
const stored = (Principal: unknown, change: object = {}) =>
  policy(statement({ AWS: '*' }, { Effect: 'Deny' }), statement(Principal, change));

test.each([
  ['its ARN', stored({ AWS: root })],
  ['its number', stored({ AWS: '123456789012' })],
  [
    'the name that CloudFront has',
    stored({ AWS: 'arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE' }),
  ],
  [
    'its ARN beside another',
    policy(statement({ AWS: [mallory, root] })),
    policy(statement({ AWS: mallory, CanonicalUser: 'c' })),
  ],
  ['what it was sent by', sent],
])('a document may keep a canonical user by %s', (_title, one, other: unknown = sent) => {
  expect(isStoredByArn(one, other)).toBe(true);
});

const one = (Principal: unknown) => policy(statement(Principal));
test.each([
  ['another action', stored({ AWS: root }, { Action: 's3:PutObject' })],
  ['another resource', stored({ AWS: root }, { Resource: '*' })],
  ['a condition', stored({ AWS: root }, { Condition: { Bool: { 'aws:SecureTransport': 'true' } } })],
  ['one name more', stored({ AWS: [root, mallory] })],
  ['a user for a canonical user', stored({ AWS: mallory })],
  ['everybody for a canonical user', stored('*')],
  ['another canonical user', stored({ CanonicalUser: 'other' })],
  ['another user', one({ AWS: mallory }), one({ AWS: 'arn:aws:iam::123456789012:user/alice' })],
  ['an account for a user', one({ AWS: root }), one({ AWS: mallory })],
  ['an id for a user', one({ AWS: 'AIDAEXAMPLE' }), one({ AWS: mallory })],
  ['an account for a service', one({ AWS: root }), one({ Service: 'logging.s3.amazonaws.com' })],
  ['those that are spared', policy(statement(undefined, { NotPrincipal: { AWS: root } })), one({ CanonicalUser: 'c' })],
  ['one statement more', policy(...sent.Statement, statement({ AWS: root }, { Action: 's3:*' }))],
  ['one statement less', policy(sent.Statement[0])],
  ['none', undefined],
])('a document does not keep %s', (_title, given, other: unknown = sent) => {
  expect(isStoredByArn(given, other)).toBe(false);
});
