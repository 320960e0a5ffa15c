import gzip
import math
import subprocess
import sys

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.readers.web.samples import NOW, eight_games, fresh, frozen, snapshot, token, untouched
from tests.support.tools import require_tool
from watchdog.core.snapshot import HistorySnapshot, Snapshot
from watchdog.readers.metrics.render import render

STATES = ["unobserved", "maintenance", "unauthorized", "disconnected", "silent", "frozen", "fresh"]
ROUND_STATES = ["awaiting", "active", "finished", "review", "cancelled"]
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

# Name, type, and the one further label with its values, as the interface lists them.
OF_A_GAME = [
    ("betcore_feed_state", "gauge", "state", STATES),
    ("betcore_feed_state_seconds_total", "counter", "state", STATES),
    ("betcore_feed_state_change_timestamp_seconds", "gauge", None, []),
    ("betcore_feed_promised_interval_seconds", "gauge", None, []),
    ("betcore_feed_late_after_seconds", "gauge", None, []),
    ("betcore_feed_freshness_objective_ratio", "gauge", None, []),
    ("betcore_feed_connected", "gauge", None, []),
    ("betcore_feed_messages_total", "counter", None, []),
    ("betcore_feed_received_bytes_total", "counter", None, []),
    ("betcore_feed_timed_updates_total", "counter", None, []),
    ("betcore_feed_late_updates_total", "counter", None, []),
    ("betcore_feed_tolerated_updates_total", "counter", None, []),
    ("betcore_feed_last_message_timestamp_seconds", "gauge", None, []),
    ("betcore_feed_clock_offset_seconds", "gauge", None, []),
    ("betcore_feed_sequence_id", "gauge", None, []),
    (
        "betcore_feed_sequence_anomalies_total",
        "counter",
        "kind",
        ["gap", "duplicate", "regression", "reset"],
    ),
    ("betcore_feed_sequence_missed_total", "counter", None, []),
    ("betcore_feed_betting_timer_seconds", "gauge", None, []),
    ("betcore_feed_betting_timer_stale", "gauge", None, []),
    (
        "betcore_feed_betting_timer_anomalies_total",
        "counter",
        "kind",
        ["frozen", "expired", "lingering", "rewound", "jumped", "negative"],
    ),
    ("betcore_feed_maintenance", "gauge", None, []),
    ("betcore_feed_round_state", "gauge", "state", ROUND_STATES),
    ("betcore_feed_rounds_total", "counter", "outcome", ["finished", "cancelled"]),
    (
        "betcore_feed_round_anomalies_total",
        "counter",
        "kind",
        ["overdue", "regressed", "skipped", "result_changed"],
    ),
    ("betcore_feed_timestamp_anomalies_total", "counter", "kind", ["frozen", "regressed"]),
    (
        "betcore_feed_invalid_messages_total",
        "counter",
        "reason",
        ["json", "schema", "game_type", "protocol", "oversize"],
    ),
    (
        "betcore_feed_maintenance_anomalies_total",
        "counter",
        "kind",
        [
            *("gap", "duplicate", "regression", "reset", "frozen", "regressed", "expired", "lingering"),
            *("rewound", "jumped", "negative", "overdue", "skipped", "result_changed"),
            *("json", "schema", "game_type", "protocol", "oversize"),
        ],
    ),
    ("betcore_feed_connection_attempts_total", "counter", None, []),
    (
        "betcore_feed_disconnects_total",
        "counter",
        "reason",
        [
            *("dns", "refused", "tls", "timeout", "unauthorized", "rejected", "handshake", "server_close"),
            *("closed", "keepalive", "silence", "oversize", "protocol", "shutdown"),
        ],
    ),
    ("betcore_feed_rotations_total", "counter", "outcome", ["ok", "failed"]),
    ("betcore_feed_overlap_messages_total", "counter", None, []),
    (
        "betcore_feed_incidents_total",
        "counter",
        "whose",
        ["provider", "path_or_provider", "partner", "ours"],
    ),
    ("betcore_feed_incident_start_timestamp_seconds", "gauge", None, []),
]
OF_A_FEED = [
    ("betcore_token_expiry_timestamp_seconds", "gauge", None, []),
    ("betcore_token_source", "gauge", "source", ["file", "env", "url"]),
    ("betcore_token_renewed_timestamp_seconds", "gauge", None, []),
    ("betcore_token_renewal_due_timestamp_seconds", "gauge", None, []),
    ("betcore_token_valid", "gauge", None, []),
    ("betcore_token_refreshes_total", "counter", "outcome", ["ok", "failed"]),
    ("betcore_token_rejections_total", "counter", None, []),
]
OF_THE_WATCHDOG: list[tuple[str, str, None, list[str]]] = [
    ("watchdog_loop_stall_seconds_total", "counter", None, []),
    ("watchdog_log_lines_dropped_total", "counter", None, []),
    ("watchdog_config_last_reload_successful", "gauge", None, []),
    ("watchdog_config_last_reload_success_timestamp_seconds", "gauge", None, []),
    ("watchdog_history_up", "gauge", None, []),
    ("watchdog_history_rows_dropped_total", "counter", None, []),
]
UNKNOWN_AT_FIRST = {
    "betcore_feed_incident_start_timestamp_seconds",
    "betcore_feed_last_message_timestamp_seconds",
    "betcore_feed_clock_offset_seconds",
    "betcore_feed_sequence_id",
    "betcore_feed_betting_timer_seconds",
}
KNOWN_AT_FIRST = {
    "betcore_feed_state_change_timestamp_seconds": NOW,
    "betcore_feed_promised_interval_seconds": 0.5,
    "betcore_feed_late_after_seconds": 0.75,
    "betcore_feed_freshness_objective_ratio": 0.999,
}
POKER = {"feed": "betcore", "game_type": "3", "game": "Poker"}

Labels = frozenset[tuple[str, str]]


def text_of(watch: Snapshot, accept: str = "") -> str:
    return render(watch, accept, "").body().decode()


def series_of(watch: Snapshot) -> dict[tuple[str, Labels], float]:
    """Every series of a scrape: name and labels, and its value."""
    families = parse_text(text_of(watch))
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def labelled(name: str, **labels: str) -> tuple[str, Labels]:
    return name, frozenset((POKER | labels).items())


def types_of(text: str) -> dict[str, str]:
    declared = (line.split() for line in text.splitlines() if line.startswith("# TYPE "))
    return {name: kind for _, _, name, kind in declared}


@pytest.mark.parametrize(("name", "kind", "label", "values"), OF_A_GAME)
def test_a_game_has_the_series_of_the_interface_with_every_label_value(name, kind, label, values):
    watch = snapshot(fresh(incident_since=NOW))
    extra = [{label: value} for value in values] if label else [{}]
    expected = {frozenset((POKER | labels).items()) for labels in extra}

    assert {labels for found, labels in series_of(watch) if found == name} == expected
    assert types_of(text_of(watch))[name] == kind


@pytest.mark.parametrize(("name", "kind", "label", "values"), [*OF_A_FEED, *OF_THE_WATCHDOG])
def test_feed_and_watchdog_have_the_series_of_the_interface(name, kind, label, values):
    watch = snapshot()
    own = {"feed": "betcore"} if name.startswith("betcore_token_") else {}
    extra = [{label: value} for value in values] if label else [{}]
    expected = {frozenset((own | labels).items()) for labels in extra}

    assert {labels for found, labels in series_of(watch) if found == name} == expected
    assert types_of(text_of(watch))[name] == kind


def test_nothing_of_ours_is_exposed_that_the_interface_does_not_name():
    named = {name for name, *_ in [*OF_A_GAME, *OF_A_FEED, *OF_THE_WATCHDOG]}
    histograms = {"betcore_feed_message_interval_seconds", "betcore_feed_latency_seconds"}

    ours = {
        name for name in types_of(text_of(snapshot(fresh()))) if name.startswith(("betcore_", "watchdog_"))
    }

    assert ours == named | histograms | {"watchdog_build_info"}


@pytest.mark.parametrize("name", [name for name, *_ in OF_A_GAME])
def test_before_the_first_update_counters_stand_at_0_and_unknown_gauges_are_absent(name):
    values = [value for (found, _), value in series_of(snapshot(untouched())).items() if found == name]

    if name in UNKNOWN_AT_FIRST:
        assert values == []
    elif name == "betcore_feed_state":
        assert sum(values) == 1
    else:
        assert set(values) == {KNOWN_AT_FIRST.get(name, 0)}


def test_a_token_without_expiry_has_no_expiry_series():
    unknown = token(expires_at=None, renewed_at=None, renewal_due_at=None, valid=False)
    names = {name for name, _ in series_of(snapshot(tokens=(unknown,)))}

    assert "betcore_token_expiry_timestamp_seconds" not in names
    assert "betcore_token_renewed_timestamp_seconds" not in names
    assert "betcore_token_renewal_due_timestamp_seconds" not in names
    assert "betcore_token_valid" in names


def test_the_values_of_a_game_in_trouble_are_told():
    series = series_of(snapshot(frozen(3, "Poker")))

    assert series[labelled("betcore_feed_state", state="frozen")] == 1
    assert series[labelled("betcore_feed_state", state="fresh")] == 0
    assert series[labelled("betcore_feed_state_seconds_total", state="frozen")] == 48
    assert series[labelled("betcore_feed_betting_timer_stale")] == 1
    assert series[labelled("betcore_feed_betting_timer_anomalies_total", kind="frozen")] == 1
    assert series[labelled("betcore_feed_betting_timer_anomalies_total", kind="expired")] == 0
    assert series[labelled("betcore_feed_timestamp_anomalies_total", kind="frozen")] == 0
    assert series[labelled("betcore_feed_sequence_missed_total")] == 5
    assert series[labelled("betcore_feed_round_state", state="active")] == 1


def test_histogram_buckets_are_cumulative_and_end_with_the_count():
    series = series_of(snapshot(fresh()))
    name = "betcore_feed_message_interval_seconds"

    buckets = [series[labelled(f"{name}_bucket", le=bound)] for bound in ("0.5", "0.75", "1.0", "+Inf")]

    assert buckets == [3_600, 7_190, 7_198, 7_199]
    assert series[labelled(f"{name}_count")] == 7_199
    assert series[labelled(f"{name}_sum")] == 3_600.5


def test_the_real_intervals_have_the_buckets_that_alerts_need():
    name = "betcore_feed_message_interval_seconds_bucket"
    bounds = {
        float(dict(labels)["le"]) for found, labels in series_of(snapshot(untouched())) if found == name
    }

    assert {0.5, 0.75, 1.0, math.inf} <= bounds


def test_a_removed_game_leaves_nothing_behind():
    before, after = snapshot(fresh(1, "Keno"), fresh(3, "Poker")), snapshot(fresh(3, "Poker"))

    assert "Keno" in text_of(before)
    assert "Keno" not in text_of(after)


def test_no_created_series_and_no_created_time_is_exposed():
    assert "_created" not in text_of(snapshot(*eight_games()))
    assert "_created" not in text_of(snapshot(*eight_games()), OPENMETRICS)


def test_the_build_and_the_process_are_told():
    series = series_of(snapshot())
    python = ".".join(map(str, sys.version_info[:3]))

    assert series["watchdog_build_info", frozenset({("version", "0.1.0"), ("python", python)})] == 1
    names = {name for name, _ in series}
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total", "python_info"} <= names


def test_the_text_of_one_family_is_exactly_this():
    family = [line for line in text_of(snapshot(fresh())).splitlines() if "betcore_feed_rounds_total" in line]

    assert family == [
        "# HELP betcore_feed_rounds_total Game rounds that came to an end, by outcome.",
        "# TYPE betcore_feed_rounds_total counter",
        'betcore_feed_rounds_total{feed="betcore",game="Poker",game_type="3",outcome="finished"} 40.0',
        'betcore_feed_rounds_total{feed="betcore",game="Poker",game_type="3",outcome="cancelled"} 2.0',
    ]


def test_promtool_has_nothing_to_object_to():
    promtool = require_tool("promtool")
    body = render(snapshot(*eight_games(), untouched(99, "New")), "", "").body()

    result = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, check=False)

    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"),
        ("application/openmetrics-text; version=newest", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_the_accept_header_chooses_the_format(accept, content_type):
    assert render(snapshot(), accept, "").content_type == content_type


def test_openmetrics_output_is_valid_and_says_the_same_as_the_text():
    watch = snapshot(*eight_games(), untouched(99, "New"))

    families = list(parse_openmetrics(text_of(watch, OPENMETRICS)))
    opened = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("betcore_")
    }

    assert opened == {key: value for key, value in series_of(watch).items() if key[0].startswith("betcore_")}


def test_gzip_only_for_who_accepts_it():
    plain, packed = render(snapshot(), "", "identity"), render(snapshot(), "", "deflate, gzip;q=1.0")

    assert plain.content_encoding is None
    assert packed.content_encoding == "gzip"
    assert b"betcore_token_valid" in plain.body()
    assert b"betcore_token_valid" in gzip.decompress(packed.body())


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
@pytest.mark.parametrize(
    "name", ['say "hi"', "back\\slash", "two\nlines", 'a\\"}\n# HELP x', "Бинго 🎲", "\u2028"]
)
def test_hostile_names_arrive_as_they_are(name, accept):
    parse = parse_openmetrics if accept else parse_text

    families = list(parse(text_of(snapshot(fresh(3, name, feed=name)), accept)))

    samples = [s for family in families for s in family.samples if s.name == "betcore_feed_connected"]
    assert [s.labels for s in samples] == [{"feed": name, "game_type": "3", "game": name}]


def test_without_a_history_and_an_incident_their_series_are_absent():
    series = {name for name, _ in series_of(snapshot(fresh(), history=None))}
    assert not {name for name in series if name.startswith("watchdog_history_")}
    assert "betcore_feed_incident_start_timestamp_seconds" not in series
    assert "betcore_feed_incidents_total" in series


def test_a_history_that_fails_is_down_and_counts_what_it_lost():
    series = series_of(snapshot(history=HistorySnapshot("disk full", 7)))
    assert series["watchdog_history_up", frozenset()] == 0
    assert series["watchdog_history_rows_dropped_total", frozenset()] == 7
