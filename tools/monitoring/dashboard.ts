import {
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { rows, type Panel } from './panels.ts';

const datasource = { type: 'prometheus', uid: '${datasource}' };

/** All values of a label, of which any may be chosen. */
const choice = (name: string, metric: string) =>
  new QueryVariableBuilder(name)
    .label(name)
    .datasource(datasource)
    .query(`label_values(wasabi_s3_operator_${metric}, ${name})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: 'All', value: '$__all' });

/** The SDK's own defaults hide it, and then nobody knows which line is whose. */
const legend = () =>
  new VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .calcs([]);

/** All lines at a point in time, the highest first. */
const tooltip = () => new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending);

const panelOf = ({ title, description = '', unit, queries, isStacked = false }: Panel): PanelBuilder => {
  const builder = new PanelBuilder()
    .title(title)
    .description(description)
    .datasource(datasource)
    .unit(unit)
    .span(8)
    .height(8)
    .legend(legend())
    .tooltip(tooltip())
    .fillOpacity(isStacked ? 30 : 0)
    .stacking(new StackingConfigBuilder().mode(isStacked ? StackingMode.Normal : StackingMode.None).group('A'));
  queries.forEach(({ expr, legend }, index) =>
    builder.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCharCode('A'.charCodeAt(0) + index))
        .datasource(datasource)
        .expr(expr)
        .legendFormat(legend),
    ),
  );
  return builder;
};

/** The dashboard as Grafana imports it. */
export const dashboardFile = (): string => {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor makes what Grafana reads only since version 12
  const dashboard = new DashboardBuilder('S3 provider operator')
    .uid('s3-provider-operator')
    .description('Objects, Providers, calls and keys of the S3 provider operator. Its alerts have runbooks.')
    .tags(['s3-provider-operator'])
    .readonly()
    .refresh('1m')
    .time({ from: 'now-6h', to: 'now' })
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .withVariable(choice('namespace', 'objects'))
    .withVariable(choice('provider', 'provider_connectivity'));
  for (const { title, panels } of rows) {
    dashboard.withRow(new RowBuilder(title));
    for (const panel of panels) dashboard.withPanel(panelOf(panel));
  }
  return `${JSON.stringify(dashboard.build(), undefined, 2)}\n`;
};
