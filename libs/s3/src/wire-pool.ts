import type { ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-s3';
import { Fault, type CallContext } from '@operator/outcome';
import type { Connection, Credentials } from './connection.ts';
import { asksForContentMd5 } from './content-md5.ts';
import type { DriverDeps } from './deps.ts';
import type { OwnCodes } from './error-classes.ts';
import { answerOf } from './wire-answer.ts';
import { faultFromError, takenForCreation, type FailedCall } from './wire-fault.ts';
import { createLacking } from './lacking.ts';
import { isTakenForCreation } from './misrouted.ts';
import { createServerClock, inTime } from './server-clock.ts';
import { createRecentlyUsed, mostEndpoints } from './recently-used.ts';
import { failedAttempt, withRetries } from './retry.ts';
import { createS3Exchange, s3Protocol } from './s3-exchange.ts';
import { createUplink, operationOf, type HearHeaders, type Uplink } from './uplink.ts';
import type { S3Command, Wire } from './wire.ts';

/** A driver's deviations in reaching its server. */
export interface WirePoolOptions {
  /** The endpoint that has a region's buckets; the connection's own for all when absent. */
  readonly endpointFor?: (region: string) => string;
  /** Calls per second where the connection names none; 1 000 when absent. */
  readonly requestsPerSecond?: number;
  /**
   * Finds the account that the buckets are to be of, undefined while that cannot be known: each call about a bucket then names it, so that the
   * server refuses what is another account's (`x-amz-expected-bucket-owner`).
   */
  readonly expectedOwner?: (uplink: Uplink) => (context: CallContext) => Promise<string | undefined>;
  /** The server's own error codes. */
  readonly ownCodes?: OwnCodes;
  /** Reads an error in the server's own way, before the common table; undefined leaves it to the table. */
  readonly readError?: (call: FailedCall, error: unknown) => Fault | undefined;
}

/** The clients of one Provider: one for each region of late, made when first used. */
export interface WirePool {
  readonly uplink: Uplink;
  /** As `Wire.lacks`. */
  lacks(operation: string): boolean;
  /** What the server says it is, by the header `Server` of its latest answer; a proxy before it may say another name. */
  readonly software: () => string | undefined;
  wire(region?: string): Wire;
  /** Another user's client, over the same connections. */
  wireAs(credentials: Credentials): Wire;
  /** A client for the health check: one attempt, past an open circuit. */
  readonly probe: Wire;
  /** As `Health.certificateExpiresAt`. */
  certificateExpiresAt(): Date | undefined;
  close(): void;
}

/**
 * What is sent once, whatever the retry settings, unless it was refused for its time: after a lost answer a second CreateBucket says "already yours", which the
 * caller must be able to take for somebody else's doing.
 */
const neverRetried: ReadonlySet<string> = new Set(['CreateBucket']);

/** Operations that are about no bucket that is there. */
const namesNoOwner: ReadonlySet<string> = new Set(['CreateBucket', 'ListBuckets']);

const bucketOf = (input: ServiceInputTypes): { readonly bucket?: string } =>
  'Bucket' in input && typeof input.Bucket === 'string' ? { bucket: input.Bucket } : {};

/** Makes the clients of one Provider over one uplink. Nothing is sent before the first call. */
export const createWirePool = (connection: Connection, deps: DriverDeps, options: WirePoolOptions = {}): WirePool => {
  const uplink = createUplink({ ...options, ...connection }, deps);
  const lacking = createLacking(deps.elapsedMs);
  const expectedOwner = options.expectedOwner?.(uplink);
  const protocol = s3Protocol();
  let wantsContentMd5 = false;
  let software: string | undefined;

  /** Makes one client. Its clock is its own; what the server lacks and wants, and its name, hold for all clients. */
  const createWire = (
    region: string,
    credentials: Credentials,
    kind: { readonly isProbe: boolean; readonly singleAttempt: boolean },
  ): Wire => {
    const endpoint = options.endpointFor?.(region) ?? connection.endpoint;
    const target = { service: 's3', endpoint, isProbe: kind.isProbe };
    const exchange = createS3Exchange({
      ...{ endpoint, region, credentials, uplink, protocol },
      pathStyle: connection.pathStyle,
      wantsContentMd5: () => wantsContentMd5,
    });
    const clock = createServerClock(deps.elapsedMs, deps.now);

    const dispatch = async <Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
      command: S3Command<Input, Output>,
      context: CallContext,
    ): Promise<Output> => {
      const operation = operationOf(command);
      const owner = namesNoOwner.has(operation) ? undefined : await expectedOwner?.(context);
      const strategy = kind.singleAttempt || neverRetried.has(operation) ? uplink.singleAttempt : uplink.retries;
      const answer = { isMisrouted: false };
      const note = (headers: Parameters<HearHeaders>[0]) => {
        clock.hear(headers.date);
        software = headers.server ?? software;
        answer.isMisrouted = isTakenForCreation(operation, headers);
      };
      const send = () =>
        uplink.call(target, { operation, ...bucketOf(command.input) }, context, (attempt, signal) => {
          const once = (hear: HearHeaders) =>
            exchange(command, owner, signal, (...head) => {
              hear(...head);
              note(head[0]);
            });
          return withRetries(strategy, () => inTime(() => attempt(once)), failedAttempt, signal);
        });
      const output = await send();
      if (!answer.isMisrouted) return output;
      // Some servers answer 200 when a bucket is created that is there. One that refuses the second time has made it the first time.
      const again = await send().catch((error: unknown) => answerOf(error)?.code);
      throw takenForCreation({ service: 's3', operation, endpoint }, again === 'BucketAlreadyOwnedByYou');
    };

    const trySend = async <Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
      command: S3Command<Input, Output>,
      context: CallContext,
    ): Promise<Output> => {
      const hadContentMd5 = wantsContentMd5;
      try {
        return await dispatch(command, context);
      } catch (error) {
        if (hadContentMd5 || !asksForContentMd5(error)) throw error;
        wantsContentMd5 = true;
        return await dispatch(command, context);
      }
    };

    const faultOf = (command: Parameters<typeof operationOf>[0], error: unknown): unknown => {
      const call = { service: 's3', operation: operationOf(command), endpoint, region, ownCodes: options.ownCodes };
      const fault = options.readError?.(call, error) ?? faultFromError(call, error);
      if (fault instanceof Fault) lacking.refused(call.operation, fault);
      return fault;
    };

    return {
      endpoint,
      region,
      async send(command, context) {
        try {
          const output = await trySend(command, context);
          lacking.answered(operationOf(command));
          return output;
        } catch (error) {
          throw faultOf(command, error);
        }
      },
      async sendOrAbsent(command, absentCodes, context) {
        try {
          const output = await trySend(command, context);
          lacking.answered(operationOf(command));
          return output;
        } catch (error) {
          const answer = answerOf(error);
          const isAbsent = absentCodes.some((code) => code === answer?.code || code === answer?.status);
          if (!isAbsent) throw faultOf(command, error);
          // Who says that a thing is not there has the operation; to some callers a server that lacks it is absence too.
          if (answer?.status === 404) lacking.answered(operationOf(command));
          return undefined;
        }
      },
      lacks: (operation) => lacking.lacks(operation),
      serverNow: () => clock.now(),
    };
  };

  const wireIn = createRecentlyUsed(mostEndpoints, (region) =>
    createWire(region, connection.credentials, { isProbe: false, singleAttempt: false }),
  );
  return {
    uplink,
    lacks: (operation) => lacking.lacks(operation),
    software: () => software,
    wire: (region = connection.region) => wireIn(region),
    // One attempt: a server locks an account on which bad credentials are tried too often.
    wireAs: (credentials) => createWire(connection.region, credentials, { isProbe: false, singleAttempt: true }),
    probe: createWire(connection.region, connection.credentials, { isProbe: true, singleAttempt: true }),
    certificateExpiresAt: () => uplink.agents.certificateExpiresAt(),
    close: () => uplink.close(),
  };
};
