import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { Client } from 'minio';

/** The content of an issued Secret, decoded: key → value. */
export type IssuedSecret = Readonly<Record<string, string>>;

/** @throws Error naming a key that the Secret lacks */
export function decodeSecret(data: Readonly<Record<string, string>>): IssuedSecret {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}

/**
 * Proves with a client that shares nothing with the operator, and with nothing but what is in the Secret, that the key works:
 * puts, gets and lists an object. Returns one line for each thing proved.
 * @throws Error when something does not hold
 */
export async function proveKey(secret: IssuedSecret): Promise<string[]> {
  const valueOf = (key: string): string => {
    const value = secret[key];
    if (value === undefined || value === '') throw new Error(`the issued Secret has no ${key}`);
    return value;
  };
  const url = new URL(valueOf('AWS_ENDPOINT_URL_S3'));
  const bucket = valueOf('bucket');
  const client = new Client({
    endPoint: url.hostname,
    useSSL: url.protocol === 'https:',
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    accessKey: valueOf('AWS_ACCESS_KEY_ID'),
    secretKey: valueOf('AWS_SECRET_ACCESS_KEY'),
    region: valueOf('AWS_REGION'),
    pathStyle: valueOf('force-path-style') === 'true',
  });
  const name = `public/trial-${randomUUID()}.txt`;
  const content = `written at ${new Date().toISOString()}`;

  await client.putObject(bucket, name, content);
  const got = await text(await client.getObject(bucket, name));
  if (got !== content) throw new Error(`${name} has other content than was put: ${JSON.stringify(got)}`);
  const listed: string[] = [];
  for await (const item of client.listObjectsV2(bucket, 'public/', true)) {
    const { name: found } = item as { readonly name?: string };
    if (found !== undefined) listed.push(found);
  }
  if (!listed.includes(name))
    throw new Error(`the list of ${bucket} lacks ${name}: ${listed.join(', ') || 'it is empty'}`);
  return [
    `put ${name} into ${bucket}`,
    `got it back, ${content.length} bytes, the same`,
    `listed ${listed.length} object(s), it is among them`,
  ];
}
