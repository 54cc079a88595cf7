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
    ['of basic authentication', { header: `Authorization: Basic ${inUrl}` }],
    ['in the address of a proxy', { proxy: `http://user:${inUrl}@proxy:3128` }],
    ['in a header with many values', { headers: { authorization: [secret, secret], 'x-id': ['1'] } }],
    ['in JSON that an error quotes', { err: new Error(`bad body ${JSON.stringify({ a: { secretKey: secret } })}`) }],
    ['in JSON with spaces', { body: `{ "secretKey" : ${JSON.stringify(secret)}, "region": "us-east-1" }` }],
    ['in a list of JSON that an error quotes', { err: new Error(JSON.stringify({ Authorization: [secret, secret] })) }],
    ['in JSON that JSON quotes', { body: JSON.stringify({ body: JSON.stringify({ password: secret }) }) }],
    ['in JSON that was cut off', { err: new Error(JSON.stringify({ secretKey: secret }).slice(0, -2)) }],
  ])('has no secret %s, and is JSON all the same', (_title, fields) => {
    const line = lineOf((log) => log.child({ provider: 'n/p' }).warn(fields, 'x'));
    expect(JSON.parse(line)).toMatchObject({ provider: 'n/p', level: 'warn', msg: 'x' });
    // However often it is quoted, this part of it stays as it is.
    for (const form of [secret.slice(0, 36), inUrl.slice(0, 36)]) expect(line).not.toContain(form);
    expect(line).toContain('[redacted]');
  });

  it.each([
    ['in a backslash', 'hush\\'],
    ['in a backslash and a quote', 'hush\\"'],
    ['in a line break', 'hush\n'],
  ])('keeps what comes after a quoted secret that ends %s', (_title, ending) => {
    const quoted = JSON.stringify({ secretKey: ending, region: 'eu-west-1' });
    const line = lineOf((log) => log.info({ once: quoted, twice: JSON.stringify({ quoted }) }, 'x'));
    expect(line).not.toContain('hush');
    const { once, twice } = JSON.parse(line) as { readonly once: string; readonly twice: string };
    expect(JSON.parse(once)).toEqual({ secretKey: '[redacted]', region: 'eu-west-1' });
    expect(JSON.parse(twice)).toEqual({ quoted: once });
  });

  it('is written in a moment, whatever a server had it quote', () => {
    const long = 200_000;
    const texts = [
      '\\'.repeat(long),
      '"secretKey":"'.repeat(long / 10),
      '"secretKey":[" '.repeat(long / 10),
      '"'.repeat(long),
    ];
    const before = performance.now();
    for (const text of texts) lineOf((log) => log.info({ text }, 'x'));
    expect(performance.now() - before).toBeLessThan(5_000);
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

  it('shows of what a server says no more than some lines, and no token', () => {
    const words = `${'T'.repeat(200)} ${'long '.repeat(10_000)}`;
    const told = Object.assign(new Error(words), { name: 'N'.repeat(40_000), $metadata: { httpStatusCode: 403 } });
    const line = lineOf((log) => log.error({ err: new Error('outer', { cause: told }) }, 'x'));
    expect(line).not.toContain('T'.repeat(80));
    expect(line.length).toBeLessThan(8_000);
    expect(line).toContain('logging.spec.ts');
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
