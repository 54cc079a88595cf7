import { parseArgs } from 'node:util';

export interface TrialCommand {
  /** Stop after the proof instead of staying until Ctrl-C. */
  readonly once: boolean;
  readonly kind: boolean;
}

/** @throws Error with one line that says what is wrong */
export function parseTrialCommand(args: readonly string[]): TrialCommand {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { once: { type: 'boolean' }, kind: { type: 'boolean' } },
    });
    return { once: values.once ?? false, kind: values.kind ?? false };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`${what}\nusage: npm start [-- [--once] [--kind]]`, { cause: error });
  }
}
