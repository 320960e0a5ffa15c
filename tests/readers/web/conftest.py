"""What several tests of the web side need."""

import pytest

from watchdog.readers.web import connection, server


@pytest.fixture
def impatient(monkeypatch):
    """Limits of time that a test can wait for, each unlike the others."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(connection, "IDLE_SECONDS", 1.0)
    monkeypatch.setattr(connection, "PARTING_SECONDS", 0.2)
    monkeypatch.setattr(connection, "HANDSHAKE_SECONDS", 0.4)
    monkeypatch.setattr(server, "BEAT_SECONDS", 0.05)
