import type { CaseResult, RawAnswer } from './bench.ts';
import { profiles, type Profile, type ProfileResult, type Verdict } from './report.ts';

/** Pure: what is known of a feature by its cases, and by a plain call where those did not show that the server has it. */
export const judge = (cases: readonly CaseResult[], raw: RawAnswer | undefined): Verdict => {
  if (cases.some(({ isLie }) => isLie)) return 'lies';
  if (!needsRaw(cases)) return 'supported';
  if (raw?.raw === 'untried') return 'notTried';
  if (raw?.raw === 'works') return 'notManaged';
  return raw?.raw === 'ignored' ? 'lies' : 'unsupported';
};

/** True when the decisive case did not show that the server has the feature. */
export const needsRaw = (cases: readonly CaseResult[]): boolean => {
  const decisive = cases.filter(({ isDecisive }) => isDecisive);
  return decisive.length === 0 || decisive.some(({ ending }) => ending !== 'holds');
};

/** All cases by profile and feature, in the order in which they are named there. */
export const byFeature = (
  results: readonly CaseResult[],
): ReadonlyMap<Profile, ReadonlyMap<string, readonly CaseResult[]>> =>
  new Map(
    profiles.flatMap((profile) => {
      const mine = results.filter((result) => result.profile === profile);
      return mine.length === 0 ? [] : [[profile, Map.groupBy(mine, ({ feature }) => feature)]];
    }),
  );

/** `rawOf`: what a plain call found, for the features where one was made. */
export const conclude = (
  results: readonly CaseResult[],
  rawOf: (profile: Profile, feature: string) => RawAnswer | undefined,
): readonly ProfileResult[] =>
  [...byFeature(results)].map(([name, features]) => {
    const all = [...features.values()].flat();
    const failed = all.filter(({ ending }) => ending === 'fails');
    return {
      name,
      result: failed.length === 0 ? 'success' : 'failure',
      statistics: { passed: all.length - failed.length, failed: failed.length },
      features: Object.fromEntries(
        [...features]
          .sort(([one], [other]) => (one < other ? -1 : 1))
          .map(([feature, cases]) => {
            const raw = rawOf(name, feature);
            const verdict = judge(cases, raw);
            const lost = cases.filter(({ ending }) => ending === 'fails').length;
            const said = cases.find(({ isDecisive, ending }) => isDecisive && ending !== 'holds')?.seen;
            const because = [said, raw?.words].filter((words) => words !== undefined).join(' ');
            return [
              feature,
              {
                verdict,
                passed: cases.length - lost,
                failed: lost,
                ...(verdict === 'supported' || because === '' ? {} : { because }),
              },
            ];
          }),
      ),
      failures: failed.map(({ feature, title, seen = '' }) => ({ case: `${feature}: ${title}`, seen })),
    };
  });
