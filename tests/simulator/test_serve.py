import json
from contextlib import suppress
from itertools import pairwise
from typing import Any

import httpx
import pytest
import trio
from trio_websocket import ConnectionClosed, HandshakeError, open_websocket_url

from tests.simulator.conftest import Client, connected, subscription
from watchdog.simulator.requests import FaultRequest
from watchdog.simulator.tokens import issue_token

FAST = 0.05
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


async def http(address, method, path, **more):
    async with httpx.AsyncClient(base_url=address.http_url) as client:
        return await client.request(method, path, **more)


async def rejection(url):
    """The status with which an upgrade is answered."""
    async with (
        httpx.AsyncClient() as client,
        client.stream("GET", url.replace("ws:", "http:", 1), headers=UPGRADE) as answer,
    ):
        return answer.status_code


async def closing(client):
    """The code of the close frame; 1006 where there was none."""
    while True:
        try:
            await client.record()
        except ConnectionClosed as closed:
            return closed.reason.code if closed.reason is not None else None


async def test_updates_come_in_sequence_and_on_time(simulated):
    async with simulated(interval_seconds=0.1) as address, connected(address) as client:
        arrivals = []
        for expected in range(8):
            assert (await client.update())["sId"] == expected
            arrivals.append(trio.current_time())
    # Not sooner; how much later is a matter of the machine.
    assert arrivals[-1] - arrivals[0] > 0.6


async def test_two_clients_of_a_partner_get_the_same_sequence_and_another_partner_its_own(simulated):
    async with simulated(interval_seconds=FAST) as address, connected(address) as first:
        for _ in range(5):
            await first.update()
        async with connected(address) as second, connected(address, partner=2) as other:
            shared = [await second.update() for _ in range(3)]
            own = await other.update()
            seen = [await first.update() for _ in range(20)]
    assert all(update in seen for update in shared)
    assert own["sId"] == 0


async def test_the_sequence_goes_on_where_it_was_after_a_reconnect(simulated):
    async with simulated(interval_seconds=FAST) as address:
        async with connected(address) as client:
            last = [(await client.update())["sId"] for _ in range(5)][-1]
        async with connected(address) as client:
            again = (await client.update())["sId"]
    assert again > last


async def test_one_connection_can_watch_several_games(simulated):
    async with simulated(interval_seconds=FAST) as address, connected(address, game=3) as client:
        await client.send(subscription(7))
        games = {(await client.update())["wgi"][0]["t"] for _ in range(8)}
    assert games == {3, 7}


async def test_a_token_in_the_header_is_as_good_as_one_in_the_query(simulated):
    async with simulated() as address:
        headers = [(b"Authorization", f"Bearer {issue_token()}".encode())]
        async with open_websocket_url(address.ws_url, extra_headers=headers) as socket:
            client = Client(socket)
            await client.send({"protocol": "json", "version": 1})
            assert await client.record() == {}


async def test_connections_without_a_good_token_are_rejected(simulated):
    async with simulated(rejected_tokens=frozenset({"revoked"})) as address:
        expired = issue_token(lifetime_seconds=-1)
        for query in ("", "?access_token=", f"?access_token={expired}", "?access_token=revoked"):
            assert await rejection(address.ws_url + query) == 401
            assert (await http(address, "POST", f"/hubs/negotiate{query}")).status_code == 401
            assert (await http(address, "GET", f"/hubs{query}")).status_code == 401


async def test_the_negotiation_hands_out_an_id_for_one_connection(simulated):
    async with simulated() as address:
        token = f"access_token={issue_token()}"
        answer = (await http(address, "POST", f"/hubs/negotiate?negotiateVersion=1&{token}")).json()
        assert list(answer) == ["negotiateVersion", "connectionId", "connectionToken", "availableTransports"]
        assert answer["negotiateVersion"] == 1
        assert {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]} in answer[
            "availableTransports"
        ]
        url = f"{address.ws_url}?id={answer['connectionToken']}&{token}"
        async with open_websocket_url(url):
            assert await rejection(url) == 404


async def test_an_old_client_negotiates_with_the_connection_id_alone(simulated):
    async with simulated() as address:
        token = f"access_token={issue_token()}"
        answer = (await http(address, "POST", f"/hubs/negotiate?{token}")).json()
        assert list(answer) == ["negotiateVersion", "connectionId", "availableTransports"]
        assert answer["negotiateVersion"] == 0
        async with open_websocket_url(f"{address.ws_url}?id={answer['connectionId']}&{token}"):
            pass


@pytest.mark.parametrize(
    ("query", "version"),
    [
        ("negotiateVersion=0", 0),
        ("NEGOTIATEVERSION=1", 1),
        ("negotiateVersion=2", 1),
        ("negotiateVersion=%2B1", 1),
    ],
)
async def test_the_version_is_the_clients_as_far_as_the_hub_knows_it(simulated, query, version):
    async with simulated() as address:
        answer = await http(address, "POST", f"/hubs/negotiate?{query}&access_token={issue_token()}")
        assert answer.json()["negotiateVersion"] == version


@pytest.mark.parametrize(
    ("version", "error"),
    [
        ("one", "The client requested an invalid protocol version 'one'"),
        ("", "The client requested an invalid protocol version ''"),
        ("9" * 5_000, f"The client requested an invalid protocol version '{'9' * 5_000}'"),
        ("-1", "The client requested version '-1', but the server does not support this version."),
    ],
)
async def test_a_version_that_is_none_is_an_error_in_the_words_of_a_real_hub(simulated, version, error):
    async with simulated() as address:
        negotiation = f"/hubs/negotiate?negotiateVersion={version}&access_token={issue_token()}"
        answer = await http(address, "POST", negotiation)
        assert (answer.status_code, answer.json()) == (200, {"error": error})


async def test_an_id_that_was_never_handed_out_is_not_found(simulated):
    async with simulated() as address:
        assert await rejection(f"{address.ws_url}?id=made-up&access_token={issue_token()}") == 404


async def test_the_hub_wants_a_websocket(simulated):
    async with simulated() as address:
        answer = await http(address, "GET", f"/hubs?access_token={issue_token()}")
        assert (answer.status_code, answer.text) == (400, "Connection ID required")


async def test_tokens_are_given_for_a_partner_and_a_secret(simulated):
    async with simulated(token_lifetime_seconds=120) as address:
        answer = await http(address, "POST", "/auth/token", json={"PartnerClientId": 1, "Secret": "s"})
        given = answer.json()
        assert (given["token_type"], given["expires_in"], given["scope"]) == ("Bearer", 120, "feed")
        async with open_websocket_url(f"{address.ws_url}?access_token={given['access_token']}"):
            pass


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"{}", b'{"PartnerClientId":1,"Secret":""}', b'{"a":"' + b"x" * 20_000 + b'"}']
)
async def test_no_token_is_given_for_anything_else(simulated, body):
    async with simulated() as address:
        assert (await http(address, "POST", "/auth/token", content=body)).status_code == 401


async def test_the_hub_can_stand_on_another_path(simulated):
    async with simulated(path="/signalrhub/hubs") as address, connected(address) as client:
        assert address.ws_url.endswith("/signalrhub/hubs")
        assert (await client.update())["sId"] == 0


async def test_a_broken_record_closes_the_connection_in_order(simulated):
    async with simulated() as address, connected(address) as client:
        await client.socket.send_message('{"type":1,"target":\x1e')
        while (message := await client.record())["type"] == 1:
            pass
        assert message == {"type": 7, "error": "Connection closed with an error.", "allowReconnect": True}
        assert await closing(client) == 1000


async def test_a_binary_frame_is_read_like_a_text(simulated):
    async with simulated() as address:
        url = f"{address.ws_url}?access_token={issue_token()}"
        async with open_websocket_url(url) as socket:
            await socket.send_message(b'{"protocol":"json","version":1}\x1e')
            assert await socket.get_message() == "{}\x1e"


@pytest.mark.parametrize("garbage", [b"\x00" * 100, b"\xff" * 100, b"GET / HTTP/1.1\r\n\r\n", b"\x81\x80"])
async def test_garbage_after_the_upgrade_harms_nobody_else(simulated, garbage):
    async with simulated(interval_seconds=FAST) as address, connected(address) as client:
        async with await upgraded(address) as stream:
            await stream.send_all(garbage)
        assert [(await client.update())["sId"] for _ in range(5)] == list(range(5))


async def test_a_frame_sent_before_the_upgrade_is_answered_harms_nobody_else(simulated):
    async with simulated(interval_seconds=FAST) as address, connected(address) as client:
        lines = [
            "GET /hubs?access_token=t HTTP/1.1",
            "Host: x",
            *(f"{key}: {value}" for key, value in UPGRADE.items()),
        ]
        async with await trio.open_tcp_stream("127.0.0.1", address.port) as stream:
            await stream.send_all("\r\n".join([*lines, "", ""]).encode() + frame({"protocol": "json"}))
            await bytes_until_the_end(stream)
        assert [(await client.update())["sId"] for _ in range(5)] == list(range(5))


async def test_a_message_in_many_frames_is_one_and_a_ping_between_them_is_answered(simulated):
    async with simulated() as address, await upgraded(address) as stream:
        await stream.send_all(masked(0x01, b'{"protocol":"json",') + masked(0x89, b"?"))
        assert await exactly(stream, 3) == b"\x8a\x01?"
        await stream.send_all(masked(0x80, b'"version":1}\x1e'))
        assert await exactly(stream, 5) == b"\x81\x03{}\x1e"


async def test_a_message_that_is_too_large_is_not_kept(simulated):
    async with simulated() as address, await upgraded(address) as stream:
        for opcode in (0x01, *[0x00] * 8):
            await stream.send_all(masked(opcode, b"x" * 10_000))
        assert await exactly(stream, 4) == b"\x88\x02" + (1009).to_bytes(2, "big")


async def test_a_client_that_does_not_close_as_well_is_dropped(simulated):
    async with simulated() as address, await upgraded(address) as stream:
        await stream.send_all(frame({"protocol": "xml"}))
        assert (await bytes_of(stream)).endswith(b"\x88\x02" + (1000).to_bytes(2, "big"))


@pytest.mark.parametrize(
    ("path", "changes", "status"),
    [
        ("/hubs", {"Sec-WebSocket-Version": "12"}, 400),
        ("/hubs", {"Host": "\xff.example"}, 400),
        ("/elsewhere", {}, 404),
    ],
)
async def test_an_upgrade_that_is_none_is_answered_as_any_request(simulated, path, changes, status):
    async with simulated() as address, httpx.AsyncClient(base_url=address.http_url) as client:
        headers = {name: value.encode("latin-1") for name, value in (UPGRADE | changes).items()}
        answer = await client.get(f"{path}?access_token={issue_token()}", headers=headers)
        assert answer.status_code == status


async def test_garbage_instead_of_a_request_harms_nobody_else(simulated):
    async with simulated(interval_seconds=FAST) as address, connected(address) as client:
        for garbage in (b"\x16\x03\x01\x02\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n" * 50):
            stream = await trio.open_tcp_stream("127.0.0.1", address.port)
            async with stream:
                await stream.send_all(garbage)
        assert [(await client.update())["sId"] for _ in range(5)] == list(range(5))


async def test_a_dropped_connection_has_no_goodbye(simulated):
    fault = FaultRequest("dropped_connection", 3, after_seconds=0.1)
    async with simulated(interval_seconds=FAST, faults=(fault,)) as address, connected(address) as client:
        assert await closing(client) == 1006


async def test_a_closing_server_says_so(simulated):
    async with simulated() as address, connected(address) as client:
        await client.update()
        wish = {"name": "server_close", "game": 3, "allow_reconnect": False}
        assert (await http(address, "POST", "/faults", json=wish)).status_code == 202
        while (message := await client.record())["type"] == 1:
            pass
        assert message["allowReconnect"] is False
        assert await closing(client) == 1000


async def test_a_rejected_token_is_accepted_again_when_the_fault_is_over(simulated):
    fault = FaultRequest("rejected_token", 3, duration_seconds=0.5)
    async with simulated(faults=(fault,)) as address:
        async with connected(address) as client:
            assert await client.record() == {"type": 7, "allowReconnect": True}
        url = f"{address.ws_url}?access_token={issue_token()}"
        assert await rejection(url) == 401
        negotiation = f"/hubs/negotiate?access_token={issue_token()}"
        while (await http(address, "POST", negotiation)).status_code == 401:  # noqa: ASYNC110 (the server's time)
            await trio.sleep(0.05)
        async with connected(address) as client:
            assert (await client.update())["sId"] == 0


async def test_a_refusing_hub_breaks_every_connection_and_comes_back_on_the_same_port(simulated):
    async with simulated(interval_seconds=FAST) as address:
        async with connected(address) as client, connected(address, game=7) as other:
            last = (await client.update())["sId"]
            wish = {"name": "refused_connection", "duration_seconds": 0.5}
            assert (await http(address, "POST", "/faults", json=wish)).status_code == 202
            assert await closing(client) == 1006
            assert await closing(other) == 1006
        with pytest.raises(OSError, match="attempts to connect"):
            await trio.open_tcp_stream("127.0.0.1", address.port)
        while True:
            try:
                async with connected(address) as client:
                    assert (await client.update())["sId"] > last
                    break
            except (HandshakeError, OSError):
                await trio.sleep(0.05)
        (report,) = (await http(address, "GET", "/faults")).json()["faults"]
        assert (report["name"], report["state"]) == ("refused_connection", "done")


async def test_a_refusal_of_the_file_can_come_again(simulated):
    fault = FaultRequest("refused_connection", duration_seconds=0.1, every_seconds=1)
    async with simulated(faults=(fault,)) as address:
        reports: list[dict[str, Any]] = []
        while len(reports) < 2:
            try:
                reports = (await http(address, "GET", "/faults")).json()["faults"]
            except httpx.TransportError:
                await trio.sleep(0.05)
        assert reports[1]["began"] - reports[0]["began"] > 0.9


async def test_faults_that_are_asked_for_wrongly_are_explained(simulated):
    async with simulated(games=(1, 3)) as address:
        answer = await http(address, "POST", "/faults", json={"name": "gap", "game": 2})
        assert (answer.status_code, answer.json()) == (
            400,
            {"mistakes": ["game: no such game '2'; allowed: 1, 3"]},
        )
        assert (await http(address, "POST", "/faults", content=b"no json")).status_code == 400


async def test_too_many_waiting_faults_are_declined(simulated):
    async with simulated() as address, httpx.AsyncClient(base_url=address.http_url) as client:
        answers = [
            (await client.post("/faults", json={"name": "gap", "game": 3})).status_code for _ in range(201)
        ]
    assert answers == [202] * 200 + [429]


async def test_a_fault_asked_for_now_shows_in_the_next_update(simulated):
    async with simulated(interval_seconds=FAST) as address, connected(address) as client:
        ids = [(await client.update())["sId"]]
        await http(address, "POST", "/faults", json={"name": "gap", "game": 3, "missed": 100})
        ids += [(await client.update())["sId"] for _ in range(20)]
        assert [after - before for before, after in pairwise(ids) if after != before + 1] == [101]
        (report,) = (await http(address, "GET", "/faults")).json()["faults"]
        assert report["state"] == "done"
        assert report["began"] >= report["due"]


async def test_silence_stops_updates_and_loses_none(simulated):
    fault = FaultRequest("silence", 3, after_seconds=0.2, duration_seconds=0.6)
    async with simulated(interval_seconds=FAST, faults=(fault,)) as address, connected(address) as client:
        times, ids = [], []
        for _ in range(15):
            ids.append((await client.update())["sId"])
            times.append(trio.current_time())
    assert ids == list(range(15))
    assert max(after - before for before, after in pairwise(times)) > 0.5


async def test_pings_come_while_there_is_nothing_else_to_send(simulated, monkeypatch):
    monkeypatch.setattr("watchdog.simulator.session.KEEP_ALIVE_SECONDS", 0.1)
    monkeypatch.setattr("watchdog.simulator.session.HANDSHAKE_TIMEOUT_SECONDS", 0.5)
    fault = FaultRequest("silence", 3, duration_seconds=60)
    async with simulated(interval_seconds=FAST, faults=(fault,)) as address, connected(address) as client:
        assert [await client.record(), await client.record()] == [{"type": 6}, {"type": 6}]


async def test_connections_beyond_the_limit_are_dropped_at_once(simulated, monkeypatch):
    monkeypatch.setattr("watchdog.simulator.server.MAX_CONNECTIONS", 1)
    async with simulated(interval_seconds=FAST) as address, connected(address) as client:
        async with await trio.open_tcp_stream("127.0.0.1", address.port) as beyond:
            assert await beyond.receive_some() == b""
        assert (await client.update())["sId"] == 0


async def upgraded(address):
    """A TCP stream on which the hub has accepted a WebSocket."""
    stream = await trio.open_tcp_stream("127.0.0.1", address.port)
    lines = [
        "GET /hubs?access_token=t HTTP/1.1",
        "Host: x",
        *(f"{key}: {value}" for key, value in UPGRADE.items()),
    ]
    await stream.send_all("\r\n".join([*lines, "", ""]).encode())
    assert b" 101 " in await stream.receive_some()
    return stream


def frame(*records):
    """A text frame, masked with zeros."""
    return masked(0x81, "".join(json.dumps(record) + "\x1e" for record in records).encode())


@pytest.mark.parametrize(
    "limit",
    [("link.SEND_TIMEOUT_SECONDS", 0.3), ("connection.OUTBOX_RECORDS", 4)],
    ids=lambda limit: limit[0],
)
async def test_a_client_that_does_not_read_is_dropped_and_delays_nobody(simulated, monkeypatch, limit):
    monkeypatch.setattr(f"watchdog.simulator.{limit[0]}", limit[1])
    monkeypatch.setattr("watchdog.simulator.connection.PATIENCE_SECONDS", 0.1)
    fault = FaultRequest("oversize", 3)
    async with (
        simulated(interval_seconds=FAST, faults=(fault,)) as address,
        connected(address, game=7) as watcher,
        await upgraded(address) as stalled,
    ):
        await stalled.send_all(frame({"protocol": "json", "version": 1}, subscription(3)))
        assert [(await watcher.update())["sId"] for _ in range(20)] == list(range(20))
        assert await bytes_until_the_end(stalled) < 17 * 1024 * 1024


def masked(first_byte, payload):
    """A frame of the client whose first byte is this, masked with zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return bytes([first_byte]) + length + bytes(4) + payload


async def exactly(stream, count):
    received = b""
    while len(received) < count:
        chunk = await stream.receive_some(count - len(received))
        assert chunk != b""
        received += chunk
    return received


async def bytes_of(stream):
    """All that comes until the server ends the connection."""
    received = bytearray()
    with suppress(trio.BrokenResourceError):
        async for chunk in stream:
            received += chunk
    return bytes(received)


async def bytes_until_the_end(stream):
    return len(await bytes_of(stream))


async def test_a_bug_in_an_endpoint_ends_the_simulator(simulated, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("watchdog.simulator.hub.Hub.admits", broken)

    async def until_it_ends():
        async with simulated() as address:
            await http(address, "GET", "/hubs")
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await until_it_ends()
    assert caught.group_contains(ZeroDivisionError)


async def test_a_port_that_is_taken_is_reported(simulated):
    async with simulated() as address:
        with pytest.raises(ExceptionGroup) as caught:
            async with simulated(port=address.port):
                pass
        assert caught.group_contains(OSError)
