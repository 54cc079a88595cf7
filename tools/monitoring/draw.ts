import { createCanvas } from '@napi-rs/canvas';
import * as echarts from 'echarts';
import type { Panel, Query, Row } from './panels.ts';
import type { Line } from './prometheus.ts';

/** What each query of a panel gave. */
export type Answers = ReadonlyMap<Query, readonly Line[]>;

const columns = 3;
const width = 480;
const height = 250;
const head = 34;
const legendWidth = 190;
/** Lines of one panel: those with the highest values. */
const mostLines = 7;

/** The name of a line, from a legend as Grafana has it. */
export const legendOf = (legend: string, labels: Readonly<Record<string, string>>): string =>
  legend.replaceAll(/\{\{(\w+)\}\}/g, (_whole, label: string) => labels[label] ?? '');

const rounded = (value: number): string => String(Number(value.toPrecision(3)));

const largest = (value: number, units: readonly (readonly [number, string])[]): string => {
  const [size, name] = units.find(([one]) => Math.abs(value) >= one) ?? units.at(-1) ?? [1, ''];
  return `${rounded(value / size)}${name}`;
};

/** A value as an axis shows it. */
export const inWords = (value: number, unit: Panel['unit']): string => {
  switch (unit) {
    case 's':
      return value === 0
        ? '0'
        : largest(value, [
            [31_557_600, ' y'],
            [86_400, ' d'],
            [3_600, ' h'],
            [60, ' min'],
            [1, ' s'],
            [0.001, ' ms'],
          ]);
    case 'bytes':
      return `${rounded(value / 1_048_576)} MiB`;
    case 'percentunit':
      return `${rounded(value * 100)} %`;
    case 'ops':
      return `${rounded(value)}/s`;
    case 'short':
      return rounded(value);
  }
};

const highest = ({ values }: Line): number => Math.max(...values.map(([, value]) => Number(value)));

const optionOf = ({ title, unit, queries, isStacked = false }: Panel, answers: Answers): echarts.EChartsCoreOption => {
  const lines = queries
    .flatMap((query) => (answers.get(query) ?? []).map((line) => ({ line, name: legendOf(query.legend, line.metric) })))
    .toSorted((one, other) => highest(other.line) - highest(one.line))
    .slice(0, mostLines);
  return {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'DejaVu Sans, sans-serif' },
    title: { text: title, left: 10, top: 8, textStyle: { fontSize: 13 } },
    legend: {
      orient: 'vertical',
      left: width - legendWidth,
      top: 32,
      itemWidth: 10,
      itemHeight: 8,
      textStyle: { fontSize: 9, width: legendWidth - 40, overflow: 'truncate' },
    },
    grid: { left: 58, right: legendWidth + 8, top: 38, bottom: 26 },
    xAxis: { type: 'time', axisLabel: { fontSize: 9, hideOverlap: true, formatter: '{HH}:{mm}:{ss}' } },
    yAxis: { type: 'value', axisLabel: { fontSize: 9, formatter: (value: number) => inWords(value, unit) } },
    series: lines.map(({ line, name }) => ({
      name,
      type: 'line',
      showSymbol: false,
      lineStyle: { width: 1.5 },
      ...(isStacked ? { stack: 'all', areaStyle: { opacity: 0.3 } } : {}),
      data: line.values.map(([at, value]) => [at * 1_000, Number(value)]),
    })),
  };
};

/** All rows of the dashboard as one PNG, with the fonts of this machine. */
export const drawRows = (rows: readonly Row[], answers: Answers): Buffer => {
  const heights = rows.map(({ panels }) => head + Math.ceil(panels.length / columns) * height);
  const whole = createCanvas(
    columns * width,
    heights.reduce((sum, one) => sum + one, 0),
  );
  const context = whole.getContext('2d');
  context.fillStyle = '#f0f1f3';
  context.fillRect(0, 0, whole.width, whole.height);
  let top = 0;
  rows.forEach(({ title, panels }, index) => {
    context.fillStyle = '#1f2430';
    context.font = 'bold 16px "DejaVu Sans", sans-serif';
    context.fillText(title, 10, top + 23);
    panels.forEach((panel, place) => {
      const canvas = createCanvas(width - 6, height - 6);
      const chart = echarts.init(canvas);
      chart.setOption(optionOf(panel, answers));
      context.drawImage(canvas, (place % columns) * width + 3, top + head + Math.floor(place / columns) * height + 3);
      chart.dispose();
    });
    top += heights[index] ?? 0;
  });
  return whole.toBuffer('image/png');
};
