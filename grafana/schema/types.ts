/**
 * What our dashboards may hold, in Grafana's own types, for the release that compose.yaml pins.
 *
 * Grafana types a panel's options as "anything"; here each panel type gets the types that its plugin publishes.
 */
import type * as grafana from '@grafana/schema';
import type * as barchart from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as gauge from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as histogram from '@grafana/schema/dist/esm/raw/composable/histogram/panelcfg/x/HistogramPanelCfg_types.gen';
import type * as piechart from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as statetimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/**
 * A query of the Prometheus data source. The package has not published it since Prometheus became a plugin; these
 * are the fields that the plugin's documentation names.
 */
interface PrometheusQuery extends grafana.DataQuery {
  editorMode?: 'builder' | 'code';
  exemplar?: boolean;
  expr: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant?: boolean;
  interval?: string;
  legendFormat?: string;
  range?: boolean;
}

/** An annotation of the Prometheus data source, whose own fields come with those of every annotation. */
interface PrometheusAnnotation extends Omit<grafana.AnnotationQuery, 'target'> {
  expr?: string;
  step?: string;
  tagKeys?: string;
  target?: PrometheusQuery;
  textFormat?: string;
  titleFormat?: string;
  useValueForTime?: boolean;
}

/** Fields that Grafana knows of some variables only: the text of a query, the steps of an interval. */
interface Variable extends grafana.VariableModel {
  auto?: boolean;
  auto_count?: number;
  auto_min?: string;
  definition?: string;
}

interface Board extends Omit<grafana.Dashboard, 'annotations' | 'panels' | 'templating'> {
  annotations: { list: PrometheusAnnotation[] };
  panels: unknown[];
  templating: { list: Variable[] };
}

/** Grafana fills in the field options that a panel leaves out, but not its options: those must be complete. */
interface FieldConfig<Custom> extends Omit<grafana.FieldConfig, 'custom' | 'links'> {
  custom?: Partial<Custom>;
  links?: grafana.DashboardLink[];
}

interface Panel<Type extends string, Options, Custom>
  extends Omit<grafana.Panel, 'fieldConfig' | 'options' | 'targets' | 'type'> {
  fieldConfig: Omit<grafana.FieldConfigSource, 'defaults'> & { defaults: FieldConfig<Custom> };
  options: Options;
  targets?: PrometheusQuery[];
  type: Type;
}

interface Row extends Omit<grafana.RowPanel, 'panels'> {
  panels: unknown[];
}

/** What panel types have that publish no field options. */
type Nothing = Record<never, never>;

/** One type for every kind of document. alertlist's options are published nowhere, so only the rest of it is checked. */
export interface Documents {
  dashboard: Board;
  panels: {
    alertlist: Panel<'alertlist', unknown, Nothing>;
    barchart: Panel<'barchart', barchart.Options, barchart.FieldConfig>;
    bargauge: Panel<'bargauge', bargauge.Options, Nothing>;
    gauge: Panel<'gauge', gauge.Options, Nothing>;
    heatmap: Panel<'heatmap', heatmap.Options, heatmap.FieldConfig>;
    histogram: Panel<'histogram', histogram.Options, histogram.FieldConfig>;
    piechart: Panel<'piechart', piechart.Options, piechart.FieldConfig>;
    row: Row;
    stat: Panel<'stat', stat.Options, Nothing>;
    'state-timeline': Panel<'state-timeline', statetimeline.Options, statetimeline.FieldConfig>;
    table: Panel<'table', table.Options, table.FieldConfig>;
    text: Panel<'text', text.Options, Nothing>;
    timeseries: Panel<'timeseries', timeseries.Options, timeseries.FieldConfig>;
  };
}
