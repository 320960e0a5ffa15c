"""Where a history comes from: files and running watchdogs, alone and together, and what is neither."""

import ssl
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from msgspec import structs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.archive.rows import ROWS, at, run, stay
from tests.readers.web.passwords import PASSWORD, hashed
from tests.readers.web.samples import snapshot
from tests.support.history_files import written
from tests.support.statement_commands import PERIOD, seen, statement_of
from watchdog import cli
from watchdog.archive import api, sources
from watchdog.archive.database import Database
from watchdog.archive.reading import Period, read
from watchdog.core.history import History
from watchdog.readers.metrics.render import render
from watchdog.readers.web.app import create_app
from watchdog.readers.web.auth import Passwords
from watchdog.readers.web.server import serve
from watchdog.runtime.http_client import Client

EVER = Period(0, at(10**6))


@pytest.fixture
def file(tmp_path):
    return written(tmp_path / "history.db", seen())


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    async with trio.open_nursery() as nursery:
        addresses = await nursery.start(partial(serve, app, listen=("127.0.0.1", 0)))
        yield addresses[0]
        nursery.cancel_scope.cancel()


def watchdog_of(
    file: Path | None, *, users: bool = False, asked: list[Mapping[str, str]] | None = None
) -> Starlette:
    """The web side of a watchdog with this history, which may ask for a password."""

    def page(query: Mapping[str, str]) -> bytes:
        assert file is not None
        if asked is not None:
            asked.append(query)
        return api.page(file, query)

    passwords = Passwords({"alice": hashed(PASSWORD)}) if users else None
    return create_app(snapshot, render, passwords, None if file is None else page)


def answering(body: bytes, status: int = 200) -> Starlette:
    """Something that is no watchdog."""

    async def endpoint(request: Request) -> Response:
        return Response(body, status)

    return Starlette(routes=[Route("/api/v1/history", endpoint)])


async def command(*arguments: object) -> int:
    """The exit code of a command, which has an event loop of its own."""
    code: int = await trio.to_thread.run_sync(cli.main, [str(argument) for argument in arguments])
    return code


async def refused(capsys: Any, address: str, *more: object) -> str:
    assert await command("report", "--history", address, *PERIOD, *more) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith(f"betcore-watchdog: {address}: ")
    return str(line)


def ordered(history: History) -> list[list[str]]:
    return [sorted(map(repr, rows)) for rows in structs.astuple(history)]


@pytest.fixture
def fetched() -> Callable[[str], History]:
    client = Client(ssl.create_default_context())
    return lambda address: sources.histories([address], EVER, client, None, lambda doing: None)


async def test_a_running_watchdog_has_the_statement_of_its_file(file, tmp_path, capsys):
    user = tmp_path / "user"
    user.write_text(f"alice:{PASSWORD}\n")
    report = ("report", *PERIOD, "--format", "json", "--history")
    async with served(watchdog_of(file, users=True)) as address:
        assert await command(*report, address, "--user-file", user) == 0
        over_http = statement_of(capsys.readouterr().out)
        # A path behind a proxy may end with a slash.
        assert await command(*report, f"{address}/", "--user-file", user) == 0
        capsys.readouterr()
        assert await command(*report, file, "--history", address, "--user-file", user) == 0
        both = statement_of(capsys.readouterr().out)
    assert await command(*report, file) == 0
    of_file = statement_of(capsys.readouterr().out)
    assert len(of_file.incidents) == 3
    for other in (over_http, both):
        assert structs.replace(other, made_at=of_file.made_at) == of_file


async def test_pages_give_all_rows_once(tmp_path, monkeypatch, fetched):
    file = tmp_path / "history.db"
    with closing(Database(file)) as database:
        database.write([*ROWS, *(stay(second, second + 1) for second in range(20, 60))])
    monkeypatch.setattr(api, "MOST_ROWS", 7)
    asked: list[Mapping[str, str]] = []
    async with served(watchdog_of(file, asked=asked)) as address:
        history = await trio.to_thread.run_sync(fetched, address)
    assert ordered(history) == ordered(read(file, EVER))
    assert len(asked) == 8
    assert [query["after"] for query in asked].count("") == 1


async def test_a_watchdog_that_asks_for_a_password_and_one_without_a_history(file, tmp_path, capsys):
    user = tmp_path / "user"
    user.write_text("alice:wrong-password-of-a-test")
    async with served(watchdog_of(file, users=True)) as address:
        assert "--user-file" in await refused(capsys, address)
        line = await refused(capsys, address, "--user-file", user)
        assert "wrong-password" not in line
    async with served(watchdog_of(None)) as address:
        assert "no history there" in await refused(capsys, address)
    async with served(watchdog_of(tmp_path / "none.db")) as address:
        assert "answered with 503" in await refused(capsys, address)


async def test_what_is_no_watchdog_is_one_line(capsys, monkeypatch):
    async with served(answering(b"<!doctype html>\n<h1>\x1b[31mWelcome</h1>")) as address:
        line = await refused(capsys, address)
        assert "not the rows of a history" in line
        assert line.isprintable()
    async with served(answering(b"", 302)) as address:
        assert "answered with 302" in await refused(capsys, address)
    monkeypatch.setattr(sources, "MOST_PAGE_BYTES", 1_000)
    async with served(answering(b" " * 2_000)) as address:
        await refused(capsys, address)
    monkeypatch.setattr(sources, "_MOST_PAGES", 3)
    async with served(answering(b'{"after":"runs:1"}\n')) as address:
        assert "more than 3 pages" in await refused(capsys, address)


async def test_a_host_that_is_dead_is_one_line(capsys):
    async with served(answering(b"")) as address:
        pass
    await refused(capsys, address)


def test_a_file_is_read_while_it_is_written(tmp_path):
    file = tmp_path / "history.db"
    done = threading.Event()
    with closing(Database(file)) as database:
        database.write([run(until=0)])

        def write() -> None:
            for second in range(150):
                database.write([stay(second, second + 1), run(until=second + 1)])
            done.set()

        thread = threading.Thread(target=write)
        thread.start()
        lengths = []
        while not done.is_set():
            history = read(file, EVER)
            # What is there up to the sign of life is whole: both are of one commit.
            assert history.known_until == max([at(0), *(row.ended or 0 for row in history.stays)])
            lengths.append(len(history.stays))
        thread.join()
    assert lengths == sorted(lengths)
    assert len(read(file, EVER).stays) == 150
