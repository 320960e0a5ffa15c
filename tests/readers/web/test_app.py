import gzip
from collections.abc import Callable, Iterator

import httpx
import pytest
import trio
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.readers.web.samples import eight_games, fresh, frozen, snapshot, untouched
from watchdog.core.snapshot import Snapshot
from watchdog.readers.metrics.render import Rendering, render
from watchdog.readers.web.app import Render, create_app

PATHS = ["/", "/metrics", "/healthz", "/readyz", "/api/v1/status", "/static/page.css", "/static/page.js"]
SECURE = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def client(
    watch: Snapshot | None = None, *, read: Callable[[], Snapshot] | None = None, encode: Render = render
) -> httpx.AsyncClient:
    """A client of the application itself, without a socket."""
    taken = watch or snapshot(fresh(1, "Keno"), fresh())
    app = create_app(read or (lambda: taken), encode)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://watchdog", trust_env=False)


async def get(path: str, watch: Snapshot | None = None, **headers: str) -> httpx.Response:
    async with client(watch) as http:
        return await http.get(path, headers=headers)


def assert_secure(response: httpx.Response) -> None:
    assert {name: response.headers.get(name) for name in SECURE} == SECURE
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_answers_get_with_the_security_headers(path):
    response = await get(path)

    assert response.status_code == 200
    assert_secure(response)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_other_methods_are_refused(path, method):
    async with client() as http:
        response = await http.request(method, path)

    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert_secure(response)


@pytest.mark.parametrize("path", ["/metrics/", "/api", "/static/", "/static/../app.py", "/static/page.py"])
async def test_an_unknown_path_is_not_found_and_leads_nowhere(path):
    response = await get(path)

    assert response.status_code == 404
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert_secure(response)


async def test_metrics_are_prometheus_text_unless_openmetrics_is_asked_for():
    plain = await get("/metrics")
    opened = await get("/metrics", accept="application/openmetrics-text; version=1.0.0")

    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert opened.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert len(list(text_string_to_metric_families(opened.text))) > 20
    assert plain.headers["vary"] == "Accept, Accept-Encoding"


async def test_metrics_are_gzipped_for_who_accepts_it():
    async with client() as http:
        request = http.build_request("GET", "/metrics", headers={"accept-encoding": "gzip"})
        response = await http.send(request, stream=True)
        packed = b"".join([chunk async for chunk in response.aiter_raw()])
        plain = await http.get("/metrics", headers={"accept-encoding": "identity"})

    assert response.headers["content-encoding"] == "gzip"
    assert b"betcore_feed_state" in gzip.decompress(packed)
    assert "content-encoding" not in plain.headers


async def test_health_is_about_the_process_and_not_about_the_feed():
    response = await get("/healthz", snapshot(*eight_games()))

    assert (response.status_code, response.text) == (200, "ok\n")


async def test_readiness_waits_until_each_subscription_has_been_tried():
    before = await get("/readyz", snapshot(fresh(1, "Keno"), untouched()))
    after = await get("/readyz", snapshot(fresh(1, "Keno"), frozen()))

    assert (before.status_code, before.text) == (503, "not ready: 1 of 2 subscriptions not tried yet\n")
    assert (after.status_code, after.text) == (200, "ready\n")


async def test_the_status_is_json():
    response = await get("/api/v1/status")

    assert response.headers["content-type"] == "application/json"
    assert response.json()["verdict"] == "All 2 games fresh"


async def test_the_page_is_html_and_uses_only_what_the_policy_allows():
    response = await get("/")

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<style" not in response.text
    assert "style=" not in response.text
    assert response.text.count("<script") == response.text.count('<script type="module" src="static/')


async def test_one_snapshot_is_encoded_in_the_loop_and_lets_others_go_between_its_pieces(mock_clock):
    taken, turns = 0, 0

    def read() -> Snapshot:
        nonlocal taken
        taken += 1
        return snapshot()

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    def encode(watch: Snapshot, accept: str, accept_encoding: str) -> Rendering:
        return Rendering(numbered(), "text/plain", None)

    def numbered() -> Iterator[bytes]:
        for _ in range(50):
            yield f"{turns}\n".encode()

    async with client(read=read, encode=encode) as http, trio.open_nursery() as nursery:
        nursery.start_soon(others)
        response = await http.get("/metrics")
        nursery.cancel_scope.cancel()

    assert taken == 1
    # Trio draws who runs first in a turn, hence the one less.
    at = [int(line) for line in response.text.split()]
    assert len(at) == 50
    assert at[-1] - at[0] >= 48


async def test_a_mistake_of_ours_tells_the_client_nothing():
    def read() -> Snapshot:
        message = "secret"
        raise LookupError(message)

    async with client(read=read) as http:
        response = await http.get("/metrics")

    assert (response.status_code, response.text) == (500, "internal error\n")
    assert_secure(response)
