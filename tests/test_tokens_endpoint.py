"""A token from the provider's endpoint: what is asked, and what can be made of the answer."""

from functools import partial

import pytest
import trio

from tests.hostile import answer, answering, refusing, serving, without_proxies
from tests.keeping import MAX_SECONDS, SECRET, URL, Endpoint, Keeping, asking, ok
from watchdog.http import MAX_ANSWER_BYTES, Answer, NoAnswer
from watchdog.simulator.app import serve
from watchdog.simulator.settings import SimulatorSettings


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
        (Answer(301, b""), "HTTP status 301"),
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
        (NoAnswer("dns", "ConnectError"), "dns: ConnectError"),
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
    kept.keeper._endpoint._client = endpoint
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
    assert kept.keeper.token.count(".") == 2
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


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (answering(answer(403)), "HTTP status 403"),
        (answering(answer(307, b"", "Location: /?key=hidden")), "HTTP status 307"),
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
