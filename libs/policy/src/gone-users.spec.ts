import { expect, it } from 'vitest';
import { sameButForGoneUsers } from './gone-users.ts';

const policy = (AWS: unknown, action = 's3:GetObject') => ({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: '*', Action: action, Resource: 'arn:aws:s3:::photos/*' },
    { Effect: 'Allow', Principal: { AWS }, Action: 's3:*', Resource: 'arn:aws:s3:::photos/*' },
  ],
});
const user = 'arn:aws:iam::123456789012:user/app';

it.each<[string, unknown, unknown, boolean]>([
  ['the user is gone', policy('AIDAEXAMPLE1234567890'), policy([user]), true],
  ['a role is gone, a user is not', policy([user, 'AROAEXAMPLE1234567890']), policy([user, user + '2']), true],
  ['nobody is gone, and another user is named', policy(user + '2'), policy(user), false],
  ['the user is gone, and another action is allowed', policy('AIDAEXAMPLE1234567890', 's3:*'), policy(user), false],
  ['the user is gone, and nothing was written', policy('AIDAEXAMPLE1234567890'), undefined, false],
  ['the user is gone, and the account is named', policy('AIDAEXAMPLE1234567890'), policy('123456789012'), false],
])('%s', (_title, stored, written, want) => {
  expect(sameButForGoneUsers(stored, written)).toBe(want);
});
