import type { BucketSpec } from '@operator/api';
import {
  bucketContext,
  bucketSpec,
  recordingContext,
  refuse,
  startFakeDriver,
  succeed,
  type FakeDriver,
} from '@operator/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { website, type Website } from './website.ts';

type Declared = NonNullable<BucketSpec['website']>;

const want = (declared: Declared): Website => {
  const desired = website.desired(bucketSpec({ website: declared }), bucketContext());
  if (desired === undefined) throw new Error('it is declared');
  return desired;
};

const indexDocument = { suffix: 'index.html' };
const pages: Declared = {
  enabled: true,
  indexDocument,
  errorDocument: { key: 'errors/404.html' },
  routingRules: [
    { condition: { keyPrefixEquals: 'old/' }, redirect: { replaceKeyPrefixWith: 'new/', httpRedirectCode: 302 } },
    {
      condition: { httpErrorCodeReturnedEquals: 404, keyPrefixEquals: 'a&b/' },
      redirect: { hostName: 'www.example.com', protocol: 'https', replaceKeyWith: 'gone.html' },
    },
    { redirect: { hostName: 'rest.example.com' } },
  ],
};
const redirect: Declared = { enabled: true, redirectAllRequestsTo: { hostName: 'www.example.com', protocol: 'https' } };
const off: Declared = { enabled: false, indexDocument };

describe('website', () => {
  let fake: FakeDriver['fake'];
  let driver: FakeDriver['driver'];
  beforeEach(async () => {
    const started = await startFakeDriver();
    ({ fake, driver } = started);
    return started.close;
  });
  const s3 = () => ({ wire: driver.wire(), bucket: 'photos' });
  const read = () => website.read(s3(), recordingContext());

  /** A server that keeps what it gets, as `shows` changes it. */
  const keep = (shows = (stored: string) => stored) => {
    let stored: string | undefined;
    const methods: string[] = [];
    fake.answer(({ method, body }) => {
      methods.push(method);
      if (method === 'GET')
        return stored === undefined ? refuse(404, 'NoSuchWebsiteConfiguration') : succeed(shows(stored));
      stored = method === 'PUT' ? body : undefined;
      return succeed();
    });
    return methods;
  };

  it('is not ours to manage when the spec is silent', () => {
    expect(website.desired(bucketSpec(), bucketContext())).toBeUndefined();
  });

  it.each([
    ['pages', pages],
    ['an index alone', { enabled: true, indexDocument }],
    ['an empty list of rules', { enabled: true, indexDocument, routingRules: [] }],
    ['a redirect of all', redirect],
    ['a redirect of all to the same protocol', { enabled: true, redirectAllRequestsTo: { hostName: 'example.com' } }],
  ] as const)('%s: nothing is left to do once it was written, and the other way round', async (_title, declared) => {
    keep();
    expect(website.diff(want(declared), await read())).toEqual(want(declared));
    await website.write(s3(), want(declared), recordingContext());
    expect(website.isSet(await read())).toBe(true);
    expect(website.diff(want(declared), await read())).toBeUndefined();
    await website.write(s3(), want(off), recordingContext());
    expect(await read()).toBe('off');
    expect(website.diff(want(off), await read())).toBeUndefined();
  });

  it('an empty list of rules that a server adds is no difference', async () => {
    keep((stored) => stored.replace('</WebsiteConfiguration>', '<RoutingRules></RoutingRules></WebsiteConfiguration>'));
    await website.write(s3(), want({ enabled: true, indexDocument }), recordingContext());
    expect(website.diff(want({ enabled: true, indexDocument }), await read())).toBeUndefined();
  });

  it.each<[string, Declared]>([
    ['another order of the rules', { ...pages, routingRules: [...(pages.routingRules ?? [])].reverse() }],
    ['no rules', { enabled: true, indexDocument, errorDocument: { key: 'errors/404.html' } }],
    ['another error page', { ...pages, errorDocument: { key: 'errors/500.html' } }],
    ['a redirect of all', redirect],
    ['no website', off],
  ])('%s is a difference', (_title, declared) => {
    expect(website.diff(want(pages), want(declared))).toEqual(want(pages));
    expect(website.diff(want(declared), want(pages))).toEqual(want(declared));
  });

  it('an empty prefix that somebody else has set is a difference: it takes the prefix away', () => {
    const declared = (redirects: object): Website => ({
      IndexDocument: { Suffix: 'index.html' },
      ErrorDocument: undefined,
      RoutingRules: [{ Condition: { KeyPrefixEquals: 'old/' }, Redirect: redirects }],
      RedirectAllRequestsTo: undefined,
    });
    const plain = declared({ HostName: 'www.example.com' });
    expect(website.diff(plain, declared({ HostName: 'www.example.com', ReplaceKeyPrefixWith: '' }))).toEqual(plain);
  });

  it.each([
    ['there is none', () => refuse(404, 'NoSuchWebsiteConfiguration')],
    ['the answer has nothing of a website', () => succeed('<WebsiteConfiguration/>')],
  ])('is not deleted where %s', async (_title, answer) => {
    const methods: string[] = [];
    fake.answer(({ method }) => {
      methods.push(method);
      return method === 'GET' ? answer() : succeed();
    });
    expect(await read()).toBe('off');
    await website.write(s3(), 'off', recordingContext());
    expect(methods).toEqual(['GET', 'GET']);
  });

  it.each([
    ['a server that has none', () => refuse(405, 'MethodNotAllowed')],
    ['a server that lists the bucket', () => succeed('<ListBucketResult><Name>photos</Name></ListBucketResult>')],
  ])('is lacked by %s', async (_title, answer) => {
    fake.answer(answer);
    await expect(read()).rejects.toMatchObject({ kind: 'terminal', reason: 'Unsupported' });
  });
});
