import { parse, stringify } from 'yaml';

/** What is tried together, and told together. */
export const profiles = ['Bucket', 'Policy', 'Keys', 'Events'] as const;
export type Profile = (typeof profiles)[number];

/** What is known of one feature of one server. `verdicts` has what each means. */
export type Verdict = 'supported' | 'unsupported' | 'lies' | 'notManaged' | 'notTried';

export const verdicts: Readonly<Record<Verdict, string>> = {
  supported: 'The operator makes it so, and an independent client sees it',
  unsupported: 'The server refuses it; the object says `Unsupported`, and all else converges',
  lies: 'The server answers 200 and nothing happens. Of a setting the object says `Unsupported`, because the operator reads back; of who may do what, and of copies, it cannot know',
  notManaged: 'The server has it, as a plain call shows; this version of the operator does not use it there',
  notTried: 'The run has not tried it, or lacks what the server asks for, such as a device; then "Why not" says so',
};

/** A case that did not hold. */
interface FailedCase {
  readonly case: string;
  /** What was seen in place of what the case expects. */
  readonly seen: string;
}

interface FeatureResult {
  readonly verdict: Verdict;
  readonly passed: number;
  readonly failed: number;
  /** Why it is not `supported`: what the object says, and what a plain call found. */
  readonly because?: string;
}

export interface ProfileResult {
  readonly name: Profile;
  readonly result: 'success' | 'failure';
  readonly statistics: { readonly passed: number; readonly failed: number };
  readonly features: Readonly<Record<string, FeatureResult>>;
  readonly failures: readonly FailedCase[];
}

/** What one run found out, in the manner of the conformance reports of the Gateway API. */
export interface Report {
  readonly apiVersion: 'conformance.s3.cloud37.dev/v1alpha1';
  readonly kind: 'ConformanceReport';
  /** Day of the run, in UTC. */
  readonly date: string;
  readonly implementation: { readonly project: string; readonly version: string; readonly commit?: string };
  /** As it shows itself, or as it was built where this project started it. */
  readonly server: { readonly name: string; readonly version: string; readonly type: string };
  readonly howToReproduce: string;
  readonly profiles: readonly ProfileResult[];
}

export const toYaml = (report: Report): string => stringify(report, { lineWidth: 0 });

/** @throws Error when it is no report of this version */
export const readReport = (text: string): Report => {
  const found = parse(text) as Partial<Report> | null;
  if (found?.apiVersion !== 'conformance.s3.cloud37.dev/v1alpha1' || found.kind !== 'ConformanceReport')
    throw new Error('this is not a ConformanceReport of conformance.s3.cloud37.dev/v1alpha1');
  return found as Report;
};

/** All verdicts by `profile/feature`, in the order of the report. */
export const verdictsOf = ({ profiles: results }: Report): Readonly<Record<string, Verdict>> =>
  Object.fromEntries(
    results.flatMap(({ name, features }) =>
      Object.entries(features).map(([feature, { verdict }]) => [`${name}/${feature}`, verdict]),
    ),
  );

export const countsOf = ({ profiles: results }: Report): { readonly passed: number; readonly failed: number } => ({
  passed: results.reduce((sum, { statistics }) => sum + statistics.passed, 0),
  failed: results.reduce((sum, { statistics }) => sum + statistics.failed, 0),
});
