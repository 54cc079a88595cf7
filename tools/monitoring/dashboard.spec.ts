import { expect, it } from 'vitest';
import { dashboardFile } from './dashboard.ts';
import { rows } from './panels.ts';

interface Dashboard {
  readonly panels: readonly {
    readonly type: string;
    readonly title: string;
    readonly options?: { readonly legend: object; readonly tooltip: object };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

const { panels } = JSON.parse(dashboardFile()) as Dashboard;

it('the dashboard has the rows and panels with their queries, in order', () => {
  const wanted = rows.flatMap(({ title, panels: below }) => [
    { title, queries: [] },
    ...below.map((panel) => ({ title: panel.title, queries: panel.queries })),
  ]);
  const shown = panels.map(({ title, targets = [] }) => ({
    title,
    queries: targets.map(({ expr, legendFormat }) => ({ expr, legend: legendFormat })),
  }));
  expect(shown).toEqual(wanted);
});

it('every panel names its lines below it, and all of them at a point in time', () => {
  const drawn = panels.filter(({ type }) => type !== 'row');
  expect(drawn.length).toBeGreaterThan(20);
  for (const { title, options } of drawn)
    expect(options, title).toMatchObject({
      legend: { showLegend: true, displayMode: 'list', placement: 'bottom' },
      tooltip: { mode: 'multi', sort: 'desc' },
    });
});
