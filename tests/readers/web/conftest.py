"""What several tests of the web side need."""

import pytest

from watchdog.readers.web import connection, server


@pytest.fixture
def impatient(monkeypatch):
    """Limits of time that a test can wait for; the one for an idle connection is far beyond the others."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(connection, "IDLE_SECONDS", 2.0)
    monkeypatch.setattr(connection, "PARTING_SECONDS", 0.2)
    monkeypatch.setattr(connection, "HANDSHAKE_SECONDS", 0.4)
    monkeypatch.setattr(server, "BEAT_SECONDS", 0.05)
