import importlib
import pkgutil

import pytest

from watchdog.core import checks
from watchdog.core.checks.check import Check
from watchdog.core.checks.settings import CheckSettings
from watchdog.core.checks.suite import ANOMALY_KINDS, CHECKS, CheckSuite


def test_the_kinds_are_those_of_the_interface():
    assert ANOMALY_KINDS == {
        "sequence": ("gap", "duplicate", "regression", "reset"),
        "timestamp": ("frozen", "regressed"),
        "betting_timer": ("frozen", "expired", "lingering", "rewound", "jumped", "negative"),
        "round": ("overdue", "regressed", "skipped", "result_changed"),
    }


def test_every_check_is_in_the_tuple():
    for module in pkgutil.iter_modules(checks.__path__, f"{checks.__name__}."):
        importlib.import_module(module.name)

    assert set(Check.__subclasses__()) == set(CHECKS)
    assert [type(check) for check in CheckSuite(CheckSettings()).checks] == list(CHECKS)


def test_a_check_has_to_judge():
    with pytest.raises(NotImplementedError):
        Check(CheckSettings()).received(None)  # type: ignore[arg-type]
