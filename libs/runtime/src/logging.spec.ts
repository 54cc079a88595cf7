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
