"""What a statement says in words."""

import pytest

from tests.support.histories import stated, watched
from watchdog.core.history import combined
from watchdog.core.statement.accounting import CreditStep
from watchdog.core.statement.words import duration

DAY = 86_400
LEFT_OUT = "maintenance, time without a valid token, time that no watchdog observed"
ELSEWHERE = "Maintenance is agreed in these windows alone, and counts as lost elsewhere:"


def words(*histories, **accounting):
    return stated(*(histories or (watched([(0, "fresh")], DAY),)), start=0, end=DAY, **accounting).method


def test_the_defaults_in_words():
    said = words()

    assert said[0] == (
        "The objective is a freshness of 99.9 %. An update is promised every 0.5 s, and counts as late when "
        "more than 0.75 s passed since the one before."
    )
    assert said[4:7] == (
        "The promise holds at all times.",
        f"Left out of the accountable time: {LEFT_OUT}.",
        "Freshness is the part of the accountable time that wasn't lost.",
    )
    assert said[7].startswith("The objective is met if freshness isn't below it, which is decided before")
    assert len(said) == 8


def test_objectives_that_differ_are_named_with_their_games():
    strict = watched({4: [(0, "fresh")], 5: [(0, "fresh")]}, DAY, run="strict", objective=0.9995)
    said = words(combined([watched([(0, "fresh")], DAY), strict]))

    assert said[0].startswith("The objective for Game 3 is a freshness of 99.9 %.")
    assert said[1].startswith("The objective for Game 4, Game 5 is a freshness of 99.95 %.")


def test_what_was_agreed_is_said():
    said = words(
        hours=("mon-fri 08:00-20:00", "sat 10:00-12:00"),
        planned_maintenance=("tue 03:00-04:00",),
        ignore_shorter_than_seconds=2.5,
        round_to_seconds=60,
        basis="updates",
        credits=(CreditStep(below=0.99, percent=25.0), CreditStep(below=0.999, percent=10.0)),
    )

    assert "The promise holds mon-fri 08:00-20:00; sat 10:00-12:00, by the clock of UTC." in said
    assert (
        "Maintenance is agreed in these windows alone, and counts as lost elsewhere: tue 03:00-04:00." in said
    )
    assert "An incident that lost less than 2.5 seconds, in all of its length, counts as nothing." in said
    assert "What an incident lost is rounded to a multiple of 60 seconds, the half upwards." in said
    assert any(each.startswith("Freshness is the part of the updates that came on time.") for each in said)
    assert said[-3:] == (
        "Below a freshness of 99.9 %, 10 % of the fee are credited.",
        "Below a freshness of 99 %, 25 % of the fee are credited.",
        "Of several credits the highest counts.",
    )


def test_that_nothing_is_left_out_or_agreed_is_said():
    assert "Left out of the accountable time: nothing." in words(exclude=())
    assert "Maintenance counts as lost." in words(exclude=())
    assert f"{ELSEWHERE} none." in words(planned_maintenance=())


@pytest.mark.parametrize(
    ("lasted", "text"),
    [
        (0, "0.000 s"),
        (499, "0.000 s"),
        (500, "0.001 s"),
        (59_999_499, "59.999 s"),
        (59_999_500, "1 min 0.000 s"),
        (3_600_000_000, "1 h 0 min 0.000 s"),
        (90_061_001_000, "25 h 1 min 1.001 s"),
    ],
)
def test_a_length_of_time_is_told_to_the_millisecond(lasted, text):
    assert duration(lasted) == text
