"""A small dashboard that keeps every rule, for the tests to break."""

from typing import Any

from tests.grafana.boards import Json

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def _panel(kind: str, number: int, title: str, expr: str, **more: Any) -> Json:
    at: Json = {"h": 8, "w": 12, "x": 12 * ((number - 1) % 2), "y": 8 * ((number - 1) // 2)}
    return {
        "id": number,
        "type": kind,
        "title": title,
        "description": "What it shows, and what is good.",
        "datasource": DATASOURCE,
        "gridPos": at,
        "targets": [
            {
                "refId": "A",
                "datasource": DATASOURCE,
                "expr": expr,
                "legendFormat": "{{game}}",
                "range": True,
            }
        ],
        "fieldConfig": {
            "defaults": {"unit": "percentunit", "noValue": "No game was watched"},
            "overrides": [],
        },
        **more,
    }


def stat() -> Json:
    expr = 'betcore:feed_freshness:ratio_rate1h{feed=~"$feed", game=~"$game"}'
    options = {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "values": False, "fields": ""},
        "showPercentChange": False,
        "textMode": "auto",
        "wideLayout": True,
    }
    return _panel("stat", 1, "Freshness", expr, options=options)


def lines() -> Json:
    rate = 'rate(betcore_feed_messages_total{feed=~"$feed", game=~"$game"}[$__rate_interval])'
    options = {
        "legend": {
            "calcs": ["lastNotNull"],
            "displayMode": "list",
            "placement": "bottom",
            "showLegend": True,
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    panel = _panel("timeseries", 2, "Updates", f"max by (feed, game) ({rate})", options=options)
    panel["fieldConfig"]["defaults"] |= {"unit": "ops", "custom": {"lineWidth": 1}}
    return panel


def _variable(name: str, query: str) -> Json:
    return {
        "type": "query",
        "name": name,
        "label": name.title(),
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": f"variable-{name}"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
    }


def sample() -> Json:
    return {
        "uid": "betcore-sample",
        "title": "Sample",
        "description": "Keeps every rule.",
        "tags": ["betcore"],
        "schemaVersion": 41,
        "editable": False,
        "links": [
            {
                "type": "dashboards",
                "tags": ["betcore"],
                "title": "BETCORE",
                "asDropdown": False,
                "icon": "external link",
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
                "tooltip": "The other dashboards",
            }
        ],
        "panels": [stat(), lines()],
        "templating": {
            "list": [
                {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus"},
                _variable("feed", "label_values(betcore_feed_state, feed)"),
                _variable("game", 'label_values(betcore_feed_state{feed=~"$feed"}, game)'),
            ]
        },
        "annotations": {"list": []},
    }
