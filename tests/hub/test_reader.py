"""The one reader: what is read when, in which order, and that nothing falls due unnoticed."""

import math
import select
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.support.wire import HANDSHAKE, PONG, TEXT, frame, game, invocation, update
from watchdog.core.arrival import Arrival
from watchdog.core.backoff import Backoff
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.findings import Finding
from watchdog.core.monitor import Monitor
from watchdog.core.protocol.events import Established, UpdateReceived
from watchdog.hub import channel as channel_module
from watchdog.hub import reader as module
from watchdog.hub.channel import Channel
from watchdog.hub.connection import Heard, HubConnection
from watchdog.hub.reader import MAX_READS, SHORTEST_BEAT_SECONDS, Reader
from watchdog.hub.subscription import Subscription
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls
from watchdog.runtime.waker import LoopWaker

BEAT_SECONDS = 0.125
"""A number of which a float holds every multiple."""

TOLERANCE_SECONDS = 2.0 * BEAT_SECONDS
PATIENCE_SECONDS = 60.0

pytestmark = pytest.mark.usefixtures("kernel_stamps")


def an_update(sequence_id: int) -> bytes:
    return frame(TEXT, invocation(update(1_000_000.0, sequence_id, game(1_000_000.0, 3))).encode())


class Line:
    """A connection that the reader holds, and the hub's end of it."""

    def __init__(
        self, name: str, world: "World", ours: socket.socket, theirs: socket.socket, begin: bytes = b""
    ) -> None:
        self.name = name
        self.scope = trio.CancelScope()
        self.arrivals: list[Arrival] = []
        self.on_heard: Callable[[], None] = lambda: None
        self._world = world
        self._theirs = theirs
        clock = world.reader.clock
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        self._channel = Channel(stream, clock, world.reader.stalls)
        self.connection = HubConnection(self._channel, begin, "", clock=clock)

    async def be_held(self, tolerance_seconds: float) -> None:
        try:
            with self.scope:
                await self._world.reader.hold(self.connection, self._hear, tolerance_seconds)
        finally:
            self._channel.close()
            self._theirs.close()

    def send(self, *data: bytes) -> None:
        """Sends, and waits until the kernel has it at our end; no task of Trio's runs in the meantime."""
        self._theirs.sendall(b"".join(data))
        assert select.select([self._channel.fileno()], [], [], PATIENCE_SECONDS)[0]

    def _hear(self, heard: Sequence[tuple[Heard, Arrival]]) -> None:
        """Notes each read, with the ids of its updates."""
        updates = [what for what, _ in heard if isinstance(what, UpdateReceived)]
        self.arrivals += [arrival for _, arrival in heard]
        if [what for what, _ in heard] != [Established()]:
            self._world.log.append((self.name, *(what.update.sequence_id for what in updates)))
        self.on_heard()


class Game:
    """Is judged when it is due, and then no more."""

    def __init__(self, name: str, world: "World", due: float = math.inf) -> None:
        self.name = name
        self.due = due
        self.on_judged: Callable[[], None] = lambda: None
        self._world = world

    def judge(self, now: float) -> None:
        self.due = math.inf
        self._world.log.append((self.name, now))
        self.on_judged()


class World:
    """A reader that runs on virtual time, and what has happened."""

    def __init__(self, reader: Reader, nursery: trio.Nursery, clock: MockClock) -> None:
        self.reader = reader
        self.log: list[tuple[Any, ...]] = []
        self._nursery = nursery
        self._clock = clock

    async def line(
        self, name: str, tolerance_seconds: float = TOLERANCE_SECONDS, *, unix: bool = False
    ) -> Line:
        """Another connection, whose handshake the hub has accepted."""
        line = await self.new_line(name, tolerance_seconds, unix=unix)
        line.send(frame(TEXT, HANDSHAKE.encode()))
        await wait_all_tasks_blocked()
        assert line.connection.established
        return line

    async def new_line(
        self, name: str, tolerance_seconds: float = TOLERANCE_SECONDS, *, unix: bool = False
    ) -> Line:
        line = Line(name, self, *(socket.socketpair() if unix else tcp_pair()))
        self._nursery.start_soon(line.be_held, tolerance_seconds)
        await wait_all_tasks_blocked()
        self.log.clear()
        return line

    def game(self, name: str, due: float = math.inf) -> Game:
        """Another game, whose time is known to the reader as a subscription makes it known."""
        added = Game(name, self, due)
        self.reader.add(added)
        self.make_due(added, due)
        return added

    def make_due(self, game: Game, due: float) -> None:
        game.due = due
        if due < self.reader.rings_at:
            self.reader.hasten(due)

    async def after(self, seconds: float) -> list[tuple[Any, ...]]:
        """What has happened when so much more time has passed, once all that can run has run."""
        self._clock.jump(seconds)
        await wait_all_tasks_blocked()
        happened, self.log[:] = self.log[:], []
        return happened

    async def on_the_beat(self) -> list[tuple[Any, ...]]:
        return await self.after(BEAT_SECONDS)


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    return ours, theirs


@asynccontextmanager
async def reading(mock_clock: MockClock, wall: Callable[[], float] = time.time) -> AsyncIterator[World]:
    """A running reader, which has just had a beat; the wall clock is the one by which the kernel stamps."""
    clock = Clock(wall=wall)
    reader = Reader(clock, Stalls(clock), beat_seconds=BEAT_SECONDS)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader.run)
        await wait_all_tasks_blocked()
        yield World(reader, nursery, mock_clock)
        nursery.cancel_scope.cancel()


@pytest.fixture
async def world(mock_clock: MockClock) -> AsyncIterator[World]:
    async with reading(mock_clock) as made:
        yield made


# --- on the beat, or with each arrival


async def test_an_established_connection_is_read_on_the_beat(mock_clock, world):
    line = await world.line("a")
    line.send(an_update(1))
    assert await world.after(0.0) == []
    assert await world.after(0.9 * BEAT_SECONDS) == []
    assert await world.after(0.1 * BEAT_SECONDS) == [("a", 1)]
    assert await world.on_the_beat() == []
    assert line.connection.read_late


@pytest.mark.parametrize(
    ("tolerance_seconds", "unix"),
    [
        pytest.param(1.9 * SHORTEST_BEAT_SECONDS, False, id="too small a tolerance"),
        pytest.param(TOLERANCE_SECONDS, True, id="no kernel that stamps"),
    ],
)
async def test_a_connection_for_which_a_beat_will_not_do_is_read_with_each_arrival(
    mock_clock, world, tolerance_seconds, unix
):
    line = await world.line("a", tolerance_seconds, unix=unix)
    for number in range(3):
        line.send(an_update(number))
        assert await world.after(0.0) == [("a", number)]
    assert not line.connection.read_late


async def test_without_a_kernel_that_stamps_tcp_is_read_with_each_arrival(mock_clock, world, monkeypatch):
    monkeypatch.setattr(channel_module, "_SO_TIMESTAMPNS", 9999)
    line = await world.line("a")
    line.send(an_update(1))
    assert await world.after(0.0) == [("a", 1)]


async def test_a_handshake_is_read_when_it_comes(mock_clock, world):
    line = await world.new_line("a")
    line.send(frame(PONG))
    assert await world.after(0.0) == [("a",)]
    line.send(frame(TEXT, HANDSHAKE.encode()))
    assert await world.after(0.0) == []
    assert line.connection.established


async def test_what_came_while_a_connection_was_made_is_read_at_once(mock_clock, world):
    ours, theirs = tcp_pair()
    line = Line("a", world, ours, theirs)
    line.send(frame(TEXT, HANDSHAKE.encode()), an_update(1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(line.be_held, TOLERANCE_SECONDS)
        assert await world.after(0.0) == [("a", 1)]
        line.scope.cancel()


async def test_what_came_with_the_upgrade_is_read_though_nothing_follows(mock_clock, world):
    line = Line("a", world, *tcp_pair(), begin=frame(TEXT, HANDSHAKE.encode()) + an_update(1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(line.be_held, TOLERANCE_SECONDS)
        assert await world.after(0.0) == [("a", 1)]
        line.send(an_update(2))
        assert await world.after(0.0) == []
        assert await world.on_the_beat() == [("a", 2)]
        line.scope.cancel()


async def test_the_beat_is_as_short_as_the_smallest_tolerance_wants_it(mock_clock, world):
    wide, narrow = await world.line("wide"), await world.line("narrow", TOLERANCE_SECONDS / 2.0)
    await world.on_the_beat()
    for number in range(3):
        wide.send(an_update(number))
        narrow.send(an_update(number))
        assert sorted(await world.after(BEAT_SECONDS / 2.0)) == [("narrow", number), ("wide", number)]
    narrow.scope.cancel()
    await world.after(0.0)
    assert await world.after(BEAT_SECONDS / 2.0) == []
    wide.send(an_update(7))
    assert await world.after(BEAT_SECONDS / 2.0) == []
    assert await world.after(BEAT_SECONDS / 2.0) == [("wide", 7)]


async def test_a_beat_of_a_tolerance_just_long_enough_is_one(mock_clock, world):
    line = await world.line("a", 2.0 * SHORTEST_BEAT_SECONDS)
    line.send(an_update(1))
    assert await world.after(0.0) == []
    assert await world.on_the_beat() == [("a", 1)]


# --- stamps


async def test_of_several_messages_of_one_read_only_the_last_is_exact(mock_clock, world):
    line = await world.line("a")
    line.arrivals.clear()
    line.send(an_update(1), an_update(2), an_update(3))
    assert await world.on_the_beat() == [("a", 1, 2, 3)]
    assert [arrival.exact for arrival in line.arrivals] == [False, False, True]


async def test_read_with_each_arrival_all_of_one_read_are_exact(mock_clock, world):
    line = await world.line("a", unix=True)
    line.arrivals.clear()
    line.send(an_update(1), an_update(2))
    assert await world.after(0.0) == [("a", 1, 2)]
    assert [arrival.exact for arrival in line.arrivals] == [True, True]


# --- floods, and many


@pytest.fixture
def reads_of_64(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Has a read take 64 bytes at most; so many, which say nothing."""
    buffer = memoryview(bytearray(64))
    monkeypatch.setattr(channel_module, "READ_BYTES", len(buffer))
    monkeypatch.setattr(channel_module, "_BUFFER", buffer)
    monkeypatch.setattr(channel_module, "_BUFFERS", [buffer])
    return frame(PONG, b"x" * 62)


async def test_a_flood_of_one_connection_delays_no_other(mock_clock, world, reads_of_64):
    flooded, quiet = await world.line("flooded"), await world.line("quiet")
    world.game("game", due=BEAT_SECONDS)
    flooded.send(reads_of_64 * (2 * MAX_READS + 4))
    quiet.send(reads_of_64[:10])
    happened = await world.on_the_beat()
    # Each is read once before one is read again, what is due is judged before that, and there is an end
    # before all has been read.
    assert sorted(happened[:2]) == [("flooded",), ("quiet",)]
    assert happened[2:] == [("game", BEAT_SECONDS)] + [("flooded",)] * (MAX_READS - 1)
    assert await world.on_the_beat() == [("flooded",)] * MAX_READS
    # The last read is the one that finds nothing more.
    assert await world.on_the_beat() == [("flooded",)] * 5
    assert await world.on_the_beat() == []


async def test_a_flood_that_takes_long_to_read_costs_no_beat(mock_clock, world, reads_of_64):
    flooded, quiet = await world.line("flooded"), await world.line("quiet")
    flooded.on_heard = lambda: mock_clock.jump(0.3 * BEAT_SECONDS)
    flooded.send(reads_of_64 * MAX_READS)
    quiet.send(reads_of_64[:10])
    # It is read until half the beat is over, and what is left waits for the next one.
    happened = await world.on_the_beat()
    assert sorted(happened) == [("flooded",), ("flooded",), ("quiet",)]
    assert (await world.on_the_beat())[:1] == [("flooded",)]


@pytest.fixture
def stalls(world: World) -> list[float]:
    """How long each stall was that has been booked."""
    booked: list[float] = []
    world.reader.stalls.on_stall(lambda since, until: booked.append(until - since))
    return booked


async def test_what_a_flood_takes_is_a_stall_of_ours(mock_clock, world, reads_of_64, stalls):
    flooded = await world.line("flooded")
    flooded.on_heard = lambda: mock_clock.jump(0.12)
    flooded.send(reads_of_64 * 3)
    await world.on_the_beat()
    assert stalls == [pytest.approx(0.12)]


async def test_what_a_portion_of_connections_takes_is_a_stall_of_ours(mock_clock, world, stalls, monkeypatch):
    monkeypatch.setattr(module, "_PORTION", 1)
    for line in [await world.line("a"), await world.line("b")]:
        line.on_heard = lambda: mock_clock.jump(0.12)
        line.send(an_update(1))
    await world.on_the_beat()
    assert stalls == [pytest.approx(0.12)] * 2


async def test_what_judging_takes_is_a_stall_of_ours(mock_clock, world, stalls):
    game = world.game("game", due=0.05)
    game.on_judged = lambda: mock_clock.jump(0.12)
    await world.after(0.05)
    assert stalls == [pytest.approx(0.12)]


async def test_what_falls_due_amid_the_reading_is_judged_before_the_rest_is_read(
    mock_clock, world, monkeypatch
):
    monkeypatch.setattr(module, "_PORTION", 1)
    for name in "abc":
        line = await world.line(name)
        line.on_heard = lambda: mock_clock.jump(0.01)
        line.send(an_update(1))
    world.game("game", due=trio.current_time() + BEAT_SECONDS + 0.005)
    happened = await world.on_the_beat()
    assert [name for name, _ in happened].index("game") == 1
    assert len(happened) == 4


async def test_between_portions_of_connections_others_have_their_turn(mock_clock, world, monkeypatch):
    monkeypatch.setattr(module, "_PORTION", 2)
    lines = [await world.line(name) for name in "abcdef"]
    turn = trio.Event()

    async def other() -> None:
        await turn.wait()
        world.log.append(("other",))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        await wait_all_tasks_blocked()
        for line in lines:
            line.on_heard = turn.set
            line.send(an_update(1))
        happened = await world.on_the_beat()
    assert sorted(happened) == [(name, 1) for name in "abcdef"] + [("other",)]
    assert happened.index(("other",)) <= 4


async def test_between_portions_of_games_others_have_their_turn(mock_clock, world, monkeypatch):
    monkeypatch.setattr(module, "_PORTION", 2)
    turn = trio.Event()

    async def other() -> None:
        await turn.wait()
        world.log.append(("other",))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        await wait_all_tasks_blocked()
        for name in "abcdef":
            world.game(name, due=0.05).on_judged = turn.set
        happened = await world.after(0.05)
    assert [name for name, *_ in happened if name != "other"] == list("abcdef")
    assert happened.index(("other",)) <= 4


async def test_between_the_reads_of_a_flood_others_have_their_turn(mock_clock, world, reads_of_64):
    line = await world.line("a")
    turn = trio.Event()

    async def other() -> None:
        await turn.wait()
        world.log.append(("other",))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        await wait_all_tasks_blocked()
        line.on_heard = turn.set
        line.send(reads_of_64 * MAX_READS)
        happened = await world.on_the_beat()
    assert happened.index(("other",)) <= 2


# --- what falls due


async def test_a_deadline_before_the_next_beat_rings_at_its_time(mock_clock, world):
    world.game("game", due=0.05)
    assert await world.after(0.04) == []
    assert await world.after(0.02) == [("game", pytest.approx(0.06))]
    assert await world.on_the_beat() == []


async def test_a_deadline_that_turns_out_to_be_nearer_rings_at_its_time(mock_clock, world):
    game = world.game("game", due=10.0)
    assert await world.after(0.05) == []
    world.make_due(game, 0.0625)
    assert await world.after(0.0125) == [("game", pytest.approx(0.0625))]


async def test_what_is_due_already_is_judged_at_once(mock_clock, world):
    game = world.game("game")
    await world.after(0.05)
    world.make_due(game, 0.01)
    assert await world.after(0.0) == [("game", 0.05)]
    assert world.reader.stalls.seconds == 0.0


async def test_what_is_read_may_bring_a_deadline_nearer(mock_clock, world):
    line, game = await world.line("a"), world.game("game", due=10.0)
    line.on_heard = lambda: world.make_due(game, 0.15)
    line.send(an_update(1))
    assert await world.on_the_beat() == [("a", 1)]
    assert await world.after(0.02) == []
    assert await world.after(0.01) == [("game", pytest.approx(0.155))]


async def test_what_is_judged_may_bring_another_deadline_nearer(mock_clock, world):
    first, second = world.game("first", due=0.05), world.game("second")
    first.on_judged = lambda: world.make_due(second, 0.075)
    assert await world.after(0.05) == [("first", 0.05)]
    assert await world.after(0.025) == [("second", pytest.approx(0.075))]


async def test_deadlines_between_the_beats_do_not_move_the_beats(mock_clock, world):
    line = await world.line("a")
    for number in range(1, 4):
        line.send(an_update(number))
        world.game(f"game {number}", due=trio.current_time() + 0.0625)
        assert [name for name, *_ in await world.after(0.0625)] == [f"game {number}"]
        assert await world.after(0.0625) == [("a", number)]
    assert trio.current_time() == 3 * BEAT_SECONDS


async def test_what_had_arrived_is_read_before_the_time_is_judged(mock_clock, world):
    line = await world.line("a")
    world.game("game", due=BEAT_SECONDS)
    line.send(an_update(1))
    assert await world.on_the_beat() == [("a", 1), ("game", BEAT_SECONDS)]


async def test_games_may_come_and_go_while_others_are_judged(mock_clock, world):
    first, second = world.game("first", due=0.05), world.game("second", due=0.05)

    def replace() -> None:
        world.reader.discard(second)
        world.reader.discard(second)
        world.game("third", due=0.0625)

    first.on_judged = replace
    assert await world.after(0.05) == [("first", 0.05)]
    assert await world.after(0.0125) == [("third", pytest.approx(0.0625))]
    assert await world.on_the_beat() == []


# --- connections that go


async def test_a_connection_that_is_let_go_is_read_no_more(mock_clock, world):
    line, other = await world.line("a"), await world.line("b")
    line.send(an_update(1))
    line.scope.cancel()
    await world.after(0.0)
    other.send(an_update(1))
    assert await world.on_the_beat() == [("b", 1)]
    # Its number may be given to another.
    third = await world.line("c")
    third.send(an_update(1))
    assert await world.on_the_beat() == [("c", 1)]


@pytest.mark.parametrize("unix", [False, True])
async def test_a_connection_that_is_let_go_before_the_handshake_leaves_nothing(mock_clock, world, unix):
    line = await world.new_line("a", unix=unix)
    line.scope.cancel()
    assert await world.on_the_beat() == []
    assert await world.line("b")


async def test_connections_may_go_while_others_are_read(mock_clock, world, monkeypatch):
    monkeypatch.setattr(module, "_PORTION", 1)
    lines = [await world.line(name) for name in "abcd"]
    gone: list[Line] = []

    def let_others_go(line: Line) -> Callable[[], None]:
        def let_go() -> None:
            if not gone:
                gone.extend(other for other in lines if other is not line)
                for other in gone:
                    other.scope.cancel()

        return let_go

    for line in lines:
        line.on_heard = let_others_go(line)
        line.send(an_update(1))
    happened = await world.on_the_beat()
    # The next may be read before its task knows; by then the others are gone.
    assert len(happened) in (1, 2)
    assert await world.on_the_beat() == []
    (left,) = (line for line in lines if line not in gone)
    left.send(an_update(2))
    assert await world.on_the_beat() == [(left.name, 2)]


async def test_a_connection_that_is_lost_is_read_no_more(mock_clock, world, reads_of_64):
    line = await world.line("a")
    line.send(frame(TEXT, b"\xff"), an_update(1))
    assert await world.on_the_beat() == [("a",)]
    # It is only reported: whoever holds it lets it go, and until then nothing comes of it.
    line.send(an_update(2))
    assert await world.on_the_beat() == [("a",)]
    assert len([each for each in line.arrivals if each]) == 2


# --- a real game


class Token:
    """The keeper of a token that never changes."""

    token: str | None = "sesame"
    pending = False

    def __init__(self) -> None:
        self.changed = trio.Event()

    def accepted(self, token: str) -> None:
        pass

    def rejected(self, token: str) -> None:
        pytest.fail(f"{token} rejected")


@pytest.mark.parametrize("in_time", [False, True])
async def test_a_game_is_not_called_silent_for_an_update_that_the_kernel_holds(mock_clock, in_time):
    def wall() -> float:
        """Goes on with the virtual time, so that whatever is read late has been stamped before."""
        return time.time() + trio.current_time()

    def report(_: Monitor, findings: list[Finding]) -> None:
        world.log.extend(
            (finding.detail["new"],) for finding in findings if finding.event == "feed.state_changed"
        )

    async def connect(_: str) -> tuple[Channel, bytes]:
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        channels.append(Channel(stream, world.reader.clock, world.reader.stalls))
        return channels[0], b""

    def hub_sends(data: bytes) -> None:
        hub.sendall(data)
        assert select.select([channels[0].fileno()], [], [], PATIENCE_SECONDS)[0]

    checks = CheckSettings(tolerance_seconds=0.3)  # so no deadline falls on a beat
    channels: list[Channel] = []
    ours, hub = tcp_pair()
    async with reading(mock_clock, wall=wall) as world, trio.open_nursery() as nursery:
        with hub:
            subscription = Subscription(
                Monitor("feed", 3, "game", checks, 0.0),
                checks,
                7,
                keeper=Token(),
                connect=connect,
                reader=world.reader,
                backoff=Backoff(1.0, 1.0),
                report=report,
                random=lambda: 0.0,
            )
            nursery.start_soon(subscription.run)
            await wait_all_tasks_blocked()
            hub_sends(frame(TEXT, HANDSHAKE.encode()))
            await wait_all_tasks_blocked()
            hub_sends(an_update(1))
            await world.on_the_beat()
            assert subscription.monitor.update_due_at == pytest.approx(0.8, abs=0.01)
            assert [await world.on_the_beat() for _ in range(5)] == [[]] * 5
            assert await world.after(0.025) == []
            if in_time:
                hub_sends(an_update(2))
            happened = await world.after(0.05)
            nursery.cancel_scope.cancel()
    assert subscription.monitor.snapshot(trio.current_time(), wall()).messages == 1 + in_time
    assert happened == ([] if in_time else [("silent",)])


# --- stalls of our own


async def test_a_beat_that_comes_late_is_booked_once_and_before_anything_is_judged(mock_clock, world):
    line = await world.line("a")
    world.game("game", due=0.5)
    world.reader.stalls.on_stall(lambda *times: world.log.append(("stall", *times)))
    line.send(an_update(1))
    line.arrivals.clear()
    assert await world.after(1.0) == [("stall", BEAT_SECONDS, 1.0), ("a", 1), ("game", 1.0)]
    assert world.reader.stalls.seconds == 1.0 - BEAT_SECONDS
    assert not any(arrival.exact for arrival in line.arrivals)


async def test_a_deadline_that_rings_late_is_a_stall_as_well(mock_clock, world):
    world.game("game", due=0.0625)
    world.reader.stalls.on_stall(lambda *times: world.log.append(("stall", *times)))
    assert await world.after(0.5) == [("stall", 0.0625, 0.5), ("game", 0.5)]


async def test_a_beat_that_is_a_little_late_is_none(mock_clock, world):
    line = await world.line("a")
    line.send(an_update(1))
    assert await world.after(BEAT_SECONDS + 0.0625) == [("a", 1)]
    line.send(an_update(2))
    assert await world.after(BEAT_SECONDS - 0.0625) == [("a", 2)]
    assert world.reader.stalls.seconds == 0.0


async def test_a_long_read_is_booked_before_anything_is_judged(mock_clock, world):
    line = await world.line("a")
    world.game("game", due=BEAT_SECONDS)
    world.reader.stalls.on_stall(lambda *times: world.log.append(("stall", *times)))
    line.on_heard = lambda: mock_clock.jump(0.5)
    line.send(an_update(1))
    now = BEAT_SECONDS + 0.5
    assert await world.on_the_beat() == [("a", 1), ("stall", BEAT_SECONDS, now), ("game", now)]


async def test_whoever_holds_the_loop_between_two_portions_is_booked(mock_clock, world, monkeypatch):
    monkeypatch.setattr(module, "_PORTION", 1)
    turn = trio.Event()
    world.reader.stalls.on_stall(lambda *times: world.log.append(("stall", *times)))

    async def hog() -> None:
        await turn.wait()
        mock_clock.jump(0.5)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hog)
        await wait_all_tasks_blocked()
        for name in "abcd":
            world.game(name, due=0.05).on_judged = turn.set
        happened = await world.after(0.05)
    assert [name for name, *_ in happened if name != "stall"] == list("abcd")
    assert [each for each in happened if each[0] == "stall"] == [("stall", 0.05, pytest.approx(0.55))]
    assert happened[-1] == ("d", pytest.approx(0.55))
    judged_late = [name for name, now, *_ in happened if name != "stall" and now > 0.05]
    assert happened.index(("stall", 0.05, pytest.approx(0.55))) == 4 - len(judged_late)


async def test_beats_after_a_stall_are_none_however_they_fall(mock_clock, world):
    """The beat goes on as it was: the next turn may be nearly a whole beat from the stall's end."""
    line = await world.line("a")
    await world.after(10 * BEAT_SECONDS + 0.001)
    booked = world.reader.stalls.seconds
    for number in range(10):
        line.send(an_update(number))
        assert await world.on_the_beat() == [("a", number)]
        assert line.arrivals[-1].exact == (number > 0)
    assert world.reader.stalls.seconds == booked


# --- the end


async def test_at_the_end_nothing_is_late_any_more(mock_clock):
    async with reading(mock_clock) as world:
        pass
    world.game("game", due=trio.current_time())
    mock_clock.jump(10.0)
    world.reader.stalls.catch_up()
    assert world.reader.stalls.seconds == 0.0


async def test_before_the_reader_runs_nothing_is_late_and_nothing_is_lost(mock_clock):
    clock = Clock()
    reader = Reader(clock, Stalls(clock), beat_seconds=BEAT_SECONDS)
    async with trio.open_nursery() as nursery:
        world = World(reader, nursery, mock_clock)
        world.game("game", due=1.0)
        assert await world.after(5.0) == []
        nursery.start_soon(reader.run)
        assert await world.after(0.0) == [("game", 5.0)]
        assert reader.stalls.seconds == 0.0
        nursery.cancel_scope.cancel()


# --- real time


def test_the_loop_itself_takes_the_readers_turns_for_beats_and_deadlines():
    async def main() -> list[Any]:
        heard, judged = trio.Event(), trio.Event()
        clock = Clock()
        reader = Reader(clock, Stalls(clock))
        with trio.fail_after(PATIENCE_SECONDS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(reader.run)
                world = World(reader, nursery, MockClock())
                line, game = await world.line("a"), world.game("game")
                line.on_heard, game.on_judged = heard.set, judged.set
                line.send(an_update(1))
                await heard.wait()
                world.make_due(game, trio.current_time() + 0.01)
                due = game.due
                await judged.wait()
                nursery.cancel_scope.cancel()
        return [due, *world.log]

    due, line_heard, (judged_name, judged_at) = trio.run(main, clock=LoopWaker())
    assert (line_heard, judged_name) == (("a", 1), "game")
    assert judged_at >= due
