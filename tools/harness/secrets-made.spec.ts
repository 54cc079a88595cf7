import { describe, expect, it } from 'vitest';
import { SecretsMade } from './secrets-made.ts';

const value = 'wJalr/XUtn+FEMI"K7';

describe('search for secrets', () => {
  it.each([
    ['plain', `key=${value}`],
    ['as JSON', JSON.stringify({ value })],
    ['in a URL', `?secret=${encodeURIComponent(value)}`],
    ['in base64', Buffer.from(value).toString('base64')],
    ['in hex', Buffer.from(value).toString('hex')],
  ])('finds a value %s', (_form, text) => {
    const made = new SecretsMade();
    made.add('the key', value);
    expect(made.search('a log', text)).toEqual([{ secret: 'the key', where: 'a log' }]);
  });

  it('finds nothing where only the access key id stands', () => {
    const made = new SecretsMade();
    made.add('the key', value);
    expect(made.search('a log', '{"accessKeyId":"AKIA"}')).toEqual([]);
  });

  it('learns what IAM issues and what is written to Secrets', () => {
    const made = new SecretsMade();
    made.addFrom('<AccessKeyId>AKIA</AccessKeyId><SecretAccessKey>issued-by-iam</SecretAccessKey>');
    const encoded = Buffer.from('chosen-by-us').toString('base64');
    made.addFrom(JSON.stringify({ data: { 'access-key-id': 'QUtJQQ==', 'secret-access-key': encoded } }));
    expect(made.search('a log', 'issued-by-iam')).toHaveLength(1);
    expect(made.search('a log', 'chosen-by-us')).toHaveLength(1);
    expect(made.search('a log', 'AKIA')).toEqual([]);
  });
});
