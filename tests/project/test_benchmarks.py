"""The benchmarks: the load generator is a hub, the figures are right, and the page is the recorded one."""

import json
import re

import pytest

from benchmarks import page, rules, smoke
from benchmarks.contenders import CONTENDERS, FLOOR, NODE, WATCHDOG, write_config
from benchmarks.core import Replay
from benchmarks.cost import Window, measure
from benchmarks.figures import quantile
from benchmarks.goals import Goal, goals
from benchmarks.programs import HERE, LOAD, BenchmarkError, Program, build_load, hub, running
from benchmarks.recording import BEGIN_UNIX_SECONDS, records
from tests.acceptance.processes import eventually, watchdog
from tests.alerts.contract import known
from tests.support.tools import require_tool

RECORDED = sorted((HERE / "results").glob("*.json"))


@pytest.fixture
def load_generator():
    require_tool("cc")
    build_load()


def sample(contender, cpu_us, games=1_000, number=0, cores=0.1, resident=100_000_000):
    return {
        "contender": contender,
        "games": games,
        "round": number,
        "cpu_us": cpu_us,
        "cores": cores,
        "resident": resident,
        "proportional": resident,
        "hub_late_p99_us": 10.0,
    }


@pytest.mark.usefixtures("load_generator")
def test_the_watchdog_finds_nothing_wrong_with_the_load(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_TOKEN", "none")
    with hub("--interval", "0.5") as (_, port):
        config = write_config(tmp_path / "watchdog.toml", port, 3)
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


@pytest.mark.usefixtures("load_generator")
def test_the_floor_counts_every_update_that_the_hub_has_sent():
    with hub("--interval", "0.05") as (load_program, port):
        floor = Program([LOAD, "floor", "--port", str(port), "--connections", "20"])
        with running(floor):
            eventually(lambda: load_program.ask()["sent"] > 200)
            before = load_program.ask()["sent"]
            seen = eventually(lambda: answer if (answer := floor.ask())["received"] >= before else None)
            after = load_program.ask()
    assert seen["open"] == after["subscribed"] == 20
    assert before <= seen["received"] <= after["sent"]
    assert after["blocked"] == 0


@pytest.mark.usefixtures("load_generator")
def test_a_contender_that_does_not_keep_up_is_no_result():
    deaf = next(contender for contender in CONTENDERS if contender.name == FLOOR)

    class Deaf(Program):
        def ask(self):
            return super().ask() | {"received": 1}

    def start(port, games):
        return Deaf([LOAD, "floor", "--port", str(port), "--connections", str(games)])

    contender = type(deaf)("deaf", start)
    with pytest.raises(BenchmarkError, match="deaf: received 1 of"):
        measure(contender, 5, 0, Window(1.0, 1.0, 1))


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


def test_goals_are_judged_on_the_medians_of_ratios():
    results = {
        "cost": [
            *(sample(WATCHDOG, cpu, number=number) for number, cpu in enumerate([30.0, 60.0, 45.0])),
            *(sample(NODE, 60.0, number=number) for number in range(3)),
            *(sample(FLOOR, 10.0, number=number) for number in range(3)),
        ]
    }
    judged = {goal.what: goal.met for goal in goals(results)}
    assert judged == {
        f"CPU per update at 1,000 games, against {NODE}": False,
        f"CPU per update at 1,000 games, against {FLOOR}": False,
        "1,000 games: share of a core": True,
    }
    assert Goal("", 2.0, 2.0).met
    assert not Goal("", 2.0, 1.9, at_least=True).met


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
