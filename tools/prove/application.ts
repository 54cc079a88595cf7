import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Pair } from '../harness/index.ts';

/** One request of an application. Instants are milliseconds of the monotonic clock. */
export interface Use {
  readonly startedAt: number;
  readonly endedAt: number;
  /** `refused`: for its credentials, by status 401 or 403. */
  readonly end: 'done' | 'refused' | 'failed';
  /** What the server or the client said where it was not done. */
  readonly code?: string;
}

/** Something that puts and gets objects all the time. */
export interface Application {
  /** All that was done so far, in the order of the ends. */
  readonly uses: readonly Use[];
  /** Ends it; resolves when no request is under way. */
  stop(): Promise<void>;
}

interface ApplicationOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Requests a second, puts and gets by turns. Where the server is slower, fewer. */
  readonly perSecond: number;
  /** Asked before each request. */
  readonly pair: () => Promise<Pair>;
}

/** Requests under way at once, at most. */
const mostAtOnce = 16;
const objects = 20;

/** Resolves when its objects are there. */
export const startApplication = async (options: ApplicationOptions): Promise<Application> => {
  const { endpoint, region, bucket: Bucket, perSecond, pair } = options;
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    requestHandler: { httpAgent: new Agent({ keepAlive: true, maxSockets: mostAtOnce }) },
    credentials: async () => {
      const { accessKey, secretKey } = await pair();
      // The SDK asks for each request what expires within five minutes.
      return { accessKeyId: accessKey, secretAccessKey: secretKey, expiration: new Date(Date.now() + 60_000) };
    },
  });
  const put = (Key: string) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'content' }));
  const get = async (Key: string) =>
    (await client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
  for (let at = 0; at < objects; at += 1) await put(`object-${String(at)}`);

  const uses: Use[] = [];
  const use = async (turn: number): Promise<void> => {
    const key = `object-${String(Math.floor(turn / 2) % objects)}`;
    const startedAt = performance.now();
    const end = (what: Pick<Use, 'end' | 'code'>): void =>
      void uses.push({ startedAt, endedAt: performance.now(), ...what });
    try {
      await (turn % 2 === 0 ? put(key) : get(key));
      end({ end: 'done' });
    } catch (error) {
      const { name, $metadata } = error as Error & { readonly $metadata?: { readonly httpStatusCode?: number } };
      const status = $metadata?.httpStatusCode;
      end({ end: status === 401 || status === 403 ? 'refused' : 'failed', code: name });
    }
  };

  const beganAt = performance.now();
  let isOver = false;
  let turns = 0;
  const work = async (): Promise<void> => {
    while (!isOver) {
      const turn = turns++;
      const dueInMs = beganAt + (turn * 1_000) / perSecond - performance.now();
      if (dueInMs > 0) await delay(dueInMs);
      await use(turn);
    }
  };
  const workers = Array.from({ length: Math.min(mostAtOnce, perSecond) }, work);
  return {
    uses,
    async stop() {
      isOver = true;
      await Promise.all(workers);
      client.destroy();
    },
  };
};
