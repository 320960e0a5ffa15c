"""From stays and anomalies to incidents: the same live, from the file and in a test.

An incident is the longest span in which a game is in none of `fresh` and `maintenance`, with interruptions
of less than 10 s. An anomaly is trouble of no length: what is less than 10 s from it belongs to the same
incident, and where nothing is, it is an incident of its own. All times are UTC microseconds.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

from watchdog.core.history import SECOND, AnomalyRow, GameKey
from watchdog.core.ledger import PARTIES, PARTY, Party, State
from watchdog.core.timeline import Span

JOINED_BELOW = 10 * SECOND
"""An interruption that lasts as long or longer ends an incident."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Cause(Struct, frozen=True, gc=False):
    """How long an incident was in a state for the same reasons, as the stay names them."""

    state: State
    because: tuple[str, ...]
    lasted: int


class AnomalyCount(Struct, frozen=True, gc=False):
    """The anomalies of one sort within an incident, and the particulars of the first as a JSON object."""

    event: str
    count: int
    first: int
    last: int
    detail: str


class Incident(Struct, frozen=True, kw_only=True):
    """What broke, since when, how long, whose.

    `began` is the first sign of it, `ended` the end of its last stay, which is None while it goes on; an
    incident of anomalies alone has no length. `lasted` has the microseconds of each state that occurred.
    """

    feed: str
    game_type: int
    began: int
    ended: int | None
    lasted: dict[State, int]
    causes: tuple[Cause, ...]
    anomalies: tuple[AnomalyCount, ...]

    @property
    def id(self) -> str:
        """Unique among the incidents of a feed's game, as two never begin within the same second."""
        return incident_id(self.feed, self.game_type, utc(self.began))

    @property
    def whose(self) -> Party:
        """The party with most of the time; of two with as much, and at the beginning, the first one named.

        Anomalies by themselves are the provider's.
        """
        by_party: dict[Party, int] = {}
        for state, lasted in self.lasted.items():
            by_party[PARTY[state]] = by_party.get(PARTY[state], 0) + lasted
        return max(by_party, key=lambda party: (by_party[party], -PARTIES.index(party)), default="provider")


class IncidentEvent(Struct, frozen=True):
    """An incident has begun, or turned out to be over; it stands there as it is known now."""

    event: Literal["incident.began", "incident.ended"]
    incident: Incident


class IncidentTracker:
    """Makes incidents of what happens to one game, told in the order of time.

    An incident is reported when it begins, and again once it has been over for 10 s: call `advance` when
    `deadline` has passed. Anomalies during maintenance are nobody's, so it must not be told of them. To go on
    from the run before, begin with a span of `unobserved` from the end of that run.
    """

    __slots__ = ("_feed", "_game_type", "_open", "_present", "_since")

    def __init__(self, feed: str, game_type: int) -> None:
        self._feed = feed
        self._game_type = game_type
        # What is booked to the incident while the present stay lasts; None outside trouble.
        self._present: _Reason | None = None
        self._since = 0
        # The incident that goes on, or has been over for less than 10 s.
        self._open: _Open | None = None

    @property
    def deadline(self) -> int | None:
        """When the open incident is known to be over if nothing happens until then."""
        if self._open is None or self._present is not None:
            return None
        return self._open.last_sign + JOINED_BELOW

    def current(self, at: int) -> Incident | None:
        """The open incident with what is booked to it up to `at`; None without one."""
        if self._open is None:
            return None
        return self._open.incident(self._feed, self._game_type, self._present, at - self._since)

    def entered(
        self, state: State, because: tuple[str, ...], at: int, *, agreed: bool = True
    ) -> list[IncidentEvent]:
        """A stay begins, in another state or for other reasons; `agreed` is what a `Span` says of it."""
        events = self.advance(at)
        if self._open is not None and self._present is not None:
            self._open.book(self._present, at - self._since, at)
        self._since = at
        span = Span(state, at, at, because, agreed)
        self._present = (state, because) if span.is_trouble else None
        if self._present is None:
            return events
        if self._open is not None:
            self._open.book(self._present, 0, at)
            return events
        self._open = _Open(at)
        self._open.book(self._present, 0, at)
        return [*events, *self._event("incident.began", at)]

    def anomaly(self, event: str, detail: str, at: int) -> list[IncidentEvent]:
        """An anomaly was found; `detail` has its particulars as a JSON object."""
        events = self.advance(at)
        if self._open is not None:
            self._open.count(event, detail, at)
            return events
        self._open = _Open(at)
        self._open.count(event, detail, at)
        return [*events, *self._event("incident.began", at)]

    def advance(self, at: int) -> list[IncidentEvent]:
        """Report the open incident if it is known to be over by `at`."""
        deadline = self.deadline
        if deadline is None or at < deadline:
            return []
        events = self._event("incident.ended", at)
        self._open = None
        return events

    def _event(self, event: Literal["incident.began", "incident.ended"], at: int) -> list[IncidentEvent]:
        incident = self.current(at)
        return [] if incident is None else [IncidentEvent(event, incident)]


def incidents_of(
    key: GameKey, spans: Sequence[Span], anomalies: Iterable[AnomalyRow]
) -> tuple[Incident, ...]:
    """The incidents of a game within adjoining spans; one that the last span belongs to goes on."""
    tracker, events = tracked(key, spans, anomalies)
    events += tracker.advance(spans[-1].ended)
    last = tracker.current(spans[-1].ended)
    over = [event.incident for event in events if event.event == "incident.ended"]
    return (*over, last) if last is not None else tuple(over)


def tracked(
    key: GameKey, spans: Sequence[Span], anomalies: Iterable[AnomalyRow]
) -> tuple[IncidentTracker, list[IncidentEvent]]:
    """A tracker that was told of adjoining spans and of the anomalies within them, and what it reported."""
    tracker = IncidentTracker(*key)
    began, ended = spans[0].began, spans[-1].ended
    inside = sorted((row for row in anomalies if began <= row.at < ended), key=lambda row: row.at)
    events: list[IncidentEvent] = []
    position = 0
    for span in spans:
        # As live: what is found with an update comes before the state that the update leads to.
        while position < len(inside) and inside[position].at <= span.began:
            events += _told(tracker, inside[position])
            position += 1
        events += tracker.entered(span.state, span.because, span.began, agreed=span.agreed)
    for row in inside[position:]:
        events += _told(tracker, row)
    return tracker, events


def _told(tracker: IncidentTracker, row: AnomalyRow) -> list[IncidentEvent]:
    return tracker.anomaly(row.event, row.detail, row.at)


def incident_id(feed: str, game_type: int, began: datetime) -> str:
    """How an incident is called by its beginning in UTC: `betcore-3-20261101T120000Z`."""
    return f"{feed}-{game_type}-{began:%Y%m%dT%H%M%SZ}"


def utc(at: int) -> datetime:
    """The instant of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at)


_Reason = tuple[State, tuple[str, ...]]


class _Open:
    """An incident that is not known to be over."""

    __slots__ = ("anomalies", "began", "causes", "ended", "last_sign")

    def __init__(self, began: int) -> None:
        self.began = began
        self.ended = began
        self.last_sign = began
        self.causes: dict[_Reason, int] = {}
        self.anomalies: dict[str, AnomalyCount] = {}

    def book(self, reason: _Reason, lasted: int, at: int) -> None:
        self.causes[reason] = self.causes.get(reason, 0) + lasted
        self.ended = self.last_sign = at

    def count(self, event: str, detail: str, at: int) -> None:
        known = self.anomalies.get(event)
        if known is None:
            self.anomalies[event] = AnomalyCount(event, 1, at, at, detail)
        else:
            self.anomalies[event] = AnomalyCount(event, known.count + 1, known.first, at, known.detail)
        self.last_sign = max(self.last_sign, at)

    def incident(self, feed: str, game_type: int, present: _Reason | None, lasting: int) -> Incident:
        causes = dict(self.causes)
        if present is not None:
            causes[present] += lasting
        lasted: dict[State, int] = {}
        for (state, _), each in causes.items():
            lasted[state] = lasted.get(state, 0) + each
        return Incident(
            feed=feed,
            game_type=game_type,
            began=self.began,
            ended=self.ended if present is None else None,
            lasted=lasted,
            causes=tuple(Cause(state, because, each) for (state, because), each in causes.items()),
            anomalies=tuple(self.anomalies.values()),
        )
