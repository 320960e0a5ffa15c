"""The composition root: one nursery, the feeds in it, signals and reloads, and what readers read."""

import random
import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import structlog
import trio

from watchdog import __version__
from watchdog.archive.api import page
from watchdog.archive.archive import Archive
from watchdog.config.load import load
from watchdog.config.permissions import ExposedFiles
from watchdog.config.schema import Config, Feed, Web
from watchdog.config.validation import ConfigError
from watchdog.core.findings import Finding
from watchdog.core.history import SECOND
from watchdog.core.incidents import IncidentEvent
from watchdog.core.monitor import Monitor
from watchdog.core.snapshot import Snapshot
from watchdog.hub.reader import Reader
from watchdog.hub.supervisor import FeedSupervisor
from watchdog.hub.transport import Dial
from watchdog.readers.metrics.render import render
from watchdog.readers.web.app import create_app
from watchdog.readers.web.auth import Passwords
from watchdog.readers.web.server import ListenError, serve
from watchdog.runtime import log
from watchdog.runtime.clock import Clock
from watchdog.runtime.interpreter import freeze_settled_objects, shorten_pauses
from watchdog.runtime.nursery import open_nursery_of_body
from watchdog.runtime.signals import run_until_signalled
from watchdog.runtime.stalls import Blame, Stalls
from watchdog.runtime.throttle import Throttle, ThrottledLog
from watchdog.runtime.tls import environment_problems
from watchdog.runtime.waker import time_of_loop

CHECK_FILES_SECONDS = 60.0
"""How often the modes of the files that hold secrets are checked."""

_SETTLED_SECONDS = 5.0
"""How long after the start most objects that will last have been made."""


class Watchdog:
    """Watches all feeds of a configuration, and shows what is known of them at an instant."""

    def __init__(
        self,
        settings: Config,
        *,
        clock: Clock | None = None,
        random: Callable[[], float] = random.random,
        dial: Dial | None = None,
        on_reload: Callable[[Config], None] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock or Clock()
        self._stalls = Stalls(self._clock)
        self._stalls.on_stall(self._stalled)
        self._blame = Blame(self._clock)
        self._reader = Reader(self._clock, self._stalls)
        self._random = random
        self._dial = dial
        self._on_reload = on_reload
        self._log = structlog.get_logger()
        self._findings = ThrottledLog(Throttle())
        self._nursery: trio.Nursery | None = None
        self._reload_successful = True
        self._reload_success_at = self._clock.wall()
        self._feeds: dict[str, FeedSupervisor] = {}
        self._archive = Archive(
            self._clock,
            self._monitors,
            self._report_incident,
            version=__version__,
            config_hash=settings.digest,
            file=settings.history.file if settings.history else None,
            keep_days=settings.history.keep_days if settings.history else 0.0,
        )
        for feed in settings.feeds:
            self._add(feed)
        self._archive.follow()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watch until cancelled; every socket is then closed properly."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                trio.lowlevel.add_instrument(self._blame)
                nursery.start_soon(self._reader.run)
                for feed in self._feeds.values():
                    nursery.start_soon(feed.run)
                nursery.start_soon(self._warn_of_exposed_files)
                self._archive.start()
                nursery.start_soon(self._archive.run)
                task_status.started()
        finally:
            self._archive.close()

    def snapshot(self) -> Snapshot:
        """All that is known now: one instant for all games."""
        now, wall = self._stalls.catch_up(), self._clock.wall()
        return Snapshot(
            taken_at=wall,
            version=__version__,
            games=tuple(monitor.snapshot(now, wall) for monitor in self._monitors()),
            tokens=tuple(feed.keeper.snapshot() for feed in self._feeds.values()),
            loop_stall_seconds=self._stalls.seconds,
            log_lines_dropped=log.dropped_lines(),
            reload_successful=self._reload_successful,
            reload_success_at=self._reload_success_at,
            history=self._archive.snapshot(),
        )

    def _monitors(self) -> Iterator[Monitor]:
        return (monitor for feed in self._feeds.values() for monitor in feed.monitors)

    async def reload_on_hangup(self, path: Path) -> None:
        """Reload the file at every SIGHUP, for as long as this task runs."""
        with trio.open_signal_receiver(signal.SIGHUP) as signals:
            async for _ in signals:
                self.reload(path)

    def reload(self, path: Path) -> None:
        """Apply a changed file; a bad one changes nothing, and all its mistakes are logged."""
        try:
            settings = load(path)
        except ConfigError as error:
            self._reload_successful = False
            for mistake in error.mistakes:
                self._log.error("config.reload_failed", mistake=mistake)
            return
        if settings.web != self._settings.web:
            self._log.warning("config.needs_restart", section="web")
        if settings.history != self._settings.history:
            self._log.warning("config.needs_restart", section="history")
        if settings.log != self._settings.log:
            log.configure(settings.log.format, settings.log.level)
        self._apply(settings)
        if self._on_reload is not None:
            self._on_reload(settings)
        self._reload_successful = True
        self._reload_success_at = self._clock.wall()
        self._log.info("config.reloaded", feeds=len(settings.feeds), games=_count_games(settings))

    async def _warn_of_exposed_files(self) -> None:
        """Warn of secret files that everybody may read; a change is seen at the next check."""
        exposed = ExposedFiles()
        while True:
            for finding in exposed.look(self._settings):
                self._write(finding, (finding.event, finding.detail["path"]))
            await trio.sleep(CHECK_FILES_SECONDS)

    def _apply(self, settings: Config) -> None:
        self._settings = settings
        old, self._feeds = self._feeds, {}
        for feed in settings.feeds:
            supervisor = old.get(feed.name)
            if supervisor is not None and supervisor.is_same_feed(feed):
                del old[feed.name]
                self._feeds[feed.name] = supervisor
                supervisor.reload(feed, settings.reconnect)
            else:
                supervisor = self._add(feed)
                if self._nursery is not None:
                    self._nursery.start_soon(supervisor.run)
        self._archive.follow()
        for supervisor in old.values():
            supervisor.scope.cancel()

    def _add(self, feed: Feed) -> FeedSupervisor:
        supervisor = self._feeds[feed.name] = FeedSupervisor(
            feed,
            self._settings.reconnect,
            reader=self._reader,
            report=self._report,
            report_feed=self._report_feed,
            random=self._random,
            dial=self._dial,
        )
        supervisor.prepare()
        return supervisor

    def _stalled(self, since: float, until: float) -> None:
        held_by = "the reader" if self._reader.working else self._blame.task_since(since)
        detail = {"held_by": held_by} if held_by is not None else {}
        self._log.warning("watchdog.stalled", seconds=round(until - since, 3), **detail)
        for feed in self._feeds.values():
            feed.stalled(since, until)

    def _report(self, monitor: Monitor, findings: Sequence[Finding]) -> None:
        for finding in findings:
            key = (monitor.feed, monitor.game_type, finding.event)
            self._write(finding, key, **_labels(monitor))
        self._archive.report(monitor, findings)

    def _report_incident(self, monitor: Monitor, event: IncidentEvent) -> None:
        incident = event.incident
        seconds = {state: round(lasted / SECOND, 3) for state, lasted in incident.lasted.items()}
        labels = _labels(monitor)
        self._log.info(event.event, **labels, id=incident.id, whose=incident.whose, seconds=seconds)

    def _report_feed(self, feed: str, findings: Sequence[Finding]) -> None:
        for finding in findings:
            self._write(finding, (feed, finding.event), feed=feed)

    def _write(self, finding: Finding, key: tuple[object, ...], **labels: object) -> None:
        self._findings.write(finding.level, finding.event, key, **labels, **finding.detail)


def start(path: Path) -> None:
    """Watch and serve as the file says, until SIGTERM or SIGINT; SIGHUP reloads it.

    Raises:
        ConfigError: the file can't be used, or the address in it can't be listened on.

    """
    settings = load(path)
    log.configure(settings.log.format, settings.log.level)
    warn_of_environment()
    try:
        run_until_signalled(partial(run, settings, path=path))
    except ListenError as error:
        raise ConfigError(f"{path}: web.listen: {error}") from None


def warn_of_environment() -> None:
    """Log what OpenSSL is to heed of the environment and can't: TLS would fail later, and blame the hub."""
    for problem in environment_problems():
        structlog.get_logger().warning("environment.unusable", problem=problem)


async def run(
    settings: Config, *, path: Path | None = None, started: Callable[[str], None] | None = None
) -> None:
    """Watch and serve until cancelled; `started` is called with the address of the web side.

    Raises:
        ListenError: the web address can't be listened on.

    """
    passwords = Passwords(settings.users.hashes) if settings.users is not None else None
    clock = Clock(now=time_of_loop())
    watchdog = Watchdog(settings, clock=clock, on_reload=partial(_replace_users, passwords))
    history = partial(page, settings.history.file) if settings.history is not None else None
    shorten_pauses()
    events = structlog.get_logger()
    async with open_nursery_of_body() as nursery:
        addresses = await nursery.start(
            partial(
                serve,
                create_app(watchdog.snapshot, render, passwords, history),
                listen=(settings.web.listen.host, settings.web.listen.port),
                tls=_tls_files(settings.web),
            )
        )
        address = addresses[0]
        events.info("watchdog.started", version=__version__, address=address, games=_count_games(settings))
        if passwords is None and not all(map(_is_loopback, addresses)):
            events.warning("web.unprotected", address=address, missing="web.basic_auth_file")
        if path is not None:
            nursery.start_soon(watchdog.reload_on_hangup, path)
        await nursery.start(watchdog.run)
        nursery.start_soon(freeze_settled_objects, _SETTLED_SECONDS)
        if started is not None:
            started(address)
        try:
            await trio.sleep_forever()
        finally:
            events.info("watchdog.stopping")


def _tls_files(settings: Web) -> tuple[Path, Path] | None:
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    return settings.tls_cert_file, settings.tls_key_file


def _replace_users(passwords: Passwords | None, settings: Config) -> None:
    # Whether passwords are asked for at all is decided at the start.
    if passwords is not None and settings.users is not None:
        passwords.replace(settings.users.hashes)


def _labels(monitor: Monitor) -> dict[str, str]:
    return {"feed": monitor.feed, "game_type": str(monitor.game_type), "game": monitor.game}


def _is_loopback(address: str) -> bool:
    return ip_address(urlsplit(address).hostname or "").is_loopback


def _count_games(settings: Config) -> int:
    return sum(len(feed.games) for feed in settings.feeds)
