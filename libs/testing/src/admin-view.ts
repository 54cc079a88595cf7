import type { S3Client } from '@aws-sdk/client-s3';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';

interface Answer {
  readonly statusCode: number;
  readonly body: Readable;
}

/** What a server's own admin API says of a bucket, by a client that is not the operator's; undefined where it has no such path. */
const ask = async (
  { config }: Pick<S3Client, 'config'>,
  path: string,
  bucket: string,
): Promise<Readonly<Record<string, unknown>> | undefined> => {
  const endpoint = await config.endpoint?.();
  if (endpoint === undefined) throw new Error('the client has an endpoint of its own');
  const { protocol, hostname, port } = endpoint;
  const credentials = config.credentials;
  const region = await config.region();
  const signer = new SignatureV4({ service: 's3', region, credentials, sha256: Sha256, uriEscapePath: false });
  const host = port === undefined ? hostname : `${hostname}:${String(port)}`;
  const request = { method: 'GET', protocol, hostname, path, query: { bucket }, headers: { host } };
  const signed = await signer.sign(new HttpRequest({ ...request, ...(port === undefined ? {} : { port }) }));
  const answer: unknown = await config.requestHandler.handle(new HttpRequest(signed));
  const { statusCode, body } = (answer as { readonly response: Answer }).response;
  if (statusCode === 200) return (await json(body)) as Readonly<Record<string, unknown>>;
  body.resume();
  return undefined;
};

/** The bytes that a bucket may hold on MinIO or Ceph RGW; 0 where it has no quota. */
export const readQuota = async (client: Pick<S3Client, 'config'>, bucket: string): Promise<unknown> => {
  const onMinio = await ask(client, '/minio/admin/v3/get-bucket-quota', bucket);
  if (onMinio !== undefined) return onMinio.quota ?? 0;
  const onCeph = (await ask(client, '/admin/bucket', bucket))?.bucket_quota;
  const { enabled, max_size: bytes } = onCeph as { readonly enabled: boolean; readonly max_size: number };
  return enabled && bytes > 0 ? bytes : 0;
};
