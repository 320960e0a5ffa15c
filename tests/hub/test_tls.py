"""TLS without a stream, against OpenSSL: as a server in memory, behind real sockets, and as `s_server`."""

import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support.raw_server import Authority, at, hang_up, reset_at_once, serving
from tests.support.tools import require_tool
from watchdog.hub import opening
from watchdog.hub.channel import Channel
from watchdog.hub.opening import open_channel
from watchdog.hub.tls import ENDED_IN_HANDSHAKE, Tls
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.clock import Clock
from watchdog.runtime.stalls import Stalls
from watchdog.runtime.tls import client_context

HOST = "127.0.0.1"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
PATIENCE_SECONDS = 60.0

ALERT = 21
"""The first byte of a record that holds an alert in plain text or in TLS 1.2."""

SEAL_BYTES = 17
"""By how much a record of TLS 1.3 is longer than what it holds: its kind and an authentication tag."""

KEY_UPDATE_BYTES = 5 + SEAL_BYTES


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def trust(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """The context that the watchdog makes of a file of authorities."""
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.ca.cert_pem.write_to_path(str(path))
    return client_context(str(path))


@pytest.fixture(params=VERSIONS, ids=lambda version: version.name)
def context(request: pytest.FixtureRequest, authority: Authority) -> ssl.SSLContext:
    """A server's, of each version."""
    return limited(authority.server(), request.param)


def limited(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = version
    return context


class Server:
    """The other side of TLS, in memory."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def answer(self, data: bytes) -> bytes:
        """Goes on with the handshake; the bytes to send, an alert too."""
        self._incoming.write(data)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            return self._outgoing.read() or bytes([ALERT]) + (error.reason or "").encode()
        return self._outgoing.read()

    def says(self, *texts: bytes) -> bytes:
        """The bytes of these texts, a record each."""
        for text in texts:
            self.tls.write(text)
        return self._outgoing.read()

    def closes(self) -> bytes:
        """The bytes of a close_notify."""
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self._outgoing.read()

    def hears(self, data: bytes) -> bytes | None:
        """The text in the client's bytes; None after its goodbye. Raises what its alert is to OpenSSL."""
        self._incoming.write(data)
        try:
            return self.tls.read(65_536) or None
        except ssl.SSLZeroReturnError:
            return None


def connected(context: ssl.SSLContext, trust: ssl.SSLContext) -> tuple[Tls, Server]:
    """Both sides after the handshake; the session tickets have been read."""
    tls, server = Tls(trust, HOST), Server(context)
    data: bytes | None = None
    while not tls.handshake(data):
        data = server.answer(tls.data_to_send())
    if tickets := server.answer(tls.data_to_send()):
        assert tls.decrypt(tickets) is None
    return tls, server


def refused(context: ssl.SSLContext, trust: ssl.SSLContext) -> tuple[ConnectionLostError, bytes]:
    """Why a handshake fails, and what the server gets to hear of it."""
    tls, server = Tls(trust, HOST), Server(context)
    data: bytes | None = None
    try:
        while not tls.handshake(data):
            data = server.answer(tls.data_to_send())
    except ConnectionLostError as lost:
        return lost, server.answer(tls.data_to_send())
    pytest.fail("the handshake did not fail")


# --- in memory: what is said


def test_both_sides_understand_each_other(context, trust):
    tls, server = connected(context, trust)
    assert tls.decrypt(server.says(b"hello")) == b"hello"
    assert server.hears(tls.encrypt(b"and hello to you")) == b"and hello to you"
    assert tls.decrypt(server.says(b"x" * 100_000)) == b"x" * 100_000
    assert (tls.failure, tls.ended) == (None, False)


def test_a_handshake_byte_by_byte_is_a_handshake(context, trust):
    tls, server = Tls(trust, HOST), Server(context)
    done = tls.handshake()
    while not done:
        for byte in server.answer(tls.data_to_send()):
            assert not done
            done = tls.handshake(bytes([byte]))
    for byte in server.answer(tls.data_to_send()) + server.says(b"hello"):
        text = tls.decrypt(bytes([byte]))
    assert text == b"hello"


def test_a_record_is_readable_with_its_last_byte(context, trust):
    tls, server = connected(context, trust)
    record = server.says(b"hello")
    for cut in range(1, len(record)):
        assert tls.decrypt(record[:cut]) is None
        assert tls.decrypt(record[cut:]) == b"hello"
        record = server.says(b"hello")


def test_several_records_of_one_read_are_one_text(context, trust):
    tls, server = connected(context, trust)
    records, next_one = server.says(b"one ", b"two ", b"three"), server.says(b"four")
    assert tls.decrypt(records + next_one[:10]) == b"one two three"
    assert tls.decrypt(next_one[10:]) == b"four"


@given(
    texts=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=6),
    cuts=st.lists(st.integers(0, 400), max_size=12),
    version=st.sampled_from(VERSIONS),
    says_goodbye=st.booleans(),
)
def test_however_the_bytes_are_cut_the_text_is_the_same(authority, trust, texts, cuts, version, says_goodbye):
    tls, server = connected(limited(authority.server(), version), trust)
    data = server.says(*texts) + (server.closes() if says_goodbye else b"")
    bounds = [0, *sorted({min(cut, len(data)) for cut in cuts}), len(data)]
    pieces = [data[begin:end] for begin, end in pairwise(bounds) if begin < end]
    heard = [tls.decrypt(piece) for piece in pieces]
    assert b"".join(text for text in heard if text) == b"".join(texts)
    assert (tls.ended, tls.failure) == (says_goodbye, None)


def test_session_tickets_say_nothing(authority, trust):
    tls, server = Tls(trust, HOST), Server(limited(authority.server(), ssl.TLSVersion.TLSv1_3))
    tls.handshake()
    assert tls.handshake(server.answer(tls.data_to_send()))
    tickets = server.answer(tls.data_to_send())
    assert len(tickets) > 100
    assert tls.decrypt(tickets) is None
    assert tls.data_to_send() == b""


# --- in memory: the end


def test_a_close_notify_is_the_end(context, trust):
    tls, server = connected(context, trust)
    assert tls.decrypt(server.closes()) == b""
    assert (tls.failure, tls.ended) == (None, True)


def test_a_close_notify_behind_a_text_is_the_end_too(context, trust):
    tls, server = connected(context, trust)
    assert tls.decrypt(server.says(b"last ", b"words") + server.closes()) == b"last words"
    assert (tls.failure, tls.ended) == (None, True)
    assert tls.decrypt(b"whatever comes then") == b""


@pytest.mark.parametrize("cut", [0, 10])
def test_an_end_without_a_goodbye_is_an_end_and_no_failure(context, trust, cut):
    tls, server = connected(context, trust)
    record = server.says(b"half of it")
    if cut:
        assert tls.decrypt(record[:cut]) is None
    assert tls.decrypt(b"") == b""
    assert (tls.failure, tls.ended) == (None, True)
    assert tls.decrypt(b"") == b""


def test_our_goodbye_is_a_close_notify_and_is_said_once(context, trust):
    tls, server = connected(context, trust)
    assert server.hears(tls.close()) is None
    assert tls.close() == tls.encrypt(b"anything more?") == b""


def test_a_goodbye_is_answered_with_one(context, trust):
    tls, server = connected(context, trust)
    tls.decrypt(server.closes())
    assert server.hears(tls.close()) is None


def test_a_broken_record_is_a_failure_and_the_hub_hears_of_it(context, trust):
    tls, server = connected(context, trust)
    record = server.says(b"hello")
    assert tls.decrypt(record[:-1] + bytes([record[-1] ^ 1])) == b""
    assert tls.failure is not None
    assert (tls.failure.reason, tls.failure.detail) == ("tls", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC")
    with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
        server.hears(tls.data_to_send())


def test_a_broken_record_behind_a_text_leaves_the_text(context, trust):
    tls, server = connected(context, trust)
    assert tls.decrypt(server.says(b"hello") + b"\x17\x03\x03\x00\x20" + b"x" * 32) == b"hello"
    assert tls.failure is not None
    assert (tls.failure.reason, tls.ended) == ("tls", True)
    first = str(tls.failure)
    assert tls.decrypt(b"") == b""
    assert str(tls.failure) == first


def test_a_text_without_a_letter_is_not_sent(context, trust):
    tls, server = connected(context, trust)
    assert tls.encrypt(b"") == b""
    assert server.hears(tls.encrypt(b"still here")) == b"still here"


# --- in memory: handshakes that fail, in OpenSSL's own words


def test_a_certificate_of_another_host_is_refused(authority, trust):
    lost, alert = refused(authority.server("127.0.0.2"), trust)
    assert (lost.reason, lost.detail) == (
        "tls",
        "IP address mismatch, certificate is not valid for '127.0.0.1'.",
    )
    assert b"ALERT" in alert


def test_a_certificate_of_an_unknown_authority_is_refused(trust):
    lost, alert = refused(Authority().server(), trust)
    assert (lost.reason, lost.detail) == ("tls", "unable to get local issuer certificate")
    assert b"ALERT_UNKNOWN_CA" in alert


def test_an_expired_certificate_is_refused(authority, trust):
    lost, alert = refused(authority.server(expired=True), trust)
    assert (lost.reason, lost.detail) == ("tls", "certificate has expired")
    assert b"ALERT_CERTIFICATE_EXPIRED" in alert


def test_a_fatal_alert_of_the_hub_is_named(trust):
    tls = Tls(trust, HOST)
    tls.handshake()
    with pytest.raises(ConnectionLostError) as lost:
        tls.handshake(b"\x15\x03\x03\x00\x02\x02\x46")  # protocol_version
    assert (lost.value.reason, lost.value.detail) == ("tls", "TLSV1_ALERT_PROTOCOL_VERSION")


def demanding(authority: Authority, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A server's context that wants a certificate of the client, which has none."""
    context = limited(authority.server(), version)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(context)
    return context


def test_a_certificate_of_ours_that_is_missing_fails_the_handshake_of_tls_1_2(authority, trust):
    lost, _ = refused(demanding(authority, ssl.TLSVersion.TLSv1_2), trust)
    assert (lost.reason, lost.detail) == ("tls", "SSLV3_ALERT_HANDSHAKE_FAILURE")


def test_a_certificate_of_ours_that_is_missing_is_an_alert_behind_the_handshake_of_tls_1_3(authority, trust):
    tls, server = Tls(trust, HOST), Server(demanding(authority, ssl.TLSVersion.TLSv1_3))
    tls.handshake()
    assert tls.handshake(server.answer(tls.data_to_send()))
    assert tls.decrypt(server.answer(tls.data_to_send())) == b""
    assert tls.failure is not None
    assert (tls.failure.reason, tls.failure.detail) == ("tls", "TLSV13_ALERT_CERTIFICATE_REQUIRED")


def test_a_server_that_speaks_plain_text_is_none_of_tls(trust):
    tls = Tls(trust, HOST)
    tls.handshake()
    with pytest.raises(ConnectionLostError) as lost:
        tls.handshake(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert (lost.value.reason, lost.value.detail) == ("tls", "WRONG_VERSION_NUMBER")


@pytest.mark.parametrize("cut", [0, 1, 5, 100])
def test_a_handshake_that_is_cut_is_a_closed_connection(context, trust, cut):
    tls, server = Tls(trust, HOST), Server(context)
    tls.handshake()
    assert not tls.handshake(server.answer(tls.data_to_send())[:cut] or None)
    with pytest.raises(ConnectionLostError) as lost:
        tls.handshake(b"")
    assert (lost.value.reason, lost.value.detail) == ("closed", ENDED_IN_HANDSHAKE)


def test_a_goodbye_instead_of_a_handshake_is_a_closed_connection(trust):
    tls = Tls(trust, HOST)
    tls.handshake()
    with pytest.raises(ConnectionLostError) as lost:
        tls.handshake(b"\x15\x03\x03\x00\x02\x01\x00")  # close_notify
    assert (lost.value.reason, lost.value.detail) == ("closed", ENDED_IN_HANDSHAKE)


# --- OpenSSL behind real sockets, in a thread of its own

Talk = Callable[[ssl.SSLSocket], object]


@asynccontextmanager
async def listening(context: ssl.SSLContext, talk: Talk) -> AsyncIterator[int]:
    """The port of a server that talks so to one client, from the handshake on."""

    def serve(listener: socket.socket) -> None:
        plain, _ = listener.accept()
        plain.settimeout(PATIENCE_SECONDS)
        with context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as stream:
            talk(stream)

    with socket.create_server((HOST, 0)) as listener, trio.fail_after(PATIENCE_SECONDS):
        listener.settimeout(PATIENCE_SECONDS)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, serve, listener)
            yield listener.getsockname()[1]


@asynccontextmanager
async def served(context: ssl.SSLContext, talk: Talk) -> AsyncIterator[Channel]:
    """A channel to such a server, connected but not yet secured."""
    clock = Clock()
    async with listening(context, talk) as port:
        channel = Channel(await trio.open_tcp_stream(HOST, port), clock, Stalls(clock))
        try:
            yield channel
        finally:
            channel.close()


async def rest_of(channel: Channel) -> bytes:
    """All that comes until the end."""
    text = b""
    while data := await channel.receive():
        text += data
    return text


async def test_a_real_server_is_understood(context, trust):
    heard: list[bytes] = []

    def talk(stream):
        stream.do_handshake()
        for number in range(50):
            stream.sendall(b"%d " % number * 1_000)
        while len(b"".join(heard)) < 300_000:
            heard.append(stream.recv(65_536))
        stream.unwrap()

    async with served(context, talk) as channel:
        await channel.secure(Tls(trust, HOST))
        await channel.send(b"x" * 300_000)
        assert await rest_of(channel) == b"".join(b"%d " % number * 1_000 for number in range(50))
        assert channel.failure is None
        assert channel.stamped
        channel.close()
    assert b"".join(heard) == b"x" * 300_000


async def test_a_server_that_closes_behind_its_last_word_and_then_waits_is_at_its_end(context, trust):
    """It says so in the same segment and sends no more: the end has to be found without another byte."""

    def talk(stream):
        stream.do_handshake()
        assert stream.recv(10) == b"go on"
        # Both records leave in one piece: the socket is corked until the goodbye is out.
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        stream.sendall(b"last words")
        stream.settimeout(0.0)
        with pytest.raises((BlockingIOError, ssl.SSLWantReadError)):
            stream.unwrap()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        stream.settimeout(PATIENCE_SECONDS)
        with pytest.raises((ssl.SSLZeroReturnError, ssl.SSLEOFError)):
            stream.read(1)

    async with served(context, talk) as channel:
        await channel.secure(Tls(trust, HOST))
        await channel.send(b"go on")
        assert await channel.receive() == b"last words"
        await channel.wait_readable()
        assert channel.read() == b""
        assert channel.failure is None


async def test_a_server_that_is_gone_without_a_goodbye_is_at_its_end(context, trust):
    def talk(stream):
        stream.do_handshake()
        stream.sendall(b"last words")
        socket.socket(fileno=stream.detach()).close()

    async with served(context, talk) as channel:
        await channel.secure(Tls(trust, HOST))
        assert await rest_of(channel) == b"last words"
        assert channel.failure is None


async def test_a_real_server_that_wants_a_certificate_of_ours_says_so_behind_the_handshake(authority, trust):
    def talk(stream):
        with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
            stream.do_handshake()

    async with served(demanding(authority, ssl.TLSVersion.TLSv1_3), talk) as channel:
        await channel.secure(Tls(trust, HOST))
        assert await rest_of(channel) == b""
        assert channel.failure is not None
        assert str(channel.failure) == "tls: TLSV13_ALERT_CERTIFICATE_REQUIRED"


async def test_a_server_that_is_not_trusted_is_told_why(trust):
    heard = []

    def talk(stream):
        with pytest.raises(ssl.SSLError) as error:
            stream.do_handshake()
        heard.append(error.value.reason)

    async with served(Authority().server(), talk) as channel:
        with pytest.raises(ConnectionLostError, match="unable to get local issuer certificate"):
            await channel.secure(Tls(trust, HOST))
    assert heard == ["TLSV1_ALERT_UNKNOWN_CA"]


# --- OpenSSL's own server, which does what Python's can't be asked for


class SServer:
    """`openssl s_server`: what is typed into it goes to the client, commands begin a line."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.port = int(self.line(b"ACCEPT").rpartition(b":")[2])

    def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def line(self, begin: bytes) -> bytes:
        """Reads its output up to the line that begins so."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(begin):
                return line.strip()
        raise AssertionError(f"it ended without a line {begin!r}")


@pytest.fixture
def s_server(authority: Authority, tmp_path: Path) -> Iterator[Callable[[str], SServer]]:
    """Starts one, with an option more."""
    path = tmp_path / "server.pem"
    authority.ca.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(str(path))
    openssl = require_tool("openssl")
    processes: list[subprocess.Popen[bytes]] = []
    timers: list[threading.Timer] = []

    def start(option: str) -> SServer:
        process = subprocess.Popen(
            [openssl, "s_server", "-accept", f"{HOST}:0", "-naccept", "1", "-cert", str(path), option],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        processes.append(process)
        timers.append(threading.Timer(PATIENCE_SECONDS, process.kill))
        timers[-1].start()
        return SServer(process)

    yield start
    for timer, process in zip(timers, processes, strict=True):
        timer.cancel()
        process.kill()
        process.communicate()


@contextmanager
def talking(trust: ssl.SSLContext, port: int) -> Iterator[tuple[Tls, socket.socket]]:
    """TLS on a blocking socket, after the handshake."""
    tls = Tls(trust, HOST)
    with socket.create_connection((HOST, port), timeout=PATIENCE_SECONDS) as sock:
        data: bytes | None = None
        while not tls.handshake(data):
            sock.sendall(tls.data_to_send())
            data = sock.recv(65_536)
        sock.sendall(tls.data_to_send())
        yield tls, sock


def heard(tls: Tls, sock: socket.socket, wanted: bytes) -> None:
    """Reads up to the end of a text, and nothing else comes of it."""
    text = b""
    while len(text) < len(wanted):
        text += tls.decrypt(sock.recv(65_536)) or b""
        assert not tls.ended, (text, tls.failure)
    assert (text, tls.data_to_send()) == (wanted, b"")


def lengths_of_records(data: bytes) -> list[int]:
    """How long each TLS record is, without its head."""
    lengths = []
    while data:
        lengths.append(int.from_bytes(data[3:5], "big"))
        data = data[5 + lengths[-1] :]
    return lengths


@contextmanager
def conversation(trust: ssl.SSLContext, server: SServer) -> Iterator[tuple[Tls, socket.socket]]:
    """TLS with the server behind the session tickets: what comes next is what it is told to send."""
    with talking(trust, server.port) as (tls, sock):
        server.type("begin")
        heard(tls, sock, b"begin\n")
        yield tls, sock


def test_a_key_update_of_the_server_changes_nothing_for_us(s_server, trust):
    server = s_server("-tls1_3")
    with conversation(trust, server) as (tls, sock):
        for round_ in range(3):
            server.type("k")
            assert tls.decrypt(sock.recv(65_536)) is None
            assert tls.data_to_send() == b""
            server.type(f"hello {round_}")
            heard(tls, sock, b"hello %d\n" % round_)
            sock.sendall(tls.encrypt(b"heard %d\n" % round_))
            assert server.line(b"heard") == b"heard %d" % round_


def test_a_key_update_that_wants_ours_gets_it(s_server, trust):
    server = s_server("-tls1_3")
    with conversation(trust, server) as (tls, sock):
        for round_ in range(3):
            server.type("K")
            assert tls.decrypt(sock.recv(65_536)) is None
            # Ours is due before the next text of ours (RFC 8446, section 4.6.3), and OpenSSL waits for that.
            assert tls.data_to_send() == b""
            server.type(f"hello {round_}")
            heard(tls, sock, b"hello %d\n" % round_)
            sent = tls.encrypt(b"heard %d\n" % round_)
            assert lengths_of_records(sent) == [KEY_UPDATE_BYTES, len(b"heard 0\n") + SEAL_BYTES]
            sock.sendall(sent)
            assert server.line(b"heard") == b"heard %d" % round_


@pytest.mark.parametrize("command", ["r", "R"])
def test_another_handshake_is_refused_and_nothing_else_suffers(s_server, trust, command):
    server = s_server("-tls1_2")
    with conversation(trust, server) as (tls, sock):
        server.type(command)
        assert tls.decrypt(sock.recv(65_536)) is None
        # A warning, and no ClientHello; OpenSSL's own server takes even that for a reason to leave.
        refusal = tls.data_to_send()
        assert refusal[0] == ALERT
        server.type("go on")
        heard(tls, sock, b"go on\n")
        sock.sendall(refusal)
        while not tls.ended:
            assert not tls.decrypt(sock.recv(65_536))
        assert str(tls.failure) == "tls: SSLV3_ALERT_HANDSHAKE_FAILURE"


def test_a_server_that_quits_says_goodbye(s_server, trust):
    server = s_server("-tls1_3")
    with conversation(trust, server) as (tls, sock):
        server.type("Q")
        while not tls.ended:
            assert not tls.decrypt(sock.recv(65_536))
        assert tls.failure is None


# --- opening


async def test_a_handshake_that_stalls_costs_the_timeout_and_no_more(autojump_clock, trust):
    ours, theirs = trio.socket.socketpair()

    async def dial(_):
        return trio.SocketStream(ours)

    clock = Clock(wall=trio.current_time)
    with theirs:
        with pytest.raises(ConnectionLostError) as lost:
            await open_channel(at(1, trust), clock, Stalls(clock), dial)
        assert lost.value.reason == "timeout"
        assert trio.current_time() == pytest.approx(opening.CONNECT_TIMEOUT_SECONDS, abs=0.01)
        assert (await theirs.recv(65_536))[:1] == b"\x16"
        assert await theirs.recv(65_536) == b""


async def test_an_alert_instead_of_an_answer_to_the_upgrade_is_named(authority, trust):
    """A server of TLS 1.3 that wants a certificate of ours lets us ask for the upgrade first."""

    def talk(stream):
        with pytest.raises(ssl.SSLError):
            stream.do_handshake()
        with socket.socket(fileno=stream.detach()) as plain:
            plain.settimeout(PATIENCE_SECONDS)
            while plain.recv(65_536):
                pass

    clock = Clock()
    async with listening(demanding(authority, ssl.TLSVersion.TLSv1_3), talk) as port:
        with pytest.raises(ConnectionLostError) as lost:
            await open_channel(at(port, trust), clock, Stalls(clock))
    assert str(lost.value) == "tls: TLSV13_ALERT_CERTIFICATE_REQUIRED"


@pytest.mark.parametrize("script", [hang_up, reset_at_once])
async def test_a_connection_that_ends_during_the_handshake_is_closed(trust, script):
    clock = Clock()
    async with serving(script) as port:
        with pytest.raises(ConnectionLostError) as lost:
            await open_channel(at(port, trust), clock, Stalls(clock))
    assert (lost.value.reason, lost.value.detail) == ("closed", ENDED_IN_HANDSHAKE)
