"""The alert rules: what an evaluation costs a Prometheus with many games and 30 days behind it.

A real Prometheus scrapes the watchdog's own text of that many games every 5 s. What the rules look back on
was there before: half hours for 30 days, and as many frequent samples as their windows hold.
"""

import json
import re
import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.core import Replay
from benchmarks.figures import median
from benchmarks.programs import ROOT, BenchmarkError, Program, run, running, until
from benchmarks.recording import records
from watchdog.core.snapshot import Snapshot
from watchdog.readers.metrics.render import render

INTERVAL_SECONDS = 5
BUDGET = 0.25
"""The share of the interval that one evaluation of all rules may take."""
_DAY, _HOUR = 86_400, 3_600
_HALF_HOUR = 1_800
_ROUNDS = 12
_STATES = ("fresh", "maintenance", "silent", "frozen", "disconnected", "unauthorized", "unobserved")

_FRESH_AT_SECONDS = 1.6
"""Just after the last of the four updates that each game has had."""
_COMPACTED_BLOCKS = 60
"""What was backfilled are 360 blocks of two hours; a Prometheus makes few long ones of them in time."""

Sample = tuple[str, int, float]


def measure(games: int, program: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds of an evaluation, by group and of all; `program` is the folder of prometheus and promtool."""
    folder = Path(tempfile.mkdtemp(prefix="rules-"))
    try:
        with _exporter(games) as target:
            say(f"rules: backfilling {games} games")
            now = int(time.time()) // INTERVAL_SECONDS * INTERVAL_SECONDS
            for name, samples in past(games, target, now):
                _backfill(program, folder / "data", folder / f"{name}.txt", samples)
            with _prometheus(program, folder, target) as address:
                say("rules: settling")
                _settle(address)
                say(f"rules: {_ROUNDS} evaluations")
                return _durations(games, program, address)
    finally:
        shutil.rmtree(folder)


def scrape(games: int) -> str:
    """A scrape of so many games."""
    texts = records(4)
    monitors = []
    for number in range(games):
        replay = Replay()
        for text in texts:
            replay.take(text)
        replay.monitor.game_type, replay.monitor.game = number, f"Game {number}"
        monitors.append(replay.monitor)
    snapshot = Snapshot(
        taken_at=1.75e9,
        version="0",
        games=tuple(monitor.snapshot(_FRESH_AT_SECONDS, 1.75e9) for monitor in monitors),
        tokens=(),
        loop_stall_seconds=0.0,
        log_lines_dropped=0,
        reload_successful=True,
        reload_success_at=1.75e9,
    )
    return render(snapshot, "text/plain", "").body().decode()


@contextmanager
def _exporter(games: int) -> Iterator[str]:
    """Serves that text, the seconds of the state `fresh` going on; yields host:port."""
    parts = re.split(r'(?m)(?<=state="fresh"} )[\d.e+]+$', scrape(games))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"{time.time() - _BEGAN:.3f}".join(parts).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log no requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


_BEGAN = time.time() - 100 * _DAY


def past(games: int, target: str, now: int) -> Iterator[tuple[str, Iterator[Sample]]]:
    """What the rules look back on, in pieces of a day: each with its name."""
    for day in range(30, 0, -1):
        yield f"day{day}", _half_hours(games, now - day * _DAY, now - (day - 1) * _DAY)
    yield "hours", _frequent(games, target, now)


def _half_hours(games: int, start: int, end: int) -> Iterator[Sample]:
    for name in ("lost", "accountable"):
        for game in range(games):
            series = f'betcore:feed_{name}_seconds:per30m{{feed="betcore",game_type="{game}"}}'
            for at in range(start, end, _HALF_HOUR):
                yield series, at, 1.0 if name == "lost" else 1_800.0


def _frequent(games: int, target: str, now: int) -> Iterator[Sample]:
    """Samples every 5 s, as far back as the rules read them."""
    scraped = f'job="betcore-watchdog",instance="{target}",'
    for labels in _labels(games, scraped):
        for state in _STATES:
            series = f'betcore_feed_state_seconds_total{{{labels},state="{state}"}}'
            for at in range(now - _HOUR, now, INTERVAL_SECONDS):
                yield series, at, at - _BEGAN if state == "fresh" else 0.0
    for game in range(games):
        series = f'betcore:feed_watchdogs:count{{feed="betcore",game_type="{game}"}}'
        yield from _every(series, now - _HOUR, now, 1.0)
    for name in ("lost", "accountable"):
        for labels in _labels(games):
            series = f"betcore:feed_{name}_seconds:increase1h{{{labels}}}"
            for hour in range(now - 5 * _HOUR, now, _HOUR):
                yield from _every(series, hour - 900, hour + 300, 1.0)
    for labels in _labels(games):
        series = f'betcore:feed_state:max{{{labels},state="maintenance"}}'
        yield from _every(series, now - 2 * _HOUR, now, 0.0)


def _labels(games: int, first: str = "") -> Iterator[str]:
    for game in range(games):
        yield f'{first}feed="betcore",game_type="{game}",game="Game {game}"'


def _every(series: str, start: int, end: int, value: float) -> Iterator[Sample]:
    for at in range(start, end, INTERVAL_SECONDS):
        yield series, at, value


def _backfill(program: Path, data: Path, file: Path, samples: Iterator[Sample]) -> None:
    """Write these samples, which come one series after the other, as blocks."""
    name = ""
    with file.open("w") as out:
        for series, at, value in samples:
            if (metric := series.partition("{")[0]) != name:
                name = metric
                out.write(f"# TYPE {name} gauge\n")
            out.write(f"{series} {value!r} {at}\n")
        out.write("# EOF\n")
    run(
        [program / "promtool", "tsdb", "create-blocks-from", "openmetrics", "-q", file, data],
        limit_seconds=600,
    )
    file.unlink()


@contextmanager
def _prometheus(program: Path, folder: Path, target: str) -> Iterator[str]:
    """Prometheus with the committed rules and intervals; yields host:port."""
    text = (ROOT / "alerts" / "prometheus.yml").read_text().replace("127.0.0.1:9877", target)
    (folder / "prometheus.yml").write_text(text)
    for rules in (ROOT / "alerts").glob("*.rules.yml"):
        shutil.copy(rules, folder)
    command: list[str | Path] = [
        program / "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=40d",
        "--web.listen-address=127.0.0.1:0",
    ]
    with running(Program(command)) as server:
        listening = re.compile(r'msg="Listening on".* address=(\S+)')
        until(lambda: listening.search(server.errors()) is not None, within_seconds=120, what="Prometheus")
        found = listening.search(server.errors())
        if found is None:
            raise BenchmarkError("Prometheus does not listen")
        yield found[1]


def _settle(address: str) -> None:
    """Wait until what was backfilled is compacted, as it is in a Prometheus that has lived so long."""

    def compacted() -> bool:
        time.sleep(INTERVAL_SECONDS)
        series = _series(address)
        begun = series["prometheus_tsdb_compactions_total"] > 0
        return begun and series["prometheus_tsdb_blocks_loaded"] < _COMPACTED_BLOCKS

    until(compacted, within_seconds=600, what="compaction")


def _series(address: str) -> dict[str, float]:
    """The samples of Prometheus' own scrape."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    parts = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in parts}


def _durations(games: int, program: Path, address: str) -> dict[str, Any]:
    last = "prometheus_rule_group_last_duration_seconds"
    failures = "prometheus_rule_evaluation_failures_total"
    rounds: list[dict[str, float]] = []
    for _ in range(_ROUNDS):
        time.sleep(INTERVAL_SECONDS)
        series = _series(address)
        groups = {name: value for name, value in series.items() if name.startswith(last)}
        rounds.append({name.rpartition(";")[2].rstrip('"}'): value for name, value in groups.items()})
        if any(value for name, value in series.items() if name.startswith(failures)):
            raise BenchmarkError("a rule failed")
    query = "count(betcore:feed_error_budget_remaining:minutes30d)"
    with urllib.request.urlopen(f"http://{address}/api/v1/query?query={query}", timeout=30) as answer:
        (found,) = json.load(answer)["data"]["result"]
    if int(found["value"][1]) != games:
        raise BenchmarkError(f"budgets of {found['value'][1]} games instead of {games}")
    return {
        "games": games,
        "prometheus": run([program / "prometheus", "--version"], limit_seconds=30).split()[2],
        "series": int(series["prometheus_tsdb_head_series"]),
        "groups": {name: median([each[name] for each in rounds]) for name in sorted(rounds[0])},
        "all": median([sum(each.values()) for each in rounds]),
        "most": max(sum(each.values()) for each in rounds),
    }
