from watchdog.core.findings import Anomaly


def test_an_anomaly_names_its_log_event():
    assert Anomaly("betting_timer", "frozen").event == "betting_timer.frozen"
