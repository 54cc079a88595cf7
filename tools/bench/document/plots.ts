import * as echarts from 'echarts';
import type { Figure } from '../scenario.ts';
import { spreadOf } from '../results.ts';

/** Finds a figure by scenario and name. */
export type Find = (scenario: string, name: string) => Figure | undefined;

const width = 760;
const height = 360;
const style = { backgroundColor: '#ffffff', animation: false, textStyle: { fontFamily: 'sans-serif' } };

const drawn = (option: echarts.EChartsCoreOption): string => {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({ ...style, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // Its ids count the charts of the process.
  return `${svg.replaceAll(/zr\d+-/g, 'zr-')}\n`;
};

const medianOf = (figure: Figure | undefined): number | undefined => figure && spreadOf(figure.values).median;
const axis = (name: string) => ({ type: 'value', name, nameLocation: 'middle', nameGap: 34 });
const frame = (title: string) => ({
  title: { text: title, left: 12, top: 8, textStyle: { fontSize: 15 } },
  legend: { top: 34, left: 12, itemGap: 28 },
  grid: { left: 64, right: 32, top: 76, bottom: 52 },
});

/** Rates of the controller beside those of the raw loop. */
export const convergencePlot = (find: Find): string => {
  const groups = [
    ...[300, 1_000].map((size) => [`${size} Buckets`, 'converge', `${size} × Bucket`] as const),
    ['300 BucketPolicies', 'converge', '300 × BucketPolicy'] as const,
    ['300 with eight features', 'features', '300 × Bucket'] as const,
  ].filter(([, scenario, what]) => find(scenario, `${what}: controller`) !== undefined);
  const rates = (side: string) =>
    groups.map(([, scenario, what]) => Number(medianOf(find(scenario, `${what}: ${side}`))?.toFixed(1)));
  return drawn({
    ...frame('First convergence, objects a second'),
    xAxis: { type: 'category', data: groups.map(([label]) => label), axisLabel: { interval: 0, fontSize: 10 } },
    yAxis: axis('objects a second'),
    series: ['controller', 'raw loop'].map((side) => ({
      name: side,
      type: 'bar',
      data: rates(side),
      label: { show: true, position: 'top', fontSize: 10 },
    })),
  });
};

/** Memory of the controller, the API server and etcd by the number of Buckets. */
export const memoryPlot = (find: Find, fleets: readonly number[]): string => {
  const line = (name: string, figure: string) => ({
    name,
    type: 'line',
    data: fleets.flatMap((fleet) => {
      const value = medianOf(find('growth', `${fleet} Buckets: ${figure}`));
      return value === undefined ? [] : [[fleet, Number(value.toFixed(1))]];
    }),
  });
  return drawn({
    ...frame('Memory by the number of Buckets'),
    xAxis: axis('Buckets'),
    yAxis: axis('MiB'),
    series: [
      line('bucket-controller', 'memory'),
      line('bucket-controller, most', 'most memory'),
      line('API server', 'memory of the API server'),
      line('etcd', 'memory of etcd'),
    ],
  });
};

/** Which share of changes was Ready within which time. */
export const latencyPlot = (find: Find): string => {
  const cases = [
    ['the calls alone', 'raw loop, one after the other: each'],
    ['at rest', 'at rest: each'],
    ['edits beside 2 000', 'edits beside 2000 Ready ones: each'],
    ['among 5 000', 'among 5000 Ready ones: each'],
    ['beside a slow server', 'beside 300 on a server that takes 2000 ms: each'],
  ] as const;
  return drawn({
    ...frame('Apply to Ready: share of Buckets within this time'),
    xAxis: { ...axis('milliseconds'), scale: true },
    yAxis: { ...axis('%'), max: 100 },
    series: cases.flatMap(([name, figure]) => {
      const values = find('latency', figure)?.values.toSorted((one, other) => one - other) ?? [];
      if (values.length === 0) return [];
      const data = values.map((ms, nth) => [ms, Number((((nth + 1) / values.length) * 100).toFixed(2))]);
      return [{ name, type: 'line', step: 'end', showSymbol: false, data }];
    }),
  });
};
