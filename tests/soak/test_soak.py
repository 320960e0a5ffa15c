"""Half a minute of the soak; `make soak DURATION=30m` is the whole of it, and its record is in docs/."""

import msgspec
import pytest

from tests.acceptance.processes import alone
from tests.soak import report, verdict
from tests.soak.sampling import Footprint, Inside, Scrape
from tests.soak.soak import Rest, Sample, Soak, drift, fallen_counters, run

pytestmark = pytest.mark.long

GAME = ("stormy", "3")
LABELS = {("feed", "stormy"), ("game_type", "3"), ("game", "3")}


def booked(at, *, fresh, silent=0.0, took=0.01):
    """A scrape asked for at `at`."""
    name = "betcore_feed_state_seconds_total"
    series = {
        (name, frozenset({*LABELS, ("state", "fresh")})): fresh,
        (name, frozenset({*LABELS, ("state", "silent")})): silent,
        ("betcore_feed_state", frozenset({*LABELS, ("state", "fresh")})): 1.0,
    }
    return Scrape(at, at + took, series)


def a_soak(*, rss=lambda hours: 60_000, blocks=lambda hours: 260_000, **changes):
    """Half an hour in which all is well, but for what is said."""
    rests = [
        Rest(
            cycle,
            cycle * 60.0,
            Footprint(int(rss(cycle / 60)), 50_000, 27, 2),
            Inside(87, int(blocks(cycle / 60))),
        )
        for cycle in range(31)
    ]
    soak = Soak(
        duration_seconds=1800.0,
        cycle_seconds=60.0,
        samples=[Sample(rest.at, rest.footprint, {GAME: 0.01}, at_rest=True) for rest in rests],
        rests=rests,
        last=booked(1800.0, fresh=1800.0),
        fallen=[],
        exit_code=0,
        complaints=[],
    )
    return msgspec.structs.replace(soak, **changes)


def with_a_rest(**changes):
    """One of the rests is another one."""
    soak = a_soak()
    rests = list(soak.rests)
    kept = rests[20]
    footprint = {name: changes.pop(name) for name in ("descriptors", "threads") if name in changes}
    rests[20] = msgspec.structs.replace(
        kept,
        footprint=msgspec.structs.replace(kept.footprint, **footprint),
        inside=msgspec.structs.replace(kept.inside, **changes),
    )
    return msgspec.structs.replace(soak, rests=rests)


@pytest.fixture(scope="module")
def soaked(tmp_path_factory):
    """The real processes: a cycle of faults and deaths, in a third of its time."""
    with alone(tmp_path_factory.getbasetemp().parent):
        return run(20.0, tmp_path_factory.mktemp("soak"))


def test_after_a_storm_the_watchdog_holds_what_it_held_before_and_has_booked_every_second(soaked):
    # What it holds is for the whole soak to judge: with two rests one socket more or less is chance.
    assert [line for line in verdict.mistakes(soaked) if "descriptors" not in line] == []
    assert len(soaked.rests) == 2
    assert verdict.games(soaked) == 16


def test_the_storm_was_one(soaked):
    lost = soaked.last.of("betcore_feed_disconnects_total", feed="stormy")
    reasons = {dict(labels)["reason"] for labels, count in lost.items() if count}

    assert {"closed", "refused"} <= reasons
    assert sum(lost.values()) >= 8 * verdict.restarts(soaked) / 2
    assert soaked.last.total("betcore_feed_sequence_anomalies_total", feed="stormy", kind="reset") >= 8
    assert soaked.last.total("betcore_feed_invalid_messages_total", feed="troubled") >= 3


def test_a_soak_in_which_nothing_grows_breaks_no_bound():
    assert list(verdict.mistakes(a_soak())) == []


def test_what_grows_only_while_it_warms_up_is_not_judged():
    soak = a_soak(rss=lambda hours: 60_000 + 30_000 * min(hours, 1 / 6))

    assert list(verdict.mistakes(soak)) == []


@pytest.mark.parametrize(
    ("soak", "said"),
    [
        (a_soak(rss=lambda hours: 60_000 + 4_000 * hours), "KiB of memory grow by 4000 an hour"),
        (a_soak(blocks=lambda hours: 260_000 + 20_000 * hours), "blocks of Python grow by 20000 an hour"),
        (a_soak(rss=lambda hours: 60_000 + 2_100 * (hours > 0.4)), "2100 KiB more memory"),
        (with_a_rest(descriptors=28), "after cycle 20: 28 descriptors, 27 before"),
        (with_a_rest(threads=4), "after cycle 20: 4 threads, 2 before"),
        (with_a_rest(tasks=89), "after cycle 20: 89 tasks, 87 before"),
        (with_a_rest(tasks=86), "after cycle 20: 86 tasks, 87 before"),
        (a_soak(samples=[Sample(1.0, Footprint(1, 1, 1, 1), {GAME: -0.06}, True)]), "0.060 s off the time"),
        (a_soak(fallen=["messages_total{}"]), "1 counters fell: messages_total{}"),
        (a_soak(exit_code=70), "ended with 70 after SIGTERM"),
        (a_soak(complaints=["Traceback"]), "1 lines on stderr that are no events"),
        (a_soak(rests=a_soak().rests[:1]), "the games never came to rest"),
        (a_soak(last=Scrape(0.0, 0.0, {})), "not every game came back"),
    ],
)
def test_a_soak_says_which_bound_is_broken(soak, said):
    assert any(said in mistake for mistake in verdict.mistakes(soak))


@pytest.mark.parametrize(
    ("later", "off"),
    [
        (booked(100.0, fresh=91.0, silent=9.005), 0.0),
        (booked(100.0, fresh=100.0, took=0.5), 0.0),
        (booked(100.0, fresh=100.1), 0.09),
        (booked(100.0, fresh=99.9), -0.09),
    ],
)
def test_what_lies_within_the_time_that_the_scrapes_took_is_no_drift(later, off):
    assert drift(booked(0.0, fresh=0.0), later)[GAME] == pytest.approx(off)


def test_a_counter_that_falls_or_goes_away_is_noticed():
    before, after = booked(0.0, fresh=5.0, silent=1.0), booked(1.0, fresh=4.0, silent=1.0)

    assert [name for name, _ in fallen_counters(before, after)] == ["betcore_feed_state_seconds_total"]
    assert len(list(fallen_counters(before, Scrape(1.0, 1.0, {})))) == 2


def test_the_document_shows_the_recorded_soak_which_broke_nothing():
    soaked = report.recorded()

    assert soaked.duration_seconds >= 1800.0 - soaked.cycle_seconds
    assert soaked.mistakes == []
    assert report.DOCUMENT.read_text() == report.document(soaked)
