"""One run of rows: a hub each, the real `betcore-watchdog run` on all of them, and what it made of them."""

import datetime as dt
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from msgspec import Struct, field

from tests.acceptance.matrix.hub import GAME_TYPE, UPDATES_AFTER, Hub
from tests.acceptance.matrix.row import INITIAL_SECONDS, MAX_SECONDS, Row
from tests.acceptance.processes import Series, Watched, watchdog
from tests.support.raw_server import Authority

LIMIT_SECONDS = 300.0
"""A run that is not over by then has failed; on an idle machine it takes an eighth of that."""

INTERVAL_SECONDS, TOLERANCE_SECONDS = 1.0, 3.0
LOOK_SECONDS = 0.5
CALM_WITHIN_SECONDS = 4.0
"""The start of hundreds of games is a rush; an attempt to connect is given up after ten seconds."""

RELEASE_SECONDS = 0.015
"""Between two rows: in time with one another they would measure the machine."""

TOKEN = "a-token-of-the-matrix"

_COUNTERS = (
    "sequence_anomalies",
    "sequence_missed",
    "betting_timer_anomalies",
    "timestamp_anomalies",
    "round_anomalies",
    "invalid_messages",
    "tolerated_updates",
    "maintenance_anomalies",
    "disconnects",
    "token_rejections",
    "token_refreshes",
)

# Half the promised rate, as there are hundreds of games. What must last lasts two seconds. `silent` is left
# to what is silent, and `latency.high` to the row about it: on a busy machine much comes late.
_SETTINGS = f"""
[web]
listen = "127.0.0.1:0"
[log]
format = "json"
[checks]
interval_seconds = {INTERVAL_SECONDS}
tolerance_seconds = {TOLERANCE_SECONDS}
timer_frozen_seconds = 2.0
timer_grace_seconds = 2.0
silence_reconnect_seconds = 5.0
latency_warning_seconds = 60.0
[reconnect]
initial_seconds = {INITIAL_SECONDS}
max_seconds = {MAX_SECONDS}
"""


class Seen(Struct):
    """What the watchdog made of one row."""

    counters: dict[str, float] = {}
    states: set[str] = set()
    events: set[tuple[str, str]] = set()
    """Event and, of a connection's end and of an invalid message, the reason."""
    parties: dict[str, str] = {}
    """State → whose it is, as the JSON status said it while the game was in it."""
    connected: bool = False
    recovery_seconds: float | None = None
    """From the end of the fault until the game was subscribed to again, or an update good again; None
    unless the game was fresh thereafter."""


class Watch(Struct):
    """A run that goes on: what to watch, and who watches it."""

    hubs: dict[str, Hub]
    watched: Watched
    series: Series = field(default_factory=dict)


def feed_of(number: int) -> str:
    return f"row-{number:03}"


def play(rows: Sequence[Row], folder: Path) -> list[Seen]:
    """Let every row strike once, all at the same time; answer what was made of each, in their order."""
    return trio.run(_play, rows, folder)


async def _play(rows: Sequence[Row], folder: Path) -> list[Seen]:
    feeds = {feed_of(number): row for number, row in enumerate(rows)}
    seen = {feed: Seen() for feed in feeds}
    with trio.fail_after(LIMIT_SECONDS):
        async with watching(feeds, folder) as watch:
            waiting = set(feeds)
            while waiting:
                await trio.sleep(LOOK_SECONDS)
                status = await trio.to_thread.run_sync(watch.watched.status)
                for feed, game in games(status):
                    _look(feeds[feed], watch.hubs[feed], game, seen[feed])
                    if _is_over(feeds[feed], watch.hubs[feed], seen[feed]):
                        waiting.discard(feed)
            series = await trio.to_thread.run_sync(watch.watched.series)
            read_series(series, seen)
        _read_log(watch.watched.events(), seen)
    return list(seen.values())


@asynccontextmanager
async def watching(
    feeds: Mapping[str, Row], folder: Path, *, strikes: float | None = None
) -> AsyncIterator[Watch]:
    """The hubs of these rows, by feed, and the watchdog on them; `strikes` instead of each row's own."""
    contexts = _certificates(folder)
    hubs = {
        feed: Hub(
            row.play,
            (strikes or row.connections) if row.play else 0,
            interval_seconds=row.checks.get("interval_seconds", INTERVAL_SECONDS),
            tls=contexts if row.scheme == "wss" else None,
        )
        for feed, row in feeds.items()
    }
    config = folder / "watchdog.toml"
    config.write_text(_SETTINGS + "".join(_feed(feed, row, hubs[feed].port) for feed, row in feeds.items()))
    # The authorities of the machine are of no use here, and reading them for each feed takes its time.
    # So would measuring the coverage, in a process that is asked for all it can do.
    env = {"FEED_TOKEN": TOKEN, "SSL_CERT_FILE": str(folder / "ca.pem"), "COVERAGE_PROCESS_CONFIG": ""}
    program = watchdog(config, stderr=folder / "watchdog.log", env=env)
    async with trio.open_nursery() as nursery:
        for feed, row in feeds.items():
            hubs[feed].listen(row.port)
            nursery.start_soon(hubs[feed].run)
        # In a thread, as the hubs are already being talked to while it starts, and while it says goodbye.
        watched = await trio.to_thread.run_sync(program.__enter__)
        nursery.start_soon(_release, watched, [hubs[feed] for feed in _order(feeds)])
        try:
            yield Watch(hubs, watched)
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(program.__exit__, None, None, None)
            nursery.cancel_scope.cancel()


def _order(feeds: Mapping[str, Row]) -> list[str]:
    """The feeds with an open port, those first whose rows last longest."""
    longest = ("open connection", "handshake")
    callable_feeds = [feed for feed, row in feeds.items() if row.port == "open"]
    return sorted(callable_feeds, key=lambda feed: feeds[feed].strikes not in longest)


async def _release(watched: Watched, hubs: Sequence[Hub]) -> None:
    for hub in hubs:
        await hub.called.wait()
    with trio.move_on_after(CALM_WITHIN_SECONDS):
        stalled, before = 0.0, -1.0
        while stalled != before:
            await trio.sleep(LOOK_SECONDS)
            status = await trio.to_thread.run_sync(watched.status, abandon_on_cancel=True)
            stalled, before = status["loop_stall_seconds"], stalled
    for hub in hubs:
        hub.released.set()
        await trio.sleep(RELEASE_SECONDS)


def _certificates(folder: Path) -> dict[str, ssl.SSLContext]:
    known, unknown = Authority(), Authority()
    known.ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    later = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    known.ca.issue_cert("127.0.0.1", not_before=tomorrow).configure_cert(later)
    return {
        "good": known.server(),
        "expired": known.server(expired=True),
        "not yet valid": later,
        "another host": known.server("another.example"),
        "unknown CA": unknown.server(),
    }


def _feed(feed: str, row: Row, port: int) -> str:
    host = "hub.invalid" if row.port == "no name" else "127.0.0.1"
    return f"""
[[feeds]]
name = "{feed}"
url = "{row.scheme}://{host}:{port}/hubs"
partner_client_id = 1
negotiate = {str(row.negotiate).lower()}
token.env = "FEED_TOKEN"
games = [{{ type = {GAME_TYPE}, name = "{row.name}" }}]
checks = {{ {", ".join(f"{key} = {value}" for key, value in row.checks.items())} }}
"""


def games(status: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(feed["name"], game) for feed in status["feeds"] for game in feed["games"]]


def _look(row: Row, hub: Hub, game: dict[str, Any], seen: Seen) -> None:
    seen.parties[game["state"]] = game["whose"]
    seen.connected = game["connected"]
    if hub.ended_at is None:
        if row.port != "open" and game["last_disconnect"] is not None:
            hub.recover()
    elif hub.recovered_at is not None and game["state"] == "fresh":
        seen.recovery_seconds = hub.recovered_at - hub.ended_at


def _is_over(row: Row, hub: Hub, seen: Seen) -> bool:
    if row.port == "no name":
        return hub.ended_at is not None
    quiet = row.play is None and row.port == "open"
    return hub.served >= UPDATES_AFTER and seen.connected and (quiet or seen.recovery_seconds is not None)


def read_series(series: Series, seen: Mapping[str, Seen]) -> None:
    for (name, labels), value in series.items():
        own = dict(labels)
        feed = own.pop("feed", "")
        if feed not in seen or not value:
            continue
        short = name.removeprefix("betcore_").removeprefix("feed_").removesuffix("_total")
        kind = own.get("kind") or own.get("reason") or own.get("outcome")
        if short in _COUNTERS:
            key = short if kind is None else f"{short}:{kind}"
            seen[feed].counters = seen[feed].counters | {key: value}
        elif short == "state_seconds":
            seen[feed].states = seen[feed].states | {own["state"]}


def _read_log(events: Sequence[dict[str, Any]], seen: Mapping[str, Seen]) -> None:
    for event in events:
        # What every game has, and the goodbye of ours. Incidents follow from states and anomalies.
        follows = event["event"] in ("token.valid", "feed.state_changed", "incident.began", "incident.ended")
        common = follows or event.get("reason") == "shutdown"
        if (feed := event.get("feed", "")) in seen and not common:
            seen[feed].events = seen[feed].events | {(event["event"], event.get("reason", ""))}
