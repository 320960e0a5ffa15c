import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import trio
import trustme

from tests.readers.web.passwords import PASSWORD, Checker, basic, hashed
from tests.readers.web.samples import fresh, snapshot
from tests.readers.web.test_server import answer_to, connect, serving
from watchdog.readers.metrics.render import render
from watchdog.readers.web.app import create_app
from watchdog.readers.web.auth import MOST_WAITING, Passwords

LONGEST = "ä" * 36
USERS = {
    "alice": hashed(PASSWORD),
    "Jürgen": hashed("pässword:€"),
    "long": hashed(LONGEST),
    "none": hashed(""),
}
GOOD = {"authorization": basic("alice", PASSWORD)}
WRONG = {"authorization": basic("alice", "wrong")}


@asynccontextmanager
async def protected(checker: Checker | None = None, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a real server that asks for passwords."""
    verify = options.pop("verify", True)
    app = create_app(lambda: snapshot(fresh()), render, Passwords(USERS, check=checker or Checker()))
    async with (
        serving(app, **options) as address,
        httpx.AsyncClient(base_url=address, verify=verify, trust_env=False, timeout=20) as http,
    ):
        yield http


def assert_challenged(response: httpx.Response) -> None:
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Basic realm="betcore-watchdog", charset="UTF-8"'
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/healthz", "/readyz", "/api/v1/status", "/static/page.js", "/nowhere"]
)
async def test_without_a_password_nothing_is_answered_but_the_challenge(path):
    async with protected() as http:
        for method in ("GET", "HEAD", "POST", "OPTIONS", "TRACE"):
            response = await http.request(method, path)
            assert_challenged(response)
            assert response.text == ("" if method == "HEAD" else "unauthorized\n")


async def test_with_a_password_all_is_as_without_protection():
    async with protected() as http:
        for path in ("/", "/metrics", "/healthz", "/readyz", "/api/v1/status", "/static/page.js"):
            for method in ("GET", "HEAD"):
                response = await http.request(method, path, headers=GOOD)
                assert (response.status_code, bool(response.content)) == (200, method == "GET")
                assert "www-authenticate" not in response.headers
        assert (await http.get("/nowhere", headers=GOOD)).status_code == 404
        assert (await http.post("/metrics", headers=GOOD, content=b"x")).status_code == 405


@pytest.mark.parametrize(
    "authorization",
    [
        basic("Jürgen", "pässword:€"),
        basic("long", LONGEST),
        basic("none", ""),
        basic("alice", PASSWORD).replace("Basic ", "bASIC   "),
    ],
)
async def test_good_credentials_in_every_legal_form_are_let_in(authorization):
    async with protected() as http:
        assert (await http.get("/healthz", headers={"authorization": authorization})).status_code == 200


def encoded(credentials: bytes) -> str:
    return "Basic " + base64.b64encode(credentials).decode()


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !!!!",
        "Basic YWxpY2U",
        "Basic " + "x" * 10_001,
        "Bearer " + basic("alice", PASSWORD).removeprefix("Basic "),
        basic("alice", PASSWORD).removeprefix("Basic "),
        basic("alice", PASSWORD) + ", " + basic("alice", PASSWORD),
        encoded(b"alice"),
        encoded(b"\xff\xfe:" + PASSWORD.encode()),
        encoded(b"alice:" + PASSWORD.encode() + b"\x00"),
        encoded(b"alice:" + PASSWORD.encode() + b"\n"),
    ],
    ids=range(12),
)
async def test_what_holds_no_user_and_password_is_refused_unchecked(authorization):
    checker = Checker()
    async with protected(checker) as http:
        assert_challenged(await http.get("/healthz", headers={"authorization": authorization}))
    assert checker.asked == []


async def test_two_credentials_at_once_are_refused():
    async with protected() as http:
        twice = [("authorization", basic("alice", PASSWORD)), ("authorization", basic("alice", PASSWORD))]
        assert_challenged(await http.get("/healthz", headers=twice))


@pytest.mark.parametrize(
    ("user", "password"),
    [("alice", "wrong"), ("alice", ""), ("alice", PASSWORD + " "), ("Alice", PASSWORD), ("", PASSWORD)],
)
async def test_a_wrong_password_and_an_unknown_user_are_refused_at_the_same_cost(user, password):
    checker = Checker()
    async with protected(checker) as http:
        response = await http.get("/metrics", headers={"authorization": basic(user, password)})
    assert_challenged(response)
    assert response.text == "unauthorized\n"
    assert len(checker.asked) == 1


async def test_a_password_beyond_what_bcrypt_looks_at_is_refused_and_not_cut():
    checker = Checker()
    async with protected(checker) as http:
        response = await http.get("/", headers={"authorization": basic("long", LONGEST + "x")})
    assert_challenged(response)
    assert response.text == "unauthorized: a password has at most 72 bytes\n"
    assert checker.asked == []


async def test_a_header_beyond_the_server_s_limit_is_refused_by_the_server():
    async with protected() as http, await connect(str(http.base_url)) as stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + b"x" * 16_384)
        assert (await answer_to(stream)).startswith(b"HTTP/1.1 4")


async def test_a_body_is_not_waited_for_before_the_challenge():
    async with protected() as http, await connect(str(http.base_url)) as stream:
        await stream.send_all(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert (await answer_to(stream)).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (GOOD, 200)])
async def test_a_websocket_is_no_way_around_the_password(headers, status):
    upgrade = {
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    async with protected() as http:
        assert (await http.get("/healthz", headers={**headers, **upgrade})).status_code == status


async def test_under_tls_passwords_are_asked_for_as_well(tmp_path):
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async with protected(tls=(chain, key), verify=trusting) as http:
        assert http.base_url.scheme == "https"
        assert_challenged(await http.get("/metrics"))
        assert_challenged(await http.get("/metrics", headers=WRONG))
        assert (await http.get("/metrics", headers=GOOD)).status_code == 200


async def test_a_crowd_of_guesses_is_turned_away_and_the_scraper_still_served():
    checker = Checker()
    statuses: list[int] = []

    async def guess(http: httpx.AsyncClient) -> None:
        response = await http.get("/metrics", headers=WRONG)
        statuses.append(response.status_code)
        if response.status_code == 503:
            assert response.headers["retry-after"] == "1"
            turned_away.set()

    turned_away = trio.Event()
    async with protected(checker) as http:
        assert (await http.get("/metrics", headers=GOOD)).status_code == 200
        checker.hold()
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(MOST_WAITING + 2):
                    nursery.start_soon(guess, http)
                await turned_away.wait()
                assert (await http.get("/metrics", headers=GOOD)).status_code == 200
                checker.release()
        finally:
            checker.release()

    assert sorted(statuses) == [401] * (MOST_WAITING + 1) + [503]


async def test_a_check_under_way_does_not_keep_the_server_from_stopping():
    checker = Checker()
    checker.hold()
    try:
        async with protected(checker) as http, await connect(str(http.base_url)) as stream:
            request = f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: {GOOD['authorization']}\r\n\r\n"
            await stream.send_all(request.encode())
            await checker.started.wait()
            stopping = trio.current_time()
        assert trio.current_time() - stopping < 1.5
    finally:
        checker.release()


async def test_credentials_are_never_logged_or_printed(caplog, capfd):
    caplog.set_level("DEBUG")
    async with protected() as http:
        for headers in ({}, GOOD, {"authorization": basic("alice", PASSWORD * 9)}, WRONG):
            await http.get("/", headers=headers)
    printed = "".join(capfd.readouterr()) + caplog.text
    assert "canary" not in printed
    assert GOOD["authorization"][6:] not in printed
