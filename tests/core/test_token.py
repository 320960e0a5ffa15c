"""What is read of a JWT, and how a feed's token is judged."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.jwt import jwt, with_payload
from watchdog.core.token import EXPIRY_WARNINGS_SECONDS, Claims, TokenState, read_claims

# --- claims


def test_the_times_of_a_jwt_are_read():
    assert read_claims(jwt(exp=300, nbf=100.5, iat="whatever", sub="x")) == Claims(exp=300, nbf=100.5)


@pytest.mark.parametrize("subject", ["", "a", "ab", "abc", "ÿ?>", "żółć"])
def test_a_payload_of_any_length_is_read(subject):
    assert read_claims(jwt(exp=300, sub=subject)).exp == 300


@pytest.mark.parametrize(
    "token",
    [
        jwt(),
        "",
        "opaque",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        "a.é.c",
        with_payload("not json"),
        with_payload("[]"),
        with_payload("null"),
        with_payload('{"exp":"soon"}'),
        with_payload('{"exp":true}'),
        with_payload('{"exp":1e999}'),
        with_payload('{"exp":-1e13}'),
        with_payload('{"exp":' + "9" * 40 + "}"),
        with_payload("[" * 100_000),
        f"e30.{'W' * 10_000}.x",
    ],
)
def test_a_token_that_names_no_time_and_no_partner_or_is_no_jwt_has_no_claims(token):
    assert read_claims(token) == Claims()


@given(st.text() | st.text().map(with_payload))
def test_no_token_ever_makes_the_reader_raise(token):
    read_claims(token).other_partner(42)


@pytest.mark.parametrize(
    ("claims", "other"),
    [
        ({"PartnerClientId": 7}, "7"),
        ({"partner_client_id": "7"}, "7"),
        ({"partnerClientId": "x" * 99}, "x" * 40),
        ({"partnerClientId": 42, "PARTNER-CLIENT-ID": 7}, "7"),
        ({"partnerClientId": 42}, None),
        ({"partner_client_id": "42"}, None),
        ({"client_id": 7}, None),
        ({}, None),
    ],
)
def test_a_jwt_for_another_partner_is_recognized_and_warned_of(claims, other):
    token = jwt(**claims)
    assert read_claims(token).other_partner(42) == other
    warnings = [each for each in new_state().obtained(token, 0.0) if each.event == "token.other_partner"]
    assert [each.detail for each in warnings] == ([{"expected": 42, "claimed": other}] if other else [])


# --- the state


def new_state() -> TokenState:
    return TokenState("betcore", 42)


def having(token: str) -> TokenState:
    state = new_state()
    state.obtained(token, 0.0)
    return state


def events(findings):
    return [finding.event for finding in findings]


def test_before_anything_is_known_the_token_is_pending_and_nothing_is_said():
    state = new_state()
    assert state.validity(0.0) == "pending"
    assert state.judge(0.0) == []
    assert state.seconds_to_change(0.0) == math.inf
    assert not state.snapshot(0.0).valid


@pytest.mark.parametrize(
    ("token", "at", "validity"),
    [
        ("opaque", 1e12, "valid"),
        (jwt(exp=300), 299.999, "valid"),
        (jwt(exp=300), 300.0, "expired"),
        (jwt(nbf=100), 99.999, "not_yet_valid"),
        (jwt(nbf=100), 100.0, "valid"),
        (jwt(exp=300, nbf=100), 200.0, "valid"),
        (jwt(exp=0), 0.0, "expired"),
    ],
)
def test_a_token_is_valid_from_nbf_until_exp(token, at, validity):
    state = having(token)
    assert state.validity(at) == validity
    assert state.worth_trying(at) == (validity == "valid")


@pytest.mark.parametrize(("at", "seconds"), [(0.0, 100.0), (99.5, 0.5), (100.0, 200.0), (300.0, math.inf)])
def test_it_is_known_when_a_token_changes_by_itself(at, seconds):
    assert having(jwt(nbf=100, exp=300)).seconds_to_change(at) == seconds


def test_each_validity_is_returned_once_with_its_particulars():
    state = new_state()
    found = state.unavailable("no such file", 0.0) + state.unavailable("something else", 1.0)
    found += state.obtained(jwt(nbf=100, exp=900_000), 2.0) + state.judge(3.0)
    found += state.judge(100.0) + state.judge(101.0)
    found += state.obtained("opaque", 102.0)
    found += state.obtained(jwt(exp=103), 103.0) + state.judge(104.0)
    assert [(each.event, each.level, each.detail) for each in found] == [
        ("token.missing", "warning", {"error": "no such file"}),
        ("token.not_yet_valid", "warning", {}),
        ("token.valid", "info", {"expires_at": 900_000.0}),
        ("token.expired", "warning", {}),
    ]


def test_a_token_taken_away_is_missing_and_its_times_are_forgotten():
    state = having(jwt(exp=300))
    state.unavailable("gone", 1.0)
    assert state.validity(400.0) == "missing"
    assert state.snapshot(1.0).expires_at is None


@pytest.mark.parametrize(
    ("offset", "expired_at"), [(0.0, 100), (1.0, 100), (-1.0, 100), (30.0, 130), (-30.0, 70)]
)
def test_a_token_expires_by_the_provider_s_clock_where_ours_is_off(offset, expired_at):
    state = having(jwt(exp=100))
    state.skewed(offset, 0.0)
    assert state.seconds_to_change(0.0) == state.remaining_seconds(0.0) == expired_at
    assert state.validity(expired_at - 0.01) == "valid"
    assert events(state.judge(expired_at)) == ["token.expired"]


def test_how_far_the_clocks_are_apart_is_returned_once():
    state = having("opaque")
    found = [state.skewed(offset, 0.0) for offset in (0.2, 40.0, 41.0, 40.5, 0.1, -3.0)]
    assert [[(each.event, each.level, each.detail) for each in findings] for findings in found] == [
        [],
        [("clock.skewed", "warning", {"offset_seconds": 40.0})],
        [],
        [],
        [],
        [("clock.skewed", "warning", {"offset_seconds": -3.0})],
    ]


# --- warnings of the expiry

HOUR, DAY = EXPIRY_WARNINGS_SECONDS


def test_a_token_that_nobody_renews_is_warned_of_a_day_and_an_hour_ahead_and_once_each():
    state = having(jwt(exp=100_000))
    times = [0.0, 100_000 - DAY, 100_000 - DAY + 1, 50_000.0, 100_000 - HOUR + 1, 99_999.0, 100_000.0]
    found = [[each for each in state.judge(at) if each.event == "token.expiring"] for at in times]
    assert [len(findings) for findings in found] == [0, 0, 1, 0, 1, 0, 0]
    assert found[2][0].detail == {"expires_at": 100_000.0, "remaining_seconds": round(DAY - 1)}
    assert found[2][0].level == "warning"


def test_another_token_is_warned_of_anew():
    state = new_state()
    found = state.obtained(jwt(exp=1_000), 0.0) + state.obtained(jwt(exp=1_001), 0.0)
    assert events(found).count("token.expiring") == 2


def test_a_renewal_that_works_keeps_the_warnings_silent():
    state = new_state()
    assert "token.expiring" not in events(state.renewed(jwt(exp=1_000), 0.0) + state.judge(10.0))
    assert events(state.not_renewed("HTTP status 503", 700.0)) == ["token.refresh_failed", "token.expiring"]


# --- what the hub makes of a token


def test_a_rejected_token_is_rejected_until_another_replaces_it():
    state = having("first")
    assert events(state.rejected("first", 0.0) + state.rejected("first", 0.0)) == ["token.rejected"]
    assert events(state.obtained("second", 0.0)) == ["token.valid"]
    assert state.rejected("first", 0.0) == []  # a game that was slow to hear
    assert state.snapshot(0.0).rejections == 3


def test_a_rejected_token_that_is_accepted_after_all_is_valid_again():
    state = having("token")
    state.rejected("token", 0.0)
    assert state.accepted("another", 0.0) == []
    assert events(state.accepted("token", 0.0)) == ["token.valid"]


def test_an_expired_token_is_called_expired_although_it_was_rejected_too():
    state = having(jwt(exp=300))
    state.rejected(jwt(exp=300), 0.0)
    assert state.validity(300.0) == "expired"


def test_a_renewed_token_after_a_refused_one_is_valid_once_the_hub_accepts_it():
    state = new_state()
    state.renewed("first", 0.0)
    state.rejected("first", 0.0)
    assert state.unproven
    assert not state.worth_trying(0.0)
    # Were each new token called valid, a hub that refuses all of them would make the log flap.
    assert events(state.renewed("second", 1.0)) == ["token.refreshed"]
    assert (state.validity(1.0), state.unproven) == ("rejected", True)
    assert state.worth_trying(1.0)
    assert events(state.accepted("second", 2.0)) == ["token.valid"]
    assert not state.unproven


def test_a_renewed_token_after_one_that_was_refused_late_is_trusted():
    state = new_state()
    state.renewed("first", 0.0)
    state.accepted("first", 0.0)
    state.rejected("first", 9.0)
    state.rejected("first", 9.0)
    assert (state.validity(9.0), state.unproven) == ("rejected", False)
    assert events(state.renewed("second", 10.0)) == ["token.refreshed", "token.valid"]


# --- renewals


def test_renewals_are_counted_and_a_failure_takes_no_token_away():
    state = new_state()
    assert events(state.not_renewed("HTTP status 503", 0.0)) == ["token.refresh_failed", "token.missing"]
    found = state.renewed(jwt(exp=9_000), 1.0) + state.not_renewed("refused", 2.0)
    assert [(each.event, each.level, each.detail) for each in found] == [
        ("token.refreshed", "info", {"expires_at": 9_000.0}),
        ("token.valid", "info", {"expires_at": 9_000.0}),
        ("token.refresh_failed", "warning", {"error": "refused"}),
        ("token.expiring", "warning", {"expires_at": 9_000.0, "remaining_seconds": 8_998}),
    ]
    snapshot = state.snapshot(2.0)
    assert (snapshot.feed, snapshot.valid, snapshot.expires_at) == ("betcore", True, 9_000.0)
    assert (snapshot.refreshes, snapshot.rejections) == ({"ok": 1, "failed": 2}, 0)


def test_nothing_shown_of_a_token_s_state_holds_the_token():
    state = having("sesame.open.now")
    assert "sesame" not in f"{state!r} {state.snapshot(0.0)!r} {state.claims!r}"


@pytest.mark.parametrize(("opening", "inmost", "closing"), [("[", "", "]"), ('{"a":', "1", "}")])
def test_a_claim_nested_as_deep_as_can_be_decoded_makes_nothing_raise(opening, inmost, closing):
    for depth in range(sys.getrecursionlimit() + 1):
        read_claims(with_payload(f'{{"partnerClientId":{opening * depth}{inmost}{closing * depth}}}'))
