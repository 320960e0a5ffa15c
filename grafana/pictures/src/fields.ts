// The panel's transformations and field configuration, both applied by Grafana's own code.

import {
  applyFieldOverrides,
  booleanOverrideProcessor,
  cacheFieldDisplayNames,
  createTheme,
  DataFrame,
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  Field,
  FieldConfigOptionsRegistry,
  FieldConfigPropertyItem,
  FieldConfigSource,
  FieldType,
  identityOverrideProcessor,
  InterpolateFunction,
  numberOverrideProcessor,
  standardTransformers,
  standardTransformersRegistry,
  stringOverrideProcessor,
  thresholdsOverrideProcessor,
  transformDataFrame,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
} from '@grafana/data';
import { defaultTableFieldOptions } from '@grafana/schema';
import { uniqBy } from 'lodash';
import { lastValueFrom } from 'rxjs';
import { Panel } from './picture';

export const theme = createTheme({ colors: { mode: 'dark' } });

standardTransformersRegistry.setInit(() =>
  uniqBy(Object.values(standardTransformers), 'id').map((transformer) => ({
    id: transformer.id,
    name: transformer.name,
    transformation: async () => transformer,
    editor: () => null,
    imageDark: '',
    imageLight: '',
  }))
);

const numeric = (field: Field) => field.type === FieldType.number;
const every = () => true;

const STANDARD = [
  property('displayName', displayNameOverrideProcessor, every, { expandTemplateVars: true }),
  property('unit', unitOverrideProcessor),
  property('min', numberOverrideProcessor, numeric),
  property('max', numberOverrideProcessor, numeric),
  property('fieldMinMax', booleanOverrideProcessor, numeric),
  property('decimals', numberOverrideProcessor, numeric),
  property('color', identityOverrideProcessor),
  property('mappings', valueMappingsOverrideProcessor),
  property('thresholds', thresholdsOverrideProcessor),
  property('noValue', stringOverrideProcessor),
  property('links', dataLinksOverrideProcessor),
  property('filterable', booleanOverrideProcessor),
];

/** What Grafana's panel plugins fill in where a dashboard says nothing. */
const PLUGIN_DEFAULTS: Record<string, object> = {
  table: defaultTableFieldOptions,
  timeseries: {
    drawStyle: 'line',
    lineInterpolation: 'linear',
    lineWidth: 1,
    fillOpacity: 0,
    gradientMode: 'none',
    spanNulls: false,
    showPoints: 'auto',
    pointSize: 5,
    stacking: { mode: 'none', group: 'A' },
    axisPlacement: 'auto',
    axisColorMode: 'text',
    axisBorderShow: false,
    scaleDistribution: { type: 'linear' },
    axisCenteredZero: false,
    hideFrom: { tooltip: false, viz: false, legend: false },
    thresholdsStyle: { mode: 'off' },
    showValues: false,
  },
};

/** The frames as the panel shows them. */
export async function prepared(
  panel: Panel,
  frames: DataFrame[],
  replaceVariables: InterpolateFunction
): Promise<DataFrame[]> {
  const transformations = panel.transformations ?? [];
  for (const { id } of transformations) {
    standardTransformersRegistry.get(id); // throws for one that it does not know; applying would skip it
  }
  const context = { interpolate: replaceVariables };
  const data = await lastValueFrom(transformDataFrame(transformations, frames, context));
  const fieldConfig = fieldConfigOf(panel);
  const shown = applyFieldOverrides({
    data,
    fieldConfig,
    fieldConfigRegistry: registryOf(fieldConfig),
    replaceVariables,
    theme,
    timeZone: 'utc',
  });
  cacheFieldDisplayNames(shown); // tables read their headings there
  return shown;
}

/** The panel's field configuration with its plugin's defaults. */
export function fieldConfigOf(panel: Panel): FieldConfigSource {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  return {
    defaults: { ...defaults, custom: { ...PLUGIN_DEFAULTS[panel.type], ...defaults.custom } },
    overrides,
  };
}

/** Grafana's plugins register their own properties; only those that the dashboard uses count here. */
function registryOf({ defaults, overrides }: FieldConfigSource): FieldConfigOptionsRegistry {
  const used = overrides.flatMap((rule) => rule.properties.map(({ id }) => id));
  const custom = new Set([
    ...Object.keys(defaults.custom ?? {}),
    ...used.filter((id) => id.startsWith('custom.')).map((id) => id.slice('custom.'.length)),
  ]);
  return new FieldConfigOptionsRegistry(() => [
    ...STANDARD,
    ...[...custom].map((path) => ({
      ...property(path, identityOverrideProcessor),
      id: `custom.${path}`,
      isCustom: true,
    })),
  ]);
}

function property(
  path: string,
  process: FieldConfigPropertyItem['process'],
  shouldApply: (field: Field) => boolean = every,
  settings: object = {}
): FieldConfigPropertyItem {
  return { id: path, path, name: path, process, shouldApply, settings, editor: () => null, override: () => null };
}
