"""One feed's watch: its token, its games, and what a reload changes of them."""

import math
from collections.abc import Callable, Iterator, Sequence

import trio
from msgspec import Struct
from msgspec.structs import replace

from watchdog.config.schema import Feed, Game, Reconnect
from watchdog.core.backoff import Backoff
from watchdog.core.checks.latency import TIME_ZONE_EVENT
from watchdog.core.findings import Detail, Finding
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.signalr import Timeouts
from watchdog.hub.connector import Connector
from watchdog.hub.pair import Report
from watchdog.hub.reader import Reader
from watchdog.hub.subscription import Subscription
from watchdog.hub.transport import Dial
from watchdog.runtime.files import FileWatch
from watchdog.runtime.http_client import Client
from watchdog.runtime.tls import TlsEnvironmentError, client_context
from watchdog.tokens.endpoint import TokenEndpoint
from watchdog.tokens.keeper import TokenKeeper
from watchdog.tokens.polled import PolledToken
from watchdog.tokens.renewed import RenewedToken

COMPARE_CLOCKS_SECONDS = 10.0
"""How often the provider's time is taken from the timestamps of updates."""

LOOK_AT_CA_FILE_SECONDS = 10.0

FeedReport = Callable[[str, list[Finding]], None]


class _Watched(Struct):
    """A game that is being watched."""

    settings: Game
    subscription: Subscription
    scope: trio.CancelScope


class FeedSupervisor:
    """Watches the games of one feed in one nursery."""

    def __init__(
        self,
        feed: Feed,
        reconnect: Reconnect,
        *,
        reader: Reader,
        report: Report,
        report_feed: FeedReport,
        random: Callable[[], float],
        dial: Dial | None = None,
        client: Client | None = None,
    ) -> None:
        self.feed = feed
        self._backoff = _backoff(reconnect)
        self._clock = reader.clock
        self._stalls = reader.stalls
        self._reader = reader
        self._report = report
        self._report_feed = report_feed
        self._random = random
        tls = client_context(str(feed.ca_file) if feed.ca_file else None)
        self._ca_file = FileWatch(feed.ca_file) if feed.ca_file else None
        self._client = client or Client(tls, str(feed.proxy))
        self._connector = Connector(feed, tls, self._client, self._clock, self._stalls, dial)
        self._games: dict[int, _Watched] = {}
        self._nursery: trio.Nursery | None = None
        self._said_zone: Detail = {}
        self.scope = trio.CancelScope()
        self.keeper = self._keeper()

    @property
    def monitors(self) -> Iterator[Monitor]:
        """The games' monitors, in the order of the configuration."""
        return (self._games[game.type].subscription.monitor for game in self.feed.games)

    def prepare(self) -> None:
        """Set up the games, so that readers find them before anything runs."""
        for game in self.feed.games:
            self._add(game)

    async def run(self) -> None:
        """Watch until cancelled by `scope` or from outside."""
        with self.scope:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self.keeper.run)
                nursery.start_soon(self._rotate)
                nursery.start_soon(self._compare_clocks)
                nursery.start_soon(self._watch_ca_file)
                for watched in self._games.values():
                    nursery.start_soon(self._watch, watched)

    def is_same_feed(self, feed: Feed) -> bool:
        """Whether a reload leaves everything but the games of this feed as it is."""
        return replace(self.feed, games=feed.games, checks=feed.checks, slo=feed.slo) == feed

    def reload(self, feed: Feed, reconnect: Reconnect) -> None:
        """Take over the games of a feed that is otherwise the same; an unchanged game notices nothing."""
        self._backoff = _backoff(reconnect)
        self._renew_trust()
        if isinstance(self.keeper, RenewedToken):
            self.keeper.pause_within(self._backoff)
        wanted = {game.type: game for game in feed.games}
        for game_type, watched in list(self._games.items()):
            settings = wanted.get(game_type)
            # Another objective is no reason to begin the watch anew.
            if settings is not None and replace(watched.settings, slo=settings.slo) == settings:
                watched.settings = settings
                watched.subscription.monitor.freshness_objective = settings.slo.freshness
                watched.subscription.back_off(self._backoff)
            else:
                del self._games[game_type]
                watched.scope.cancel()
        self.feed = feed
        for game in feed.games:
            if game.type not in self._games:
                watched = self._add(game)
                if self._nursery is not None:
                    self._nursery.start_soon(self._watch, watched)

    def stalled(self, since: float, until: float) -> None:
        """Book a stall of our own loop to every game."""
        for watched in self._games.values():
            watched.subscription.stalled(since, until)

    def _keeper(self) -> TokenKeeper:
        url = self.feed.token.url
        if url is None:
            return PolledToken(self.feed, self._clock, on_change=self._token_changed)
        return RenewedToken(
            self.feed,
            self._clock,
            endpoint=TokenEndpoint(url, self.feed, self._client),
            backoff=self._backoff,
            on_change=self._token_changed,
            random=self._random,
        )

    def _add(self, game: Game) -> _Watched:
        monitor = Monitor(self.feed.name, game.type, game.name, game.checks, self._clock.now())
        monitor.freshness_objective = game.slo.freshness
        monitor.authorized(self._clock.now(), ok=not self.keeper.unauthorized)
        subscription = Subscription(
            monitor,
            game.checks,
            self.feed.partner_client_id,
            keeper=self.keeper,
            connect=self._connector.connect,
            reader=self._reader,
            backoff=self._backoff,
            report=self._found,
            random=self._random,
            timeouts=Timeouts(self.feed.keep_alive_seconds, self.feed.server_timeout_seconds),
        )
        watched = self._games[game.type] = _Watched(game, subscription, trio.CancelScope())
        return watched

    async def _watch(self, watched: _Watched) -> None:
        with watched.scope:
            await watched.subscription.run()

    async def _rotate(self) -> None:
        """Switch the games to a renewed token, one after another, while their old connections go on."""
        failures = 0
        while True:
            token, changed = self.keeper.token, self.keeper.changed
            done = True
            for watched in list(self._games.values()):
                if token is None or not self.keeper.worth_trying or changed.is_set():
                    break
                done = await watched.subscription.rotate(token) and done
            failures = 0 if done else failures + 1
            pause = math.inf if done else self._backoff.delay_seconds(failures, self._random())
            with trio.move_on_after(pause):
                await changed.wait()

    async def _compare_clocks(self) -> None:
        """Judge the token by the provider's clock, as the updates show it."""
        while True:
            await trio.sleep(COMPARE_CLOCKS_SECONDS)
            now = self._clock.now()
            offsets = (monitor.clock_offset_seconds(now) for monitor in self.monitors)
            known = [offset for offset in offsets if offset is not None]
            if known:
                # The path can only add to the offset, so the smallest is the best.
                self.keeper.skewed(min(known))

    async def _watch_ca_file(self) -> None:
        while self._ca_file is not None:
            await trio.sleep(LOOK_AT_CA_FILE_SECONDS)
            self._renew_trust()

    def _renew_trust(self) -> None:
        """Take up the private CA from its file if that has changed; connections that are open stay."""
        if self._ca_file is None or not self._ca_file.changed():
            return
        detail: Detail = {"path": str(self.feed.ca_file)}
        try:
            tls = client_context(str(self.feed.ca_file))
        except (OSError, TlsEnvironmentError) as error:
            detail["error"] = getattr(error, "reason", None) or str(error)
            self._report_feed(self.feed.name, [Finding("tls.ca_file_unusable", "warning", detail)])
            return
        self._connector.trust(tls)
        self._client.trust(tls)
        self._report_feed(self.feed.name, [Finding("tls.ca_file_reloaded", "info", detail)])

    def _found(self, monitor: Monitor, findings: Sequence[Finding]) -> None:
        """Report what was found of a game; a time zone is the feed's, and so it is said once."""
        of_game = [each for each in findings if each.event != TIME_ZONE_EVENT]
        if of_game:
            self._report(monitor, of_game)
        for finding in findings:
            if finding.event == TIME_ZONE_EVENT and finding.detail != self._said_zone:
                self._said_zone = finding.detail
                self._report_feed(self.feed.name, [finding])

    def _token_changed(self, findings: list[Finding]) -> None:
        self._report_feed(self.feed.name, findings)
        ok = not self.keeper.unauthorized
        now = self._stalls.catch_up()
        for watched in self._games.values():
            watched.subscription.authorized(now, ok=ok)


def _backoff(reconnect: Reconnect) -> Backoff:
    return Backoff(reconnect.initial_seconds, reconnect.max_seconds)
