"""The benchmarks: the load generator is a hub, the figures are right, and the page is the recorded one."""

import json
import re
from typing import Any

import pytest

from benchmarks import cost, page, pieces, rules, smoke
from benchmarks.contenders import (
    CONTENDERS,
    FLOOR,
    NODE,
    PYSIGNALR,
    WATCHDOG,
    Contender,
    start_floor,
    write_config,
)
from benchmarks.core import Replay
from benchmarks.cost import Sample, Size, Window, measure
from benchmarks.figures import quantile
from benchmarks.goals import Goal, goals
from benchmarks.pieces import Plan
from benchmarks.programs import HERE, LOAD, BenchmarkError, Hub, Program, build_load, hub, running
from benchmarks.recording import BEGIN_UNIX_SECONDS, records
from tests.acceptance.processes import eventually, watchdog
from tests.alerts.contract import known
from tests.support.tools import go_without, require_tool

RECORDED = sorted((HERE / "results").glob("*.json"))


@pytest.fixture
def load_generator():
    require_tool("cc")
    try:
        build_load()
    except BenchmarkError as error:
        if "openssl/" not in str(error):
            raise
        go_without("OpenSSL's headers (libssl-dev)")


def sample(contender, cpu_us, games=1_000, number=0, cores=0.1, resident=100_000_000, tls=False):
    return {
        "contender": contender,
        "games": games,
        "tls": tls,
        "round": number,
        "cpu_us": cpu_us,
        "cores": cores,
        "resident": resident,
        "proportional": resident,
        "hub_late_p99_us": 10.0,
    }


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.usefixtures("load_generator")
def test_the_watchdog_finds_nothing_wrong_with_the_load(tls, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_TOKEN", "none")
    with hub("--interval", "0.5", tls=tls) as (_, at):
        config = write_config(tmp_path / "watchdog.toml", at, 3)
        with watchdog(config, stderr=tmp_path / "log") as watched:
            eventually(lambda: min(values(watched.series(), "betcore_feed_messages_total")) > 3)
            series = watched.series()
    assert values(series, "betcore_feed_state", state="fresh") == [1.0] * 3
    anomalies = [
        name for (name, _), value in series.items() if value and ("anomal" in name or "inval" in name)
    ]
    assert anomalies == []


def values(series, name, **labels):
    return [
        value
        for (other, pairs), value in series.items()
        if other == name and labels.items() <= dict(pairs).items()
    ]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.usefixtures("load_generator")
def test_the_floor_counts_every_update_that_the_hub_has_sent(tls):
    with hub("--interval", "0.05", tls=tls) as (load_program, at), running(start_floor(at, 20)) as floor:
        eventually(lambda: load_program.ask()["sent"] > 200)
        before = load_program.ask()["sent"]
        seen = eventually(lambda: answer if (answer := floor.ask())["received"] >= before else None)
        after = load_program.ask()
    assert seen["open"] == after["subscribed"] == 20
    assert before <= seen["received"] <= after["sent"]
    assert after["blocked"] == 0


@pytest.mark.usefixtures("load_generator")
def test_who_does_not_trust_the_hub_gets_no_update(tmp_path):
    with hub(tls=True) as (load_program, at), hub(tls=True) as (_, other):
        distrusting = start_floor(Hub(at.port, other.authority), 1)
        with running(distrusting), pytest.raises(BenchmarkError, match="certificate"):
            distrusting.ask()
        assert load_program.ask()["sent"] == 0


class Deaf(Program):
    def ask(self):
        return super().ask() | {"received": 1}


def start_deaf(at, games):
    return Deaf([LOAD, "floor", "--port", str(at.port), "--connections", str(games)])


@pytest.mark.usefixtures("load_generator")
def test_a_contender_that_does_not_keep_up_is_no_result():
    with pytest.raises(BenchmarkError, match="deaf: received 1 of"):
        measure(Contender("deaf", start_deaf), Size(5), 0, Window(1.0, 1.0, 1))


def test_a_recording_is_a_healthy_game():
    replay = Replay()
    for record in records(300):
        replay.take(record)
    game = replay.monitor.snapshot(150.0, BEGIN_UNIX_SECONDS + 150.0)
    assert (game.state, game.messages) == ("fresh", 300)
    assert set(game.anomalies.values()) == {0}


def test_quantiles_are_values_that_occurred():
    values = [float(number) for number in range(1, 101)]
    assert [quantile(values, share) for share in (0.01, 0.5, 0.99, 1.0)] == [1.0, 50.0, 99.0, 100.0]


def rounds(contender, cpus, **more):
    return [sample(contender, cpu, number=number, **more) for number, cpu in enumerate(cpus)]


def test_goals_are_judged_on_the_medians_of_ratios_to_the_cheapest_peer():
    results = {
        "cost": [
            *rounds(WATCHDOG, [30.0, 60.0, 45.0]),
            *rounds(NODE, [60.0] * 3),
            *rounds(FLOOR, [10.0] * 3),
            *rounds(WATCHDOG, [39.0], games=100, tls=True),
            *rounds(NODE, [200.0], games=100, tls=True),
            *rounds(PYSIGNALR, [100.0], games=100, tls=True),
        ]
    }
    assert {goal.what: (goal.measured, goal.met) for goal in goals(results)} == {
        f"CPU per update at 1,000 games, against {NODE}": (0.75, False),
        f"CPU per update at 100 games over TLS, against the cheapest ({PYSIGNALR})": (0.39, True),
    }
    assert Goal("", 2.0, 2.0).met
    assert not Goal("", 2.0, 1.9, at_least=True).met


@pytest.mark.parametrize(("growth_a_game", "met"), [(42_000, True), (42_200, False)])
def test_memory_is_that_of_990_more_games(growth_a_game, met):
    results = {
        "cost": [
            *rounds(WATCHDOG, [30.0], games=10, resident=50_000_000),
            *rounds(WATCHDOG, [30.0], resident=50_000_000 + 990 * growth_a_game),
        ]
    }
    (memory,) = goals(results)
    assert (memory.what, memory.measured, memory.met) == ("memory per game", growth_a_game / 1e3, met)


PLAN = Plan(("cost",), (10,), Window(0.0, 1.0, 2))


def say(words):
    del words


@pytest.fixture
def measured(monkeypatch):
    """What was measured, in turn; the names in `refused` fail."""
    taken = []

    def measure_one(contender, size, number, window):
        taken.append((contender.name, str(size), number))
        if (contender.name, number) in refused:
            raise BenchmarkError(f"{contender.name}: tired")
        given = sample(contender.name, 1.0, size.games, number, tls=size.tls)
        return Sample(**given)

    refused = {(PYSIGNALR, 1)}
    monkeypatch.setattr(cost, "measure", measure_one)
    monkeypatch.setattr(cost, "prepare", lambda contenders, say: (list(contenders), {}))
    pieces._able.cache_clear()
    yield taken
    pieces._able.cache_clear()


def take_all(todo, path, results):
    for piece in todo:
        piece.take(results)
        results["done"].append(piece.name)
        pieces.keep(path, results)


def test_a_run_that_was_interrupted_goes_on_where_it_stopped(tmp_path, measured):
    path = tmp_path / "run.json"
    assert pieces.begun(path, PLAN) is None
    begun = {"options": PLAN.words, "done": []}
    take_all(pieces.missing(begun, PLAN, say)[:2], path, begun)
    first = list(measured)
    resumed = pieces.begun(path, PLAN)
    assert resumed == begun
    take_all(pieces.missing(resumed, PLAN, say), path, resumed)
    assert pieces.missing(resumed, PLAN, say) == []
    assert {number for _, _, number in first} == {0}
    assert len(measured) == len(set(measured)) == 4 * len(CONTENDERS)


def test_the_results_of_another_plan_are_not_gone_on_with(tmp_path):
    path = tmp_path / "run.json"
    pieces.keep(path, {"options": PLAN.words, "done": []})
    with pytest.raises(BenchmarkError, match="begun with 2 rounds of 1 s, not with 3 rounds of 1 s"):
        pieces.begun(path, Plan(("cost",), (10,), Window(0.0, 1.0, 3)))


@pytest.mark.usefixtures("measured")
def test_who_has_missed_a_round_is_left_out_of_all(tmp_path):
    results: dict[str, Any] = {"options": PLAN.words, "done": []}
    take_all(pieces.missing(results, PLAN, say), tmp_path / "run.json", results)
    assert results["missing"] == {
        f"cost: {PYSIGNALR} at {size}": "tired" for size in ("10 games", "10 games over TLS")
    }
    assert {each["contender"] for each in results["cost"]} == {each.name for each in CONTENDERS} - {PYSIGNALR}


def test_a_quarter_more_is_a_regression_and_less_is_none():
    committed = {"core_to_yardstick": 1.0, "path_to_yardstick": 2.0, "blocks_held": 100.0, "blocks_left": 0.1}
    assert smoke.regressions(committed | {"core_to_yardstick": 1.25, "blocks_held": 10.0}, committed) == []
    worse = smoke.regressions(committed | {"path_to_yardstick": 2.6, "blocks_left": 1.2}, committed)
    assert [line.split(":")[0] for line in worse] == ["path_to_yardstick", "blocks_left"]


def test_blocks_are_counted_alike_every_time_and_within_the_committed_figures():
    first, second = smoke.blocks(), smoke.blocks()
    assert first["blocks_held"] == pytest.approx(second["blocks_held"], rel=0.001)
    assert smoke.regressions(first, json.loads(smoke.REFERENCE.read_text())) == []


def test_the_page_and_its_plots_are_those_of_the_last_recorded_run():
    results = json.loads(RECORDED[-1].read_text())
    assert page.PAGE.read_text() == page.page(results)
    for name, svg in page.plots(results).items():
        assert page.PAGE.with_name(name).read_text() == svg


def test_the_past_of_the_alert_rules_is_made_of_series_that_they_read_and_of_enough_samples():
    pieces = {name: list(samples) for name, samples in rules.past(2, "127.0.0.1:9", 1_764_000_000)}

    names = {series.partition("{")[0] for samples in pieces.values() for series, _, _ in samples}
    assert names <= known().keys()
    hours = pieces.pop("hours")
    assert all(len(samples) == 2 * 2 * 48 for samples in pieces.values())
    assert len(pieces) == 30
    assert max(at for _, at, _ in hours) == 1_764_000_000 - 5


def test_the_scrape_of_the_alert_rules_is_of_fresh_games_with_a_type_each():
    text = rules.scrape(3)

    assert len(re.findall(r'(?m)^betcore_feed_state\{.*state="fresh"\} 1.0$', text)) == 3
    assert len(set(re.findall(r'game_type="(\d+)"', text))) == 3
