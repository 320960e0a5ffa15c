"""The demo's own choices; that it runs is shown with the command line."""

import json
import shlex
import socket
import tempfile
from pathlib import Path

import pytest
import trio

from watchdog import cli, demo
from watchdog.core.errors import OperatorError
from watchdog.readers.web.server import ListenError
from watchdog.simulator.games import GAMES


@pytest.fixture
def port():
    """A loopback port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def chosen(port, monkeypatch):
    monkeypatch.setattr(demo, "PREFERRED_PORT", port)
    return demo._settings("ws://127.0.0.1:1/hubs", "http://127.0.0.1:1/auth/token", Path("/tmp/history.db"))  # noqa: S108


def test_it_shows_itself_on_its_usual_port_where_that_is_free(port, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    assert chosen(free, monkeypatch).web.listen.port == free
    assert chosen(port, monkeypatch).web.listen.port == 0


def test_it_watches_every_game_of_the_simulator_on_loopback(monkeypatch, port):
    given = chosen(port, monkeypatch)
    (feed,) = given.feeds
    assert {game.type: game.name for game in feed.games} == GAMES
    assert (given.web.listen.host, feed.url.text) == ("127.0.0.1", "ws://127.0.0.1:1/hubs")


async def test_a_simulator_that_ends_before_it_listens_is_reported_in_one_line():
    class Ended:
        stdout = None

    with pytest.raises(OperatorError, match="before it listened"):
        await demo._addresses(Ended())  # type: ignore[arg-type]


async def test_an_address_that_is_taken_in_the_last_moment_is_reported_as_such(monkeypatch, port):
    monkeypatch.setattr(demo, "PREFERRED_PORT", port)
    monkeypatch.setattr(demo, "_is_free", lambda port: True)
    with pytest.raises(ListenError, match=str(port)):
        await demo.run(None)


async def test_the_command_that_it_prints_makes_the_report_of_what_it_saw(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["/usr/bin/betcore-watchdog", "demo"])
    await demo.run(8.0)
    lines = [line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines() if "report" in line]
    running, ended = map(shlex.split, lines)
    assert running[running.index("--to") + 1] == "0s"
    await trio.to_thread.run_sync(cli.main, ended[1:])
    (folder,) = tmp_path.iterdir()
    assert "Teen Patti" in (folder / "statement.html").read_text()
    figures = folder / "statement.json"
    await trio.to_thread.run_sync(cli.main, [*ended[1:-1], str(figures), "--format", "json"])
    received = {
        game["game"]: game["updates"]["received"] for game in json.loads(figures.read_text())["games"]
    }
    assert min(received.values()) > 0
