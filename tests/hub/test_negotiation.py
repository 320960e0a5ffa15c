"""Negotiating with hubs that answer whatever they can."""

import json
import re
import ssl
from pathlib import Path

import pytest

from tests.support.raw_server import Peer, serving, without_proxies
from tests.support.wire import answer
from watchdog.hub.negotiation import MAX_REDIRECTS, Negotiated, negotiate
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.http_client import Answer, Client, NoAnswerError

TOKEN = "sesame.open.now"
HUB = "wss://hub.example/hubs"
WEBSOCKETS = {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}
VERSION_1 = {
    "negotiateVersion": 1,
    "connectionId": "public",
    "connectionToken": "secret+/=",
    "availableTransports": [WEBSOCKETS, {"transport": "LongPolling", "transferFormats": ["Text"]}],
}


class FakeClient(Client):
    """Answers with what it is given, one after the other, and keeps what it was asked."""

    def __init__(self, *answers):
        super().__init__(ssl.create_default_context())
        self._answers = iter(answers)
        self.asked = []

    async def post(self, url, *, headers=None, json=None, cookies=None):
        self.asked.append((url, headers["Authorization"], json))
        given = next(self._answers)
        if isinstance(given, NoAnswerError):
            raise given
        return given


def ok(document):
    return Answer(200, json.dumps(document).encode())


async def loss(*answers, url=HUB):
    with pytest.raises(ConnectionLostError) as lost:
        await negotiate(FakeClient(*answers), url, TOKEN)
    assert TOKEN not in f"{lost.value!s} {lost.value!r} {lost.value.detail}"
    assert lost.value.allow_reconnect
    return lost.value


# --- what a hub answers


async def test_the_connections_token_goes_with_our_own():
    client = FakeClient(ok(VERSION_1))
    assert await negotiate(client, HUB, TOKEN) == Negotiated(HUB, TOKEN, "secret+/=")
    assert client.asked == [
        ("https://hub.example/hubs/negotiate?negotiateVersion=1", f"Bearer {TOKEN}", None)
    ]


async def test_version_0_knows_only_the_connections_id():
    client = FakeClient(ok({"connectionId": "only", "availableTransports": [WEBSOCKETS]}))
    assert (await negotiate(client, HUB, TOKEN)).connection_id == "only"


async def test_the_answer_of_the_real_hub_is_understood():
    captured = (Path(__file__).parents[1] / "core" / "protocol" / "captures" / "negotiate.json").read_bytes()
    got = await negotiate(FakeClient(Answer(200, captured)), HUB, TOKEN)
    assert got.connection_id == "3DlATwKFr3wWS4iK5cGE9g"


async def test_unknown_properties_are_ignored():
    document = {**VERSION_1, "useStatefulReconnect": True, "x": {"y": [None]}}
    document["availableTransports"] = [{**WEBSOCKETS, "z": 1}]
    assert (await negotiate(FakeClient(ok(document)), HUB, TOKEN)).connection_id == "secret+/="


async def test_a_hub_that_names_no_transports_is_taken_at_its_word():
    assert (await negotiate(FakeClient(ok({"connectionId": "a"})), HUB, TOKEN)).connection_id == "a"


@pytest.mark.parametrize("transports", [[], [{"transport": "LongPolling"}, {"transport": "websockets"}]])
async def test_a_hub_without_websockets_is_no_hub_for_us(transports):
    assert (await loss(ok({**VERSION_1, "availableTransports": transports}))).reason == "rejected"


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("ws://hub.example", "http://hub.example/negotiate?negotiateVersion=1"),
        ("ws://hub.example/", "http://hub.example/negotiate?negotiateVersion=1"),
        ("wss://hub.example:8443/a/hubs/", "https://hub.example:8443/a/hubs/negotiate?negotiateVersion=1"),
        (
            "wss://hub.example/hubs?x=1&y=%20",
            "https://hub.example/hubs/negotiate?x=1&y=%20&negotiateVersion=1",
        ),
        ("ws://[::1]:80/hubs", "http://[::1]:80/hubs/negotiate?negotiateVersion=1"),
    ],
)
async def test_the_hubs_own_path_and_query_are_kept(url, asked):
    client = FakeClient(ok(VERSION_1))
    assert (await negotiate(client, url, TOKEN)).url == url
    assert client.asked[0][0] == asked


# --- redirects


@pytest.mark.parametrize(
    ("to", "then"),
    [
        ("https://other.example/client/?hub=a", "wss://other.example/client/?hub=a"),
        ("wss://other.example/client", "wss://other.example/client"),
        ("HTTPS://other.example:444/", "wss://other.example:444/"),
    ],
)
async def test_a_redirect_is_followed_with_its_own_token(to, then):
    client = FakeClient(ok({"url": to, "accessToken": "another"}), ok(VERSION_1))
    assert await negotiate(client, HUB, TOKEN) == Negotiated(then, "another", "secret+/=")
    assert [bearer for _, bearer, _ in client.asked] == [f"Bearer {TOKEN}", "Bearer another"]


async def test_a_redirect_without_a_token_keeps_the_one_before():
    client = FakeClient(
        ok({"url": "https://b.example/", "accessToken": "b"}),
        ok({"url": "https://c.example/"}),
        ok(VERSION_1),
    )
    assert await negotiate(client, HUB, TOKEN) == Negotiated("wss://c.example/", "b", "secret+/=")


async def test_as_many_redirects_as_allowed_are_followed():
    redirects = [ok({"url": f"https://{number}.example/"}) for number in range(MAX_REDIRECTS)]
    got = await negotiate(FakeClient(*redirects, ok(VERSION_1)), HUB, TOKEN)
    assert got.url == f"wss://{MAX_REDIRECTS - 1}.example/"


async def test_redirects_without_an_end_are_not_followed_for_ever():
    endless = [ok({"url": "https://hub.example/hubs"})] * 100
    assert (await loss(*endless)).reason == "rejected"


@pytest.mark.parametrize("to", ["http://other.example/", "ws://other.example/"])
async def test_no_redirect_leads_from_an_encrypted_to_a_plain_connection(to):
    assert (await loss(ok({"url": to}))).reason == "tls"


async def test_a_redirect_leads_from_a_plain_to_an_encrypted_connection():
    got = await negotiate(
        FakeClient(ok({"url": "https://b.example/"}), ok(VERSION_1)), "ws://a.example", TOKEN
    )
    assert got.url == "wss://b.example/"


@pytest.mark.parametrize(
    "to",
    [
        "", "/elsewhere", "other.example", "ftp://other.example/", "https://", "https:///x", "https://[::1/",
        "https://a:99999/", "https://a:b/", "javascript:alert(1)", "https://\N{CARE OF}.example/",
    ],
)  # fmt: skip
async def test_a_redirect_to_nowhere_is_against_the_protocol(to):
    assert (await loss(ok({"url": to}))).reason == "protocol"


# --- what goes wrong


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "unauthorized"), (403, "unauthorized"),
        (204, "rejected"), (301, "rejected"), (400, "rejected"), (404, "rejected"), (500, "rejected"),
    ],
)  # fmt: skip
async def test_another_status_is_a_refusal(status, reason):
    lost = await loss(Answer(status, b"no"))
    assert (lost.reason, lost.detail) == (reason, f"negotiate: HTTP status {status}")


async def test_an_error_is_a_refusal_in_the_hubs_words():
    lost = await loss(ok({**VERSION_1, "error": "no such hub"}))
    assert lost.reason == "rejected"
    assert "no such hub" in lost.detail


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"null", b"[]", b"1", b'"x"', b"{", b"{}", b"\xff\xfe",
        b'{"connectionId": "\xff"}', b'{"connectionId": 1}', b'{"connectionId": ""}',
        b'{"connectionToken": null}', b'{"connectionId": "\\ud800"}', b'{"url": {}}', b'{"error": {}}',
        b'{"availableTransports": [1], "connectionId": "a"}', b'{"availableTransports": {}}',
        b"[" * 100_000, b'{"x":' * 100_000,
    ],
)  # fmt: skip
async def test_what_is_no_documented_answer_is_against_the_protocol(body):
    assert (await loss(Answer(200, body))).reason == "protocol"


@pytest.mark.parametrize("reason", ["dns", "refused", "tls", "timeout", "closed", "oversize", "protocol"])
async def test_no_answer_is_a_loss_for_the_same_reason(reason):
    lost = await loss(NoAnswerError(reason, "words"))
    assert (lost.reason, lost.detail) == (reason, "negotiate: words")


# --- over the wire


@pytest.fixture
def client(monkeypatch):
    without_proxies(monkeypatch)
    return Client(ssl.create_default_context())


async def test_the_real_client_asks_the_real_way(client):
    heads = []

    async def script(peer: Peer):
        heads.append(await peer.request())
        await peer.send(answer(200, json.dumps(VERSION_1).encode()))

    async with serving(script) as port:
        await negotiate(client, f"ws://127.0.0.1:{port}/hubs", TOKEN)
    head = heads[0].decode().lower()
    assert head.startswith("post /hubs/negotiate?negotiateversion=1 http/1.1\r\n")
    assert f"\r\nauthorization: bearer {TOKEN}" in head
    assert "\r\ncontent-length: 0\r\n" in head


# --- whose refusal it is, and when to come again


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_came_with_a_redirect_is_not_ours(status):
    lost = await loss(ok({"url": "https://b.example/", "accessToken": "theirs"}), Answer(status, b""))
    assert lost.reason == "rejected"


async def test_our_token_is_refused_by_whoever_it_is_sent_to():
    assert (await loss(ok({"url": "https://b.example/"}), Answer(401, b""))).reason == "unauthorized"


async def test_a_firewalls_page_is_no_refusal_of_our_token():
    assert (await loss(Answer(403, b"<h1>Denied</h1>", content_type="text/html"))).reason == "rejected"
    page = Answer(403, b"<h1>Denied</h1>", content_type="text/html", challenge="Bearer")
    assert (await loss(page)).reason == "unauthorized"


@pytest.mark.parametrize(
    ("status", "asked", "kept"),
    [(429, 20.0, 20.0), (503, 1e9, 300.0), (503, None, 0.0), (500, 20.0, 0.0), (401, 20.0, 0.0)],
)
async def test_a_hub_says_when_to_come_again(status, asked, kept):
    assert (await loss(Answer(status, b"", asked))).retry_after_seconds == kept


# --- cookies


async def cookies_of(client, *set_cookies, to=None):
    """The Cookie headers of the requests that follow, and the one for the WebSocket."""
    heads = []

    async def script(peer: Peer):
        heads.append((await peer.request()).decode())
        first = len(heads) == 1
        body = {"url": to.format(port=port)} if to and first else VERSION_1
        headers = [f"Set-Cookie: {each}" for each in set_cookies] if first else []
        await peer.send(answer(200, json.dumps(body).encode(), *headers))

    async with serving(script) as port:
        negotiated = await negotiate(client, f"ws://127.0.0.1:{port}/hubs", TOKEN)
    sent = [re.findall(r"(?i)\r\ncookie: ([^\r]*)", head) for head in heads[1:]]
    return [each for found in sent for each in found], negotiated.cookie


@pytest.mark.parametrize(
    ("cookies", "sent"),
    [
        (["AWSALB=abc; Path=/"], "AWSALB=abc"),
        (["a=1", "b=2; Path=/hubs; HttpOnly; SameSite=Lax"], "a=1; b=2"),
        (["a=1; Path=/elsewhere"], ""),
        (["a=1; Path=/; Secure"], ""),
        (["a=1; Path=/; Domain=other.example"], ""),
        (["a=1; Path=/; Max-Age=0"], ""),
        (["a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], ""),
        (["a=1; Path=/; Expires=Fri, 01 Jan 2100 00:00:00 GMT"], "a=1"),
        (["a=1; Path=/", "a=2; Path=/"], "a=2"),
    ],
)
async def test_cookies_go_where_their_rules_send_them(client, cookies, sent):
    _, cookie = await cookies_of(client, *cookies)
    assert "; ".join(sorted(cookie.split("; "))) == sent


async def test_cookies_of_one_host_are_not_anothers(client):
    assert await cookies_of(client, "a=1; Path=/", to="http://localhost:{port}/hubs") == ([], "")


async def test_cookies_go_along_with_a_redirect_to_the_same_host(client):
    assert await cookies_of(client, "a=1; Path=/", to="http://127.0.0.1:{port}/x") == (["a=1"], "a=1")


async def test_each_attempt_begins_without_cookies(client):
    await cookies_of(client, "a=1; Path=/")
    assert await cookies_of(client) == ([], "")
