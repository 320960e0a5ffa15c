"""The simulator's HTTP endpoints, and its parts put together."""

import json
import re
from contextlib import aclosing
from secrets import token_urlsafe

import trio
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from watchdog.runtime.http_server import Scope
from watchdog.simulator.broadcast import Run
from watchdog.simulator.connection import Connection
from watchdog.simulator.faults import FAULTS
from watchdog.simulator.hub import Hub
from watchdog.simulator.requests import FaultRequest, read_request
from watchdog.simulator.server import Server
from watchdog.simulator.settings import Address, SimulatorSettings
from watchdog.simulator.tokens import issue_token
from watchdog.simulator.websocket import WebSocket

_MAX_BODY_BYTES = 16 * 1024
_MAX_WAITING = 200

_TRANSPORTS = [{"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}]


async def serve(
    settings: SimulatorSettings, *, task_status: trio.TaskStatus[Address] = trio.TASK_STATUS_IGNORED
) -> None:
    """Run the simulator until it is cancelled, and report its address once it listens.

    Raises:
        OSError: the host or port of the settings can't be listened on.

    """
    simulator = _Simulator(settings)
    server = Server(
        simulator.application(), simulator.admits, simulator.converse, settings.host, settings.port
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(server.run)
        nursery.start_soon(simulator.hub.play)
        nursery.start_soon(simulator.harm_feed, server)
        task_status.started(Address(server.host, server.port, settings.path))


class _Simulator:
    """The endpoints around one hub."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.hub = Hub(settings)
        wanted = [fault for fault in settings.faults if FAULTS[fault.name].feed_wide]
        self._harm, self._harms = trio.open_memory_channel[FaultRequest](_MAX_WAITING + len(wanted))
        self._waiting = 0
        for fault in wanted:
            self._harm.send_nowait(fault)

    def application(self) -> Starlette:
        """The application that answers requests."""
        path = self.settings.path
        return Starlette(
            routes=[
                Route(path, self._no_transport, methods=["GET"]),
                Route(f"{path}/negotiate", self._negotiate, methods=["POST"]),
                Route("/auth/token", self._token, methods=["POST"]),
                Route("/faults", self._list_faults, methods=["GET"]),
                Route("/faults", self._start_fault, methods=["POST"]),
            ]
        )

    async def harm_feed(self, server: Server) -> None:
        """Carry out the faults of the whole feed."""
        async with trio.open_nursery() as nursery:
            async for request in self._harms:
                nursery.start_soon(self._refuse, server, request)

    async def _refuse(self, server: Server, request: FaultRequest) -> None:
        due = trio.current_time() + request.after_seconds
        while True:
            self._waiting += 1
            await trio.sleep_until(due)
            self._waiting -= 1
            now = self.hub.clock.now()
            self.hub.feed_runs.append(Run(request, due=now, began=now))
            await server.refuse(request.seconds)
            if request.every_seconds is None:
                return
            due += request.every_seconds

    def admits(self, request: Scope) -> bool:
        """Whether the WebSocket that a request asks for is opened; this uses up the id."""
        asked = HTTPConnection(request)
        if request["path"] != self.settings.path or not self._authorized(asked):
            return False
        connection_id = asked.query_params.get("id")
        return connection_id is None or self.hub.redeem(connection_id)

    async def converse(self, web_socket: WebSocket) -> None:
        """Serve one client over its WebSocket."""
        await Connection(web_socket, self.settings.games).run(self.hub)

    async def _no_transport(self, request: Request) -> Response:
        """Answer requests for no WebSocket, or for one that is not admitted."""
        if not self._authorized(request):
            return Response(status_code=401)
        if "id" in request.query_params:
            return PlainTextResponse("No Connection with that ID", 404)
        return PlainTextResponse("Connection ID required", 400)

    async def _negotiate(self, request: Request) -> Response:
        if not self._authorized(request):
            return Response(status_code=401)
        version = _negotiated_version(request)
        if isinstance(version, str):
            return JSONResponse({"error": version})
        connection_id = self.hub.new_connection_id()
        ids = (
            {"negotiateVersion": 0, "connectionId": connection_id}
            if version == 0
            else {
                "negotiateVersion": 1,
                "connectionId": token_urlsafe(16),
                "connectionToken": connection_id,
            }
        )
        return JSONResponse({**ids, "availableTransports": _TRANSPORTS})

    async def _token(self, request: Request) -> Response:
        body = await _json_body(request)
        partner, secret = (body.get("PartnerClientId"), body.get("Secret")) if body else (None, None)
        if partner in (None, "") or secret in (None, ""):
            return JSONResponse({"error": "PartnerClientId and Secret are required"}, 401)
        lifetime = self.settings.token_lifetime_seconds
        token = issue_token(lifetime_seconds=lifetime, now=self.hub.clock.now())
        return JSONResponse(
            {"access_token": token, "token_type": "Bearer", "expires_in": int(lifetime), "scope": "feed"}
        )

    async def _list_faults(self, _: Request) -> Response:
        return JSONResponse({"now": self.hub.clock.now(), "faults": self.hub.reports()})

    async def _start_fault(self, request: Request) -> Response:
        wish, mistakes = read_request(await _json_body(request), self.settings.games)
        if wish is None:
            return JSONResponse({"mistakes": [mistake.removeprefix(".") for mistake in mistakes]}, 400)
        if wish.game is None and self._waiting < _MAX_WAITING:
            # Afterwards, for it breaks this connection as well.
            return JSONResponse({}, 202, background=BackgroundTask(self._harm.send, wish))
        if wish.game is not None and self.hub.ask(wish):
            return JSONResponse({}, 202)
        return JSONResponse({"mistakes": ["too many faults are waiting already"]}, 429)

    def _authorized(self, request: HTTPConnection) -> bool:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        in_query = request.query_params.get("access_token", "")
        return self.hub.admits(credentials.strip() if scheme.lower() == "bearer" else in_query)


def _negotiated_version(request: Request) -> int | str:
    """The version that a client asks for, or a real hub's words on why that is none."""
    # ASP.NET Core doesn't look at the capitals of a parameter's name, and `int.TryParse` allows blanks.
    asked = {name.lower(): value for name, value in request.query_params.items()}
    version = asked.get("negotiateversion", "0")
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", version, re.ASCII):
        return f"The client requested an invalid protocol version '{version}'"
    if (number := int(version)) < 0:
        return f"The client requested version '{number}', but the server does not support this version."
    return number


async def _json_body(request: Request) -> dict[str, object] | None:
    """The JSON object that a client sent; None for anything else."""
    body = b""
    try:
        async with aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > _MAX_BODY_BYTES:
                    return None
        document = json.loads(body)
    except (ValueError, RecursionError, ClientDisconnect):
        return None
    return document if isinstance(document, dict) else None
