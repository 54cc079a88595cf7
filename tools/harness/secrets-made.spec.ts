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

  it('learns what stands in a Secret in plain text, right or wrong', () => {
    const made = new SecretsMade();
    made.addFrom(
      JSON.stringify({ stringData: { 'access-key': 'some-access-key', 'secret-key': 'not-the-secret-key' } }),
    );
    expect(made.search('a log', 'some-access-key')).toEqual([]);
    expect(made.search('a log', 'not-the-secret-key')).toEqual([{ secret: 'secret-key of a Secret', where: 'a log' }]);
  });

  it('takes a value under any other name for secret, but for one that is seen in the open', () => {
    const made = new SecretsMade();
    const base64 = (value: string) => Buffer.from(value).toString('base64');
    made.addFrom(
      JSON.stringify({ data: { id: base64('AKIA-renamed'), password: base64('renamed-secret'), no: null } }),
    );
    expect(made.search('a log', 'renamed-secret')).toEqual([{ secret: 'password of a Secret', where: 'a log' }]);
    expect(made.search('a log', 'AKIA-renamed')).toHaveLength(1);
    made.addFrom(JSON.stringify({ data: { AWS_ACCESS_KEY_ID: base64('AKIA-renamed') } }));
    expect(made.search('a log', 'AKIA-renamed')).toEqual([]);
  });

  it('holds on to what it was told, also where it stands in the open', () => {
    const made = new SecretsMade();
    made.add('the key', value);
    made.addFrom(JSON.stringify({ stringData: { region: value } }));
    expect(made.search('a log', value)).toHaveLength(1);
  });
});
