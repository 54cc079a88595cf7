import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import { independentClient } from './independent-client.ts';

/** What Amazon does now and then, each for so many requests from now on. */
export interface Lags {
  /** Requests about a new bucket that are answered as if it were not there. */
  freshUnknown: number;
  /** Of those, HEADs are answered as if it were there: true. */
  headKnowsFresh: boolean;
  /** Lists that do not show a new bucket yet. */
  freshUnlisted: number;
  /** HEADs that still show a bucket that was removed. */
  removedShown: number;
  /** Creations of a name that was removed, which are put off with OperationAborted. */
  namePutOff: number;
}

/** A proxy before moto that answers as Amazon does where moto is simpler. */
export interface AmazonLike {
  readonly endpoint: string;
  readonly lags: Lags;
  /** Buckets of another region: name → region. */
  readonly elsewhere: Map<string, string>;
  /** Buckets of another account. */
  readonly foreign: Set<string>;
  /** Creations that were let through, by name; of a bucket that was there already, too: it has lost its ACL. */
  readonly creations: { readonly bucket: string; readonly wasThere: boolean }[];
  /** Requests about a bucket that did not say whose it is to be. */
  readonly unconditional: string[];
  close(): Promise<void>;
}

const errorOf = (code: string): string =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;

/** In moto's only account. */
const motoAccount = '123456789012';

export const startAmazonLike = async (upstream: {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}): Promise<AmazonLike> => {
  const target = new URL(upstream.endpoint);
  const own = independentClient(upstream);
  const lags: Lags = { freshUnknown: 0, headKnowsFresh: false, freshUnlisted: 0, removedShown: 0, namePutOff: 0 };
  const [present, fresh, removed] = [new Set<string>(), new Map<string, number>(), new Map<string, number>()];
  const unlisted = new Map<string, number>();
  const elsewhere = new Map<string, string>();
  const foreign = new Set<string>();
  const creations: AmazonLike['creations'] = [];
  const unconditional: string[] = [];

  /** True so many times. */
  const spend = (left: Map<string, number>, bucket: string): boolean => {
    const count = left.get(bucket) ?? 0;
    left.set(bucket, count - 1);
    return count > 0;
  };

  const forward = async (
    incoming: IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; headers: object; body: Buffer }> => {
    // The signature is of the host that was asked.
    const outgoing = request({
      host: target.hostname,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers: { ...incoming.headers, connection: 'close' },
    });
    outgoing.end(body);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const headers = { ...answer.headers };
    delete headers['transfer-encoding'];
    return { status: answer.statusCode ?? 500, headers, body: await buffer(answer) };
  };

  const tagsIn = (body: string) =>
    [...body.matchAll(/<Tag><Key>(.*?)<\/Key><Value>(.*?)<\/Value><\/Tag>/g)].map(([, Key = '', Value = '']) => ({
      Key,
      Value,
    }));

  const serve = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const body = await buffer(incoming);
    const { method = '', headers } = incoming;
    const url = new URL(incoming.url ?? '/', upstream.endpoint);
    const [, bucket = '', key = ''] = url.pathname.split('/');
    const end = (status: number, code: string, more: Readonly<Record<string, string>> = {}): void => {
      answer.writeHead(status, { 'content-type': 'application/xml', ...more });
      answer.end(method === 'HEAD' ? undefined : errorOf(code));
    };
    const pass = async (change = (text: string) => text, before = () => Promise.resolve()): Promise<number> => {
      const got = await forward(incoming, body);
      if (got.status === 200) await before();
      const text = Buffer.from(change(got.body.toString('latin1')), 'latin1');
      answer.writeHead(got.status, { ...got.headers, 'content-length': method === 'HEAD' ? 0 : text.length });
      answer.end(method === 'HEAD' ? undefined : text);
      return got.status;
    };
    if (bucket === '') {
      // Services of another protocol, and the list of buckets.
      if (method !== 'GET') {
        await pass();
        return;
      }
      const hidden = [...unlisted.keys()].filter((name) => spend(unlisted, name));
      await pass((text) =>
        hidden.reduce(
          (list, name) =>
            list.replace(new RegExp(`<Bucket>(?:(?!</Bucket>).)*<Name>${name}</Name>.*?</Bucket>`, 's'), ''),
          text,
        ),
      );
      return;
    }
    const isCreation = method === 'PUT' && key === '' && [...url.searchParams.keys()].every((name) => name === 'x-id');
    const region = elsewhere.get(bucket);
    if (region !== undefined) {
      end(301, 'PermanentRedirect', { 'x-amz-bucket-region': region });
      return;
    }
    if (isCreation) {
      if (removed.has(bucket) && spend(removed, `${bucket} name`)) {
        end(409, 'OperationAborted');
        return;
      }
      creations.push({ bucket, wasThere: present.has(bucket) });
      const TagSet = tagsIn(body.toString());
      const keepTags = async (): Promise<void> => {
        if (TagSet.length > 0) await own.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }));
      };
      // Amazon keeps them, and moto drops them.
      if ((await pass(undefined, keepTags)) !== 200) return;
      present.add(bucket);
      fresh.set(bucket, lags.freshUnknown);
      unlisted.set(bucket, lags.freshUnlisted);
      return;
    }
    const owner = headers['x-amz-expected-bucket-owner'];
    if (owner === undefined) unconditional.push(`${method} ${url.pathname}${url.search}`);
    const account = foreign.has(bucket) ? '210987654321' : motoAccount;
    if (owner !== undefined && owner !== account) {
      end(403, 'AccessDenied');
      return;
    }
    if (present.has(bucket) && !(method === 'HEAD' && lags.headKnowsFresh) && spend(fresh, bucket)) {
      end(404, 'NoSuchBucket');
      return;
    }
    if (method === 'HEAD' && removed.has(bucket) && !present.has(bucket) && spend(removed, bucket)) {
      answer.writeHead(200, { 'x-amz-bucket-region': upstream.region });
      answer.end();
      return;
    }
    const status = await pass();
    if (method === 'DELETE' && key === '' && url.search.replace('?x-id=DeleteBucket', '') === '' && status === 204) {
      present.delete(bucket);
      removed.set(bucket, lags.removedShown);
      removed.set(`${bucket} name`, lags.namePutOff);
    }
  };

  const server = createServer((incoming, answer) => {
    serve(incoming, answer).catch((error: unknown) => answer.destroy(error as Error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    lags,
    elsewhere,
    foreign,
    creations,
    unconditional,
    async close() {
      own.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};
