import type { CallContext } from '@operator/outcome';
import { createSignedApi, type Connection, type SignedCall, type Uplink } from '@operator/s3';
import type { DeriveKey } from './derive-key.ts';
import { ContainerError, openContainer, sealContainer } from './encrypted-container.ts';
import { ownCodes } from './own-codes.ts';

/** One call of MinIO's admin API. */
export interface AdminCall extends SignedCall {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** True when the body goes in an encrypted container: one key derivation. */
  readonly sealsBody?: boolean;
  /** How the answer comes: as JSON, or as JSON in an encrypted container (one key derivation). Absent: it is not looked at. */
  readonly answer?: 'plain' | 'sealed';
}

/** MinIO's admin API, at the Provider's `adminEndpoint`. */
export interface AdminClient {
  /** Where it is. */
  readonly endpoint: string;
  /**
   * The answer's JSON, not checked; undefined when the call does not look at it.
   * @throws Fault by the common table of error classes; `terminal` Unsupported when the server lacks the call
   */
  send(call: AdminCall, context: CallContext): Promise<unknown>;
  /** As `send`, but gives the code itself when the server answers with one of `expectedCodes`. */
  sendExpecting(call: AdminCall, expectedCodes: readonly string[], context: CallContext): Promise<AdminAnswer>;
}

/** A success, or one of the error codes that the caller was ready for. */
export type AdminAnswer = { readonly value: unknown } | { readonly code: string };

export interface AdminClientOptions {
  readonly connection: Connection;
  readonly uplink: Uplink;
  readonly deriveKey: DeriveKey;
  /** Unforeseeable bytes, for salts and nonces. */
  readonly randomBytes: (bytes: number) => Uint8Array;
  /** Before the path of every call; servers that mimic the API have their own. */
  readonly pathPrefix: string;
}

/** Makes the client; nothing is sent before the first call. */
export const createAdminClient = (options: AdminClientOptions): AdminClient => {
  const { connection, uplink, deriveKey, pathPrefix } = options;
  const endpoint = connection.adminEndpoint ?? connection.endpoint;
  const password = connection.credentials.secretAccessKey;
  const api = createSignedApi({
    title: "MinIO's admin API",
    service: 'minio-admin',
    endpoint,
    connection,
    uplink,
    pathPrefix,
    ownCodes,
  });

  const open = async (call: AdminCall, content: Buffer): Promise<Uint8Array> => {
    if (call.answer !== 'sealed') return content;
    try {
      return await openContainer(password, content, deriveKey);
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error;
      throw api.unreadable(call, `${error.message}.`);
    }
  };

  const sendExpecting: AdminClient['sendExpecting'] = async (call, expectedCodes, context) => {
    const plain = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const body =
      plain === undefined || call.sealsBody !== true
        ? plain
        : await sealContainer(password, plain, deriveKey, options.randomBytes);
    const answer = await api.send(call, body, expectedCodes, context);
    if (!Buffer.isBuffer(answer)) return answer;
    return { value: call.answer === undefined ? undefined : api.parse(call, await open(call, answer)) };
  };

  return {
    endpoint,
    sendExpecting,
    async send(call, context) {
      const answer = await sendExpecting(call, [], context);
      return 'value' in answer ? answer.value : undefined;
    },
  };
};
