"""How lost time is accounted for: what two parties agreed, or the defaults."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import Annotated, Literal

from msgspec import Meta, Struct

from watchdog.core.history import SECOND
from watchdog.core.statement.cuts import intersection
from watchdog.core.statement.schedule import parse_weekly, parse_window, weekly_cuts, window_cuts
from watchdog.core.timeline import Cut, Span

Basis = Literal["time", "updates"]
Exclusion = Literal["maintenance", "unauthorized", "unobserved"]

Seconds = Annotated[float, Meta(ge=0.0, le=86_400.0)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Percent = Annotated[float, Meta(ge=0.0, le=100.0)]


class CreditStep(Struct, frozen=True, kw_only=True):
    """Below which freshness how many per cent of the fee are credited."""

    below: Share
    percent: Percent


class Accounting(Struct, frozen=True, kw_only=True):
    """What is promised, what is left out, what counts, and what it costs.

    `hours` are the weekly windows in which the promise holds, None for always. `planned_maintenance` are the
    windows in which maintenance is agreed, None where all of it is. Both are texts as `schedule` parses them.
    """

    basis: Basis = "time"
    exclude: tuple[Exclusion, ...] = ("maintenance", "unauthorized", "unobserved")
    ignore_shorter_than_seconds: Seconds = 0.0
    round_to_seconds: Seconds = 0.0
    hours: tuple[str, ...] | None = None
    planned_maintenance: tuple[str, ...] | None = None
    credits: tuple[CreditStep, ...] = ()

    @property
    def ignore_shorter_than(self) -> int:
        """In microseconds."""
        return round(self.ignore_shorter_than_seconds * SECOND)

    def counts(self, span: Span) -> bool:
        """Whether a span is lost if the promise holds in it."""
        return span.is_trouble and not (span.agreed and span.state in self.exclude)

    def rounded(self, lost: int) -> int:
        """Lost microseconds to the nearest whole step, half a step upwards."""
        step = round(self.round_to_seconds * SECOND)
        return (2 * lost + step) // (2 * step) * step if step else lost

    def promised(self, zone: tzinfo, began: int, ended: int) -> list[Cut]:
        """The cuts in which the promise holds."""
        if self.hours is None:
            return [(began, ended)]
        return weekly_cuts([parse_weekly(text) for text in self.hours], zone, began, ended)

    def planned(self, zone: tzinfo, began: int, ended: int) -> list[Cut]:
        """The cuts in which maintenance is agreed."""
        if "maintenance" not in self.exclude:
            return []
        if self.planned_maintenance is None:
            return [(began, ended)]
        windows = [parse_window(text) for text in self.planned_maintenance]
        return window_cuts(windows, zone, began, ended)


def marked(spans: Iterable[Span], planned: Sequence[Cut]) -> list[Span]:
    """The spans, with maintenance outside the planned cuts in spans of its own, not agreed."""
    pieces: list[Span] = []
    for span in spans:
        pieces += _cut(span, planned) if span.state == "maintenance" else [span]
    return pieces


def _cut(span: Span, planned: Sequence[Cut]) -> Iterator[Span]:
    at = span.began
    for began, ended in [*intersection(planned, [(span.began, span.ended)]), (span.ended, span.ended)]:
        if at < began:
            yield Span(span.state, at, began, span.because, agreed=False)
        if began < ended:
            yield Span(span.state, began, ended, span.because)
        at = ended
