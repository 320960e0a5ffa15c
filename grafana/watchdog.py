"""The watcher itself: whether it runs, keeps up, and what it costs; several watchdogs stand side by side."""

from grafana.board import Section, board
from grafana.panels import (
    Panel,
    bars,
    coded,
    column,
    columns,
    grid,
    levels,
    lines,
    now,
    numbers,
    over_time,
    rows,
)
from grafana.panels import states as timeline
from grafana.queries import FEEDS, GAMES, RATE
from grafana.states import GREEN, GREY, ORANGE, RED, YELLOW

UNWATCHED = "No watchdog was scraped in this range"
TARGET = "job, instance"
# A watchdog is known by its build, and one that is down by what it said before.
SEEN = "last_over_time(watchdog_build_info[$__range])"
UP = f"up and on ({TARGET}) {SEEN}"


def watchdog() -> str:
    """The JSON of `betcore-watchdog`."""
    return board(
        "betcore-watchdog",
        "BETCORE feed: watchdog",
        "The watcher itself: up, keeping pace, scrapes, memory, CPU, reloads, builds, replicas side by side.",
        Section("", [*_headline(), _up().span(24).height(5)]),
        Section(
            "Keeping pace",
            [_stalls().span(8).height(8), _cpu().span(8).height(8), _memory().span(8).height(8)],
        ),
        Section(
            "Scrapes",
            [_duration().span(8).height(8), _samples().span(8).height(8), _descriptors().span(8).height(8)],
        ),
        Section(
            "Subscriptions and tokens",
            [_subscriptions().span(8).height(8), _tokens().span(8).height(8), _refreshes().span(8).height(8)],
        ),
        Section("History", [_history().span(12).height(6), _dropped().span(12).height(6)]),
        Section("Replicas", [_replicas().span(24).height(7)]),
        span="3h",
    )


def _headline() -> list[Panel]:
    panels = [
        numbers(
            "Up", "Watchdogs that answer their scrapes now.", "none", "not scraped", now(f"sum({UP})", "up")
        ).thresholds(levels({0: RED, 1: GREEN})),
        numbers(
            "Down",
            "Watchdogs that were seen in this range and do not answer now.",
            "none",
            "not scraped",
            now(f"count({UP}) - sum({UP})", "down"),
        ).thresholds(levels({0: GREEN, 1: RED})),
        numbers(
            "Stalled",
            "Share of the last interval in which the loop of a watchdog was late beyond 100 ms; the worst of "
            "them. What happened meanwhile is booked as unobserved.",
            "percentunit",
            "not scraped",
            now(f"max(rate(watchdog_loop_stall_seconds_total[{RATE}]))", "stalled"),
        )
        .decimals(1)
        .thresholds(levels({0: GREEN, 0.01: YELLOW, 0.05: RED})),
        numbers(
            "Last reload",
            "Whether the last reload of the configuration succeeded, on every watchdog.",
            "none",
            "not scraped",
            now("min(watchdog_config_last_reload_successful)", "reload"),
        )
        .mappings(coded((("failed", 0, RED), ("good", 1, GREEN))))
        .thresholds(levels({0: RED, 1: GREEN})),
        numbers(
            "Subscriptions open",
            "Of all games on all watchdogs.",
            "percentunit",
            "not scraped",
            now(f"avg(betcore_feed_connected{{{GAMES}}})", "open"),
        )
        .decimals(1)
        .thresholds(levels({0: RED, 1: GREEN})),
        numbers(
            "Versions",
            "Different builds that run now; more than one only while an update is rolled out.",
            "none",
            "not scraped",
            now("count(group by (version) (watchdog_build_info))", "versions"),
        ).thresholds(levels({0: GREY, 2: ORANGE})),
    ]
    return [panel.span(4).height(4) for panel in panels]


def _up() -> Panel:
    return timeline(
        "Up",
        "Whether each watchdog answered its scrapes.",
        UNWATCHED,
        over_time(UP, "{{instance}}"),
    ).mappings(coded((("down", 0, RED), ("up", 1, GREEN))))


def _stalls() -> Panel:
    return lines(
        "Loop stalls",
        "Share of the time in which the loop was late beyond 100 ms.",
        "percentunit",
        UNWATCHED,
        over_time(f"rate(watchdog_loop_stall_seconds_total[{RATE}])", "{{instance}}"),
    )


def _cpu() -> Panel:
    return lines(
        "CPU",
        "Share of one core.",
        "percentunit",
        UNWATCHED,
        over_time(
            f"rate(process_cpu_seconds_total[{RATE}]) and on ({TARGET}) watchdog_build_info", "{{instance}}"
        ),
    )


def _memory() -> Panel:
    return lines(
        "Memory",
        "Resident memory.",
        "bytes",
        UNWATCHED,
        over_time(f"process_resident_memory_bytes and on ({TARGET}) watchdog_build_info", "{{instance}}"),
    )


def _duration() -> Panel:
    return lines(
        "Scrape duration",
        "How long Prometheus waited for its answer.",
        "s",
        UNWATCHED,
        over_time(f"scrape_duration_seconds and on ({TARGET}) {SEEN}", "{{instance}}"),
    )


def _samples() -> Panel:
    return lines(
        "Scrape size",
        "Samples in a scrape: about 100 a game, since every kind and reason is there from the start.",
        "none",
        UNWATCHED,
        over_time(f"scrape_samples_scraped and on ({TARGET}) {SEEN}", "{{instance}}"),
    )


def _descriptors() -> Panel:
    return lines(
        "Open files",
        "File descriptors: a socket a game, and what the scrapes take.",
        "none",
        UNWATCHED,
        over_time(f"process_open_fds and on ({TARGET}) watchdog_build_info", "{{instance}}"),
    )


def _subscriptions() -> Panel:
    return lines(
        "Subscriptions",
        "Open subscriptions of each watchdog and feed.",
        "none",
        UNWATCHED,
        over_time(f"sum by (instance, feed) (betcore_feed_connected{{{GAMES}}})", "{{instance}} {{feed}}"),
    )


def _tokens() -> Panel:
    return lines(
        "Token runway",
        "Time until each feed's token expires. A token without an expiry has none to show.",
        "s",
        "No token with an expiry",
        over_time(
            f"min by (instance, feed) (betcore_token_expiry_timestamp_seconds{{{FEEDS}}}) - time()",
            "{{instance}} {{feed}}",
        ),
    )


def _refreshes() -> Panel:
    return bars(
        "Token refreshes and rejections",
        "Renewals by outcome, and tokens that the hub refused.",
        "none",
        "No token was renewed or refused in this range",
        over_time(
            f"sum by (feed, outcome) (increase(betcore_token_refreshes_total{{{FEEDS}}}[{RATE}])) > 0",
            "{{feed}} refresh {{outcome}}",
        ),
        over_time(
            f"sum by (feed) (increase(betcore_token_rejections_total{{{FEEDS}}}[{RATE}])) > 0",
            "{{feed}} rejected",
        ),
    )


def _history() -> Panel:
    return timeline(
        "History",
        "Whether each watchdog can write its history. While it can't, rows wait in memory.",
        "No watchdog with a history was scraped in this range",
        over_time("watchdog_history_up", "{{instance}}"),
    ).mappings(coded((("failing", 0, RED), ("written", 1, GREEN))))


def _dropped() -> Panel:
    return bars(
        "Rows lost",
        "Rows of the history that were dropped because too many waited: they miss in every statement.",
        "none",
        "No watchdog with a history was scraped in this range",
        over_time(f"increase(watchdog_history_rows_dropped_total[{RATE}])", "{{instance}}"),
    )


def _replicas() -> Panel:
    panel = columns(
        grid(
            "Replicas",
            "Each watchdog: what it runs, since when, and when it last took a configuration over.",
            UNWATCHED,
            rows(f"max by (instance, version, python) ({SEEN})"),
            rows(f"max by (instance) ({UP})"),
            rows(
                f"1000 * max by (instance) (process_start_time_seconds and on ({TARGET}) watchdog_build_info)"
            ),
            rows("1000 * max by (instance) (watchdog_config_last_reload_success_timestamp_seconds)"),
            rows(f"count by (instance) (betcore_feed_connected{{{GAMES}}})"),
            rows(f"sum by (instance) (betcore_feed_connected{{{GAMES}}})"),
        ),
        {
            "instance": "Watchdog",
            "version": "Version",
            "python": "Python",
            "Value #B": "Up",
            "Value #C": "Started",
            "Value #D": "Configuration of",
            "Value #E": "Games",
            "Value #F": "Open",
        },
        hidden=["Value #A"],
    )
    column(panel, "Up", "none", mappings=coded((("down", 0, RED), ("up", 1, GREEN))))
    column(panel, "Started", "dateTimeFromNow")
    column(panel, "Configuration of", "dateTimeFromNow")
    column(panel, "Games", "none")
    column(panel, "Open", "none")
    return panel
