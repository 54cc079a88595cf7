import { clean, Fault } from '@operator/outcome';

/** What a server answered, by the API's own names. */
export interface WireAnswer {
  /** The error code of the API, such as `NoSuchBucket`; empty when the answer has none (HEAD), and for what is no word. */
  readonly code: string;
  /** HTTP status. */
  readonly status?: number;
  /** In the server's own words, of any length. */
  readonly message?: string;
  /** The region that the answer names (`x-amz-bucket-region`). */
  readonly region?: string;
  /** Where a redirect leads, in the server's own words: a URL without its query, or a host; at most 200 characters. */
  readonly location?: string;
  /** The server's time in the body of a refusal (`ServerTime`), as it stands there. */
  readonly serverTime?: string;
}

/** The parts of an SDK error that we read; none of them is sure to be there. */
export interface SdkError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly Code?: unknown;
  readonly Region?: unknown;
  readonly Endpoint?: unknown;
  readonly ServerTime?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
  readonly $response?: { readonly statusCode?: unknown; readonly headers?: Readonly<Record<string, string>> };
}

/** True for what may have the parts of an SDK error. */
export const isObject = (value: unknown): value is SdkError => typeof value === 'object' && value !== null;

/** The HTTP status of an SDK error; undefined when there was no answer. */
export const httpStatusOf = (error: SdkError): number | undefined => {
  const status = error.$metadata?.httpStatusCode ?? error.$response?.statusCode;
  return typeof status === 'number' ? status : undefined;
};

/** How the body of an answer is compressed, such as `gzip`; undefined when it is not. */
export const encodingOf = (headers: Readonly<Record<string, string>> | undefined): string | undefined =>
  /\b(?:gzip|deflate|br|zstd|compress)\b/i.exec(headers?.['content-encoding'] ?? '')?.[0].toLowerCase();

/** True for the statuses that send a request elsewhere. */
export const isRedirect = (status: number | undefined): boolean =>
  status !== undefined && [301, 302, 303, 307, 308].includes(status);

// What the SDK tells programmers where it cannot read an answer; a person who reads a condition has no such object.
const sdkAdvice =
  /\s*Deserialization error: to see the raw response, inspect the hidden field \{error\}\.\$response on this object\.?/;

/** Names the SDK gives where the answer had no code of its own. */
const namelessCodes: ReadonlySet<string> = new Set([
  'Unknown',
  'UnknownError',
  'Error',
  'SyntaxError',
  'S3ServiceException',
  'IAMServiceException',
]);

/** An error code as it may be shown, such as `kms:KeyNotFound`; empty for what is no word. */
export const codeIn = (text: string): string => (/^[\w.:-]{1,64}$/.test(text) ? text : '');

/** The name of a region as it may be shown; empty when there is none. */
export const regionIn = (text: string): string => clean(text, 64);

/**
 * Reads an error of an SDK client as what the server answered; undefined when there was no answer.
 * HEAD answers have the code ''.
 */
export const answerOf = (error: unknown): WireAnswer | undefined => {
  if (!isObject(error)) return undefined;
  const status = httpStatusOf(error);
  if (status === undefined) return undefined;
  const name = typeof error.Code === 'string' ? error.Code : typeof error.name === 'string' ? error.name : '';
  // The header is on every answer of AWS, the element in the body of some errors.
  const region = error.$response?.headers?.['x-amz-bucket-region'] ?? error.Region;
  // What the SDK says of a body that it cannot read is not what the server said.
  const message = typeof error.message === 'string' && !isUnreadable(error) ? error.message : '';
  const location = error.$response?.headers?.location ?? error.Endpoint;
  const shownRegion = typeof region === 'string' ? regionIn(region) : '';
  return {
    code: namelessCodes.has(name) ? '' : codeIn(name),
    status,
    ...(message === '' || message === 'UnknownError' ? {} : { message }),
    ...(shownRegion === '' ? {} : { region: shownRegion }),
    ...(isRedirect(status) && typeof location === 'string' && location !== ''
      ? { location: clean(location.replace(/\?.*/s, ''), 200) }
      : {}),
    ...(typeof error.ServerTime === 'string' ? { serverTime: error.ServerTime } : {}),
  };
};

/** True when the SDK could not read the body of the answer. */
export const isUnreadable = (error: SdkError): boolean =>
  error instanceof SyntaxError || (typeof error.message === 'string' && sdkAdvice.test(error.message));

/** What the server answered by which a Fault came about; undefined for all other errors, and without an answer. */
export const answerOfFault = (caught: unknown): WireAnswer | undefined =>
  caught instanceof Fault ? answerOf(caught.cause) : undefined;
