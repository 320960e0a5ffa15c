"""What every panel shares: queries, the defaults that the SDK leaves out, and no more.

Each function returns a builder of the SDK, to refine with the SDK's own methods.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    GraphDrawStyle,
    GraphThresholdsStyleMode,
    HeatmapCellLayout,
    LegendDisplayMode,
    LegendPlacement,
    ScaleDistribution,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    MatcherConfig,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.table import Options as TableOptions

from grafana.states import COLOURS, GREY, MAPPINGS

Colours = Mapping[float | None, str]
"""Values, each with the colour from there on; None stands for minus infinity."""

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

Panel = bargauge.Panel | heatmap.Panel | stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel
_Panel = TypeVar("_Panel", bound=Panel)


def over_time(expr: str, legend: str = "{{game}}") -> prometheus.Dataquery:
    """A query over the whole range, one series for each legend."""
    return _query(expr).range().legend_format(legend)


def now(expr: str, legend: str = "{{game}}") -> prometheus.Dataquery:
    """A query at the end of the range."""
    return _query(expr).instant().legend_format(legend)


def rows(expr: str) -> prometheus.Dataquery:
    """A query at the end of the range whose series are the rows of a table."""
    return _query(expr).instant().format(PromQueryFormat.TABLE)


def buckets(expr: str) -> prometheus.Dataquery:
    """A query of a histogram's buckets over the range."""
    return _query(expr).range().format(PromQueryFormat.HEATMAP).legend_format("{{le}}")


def _query(expr: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().datasource(DATASOURCE).expr(expr)


def lines(
    title: str, description: str, unit: str, empty: str, *queries: prometheus.Dataquery
) -> timeseries.Panel:
    """Lines over time; the legend shows the last value and, with many lines, the largest first."""
    panel = (
        _common(timeseries.Panel(), title, description, unit, empty, queries)
        .legend(_legend(["lastNotNull", "max"]))
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .line_width(1)
        .fill_opacity(0)
        .show_points(VisibilityMode.NEVER)
        .axis_soft_min(0)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
    )
    # Bridge one or two missing scrapes, but break where data ends: our own outage must show.
    return panel.span_nulls(60_000)


def bars(
    title: str, description: str, unit: str, empty: str, *queries: prometheus.Dataquery
) -> timeseries.Panel:
    """Stacked bars of what happened in each interval."""
    return (
        lines(title, description, unit, empty, *queries)
        .draw_style(GraphDrawStyle.BARS)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
        .fill_opacity(80)
        .legend(_legend([]))
    )


def numbers(
    title: str, description: str, unit: str, empty: str, *queries: prometheus.Dataquery
) -> stat.Panel:
    """Large numbers, coloured by their thresholds; `empty` must be short to be readable."""
    return (
        _common(stat.Panel(), title, description, unit, empty, queries)
        .reduce_options(_last())
        .color_mode(BigValueColorMode.BACKGROUND)
        .graph_mode(BigValueGraphMode.NONE)
    )


def gauges(
    title: str, description: str, unit: str, empty: str, *queries: prometheus.Dataquery
) -> bargauge.Panel:
    """One horizontal bar per series, in the colour of its value."""
    return (
        _common(bargauge.Panel(), title, description, unit, empty, queries)
        .reduce_options(_last())
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
    )


def states(title: str, description: str, empty: str, *queries: prometheus.Dataquery) -> statetimeline.Panel:
    """One lane per game, in the colours of its states."""
    return (
        _common(statetimeline.Panel(), title, description, "none", empty, queries)
        .mappings(MAPPINGS)
        .merge_values(True)
        .show_value(VisibilityMode.AUTO)
        .row_height(0.85)
        .line_width(0)
        .fill_opacity(90)
        .legend(_legend([]))
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.SINGLE).sort(SortOrder.NONE))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(steps({None: GREY}))
    )


def grid(title: str, description: str, empty: str, *queries: prometheus.Dataquery) -> table.Panel:
    """A table: the rows of all queries joined by their labels."""
    panel = (
        _common(table.Panel(), title, description, "none", empty, queries)
        .show_header(True)
        .thresholds(steps({None: "transparent"}))
        .with_transformation(DataTransformerConfig(id_val="merge", options={}))
    )
    options = panel.build().options
    if isinstance(options, TableOptions):
        options.footer = None  # the SDK writes one, which Grafana's tables no longer know
    return panel


def density(
    title: str, description: str, unit: str, empty: str, query: prometheus.Dataquery
) -> heatmap.Panel:
    """A heatmap of a histogram's buckets."""
    return (
        _common(heatmap.Panel(), title, description, unit, empty, [query])
        .calculate(False)
        .cell_gap(1)
        .color(
            heatmap.HeatmapColorOptions()
            .mode(HeatmapColorMode.SCHEME)
            .scheme("Viridis")  # gets lighter too, so it works for the colour-blind and in print
            .scale(HeatmapColorScale.EXPONENTIAL)
            .exponent(0.4)
            .fill("dark-orange")
            .steps(64)
            .reverse(False)
        )
        .y_axis(heatmap.YAxisConfig().unit(unit).reverse(False))
        .rows_frame(heatmap.RowsHeatmapOptions().layout(HeatmapCellLayout.LE))
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .show_value(VisibilityMode.NEVER)
        .scale_distribution(common.ScaleDistributionConfig().type(ScaleDistribution.LINEAR))
        .tooltip(
            heatmap.HeatmapTooltip().mode(TooltipDisplayMode.SINGLE).y_histogram(True).show_color_scale(True)
        )
        .show_legend()
    )


def levels(colours: Colours) -> dashboard.ThresholdsConfig:
    """Thresholds for what is never below 0: the colour from each value on, and grey where there is none.

    What is not known must not look healthy.
    """
    return steps({None: GREY, **colours})


def steps(colours: Colours) -> dashboard.ThresholdsConfig:
    """Thresholds."""
    return (
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=colour) for value, colour in colours.items()])
    )


def drawn() -> common.GraphThresholdsStyleConfig:
    """Thresholds as dashed lines across a graph."""
    return common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)


def in_colours(panel: _Panel, colours: Mapping[str, str] = COLOURS) -> _Panel:
    """Series in fixed colours by their names."""
    for name, colour in colours.items():
        panel.override_by_name(name, [fixed(colour)])
    return panel


def fixed(colour: str) -> DynamicConfigValue:
    """A property: always this colour."""
    return DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})


def reference(panel: timeseries.Panel, name: str, colour: str) -> timeseries.Panel:
    """Show the series of this name as a dashed line, as a reference for the others."""
    return panel.with_override(
        MatcherConfig(id_val="byName", options=name),
        [
            fixed(colour),
            DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [10, 8]}),
            DynamicConfigValue(id_val="custom.lineWidth", value=2),
            DynamicConfigValue(id_val="custom.fillOpacity", value=0),
            DynamicConfigValue(id_val="custom.stacking", value={"mode": "none", "group": "A"}),
        ],
    )


def columns(panel: table.Panel, titles: Mapping[str, str], hidden: Sequence[str] = ()) -> table.Panel:
    """Name and order a table's columns; the time and the `hidden` ones are left out."""
    return panel.with_transformation(
        DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": dict.fromkeys(["Time", *hidden], True),
                "indexByName": {name: index for index, name in enumerate(titles)},
                "renameByName": dict(titles),
            },
        )
    )


def column(panel: table.Panel, name: str, unit: str, **properties: object) -> table.Panel:
    """Set a column's unit and other properties by Grafana's names (`custom__width` for `custom.width`)."""
    values = [DynamicConfigValue(id_val="unit", value=unit), DynamicConfigValue(id_val="noValue", value="-")]
    values += [
        DynamicConfigValue(id_val=key.replace("__", "."), value=value) for key, value in properties.items()
    ]
    return panel.override_by_name(name, values)


def coloured(colours: Colours) -> dict[str, object]:
    """Properties of a column whose text takes the colour from each value on."""
    return {
        "custom__cellOptions": {"type": "color-text"},
        "thresholds": {
            "mode": "absolute",
            "steps": [{"value": value, "color": colour} for value, colour in colours.items()],
        },
    }


def texts(colours: Mapping[str, str]) -> list[ValueMapping]:
    """Shows each text in its colour."""
    return [
        ValueMap(
            options={
                text: ValueMappingResult(text=text, color=colour, index=index)
                for index, (text, colour) in enumerate(colours.items())
            }
        )
    ]


def coded(names: Iterable[tuple[str, int, str]]) -> list[ValueMapping]:
    """Shows each code as its name in its colour; given as name, code, colour."""
    return [
        ValueMap(
            options={
                str(code): ValueMappingResult(text=name, color=colour, index=index)
                for index, (name, code, colour) in enumerate(names)
            }
        )
    ]


def _common(
    panel: _Panel,
    title: str,
    description: str,
    unit: str,
    empty: str,
    queries: Sequence[prometheus.Dataquery],
) -> _Panel:
    panel.title(title).description(description).datasource(DATASOURCE).unit(unit).no_value(empty)
    panel.targets([query.ref_id(chr(ord("A") + index)) for index, query in enumerate(queries)])
    return panel


def _legend(calcs: list[str]) -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(LegendDisplayMode.TABLE if calcs else LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .calcs(calcs)
    )


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields("")
