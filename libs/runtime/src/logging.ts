import { Redacted } from '@operator/outcome';
import { type DestinationStream, type Logger, pino } from 'pino';

/** Field names whose values never reach a log, should somebody put one there unwrapped. */
const secretFields = ['authorization', 'password', 'secretKey', 'secretAccessKey', 'sessionToken', 'token'];

/**
 * JSON lines on stdout with `controller` in each. A Redacted prints as a placeholder by itself; fields with the usual names
 * of credentials are cut out, and of an error only its name, message, stack and causes are shown, as the SDKs' errors carry
 * whole requests.
 */
export const createLogger = (controller: string, level: string, destination?: DestinationStream): Logger => {
  const options = {
    level,
    base: { controller },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (caught: unknown) => shownError(caught, 3) },
    redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: new Redacted('').toString() },
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
