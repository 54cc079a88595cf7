import { createHash } from 'node:crypto';
import { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { S3Client, S3ServiceException, type ServiceInputTypes, type ServiceOutputTypes } from '@aws-sdk/client-s3';
import { HttpResponse, type HttpRequest } from '@smithy/core/protocols';
import type { $ClientProtocol, $OperationSchema } from '@smithy/types';
import { isRefusal, requireRootOf, rootOf } from './answer-root.ts';
import { readAnswer } from './bounded-body.ts';
import { addressOf } from './bucket-address.ts';
import type { Credentials } from './connection.ts';
import { createSendSigned } from './signed-request.ts';
import { operationOf, type HearHeaders, type Uplink } from './uplink.ts';
import { answerOf, encodingOf } from './wire-answer.ts';
import type { S3Command } from './wire.ts';

/** How requests are written and answers read; the same for all regions. */
export interface S3Protocol {
  readonly messages: $ClientProtocol<HttpRequest, HttpResponse>;
  readonly serde: Pick<
    S3Client['config'],
    'base64Decoder' | 'base64Encoder' | 'utf8Decoder' | 'utf8Encoder' | 'streamCollector'
  >;
}

/** That of client-s3, which is costly to make. */
export const s3Protocol = (): S3Protocol => {
  // The region is asked for and not used: requests are signed and sent without that client.
  const { protocol, ...config } = new S3Client({ region: 'us-east-1' }).config;
  const { base64Decoder, base64Encoder, utf8Decoder, utf8Encoder, streamCollector } = config;
  return { messages: protocol, serde: { base64Decoder, base64Encoder, utf8Decoder, utf8Encoder, streamCollector } };
};

/** Where requests go, and how they are made. */
export interface S3ExchangeOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly credentials: Credentials;
  readonly protocol: S3Protocol;
  readonly uplink: Pick<Uplink, 'http' | 'userAgent' | 'signingClock'>;
  /** True once the server has asked for Content-MD5 in place of the newer checksums. */
  readonly wantsContentMd5: () => boolean;
}

/**
 * One request and its answer, without retry: client-s3's commands, schemas, XML and errors without its middlewares, which cost half of the CPU
 * of a call (decision 28). `expectedOwner`: the account that the bucket is to be of. `hear`: gets the head of every answer, also of a refusal.
 * @throws S3ServiceException; SyntaxError for what cannot be read; network errors; those of `readAnswer` and `requireRootOf`. Each has `$response`
 * once there was one, and `isClockSkewed`, as `inTime` wants it.
 */
export type S3Exchange = <Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  command: S3Command<Input, Output>,
  expectedOwner: string | undefined,
  signal: AbortSignal,
  hear: HearHeaders,
) => Promise<Output>;

/** Of the operations that have checksums in Amazon's model, those that need none. Source: the model of the S3 API, `httpChecksum`. */
const needNoChecksum: ReadonlySet<string> = new Set(['PutBucketAccelerateConfiguration', 'PutObject']);

const crc32Headers = (body: string | Uint8Array): Readonly<Record<string, string>> => {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return { 'x-amz-sdk-checksum-algorithm': 'CRC32', 'x-amz-checksum-crc32': sum.toString('base64') };
};
const contentMd5Headers = (body: string | Uint8Array): Readonly<Record<string, string>> => ({
  'content-md5': createHash('md5').update(body).digest('base64'),
});

/** Makes the exchange with one endpoint in one region; nothing is sent before its first call. */
export const createS3Exchange = (options: S3ExchangeOptions): S3Exchange => {
  const { pathStyle, uplink, wantsContentMd5 } = options;
  const { messages, serde } = options.protocol;
  const endpoint = new URL(options.endpoint);
  const send = createSendSigned(options.endpoint, options, uplink);
  // The protocol keeps with each object what it has worked out of it.
  const schemas = new Map<S3Command<ServiceInputTypes, ServiceOutputTypes>['schema'], $OperationSchema>();
  const schemaOf = (
    { schema }: Pick<S3Command<ServiceInputTypes, ServiceOutputTypes>, 'schema'>,
    operation: string,
  ): $OperationSchema => {
    const known = schemas.get(schema);
    if (known !== undefined) return known;
    if (!Array.isArray(schema)) throw new TypeError(`${operation} has no schema that can be sent.`);
    const [, namespace, name, traits, input, output] = schema;
    const made = { namespace, name, traits, input, output };
    schemas.set(schema, made);
    return made;
  };

  return async <Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: S3Command<Input, Output>,
    expectedOwner: string | undefined,
    signal: AbortSignal,
    hear: HearHeaders,
  ): Promise<Output> => {
    const operation = operationOf(command);
    const schema = schemaOf(command, operation);
    const { traits } = schema;
    const input =
      expectedOwner === undefined ? command.input : { ...command.input, ExpectedBucketOwner: expectedOwner };
    const { Bucket } = input as { readonly Bucket?: string };
    const address = addressOf(endpoint, Bucket, pathStyle);

    const request = await messages.serializeRequest(schema, input, {
      ...serde,
      endpoint: () => Promise.resolve(address),
    });
    const body = request.body as string | Uint8Array | undefined;
    const isNeeded = typeof traits === 'object' && 'httpChecksum' in traits && !needNoChecksum.has(operation);
    const hasChecksum = isNeeded || 'x-amz-sdk-checksum-algorithm' in request.headers;
    Object.assign(request.headers, {
      host: address.port === undefined ? address.hostname : `${address.hostname}:${String(address.port)}`,
      ...(body === undefined || body.length === 0
        ? {}
        : {
            'content-length': String(Buffer.byteLength(body)),
            ...(wantsContentMd5() ? contentMd5Headers(body) : hasChecksum ? crc32Headers(body) : {}),
          }),
    });
    if (wantsContentMd5()) delete request.headers['x-amz-sdk-checksum-algorithm'];

    const { response, learnTime } = await send(request, signal, hear);
    try {
      const readable = await readableAnswer(operation, response);
      const output = await outputOf(messages.deserializeResponse<Output>(schema, serde, readable), response);
      learnTime({ code: '', status: response.statusCode });
      return output;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      Object.defineProperty(error, '$response', { value: response });
      // What is not of this API is not of the server whose clock it is.
      const answer = error instanceof S3ServiceException ? answerOf(error) : undefined;
      throw Object.assign(error, { isClockSkewed: answer !== undefined && learnTime(answer) });
    }
  };
};

/**
 * The answer as the protocol can read it, with its body, which is read as far as it may be long.
 * @throws those of `readAnswer` and `requireRootOf`; SyntaxError when it is compressed, which the request has not allowed
 */
const readableAnswer = async (operation: string, response: HttpResponse): Promise<HttpResponse> => {
  const { body, statusCode } = response as { readonly body: Readable; readonly statusCode: number };
  if (body instanceof IncomingMessage && isLongerThanItSays(operation, statusCode)) endConnectionAfter(body);
  const content = await readAnswer(operation, statusCode, body);
  // What the client makes an object of is a stream.
  response.body = operation === 'GetObject' ? Readable.from([content]) : content;
  if (operation === 'GetObject' || statusCode >= 300) return response;
  if (content.length > 0 && encodingOf(response.headers) !== undefined) throw new SyntaxError('It is compressed.');
  const root = rootOf(content);
  // The protocol knows a refusal by its status alone.
  if (isRefusal(root)) return new HttpResponse({ statusCode: 500, headers: response.headers, body: content });
  requireRootOf(operation, root);
  return response;
};

/**
 * Ceph RGW sends the block itself after the refusal that there is none. On a connection that is used again its bytes would stand before the
 * next answer.
 */
const isLongerThanItSays = (operation: string, status: number): boolean =>
  operation === 'GetPublicAccessBlock' && status === 404;

const endConnectionAfter = (answer: IncomingMessage): void => {
  const { socket } = answer;
  answer.once('end', () => socket.destroy());
};

/** @throws S3ServiceException, or SyntaxError for an answer that is not of this API */
const outputOf = async <Output>(reading: Promise<Output>, { statusCode }: HttpResponse): Promise<Output> => {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof S3ServiceException) {
      error.$metadata.httpStatusCode = statusCode;
      throw error;
    }
    const unreadable = new SyntaxError('The answer is not one of the S3 API.', { cause: error });
    throw Object.assign(unreadable, { $metadata: { httpStatusCode: statusCode } });
  }
};
