import { randomBytes } from 'node:crypto';
import { redact } from '@operator/outcome';
import { describe, expect, it } from 'vitest';
import { createLogger } from './logging.ts';

const lineOf = (write: (log: ReturnType<typeof createLogger>) => void): string => {
  let line = '';
  write(createLogger('bucket-controller', 'info', { write: (text: string) => void (line += text) }));
  return line;
};

describe('a log line', () => {
  it('has the controller, the level as a word and the time', () => {
    const line = JSON.parse(lineOf((log) => log.info({ event: 'start' }, 'hello'))) as Record<string, unknown>;
    expect(line).toMatchObject({ controller: 'bucket-controller', level: 'info', event: 'start', msg: 'hello' });
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it.each([
    ['a Redacted, however deep', { a: { b: [redact('hush')] } }],
    ['an unwrapped field with the name of a credential', { credentials: { secretAccessKey: 'hush' } }],
    ['the request that an error of an SDK carries', { err: Object.assign(new Error('refused'), { request: 'hush' }) }],
    [
      'the request that a cause carries',
      { err: new Error('a', { cause: Object.assign(new Error('b'), { $response: 'hush' }) }) },
    ],
  ])('never shows %s', (_title, fields) => {
    expect(lineOf((log) => log.error(fields, 'x'))).not.toContain('hush');
  });

  /** As IAM and MinIO make them: with what JSON and URLs write otherwise. */
  const secret = `${randomBytes(27).toString('base64')}+/"`;
  const inUrl = encodeURIComponent(secret);
  it.each([
    ['deep in an object', { a: { b: { c: [{ secretAccessKey: secret }] } } }],
    ['under the names that Secrets have', { data: { 'secret-access-key': secret, AWS_SECRET_ACCESS_KEY: secret } }],
    ['in headers', { headers: { authorization: secret, 'x-amz-security-token': secret } }],
    ['in the message of an error', { err: new Error(`x-amz-security-token:${inUrl} was not accepted`) }],
    ['in an answer that an error quotes', { err: new Error(`<SecretAccessKey>${inUrl}</SecretAccessKey>`) }],
    ['in a presigned URL', { url: `https://s3/x?X-Amz-Security-Token=${inUrl}&X-Amz-Signature=${inUrl}` }],
    [
      'in a header that is quoted',
      { msg2: `AWS4-HMAC-SHA256 Credential=AKIA/x, SignedHeaders=host, Signature=${inUrl}` },
    ],
    ['of a token of a service account', { header: `Authorization: Bearer ${inUrl}` }],
    ['in the address of a proxy', { proxy: `http://user:${inUrl}@proxy:3128` }],
  ])('has no secret %s, and is JSON all the same', (_title, fields) => {
    const line = lineOf((log) => log.child({ provider: 'n/p' }).warn(fields, 'x'));
    expect(JSON.parse(line)).toMatchObject({ provider: 'n/p', level: 'warn', msg: 'x' });
    for (const form of [secret, inUrl, JSON.stringify(secret).slice(1, -1)]) expect(line).not.toContain(form);
    expect(line).toContain('[redacted]');
  });

  it('has all else as it is: names of credentials are none', () => {
    const fields = {
      reason: 'SecretNotFound',
      secretName: 'photos-credentials',
      auth: { secretKeySecretRef: { name: 'root', key: 'secret-key' } },
      endpoint: 'https://s3.example.com:9000/a:b@c',
      resourceVersion: '8',
    };
    const line = lineOf((log) => log.info(fields, 'Secret n/s has no key secret-key. Add secret-key to it.'));
    expect(JSON.parse(line)).toMatchObject({
      ...fields,
      msg: 'Secret n/s has no key secret-key. Add secret-key to it.',
    });
  });

  it('shows the stack of an error and of its cause', () => {
    const line = lineOf((log) => log.error({ err: new Error('outer', { cause: new TypeError('inner') }) }, 'x'));
    expect(JSON.parse(line)).toMatchObject({
      err: {
        type: 'Error',
        message: 'outer',
        stack: expect.stringContaining('logging.spec') as string,
        cause: { type: 'TypeError' },
      },
    });
  });
});
