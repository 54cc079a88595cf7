/** What a server answered, by the API's own names. */
export interface WireAnswer {
  /** The error code of the API, such as `NoSuchBucket`; empty when the answer has none (HEAD). */
  readonly code: string;
  /** HTTP status. */
  readonly status?: number;
  readonly message?: string;
  /** The region that the answer names (`x-amz-bucket-region`). */
  readonly region?: string;
}

/** The parts of an SDK error that we read; none of them is sure to be there. */
export interface SdkError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly Code?: unknown;
  readonly Region?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
  readonly $response?: { readonly statusCode?: unknown; readonly headers?: Readonly<Record<string, string>> };
}

/** True for what may have the parts of an SDK error. */
export const isObject = (value: unknown): value is SdkError => typeof value === 'object' && value !== null;

/** The HTTP status of an SDK error; undefined when there was no answer. */
export const statusOf = (error: SdkError): number | undefined => {
  const status = error.$metadata?.httpStatusCode ?? error.$response?.statusCode;
  return typeof status === 'number' ? status : undefined;
};

/** Names the SDK gives where the answer had no code of its own. */
const namelessCodes: ReadonlySet<string> = new Set([
  'Unknown',
  'UnknownError',
  'Error',
  'S3ServiceException',
  'IAMServiceException',
]);

/**
 * Reads an error of an SDK client as what the server answered; undefined when there was no answer.
 * HEAD answers have the code ''.
 */
export const answerOf = (error: unknown): WireAnswer | undefined => {
  if (!isObject(error)) return undefined;
  const status = statusOf(error);
  if (status === undefined) return undefined;
  const name = typeof error.Code === 'string' ? error.Code : typeof error.name === 'string' ? error.name : '';
  // The header is on every answer of AWS, the element in the body of some errors.
  const region = error.$response?.headers?.['x-amz-bucket-region'] ?? error.Region;
  return {
    code: namelessCodes.has(name) ? '' : name,
    status,
    ...(typeof error.message === 'string' && error.message !== 'UnknownError' ? { message: error.message } : {}),
    ...(typeof region === 'string' && region !== '' ? { region } : {}),
  };
};
