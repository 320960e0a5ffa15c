"""Why a game is in a state and what an anomaly was, in the words of the status page and of statements."""

from collections.abc import Iterable, Mapping

from watchdog.core.ledger import State

_FROZEN: Mapping[str, str] = {
    "betting_timer.frozen": "betting timer stands still",
    "betting_timer.expired": "betting still open with the timer at 0",
    "betting_timer.lingering": "timer above 0 with betting closed",
    "timestamp.frozen": "timestamps stand still",
    "sequence.frozen": "sequence ids stand still",
    "round.overdue": "round is overdue",
}

_PLAIN: Mapping[State, str] = {
    "unobserved": "the watchdog's own loop stalled",
    "maintenance": "the feed says so",
    "unauthorized": "token missing, expired or rejected",
    "disconnected": "connecting",
    "silent": "subscribed, but no update comes",
    "fresh": "",
}

_DISCONNECTED: Mapping[str, str] = {
    "dns": "host name not found",
    "refused": "connection refused",
    "tls": "TLS failed",
    "timeout": "no answer in time",
    "unauthorized": "token rejected",
    "rejected": "refused by the server",
    "handshake": "handshake failed",
    "server_close": "closed by the hub",
    "closed": "connection lost",
    "keepalive": "no sign of life from the hub",
    "silence": "reconnecting after silence",
    "oversize": "message too large",
    "protocol": "protocol broken",
    "shutdown": "watchdog is stopping",
}

_LONGEST = 160


def cause(state: State, because: Iterable[str]) -> str:
    """Why a game is in a state, for the reasons that its stay names, in a few words; empty while it is fresh.

    A reason that has no words of ours stands for itself.
    """
    match state:
        case "frozen":
            named = [_FROZEN.get(reason, reason) for reason in because]
        case "disconnected":
            named = [_disconnected(reason) for reason in because]
        case _:
            named = list(because)
    return ", ".join(named) or _PLAIN.get(state, "")


def anomaly(event: str) -> str:
    """An anomaly's dotted event name in words: `sequence gap`."""
    return event.replace(".", " ").replace("_", " ")


def particulars(detail: Mapping[str, object]) -> str:
    """What is known of an anomaly: `expected 8000, got 8005, missed 5`."""
    text = ", ".join(_particular(key, value) for key, value in detail.items())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _particular(key: str, value: object) -> str:
    words = key.removesuffix("_seconds").replace("_", " ")
    values = value if isinstance(value, list) else [value]
    text = " and ".join(f"{each:g}" if isinstance(each, float) else str(each) for each in values)
    return f"{words} {text} s" if key.endswith("_seconds") else f"{words} {text}"


def _disconnected(reason: str) -> str:
    words = _DISCONNECTED.get(reason)
    return reason if words is None else f"{words} ({reason})"
