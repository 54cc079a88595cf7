import type { Readable } from 'node:stream';
import { HttpRequest } from '@smithy/core/protocols';
import { reasons } from '@operator/api';
import { Fault, transient, waiting, withDeadline, type CallAnswer, type CallContext } from '@operator/outcome';
import { largestListBytes, readBody } from './bounded-body.ts';
import type { Connection } from './connection.ts';
import { endOfPass, isAbort } from './ended.ts';
import type { OwnCodes } from './error-classes.ts';
import { isAnsweredWithPage } from './network-error.ts';
import { withRetries } from './retry.ts';
import { inTime } from './server-clock.ts';
import { createSendSigned } from './signed-request.ts';
import { answerIn, type HearHeaders, type Uplink } from './uplink.ts';
import { codeIn, type WireAnswer } from './wire-answer.ts';
import { faultFromAnswer, faultFromError, unsupported } from './wire-fault.ts';

/** One call of a server's own admin API. */
export interface SignedCall {
  /** The name that metrics, traces and messages show, such as `AddUser`. */
  readonly operation: string;
  /** GET only looks; all others write. */
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the prefix, such as `/add-user`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
}

/** The body of a success, or one of the error codes that the caller was ready for. */
export type SignedAnswer = Buffer | { readonly code: string };

/**
 * A server's admin API that is signed as S3 is, with what every call shares: deadline, retry, the Provider's token bucket and circuit,
 * fencing before writes, counting, and errors turned into Faults. Every call must be one that may be repeated.
 */
export interface SignedApi {
  /**
   * The code itself when the server answers with one of `expectedCodes`.
   * @throws Fault by the common table of error classes; `terminal` Unsupported when the server lacks the call
   */
  send(
    call: SignedCall,
    body: Buffer | undefined,
    expectedCodes: readonly string[],
    context: CallContext,
  ): Promise<SignedAnswer>;
  /** The answer as JSON, not checked. @throws Fault `waiting` RequestRefused: it is not of this API */
  parse(call: SignedCall, content: Uint8Array): unknown;
  /** For an answer that is not one of this API. `why`: ends the sentence. */
  unreadable(call: SignedCall, why: string): Fault;
}

export interface SignedApiOptions {
  /** What it is called in messages: `MinIO's admin API`. */
  readonly title: string;
  /** As `Target.service`. */
  readonly service: string;
  readonly endpoint: string;
  readonly connection: Pick<Connection, 'region' | 'credentials'>;
  readonly uplink: Uplink;
  /** Before the path of every call. */
  readonly pathPrefix: string;
  readonly ownCodes?: OwnCodes;
}

/** What came over the wire. */
interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** What a refusal says; undefined where it is in no form of the server's own, and for what is none. */
  readonly error: WireAnswer | undefined;
  /** True when the request was refused for the time that it was signed with, which is corrected since. */
  readonly isClockSkewed: boolean;
}

/** The error of an admin call is JSON; what stands before or instead of the server answers in S3's XML, or in HTML. */
const errorOf = ({ status, body }: Pick<HttpAnswer, 'status' | 'body'>): WireAnswer | undefined => {
  const text = body.toString();
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'Code' in parsed && typeof parsed.Code === 'string') {
      const message = 'Message' in parsed && typeof parsed.Message === 'string' ? { message: parsed.Message } : {};
      return { code: codeIn(parsed.Code), status, ...message };
    }
  } catch {
    // Not JSON: looked at below.
  }
  const code = /<Code>([\w.:-]{1,64})<\/Code>/.exec(text)?.[1];
  const serverTime = /<ServerTime>([^<]*)<\/ServerTime>/.exec(text)?.[1];
  return code === undefined ? undefined : { code, status, ...(serverTime === undefined ? {} : { serverTime }) };
};

/** An answer that is no success, on its way past what counts and traces the call: its name is the code, as with an SDK's errors. */
class Refusal extends Error {
  readonly answer: HttpAnswer;
  /** As `inTime` wants it. */
  readonly isClockSkewed: boolean;

  constructor(answer: HttpAnswer) {
    super(`The server answered ${String(answer.status)}.`);
    this.answer = answer;
    this.isClockSkewed = answer.isClockSkewed;
    this.name = answer.error?.code ?? `Http${String(answer.status)}`;
  }
}

const answerOfRefusal = (caught: unknown): HttpAnswer => {
  if (caught instanceof Refusal) return caught.answer;
  throw caught;
};

/** Makes the client; nothing is sent before the first call. */
export const createSignedApi = (options: SignedApiOptions): SignedApi => {
  const { title, service, connection, uplink, endpoint, ownCodes } = options;
  const url = new URL(endpoint);
  const sendSigned = createSendSigned(endpoint, connection, uplink);

  const exchange = async (
    call: SignedCall,
    body: Buffer | undefined,
    signal: AbortSignal,
    hear: HearHeaders,
  ): Promise<HttpAnswer> => {
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
        // MinIO's calls that attach and detach policies insist on it; the others do not care.
        ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      },
      ...(body === undefined ? {} : { body }),
    });
    const { response, learnTime } = await sendSigned(request, signal, hear);
    const { statusCode: status, body: content } = response as { readonly statusCode: number; readonly body: Readable };
    const answer = { status, body: await readBody(content, largestListBytes, { noPage: status < 300 }) };
    const error = status < 300 ? undefined : errorOf(answer);
    const told = status < 300 ? { code: '', status } : error;
    return { ...answer, error, isClockSkewed: told !== undefined && learnTime(told) };
  };

  const failedCall = (call: SignedCall) => ({ service, operation: call.operation, endpoint, ownCodes });

  const unreadable: SignedApi['unreadable'] = (call, why) =>
    waiting(reasons.RequestRefused, `${call.operation}: ${url.host} does not answer as ${title}: ${why}`, {
      retryAfterMs: 300_000,
    });

  const foreign = (call: SignedCall, what: string): Fault =>
    unreadable(call, `${what}. Does a proxy keep ${options.pathPrefix} back, or is it another server?`);

  /** One attempt: an answer that is no success becomes a Fault, except the codes that the caller expects. */
  const attempt = async (
    call: SignedCall,
    body: Buffer | undefined,
    expectedCodes: readonly string[],
    context: CallContext,
  ): Promise<SignedAnswer> => {
    let heard: CallAnswer | undefined;
    const { operation, method } = call;
    const external = { service, operation, write: method !== 'GET', endpoint, answer: () => heard };
    const answer = await inTime(() =>
      withDeadline(context.signal, uplink.attemptDeadlineMs, (signal) =>
        uplink.attempt({ service, endpoint }, external, context, async () => {
          const got = await exchange(call, body, signal, (...head) => {
            heard = answerIn(...head);
          });
          if (got.status >= 300) throw new Refusal(got);
          return got;
        }),
      ),
    ).catch(answerOfRefusal);
    if (answer.status < 300) return answer.body;
    const { error } = answer;
    if (error !== undefined && expectedCodes.includes(error.code)) return { code: error.code };
    if (answer.status === 426) {
      throw unsupported(`${call.operation}: the server at ${url.host} does not have this call in its admin API.`);
    }
    if (error === undefined && answer.status < 500) throw foreign(call, `it says ${String(answer.status)}`);
    throw faultFromAnswer(failedCall(call), error ?? { code: '', status: answer.status });
  };

  const faultOf = (call: SignedCall, error: unknown, context: CallContext): unknown => {
    if (isAnsweredWithPage(error)) return foreign(call, 'it is a web page');
    const ended = endOfPass(context.signal, error);
    if (ended !== undefined) return ended;
    if (!isAbort(error)) return faultFromError(failedCall(call), error);
    return transient(
      reasons.EndpointUnreachable,
      `${call.operation}: ${url.host} did not answer within ${uplink.attemptDeadlineMs} ms.`,
      { cause: error },
    );
  };

  return {
    unreadable,
    async send(call, body, expectedCodes, context) {
      try {
        return await withRetries(
          uplink.retries,
          () => attempt(call, body, expectedCodes, context),
          (error) => {
            const fault = faultOf(call, error, context);
            const isWorthIt = fault instanceof Fault && fault.kind === 'transient' && !context.signal.aborted;
            return { errorType: isWorthIt ? 'TRANSIENT' : 'CLIENT_ERROR' };
          },
          context.signal,
        );
      } catch (error) {
        throw faultOf(call, error, context);
      }
    },
    parse(call, content) {
      try {
        return JSON.parse(Buffer.from(content).toString()) as unknown;
      } catch {
        throw unreadable(call, 'it is not JSON.');
      }
    },
  };
};
