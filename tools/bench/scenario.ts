import type { Crowd, CrowdKind } from './crowd.ts';

/** One question to the product, with its own servers or those of the crowd. Leaves nothing running, also when it throws. */
export interface Scenario {
  /** As the command line names it. */
  readonly name: string;
  readonly title: string;
  /** True where figures are times or rates: nothing else is measured meanwhile. Counts, memory and CPU time bear company. */
  readonly isTimed: boolean;
  /** True for one that takes long: those that follow it and are not timed run beside it. */
  readonly isLong?: boolean;
  /** Runs only where the command line names it; `whole`: or in a run of all that is not quick. */
  readonly only?: 'named' | 'whole';
  /** Called before anything is started. @throws UsageError when it was given what it cannot use */
  check?(given: Pick<Bench, 'peers'>): void;
  run(bench: Bench): Promise<readonly Figure[]>;
}

export const units = ['ratio', 'count', 'ms', 's', 'B', 'MiB', 'per second', '%'] as const;
export type Unit = (typeof units)[number];
export type Aim = { readonly atLeast: number } | { readonly atMost: number };

/** One figure: `values` has one number for each run or sample; median, minimum and maximum are derived. */
export interface Figure {
  readonly scenario: string;
  readonly name: string;
  readonly unit: Unit;
  readonly values: readonly number[];
  readonly aim?: Aim;
  readonly note?: string;
}

/** What a scenario may use. */
export interface Bench {
  /** The sanity tier: small, and only its counts matter. */
  readonly quick: boolean;
  readonly runs: number;
  /** Numbers of objects, ascending. */
  readonly sizes: readonly number[];
  /** Kinds to converge. */
  readonly kinds: readonly CrowdKind[];
  /** How many Buckets the crowd has. */
  readonly crowdBuckets: number;
  readonly soakMinutes: number;
  /** Numbers of Buckets, ascending, at which growth is measured. */
  readonly fleets: readonly number[];
  /** Numbers of shards, ascending, in which the largest fleet is measured. */
  readonly shards: readonly number[];
  /** Folder of another operator's binary and CRDs, by its name. */
  readonly peers: ReadonlyMap<string, string>;
  /** Aborted when somebody wants us to stop. */
  readonly signal: AbortSignal;
  /** Folder of the controllers' bundles. */
  readonly bundles: string;
  /** Where worlds are made: `startWorld(name, servers, { bundles, folder: dir, proxies: false, signal })`. */
  readonly dir: string;
  readonly log: (line: string) => void;
  /** Keeps figures at once, of a scenario that takes long: it returns those that it has not given here. */
  readonly found: (figures: readonly Figure[]) => void;
  /** The shared world of the big scenarios, made at the first call. */
  crowd(): Promise<Crowd>;
}

/** The sides of a comparison in the order of this run: who begins has the younger servers and the cooler machine. */
export const inTurns = <T>(sides: readonly T[], run: number): readonly T[] =>
  run % 2 === 0 ? sides : sides.toReversed();
