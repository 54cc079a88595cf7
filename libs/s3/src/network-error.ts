import { Fault } from '@operator/outcome';
import { AnswerTooLarge } from './bounded-body.ts';
import { DestinationRefused } from './destinations.ts';
import { AnsweredWithList, AnsweredWithPage } from './misrouted.ts';
import { isObject, httpStatusOf, type SdkError } from './wire-answer.ts';

/** Why no answer came, in words, by the code of the network error. */
export const unreachableCodes: ReadonlyMap<string, string> = new Map([
  ['ENOTFOUND', 'its name is not known to DNS'],
  ['EAI_AGAIN', 'DNS gives no answer'],
  ['ECONNREFUSED', 'it refuses connections'],
  ['EHOSTUNREACH', 'there is no route to it'],
  ['ENETUNREACH', 'there is no route to its network'],
  ['ECONNRESET', 'it broke off the connection'],
  ['EPIPE', 'it broke off the connection'],
  ['ETIMEDOUT', 'it did not answer in time'],
  ['ECONNABORTED', 'it broke off the connection'],
  ['UND_ERR_SOCKET', 'it broke off the connection'],
  ['UND_ERR_CONNECT_TIMEOUT', 'it did not answer in time'],
  ['UND_ERR_HEADERS_TIMEOUT', 'it did not answer in time'],
  ['UND_ERR_BODY_TIMEOUT', 'it did not answer in time'],
]);

/** Why there is no secure connection, in words, by the code of the TLS error. */
export const tlsCodes: ReadonlyMap<string, string> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is self-signed and not in tls.caCertSecretRef'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'a certificate in its chain is self-signed and not in tls.caCertSecretRef'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate was signed by an unknown authority'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'its certificate was signed by an unknown authority'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate was signed by an unknown authority'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['CERT_NOT_YET_VALID', 'its certificate is not yet valid'],
  ['CERT_SIGNATURE_FAILURE', 'the signature of its certificate is wrong'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another name'],
  ['EPROTO', 'it does not speak TLS on this port'],
]);

/** True for the codes of TLS errors, also those without words of their own. */
export const isTlsCode = (code: string): boolean =>
  tlsCodes.has(code) || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_');

/** Every error in a chain of causes (Node wraps the attempts over IPv4 and IPv6 in one), five at most. */
const chainOf = function* (error: unknown): Generator<SdkError> {
  for (let current = error, depth = 0; isObject(current) && depth < 5; depth += 1) {
    yield current;
    current = current.cause ?? (Array.isArray(current.errors) ? (current.errors as unknown[])[0] : undefined);
  }
};

/** The error of a connection that was not made because of where it led; undefined for all others. */
export const refusedDestinationIn = (error: unknown): DestinationRefused | undefined => {
  for (const part of chainOf(error)) if (part instanceof DestinationRefused) return part;
  return undefined;
};
export const isRefusedDestination = (error: unknown): boolean => refusedDestinationIn(error) !== undefined;

/** The error of an answer that was too long; undefined for all others. */
export const tooLargeIn = (error: unknown): AnswerTooLarge | undefined => {
  for (const part of chainOf(error)) if (part instanceof AnswerTooLarge) return part;
  return undefined;
};

/** True when the call was answered with the list of the bucket. */
export const isAnsweredWithList = (error: unknown): boolean => {
  for (const part of chainOf(error)) if (part instanceof AnsweredWithList) return true;
  return false;
};

/** True when the call was answered with a web page. */
export const isAnsweredWithPage = (error: unknown): boolean => {
  for (const part of chainOf(error)) if (part instanceof AnsweredWithPage) return true;
  return false;
};

/** The code of a network or TLS error, looked for in causes too (Node wraps the attempts over IPv4 and IPv6 in one). */
export const networkCodeOf = (error: unknown): string | undefined => {
  for (const { code } of chainOf(error)) {
    if (typeof code === 'string' && (unreachableCodes.has(code) || isTlsCode(code))) return code;
  }
  return undefined;
};

/** What is wrong with an answer of HTTP, in words, by the code of Node's parser. */
const malformedCodes: ReadonlyMap<string, string> = new Map([
  ['HPE_HEADER_OVERFLOW', 'its headers have more than 16 KiB'],
  ['HPE_INVALID_HEADER_TOKEN', 'one of its headers is malformed'],
  ['HPE_INVALID_CONTENT_LENGTH', 'what it says of its length is no number, or contradicts itself'],
  ['HPE_UNEXPECTED_CONTENT_LENGTH', 'what it says of its length contradicts itself'],
  ['HPE_INVALID_TRANSFER_ENCODING', 'what it says of its length contradicts itself'],
]);

/** The code of Node's parser, which could not read what came. */
const parserCodeOf = (error: unknown): string | undefined => {
  for (const { code } of chainOf(error)) if (typeof code === 'string' && code.startsWith('HPE_')) return code;
  return undefined;
};

/** True when what answered does not speak HTTP. */
export const isNotHttp = (error: unknown): boolean => {
  const code = parserCodeOf(error);
  return code !== undefined && !malformedCodes.has(code);
};

/** What is wrong with an answer that is one of HTTP and cannot be read, in words with the code; undefined for all others. */
export const malformedIn = (error: unknown): string | undefined => {
  const code = parserCodeOf(error);
  const words = code === undefined ? undefined : malformedCodes.get(code);
  return words === undefined ? undefined : `${words} (${String(code)})`;
};

/**
 * True when the endpoint gave no whole answer: no name, no route, no connection, none in time, or one that the connection did not outlive.
 * Of that the SDK says what it thinks of the part that came, status included.
 */
export const isUnreachable = (error: unknown): boolean => {
  if (!isObject(error) || error instanceof Fault) return false;
  const code = networkCodeOf(error);
  if (code !== undefined && unreachableCodes.has(code)) return true;
  return error.name === 'TimeoutError' && httpStatusOf(error) === undefined;
};
