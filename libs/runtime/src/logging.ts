import { Redacted } from '@operator/outcome';
import { type DestinationStream, type Logger, pino } from 'pino';

/** A field of a JSON line whose value never reaches a log, however deep, should somebody put one there unwrapped. */
const secretField =
  /("(?:[\w-]*(?:authorization|password|secret[-_]?(?:access[-_]?)?key|(?:session|security)[-_]?token)|token)":)"(?:[^"\\]|\\.)*"/gi;
/** What requests and answers have of credentials, in a text that quotes one: a message, a stack. */
const secretText =
  /((?:Signature|X-Amz-Signature|X-Amz-Security-Token)\s*[=:]\s*|Bearer\s+|<(?:SecretAccessKey|SessionToken)>)[^\s"\\<&,]+|(:\/\/[^\s"\\/@:]*:)[^\s"\\/@]+(?=@)/gi;

/** The last line of defence: nothing that looks like a credential leaves by the log. `line`: JSON; what comes back is too. */
const censor = (line: string): string => {
  const shown = new Redacted('').toString();
  return line.replace(secretField, `$1"${shown}"`).replace(secretText, `$1$2${shown}`);
};

/**
 * JSON lines on stdout with `controller` in each. A Redacted prints as a placeholder by itself; what looks like a credential
 * is cut out of the finished line, and of an error only its name, message, stack and causes are shown, as the SDKs' errors carry
 * whole requests.
 */
export const createLogger = (controller: string, level: string, destination?: DestinationStream): Logger => {
  const options = {
    level,
    base: { controller },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (caught: unknown) => shownError(caught, 3) },
    hooks: { streamWrite: censor },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
};

const shownError = (caught: unknown, depth: number): unknown => {
  if (!(caught instanceof Error)) return String(caught);
  const { reason, status, code } = caught as { reason?: unknown; status?: unknown; code?: unknown };
  return {
    type: caught.name,
    message: caught.message,
    stack: caught.stack,
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof status === 'number' ? { status } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...(caught.cause === undefined || depth === 0 ? {} : { cause: shownError(caught.cause, depth - 1) }),
  };
};
