import { parseArgs } from 'node:util';

export interface TrialCommand {
  /** Stop after the proof instead of staying until Ctrl-C. */
  readonly once: boolean;
  /** As it is shipped, on a node that runs pods. */
  readonly node: boolean;
  readonly kind: boolean;
}

const usage = 'usage: npm start [-- [--once] [--node|--kind]]';

/** @throws Error with one line that says what is wrong */
export function parseTrialCommand(args: readonly string[]): TrialCommand {
  let wish: Partial<TrialCommand>;
  try {
    ({ values: wish } = parseArgs({
      args: [...args],
      options: { once: { type: 'boolean' }, node: { type: 'boolean' }, kind: { type: 'boolean' } },
    }));
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`${what}\n${usage}`, { cause: error });
  }
  const { once = false, node = false, kind = false } = wish;
  if (node && kind) throw new Error(`--node and --kind are two ways to have a node: use one\n${usage}`);
  return { once, node, kind };
}
