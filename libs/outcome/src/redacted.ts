import { inspect } from 'node:util';

const shown = '[redacted]';

/**
 * A value that must not be seen. Every ordinary way of printing it (string, JSON, inspect) shows a placeholder; the one way
 * to the content is `reveal()`, called only to sign a request or to write a Secret.
 */
export class Redacted<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [inspect.custom](): string {
    return shown;
  }
}

/** Wraps a value as redacted. */
export const redact = <T>(value: T): Redacted<T> => new Redacted(value);
