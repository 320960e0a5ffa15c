"""POSTs to servers that answer whatever they can, or nothing."""

import gzip
import socket
import ssl
import time
import tracemalloc
from contextlib import suppress
from email.utils import parsedate_to_datetime

import pytest
import trio

from tests.support.raw_server import (
    Authority,
    Peer,
    Resolver,
    answering,
    black_hole,
    hang_up,
    open_sockets,
    refusing,
    reset_after_request,
    reset_at_once,
    serving,
    without_proxies,
)
from tests.support.wire import answer
from watchdog.runtime import http_client as module
from watchdog.runtime.http_client import Answer, Client, NoAnswerError
from watchdog.runtime.tls import client_context

TOKEN = "sesame.open.now"
QUERY = "?key=hidden"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    without_proxies(monkeypatch)


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def client():
    return Client(ssl.create_default_context())


def url(port, scheme="http", host="127.0.0.1"):
    return f"{scheme}://{host}:{port}/auth/token{QUERY}"


async def failure(client, address, **request):
    with pytest.raises(NoAnswerError) as none:
        await client.post(address, **request)
    shown = f"{none.value!s} {none.value!r}"
    assert "hidden" not in shown
    assert TOKEN not in shown
    assert none.value.__cause__ is None
    return none.value.reason


async def failure_from(client, script):
    async with serving(script) as port:
        return await failure(client, url(port))


# --- answers


@pytest.mark.parametrize("status", [200, 201, 204, 301, 307, 401, 404, 500, 503])
async def test_every_status_is_an_answer_and_no_redirect_is_followed(client, status):
    async with serving(answering(answer(status, b"" if status == 204 else b"body", "Location: /x"))) as port:
        got = await client.post(url(port))
    assert got == Answer(status, b"" if status == 204 else b"body")


async def test_the_request_is_a_small_post(client):
    heads = []

    async def script(peer: Peer):
        heads.append(await peer.request())
        await peer.send(answer(200))

    async with serving(script) as port:
        await client.post(url(port), headers={"Authorization": f"Bearer {TOKEN}"}, json={"a": "ü"})
    body = '{"a":"ü"}'.encode()
    head = heads[0].decode().lower()
    assert head.startswith("post /auth/token?key=hidden http/1.1\r\n")
    for line in (f"host: 127.0.0.1:{port}", f"authorization: bearer {TOKEN}", "accept-encoding: identity"):
        assert f"\r\n{line}" in head
    assert "\r\nuser-agent: betcore-watchdog/" in head
    assert f"\r\ncontent-length: {len(body)}" in head


async def test_an_answer_in_pieces_is_put_together(client):
    async def script(peer: Peer):
        await peer.request()
        for (
            byte
        ) in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n":
            await peer.send(bytes([byte]))

    async with serving(script) as port:
        assert await client.post(url(port)) == Answer(200, b"abcdefg")


async def test_a_small_answer_that_unpacks_to_a_large_one_is_left_packed(client):
    bomb = gzip.compress(gzip.compress(bytes(50_000_000)))
    packed = answer(200, bomb, "Content-Encoding: gzip, gzip")
    async with serving(answering(packed)) as port:
        tracemalloc.start()
        try:
            got = await client.post(url(port))
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()
    assert got.body == bomb


async def test_the_longest_answer_is_taken_and_a_longer_one_not(client):
    longest = b"x" * module.MAX_ANSWER_BYTES
    async with serving(answering(answer(200, longest))) as port:
        assert (await client.post(url(port))).body == longest
    assert await failure_from(client, answering(answer(200, longest + b"x"))) == "oversize"


async def test_an_answer_without_an_end_is_oversize(client):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        await peer.flood(b"x" * 65_536)

    assert await failure_from(client, script) == "oversize"


async def test_an_answer_of_a_gigabyte_is_given_up_early_and_fills_no_memory(client):
    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        await peer.flood(chunk)

    chunk = b"x" * 65_536
    tracemalloc.start()
    try:
        assert await failure_from(client, script) == "oversize"
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


NOW = "Sun, 22 Nov 2026 18:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("0", "", 0.0),
        ("120", "", 120.0),
        ("Sun, 22 Nov 2026 18:02:00 GMT", NOW, 120.0),
        ("Sunday, 22-Nov-26 18:02:00 GMT", NOW, 120.0),
        ("Sun, 22 Nov 2026 17:00:00 GMT", NOW, 0.0),
        ("Sun Nov 22 18:02:00 2026", NOW, 120.0),
        ("Sun, 22 Nov 2026 18:02:00 GMT", "", 60.0),
        ("Sun, 22 Nov 2026 18:02:00 GMT", "now", 60.0),
        ("Sun, 22 Nov 2026 18:00:00 GMT", "", 0.0),
        ("", NOW, None),
        ("-1", NOW, None),
        ("1.5", NOW, None),
        ("soon", NOW, None),
        ("9" * 5_000, NOW, None),
        ("Sun, 22 Nov 99999 18:02:00 GMT", NOW, None),
        ("Sun, 99 Nov 2026 99:99:99 GMT", "Sun, 99 Nov 9999999999 18:00:00 GMT", None),
    ],
)
def test_a_wait_is_read_from_seconds_or_from_a_date_against_the_answers_own_or_our_clock(
    value, date, seconds, monkeypatch
):
    monkeypatch.setattr(time, "time", lambda: parsedate_to_datetime(NOW).timestamp() + 60.0)
    assert module.retry_after_seconds(value, date) == seconds


# --- no answer


async def test_nobody_listens(client):
    async with refusing() as port:
        assert await failure(client, url(port)) == "refused"


async def test_a_name_that_does_not_resolve(client):
    trio.socket.set_custom_hostname_resolver(Resolver(socket.gaierror(socket.EAI_NONAME, "not known")))
    assert await failure(client, url(80, host="hub.example")) == "dns"


@pytest.mark.parametrize("slow", [black_hole, answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")])
async def test_an_answer_that_does_not_come_in_time(client, slow, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.2)
    assert await failure_from(client, slow) == "timeout"


async def test_an_answer_that_trickles_in_without_an_end_takes_no_longer_than_any(client, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.3)

    async def script(peer: Peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await peer.send(b" ")
            await trio.sleep(0.02)

    assert await failure_from(client, script) == "timeout"


@pytest.mark.parametrize(
    "script",
    [
        hang_up,
        reset_at_once,
        reset_after_request,
        answering(then="close"),
        answering(b"HTTP/1.1 200 OK\r\nContent-", then="close"),
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", then="close"),
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", then="reset"),
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx", then="close"),
    ],
)
async def test_a_connection_that_ends_before_the_answer_does_is_closed(client, script):
    assert await failure_from(client, script) == "closed"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x02\xff" * 100,
        b"220 mail.example ESMTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000,
    ],
)
async def test_garbage_is_against_the_protocol(client, garbage):
    assert await failure_from(client, answering(garbage)) == "protocol"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://",
        "ftp://127.0.0.1/",
        "//127.0.0.1/",
        "http://[::1/",
        "http://127.0.0.1/\x00",
        "http://" + "a" * 70 + ".example/",
        "http://.example/",
        "http://xn--/",
        "http://127.0.0.1/?\ud800",
        "http://127.0.0.1/" + "x" * 100_000,
    ],
)
async def test_what_is_no_url_is_against_the_protocol(client, address):
    assert await failure(client, address) == "protocol"


@pytest.mark.parametrize("token", ["é", "\N{GAME DIE}", "a\nb", "a\r\nX: y", "a\0b"])
async def test_a_token_that_no_header_can_hold_is_against_the_protocol(client, token):
    async with serving(black_hole) as port:
        headers = {"Authorization": f"Bearer {token}"}
        assert await failure(client, url(port), headers=headers) == "protocol"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTP_PROXY", "nonsense://user:hidden@x"),
        ("ALL_PROXY", "socks5://user:hidden@x:1"),
        ("HTTP_PROXY", "http://[::1"),
        ("NO_PROXY", "[::"),
        ("HTTP_PROXY", "http://user:hidden@127.0.0.1:99999"),
    ],
)
async def test_a_proxy_that_cannot_be_used_is_a_refusal(client, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    assert await failure(client, url(1)) == "refused"


async def test_a_proxy_that_wants_a_password_is_a_refusal(client, monkeypatch, authority):
    async with serving(answering(answer(407, b"", "Proxy-Authenticate: Basic"))) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hidden@127.0.0.1:{port}")
        assert await failure(client, url(1, "https")) == "refused"


# --- TLS


async def test_tls_with_a_private_authority_works(authority):
    async with serving(answering(answer(200, b"safe")), authority.server()) as port:
        got = await Client(authority.client()).post(url(port, "https"))
    assert got.body == b"safe"


@pytest.mark.parametrize("wrong", ["authority", "host", "date"])
async def test_a_certificate_that_cannot_be_trusted_is_a_matter_of_tls(authority, client, wrong):
    server = authority.server("hub.example" if wrong == "host" else "127.0.0.1", expired=wrong == "date")
    trusting = client if wrong == "authority" else Client(authority.client())
    async with serving(answering(answer(200)), server) as port:
        assert await failure(trusting, url(port, "https")) == "tls"


async def test_a_plain_server_behind_https_is_a_matter_of_tls(client):
    async def script(peer: Peer):
        await peer.send(answer(400))
        await peer.until_gone()

    async with serving(script) as port:
        assert await failure(client, url(port, "https")) == "tls"


async def test_a_tls_server_behind_http_is_no_answer(authority, client):
    async with serving(answering(answer(200)), authority.server()) as port:
        assert await failure(client, url(port)) in ("closed", "protocol")


@pytest.mark.parametrize("script", [hang_up, reset_at_once])
async def test_a_connection_that_ends_during_the_tls_handshake(client, script):
    async with serving(script) as port:
        assert await failure(client, url(port, "https")) in ("closed", "refused")


# --- cancellation


async def test_being_cancelled_leaves_no_socket(client):
    waiting = trio.Event()

    async def script(peer: Peer):
        await peer.request()
        waiting.set()
        await peer.until_gone()

    before = open_sockets()
    async with serving(script) as port, trio.open_nursery() as nursery:
        nursery.start_soon(client.post, url(port))
        await waiting.wait()
        nursery.cancel_scope.cancel()
    assert open_sockets() == before


# --- a proxy, and a refusal behind the handshake


@pytest.mark.parametrize("setting", ["env", "address", "none"])
async def test_requests_go_through_the_proxy_that_is_set(monkeypatch, setting):
    heads = []

    async def script(peer: Peer):
        heads.append(await peer.request())
        await peer.send(answer(200))

    async with serving(script) as port:
        address = f"http://me:hidden@127.0.0.1:{port}"
        monkeypatch.setenv("HTTP_PROXY", address if setting == "env" else "http://127.0.0.1:1")
        client = Client(ssl.create_default_context(), address if setting == "address" else setting)
        await client.post(url(port) if setting == "none" else url(80, host="hub.example"))
    line = heads[0].split(b"\r\n")[0]
    target = b"/auth/token?key=hidden" if setting == "none" else b"http://hub.example/auth/token?key=hidden"
    assert line == b"POST %s HTTP/1.1" % target
    assert (b"roxy-Authorization: Basic " in heads[0]) is (setting != "none")


async def test_a_refusal_behind_the_handshake_is_named_though_the_connection_is_reset(authority, tmp_path):
    """A server of TLS 1.3 that wants a certificate of ours: its alert comes first, and then the reset."""
    context = authority.server()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(context)

    def refuse(listener):
        for _ in range(20):
            with suppress(OSError):
                context.wrap_socket(listener.accept()[0], server_side=True)

    authority.ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    client, words = Client(client_context(str(tmp_path / "ca.pem")), "none"), set()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, refuse, listener)
            for _ in range(20):
                with pytest.raises(NoAnswerError) as none:
                    await client.post(url(listener.getsockname()[1], "https"))
                words.add((none.value.reason, str(none.value)))
    assert words == {("tls", "TLSV13_ALERT_CERTIFICATE_REQUIRED")}
