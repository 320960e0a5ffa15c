// Each panel type: Grafana's component, with what Grafana's plugin of that name passes to it.

import {
  applyNullInsertThreshold,
  DataFrame,
  DisplayValueAlignmentFactors,
  FieldDisplay,
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
  InterpolateFunction,
  nullToValue,
  TimeRange,
  VizOrientation,
} from '@grafana/data';
import { BarGaugeDisplayMode, BarGaugeNamePlacement, BarGaugeValueMode, TableCellHeight } from '@grafana/schema';
import {
  BarGauge,
  BigValue,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  BigValueTextMode,
  TimeSeries,
  VizRepeater,
  VizRepeaterRenderValueProps,
} from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { ReactElement } from 'react';
import { fieldConfigOf, theme } from './fields';
import { Panel } from './picture';

export interface Drawing {
  panel: Panel;
  frames: DataFrame[];
  timeRange: TimeRange;
  replaceVariables: InterpolateFunction;
  width: number;
  height: number;
}

type Item = VizRepeaterRenderValueProps<FieldDisplay, DisplayValueAlignmentFactors>;

export function Visualization(drawing: Drawing): ReactElement {
  switch (drawing.panel.type) {
    case 'stat':
      return <Stat {...drawing} />;
    case 'bargauge':
      return <BarGauges {...drawing} />;
    case 'timeseries':
      return drawing.frames.length ? <Lines {...drawing} /> : <NoData {...drawing} />;
    case 'table':
      return drawing.frames.length ? <Grid {...drawing} /> : <NoData {...drawing} />;
    default:
      throw new Error(`no panel of type ${drawing.panel.type} in Grafana's packages`);
  }
}

function Stat(drawing: Drawing) {
  const { panel, timeRange, width, height } = drawing;
  const options = panel.options ?? {};
  const graphMode = options.graphMode ?? BigValueGraphMode.Area;
  let textMode = options.textMode ?? BigValueTextMode.Auto;
  if (textMode === BigValueTextMode.Auto && (panel.fieldConfig?.defaults.displayName || !panel.title)) {
    textMode = BigValueTextMode.ValueAndName;
  }
  return (
    <VizRepeater<FieldDisplay, DisplayValueAlignmentFactors>
      getValues={() => valuesOf(drawing, graphMode !== BigValueGraphMode.None)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, alignmentFactors, count, width, height }: Item) => (
        <BigValue
          value={value.display}
          count={count}
          sparkline={value.sparkline && { ...value.sparkline, timeRange }}
          colorMode={options.colorMode ?? BigValueColorMode.Value}
          graphMode={graphMode}
          justifyMode={options.justifyMode ?? BigValueJustifyMode.Auto}
          textMode={textMode}
          alignmentFactors={alignmentFactors}
          percentChangeColorMode={options.percentChangeColorMode}
          text={options.text}
          disableWideLayout={options.wideLayout === false}
          width={width}
          height={height}
          theme={theme}
        />
      )}
      width={width}
      height={height}
      source={drawing.frames}
      itemSpacing={3}
      renderCounter={0}
      autoGrid={true}
      orientation={options.orientation ?? VizOrientation.Auto}
    />
  );
}

function BarGauges(drawing: Drawing) {
  const { panel, width, height } = drawing;
  const options = panel.options ?? {};
  const displayMode = options.displayMode ?? BarGaugeDisplayMode.Gradient;
  return (
    <VizRepeater<FieldDisplay, DisplayValueAlignmentFactors>
      getValues={() => valuesOf(drawing, false)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, alignmentFactors, count, orientation, width, height }: Item) => (
        <BarGauge
          value={count === 1 && !value.field.displayName ? { ...value.display, title: undefined } : value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0) ?? undefined}
          orientation={orientation}
          displayMode={displayMode}
          itemSpacing={displayMode === BarGaugeDisplayMode.Lcd ? 2 : 10}
          alignmentFactors={count > 1 ? alignmentFactors : undefined}
          showUnfilled={options.showUnfilled ?? true}
          valueDisplayMode={options.valueMode ?? BarGaugeValueMode.Color}
          namePlacement={options.namePlacement ?? BarGaugeNamePlacement.Auto}
          text={options.text}
          width={width}
          height={height}
          theme={theme}
        />
      )}
      width={width}
      height={height}
      source={drawing.frames}
      itemSpacing={10}
      renderCounter={0}
      minVizWidth={options.minVizWidth ?? 8}
      minVizHeight={options.minVizHeight ?? 16}
      maxVizHeight={options.maxVizHeight ?? 300}
      orientation={options.orientation ?? VizOrientation.Auto}
    />
  );
}

function Lines({ panel, frames, timeRange, width, height }: Drawing) {
  // Left to itself the component breaks only the first frame's lines where data is missing.
  const broken = frames.map((frame) =>
    nullToValue(
      applyNullInsertThreshold({
        frame,
        refFieldPseudoMin: timeRange.from.valueOf(),
        refFieldPseudoMax: timeRange.to.valueOf(),
      })
    )
  );
  return (
    <TimeSeries
      frames={broken}
      timeRange={timeRange}
      timeZone="utc"
      legend={{ showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [], ...panel.options?.legend }}
      options={panel.options}
      width={width}
      height={height}
    />
  );
}

function Grid({ panel, frames, timeRange, width, height }: Drawing) {
  const options = panel.options ?? {};
  const [frame] = frames;
  if (!frame || frames.length > 1) {
    throw new Error(`a table shows one frame, the queries gave ${frames.length}: merge them`);
  }
  return (
    <TableNG
      data={frame}
      fieldConfig={fieldConfigOf(panel)}
      noHeader={options.showHeader === false}
      showTypeIcons={options.showTypeIcons}
      sortBy={options.sortBy}
      cellHeight={options.cellHeight ?? TableCellHeight.Sm}
      frozenColumns={options.frozenColumns?.left}
      noValue={panel.fieldConfig?.defaults.noValue}
      timeRange={timeRange}
      structureRev={1}
      width={width}
      height={height}
    />
  );
}

function NoData({ panel, height }: Drawing) {
  const style = { height, display: 'flex', alignItems: 'center', justifyContent: 'center' };
  return <div style={style}>{panel.fieldConfig?.defaults.noValue || 'No data'}</div>;
}

function valuesOf({ panel, frames, replaceVariables }: Drawing, sparkline: boolean): FieldDisplay[] {
  const { reduceOptions, showPercentChange } = panel.options ?? {};
  return getFieldDisplayValues({
    fieldConfig: fieldConfigOf(panel),
    reduceOptions: { calcs: ['lastNotNull'], ...reduceOptions },
    replaceVariables,
    theme,
    data: frames,
    sparkline,
    percentChange: showPercentChange,
    timeZone: 'utc',
  });
}
