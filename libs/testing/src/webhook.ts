import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An address that events are sent to. */
export interface Webhook {
  readonly url: string;
  /** Keys of the objects that events have named, in the order in which they came; as the server encodes them. */
  readonly keys: readonly string[];
  close(): Promise<void>;
}

interface Records {
  readonly Records?: readonly { readonly s3?: { readonly object?: { readonly key?: string } } }[];
}

/** Takes every event of the form that Amazon, MinIO and Ceph share, and answers 200. On 127.0.0.1. */
export const startWebhook = async (): Promise<Webhook> => {
  const keys: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const { Records = [] } = body === '' ? {} : (JSON.parse(body) as Records);
      keys.push(...Records.flatMap(({ s3 }) => s3?.object?.key ?? []));
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`,
    keys,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => {
          if (error) reject(error);
          else resolve();
        });
        server.closeAllConnections();
      }),
  };
};
