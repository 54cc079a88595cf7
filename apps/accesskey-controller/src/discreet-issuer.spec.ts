import { faultFromAnswer } from '@operator/s3';
import { createMemoryKeys, ownerMark, recordingContext } from '@operator/testing';
import { expect, it } from 'vitest';
import { discreetIssuer } from './discreet-issuer.ts';

it('tells what the server of a lent Provider said in a line of a failed pass, and not in the Fault', async () => {
  const { issuer } = createMemoryKeys({ choosesPair: false });
  const call = { service: 'iam', operation: 'RemoveUserFromGroup', endpoint: 'http://iam.test' };
  const message = 'not authorized on resource: group finance-admins';
  issuer.putUser = () => Promise.reject(faultFromAnswer(call, { code: 'AccessDenied', status: 403, message }));
  const lines: unknown[] = [];
  const discreet = discreetIssuer(issuer, { info: (line: unknown) => void lines.push(line) });
  const user = { name: 'app', mark: ownerMark({}), tags: new Map<string, string>() };
  await expect(discreet.putUser(user, recordingContext())).rejects.toMatchObject({
    reason: 'AccessDenied',
    message: expect.not.stringContaining('finance-admins') as string,
  });
  const told = expect.stringContaining('finance-admins') as string;
  expect(lines).toEqual([{ event: 'fault', reason: 'AccessDenied', told }]);
});
