"""A token from the provider's endpoint: what is asked, and what can be made of the answer."""

import gzip
from functools import partial
from urllib.parse import quote

import pytest
import trio

from tests.support.raw_server import Authority, answering, refusing, serving, without_proxies
from tests.support.token_keeper import MAX_SECONDS, SECRET, URL, Endpoint, Keeping, asking, ok
from tests.support.wire import answer
from watchdog.runtime.http_client import MAX_ANSWER_BYTES, Answer, Client, NoAnswerError
from watchdog.simulator.app import serve
from watchdog.simulator.settings import SimulatorSettings
from watchdog.tokens.endpoint import MAX_RETRY_AFTER_SECONDS
from watchdog.tokens.sources import TokenUnavailableError

REDIRECTED = ": redirects are not followed, as the secret would go along"


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path


@pytest.fixture
def keeping(secret_file):
    return partial(asking, secret_file=secret_file)


async def test_the_endpoint_is_asked_with_the_partner_and_the_secret(keeping, autojump_clock):
    endpoint = Endpoint(ok({"access_token": "first.token"}))
    kept = keeping(endpoint)
    assert kept.keeper.pending
    async with kept.running():
        assert kept.keeper.token == "first.token"
        assert not kept.keeper.pending
        assert kept.snapshot.valid
        assert kept.snapshot.refreshes == {"ok": 1, "failed": 0}
    assert endpoint.bodies == [(URL, None, {"PartnerClientId": 42, "Secret": SECRET})]
    assert kept.events() == ["token.refreshed", "token.valid"]
    kept.assert_silent_about("first.token", SECRET, "hidden")


async def test_the_body_is_the_configured_one(keeping, autojump_clock):
    endpoint = Endpoint(ok({"token": "t.o.k"}))
    request = {"auth": {"id": "{partner_client_id}", "key": "k-{secret}"}, "grant": "client"}
    async with keeping(endpoint, request=request).running():
        pass
    assert endpoint.bodies[0][2] == {"auth": {"id": 42, "key": f"k-{SECRET}"}, "grant": "client"}


@pytest.mark.parametrize(
    "document",
    [
        {"access_token": "t.o.k"}, {"accessToken": "t.o.k"}, {"token": "t.o.k"}, {"token": "Bearer t.o.k"},
        {"data": {"access_token": "t.o.k"}}, {"result": {"accessToken": "t.o.k"}},
        {"data": {"token": "t.o.k"}},
        {"access_token": None, "token": "t.o.k"}, {"token": None, "data": {"token": "t.o.k"}},
        {"data": None, "result": {"token": "t.o.k"}}, {"data": [1], "token": "t.o.k", "scope": "feed"},
    ],
)  # fmt: skip
async def test_the_token_is_found_under_its_usual_names(document, keeping, autojump_clock):
    async with keeping(Endpoint(ok(document))).running() as kept:
        assert kept.keeper.token == "t.o.k"


async def test_the_token_and_its_life_are_found_where_the_configuration_says(keeping, autojump_clock):
    document = {"a": {"b": {"jwt": "t.o.k", "ttl": 600}}, "token": "wrong", "expires_in": 1}
    endpoint = Endpoint(ok(document))
    async with keeping(endpoint, token_field="a.b.jwt", expires_field="a.b.ttl").running() as kept:
        assert kept.keeper.token == "t.o.k"
        await trio.sleep(301.0)
    assert endpoint.asked_at == [0.0, 300.0]


@pytest.mark.parametrize("path", ["a.b.c.d", "nothing", "token.deeper"])
async def test_a_path_that_leads_nowhere_leads_to_no_token(path, keeping, autojump_clock):
    async with keeping(Endpoint(ok({"token": "t.o.k", "a": {"b": 1}})), token_field=path).running() as kept:
        assert kept.keeper.token is None


async def test_a_created_token_is_as_good_as_any(keeping, autojump_clock):
    async with keeping(Endpoint(Answer(201, b'{"token": "t.o.k"}'))).running() as kept:
        assert kept.keeper.token == "t.o.k"


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
        (Answer(200, b'"\xff"'), "the answer is no JSON"),
        (Answer(200, b"[" * 100_000), "the answer is no JSON"),
        (Answer(200, b'["leak.this.not"]'), "the answer holds no token"),
        (Answer(200, b"{}"), "the answer holds no token"),
        (Answer(200, b'{"token": 1}'), "the answer holds no token"),
        (Answer(200, b'{"token": {"token": "leak.this.not"}}'), "the answer holds no token"),
        (Answer(200, b'{"token": ""}'), "it is empty"),
        (Answer(200, b'{"token": "leak.this.not and that"}'), "it holds characters that no token has"),
        (Answer(200, b'{"token": "%s"}' % (b"x" * 20_000)), "it is longer than 16384 characters"),
        (NoAnswerError("dns", "ConnectError"), "dns: ConnectError"),
    ],
)
async def test_a_useless_answer_is_a_failure_in_one_line(given, words, keeping, autojump_clock):
    async with keeping(Endpoint(given)).running() as kept:
        assert kept.keeper.token is None
        assert kept.keeper.unauthorized
        assert not kept.keeper.pending
        assert kept.snapshot.refreshes == {"ok": 0, "failed": 1}
    assert kept.events() == ["token.refresh_failed", "token.missing"]
    assert [finding.detail for finding in kept.findings] == [{"error": words}] * 2
    kept.assert_silent_about("leak.this.not", SECRET, "hidden")


@pytest.mark.parametrize("content", [None, "", "two\nlines"])
async def test_without_a_secret_nobody_is_asked_until_there_is_one(
    content, keeping, secret_file, autojump_clock
):
    if content is None:
        secret_file.unlink()
    else:
        secret_file.write_text(content)
    endpoint = Endpoint(ok({"token": "t.o.k"}))
    async with keeping(endpoint).running() as kept:
        assert endpoint.asked_at == []
        assert kept.findings[0].event == "token.refresh_failed"
        assert kept.findings[0].detail["error"].startswith(f"the secret is unavailable: {secret_file}: ")
        secret_file.write_text(SECRET)
        await trio.sleep(MAX_SECONDS)
        assert kept.keeper.token == "t.o.k"


async def test_the_secret_may_stand_in_the_environment(monkeypatch, autojump_clock):
    monkeypatch.setenv("BETCORE_SECRET", SECRET)
    endpoint = Endpoint(ok({"token": "t.o.k"}))
    kept = Keeping({"url": URL, "secret_env": "BETCORE_SECRET"})
    kept.keeper._endpoint._client = endpoint  # type: ignore[assignment]
    async with kept.running():
        assert kept.keeper.token == "t.o.k"
    assert endpoint.bodies[0][2]["Secret"] == SECRET


# --- over the wire


async def test_the_simulators_endpoint_gives_a_token(secret_file, monkeypatch):
    without_proxies(monkeypatch)
    with trio.fail_after(10.0):
        async with trio.open_nursery() as nursery:
            address = await nursery.start(serve, SimulatorSettings(token_lifetime_seconds=600.0))
            url = f"{address.http_url}/auth/token"
            kept = Keeping({"url": url, "secret_file": str(secret_file)})
            changed = kept.keeper.changed
            nursery.start_soon(kept.keeper.run)
            await changed.wait()
            nursery.cancel_scope.cancel()
    assert (kept.keeper.token or "").count(".") == 2
    assert kept.keeper._watch.claims.exp is not None
    assert kept.keeper._refreshes == {"ok": 1, "failed": 0}


async def first_failure(url, secret_file):
    kept = Keeping({"url": url, "secret_file": str(secret_file)})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kept.keeper.run)
        while "token.refresh_failed" not in kept.events():
            await kept.keeper.changed.wait()
        nursery.cancel_scope.cancel()
    kept.assert_silent_about(SECRET, "hidden")
    return kept.findings[0].detail["error"]


DATE = "Date: Sun, 22 Nov 2026 18:00:00 GMT"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (answering(answer(403)), "HTTP status 403"),
        (answering(answer(307, b"", "Location: /?key=hidden")), f"HTTP status 307{REDIRECTED}"),
        (answering(answer(500, SECRET.encode(), f"X-Echo: {quote(SECRET)}")), "HTTP status 500"),
        (answering(answer(429, b"", "Retry-After: 7")), "HTTP status 429, to be asked again after 7 s"),
        (
            answering(answer(503, b"", "Retry-After: Sun, 22 Nov 2026 18:01:30 GMT", DATE)),
            "HTTP status 503, to be asked again after 90 s",
        ),
        (answering(answer(200, b"<html>hidden", "Content-Type: text/html")), "the answer is no JSON"),
        (
            answering(answer(200, gzip.compress(b'{"token": "a"}'), "Content-Encoding: gzip")),
            "the answer is no JSON",
        ),
        (answering(b"\x00\xff" * 100), "protocol: RemoteProtocolError"),
        (
            answering(answer(200, b"x" * 1_000_000)),
            f"oversize: an answer longer than {MAX_ANSWER_BYTES} bytes",
        ),
    ],
)
async def test_a_server_that_gives_no_token_is_named_without_its_query(
    script, words, secret_file, monkeypatch
):
    without_proxies(monkeypatch)
    async with serving(script) as port:
        assert await first_failure(f"http://127.0.0.1:{port}/?key=hidden", secret_file) == words


async def test_nobody_listens(secret_file, monkeypatch):
    without_proxies(monkeypatch)
    async with refusing() as port:
        url = f"http://127.0.0.1:{port}/?key=hidden"
        assert await first_failure(url, secret_file) == "refused: ConnectError"


def endpoint_at(url, secret_file):
    kept = Keeping({"url": url, "secret_file": str(secret_file)})
    return kept.keeper._endpoint


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("elsewhere", [True, False])
async def test_a_redirect_is_not_followed_and_the_secret_not_sent_again(
    status, elsewhere, secret_file, monkeypatch
):
    without_proxies(monkeypatch)
    heads = []

    async def moved(peer):
        heads.append(await peer.request())
        place = f"http://localhost:{other}/" if elsewhere else "/elsewhere"
        await peer.send(answer(status, b"", f"Location: {place}"))
        await peer.until_gone()

    async def next_one(peer):
        heads.append(await peer.request())
        await peer.send(answer(200, b'{"token": "t.o.k"}'))

    async with serving(next_one) as other, serving(moved) as port:
        with pytest.raises(TokenUnavailableError, match=f"HTTP status {status}: redirects"):
            await endpoint_at(f"http://127.0.0.1:{port}/", secret_file).ask()
    assert len(heads) == 1


async def test_the_wait_that_is_asked_for_comes_with_the_failure_and_is_bounded(secret_file, monkeypatch):
    without_proxies(monkeypatch)
    for asked, kept in (("7", 7.0), ("1000000", MAX_RETRY_AFTER_SECONDS), ("soon", None)):
        async with serving(answering(answer(429, b"", f"Retry-After: {asked}"))) as port:
            with pytest.raises(TokenUnavailableError) as raised:
                await endpoint_at(f"http://127.0.0.1:{port}/", secret_file).ask()
        assert raised.value.retry_after_seconds == kept


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "image/png", "nonsense"])
async def test_the_type_of_the_answer_does_not_matter_if_it_is_json(content_type, secret_file, monkeypatch):
    without_proxies(monkeypatch)
    given = answer(200, b'{"token": "t.o.k", "expires_in": 60}', f"Content-Type: {content_type}")
    async with serving(answering(given)) as port:
        assert await endpoint_at(f"http://127.0.0.1:{port}/", secret_file).ask() == ("t.o.k", 60.0)


async def test_a_private_authority_is_trusted_where_the_feed_names_it_and_nowhere_else(
    secret_file, monkeypatch
):
    without_proxies(monkeypatch)
    authority = Authority()
    async with serving(answering(answer(200, b'{"token": "t.o.k"}')), authority.server()) as port:
        endpoint = endpoint_at(f"https://127.0.0.1:{port}/", secret_file)
        with pytest.raises(TokenUnavailableError, match="tls: ConnectError"):
            await endpoint.ask()
        endpoint._client = Client(authority.client())
        assert await endpoint.ask() == ("t.o.k", None)


@pytest.mark.parametrize("proxy", ["nonsense://user:hidden@x", "http://[::1", "socks5://user:hidden@x:1"])
async def test_an_impossible_proxy_in_the_environment_is_a_failure_in_one_line(
    proxy, secret_file, monkeypatch
):
    without_proxies(monkeypatch)
    monkeypatch.setenv("HTTP_PROXY", proxy)
    words = await first_failure("http://127.0.0.1:1/?key=hidden", secret_file)
    assert words == "refused: the proxy in the environment can't be used"
