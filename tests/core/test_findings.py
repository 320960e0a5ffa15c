from watchdog.core.findings import ANOMALY_KINDS, Anomaly


def test_the_kinds_are_those_of_the_interface():
    assert ANOMALY_KINDS == {
        "sequence": ("gap", "duplicate", "regression", "reset"),
        "betting_timer": ("frozen", "expired", "lingering", "rewound", "jumped", "negative"),
        "timestamp": ("frozen", "regressed"),
        "round": ("overdue", "regressed", "skipped", "result_changed"),
    }


def test_an_anomaly_names_its_log_event():
    assert Anomaly("betting_timer", "frozen").event == "betting_timer.frozen"
