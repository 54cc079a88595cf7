import type { RotationResult } from './rotation.ts';

const columns = [
  'server',
  'rotations',
  'kills',
  'requests',
  'a second',
  'refused',
  'failed',
  'former key: before its end',
  'after',
] as const;

const rowOf = ({ server, rotations, kills, requests, seconds, refused, failed, former }: RotationResult) => [
  server,
  String(rotations),
  String(kills),
  String(requests),
  String(Math.round(requests / seconds)),
  String(refused),
  String(failed),
  `${String(former.before - former.beforeNotDone)} of ${String(former.before)} done`,
  `${String(former.after - former.afterDone)} of ${String(former.after)} refused`,
];

/** The results as a table of Markdown. */
export const tableOf = (results: readonly RotationResult[]): string => {
  const rows = [columns, ...results.map(rowOf)];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...rows.slice(1).map(line)].join('\n');
};

/** What did not hold, in one line. */
export const describeResult = ({ refused, failed, former, codes, leaks }: RotationResult): string =>
  [
    ...(refused > 0 ? [`${String(refused)} requests were refused for their credentials`] : []),
    ...(failed > 0 ? [`${String(failed)} requests failed`] : []),
    ...(former.beforeNotDone > 0 ? [`${String(former.beforeNotDone)} requests failed before the retention ended`] : []),
    ...(former.afterDone > 0 ? [`${String(former.afterDone)} requests were not refused after it`] : []),
    ...(codes.length > 0 ? [`the answers were ${codes.join(', ')}`] : []),
    ...leaks.map((leak) => `secret put out: ${leak}`),
  ].join('; ') || 'less was tried than was asked for';
