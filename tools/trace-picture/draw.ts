import type { CollectedSpan } from '../local/collector.ts';

/** One line of the picture: a span, and how deep it lies below the root. */
interface Row {
  readonly span: CollectedSpan;
  readonly depth: number;
}

const rowHeight = 22;
const labelWidth = 330;
const barWidth = 640;
const factsWidth = 330;
const top = 84;
const width = labelWidth + barWidth + factsWidth;
const ticks = 5;

/** The trace with most spans among those whose root has this name. @throws Error when there is none */
export const pickTrace = (spans: readonly CollectedSpan[], rootName: string): readonly CollectedSpan[] => {
  const ids = new Set(
    spans
      .filter(({ name, parentSpanId = '' }) => name === rootName && parentSpanId === '')
      .map(({ traceId }) => traceId),
  );
  const [most] = [
    ...Map.groupBy(
      spans.filter(({ traceId }) => ids.has(traceId)),
      ({ traceId }) => traceId,
    ).values(),
  ].sort((a, b) => b.length - a.length);
  if (most === undefined) throw new Error(`no trace has the root ${JSON.stringify(rootName)}`);
  return most;
};

/** Each span below its parent, by when it began. */
const rowsOf = (spans: readonly CollectedSpan[]): readonly Row[] => {
  const children = Map.groupBy(spans, ({ parentSpanId = '' }) => parentSpanId);
  const below = (parent: string, depth: number): readonly Row[] =>
    (children.get(parent) ?? [])
      .toSorted((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1))
      .flatMap((span) => [{ span, depth }, ...below(span.spanId, depth + 1)]);
  return below('', 0);
};

const colourOf = ({ name, kind, status }: CollectedSpan): string => {
  if (status.code === 2) return '#c62828';
  if (kind !== 3) return name.startsWith('step ') ? '#7e8aa2' : '#37474f';
  return name.startsWith('kubernetes ') ? '#326ce5' : '#2e7d32';
};

const factsOf = ({ attributes, status }: CollectedSpan): string => {
  const shown = ['http.response.status_code', 'aws.s3.bucket', 'outcome', 'reason', 'provider', 'error.type'];
  const facts = shown.flatMap((key) => (attributes[key] === undefined ? [] : [String(attributes[key])]));
  return [...(status.code === 2 ? ['failed'] : []), ...facts].join(' · ');
};

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const text = (x: number, y: number, words: string, more = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y}"${more}>${escape(words)}</text>`;

/** One trace as a waterfall, in SVG. Pure: the same spans give the same picture. */
export const drawTrace = (spans: readonly CollectedSpan[]): string => {
  const rows = rowsOf(spans);
  const [root] = rows;
  if (root === undefined) throw new Error('there is no root among the spans');
  const from = BigInt(root.span.startTimeUnixNano);
  const msAt = (nanoseconds: string): number => Number(BigInt(nanoseconds) - from) / 1e6;
  const totalMs = Math.max(...spans.map(({ endTimeUnixNano }) => msAt(endTimeUnixNano)), 0.001);
  const xAt = (ms: number): number => labelWidth + (ms / totalMs) * barWidth;
  const height = top + rows.length * rowHeight + 16;
  const { attributes, resource, name, traceId } = root.span;
  const grid = Array.from({ length: ticks + 1 }, (_, tick) => {
    const ms = (totalMs * tick) / ticks;
    const x = xAt(ms).toFixed(1);
    return `<line x1="${x}" y1="${top - 8}" x2="${x}" y2="${height - 12}" stroke="#e0e0e0"/>${text(xAt(ms), top - 14, `${ms.toFixed(0)} ms`, ' fill="#757575" text-anchor="middle"')}`;
  });
  const lines = rows.map(({ span, depth }, row) => {
    const y = top + row * rowHeight;
    const [start, end] = [msAt(span.startTimeUnixNano), msAt(span.endTimeUnixNano)];
    const bar = Math.max(xAt(end) - xAt(start), 1.5);
    return [
      text(12 + depth * 16, y + 15, span.name),
      `<rect x="${xAt(start).toFixed(1)}" y="${y + 4}" width="${bar.toFixed(1)}" height="14" rx="2" fill="${colourOf(span)}"/>`,
      text(labelWidth + barWidth + 12, y + 15, `${(end - start).toFixed(1)} ms  ${factsOf(span)}`, ' fill="#424242"'),
    ].join('');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif" font-size="12">`,
    `<title>${escape(name)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(12, 24, `${name} ${String(attributes['k8s.object'])}`, ' font-size="15" font-weight="bold"'),
    text(
      12,
      42,
      `${String(resource['service.name'])} ${String(resource['service.version'])}, traceId ${traceId}`,
      ' fill="#757575"',
    ),
    ...grid,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
};
