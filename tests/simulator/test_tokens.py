import base64
import json

import pytest

from watchdog.simulator.tokens import acceptable, issue_token

NOW = 1_790_000_000.0


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_a_token_says_for_how_long_it_is_valid():
    issued = claims(issue_token(lifetime_seconds=60, now=NOW))
    assert (issued["iat"], issued["nbf"], issued["exp"]) == (NOW, NOW, NOW + 60)
    assert issued["scope"] == "feed"


def test_a_token_is_accepted_until_it_expires():
    token = issue_token(lifetime_seconds=60, now=NOW)
    assert acceptable(token, NOW + 59)
    assert not acceptable(token, NOW + 60)


def test_a_token_for_later_is_not_accepted_yet():
    assert not acceptable(issue_token(now=NOW), NOW - 10)


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.W10.c", "a.e30.c", "é.ü.ö"])
def test_a_token_that_is_no_jwt_is_accepted(token):
    assert acceptable(token, NOW)


def test_no_token_is_not_accepted():
    assert not acceptable("", NOW)
