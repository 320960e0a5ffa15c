"""The whole program asks for passwords: from the configuration file to the socket, and over a reload."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import trio

from tests.readers.web.passwords import PASSWORD, basic, hashed
from watchdog import app, cli
from watchdog.config import load as config

GOOD = {"authorization": basic("alice", PASSWORD)}
# Nothing listens on port 1, and nothing here is about the feed.
TEXT = """
[web]
listen = "127.0.0.1:0"
{users}
[[feeds]]
name = "betcore"
url = "ws://127.0.0.1:1/hubs"
partner_client_id = 1
token.file = "token"
games = [{{ type = 3 }}]
"""


def write(folder: Path, users: str | None) -> Path:
    path = folder / "watchdog.toml"
    path.write_text(TEXT.format(users='basic_auth_file = "users"' if users is not None else ""))
    (folder / "token").write_text("token-of-a-test")
    (folder / "users").write_text(users or "")
    return path


def user(name: str, password: str) -> str:
    return f"{name}:{hashed(password).decode()}\n"


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The program on this configuration, and a client of its web side."""
    addresses: list[str] = []
    served = trio.Event()

    def started(address: str) -> None:
        addresses.append(address)
        served.set()

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(app.run, config.load(path), path=path, started=started))
            await served.wait()
            async with httpx.AsyncClient(base_url=addresses[0], trust_env=False) as http:
                yield http
            nursery.cancel_scope.cancel()


async def hang_up(events: list[Any], outcome: str) -> None:
    """Have the program reload, and wait until it says how that went."""
    os.kill(os.getpid(), signal.SIGHUP)
    while outcome not in [event["event"] for event in events]:  # noqa: ASYNC110 - logs have no event
        await trio.sleep(0.005)


async def status(http: httpx.AsyncClient, **headers: str) -> int:
    return (await http.get("/healthz", headers=headers)).status_code


async def test_a_file_of_users_in_the_configuration_protects_everything(tmp_path):
    async with running(write(tmp_path, user("alice", PASSWORD))) as http:
        assert await status(http) == 401
        assert await status(http, **GOOD) == 200


async def test_a_reload_takes_over_changed_users(tmp_path):
    path = write(tmp_path, user("alice", PASSWORD))
    with structlog.testing.capture_logs() as events:
        async with running(path) as http:
            assert await status(http, **GOOD) == 200
            write(tmp_path, user("bob", "other"))
            await hang_up(events, "config.reloaded")

            assert await status(http, **GOOD) == 401
            assert await status(http, authorization=basic("bob", "other")) == 200


async def test_a_reload_with_bad_users_keeps_the_old_ones_and_says_why(tmp_path):
    path = write(tmp_path, user("alice", PASSWORD))
    with structlog.testing.capture_logs() as events:
        async with running(path) as http:
            write(tmp_path, "alice:canary\n")
            await hang_up(events, "config.reload_failed")
            assert await status(http, **GOOD) == 200

    (failed,) = [event for event in events if event["event"] == "config.reload_failed"]
    assert failed["mistake"].startswith(
        f"{path}: web.basic_auth_file: {tmp_path / 'users'}:1: expected a bcrypt"
    )
    assert "canary" not in str(events)


async def test_a_reload_never_ends_the_protection(tmp_path):
    path = write(tmp_path, user("alice", PASSWORD))
    with structlog.testing.capture_logs() as events:
        async with running(path) as http:
            write(tmp_path, None)
            await hang_up(events, "config.reloaded")
            assert await status(http) == 401
            assert await status(http, **GOOD) == 200

    assert "config.needs_restart" in [event["event"] for event in events]


@pytest.mark.parametrize("command", [["run", "--config"], ["check-config"]])
def test_commands_refuse_a_bad_file_of_users_line_by_line(tmp_path, capsys, command):
    path = write(tmp_path, "alice:canary\n\nbob\n")

    assert cli.main([*command, str(path)]) == 2

    lines = capsys.readouterr().err.splitlines()
    where = f"betcore-watchdog: {path}: web.basic_auth_file: {tmp_path / 'users'}"
    assert [line.partition(" expected ")[0] for line in lines] == [f"{where}:1:", f"{where}:3:"]
    assert "canary" not in str(lines)


@pytest.mark.parametrize(
    ("addresses", "users", "warnings"),
    [
        (["http://127.0.0.1:9877", "http://[::1]:9877"], None, 0),
        (["http://127.0.0.2:9877"], None, 0),
        (["http://0.0.0.0:9877", "http://[::]:9877"], None, 1),
        (["https://192.0.2.1:9877"], None, 1),
        (["http://127.0.0.1:9877", "http://192.0.2.1:9877"], None, 1),
        (["http://0.0.0.0:9877"], user("alice", PASSWORD), 0),
    ],
)
async def test_serving_everybody_without_a_password_is_warned_of_once(
    tmp_path, monkeypatch, addresses, users, warnings
):
    async def serve(*args: Any, task_status: trio.TaskStatus[list[str]], **options: Any) -> None:
        task_status.started(addresses)
        await trio.sleep_forever()

    monkeypatch.setattr(app, "serve", serve)
    with structlog.testing.capture_logs() as events:
        async with running(write(tmp_path, users)):
            pass

    found = [event for event in events if event["event"] == "web.unprotected"]
    assert len(found) == warnings
    assert all(event["log_level"] == "warning" for event in found)
