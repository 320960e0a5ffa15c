"""What goes wrong on our own side: a log that nobody reads, a full disk, a kill, a clock that is set."""

import contextlib
import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.processes import SECRETS, configuration, eventually, simulator

GAMES = (1, 2, 3)
INTERVALS = "betcore_feed_message_interval_seconds"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def hub(tmp_path):
    with simulator("--games", "1,2,3", stderr=tmp_path / "hub.log") as address:
        yield address


def written(path: Path, hub: str) -> tuple[Path, str]:
    """A configuration for all games of the hub, and the address that it listens on."""
    address = f"127.0.0.1:{free_port()}"
    # A hub on a busy machine may be late itself.
    checks = "[checks]\ntolerance_seconds = 5.0"
    path.write_text(configuration({"hub": hub}, GAMES, settings=checks, listen=address))
    return path, f"http://{address}"


@pytest.fixture
def config(tmp_path: Path, hub: str) -> tuple[Path, str]:
    return written(tmp_path / "watchdog.toml", hub)


@contextmanager
def running(path: Path, stderr: int | None = None, *, closed: bool = False):
    """`run` with a stderr of the test's own."""
    command = [sys.executable, "-m", "watchdog", "run", "--config", str(path)]
    if closed:
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    environment = os.environ | SECRETS
    with subprocess.Popen(command, stderr=stderr, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def series(address: str) -> dict[str, float]:
    """The sums of a scrape's families over all games, or nothing while none can be had."""
    try:
        text = httpx.get(f"{address}/metrics", timeout=60).text
    except httpx.TransportError:
        return {}
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            detail = sample.labels.get("state") or sample.labels.get("le") or ""
            key = f"{sample.name}:{detail}" if detail else sample.name
            sums[key] = sums.get(key, 0) + sample.value
    return sums


def watched(address: str, messages: int):
    """A scrape once so many updates have been seen."""

    def look():
        found = series(address)
        return found if found.get("betcore_feed_messages_total", 0) >= messages else None

    return eventually(look)


def assert_untroubled(found: dict[str, float]) -> None:
    assert {key: value for key, value in found.items() if value and "anomalies" in key} == {}
    lost = sum(found[f"betcore_feed_state_seconds_total:{state}"] for state in ("silent", "frozen"))
    assert lost == 0


def test_a_log_that_nobody_reads_holds_nothing_up(config):
    path, address = config
    read_end, write_end = os.pipe()
    try:
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
        # Not a byte more goes in, not even the first line.
        os.set_blocking(write_end, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(write_end, b"x" * 512)
        os.set_blocking(write_end, True)
        with running(path, write_end) as process:
            found = watched(address, 20 * len(GAMES))
            assert_untroubled(found)
            assert found["watchdog_log_lines_dropped_total"] > 0
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    finally:
        os.close(read_end)
        os.close(write_end)


def test_a_log_whose_reader_has_gone_holds_nothing_up(config):
    path, address = config
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        with running(path, write_end):
            found = watched(address, 10 * len(GAMES))
    finally:
        os.close(write_end)
    assert_untroubled(found)
    assert found["watchdog_log_lines_dropped_total"] > 0


def test_a_full_disk_holds_nothing_up(config):
    path, address = config
    with Path("/dev/full").open("wb") as full, running(path, full.fileno()):
        found = watched(address, 10 * len(GAMES))
    assert_untroubled(found)
    assert found["watchdog_log_lines_dropped_total"] > 0


def test_a_closed_stderr_holds_nothing_up(config):
    path, address = config
    with running(path, closed=True) as process:
        assert_untroubled(watched(address, 10 * len(GAMES)))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_killed_at_any_moment_it_starts_again_on_the_same_port(config):
    path, address = config
    moments = random.Random(6)  # noqa: S311 - chance, not secrecy
    for _ in range(5):
        with running(path, subprocess.DEVNULL) as process:
            time.sleep(moments.uniform(0.05, 1.2))
            process.kill()
    with running(path, subprocess.DEVNULL):
        assert_untroubled(watched(address, 3 * len(GAMES)))


def steady_share(before: dict[str, float], after: dict[str, float]) -> float:
    """Which share of the intervals between two scrapes was half a second, by 50 ms."""
    risen = {key: value - before[key] for key, value in after.items()}
    steady = risen[f"{INTERVALS}_bucket:0.55"] - risen[f"{INTERVALS}_bucket:0.45"]
    return steady / risen[f"{INTERVALS}_count"]


def test_a_storm_of_scrapes_and_readers_that_do_not_read_disturb_no_stamp(config, hub, tmp_path):
    """Another watchdog, which nobody storms, shows what the hub itself was late by."""
    (path, address), (calm_path, calm_address) = config, written(tmp_path / "calm.toml", hub)
    over = threading.Event()
    scrapes = []

    def scrape():
        with httpx.Client() as client:
            while not over.is_set():
                scrapes.append(client.get(f"{address}/metrics", timeout=60).status_code)

    with running(path, subprocess.DEVNULL), running(calm_path, subprocess.DEVNULL):
        before, calm_before = (watched(each, 4 * len(GAMES)) for each in (address, calm_address))
        host, port = address.removeprefix("http://").split(":")
        slow = [socket.create_connection((host, int(port))) for _ in range(50)]
        for connection in slow:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: slow\r\n\r\n")
        threads = [threading.Thread(target=scrape) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            after = watched(address, int(before["betcore_feed_messages_total"]) + 20 * len(GAMES))
            calm_after = series(calm_address)
        finally:
            over.set()
            for thread in threads:
                thread.join()
            for connection in slow:
                connection.close()

    assert set(scrapes) == {200}
    assert_untroubled(after)
    assert steady_share(before, after) >= 0.9 * steady_share(calm_before, calm_after)
