"""The examples of docs/statements.md, with the figures that stand there."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.histories import only, rollup, stated, watched
from watchdog.config.accounting import load_accounting

DOCS = (Path(__file__).parents[3] / "docs" / "statements.md").read_text()
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
MONTH = 30 * 86_400


def at(day, hours, minutes=0, seconds=0):
    return (day - 1) * 86_400 + hours * 3600 + minutes * 60 + seconds


TROUBLE = (
    ("silent", at(3, 10), at(3, 10, 20)),
    ("maintenance", at(7, 2), at(7, 2, 30)),
    ("disconnected", at(10, 8, 59, 50), at(10, 9, 0, 30)),
    ("frozen", at(12, 14), at(12, 14, 0, 4)),
    ("unauthorized", at(15, 12), at(15, 13)),
    ("unobserved", at(20, 0), at(20, 0, 10)),
)


def example(number):
    """The accounting that stands in the example, and its figures by hand, as its text has them."""
    section = DOCS.partition(f"### {number}. ")[2].partition("\n### ")[0].partition("\n## ")[0]
    toml = section.partition("```toml\n")[2].partition("```")[0]
    return toml, " ".join(section.rpartition("```")[2].split())


@pytest.mark.parametrize(
    ("number", "accountable", "lost", "freshness", "percent", "met", "budget_used", "credit"),
    [
        (1, 2_586_000, 1_244, 0.9995, 99.9519, True, 0.4811, 0.0),
        (2, 680_400, 1_260, 0.9981, 99.8148, False, 1.8519, 10.0),
        (3, 2_590_500, 5_744, 0.9978, 99.7783, False, 2.2173, 0.0),
        (4, 2_586_000, 1_244, 0.9994, 99.9419, True, 0.5812, 0.0),
    ],
)
def test_a_worked_example_of_the_docs_comes_out_as_it_says(
    tmp_path, number, accountable, lost, freshness, percent, met, budget_used, credit
):
    toml, text = example(number)
    path = tmp_path / "accounting.toml"
    path.write_text(toml)
    accounting = load_accounting(path)
    steps = [(0, "fresh")]
    for state, start, end in TROUBLE:
        steps += [(start, state), (end, "fresh")]
    updates = [rollup(hour, 7_200, base=NOVEMBER) for hour in range(716)]
    rest = rollup(716, 5_160_000 - 716 * 7_200, late=900, missed=2_100, base=NOVEMBER)
    history = watched(steps, MONTH, base=NOVEMBER, rollups=[*updates, rest])
    document = stated(
        history,
        start=0,
        end=MONTH,
        base=NOVEMBER,
        **{name: getattr(accounting, name) for name in accounting.__struct_fields__},
    )
    game = only(document)

    assert (game.accountable_seconds, game.lost_seconds) == (accountable, lost)
    assert sum(each.lost_seconds for each in document.incidents) == lost
    assert (game.freshness, game.freshness_percent, game.met) == (freshness, percent, met)
    assert (game.budget_used, game.credit_percent) == (budget_used, credit)
    figures = [f"{freshness}, or {percent} %", f"{lost:,} s", "met" if met else "missed"]
    figures += [f"{accountable:,} s"] if number != 4 else []
    assert [figure for figure in figures if figure not in text] == []
