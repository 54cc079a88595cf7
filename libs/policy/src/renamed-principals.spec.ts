import { expect, test } from 'vitest';
import { sameButForNames } from './renamed-principals.ts';

const statement = (Principal: unknown, change: object = {}) => ({
  Effect: 'Allow',
  Principal,
  Action: ['s3:GetObject'],
  Resource: ['arn:aws:s3:::data/*'],
  ...change,
});
const policy = (...Statement: readonly unknown[]) => ({ Version: '2012-10-17', Statement });
const sent = policy(statement({ CanonicalUser: ['64hex'] }), statement({ AWS: ['*'] }, { Effect: 'Deny' }));
const stored = (Principal: unknown, change: object = {}) =>
  policy(statement({ AWS: '*' }, { Effect: 'Deny' }), statement(Principal, change));

test.each([
  ['a canonical user by its ARN', stored({ AWS: 'arn:aws:iam::123456789012:root' })],
  ['two kinds in one', policy(statement({ AWS: ['a', 'b'] })), policy(statement({ AWS: 'a', CanonicalUser: 'c' }))],
  ['nothing', sent],
])('documents that differ in names alone: %s', (_title, one, other: unknown = sent) => {
  expect(sameButForNames(one, other)).toBe(true);
});

test.each([
  ['another action', stored({ AWS: 'x' }, { Action: 's3:PutObject' })],
  ['another resource', stored({ AWS: 'x' }, { Resource: '*' })],
  ['a condition', stored({ AWS: 'x' }, { Condition: { Bool: { 'aws:SecureTransport': 'true' } } })],
  ['one name more', stored({ AWS: ['x', 'y'] })],
  ['everybody for somebody', policy(statement('*'), statement({ AWS: ['*'] }, { Effect: 'Deny' }))],
  ['somebody for everybody', policy(statement({ AWS: 'x' }), statement({ AWS: 'y' }, { Effect: 'Deny' }))],
  ['one statement more', policy(...sent.Statement, statement({ AWS: 'x' }, { Action: 's3:*' }))],
  ['one statement less', policy(sent.Statement[0])],
  ['none', undefined],
])('documents that differ in more: %s', (_title, given) => {
  expect(sameButForNames(given, sent)).toBe(false);
});
