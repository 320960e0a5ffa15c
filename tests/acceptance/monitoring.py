"""Prometheus, Alertmanager and whoever they page: the real programs, each on a free port of loopback."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.acceptance.processes import ending, eventually
from tests.support.tools import require_tool

ALERTS = Path(__file__).resolve().parents[2] / "alerts"
OF_A_SLOW_MACHINE = {"BetcoreUpdatesLate", "WatchdogStalled"}
"""What fires where simulator and watchdog get too little of the machine; `alerts/tests` has their stories."""


class Notified:
    """One alert as a notification named it; `at` is the UNIX time of the notification."""

    def __init__(self, receiver: str, at: float, alert: Mapping[str, Any]) -> None:
        self.receiver = receiver
        self.at = at
        self.firing = alert["status"] == "firing"
        self.labels: dict[str, str] = alert["labels"]
        self.annotations: dict[str, str] = alert["annotations"]

    @property
    def subject(self) -> tuple[str, str, str, str]:
        """Receiver, alert, feed and game type; empty where there is none."""
        labels = self.labels
        return self.receiver, labels["alertname"], labels.get("feed", ""), labels.get("game_type", "")


class Receiver:
    """Whoever is paged: keeps every notification; Slack messages are kept as their texts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notified: list[Notified] = []
        self._messages: list[str] = []

    def take(self, path: str, body: Any) -> None:
        """Keep the body posted to a path; the path's name is the receiver's."""
        now, receiver = time.time(), path.strip("/")
        with self._lock:
            if receiver == "slack":
                self._messages += [
                    text for part in body["attachments"] for text in (part["title"], part["text"])
                ]
            else:
                self._notified += [Notified(receiver, now, alert) for alert in body["alerts"]]

    @property
    def notified(self) -> list[Notified]:
        """Every alert of every notification so far, in the order of their arrival."""
        with self._lock:
            return list(self._notified)

    @property
    def messages(self) -> list[str]:
        """The titles and texts of the Slack messages so far."""
        with self._lock:
            return list(self._messages)


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.receiver.take(self.path, json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def __init__(self, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.receiver = receiver


@contextmanager
def receiving() -> Iterator[tuple[Receiver, str]]:
    """A receiver of webhooks; yields it and its address."""
    receiver = Receiver()
    with _Server(receiver) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def alertmanager(
    folder: Path, receiver: str, *, as_committed: bool = False, newest: bool = False
) -> Iterator[str]:
    """Alertmanager as committed but for its timings and receivers; yields host:port.

    The wait of a page is left as it is, all others are a second; `as_committed` leaves them all. What pages
    also goes out as a message. `newest` is Debian's newest instead of the installed one.
    """
    quick = {
        "group_wait: 30s": "group_wait: 1s",
        "group_interval: 5m": "group_interval: 1s",
        "group_interval: 30s": "group_interval: 1s",
    }
    text = _replaced(
        ALERTS / "alertmanager.yml",
        {
            **({} if as_committed else quick),
            "http://127.0.0.1:9095": receiver,
            "- name: page\n": f"- name: page\n{_slack(receiver)}",
        },
    )
    shutil.copytree(ALERTS / "templates", folder / "templates")
    config = folder / "alertmanager.yml"
    config.write_text(text)
    with _daemon(
        "prometheus-alertmanager",
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        "--cluster.listen-address=",
        log=folder / "alertmanager.log",
        newest=newest,
    ) as address:
        yield address


@contextmanager
def prometheus(
    folder: Path,
    *watchdogs: str,
    alertmanager: str,
    rules: Mapping[str, str] | None = None,
    as_committed: bool = False,
    newest: bool = False,
) -> Iterator[str]:
    """Prometheus as committed, but scraping and judging each second; yields host:port.

    `watchdogs` are host:port each, `rules` says what to replace in the rules. `as_committed` leaves the
    intervals, `newest` is Debian's newest instead of the installed one.
    """
    quick = {"_interval: 5s": "_interval: 1s", "scrape_timeout: 4s": "scrape_timeout: 1s"}
    text = _replaced(
        ALERTS / "prometheus.yml",
        {
            **({} if as_committed else quick),
            "127.0.0.1:9093": alertmanager,
            '"127.0.0.1:9877"': ", ".join(f'"{watchdog}"' for watchdog in watchdogs),
        },
    )
    config = folder / "prometheus.yml"
    config.write_text(text)
    changes = rules or {}
    texts = {path.name: path.read_text() for path in ALERTS.glob("*.rules.yml")}
    assert [old for old in changes if old not in "".join(texts.values())] == []
    for name, rule in texts.items():
        changed = rule
        for old, new in changes.items():
            changed = changed.replace(old, new)
        (folder / name).write_text(changed)
    with _daemon(
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        # What fires before Prometheus has found Alertmanager is lost until it is sent again.
        "--rules.alert.resend-delay=5s",
        log=folder / "prometheus.log",
        newest=newest,
    ) as address:
        yield address


def firing(prometheus: str) -> set[tuple[str, str]]:
    """The name and the game type (empty where none) of what Prometheus says is firing."""
    alerts = httpx.get(f"http://{prometheus}/api/v1/alerts").json()["data"]["alerts"]
    return {
        (alert["labels"]["alertname"], alert["labels"].get("game_type", ""))
        for alert in alerts
        if alert["state"] == "firing"
    }


def _slack(receiver: str) -> str:
    return f"""
    slack_configs:
      - api_url: {receiver}/slack
        channel: "#pages"
        title: '{{{{ template "betcore.title" . }}}}'
        text: '{{{{ template "betcore.text" . }}}}'
        send_resolved: true
"""


def _replaced(path: Path, changes: Mapping[str, str]) -> str:
    text = path.read_text()
    for old, new in changes.items():
        assert old in text, f"{path.name} has no {old!r}"
        text = text.replace(old, new)
    return text


@contextmanager
def _daemon(name: str, *arguments: str, log: Path, newest: bool) -> Iterator[str]:
    """A program that listens on a free port and says on which; yields host:port."""
    command = [require_tool(name, newest=newest), *arguments, "--web.listen-address=127.0.0.1:0"]
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, stdout=stderr, stderr=stderr)
    with ending(process):
        yield eventually(lambda: _listening(process, log))


def _listening(process: subprocess.Popen[bytes], log: Path) -> str | None:
    text = log.read_text()
    assert process.poll() is None, text
    found = re.search(r'msg="Listening on".* address=(127\.0\.0\.1:\d+)', text)
    return found[1] if found else None
