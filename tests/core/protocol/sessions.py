"""A session that talks to an imagined hub."""

from watchdog.core.protocol.events import Established, Invocation
from watchdog.core.protocol.signalr import Session

SUBSCRIBE = '{"type":1,"target":"Subscribe","arguments":[]}\x1e'
PING = '{"type":6}\x1e'
UPDATE = '{"type":1,"target":"WholeGamesInfoSubscribe","arguments":[{"sId":1}]}\x1e'


def established(at=0.0, *, expected=None):
    session = Session(SUBSCRIBE, at, expected=expected)
    assert session.receive("{}\x1e", at) == [Established()]
    session.data_to_send()
    return session


def kinds(happened):
    return [type(event) for event in happened]


def plain(happened):
    """Events as values that can be compared: raw JSON compares by identity."""
    return [
        (e.target, bytes(e.arguments), e.size_bytes, e.invocation_id) if isinstance(e, Invocation) else e
        for e in happened
    ]
