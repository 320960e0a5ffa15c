"""A token from the provider's endpoint: what is asked, and what can be made of the answer."""

import gzip
import math
import ssl
import zlib
from urllib.parse import quote

import pytest
import trio

from tests.support.raw_server import answering, serving, without_proxies
from tests.support.token_keeper import SECRET, URL, FakeClient, endpoint_of, feed_with, ok
from tests.support.wire import answer
from watchdog.core.claims import read_claims
from watchdog.runtime.http_client import MAX_ANSWER_BYTES, MAX_RETRY_AFTER_SECONDS, Answer, Client
from watchdog.simulator.app import serve
from watchdog.simulator.settings import SimulatorSettings
from watchdog.tokens.endpoint import TokenEndpointError, read_answer

REDIRECTED = ": redirects are not followed, as the secret would go along"

# --- what is asked


async def test_the_endpoint_is_asked_with_the_partner_and_the_secret(secret_file):
    client = FakeClient(ok({"access_token": "first.token"}))
    assert await endpoint_of(client, secret_file=str(secret_file)).ask() == ("first.token", None)
    assert client.bodies == [(URL, None, {"PartnerClientId": 42, "Secret": SECRET})]


async def test_the_body_is_the_configured_one(monkeypatch):
    monkeypatch.setenv("BETCORE_SECRET", SECRET)
    client = FakeClient(ok({"token": "t.o.k"}))
    request = {"auth": {"id": "{partner_client_id}", "key": "k-{secret}"}, "grant": "client"}
    await endpoint_of(client, secret_env="BETCORE_SECRET", request=request).ask()
    assert client.bodies[0][2] == {"auth": {"id": 42, "key": f"k-{SECRET}"}, "grant": "client"}


# --- what is made of the answer


def read(given: Answer, **settings):
    return read_answer(given, feed_with(url=URL, secret_env="BETCORE_SECRET", **settings).token)


@pytest.mark.parametrize(
    "document",
    [
        {"access_token": "t.o.k"}, {"accessToken": "t.o.k"}, {"token": "t.o.k"}, {"token": "Bearer t.o.k"},
        {"data": {"access_token": "t.o.k"}}, {"result": {"accessToken": "t.o.k"}},
        {"data": {"token": "t.o.k"}},
        {"access_token": None, "token": "t.o.k"}, {"token": None, "data": {"token": "t.o.k"}},
        {"data": None, "result": {"token": "t.o.k"}}, {"data": [1], "token": "t.o.k", "scope": "feed"},
        {"AccessToken": "t.o.k"}, {"ACCESS_TOKEN": "t.o.k"}, {"Token": "t.o.k"},
        {"Data": {"Access-Token": "t.o.k"}},
        {"Access_Token": None, "accesstoken": "t.o.k"}, "t.o.k", "Bearer0123456789abcdef",
    ],
)  # fmt: skip
def test_the_token_is_found_under_its_usual_names(document):
    assert read(ok(document)) == (document if document == "Bearer0123456789abcdef" else "t.o.k", None)


PLAIN = b'{"access_token": "t.o.k", "expires_in": 60}'


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + PLAIN,
        PLAIN.decode().encode("utf-16"),
        gzip.compress(PLAIN),
        gzip.compress(b"\xef\xbb\xbf" + PLAIN),
        *(zlib.compress(PLAIN, level) for level in (0, 3, 6, 9)),
    ],
)
def test_an_answer_may_have_a_byte_order_mark_and_be_compressed_without_being_asked(body):
    assert read(Answer(200, body)) == ("t.o.k", 60.0)


@pytest.mark.parametrize(
    "body",
    [
        b"t.o.k",
        b"\xef\xbb\xbft.o.k\r\n",
        gzip.compress(b"t.o.k"),
        b"9f2c-0123456789abcdef",
        b"7|0123456789abcdefghij",
    ],
)
def test_an_answer_may_be_the_bare_token(body):
    token, life = read(Answer(200, body))
    assert (token, life) == (
        body.removeprefix(b"\xef\xbb\xbf").strip().decode() if body[0] != 0x1F else "t.o.k",
        None,
    )


@pytest.mark.parametrize("settings", [{"token_field": "access_token"}, {"token_field": "a.b"}])
def test_a_bare_token_is_none_where_the_configuration_names_its_field(settings):
    with pytest.raises(TokenEndpointError, match=r"^the answer holds no token$"):
        read(Answer(200, b"t.o.k"), **settings)


def test_a_bomb_is_not_unpacked():
    with pytest.raises(TokenEndpointError, match=r"^the answer is longer than 262144 bytes when unpacked$"):
        read(Answer(200, gzip.compress(b" " * 50_000_000)))


@pytest.mark.parametrize(
    "document",
    [{"token": "t.o.k", "expires_in": 60}, {"data": {"token": "t.o.k", "expiresIn": 60.0}}],
)
def test_its_life_is_found_under_its_usual_names(document):
    assert read(ok(document)) == ("t.o.k", 60.0)


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        ("3600", 3600.0),
        (" 60.5 ", 60.5),
        (3_600_000, 3600.0),
        ("86400000", 86_400.0),
        (2_592_000, 2_592_000.0),
    ],
)
def test_its_life_may_be_a_text_and_milliseconds(expires_in, seconds):
    assert read(ok({"token": "t.o.k", "Expires_In": expires_in})) == ("t.o.k", seconds)


@pytest.mark.parametrize("expires_in", [None, "soon", True, 0, -5, 1e15, 10**400, {}, [], math.pi * 1e300])
def test_a_life_that_makes_no_sense_is_none(expires_in):
    assert read(ok({"token": "t.o.k", "expires_in": expires_in})) == ("t.o.k", None)


def test_the_token_and_its_life_are_found_where_the_configuration_says():
    document = {"a": {"b": {"jwt": "t.o.k", "ttl": 600}}, "token": "wrong", "expires_in": 1}
    assert read(ok(document), token_field="a.b.jwt", expires_field="a.b.ttl") == ("t.o.k", 600.0)
    assert read(ok(document), token_field="A.B.Jwt", expires_field="a.b.TTL") == ("t.o.k", 600.0)


def test_a_created_token_is_as_good_as_any():
    assert read(Answer(201, b'{"token": "t.o.k"}')) == ("t.o.k", None)


@pytest.mark.parametrize("path", ["a.b.c.d", "nothing", "token.deeper"])
def test_a_path_that_leads_nowhere_leads_to_no_token(path):
    with pytest.raises(TokenEndpointError, match=r"^the answer holds no token$"):
        read(ok({"token": "t.o.k", "a": {"b": 1}}), token_field=path)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Answer(401, b"leak.this.not"), "HTTP status 401"),
        (Answer(301, b""), f"HTTP status 301{REDIRECTED}"),
        (Answer(429, b"leak.this.not", 7.0), "HTTP status 429, to be asked again after 7 s"),
        (Answer(429, b"", 1e9), "HTTP status 429, to be asked again after 300 s"),
        (Answer(503, b""), "HTTP status 503"),
        (Answer(200, b'{"token": "leak.this.not\\r\\nHost: x"}'), "it holds characters that no token has"),
        (Answer(200, b'{"token": "leak.this.not\\u0000"}'), "it holds characters that no token has"),
        (Answer(200, '{"token": "leak.this.not\u202e"}'.encode()), "it holds characters that no token has"),
        (Answer(500, b"{}"), "HTTP status 500"),
        (Answer(200, b""), "the answer is no JSON"),
        (Answer(200, b"<html>leak.this.not"), "the answer is no JSON"),
        (Answer(200, b"<leak.this.not>"), "the answer is no JSON"),
        (Answer(200, b"unavailable"), "the answer is no JSON"),
        (Answer(200, b'"unavailable"'), "the answer holds no token"),
        (Answer(200, b"Service leak.this.not unavailable"), "the answer is no JSON"),
        (Answer(200, b"\xff\xfea"), "the answer is no JSON"),
        (Answer(200, gzip.compress(PLAIN)[:20]), "the answer is compressed, and broken"),
        (Answer(200, b"\x78\x9c\xff\xff"), "the answer is compressed, and broken"),
        (Answer(200, b"\x1f\x8b\xff"), "the answer is compressed, and broken"),
        (Answer(200, b'"\xff"'), "the answer is no JSON"),
        (Answer(200, b"[" * 100_000), "the answer is no JSON"),
        (Answer(200, b'["leak.this.not"]'), "the answer holds no token"),
        (Answer(200, b"{}"), "the answer holds no token"),
        (Answer(200, b'{"token": 1}'), "the answer holds no token"),
        (Answer(200, b'{"token": {"token": "leak.this.not"}}'), "the answer holds no token"),
        (Answer(200, b'{"token": ""}'), "it is empty"),
        (Answer(200, b'{"token": "leak.this.not and that"}'), "it holds characters that no token has"),
        (Answer(200, b'{"token": "%s"}' % (b"x" * 20_000)), "it is longer than 16384 characters"),
    ],
)
def test_a_useless_answer_is_refused_in_one_line(given, words):
    with pytest.raises(TokenEndpointError) as refusal:
        read(given)
    assert str(refusal.value) == words


@pytest.mark.parametrize(("asked", "kept"), [(None, 0.0), (7.0, 7.0), (1e6, MAX_RETRY_AFTER_SECONDS)])
def test_the_wait_that_is_asked_for_comes_with_the_refusal_and_is_bounded(asked, kept):
    with pytest.raises(TokenEndpointError) as refusal:
        read(Answer(429, b"", asked))
    assert refusal.value.retry_after_seconds == kept


# --- over the wire


async def ask(url: str, secret_file):
    client = Client(ssl.create_default_context())
    with trio.fail_after(10.0):
        return await endpoint_of(client, url=url, secret_file=str(secret_file)).ask()


async def test_the_simulators_endpoint_gives_a_token(secret_file, monkeypatch):
    without_proxies(monkeypatch)
    async with trio.open_nursery() as nursery:
        address = await nursery.start(serve, SimulatorSettings(token_lifetime_seconds=600.0))
        token, lifetime = await ask(f"{address.http_url}/auth/token", secret_file)
        nursery.cancel_scope.cancel()
    assert lifetime == 600.0
    assert read_claims(token).exp is not None


DATE = "Date: Sun, 22 Nov 2026 18:00:00 GMT"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (answer(500, SECRET.encode(), f"X-Echo: {quote(SECRET)}"), "HTTP status 500"),
        (
            answer(503, b"", "Retry-After: Sun, 22 Nov 2026 18:01:30 GMT", DATE),
            "HTTP status 503, to be asked again after 90 s",
        ),
        (b"\x00\xff" * 100, "protocol: RemoteProtocolError"),
        (answer(200, b"x" * 1_000_000), f"oversize: an answer longer than {MAX_ANSWER_BYTES} bytes"),
    ],
)
async def test_a_server_that_gives_no_token_is_named_without_its_query(
    given, words, secret_file, monkeypatch
):
    without_proxies(monkeypatch)
    async with serving(answering(given)) as port:
        with pytest.raises(TokenEndpointError) as refusal:
            await ask(f"http://127.0.0.1:{port}/?key=hidden", secret_file)
    assert str(refusal.value) == words


async def test_a_redirect_is_not_followed_and_the_secret_not_sent_again(secret_file, monkeypatch):
    without_proxies(monkeypatch)
    heads = []

    async def moved(peer):
        heads.append(await peer.request())
        await peer.send(answer(307, b"", f"Location: http://localhost:{other}/"))
        await peer.until_gone()

    async def next_one(peer):
        heads.append(await peer.request())
        await peer.send(answer(200, b'{"token": "t.o.k"}'))

    async with serving(next_one) as other, serving(moved) as port:
        with pytest.raises(TokenEndpointError, match="HTTP status 307: redirects"):
            await ask(f"http://127.0.0.1:{port}/", secret_file)
    assert len(heads) == 1
