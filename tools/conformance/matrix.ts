import { profiles, verdicts, type Profile, type Report, type Verdict } from './report.ts';

/** How a verdict stands in the table. */
const signs: Readonly<Record<Verdict, string>> = {
  supported: 'yes',
  unsupported: '–',
  lies: '**lies**',
  notManaged: 'not managed',
  notTried: 'not tried',
};

const titles: Readonly<Record<Profile, string>> = {
  Bucket: 'the bucket and its settings',
  Policy: 'who may do what by the policy of the bucket',
  Keys: 'users and their key pairs',
  Events: 'what the operator says, and when',
};

const cells = (values: readonly string[]): string => `| ${values.join(' | ')} |`;

const featuresOf = (report: Report, profile: Profile) =>
  report.profiles.find(({ name }) => name === profile)?.features ?? {};

const tableOf = (reports: readonly Report[], profile: Profile): readonly string[] => {
  const features = [...new Set(reports.flatMap((report) => Object.keys(featuresOf(report, profile))))].sort();
  if (features.length === 0) return [];
  return [
    `### ${profile}: ${titles[profile]}`,
    '',
    cells(['feature', ...reports.map(({ server }) => server.name)]),
    cells(['---', ...reports.map(() => '---')]),
    ...features.map((feature) =>
      cells([
        feature,
        ...reports.map((report) => {
          const found = featuresOf(report, profile)[feature];
          return signs[found?.verdict ?? 'notTried'];
        }),
      ]),
    ),
    '',
  ];
};

/** Why a cell is not `yes`, in the words of object and server. */
const reasonsOf = (report: Report): readonly string[] => {
  const reasons = report.profiles.flatMap(({ features }) =>
    Object.entries(features).flatMap(([feature, { verdict, because }]) =>
      verdict === 'supported' ? [] : [`- ${feature}: ${verdict}. ${because ?? ''}`.trimEnd()],
    ),
  );
  return reasons.length === 0 ? [] : [`### ${report.server.name}`, '', ...reasons, ''];
};

/** The page of the matrix, Markdown. `reports`: in the order of the columns. */
export const toMatrix = (reports: readonly Report[]): string =>
  [
    '# Which server has what',
    '',
    '<!-- Written by `npm run conformance -- --matrix` from docs/conformance. Do not edit it. -->',
    '',
    'Every cell was seen in a run of the conformance suite: the operator, against that server, judged by a client that is not the',
    "operator's. Run it against your own server: [conformance](conformance/README.md).",
    '',
    cells(['server', 'version', 'type of the Provider', 'date', 'cases passed', 'failed']),
    cells(['---', '---', '---', '---', '---', '---']),
    ...reports.map(({ server, date, profiles: results }) =>
      cells([
        `[${server.name}](conformance/${server.name}.yaml)`,
        server.version,
        `\`${server.type}\``,
        date,
        String(results.reduce((sum, { statistics }) => sum + statistics.passed, 0)),
        String(results.reduce((sum, { statistics }) => sum + statistics.failed, 0)),
      ]),
    ),
    '',
    cells(['cell', 'meaning']),
    cells(['---', '---']),
    ...(Object.keys(signs) as Verdict[]).map((verdict) => cells([signs[verdict], `${verdicts[verdict]}.`])),
    '',
    'No account at AWS or Wasabi took part. moto imitates AWS, and stands for the calls that the driver makes there, not for what Amazon answers:',
    'a cell of its that says **lies**, and each failed case, is a lie of moto, and says nothing about AWS.',
    '',
    ...profiles.flatMap((profile) => tableOf(reports, profile)),
    '## Why not',
    '',
    'What the object says, and what a plain call of the AWS SDK found.',
    '',
    ...reports.flatMap(reasonsOf),
  ]
    .join('\n')
    .trimEnd() + '\n';
