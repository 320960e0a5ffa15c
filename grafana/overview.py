"""All games at a glance: which are healthy, which are not and since when, and what is left of the budget."""

from grafana_foundation_sdk.builders.common import TableSortByFieldState

from grafana import states
from grafana.board import Section, board
from grafana.panels import (
    Panel,
    bars,
    coloured,
    column,
    columns,
    grid,
    levels,
    lines,
    now,
    numbers,
    over_time,
    rows,
    steps,
    texts,
)
from grafana.panels import states as timeline
from grafana.queries import (
    ANOMALIES,
    FEEDS,
    GAME,
    GAMES,
    RANGE,
    RATE,
    anomalies,
    freshness,
    happened,
    per_second,
    seconds,
    worst,
)
from grafana.shared import FRESHNESS, updates_a_second
from grafana.states import GREEN, GREY, MAPPINGS, RED, SKY, YELLOW

UNWATCHED = "No data: no watchdog was scraped"
NOT_SCRAPED = "not scraped"
TO_GAME = (
    "/d/betcore-game/game?${datasource:queryparam}&${__url_time_range}"
    "&var-feed=${__data.fields.Feed}&var-game=${__data.fields.Game}"
)
SEVERITIES = texts({"critical": RED, "warning": YELLOW, "info": SKY})


def overview() -> str:
    """The JSON of `betcore-overview`."""
    return board(
        "betcore-overview",
        "BETCORE feed: overview",
        "Is the live feed healthy, which game is not, since when, and how much error budget is left.",
        Section("", [*_headline(), _games().span(24).height(10), _timeline().span(24).height(10)]),
        Section(
            "Freshness and cadence",
            [_freshness().span(12).height(9), updates_a_second(UNWATCHED).span(12).height(9)],
        ),
        Section("Anomalies and alerts", [_anomalies().span(12).height(9), _alerts().span(12).height(9)]),
        span="1h",
    )


def _headline() -> list[Panel]:
    trouble = worst("betcore_feed_state", f"{GAME}, state", f'{GAMES}, state!~"fresh|maintenance"')
    all_games = f"count(group by ({GAME}) (betcore_feed_state{{{GAMES}}}))"
    panels = [
        numbers(
            "In trouble",
            "Games that are neither fresh nor in maintenance now.",
            "none",
            NOT_SCRAPED,
            now(f"count(max by ({GAME}) ({trouble}) > 0) or 0 * {all_games}", "in trouble"),
        ).thresholds(levels({0: GREEN, 1: RED})),
        numbers(
            "Games",
            "Games that are watched.",
            "none",
            NOT_SCRAPED,
            now(all_games, "games"),
        ).thresholds(steps({None: GREY})),
        numbers(
            "Fresh now",
            "Share of the games in no maintenance that are fresh now.",
            "percentunit",
            "none to judge",
            now(
                f'sum(min by ({GAME}) (betcore_feed_state{{{GAMES}, state="fresh"}})) / (sum('
                f'min by ({GAME}) (betcore_feed_state{{{GAMES}, state="maintenance"}} == bool 0)) > 0)',
                "fresh",
            ),
        ).thresholds(levels({0: RED, 1: GREEN})),
        numbers(
            "Freshness over the range",
            "Fresh seconds of those that the provider or the path answers for, all games together. "
            "Maintenance, a missing token and our own stalls are outside it.",
            "percentunit",
            "none to judge",
            now(freshness(RANGE, "feed"), "{{feed}}"),
        )
        .decimals(3)
        .thresholds(levels(FRESHNESS)),
        numbers(
            "Least error budget left",
            "Of the 30 days' budget of the freshness objective, for the game that has least left. "
            "Below 0 the objective is missed.",
            "percent",
            "no rules loaded",
            now(f"min(betcore:feed_error_budget_remaining:percent30d{{{GAMES}}})", "budget left"),
        )
        .decimals(1)
        .thresholds(steps({None: GREY, -1e9: RED, 0: YELLOW, 25: GREEN})),
        numbers(
            "Firing alerts",
            "Alerts that are firing now, but for the dead man's switch.",
            "none",
            "none",
            now('count(ALERTS{alertstate="firing", severity=~"critical|warning"}) or vector(0)', "firing"),
        ).thresholds(levels({0: GREEN, 1: RED})),
        numbers(
            "Token runway",
            "Time until the access token expires. A token without an expiry has none to show.",
            "s",
            "no expiry",
            now(f"min by (feed) (betcore_token_expiry_timestamp_seconds{{{FEEDS}}}) - time()", "{{feed}}"),
        ).thresholds(steps({None: GREY, -1e9: RED, 3_600: YELLOW, 86_400: GREEN})),
    ]
    widths = (3, 2, 3, 5, 4, 3, 4)
    return [panel.span(width).height(4) for panel, width in zip(panels, widths, strict=True)]


def _games() -> Panel:
    """The one panel to look at: rows in trouble stand at the top, in colour."""
    panel = columns(
        grid(
            "Games, worst first",
            "Each game's state now and since when. Sorted by state: silent, frozen, disconnected, "
            "unauthorized, unobserved, maintenance, fresh. A click on a game opens its dashboard.",
            UNWATCHED,
            rows(states.code(GAMES)),
            rows(f"1000 * {worst('betcore_feed_state_change_timestamp_seconds')}"),
            rows(f"time() - {worst('betcore_feed_state_change_timestamp_seconds')}"),
            rows(f"time() - {worst('betcore_feed_last_message_timestamp_seconds')}"),
            rows(per_second("betcore_feed_messages_total")),
            rows(freshness(RANGE)),
            rows(f"max by ({GAME}) (betcore:feed_error_budget_remaining:percent30d{{{GAMES}}})"),
            rows(anomalies(RANGE)),
        ),
        {
            "Value #A": "State",
            "game": "Game",
            "feed": "Feed",
            "game_type": "Type",
            "Value #B": "Since",
            "Value #C": "For",
            "Value #D": "Last update ago",
            "Value #E": "Updates/s",
            "Value #F": "Freshness",
            "Value #G": "Budget left",
            "Value #H": "Anomalies",
        },
    )
    panel.sort_by([TableSortByFieldState().display_name("State").desc(True)])
    column(
        panel,
        "State",
        "none",
        mappings=MAPPINGS,
        custom__cellOptions={"type": "color-background", "mode": "basic"},
        custom__width=130,
        custom__align="left",
    )
    column(panel, "Game", "none", links=[{"title": "${__data.fields.Game}", "url": TO_GAME}])
    column(panel, "Type", "none", custom__width=70)
    column(panel, "Since", "dateTimeAsIsoNoDateIfToday")
    column(panel, "For", "s", decimals=0)
    column(panel, "Last update ago", "s", decimals=1)
    column(panel, "Updates/s", "none", decimals=2)
    column(panel, "Freshness", "percentunit", decimals=3, **coloured({None: RED, **FRESHNESS}))
    column(panel, "Budget left", "percent", decimals=1, **coloured({None: RED, 0: YELLOW, 25: GREEN}))
    column(panel, "Anomalies", "none", **coloured({None: "text", 1: YELLOW}))
    return panel


def _timeline() -> Panel:
    """One lane per game. Labels sort the lanes, so the one that says how bad it was comes first."""
    lost = seconds("silent|frozen|disconnected|unauthorized")
    at_the_end = lost.replace("[$__range]", "[$__range] @ end()")
    badness = f'count_values by ({GAME}) ("a_rank", 999999999 - round({at_the_end}))'
    return timeline(
        "States, worst first",
        "The state of each game over time; the game that lost most seconds in this range is at the top. "
        "Hover over a span to see how long it lasted.",
        UNWATCHED,
        over_time(f"{states.code(GAMES)} * on ({GAME}) group_left (a_rank) {badness}"),
    ).per_page(20)


def _freshness() -> Panel:
    return (
        lines(
            "Freshness",
            "Fresh seconds of those that the provider or the path answers for, in each interval. "
            "A game that is in maintenance all the time has none.",
            "percentunit",
            "No second in this range that the provider or the path answers for",
            over_time(freshness(RATE)),
        )
        .max(1)
        .decimals(1)
    )


def _anomalies() -> Panel:
    return bars(
        "Anomalies by kind",
        "What was wrong with updates that did arrive, all games together: the sequence of ids, the betting "
        "timer, rounds, timestamps, and messages that were not valid.",
        "none",
        "No anomaly in this range",
        *(
            over_time(f"sum by ({label}) ({happened(metric, label)})", f"{words}: {{{{{label}}}}}")
            for words, metric, label in ANOMALIES
        ),
    )


def _alerts() -> Panel:
    panel = columns(
        grid(
            "Firing alerts",
            "What fires now, the most severe first, and since when its condition holds.",
            "No alert is firing",
            rows(
                "1000 * max by (severity, alertname, feed, game) ("
                'ALERTS_FOR_STATE{severity=~"critical|warning|info"}'
                ' and ignoring (alertstate) ALERTS{alertstate="firing"})'
            ),
        ),
        {
            "severity": "Severity",
            "alertname": "Alert",
            "feed": "Feed",
            "game": "Game",
            "Value": "Since",
        },
    )
    panel.sort_by([TableSortByFieldState().display_name("Severity").desc(False)])
    column(panel, "Severity", "none", mappings=SEVERITIES, custom__width=90, **coloured({None: "text"}))
    column(panel, "Alert", "none", custom__width=240)
    column(panel, "Since", "dateTimeAsIsoNoDateIfToday")
    return panel
