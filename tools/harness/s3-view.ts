import type { S3Client } from '@aws-sdk/client-s3';
import type { BucketSpec } from '@operator/api';
import { differencesFrom } from '@operator/testing/declarations';
import { independentClient } from '@operator/testing/independent-client';
import { Client } from 'minio';

export interface Pair {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** The pair in the Secret of an AccessKey; of empty texts where it is not there. */
export const pairIn = (secret: { readonly data?: Readonly<Record<string, string>> } | undefined): Pair => {
  const plain = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString('utf8');
  return { accessKey: plain('access-key-id'), secretKey: plain('secret-access-key') };
};

/** What stands at an S3 server, seen past the product by an independent client. */
export interface S3View {
  readonly client: Client;
  /** The same server through the SDK of AWS. */
  readonly sdk: S3Client;
  bucketNames(prefix: string): Promise<readonly string[]>;
  /** Undefined when there is no such bucket. */
  bucket(
    name: string,
  ): Promise<{ readonly versioning: string; readonly tags: Readonly<Record<string, string>> } | undefined>;
  /** In what the bucket differs from the features that a spec declares. Empty: in nothing. */
  differencesFrom(spec: Partial<BucketSpec>, name: string): Promise<readonly string[]>;
  /** The stored document, undefined when there is none. */
  policy(name: string): Promise<unknown>;
}

/** `at`: the server past its proxies, with credentials that may see everything, or those of a user to see as it does. */
export const s3View = (at: { readonly endpoint: string; readonly region: string } & Pair): S3View => {
  const { hostname, port } = new URL(at.endpoint);
  const client = new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey: at.accessKey,
    secretKey: at.secretKey,
    region: at.region,
  });
  const sdk = independentClient(at);
  return {
    client,
    sdk,
    differencesFrom: (spec, name) => differencesFrom(spec, sdk, name),
    bucketNames: async (prefix) =>
      (await client.listBuckets()).map(({ name }) => name).filter((name) => name.startsWith(prefix)),
    async bucket(name) {
      if (!(await client.bucketExists(name))) return undefined;
      // Undefined on some servers while nothing was ever set.
      const versioning = (await client.getBucketVersioning(name)) as { Status?: string } | undefined;
      const tags = await orAbsent(client.getBucketTagging(name), 'NoSuchTagSet');
      return {
        versioning: versioning?.Status ?? 'unset',
        tags: Object.fromEntries((tags ?? []).map(({ Key: key, Value: value }) => [key, value])),
      };
    },
    async policy(name) {
      const text = await orAbsent(client.getBucketPolicy(name), 'NoSuchBucketPolicy');
      return text === undefined ? undefined : (JSON.parse(text) as unknown);
    },
  };
};

const orAbsent = async <T>(answer: Promise<T>, code: string): Promise<T | undefined> => {
  try {
    return await answer;
  } catch (error) {
    if ((error as { code?: string }).code === code) return undefined;
    throw error;
  }
};
