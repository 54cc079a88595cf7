import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { createBucket, lookAtFeatures, putBucketPolicy, type Driver } from '@operator/s3';
import { bucketContext, bucketSpec, driverDeps, recordingContext, startUnderTest } from '@operator/testing';
import { startVersitygw } from '@operator/tools/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGenericDriver } from './generic-driver.ts';

/* What conformance cannot see: the pages are served, and requests are sent elsewhere. */

let server: Awaited<ReturnType<ReturnType<typeof startUnderTest>>>;
let driver: Driver;
/** A Unix socket, which needs no free port. */
let sites: string;
const context = recordingContext();
const bucket = 'pages.example.com';

beforeAll(async () => {
  server = await startUnderTest(({ dir }) => {
    sites = join(dir, 'sites');
    return startVersitygw({ dir, env: { VGW_WEBSITE_PORT: sites } });
  })();
  driver = createGenericDriver(server.connection, driverDeps());
  await createBucket(driver, { bucket }, context);
  const s3 = { wire: driver.wire(), bucket };
  const Resource = [`arn:aws:s3:::${bucket}/*`];
  const statement = { Effect: 'Allow', Principal: '*', Action: ['s3:GetObject'], Resource } as const;
  await putBucketPolicy(s3, { Version: '2012-10-17', Statement: [statement] }, context);
  for (const Key of ['index.html', 'new/index.html', 'errors/404.html']) {
    await s3.wire.send(new PutObjectCommand({ Bucket: bucket, Key, Body: `this is ${Key}` }), context);
  }
});
afterAll(async () => {
  driver.close();
  await server.stop();
});

/** The status, and where it leads or what it shows. The name of the bucket is that of the host. */
const get = async (path: string) => {
  const sent = request({ socketPath: sites, path, headers: { host: bucket } }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const body = await text(answer);
  return [answer.statusCode, answer.headers.location ?? body];
};

const converge = async (website: NonNullable<Parameters<typeof bucketSpec>[0]>['website']) => {
  const spec = bucketSpec(website === undefined ? {} : { website });
  const look = async () => {
    const views = await lookAtFeatures(driver, spec, bucketContext(), { wire: driver.wire(), bucket }, context);
    return views.find(({ aspect }) => aspect === 'website');
  };
  const view = await look();
  if (view?.verdict !== 'different') throw new Error('expected a gap');
  expect(await view.step.apply(context)).toEqual({ end: 'done' });
  expect((await look())?.verdict).toBe('same');
};

it('a page is served for a directory, one for an error, and a prefix leads to another', async () => {
  await converge({
    enabled: true,
    indexDocument: { suffix: 'index.html' },
    errorDocument: { key: 'errors/404.html' },
    routingRules: [
      { condition: { keyPrefixEquals: 'old/' }, redirect: { replaceKeyPrefixWith: 'new/', httpRedirectCode: 302 } },
    ],
  });
  expect(await get('/')).toEqual([200, 'this is index.html']);
  expect(await get('/new/')).toEqual([200, 'this is new/index.html']);
  expect(await get('/nothing')).toEqual([404, 'this is errors/404.html']);
  expect(await get('/old/page')).toEqual([302, expect.stringMatching(/^http:\/\/pages\.example\.com.*\/new\/page$/)]);
});

it('every request is sent to another host', async () => {
  await converge({ enabled: true, redirectAllRequestsTo: { hostName: 'www.example.com', protocol: 'https' } });
  expect(await get('/a/b')).toEqual([301, 'https://www.example.com/a/b']);
});

it('a website that is off shows nothing', async () => {
  await converge({ enabled: false });
  const [status] = await get('/');
  expect(status).toBe(404);
});
