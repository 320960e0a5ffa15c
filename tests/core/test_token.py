"""How a feed's token is judged: by its times, and by what the hub makes of it."""

import math

import pytest

from tests.support.jwt import jwt
from watchdog.core.token import EXPIRY_WARNINGS_SECONDS, TokenState

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


def test_a_token_for_another_partner_is_warned_of():
    found = new_state().obtained(jwt(partnerClientId=7), 0.0)
    assert [each.detail for each in found if each.event == "token.other_partner"] == [
        {"expected": 42, "claimed": "7"}
    ]


def test_times_that_cannot_be_read_are_warned_of_once_however_many_tokens_have_them():
    state = new_state()
    found = [state.obtained(jwt(exp="soon", n=number), 0.0) for number in range(3)]
    found += [state.obtained(jwt(exp=300), 0.0), state.obtained(jwt(exp="soon", nbf=True), 0.0)]
    warnings = [[each for each in findings if each.event == "token.claims_unreadable"] for findings in found]
    assert [[(each.level, each.detail) for each in findings] for findings in warnings] == [
        [("warning", {"claims": ["exp"]})],
        [],
        [],
        [],
        [("warning", {"claims": ["exp", "nbf"]})],
    ]
    assert state.validity(1e9) == "valid"


# --- whoever accepted us is right


def test_a_token_that_is_accepted_after_its_end_by_our_clock_is_valid_until_it_is_refused():
    state = having(jwt(exp=300))
    assert events(state.judge(400.0)) == ["token.expired"]
    found = state.accepted(jwt(exp=300), 400.0)
    assert events(found) == ["clock.refuted", "token.valid"]
    assert found[0].detail == {"offset_seconds": 0.0, "expires_at": 300.0}
    assert state.accepted(jwt(exp=300), 401.0) == []
    assert state.validity(9_999.0) == "valid"
    assert state.snapshot(9_999.0).valid
    assert events(state.rejected(jwt(exp=300), 10_000.0)) == ["token.expired"]
    assert state.unauthorized(10_000.0)


def test_a_token_that_was_accepted_in_its_time_expires_by_the_clock():
    state = having(jwt(exp=300))
    state.accepted(jwt(exp=300), 299.0)
    assert events(state.judge(300.0)) == ["token.expired"]
    assert state.unauthorized(300.0)


def test_a_token_that_is_accepted_before_its_begin_is_valid():
    state = having(jwt(nbf=300))
    assert events(state.accepted(jwt(nbf=300), 200.0)) == ["clock.refuted", "token.valid"]


def test_a_wrong_clock_keeps_no_new_token_from_being_tried_and_blames_nobody():
    state = having(jwt(exp=300))
    state.accepted(jwt(exp=300), 400.0)
    state.obtained(jwt(exp=350), 401.0)
    assert state.validity(401.0) == "expired"
    assert state.worth_trying(401.0)
    assert not state.unauthorized(401.0)
    assert events(state.accepted(jwt(exp=350), 402.0)) == ["token.valid"]
    # One that is accepted within its time speaks for the clock again.
    state.obtained(jwt(exp=900), 500.0)
    state.accepted(jwt(exp=900), 501.0)
    state.obtained(jwt(exp=550), 600.0)
    assert not state.worth_trying(600.0)
    assert state.unauthorized(600.0)


def test_a_token_that_expired_by_the_provider_s_clock_alone_is_tried_and_blames_nobody():
    state = having(jwt(exp=300))
    state.skewed(-200.0, 0.0)
    assert state.validity(150.0) == "expired"
    assert state.worth_trying(150.0)
    assert not state.unauthorized(150.0)
    assert state.unauthorized(300.0)


@pytest.mark.parametrize("accepted_first", [True, False])
def test_an_offset_by_which_an_accepted_token_had_expired_is_refuted_and_our_own_clock_decides(
    accepted_first,
):
    state = having(jwt(exp=3_600))
    found = []
    if accepted_first:
        state.accepted(jwt(exp=3_600), 10.0)
    found += state.skewed(-4_000.0, 20.0)
    if not accepted_first:
        found += state.accepted(jwt(exp=3_600), 30.0)
    assert [each.detail for each in found if each.event == "clock.refuted"] == [
        {"offset_seconds": -4_000.0, "expires_at": 3_600.0}
    ]
    # The same guess, a little later and for the next token.
    assert state.skewed(-4_010.0, 40.0) == []
    assert state.validity(3_599.0) == "valid"
    state.obtained(jwt(exp=7_200), 3_600.0)
    assert state.validity(7_199.0) == "valid"
    assert state.validity(7_200.0) == "expired"
    # Another one is believed.
    state.skewed(-100.0, 3_700.0)
    assert state.validity(7_100.0) == "expired"


def test_a_token_that_somebody_takes_for_ours_after_it_was_replaced_refutes_nothing():
    state = having(jwt(exp=300))
    state.obtained(jwt(exp=310), 400.0)
    assert state.accepted(jwt(exp=300), 401.0) == []
    assert state.validity(401.0) == "expired"


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
    found = state.obtained(jwt(exp=1_000), 0.0) + state.obtained(jwt(exp=999), 0.0)
    assert events(found).count("token.expiring") == 2


def warned(state, *times):
    return [at for at in times if "token.expiring" in events(state.judge(at))]


def test_a_file_that_is_renewed_halfway_is_warned_of_only_when_a_renewal_is_overdue():
    state = new_state()
    quiet = []
    for written_at in (0.0, 1_800.0, 3_600.0):
        token = jwt(exp=written_at + 3_600)
        quiet += warned(state, *range(int(written_at), int(written_at) + 1))
        quiet += events(state.obtained(token, written_at + 2.0, written_at))
        quiet += warned(state, written_at + 900.0, written_at + 1_799.0)
    assert quiet == ["token.valid"]
    assert state.snapshot(5_400.0).renewed_at == 3_600.0
    assert state.snapshot(5_400.0).renewal_due_at == 7_200.0 - 1_798.0
    # Half of the half hour that was left in the past.
    assert warned(state, 7_200.0 - 899.0, 7_200.0 - 898.0, 7_000.0) == [7_200.0 - 898.0]


def test_before_its_first_renewal_a_file_s_age_tells_how_long_its_token_lives():
    state = new_state()
    # The watchdog starts when 40 minutes of an hour are left.
    assert "token.expiring" not in events(state.obtained(jwt(exp=3_600), 1_200.0, 0.0))
    assert state.snapshot(1_200.0).renewal_due_at is None
    assert warned(state, 1_800.0, 1_801.0) == [1_801.0]


def test_a_token_that_was_replaced_after_its_end_teaches_nothing():
    state = new_state()
    state.obtained(jwt(exp=300), 0.0, 0.0)
    state.obtained(jwt(exp=1_300), 301.0, 301.0)
    assert state.snapshot(301.0).renewal_due_at is None


def test_a_file_written_by_a_clock_ahead_of_ours_was_written_now():
    state = new_state()
    state.obtained(jwt(exp=300), 100.0, 9_999.0)
    assert state.snapshot(100.0).renewed_at == 100.0


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


def test_who_is_blamed_and_whether_to_try_by_how_the_token_stands():
    state = new_state()
    stands = [(state.unauthorized(0.0), state.worth_trying(0.0))]
    state.unavailable("gone", 0.0)
    stands.append((state.unauthorized(0.0), state.worth_trying(0.0)))
    state.obtained("token", 0.0)
    stands.append((state.unauthorized(0.0), state.worth_trying(0.0)))
    assert stands == [(False, False), (True, False), (False, True)]


def test_the_next_renewal_is_due_when_it_is_planned():
    state = new_state()
    state.renewed(jwt(exp=3_600), 0.0)
    state.renewals.planned(3_300.0)
    assert (state.snapshot(0.0).renewed_at, state.snapshot(0.0).renewal_due_at) == (0.0, 3_300.0)
    state.renewed("opaque", 3_300.0)
    state.renewals.planned(math.inf)
    assert state.snapshot(3_300.0).renewal_due_at is None
