"""A pager on standard output: one line for each alert from Alertmanager's webhooks.

Usage: python pager.py PORT. Listens on loopback only; port 0 takes a free one.
"""  # noqa: INP001 - a program of its own, in no package

import json
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Pager(BaseHTTPRequestHandler):
    """A receiver of notifications, each under its own path, such as /page or /ticket."""

    timeout = 10

    def do_GET(self) -> None:
        """Answer the health check."""
        self._answer()

    def do_POST(self) -> None:
        """Print the alerts of one notification."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for alert in json.loads(body)["alerts"]:
            _say(f"{self.path.strip('/'):<6} {alert['status']:<8} {alert['annotations']['summary']}")
        self._answer()

    def log_message(self, *_: object) -> None:
        """Log no requests."""

    def _answer(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.end_headers()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Pager) as server:
        _say(f"waiting for alerts on 127.0.0.1:{server.server_port}")
        server.serve_forever()
