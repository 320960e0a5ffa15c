"""What several tests of the web side need."""

import pytest

from watchdog.readers.web import connection as conversation


@pytest.fixture
def impatient(monkeypatch):
    """Limits of time that a test can wait for, each unlike the others."""
    monkeypatch.setattr(conversation, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(conversation, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(conversation, "IDLE_SECONDS", 1.0)
    monkeypatch.setattr(conversation, "PARTING_SECONDS", 0.2)
    monkeypatch.setattr(conversation, "HANDSHAKE_SECONDS", 0.4)
