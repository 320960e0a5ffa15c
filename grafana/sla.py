"""The freshness objective: how much was fresh, what is left of the budget, who lost the rest."""

from typing import NamedTuple

from grafana_foundation_sdk.builders.common import TableSortByFieldState

from grafana.board import Section, board
from grafana.panels import (
    Colours,
    Panel,
    bars,
    coloured,
    column,
    columns,
    gauges,
    grid,
    in_colours,
    levels,
    lines,
    now,
    numbers,
    over_time,
    reference,
    rows,
    steps,
)
from grafana.queries import GAME, GAMES, RANGE, RATE, events, seconds
from grafana.shared import FRESHNESS
from grafana.states import GREEN, GREY, ORANGE, PURPLE, RED, SKY, STATES, YELLOW

NO_RULES = "No data yet: the recording rules of alerts/ are not loaded, or have just begun"
OBJECTIVE = f"max by ({GAME}) (betcore:feed_freshness_objective:ratio{{{GAMES}}})"
BUDGET_STEPS: Colours = {None: RED, 0: YELLOW, 25: GREEN}


class Window(NamedTuple):
    """A window of the burn-rate alert; above `limit` it counts towards a page or a ticket."""

    name: str
    seconds: int
    limit: float


WINDOWS = (
    Window("5m", 300, 14.4),
    Window("30m", 1_800, 6),
    Window("1h", 3_600, 14.4),
    Window("2h", 7_200, 3),
    Window("6h", 21_600, 6),
    Window("1d", 86_400, 3),
    Window("3d", 259_200, 1),
)

PARTIES = (
    ("provider", "frozen|silent", RED),
    ("path or provider", "disconnected", PURPLE),
    ("partner", "unauthorized", YELLOW),
    ("agreed", "maintenance", SKY),
    ("ours", "unobserved", GREY),
)


def sla() -> str:
    """The JSON of `betcore-sla`."""
    return board(
        "betcore-sla",
        "BETCORE feed: SLA",
        "The freshness objective over 1 h, 1 d, 7 d and 30 d, the error budget and how fast it burns, "
        "and whose the lost time is.",
        Section("", _headline()),
        Section(
            "Error budget",
            [
                _left().span(12).height(8),
                _minutes().span(12).height(8),
                _burn_down().span(12).height(9),
                _burning().span(12).height(9),
                _burn_rates().span(24).height(9),
            ],
        ),
        Section(
            "Where the time went",
            [_by_state().span(12).height(9), _by_party().span(6).height(9), _lost().span(6).height(9)],
        ),
        Section("For the provider", [_report().span(24).height(11)]),
        span="24h",
        # Seconds over a day or a month are many samples, and don't change from one moment to the next.
        refresh="1m",
    )


def _headline() -> list[Panel]:
    objective = numbers(
        "Objective",
        "The share of the accountable time that has to be fresh over 30 days, the strictest of these games.",
        "percentunit",
        "no rules loaded",
        now(f"max(betcore:feed_freshness_objective:ratio{{{GAMES}}})", "objective"),
    ).thresholds(steps({None: GREY}))
    windows = [
        numbers(
            f"Least freshness over {words}",
            f"Fresh seconds of those that the provider or the path answers for over {words}, "
            "for the game that has least. Long windows go up to the last half hour.",
            "percentunit",
            "no rules loaded",
            now(f"min(betcore:feed_freshness:ratio_rate{window}{{{GAMES}}})", words),
        )
        .decimals(3)
        .thresholds(levels(FRESHNESS))
        for window, words in (("1h", "1 hour"), ("1d", "1 day"), ("7d", "7 days"), ("30d", "30 days"))
    ]
    missed = numbers(
        "Objectives missed",
        "Games whose budget of 30 days is used up.",
        "none",
        "no rules loaded",
        now(f"sum(betcore:feed_error_budget_remaining:percent30d{{{GAMES}}} < bool 0)", "games"),
    ).thresholds(levels({0: GREEN, 1: RED}))
    return [panel.span(4).height(4) for panel in (objective, *windows, missed)]


def _left() -> Panel:
    return (
        gauges(
            "Budget left",
            "Of the error budget of 30 days. Below 0 the objective is missed.",
            "percent",
            NO_RULES,
            now(f"sort(max by ({GAME}) (betcore:feed_error_budget_remaining:percent30d{{{GAMES}}}))"),
        )
        .min(0)
        .max(100)
        .decimals(1)
        .thresholds(steps(BUDGET_STEPS))
    )


def _minutes() -> Panel:
    return (
        gauges(
            "Minutes left",
            "The same in minutes: how long a game may still be silent, frozen or disconnected.",
            "m",
            NO_RULES,
            now(f"sort(max by ({GAME}) (betcore:feed_error_budget_remaining:minutes30d{{{GAMES}}}))"),
        )
        .min(0)
        .decimals(1)
        .thresholds(steps({None: RED, 0: YELLOW, 10: GREEN}))
    )


def _burn_down() -> Panel:
    panel = lines(
        "Burn-down of the month",
        "The budget left over the last 30 days, whatever the range above.",
        "percent",
        NO_RULES,
        over_time(f"min by ({GAME}) (betcore:feed_error_budget_remaining:percent30d{{{GAMES}}})"),
        over_time("vector(0)", "objective missed"),
    )
    return reference(panel, "objective missed", RED).time_from("30d").max(100)


def _burning() -> Panel:
    panel = lines(
        "Burn rate",
        "At 1 the budget of 30 days lasts just 30 days. Above 14.4 over an hour and over 5 minutes "
        "the alert pages.",
        "none",
        NO_RULES,
        over_time(_burn(Window("1h", 3_600, 14.4)), "{{game}}"),
        over_time("vector(14.4)", "pages"),
    )
    return reference(panel, "pages", RED)


def _burn_rates() -> Panel:
    titles = {"game": "Game", "feed": "Feed", "game_type": "Type"}
    panel = columns(
        grid(
            "Burn rates in the alert's windows",
            "The alert fires when both windows of a pair are above the limit: 1h with 5m (14.4) and 6h with "
            "30m (6) page, 1d with 2h (3) and 3d with 6h (1) write a ticket.",
            NO_RULES,
            *(rows(_burn(window)) for window in WINDOWS),
        ),
        titles | {f"Value #{chr(ord('A') + index)}": window.name for index, window in enumerate(WINDOWS)},
    )
    panel.sort_by([TableSortByFieldState().display_name("1h").desc(True)])
    for window in WINDOWS:
        column(
            panel, window.name, "none", decimals=2, **coloured({None: "text", 1: YELLOW, window.limit: RED})
        )
    return panel


def _by_state() -> Panel:
    panel = bars(
        "Time by state",
        "Seconds of all games booked to each state in each interval, but for those that were fresh.",
        "s",
        "No data: no watchdog was scraped",
        *(
            over_time(f"sum({seconds(state.name, RATE)})", state.name)
            for state in reversed(STATES)
            if state.name != "fresh"
        ),
    )
    return in_colours(panel)


def _by_party() -> Panel:
    panel = gauges(
        "Whose it is",
        "Seconds that were not fresh in this range, all games together, by whose they are. Only the "
        "provider's and the path's count against the objective.",
        "s",
        "No data: no watchdog was scraped",
        *(now(f"sum({seconds(states)})", party) for party, states, _ in PARTIES),
    ).min(0)
    return in_colours(panel, {party: colour for party, _, colour in PARTIES})


def _lost() -> Panel:
    return (
        gauges(
            "Seconds lost by game",
            "Silent, frozen or disconnected in this range.",
            "s",
            "No data: no watchdog was scraped",
            now(f"sort_desc({seconds('silent|frozen|disconnected')})"),
        )
        .min(0)
        .thresholds(steps({None: GREEN, 1: ORANGE, 60: RED}))
    )


def _report() -> Panel:
    panel = columns(
        grid(
            "Report of the range",
            "A line a game, to be sent to the provider: Inspect, then Download CSV. Freshness and budget are "
            "those of 30 days; all else is what happened in the range chosen above. Seconds of several "
            "watchdogs are their mean.",
            NO_RULES,
            rows(OBJECTIVE),
            rows(f"max by ({GAME}) (betcore:feed_freshness:ratio_rate30d{{{GAMES}}})"),
            rows(f"max by ({GAME}) (60 * betcore:feed_error_budget_remaining:minutes30d{{{GAMES}}})"),
            *(rows(seconds(state)) for state in ("silent", "frozen", "disconnected", "maintenance")),
            rows(f"round({events('betcore_feed_sequence_missed_total', RANGE)})"),
            *(
                rows(f"sum by ({GAME}) (round({events(metric, RANGE, 'kind')}))")
                for metric in (
                    "betcore_feed_betting_timer_anomalies_total",
                    "betcore_feed_round_anomalies_total",
                )
            ),
        ),
        {
            "feed": "Feed",
            "game": "Game",
            "game_type": "Type",
            "Value #A": "Objective",
            "Value #B": "Freshness, 30 d",
            "Value #C": "Budget left",
            "Value #D": "Silent",
            "Value #E": "Frozen",
            "Value #F": "Disconnected",
            "Value #G": "Maintenance",
            "Value #H": "Updates lost",
            "Value #I": "Timer anomalies",
            "Value #J": "Round anomalies",
        },
    )
    panel.sort_by([TableSortByFieldState().display_name("Freshness, 30 d").desc(False)])
    column(panel, "Type", "none", custom__width=60)
    column(panel, "Objective", "percentunit", decimals=2, custom__width=90)
    column(panel, "Freshness, 30 d", "percentunit", decimals=3, **coloured({None: RED, **FRESHNESS}))
    column(panel, "Budget left", "s", decimals=1, **coloured({None: RED, 0: "text"}))
    for state in ("Silent", "Frozen", "Disconnected", "Maintenance"):
        column(panel, state, "s", decimals=1)
    for count in ("Updates lost", "Timer anomalies", "Round anomalies"):
        column(panel, count, "none")
    return panel


def _burn(window: Window) -> str:
    return (
        f"max by ({GAME}) (betcore:feed_lost_seconds:increase{window.name}{{{GAMES}}} / {window.seconds}"
        f" / on ({GAME}) (1 - betcore:feed_freshness_objective:ratio{{{GAMES}}}))"
    )
