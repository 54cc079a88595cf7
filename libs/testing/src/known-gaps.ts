/**
 * A case of a suite that cannot hold on one server yet. It runs nevertheless, and must end with this very failure: when the
 * gap is closed, or something else goes wrong, the case fails. The gaps stand in docs/providers/custom.md.
 */
export interface KnownGap {
  /** The title of the case, without those of its groups. */
  readonly title: string;
  /** The gap's number in docs/providers/custom.md. */
  readonly id: string;
  /** What is in the way, in one sentence. */
  readonly why: string;
  /** What the message of the failure says today. */
  readonly endsWith: RegExp;
}

/** The gaps of one suite, by title. `close` must be called when all cases are known. */
export interface KnownGaps {
  /** The title to show, and what to run, for this case. */
  of(title: string, run: () => Promise<void> | void): { readonly title: string; readonly run: () => Promise<void> };
  /** @throws Error when a gap names no case that was asked for */
  readonly close: () => void;
}

/** @throws Error when two gaps name one case */
export const knownGaps = (gaps: readonly KnownGap[]): KnownGaps => {
  const byTitle = new Map(gaps.map((gap) => [gap.title, gap]));
  if (byTitle.size < gaps.length) throw new Error('two known gaps name one case');
  const seen = new Set<string>();
  return {
    of(title, run) {
      seen.add(title);
      const gap = byTitle.get(title);
      return gap === undefined
        ? { title, run: async () => run() }
        : { title: `${title} (known gap ${gap.id})`, run: () => endAsKnown(gap, run) };
    },
    close: () => {
      const astray = gaps.filter(({ title }) => !seen.has(title)).map(({ title }) => JSON.stringify(title));
      if (astray.length > 0) throw new Error(`a known gap names no case of this suite: ${astray.join(', ')}`);
    },
  };
};

/** @throws Error when the case holds; its own failure when that is another one than the gap's */
const endAsKnown = async ({ id, title, why, endsWith }: KnownGap, run: () => Promise<void> | void): Promise<void> => {
  try {
    await run();
  } catch (error) {
    if (error instanceof Error && endsWith.test(error.message)) return;
    throw error;
  }
  throw new Error(`${JSON.stringify(title)} holds now: remove it from the known gaps (${id}: ${why})`);
};
