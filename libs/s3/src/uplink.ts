import { Readable } from 'node:stream';
import type { ServiceOutputTypes } from '@aws-sdk/client-s3';
import type { Command } from '@smithy/core/client';
import type { ConfiguredRetryStrategy } from '@smithy/core/retry';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { CallAnswer, CallContext, ExternalCall } from '@operator/outcome';
import { reasons } from '@operator/api';
import { clean, Fault, transient, withDeadline } from '@operator/outcome';
import { createAgents, type Agents } from './agents.ts';
import { createCircuit } from './circuit.ts';
import type { Connection, Credentials } from './connection.ts';
import { brokenOff, readAnswer } from './bounded-body.ts';
import type { DriverDeps } from './deps.ts';
import { defaultRefusedDestinations, parseDestinations } from './destinations.ts';
import { endOfPass, isAbort } from './ended.ts';
import { isNotHttp, isRefusedDestination, isUnreachable } from './network-error.ts';
import { isThrottling, unreachable } from './wire-fault.ts';
import { createTokenBucket } from './rate.ts';
import { createRecentlyUsed, mostEndpoints } from './recently-used.ts';
import { createRetryStrategy } from './retry.ts';
import { createSigningClock, mayTeachTime, type SigningClock } from './server-clock.ts';
import { httpStatusOf, isObject } from './wire-answer.ts';

/** Where a call goes. */
export interface Target {
  /** `s3`, `iam`, `cloudtrail`, `minio-admin`. */
  readonly service: string;
  readonly endpoint: string;
  /** True for the health check: it passes an open circuit, and an answer closes that. */
  readonly isProbe?: boolean;
}

type SdkCommand<Input extends object, Output extends Answer> = Pick<
  Command<Input, Output, unknown, Input, Output>,
  'middlewareStack' | 'schema'
>;
/** Takes note of the headers of an answer, by their names in small letters, and of its HTTP status. */
export type HearHeaders = (headers: Readonly<Record<string, string>>, status: number) => void;
/** What every answer of an SDK client has. */
type Answer = Pick<ServiceOutputTypes, '$metadata'>;

/**
 * What all clients of one Provider share: connections, the token bucket, one circuit for each endpoint, the retry strategy
 * with its bucket of retry tokens.
 */
export interface Uplink {
  readonly agents: Agents;
  /** Sends a request over these connections, within the deadlines to connect and of an attempt. */
  readonly http: NodeHttpHandler;
  readonly userAgent: string;
  /** The time to sign with for the server of an endpoint: what one answer tells of it holds for all that is sent there. */
  signingClock(endpoint: string): SigningClock;
  readonly attemptDeadlineMs: number;
  /** Repeats as the Provider says; all calls share its bucket of retry tokens. */
  readonly retries: ConfiguredRetryStrategy;
  readonly singleAttempt: ConfiguredRetryStrategy;
  /**
   * Runs one attempt of one call: past the circuit, in its turn, then through `context.call`, which fences and counts it.
   * For clients that are not of the AWS SDK, such as the MinIO admin API; `send` does it for those that are.
   * `signal`: ends the wait for its turn; that of the pass when absent.
   * @throws Fault `transient` EndpointUnreachable while the circuit is open; the signal's reason when its turn did not come;
   * whatever `run` throws
   */
  readonly attempt: <T>(
    target: Target,
    call: ExternalCall,
    context: CallContext,
    run: () => Promise<T>,
    signal?: AbortSignal,
  ) => Promise<T>;
  /**
   * Runs one call with all its attempts within its deadline; `run` makes each with what it is given, which is `attempt` of that call, and
   * which wants to hear of its answer.
   * @throws Fault when the pass or the deadline ends it, before its turn or after; whatever `run` throws
   */
  call<T>(
    target: Target,
    about: Pick<ExternalCall, 'operation' | 'bucket'>,
    context: CallContext,
    run: (attempt: <R>(run: (hear: HearHeaders) => Promise<R>) => Promise<R>, signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /**
   * Sends an SDK command: each of its attempts goes through `attempt`, so that fencing holds for every retry of a write.
   * `dispatch`: calls the client's `send` with that signal. `hear`: gets the headers of every answer, also of a refusal.
   * @throws Fault, or the SDK's own error: the caller knows which answers mean absence
   */
  send<Input extends object, Output extends Answer>(
    target: Target,
    command: SdkCommand<Input, Output>,
    dispatch: (options: { readonly abortSignal: AbortSignal }) => Promise<Output>,
    context: CallContext,
    hear?: HearHeaders,
  ): Promise<Output>;
  /** The settings that every SDK client of this Provider has in common. */
  clientSettings(
    credentials: Credentials,
    options?: { readonly singleAttempt?: boolean },
  ): ReturnType<typeof clientSettings>;
  close(): void;
}

const product = 'wasabi-s3-operator';

/** Credentials as what signs wants them. */
export const identityOf = ({ accessKeyId, secretAccessKey, sessionToken }: Credentials) => ({
  accessKeyId,
  secretAccessKey: secretAccessKey.reveal(),
  ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() }),
});

const clientSettings = (
  { http, version }: { readonly http: NodeHttpHandler; readonly version: string },
  retryStrategy: ConfiguredRetryStrategy,
  credentials: Credentials,
) => ({
  credentials: identityOf(credentials),
  requestHandler: http,
  retryStrategy,
  // With an endpoint of our own these must not come from the environment or a profile.
  useFipsEndpoint: false,
  useDualstackEndpoint: false,
  customUserAgent: [[product, version] as [string, string]],
});

/** The API's own name of a command, such as `PutBucketTagging`; from its schema, since minifying renames classes. */
export const operationOf = ({ schema }: Pick<SdkCommand<object, Answer>, 'schema'>): string =>
  Array.isArray(schema) ? schema[2] : ((schema as { readonly name?: string } | undefined)?.name ?? 'UnknownOperation');

/** True for the operations that only look. */
const isRead = (operation: string): boolean => /^(Get|Head|List|Lookup|Describe)/.test(operation);

/** `connection`: its TLS and retry settings and its rate are shared by all clients; credentials and endpoints are each client's own. */
export const createUplink = (
  connection: Pick<Connection, 'tls' | 'retry' | 'requestsPerSecond'>,
  deps: DriverDeps,
): Uplink => {
  const { connectMs = 5_000, attemptMs = 30_000, callMs = 90_000 } = deps.deadlines ?? {};
  const agents = createAgents(
    connection.tls,
    deps.refusedDestinations ?? parseDestinations(defaultRefusedDestinations),
  );
  const { requestsPerSecond: perSecond = 1_000 } = connection;
  const tokens = createTokenBucket({ perSecond, burst: 2 * perSecond }, deps.elapsedMs);
  const http = new NodeHttpHandler({
    httpAgent: agents.httpAgent,
    httpsAgent: agents.httpsAgent,
    connectionTimeout: connectMs,
    requestTimeout: attemptMs,
    throwOnRequestTimeout: true,
    socketTimeout: attemptMs,
  });
  const retries = createRetryStrategy(connection.retry, deps.random);
  const singleAttempt = createRetryStrategy({ maxAttempts: 1, backoffStrategy: 'linear' }, deps.random);
  const known = createRecentlyUsed(mostEndpoints, () => ({ circuit: createCircuit(deps), speaksHttp: false }));
  const signingClockOf = createRecentlyUsed(mostEndpoints, () => createSigningClock(deps.now));

  const attempt: Uplink['attempt'] = async (target, call, context, run, signal = context.signal) => {
    const server = known(target.endpoint);
    const { circuit } = server;
    const awayMs = circuit.enter(target.isProbe ?? false);
    if (awayMs > 0) {
      throw unreachable({ ...target, operation: call.operation }, 'it gave no answer to the last calls', {
        retryAfterMs: Math.ceil(awayMs * (1 + deps.random())),
      });
    }
    const turn = { hasCome: false };
    try {
      await tokens.take(signal);
      const result = await context.call(call, () => {
        turn.hasCome = true;
        return run();
      });
      circuit.report('answered');
      server.speaksHttp = true;
      return result;
    } catch (error) {
      if (isObject(error) && httpStatusOf(error) !== undefined) server.speaksHttp = true;
      if (isThrottling(error)) tokens.slowDown();
      const isCancelled = context.signal.aborted;
      const isSilent = turn.hasCome && (isUnreachable(error) || (isAbort(error) && !isCancelled));
      const isUnknown = !turn.hasCome || isCancelled || error instanceof Fault || isRefusedDestination(error);
      circuit.report(isSilent ? 'silent' : isUnknown ? 'unknown' : 'answered');
      // From what speaks HTTP such bytes are the rest of another answer, on a connection that was used before.
      throw server.speaksHttp && isNotHttp(error) ? brokenOff(error) : error;
    }
  };

  const call: Uplink['call'] = async (target, about, context, run) => {
    const { operation } = about;
    const { service, endpoint } = target;
    const turn = { hasCome: false };
    const inTurn = <R>(once: (hear: HearHeaders) => Promise<R>, signal: AbortSignal): Promise<R> => {
      let answer: CallAnswer | undefined;
      const hear: HearHeaders = (...heard) => {
        answer = answerIn(...heard);
      };
      const run = () => {
        turn.hasCome = true;
        return once(hear);
      };
      const external = { service, ...about, write: !isRead(operation), endpoint, answer: () => answer };
      return attempt(target, external, context, run, signal);
    };
    try {
      return await withDeadline(context.signal, callMs, (signal) => run((once) => inTurn(once, signal), signal));
    } catch (error) {
      const ended = endOfPass(context.signal, error);
      if (ended !== undefined) throw ended;
      if (!isAbort(error)) throw error;
      if (!turn.hasCome) {
        const why = `its turn did not come within ${callMs} ms; the rate of the Provider is used up.`;
        throw transient(reasons.Throttled, `${operation}: ${why}`, { cause: error });
      }
      throw unreachable({ ...target, operation }, `it did not answer within ${callMs} ms`, { cause: error });
    }
  };

  return {
    agents,
    http,
    userAgent: `${product}/${deps.version}`,
    signingClock: (endpoint) => signingClockOf(new URL(endpoint).host),
    attemptDeadlineMs: attemptMs,
    retries,
    singleAttempt,
    attempt,
    call,
    send(target, command, dispatch, context, hear) {
      const operation = operationOf(command);
      return call(target, { operation }, context, (inTurn, abortSignal) => {
        command.middlewareStack.add(
          (next) => (args) =>
            inTurn(async (note) => {
              const listen = (response: unknown): void => {
                const { statusCode, headers = {} } = (response ?? {}) as Partial<HttpHead>;
                if (statusCode === undefined) return;
                note(headers, statusCode);
                hear?.(headers, statusCode);
              };
              try {
                const answered = await next(args);
                listen(answered.response);
                return answered;
              } catch (error) {
                listen((error as { readonly $response?: unknown }).$response);
                throw error;
              }
            }),
          // Inside the SDK's retry, which has the priority high.
          { step: 'finalizeRequest', priority: 'low', name: 'attempt', override: true },
        );
        command.middlewareStack.add(
          (next) => async (args) => {
            const answered = await next(args);
            const response = answered.response as Partial<HttpHead> & { body?: unknown };
            const { body, headers: { date, ...headers } = {}, statusCode = 0 } = response;
            if (!(body instanceof Readable)) return answered;
            const content = await readAnswer(operation, statusCode, body);
            Object.assign(response, { body: content, ...(mayTeachTime(date, content, deps.now()) ? {} : { headers }) });
            return answered;
          },
          // Inside what reads the body.
          { step: 'deserialize', priority: 'low', name: 'readAnswer', override: true },
        );
        return dispatch({ abortSignal });
      });
    },
    clientSettings: (credentials, options = {}) =>
      clientSettings(
        { http, version: deps.version },
        options.singleAttempt === true ? singleAttempt : retries,
        credentials,
      ),
    close: () => agents.close(),
  };
};

/** What every HTTP answer begins with. */
interface HttpHead {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** What an answer says of itself. Source: OpenTelemetry, Semantic conventions for AWS SDK client spans: the headers that have the id. */
export const answerIn = (...[headers, status]: Parameters<HearHeaders>): CallAnswer => {
  const requestId = headers['x-amzn-requestid'] ?? headers['x-amzn-request-id'] ?? headers['x-amz-request-id'];
  return { status, ...(requestId === undefined ? {} : { requestId: clean(requestId, 128) }) };
};
