import { createCipheriv, createDecipheriv } from 'node:crypto';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { argon2id } from 'hash-wasm';
import { request } from 'undici';

export interface MinioUser {
  readonly status: string;
  readonly policyName?: string;
}

/** Reads MinIO's accounts past the product: what the end state is checked with. */
export interface MinioAdmin {
  /** Undefined when there is no such user. */
  user(name: string): Promise<MinioUser | undefined>;
  /** Names of all users but root. */
  userNames(): Promise<readonly string[]>;
  /** Access key ids of the user's service accounts. */
  keysOf(user: string): Promise<readonly string[]>;
  /** Names of all canned policies. */
  policyNames(): Promise<readonly string[]>;
  /** Undefined when there is no such policy. */
  policy(name: string): Promise<unknown>;
}

/** `at`: the server and its root credentials. */
export const minioAdmin = (at: { endpoint: string; accessKey: string; secretKey: string }): MinioAdmin => {
  const url = new URL(at.endpoint);
  const signer = new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials: { accessKeyId: at.accessKey, secretAccessKey: at.secretKey },
    sha256: Sha256,
  });

  const get = async (path: string, query: Record<string, string> = {}): Promise<Buffer | undefined> => {
    const fullPath = `/minio/admin/v3/${path}`;
    const { protocol, hostname, host } = url;
    const signed = await signer.sign(
      new HttpRequest({ method: 'GET', protocol, hostname, path: fullPath, query, headers: { host } }),
    );
    const answer = await request(`${at.endpoint}${fullPath}?${new URLSearchParams(query).toString()}`, {
      headers: signed.headers,
    });
    const body = Buffer.from(await answer.body.arrayBuffer());
    if (answer.statusCode === 404) return undefined;
    if (answer.statusCode >= 400) throw new Error(`${path}: ${answer.statusCode} ${body.toString()}`);
    return body;
  };
  const plain = async <T>(path: string, query?: Record<string, string>): Promise<T | undefined> => {
    const body = await get(path, query);
    return body && (JSON.parse(body.toString()) as T);
  };
  const sealed = async <T>(path: string, query?: Record<string, string>): Promise<T | undefined> => {
    const body = await get(path, query);
    return body && (JSON.parse(await open(body, at.secretKey)) as T);
  };

  return {
    user: (name) => plain('user-info', { accessKey: name }),
    userNames: async () => Object.keys((await sealed<object>('list-users')) ?? {}),
    keysOf: async (user) => {
      const listed = await sealed<{ accounts?: readonly { accessKey: string }[] | null }>('list-service-accounts', {
        user,
      });
      return (listed?.accounts ?? []).map(({ accessKey }) => accessKey);
    },
    policyNames: async () => Object.keys((await plain<object>('list-canned-policies')) ?? {}),
    policy: (name) => plain('info-canned-policy', { name }),
  };
};

const blockBytes = 16_384 + 16;

/** Opens MinIO's container of salt, cipher id, nonce and sealed blocks; ids 0 and 1 are what the server answers with. */
async function open(container: Buffer, password: string): Promise<string> {
  const cipher = container[32] === 0 ? 'aes-256-gcm' : 'chacha20-poly1305';
  const key = await argon2id({
    password,
    salt: container.subarray(0, 32),
    iterations: 1,
    memorySize: 65_536,
    parallelism: 4,
    hashLength: 32,
    outputType: 'binary',
  });
  const nonce = (sequence: number) => {
    const bytes = Buffer.alloc(12);
    container.copy(bytes, 0, 33, 41);
    bytes.writeUInt32LE(sequence, 8);
    return bytes;
  };
  // The tag over nothing, at sequence 0, is part of every block's associated data. For GCM and Poly1305 alike it is what the
  // cipher makes of an empty plaintext.
  const empty = createCipheriv(cipher as 'aes-256-gcm', key, nonce(0), { authTagLength: 16 });
  empty.final();
  const tagOfNothing = empty.getAuthTag();

  const opened: Buffer[] = [];
  for (let at = 41, sequence = 1; at < container.length; at += blockBytes, sequence += 1) {
    const block = container.subarray(at, at + blockBytes);
    const isLast = at + blockBytes >= container.length;
    const opener = createDecipheriv(cipher as 'aes-256-gcm', key, nonce(sequence), { authTagLength: 16 });
    opener.setAAD(Buffer.concat([Buffer.from([isLast ? 0x80 : 0]), tagOfNothing]));
    opener.setAuthTag(block.subarray(-16));
    opened.push(opener.update(block.subarray(0, -16)), opener.final());
  }
  return Buffer.concat(opened).toString('utf8');
}
