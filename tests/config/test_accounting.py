"""The accounting of statements: from a file, or every mistake of it."""

import pytest

from watchdog.config.accounting import Hours, Maintenance, load_accounting
from watchdog.config.validation import ConfigError
from watchdog.core.statement.accounting import Accounting, CreditStep

WEEKLY = 'days and times such as "mon-fri 08:00-20:00" or "sat,sun 22:00-02:00"'
WINDOW = f'{WEEKLY}, or two instants such as "2026-11-03T02:00Z/2026-11-03T04:00Z"'
STATES = 'one of "maintenance", "unauthorized", "unobserved"'
KEYS = "basis, exclude, ignore_shorter_than_seconds, round_to_seconds, hours, planned_maintenance, credits"

ALL_KEYS = """
basis = "updates"
exclude = ["unobserved", "maintenance"]
ignore_shorter_than_seconds = 2.5
round_to_seconds = 60
hours = ["mon-fri 08:00-20:00", "sat,sun 22:00-02:00"]
planned_maintenance = ["tue 03:00-04:00", "2026-11-03T02:00Z/2026-11-03T04:00Z"]

[[credits]]
below = 0.999
percent = 10

[[credits]]
below = 0.99
percent = 25.5
"""


@pytest.fixture
def load(tmp_path):
    def load(text):
        path = tmp_path / "accounting.toml"
        path.write_text(text)
        try:
            return load_accounting(path)
        except ConfigError as error:
            return [mistake.removeprefix(f"{path}: ") for mistake in error.mistakes]

    return load


def test_an_empty_file_is_the_default(load):
    assert load("") == Accounting()
    assert Accounting() == Accounting(
        basis="time",
        exclude=("maintenance", "unauthorized", "unobserved"),
        ignore_shorter_than_seconds=0,
        round_to_seconds=0,
        hours=None,
        planned_maintenance=None,
        credits=(),
    )


def test_every_key_is_taken_in(load):
    assert load(ALL_KEYS) == Accounting(
        basis="updates",
        exclude=("unobserved", "maintenance"),
        ignore_shorter_than_seconds=2.5,
        round_to_seconds=60.0,
        hours=("mon-fri 08:00-20:00", "sat,sun 22:00-02:00"),
        planned_maintenance=("tue 03:00-04:00", "2026-11-03T02:00Z/2026-11-03T04:00Z"),
        credits=(CreditStep(below=0.999, percent=10.0), CreditStep(below=0.99, percent=25.5)),
    )


def test_no_maintenance_may_be_agreed(load):
    assert load("planned_maintenance = []").planned_maintenance == ()


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('basis = "money"', 'basis: expected one of "time", "updates", got "money"'),
        (
            'exclude = ["silent"]',
            f'exclude[0]: expected {STATES}, got "silent"',
        ),
        (
            'exclude = ["unobserved", "unobserved"]',
            'exclude[1]: expected each entry once, got "unobserved" again',
        ),
        (
            'exclude = "maintenance"',
            f"exclude: expected an array, each entry {STATES}, got a text",
        ),
        (
            "ignore_shorter_than_seconds = -1",
            "ignore_shorter_than_seconds: expected a number from 0 to 86400, got -1",
        ),
        ("round_to_seconds = nan", "round_to_seconds: expected a number from 0 to 86400, got nan"),
        ("round_to_seconds = true", "round_to_seconds: expected a number from 0 to 86400, got true"),
        ('hours = ["mon-fri 8-20"]', f"hours[0]: expected {WEEKLY}"),
        ("hours = [5]", f"hours[0]: expected {WEEKLY}, got 5"),
        ("hours = []", f"hours: expected at least one entry: {WEEKLY}"),
        ('planned_maintenance = ["mon"]', f"planned_maintenance[0]: expected {WEEKLY}"),
        ('planned_maintenance = ["a/b"]', f"planned_maintenance[0]: expected {WINDOW}"),
        (
            'exclude = []\nplanned_maintenance = ["mon 08:00-09:00"]',
            'planned_maintenance: only of use together with "maintenance" in exclude',
        ),
        ("credits = []", "credits: expected an array of at least one table, got an empty array"),
        (
            "[[credits]]\nbelow = 99.9\npercent = 5",
            "credits[0].below: expected a number from 0 to 1, got 99.9",
        ),
        ("[[credits]]\nbelow = 0.9", "credits[0].percent: missing, expected a number from 0 to 100"),
        (
            "credits = [{below = 0.9, percent = 5}, {below = 0.9, percent = 6}]",
            "credits[1].below: expected a below of its own, but credits[0] has it",
        ),
        (
            "credits = [{below = 0.9, percent = 5, tax = 1}]",
            "credits[0].tax: unknown key, allowed are below, percent",
        ),
        (
            "exclud = []",
            f'exclud: unknown key, did you mean "exclude"? allowed are {KEYS}',
        ),
        ("hours = ", "not TOML: Invalid value (at end of document)"),
    ],
)
def test_each_mistake_is_one_line_with_its_path(load, text, mistake):
    assert load(text) == [mistake]


def test_every_mistake_is_found_at_once(load):
    assert len(load('basis = 1\nhours = ["x", "y"]\nround_to_seconds = "z"')) == 4


def test_a_missing_file_is_one_mistake(tmp_path):
    with pytest.raises(ConfigError, match="can't be read: No such file"):
        load_accounting(tmp_path / "nowhere.toml")


def test_windows_show_what_was_written():
    assert str(Hours("mon 08:00-20:00")) == "mon 08:00-20:00"
    assert repr(Maintenance("tue 03:00-04:00")) == "Maintenance('tue 03:00-04:00')"
