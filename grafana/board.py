"""What every dashboard shares: variables, links, time range, ids. A dashboard is a list of sections."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from grafana_foundation_sdk.builders import dashboard as sdk
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from grafana.panels import DATASOURCE, Panel

TAG = "betcore"


class Section(NamedTuple):
    """Panels under a heading; without a title they have none."""

    title: str
    panels: Sequence[Panel]


def board(
    uid: str,
    title: str,
    description: str,
    *sections: Section,
    span: str = "1h",
    refresh: str = "10s",
    annotations: Sequence[sdk.AnnotationQuery] = (),
) -> str:
    """The JSON of a dashboard, the same each time. `span` is the range it opens with."""
    builder = (
        sdk.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .time(f"now-{span}", "now")
        .timezone("browser")
        .refresh(refresh)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .links([_others()])
        .variables([_datasource(), _feed(), _game()])
        .annotations([_stored(), *annotations])
    )
    for section in sections:
        if section.title:
            builder.with_row(sdk.Row(section.title))
        for panel in section.panels:
            builder.with_panel(panel)
    built = builder.build()
    for number, shown in enumerate(built.panels or [], start=1):
        shown.id_val = number
    return json.dumps(built, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def marked(name: str, expr: str, colour: str, *, title: str, text: str, tags: str) -> sdk.AnnotationQuery:
    """Mark on every graph the times at which `expr` has series; consecutive points become one span.

    `title` and `text` are templates with labels in double braces, `tags` the labels to show.
    """
    return (
        sdk.AnnotationQuery()
        .name(name)
        .datasource(DATASOURCE)
        .enable(True)
        .hide(False)
        .icon_color(colour)
        .expr(expr)
        .step("5s")
        .title_format(title)
        .text_format(text)
        .tag_keys(tags)
    )


def _stored() -> sdk.AnnotationQuery:
    """The annotations that people write on the graphs: Grafana's own, which it adds anyway."""
    return (
        sdk.AnnotationQuery()
        .name("Annotations & Alerts")
        .datasource(DataSourceRef(type_val="grafana", uid="-- Grafana --"))
        .enable(True)
        .hide(True)
        .icon_color("rgba(0, 211, 255, 1)")
        .type("dashboard")
        .built_in(1)
    )


def _others() -> sdk.DashboardLink:
    return (
        sdk.DashboardLink("BETCORE")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .icon("external link")
        .tooltip("The other dashboards, with the same games and time")
        .as_dropdown(False)
        .include_vars(True)
        .keep_time(True)
        .target_blank(False)
    )


def _datasource() -> sdk.DatasourceVariable:
    return (
        sdk.DatasourceVariable("datasource")
        .label("Data source")
        .description("The Prometheus that scrapes the watchdog")
        .type("prometheus")
        .hide(VariableHide.DONT_HIDE)
        .multi(False)
        .include_all(False)
    )


def _feed() -> sdk.QueryVariable:
    return _labels("feed", "Feed", "label_values(betcore_feed_state, feed)").description(
        "The provider's feeds"
    )


def _game() -> sdk.QueryVariable:
    return _labels("game", "Game", 'label_values(betcore_feed_state{feed=~"$feed"}, game)').description(
        "The games of these feeds"
    )


def _labels(name: str, label: str, query: str) -> sdk.QueryVariable:
    return (
        sdk.QueryVariable(name)
        .label(label)
        .hide(VariableHide.DONT_HIDE)
        .datasource(DATASOURCE)
        .definition(query)
        .query({"query": query, "refId": f"variable-{name}"})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.NATURAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )
