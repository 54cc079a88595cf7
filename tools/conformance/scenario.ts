import type { Bench, Ending, RawAnswer } from './bench.ts';
import type { Profile } from './report.ts';

/** What the object says of a feature that the server lacks. A case that ends so holds. */
export interface SaysUnsupported {
  readonly unsupported: string;
  /** What a plain client found that tried the same. */
  readonly raw?: RawAnswer;
}

/** Runs one case and records how it ended; a case that does not hold ends nothing else. */
export type Try = (
  about: {
    /** The row of the matrix that the case belongs to. */
    readonly feature: string;
    /** A fact. */
    readonly title: string;
    /** True when its end decides whether the server has the feature. */
    readonly decides?: boolean;
  },
  run: () => Promise<SaysUnsupported | undefined>,
) => Promise<Ending>;

/** Cases about objects of their own, one after the other. Scenarios run side by side in one world. */
export interface Scenario {
  readonly profile: Profile;
  readonly name: string;
  readonly run: (bench: Bench, it: Try) => Promise<void>;
}

/** A case that holds or does not. */
export const holds = (run: () => Promise<unknown>) => async (): Promise<undefined> => {
  await run();
  return undefined;
};
