/**
 * About how many packages each wrapper module in tools/local/go compiles, for a share of the whole before it is known: `go list -deps` of
 * its programs, October 2026. The count of the build at hand takes its place once Go has told it.
 */
const usualPackages: Readonly<Record<string, number>> = {
  etcd: 580,
  kubernetes: 2_600,
  minio: 1_300,
  versitygw: 590,
  kind: 290,
  rclone: 580,
  objstore: 390,
  gitops: 270,
  containerd: 1_040,
  cni: 150,
  'kube-router': 960,
};
/** For a module that is not among them. */
const unknownPackages = 1_000;
/** From fewer packages nothing is foretold: the first ones are the small ones. */
const enoughPackages = 50;

/** How far several builds, one after the other, are. */
export interface BuildProgress {
  /** The next one begins; those before it count as done. */
  begin(): void;
  /** Of the one under way: packages compiled, out of at most so many. */
  compiled(packages: number, total: number): void;
  /** `part 2 of 3, 45 % of all, about 6 min left`. */
  inWords(): string;
}

/** `modules`: in the order they are built. `elapsedMs`: a monotonic clock. */
export function trackBuilds(modules: readonly string[], elapsedMs: () => number): BuildProgress {
  const totals = modules.map((module) => usualPackages[module] ?? unknownPackages);
  let index = -1;
  /** Of the builds before. */
  let before = 0;
  let current = 0;
  let since: number | undefined;
  return {
    begin() {
      before += current;
      current = 0;
      index += 1;
    },
    compiled(packages, total) {
      since ??= elapsedMs();
      totals[index] = total;
      current = packages;
    },
    inWords() {
      const sum = (numbers: readonly number[]) => numbers.reduce((one, other) => one + other, 0);
      const done = sum(totals.slice(0, index)) + current;
      const all = sum(totals);
      const compiled = before + current;
      const parts = `part ${index + 1} of ${totals.length}, ${Math.floor((done / all) * 100)} % of all`;
      if (since === undefined || compiled < enoughPackages) return parts;
      const leftMs = ((elapsedMs() - since) / compiled) * (all - done);
      const minutes = Math.ceil(leftMs / 60_000);
      return `${parts}, ${minutes <= 1 ? 'about a minute' : `about ${minutes} min`} left`;
    },
  };
}
