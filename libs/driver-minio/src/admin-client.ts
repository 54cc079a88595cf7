import { setTimeout as delay } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import { reasons } from '@operator/api';
import { Fault, transient, waiting, type CallContext } from '@operator/outcome';
import {
  boundBody,
  faultFromAnswer,
  faultFromError,
  largestListBytes,
  unsupported,
  type Connection,
  type Uplink,
  type WireAnswer,
} from '@operator/s3';
import type { DeriveKey } from './derive-key.ts';
import { ContainerError, openContainer, sealContainer } from './encrypted-container.ts';
import { ownCodes } from './own-codes.ts';

/** One call of MinIO's admin API. */
export interface AdminCall {
  /** The name that metrics, traces and messages show, such as `AddUser`. */
  readonly operation: string;
  /** GET only looks; all others write. */
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the prefix, such as `/add-user`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** True when the body goes in an encrypted container: one key derivation. */
  readonly sealsBody?: boolean;
  /** How the answer comes: as JSON, or as JSON in an encrypted container (one key derivation). Absent: it is not looked at. */
  readonly answer?: 'plain' | 'sealed';
}

/**
 * MinIO's admin API with what every call shares: signature, deadline, retry, the Provider's token bucket and circuit, fencing
 * before writes, counting, and errors turned into Faults.
 */
export interface AdminClient {
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

/** What came over the wire. */
interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

const service = 'minio-admin';

/** The error of an admin call is JSON; what stands before or instead of MinIO answers in S3's XML, or in HTML. */
const errorOf = ({ status, body }: HttpAnswer): WireAnswer | undefined => {
  const text = body.toString();
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'Code' in parsed && typeof parsed.Code === 'string') {
      const message = 'Message' in parsed && typeof parsed.Message === 'string' ? { message: parsed.Message } : {};
      return { code: parsed.Code, status, ...message };
    }
  } catch {
    // Not JSON: looked at below.
  }
  const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1];
  return code === undefined ? undefined : { code, status };
};

/** An answer that is no success, on its way past what counts and traces the call: its name is the code, as with an SDK's errors. */
class Refusal extends Error {
  readonly answer: HttpAnswer;

  constructor(answer: HttpAnswer) {
    super(`The server answered ${String(answer.status)}.`);
    this.answer = answer;
    this.name = errorOf(answer)?.code ?? `Http${String(answer.status)}`;
  }
}

const answerOfRefusal = (caught: unknown): HttpAnswer => {
  if (caught instanceof Refusal) return caught.answer;
  throw caught;
};

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

/** Makes the client; nothing is sent before the first call. */
export const createAdminClient = (options: AdminClientOptions): AdminClient => {
  const { connection, uplink, deriveKey } = options;
  const { endpoint } = connection;
  const url = new URL(endpoint);
  const password = connection.credentials.secretAccessKey;
  const { credentials, requestHandler, retryStrategy, customUserAgent } = uplink.clientSettings(connection.credentials);
  const http = new NodeHttpHandler(requestHandler);
  const signer = new SignatureV4({
    service: 's3',
    region: connection.region,
    credentials,
    sha256: Sha256,
    uriEscapePath: false,
  });
  const userAgent = customUserAgent.map(([name, version]) => `${name}/${version}`).join(' ');

  const exchange = async (call: AdminCall, body: Buffer | undefined, signal: AbortSignal): Promise<HttpAnswer> => {
    const request = new HttpRequest({
      method: call.method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      path: options.pathPrefix + call.path,
      query: { ...call.query },
      headers: {
        host: url.host,
        'content-length': String(body?.length ?? 0),
        // The calls that attach and detach policies insist on it; the others do not care.
        ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
        'user-agent': userAgent,
      },
      ...(body === undefined ? {} : { body }),
    });
    const signed = await signer.sign(request);
    const { response } = await http.handle(new HttpRequest(signed), { abortSignal: signal });
    return { status: response.statusCode, body: await buffer(boundBody(response.body as Readable, largestListBytes)) };
  };

  const failedCall = (call: AdminCall) => ({ service, operation: call.operation, endpoint, ownCodes });

  /** One attempt: an answer that is no success becomes a Fault, except the codes that the caller expects. */
  const attempt = async (
    call: AdminCall,
    body: Buffer | undefined,
    expectedCodes: readonly string[],
    context: CallContext,
  ): Promise<Buffer | { readonly code: string }> => {
    const external = { service, operation: call.operation, write: call.method !== 'GET' };
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(uplink.attemptDeadlineMs)]);
    const answer = await uplink
      .attempt({ service, endpoint }, external, context, async () => {
        const got = await exchange(call, body, signal);
        if (got.status >= 300) throw new Refusal(got);
        return got;
      })
      .catch(answerOfRefusal);
    if (answer.status < 300) return answer.body;
    const error = errorOf(answer);
    if (error !== undefined && expectedCodes.includes(error.code)) return { code: error.code };
    if (answer.status === 426) {
      throw unsupported(`${call.operation}: the server at ${url.host} does not have this call in its admin API.`);
    }
    if (error === undefined && answer.status < 500) {
      throw waiting(
        reasons.RequestRefused,
        `${call.operation}: ${url.host} does not answer as MinIO's admin API (${answer.status}). Does a proxy keep ${options.pathPrefix} back, or is it another server?`,
        { retryAfterMs: 300_000 },
      );
    }
    throw faultFromAnswer(failedCall(call), error ?? { code: '', status: answer.status });
  };

  const faultOf = (call: AdminCall, error: unknown, context: CallContext): unknown => {
    if (!isAbort(error)) return faultFromError(failedCall(call), error);
    if (!context.signal.aborted) {
      return transient(
        reasons.EndpointUnreachable,
        `${call.operation}: ${url.host} did not answer within ${uplink.attemptDeadlineMs} ms.`,
        { cause: error },
      );
    }
    return context.signal.reason instanceof Fault
      ? context.signal.reason
      : transient(reasons.Timeout, 'The pass ended before the server answered.', { cause: error });
  };

  /** Every call may be repeated: the pair of a key is chosen by us, the rest are upserts and removals. */
  const withRetry = async <T>(call: AdminCall, context: CallContext, run: () => Promise<T>): Promise<T> => {
    let token = await retryStrategy.acquireInitialRetryToken(service);
    for (;;) {
      try {
        const result = await run();
        retryStrategy.recordSuccess(token);
        return result;
      } catch (error) {
        const fault = faultOf(call, error, context);
        if (!(fault instanceof Fault) || fault.kind !== 'transient' || context.signal.aborted) throw fault;
        try {
          token = await retryStrategy.refreshRetryTokenForRetry(token, { errorType: 'TRANSIENT' });
        } catch {
          throw fault; // no attempts are left; the strategy's own words add nothing
        }
        await delay(token.getRetryDelay(), undefined, { signal: context.signal }).catch(() => {
          throw fault;
        });
      }
    }
  };

  const sendExpecting: AdminClient['sendExpecting'] = async (call, expectedCodes, context) => {
    const plain = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const body =
      plain === undefined || call.sealsBody !== true
        ? plain
        : await sealContainer(password, plain, deriveKey, options.randomBytes);
    const answer = await withRetry(call, context, () => attempt(call, body, expectedCodes, context));
    if (!Buffer.isBuffer(answer)) return answer;
    if (call.answer === undefined) return { value: undefined };
    try {
      const content = call.answer === 'sealed' ? await openContainer(password, answer, deriveKey) : answer;
      return { value: JSON.parse(content.toString()) as unknown };
    } catch (error) {
      if (!(error instanceof ContainerError || error instanceof SyntaxError)) throw error;
      throw waiting(
        reasons.RequestRefused,
        `${call.operation}: the answer of ${url.host} cannot be read as one of MinIO's admin API: ${error instanceof ContainerError ? error.message : 'it is not JSON'}.`,
        { retryAfterMs: 300_000 },
      );
    }
  };

  return {
    sendExpecting,
    async send(call, context) {
      const answer = await sendExpecting(call, [], context);
      return 'value' in answer ? answer.value : undefined;
    },
  };
};
