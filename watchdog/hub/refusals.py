"""HTTP answers that refuse: how they end an attempt, and when the next one may follow."""

import h11

from watchdog.core.protocol.refusals import Refusal
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.http_client import retry_after_seconds

_BUSY_STATUSES = (429, 503)
"""The HTTP statuses whose `Retry-After` says when to come again."""

_FORBIDDEN = 403


def refused(refusal: Refusal, wait: float | None, step: str = "") -> ConnectionLostError:
    """How an attempt ends; `wait` is what the answer's `Retry-After` says, `step` begins the detail."""
    detail = f"{step}HTTP status {refusal.status}"
    if refusal.status == _FORBIDDEN and refusal.reason == "rejected":
        detail += " with a page that has no word of the token"
    return ended(ConnectionLostError(refusal.reason, detail), refusal.status, wait)


def ended(lost: ConnectionLostError, status: int, wait: float | None) -> ConnectionLostError:
    """The same end, with the wait that was asked for where the status is one of those that do."""
    if wait is None or status not in _BUSY_STATUSES:
        return lost
    detail = f"{lost.detail}, to be asked again after {wait:g} s"
    return ConnectionLostError(lost.reason, detail, retry_after_seconds=wait)


def of_another_token(lost: ConnectionLostError) -> ConnectionLostError:
    """The same end where the token was not ours but one that came with a redirect: ours was accepted."""
    if lost.reason != "unauthorized":
        return lost
    detail = f"{lost.detail} for the token that came with the redirect"
    return ConnectionLostError("rejected", detail, retry_after_seconds=lost.retry_after_seconds)


def wait_in(answer: h11.Response | h11.InformationalResponse) -> float | None:
    """What the `Retry-After` of an answer says."""
    return retry_after_seconds(header(answer, b"retry-after"), header(answer, b"date"))


def header(answer: h11.Response | h11.InformationalResponse, name: bytes) -> str:
    """The value of a header, whose lines are one list; empty where there is none."""
    return ", ".join(value.decode("latin-1") for each, value in answer.headers if each == name)
