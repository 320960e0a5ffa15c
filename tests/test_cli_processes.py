"""The commands as real processes: signals, reloads, taken ports, verdicts, and what they cost."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.config_files import SECRET, config_file, config_text
from tests.support.tools import require_tool
from watchdog import __version__

TIMEOUT = 20.0


@pytest.fixture
def file(tmp_path, monkeypatch):
    return config_file(tmp_path, monkeypatch)


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "watchdog", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
        **options,
    )


@contextmanager
def started(*arguments, stream="stderr", ready=r"watchdog\.started"):
    """A running command, and the lines it wrote until it was ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "watchdog", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    with process:
        try:
            lines: list[str] = []
            while not lines or not re.search(ready, lines[-1]):
                line = getattr(process, stream).readline()
                assert line, f"ended before it was ready: {lines}, {process.communicate()}"
                lines.append(line)
            yield process, lines
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.communicate(timeout=TIMEOUT)
                except subprocess.TimeoutExpired:
                    process.kill()


@contextmanager
def hub(*arguments):
    """A simulated hub; answers its address."""
    with started(*("simulate", "--listen", "127.0.0.1:0", *arguments), stream="stdout", ready="^token") as (
        _,
        lines,
    ):
        yield lines[0].split()[1]


def address_of(lines):
    return json.loads(lines[-1])["address"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_within_five_seconds_with_0(file, number):
    with hub("--games", "3") as url:
        file.write_text(config_text(url))
        with started("run", "--config", file) as (process, lines):
            wait_for(address_of(lines), '"state":"fresh"')
            sent_at = time.monotonic()
            process.send_signal(number)
            out, err = process.communicate(timeout=TIMEOUT)
            assert time.monotonic() - sent_at < 5.0
    assert (process.returncode, out) == (0, "")
    events = [json.loads(line) for line in err.splitlines()]
    assert "watchdog.stopping" in [event["event"] for event in events]
    assert [event["reason"] for event in events if event["event"] == "connection.lost"] == ["shutdown"]
    assert SECRET not in err + "".join(lines)


def get(address, path):
    with urllib.request.urlopen(address + path, timeout=TIMEOUT) as answer:  # noqa: S310
        return answer.read().decode()


def wait_for(address, text, path="/api/v1/status"):
    """Poll until the answer holds the text."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        answer = get(address, path).replace(" ", "")
        if text in answer:
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)


def test_a_hangup_reloads_the_file_of_a_running_process(file):
    with hub() as url:
        file.write_text(config_text(url))
        with started("run", "--config", file) as (process, lines):
            address = address_of(lines)
            wait_for(address, 'game_type="3",state="fresh"}1', "/metrics")
            file.write_text(config_text(url, games=(1, 3)))
            process.send_signal(signal.SIGHUP)
            seen = wait_for(address, 'game_type="1",state="fresh"}1', "/metrics")
            assert 'connection_attempts_total{feed="betcore",game="3",game_type="3"}1.0' in seen
            file.write_text("nonsense")
            process.send_signal(signal.SIGHUP)
            wait_for(address, "watchdog_config_last_reload_successful0", "/metrics")
            file.write_text(config_text(url, games=(1,)))
            process.send_signal(signal.SIGHUP)
            seen = wait_for(address, "watchdog_config_last_reload_successful1", "/metrics")
            assert 'game_type="3"' not in seen


def test_a_taken_port_is_refused_with_one_line(file):
    with hub() as url:
        address = url.split("/")[2]
        file.write_text(config_text(listen=address))
        for arguments, key in (
            (("run", "--config", file), f"{file}: web.listen"),
            (("simulate", "--listen", address), "--listen"),
        ):
            done = run(*arguments)
            assert (done.returncode, done.stdout) == (2, "")
            last = done.stderr.splitlines()[-1]
            assert last.startswith(f"betcore-watchdog: {key}: ")
            assert address in last
            assert "ddress already in use" in last
            assert "Traceback" not in done.stderr


def test_a_probe_of_a_good_hub_is_ok_for_people_and_programs(file):
    with hub() as url:
        file.write_text(config_text(url, games=(1, 3)))
        text = run("probe", "--config", file, "--duration", "1.2")
        document = run("probe", "--config", file, "--duration", "1.2", "--game-type", "3", "--json")
    assert (text.returncode, len(text.stdout.splitlines())) == (0, 2), text
    assert re.match(r"OK +betcore 1 fresh \[\d updates, every 0\.\d+ s, latency \d+ ms\]", text.stdout)
    assert document.returncode == 0, document
    seen = json.loads(document.stdout)
    assert (seen["verdict"], [game["game_type"] for game in seen["games"]]) == ("OK", [3])
    assert SECRET not in text.stdout + text.stderr + document.stdout + document.stderr


def test_a_probe_of_a_dead_port_is_critical(file):
    done = run("probe", "--config", file, "--duration", "0.5")
    assert done.returncode == 2
    assert re.match(
        r"CRITICAL betcore 3 disconnected: disconnected, last failure: refused \(path or provider\) ",
        done.stdout,
    )
    assert "Traceback" not in done.stderr


def test_a_probe_answers_with_the_worst_of_its_games(file):
    with hub("--games", "3") as url:
        good = config_text(url)
        bad = config_text(games=(1,)).split("[[feeds]]")[1].replace('"betcore"', '"dead"')
        file.write_text(f"{good}[[feeds]]{bad}")
        done = run("probe", "--config", file, "--duration", "1.2")
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["CRITICAL", "dead"],
        ["OK", "betcore"],
    ]
    assert done.returncode == 2


def test_the_demo_says_where_it_shows_and_ends_when_told():
    done = run("demo", "--duration", "1")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^status page +http://127\.0\.0\.1:\d+/$", done.stdout, re.MULTILINE)
    assert re.search(r"^metrics +http://127\.0\.0\.1:\d+/metrics$", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_demo_and_its_simulator_with_0(number):
    with started("demo", stream="stdout", ready="^metrics") as (process, lines):
        url = next(line.split()[1] for line in lines if line.startswith("simulator"))
        host, port = url.split("/")[2].split(":")
        with socket.create_connection((host, int(port)), timeout=TIMEOUT):
            pass
        sent_at = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=TIMEOUT)
        assert time.monotonic() - sent_at < 5.0
    assert process.returncode == 0
    assert "Traceback" not in err
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=TIMEOUT)


def test_a_simulator_that_is_killed_ends_the_demo_with_one_line():
    with started("demo", stream="stdout", ready="^metrics") as (process, _):
        # Whichever thread started it.
        threads = Path(f"/proc/{process.pid}/task").glob("*/children")
        (simulator,) = [child for thread in threads for child in thread.read_text().split()]
        os.kill(int(simulator), signal.SIGKILL)
        _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert err.splitlines()[-1] == "betcore-watchdog: the simulator ended by itself, with -9"
    assert "Traceback" not in err


def test_nothing_in_the_current_directory_is_taken_for_a_module_of_the_demo(tmp_path):
    (tmp_path / "http.py").write_text("raise SystemExit('taken for the library')")
    (tmp_path / "watchdog").mkdir()
    (tmp_path / "watchdog" / "__main__.py").write_text("raise SystemExit('taken for the program')")
    command = [sys.executable, "-P", "-m", "watchdog", "demo", "--duration", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr


def test_the_installed_command_is_the_same_program():
    command = require_tool("betcore-watchdog")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=TIMEOUT, check=True)
    assert done.stdout == f"betcore-watchdog {__version__}\n"


def test_the_version_costs_little_and_imports_nothing_it_does_not_need():
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run("--version", env=plain)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"--version: {spent * 1000:.0f} ms of CPU")  # noqa: T201
    assert spent < 0.3
    code = (
        "import sys; from watchdog.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=TIMEOUT, env=plain
    )
    heavy = {
        "trio",
        "httpx",
        "msgspec",
        "structlog",
        "starlette",
        "h11",
        "jinja2",
        "prometheus_client",
        "asyncio",
    }
    assert heavy.isdisjoint(done.stdout.split())
