"""What holds for every test: no network but loopback, repeatable examples, a count of what was left out."""

import ipaddress
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
import structlog

from tests.support.tools import MISSING

hypothesis.settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=100, database=None
)
hypothesis.settings.load_profile("repeatable")

_GUARDED = ("bind", "connect", "connect_ex")


class NotLoopbackError(AssertionError):
    """A test reached for an address beyond this machine."""


def _is_loopback(address: Any) -> bool:
    host = address[0]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _guarded(call: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(sock: socket.socket, address: Any) -> Any:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address):
            message = f"{call.__name__} to {address!r}: tests use loopback addresses only"
            raise NotLoopbackError(message)
        return call(sock, address)

    return guarded


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Keeps this process off the network; not an `OSError`, so that no code under test survives it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _GUARDED:
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that wait for minutes begin first: the others run in the meantime."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Takes back what a command that a test called in this process has set up for the whole process."""
    root, configuration = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configuration)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    missing = [report.longrepr[2].split(MISSING)[1] for report in skipped if MISSING in report.longrepr[2]]
    if missing:
        names = ", ".join(sorted(set(missing)))
        terminalreporter.write_line(f"{len(missing)} tests skipped for a missing tool: {names}", yellow=True)
