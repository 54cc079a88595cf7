import { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { ServiceOutputTypes } from '@aws-sdk/client-s3';
import type { Command } from '@smithy/core/client';
import type { CallContext, ExternalCall } from '@operator/outcome';
import { reasons } from '@operator/api';
import { Fault, transient } from '@operator/outcome';
import { createAgents, type Agents } from './agents.ts';
import { createCircuit, type Circuit } from './circuit.ts';
import type { Connection, Credentials } from './connection.ts';
import { boundBody, brokenOff, largestAnswerOf } from './bounded-body.ts';
import type { DriverDeps } from './deps.ts';
import { defaultRefusedDestinations, parseDestinations } from './destinations.ts';
import { expectsNoList } from './misrouted.ts';
import { isNotHttp, isRefusedDestination, isUnreachable } from './network-error.ts';
import { isThrottling, unreachable } from './wire-fault.ts';
import { createTokenBucket } from './rate.ts';
import { createRetryStrategy } from './retry.ts';
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
/** Takes note of the headers of an answer, by their names in small letters. */
export type HearHeaders = (headers: Readonly<Record<string, string>>) => void;
/** What every answer of an SDK client has. */
type Answer = Pick<ServiceOutputTypes, '$metadata'>;

/**
 * What all clients of one Provider share: connections, the token bucket, one circuit for each endpoint, the retry strategy
 * with its bucket of retry tokens.
 */
export interface Uplink {
  readonly agents: Agents;
  readonly attemptDeadlineMs: number;
  /**
   * Runs one attempt of one call: past the circuit, in its turn, then through `context.call`, which fences and counts it.
   * For clients that are not of the AWS SDK, such as the MinIO admin API; `send` does it for those that are.
   * `deadline`: until when its turn must have come; the end of the pass when absent.
   * @throws Fault `transient` EndpointUnreachable while the circuit is open; the signal's reason when its turn did not come;
   * whatever `run` throws
   */
  readonly attempt: <T>(
    target: Target,
    call: ExternalCall,
    context: CallContext,
    run: () => Promise<T>,
    deadline?: AbortSignal,
  ) => Promise<T>;
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

const silence = (): void => undefined;
const quiet = { trace: silence, debug: silence, info: silence, warn: silence, error: silence };

const clientSettings = (
  agents: Agents,
  deadlines: { readonly connectMs: number; readonly attemptMs: number },
  retryStrategy: ReturnType<typeof createRetryStrategy>,
  version: string,
  credentials: Credentials,
) => ({
  credentials: {
    accessKeyId: credentials.accessKeyId,
    secretAccessKey: credentials.secretAccessKey.reveal(),
    ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken.reveal() }),
  },
  requestHandler: {
    httpAgent: agents.httpAgent,
    httpsAgent: agents.httpsAgent,
    connectionTimeout: deadlines.connectMs,
    requestTimeout: deadlines.attemptMs,
    throwOnRequestTimeout: true,
    socketTimeout: deadlines.attemptMs,
    // The queue for a socket is ours to see in the metrics of calls; the SDK would print to the console.
    logger: quiet,
  },
  retryStrategy,
  // With an endpoint of our own these must not come from the environment or a profile.
  useFipsEndpoint: false,
  useDualstackEndpoint: false,
  customUserAgent: [['wasabi-s3-operator', version] as [string, string]],
});

/** The API's own name of a command, such as `PutBucketTagging`; from its schema, since minifying renames classes. */
export const operationOf = ({ schema }: Pick<SdkCommand<object, Answer>, 'schema'>): string =>
  Array.isArray(schema) ? schema[2] : ((schema as { readonly name?: string } | undefined)?.name ?? 'UnknownOperation');

/** True for the operations that only look. */
const isRead = (operation: string): boolean => /^(Get|Head|List|Lookup|Describe)/.test(operation);

/** The Fault of a call that the pass no longer waits for. */
const cancelled = (signal: AbortSignal, cause: unknown): Fault =>
  signal.reason instanceof Fault
    ? signal.reason
    : transient(reasons.Timeout, 'The pass ended before the server answered.', { cause });

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
  const retryStrategy = createRetryStrategy(connection.retry, deps.random);
  const singleAttempt = createRetryStrategy({ maxAttempts: 1, backoffStrategy: 'linear' }, deps.random);
  const speakHttp = new Set<string>();
  const circuits = new Map<string, Circuit>();
  const circuitOf = (endpoint: string): Circuit => {
    const known = circuits.get(endpoint) ?? createCircuit(deps);
    circuits.set(endpoint, known);
    return known;
  };

  const attempt: Uplink['attempt'] = async (target, call, context, run, deadline = context.signal) => {
    const circuit = circuitOf(target.endpoint);
    const awayMs = circuit.enter(target.isProbe ?? false);
    if (awayMs > 0) {
      throw unreachable({ ...target, operation: call.operation }, 'it gave no answer to the last calls', {
        retryAfterMs: Math.ceil(awayMs * (1 + deps.random())),
      });
    }
    const turn = { hasCome: false };
    try {
      await tokens.take(AbortSignal.any([context.signal, deadline]));
      const result = await context.call(call, () => {
        turn.hasCome = true;
        return run();
      });
      circuit.report('answered');
      speakHttp.add(target.endpoint);
      return result;
    } catch (error) {
      if (isObject(error) && httpStatusOf(error) !== undefined) speakHttp.add(target.endpoint);
      if (isThrottling(error)) tokens.slowDown();
      const isCancelled = context.signal.aborted;
      const isSilent = turn.hasCome && (isUnreachable(error) || (isAbort(error) && !isCancelled));
      const isUnknown = !turn.hasCome || isCancelled || error instanceof Fault || isRefusedDestination(error);
      circuit.report(isSilent ? 'silent' : isUnknown ? 'unknown' : 'answered');
      // From what speaks HTTP such bytes are the rest of another answer, on a connection that was used before.
      throw speakHttp.has(target.endpoint) && isNotHttp(error) ? brokenOff(error) : error;
    }
  };

  return {
    agents,
    attemptDeadlineMs: attemptMs,
    attempt,
    async send(target, command, dispatch, context, hear) {
      const operation = operationOf(command);
      const call = { service: target.service, operation, write: !isRead(operation) };
      const deadline = new AbortController();
      const turn = { hasCome: false };
      command.middlewareStack.add(
        (next) => (args) => {
          const run = async () => {
            turn.hasCome = true;
            try {
              const answered = await next(args);
              hear?.(headersOf(answered.response));
              return answered;
            } catch (error) {
              hear?.(headersOf((error as { readonly $response?: unknown }).$response));
              throw error;
            }
          };
          return attempt(target, call, context, run, deadline.signal);
        },
        // Inside the SDK's retry, which has the priority high.
        { step: 'finalizeRequest', priority: 'low', name: 'attempt', override: true },
      );
      command.middlewareStack.add(
        (next) => async (args) => {
          const answered = await next(args);
          const response = answered.response as { body?: unknown; readonly statusCode?: number };
          if (response.body instanceof Readable) {
            const kinds = {
              noList: expectsNoList(operation),
              noPage: operation !== 'GetObject' && isSuccess(response.statusCode),
            };
            if (response.body instanceof IncomingMessage && isLongerThanItSays(operation, response.statusCode))
              endConnectionAfter(response.body);
            response.body = boundBody(response.body, largestAnswerOf(operation), kinds);
          }
          return answered;
        },
        // Inside what reads the body.
        { step: 'deserialize', priority: 'low', name: 'boundBody', override: true },
      );
      const timer = setTimeout(() => deadline.abort(), callMs);
      try {
        return await dispatch({ abortSignal: AbortSignal.any([context.signal, deadline.signal]) });
      } catch (error) {
        if (error instanceof Fault || !isAbort(error)) throw error;
        if (context.signal.aborted) throw cancelled(context.signal, error);
        if (!turn.hasCome) {
          const why = `its turn did not come within ${callMs} ms; the rate of the Provider is used up.`;
          throw transient(reasons.Throttled, `${operation}: ${why}`, { cause: error });
        }
        throw unreachable({ ...target, operation }, `it did not answer within ${callMs} ms`, { cause: error });
      } finally {
        clearTimeout(timer);
      }
    },
    clientSettings: (credentials, options = {}) =>
      clientSettings(
        agents,
        { connectMs, attemptMs },
        options.singleAttempt === true ? singleAttempt : retryStrategy,
        deps.version,
        credentials,
      ),
    close: () => agents.close(),
  };
};

/**
 * Ceph RGW sends the block itself after the refusal that there is none. On a connection that is used again its bytes would stand before the
 * next answer.
 */
const isLongerThanItSays = (operation: string, status: number | undefined): boolean =>
  operation === 'GetPublicAccessBlock' && status === 404;

const endConnectionAfter = (answer: IncomingMessage): void => {
  const { socket } = answer;
  answer.once('end', () => socket.destroy());
};

const isSuccess = (status = 0): boolean => status >= 200 && status < 300;

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

/** The headers of what an SDK client calls a response; none of anything else. */
const headersOf = (response: unknown): Readonly<Record<string, string>> =>
  (response as { readonly headers?: Readonly<Record<string, string>> } | undefined)?.headers ?? {};
