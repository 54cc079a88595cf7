import type { S3ClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-s3';
import type { CallContext } from '@operator/outcome';
import type { Command } from '@smithy/core/client';

/** A command of the S3 client, its input and output typed. */
export type S3Command<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = Command<
  Input,
  Output,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>;

/**
 * One S3 client with everything that every call shares: deadline, retry by the Provider's settings, the token bucket, the
 * circuit, fencing before writes, counting, tracing, and errors turned into Faults.
 */
export interface Wire {
  readonly endpoint: string;
  readonly region: string;
  /**
   * Sends one command. Commands named Get, Head or List are reads, all others writes.
   * @throws Fault, made from the wire's error classes; `terminal` Unsupported when the server lacks the operation
   */
  send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: S3Command<Input, Output>,
    context: CallContext,
  ): Promise<Output>;
  /** As `send`; undefined when the server answers with one of `absentCodes` (such as `NoSuchTagSet`) or those HTTP statuses. */
  sendOrAbsent<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: S3Command<Input, Output>,
    absentCodes: readonly (string | number)[],
    context: CallContext,
  ): Promise<Output | undefined>;
  /**
   * True while the server is known to lack an operation, such as `GetBucketTagging`: it has said so itself, repeatedly, and
   * answered others. Believed for ten minutes.
   */
  lacks(operation: string): boolean;
  /** The server's own clock by its latest answer, up to a second behind; undefined before an answer with a date. */
  serverNow(): Date | undefined;
}
