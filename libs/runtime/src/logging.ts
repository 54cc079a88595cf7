import { clean, oneLine, Redacted } from '@operator/outcome';
import { type DestinationStream, type Logger, pino } from 'pino';

/**
 * What stands between the quotes of a string. JSON that a text quotes has k backslashes before each quote (1, 3, 7, …), captured as `quote`, and
 * k + 1 for each backslash of its own: so a quote or a backslash that belongs to the string has 2k + 1 before it.
 */
const inString = String.raw`(?:[^"\\]|\k<quote>\\\k<quote>[\\"]|\\+[^"\\])*`;
const space = String.raw`(?:\s|\\+[nrt])*`;
/**
 * A field of a JSON line, or of JSON that a text in it quotes, up to the end of its value: nothing with such a name reaches a log, however deep,
 * should somebody put it there unwrapped. A text that was cut off has no end.
 */
const secretField = new RegExp(
  String.raw`(?<name>(?<!\\)(?<quote>\\*)"(?:[\w-]*(?:authorization|password|secret[-_]?(?:access[-_]?)?key|(?:session|security)[-_]?token)|token)\k<quote>"${space}:${space})` +
    String.raw`(?:\k<quote>"${inString}|(?<list>\[)(?:[^\]"\\]|\\+[nrt]|\k<quote>"${inString}(?:\k<quote>")?)*)`,
  'gi',
);
/** What requests and answers have of credentials, in a text that quotes one: a message, a stack. */
const secretText =
  /((?:Signature|X-Amz-Signature|X-Amz-Security-Token)\s*[=:]\s*|(?:Bearer|Basic)\s+|<(?:SecretAccessKey|SessionToken)>)[^\s"\\<&,]+|(:\/\/[^\s"\\/@:]*:)[^\s"\\/@]+(?=@)/gi;

/** The last line of defence: nothing that looks like a credential leaves by the log. `line`: JSON; what comes back is too. */
const censor = (line: string): string => {
  const shown = new Redacted('').toString();
  return line
    .replace(secretField, (_field, name: string, quote: string, list: string | undefined) =>
      list === undefined ? `${name}${quote}"${shown}` : `${name}[${quote}"${shown}${quote}"`,
    )
    .replace(secretText, `$1$2${shown}`);
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

/** Of an error that an SDK made of an answer: name and message are the server's, of any length, and stand in the stack too. */
const wordsOf = (caught: Error) => {
  const { name, message, stack = '' } = caught;
  if (!('$metadata' in caught || '$response' in caught)) return { type: name, message, stack };
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  return {
    type: oneLine(name, 64),
    message: clean(message, 1_000),
    stack: frames
      .slice(-Error.stackTraceLimit)
      .map((line) => line.slice(0, 300))
      .join('\n'),
  };
};

const shownError = (caught: unknown, depth: number): unknown => {
  if (!(caught instanceof Error)) return String(caught);
  const { reason, status, code } = caught as { reason?: unknown; status?: unknown; code?: unknown };
  return {
    ...wordsOf(caught),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof status === 'number' ? { status } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...(caught.cause === undefined || depth === 0 ? {} : { cause: shownError(caught.cause, depth - 1) }),
  };
};
