import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.core.token import Claims, TokenState, read_claims


def encoded(text):
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def jwt(**claims):
    return with_payload(json.dumps(claims))


def with_payload(text):
    return f"e30.{encoded(text)}.c2ln"


def watched(token):
    watch = TokenState()
    watch.replaced(token)
    return watch


def test_the_times_of_a_jwt_are_read():
    assert read_claims(jwt(exp=300, nbf=100, iat=90.5, sub="x")) == Claims(exp=300, nbf=100, iat=90.5)


@pytest.mark.parametrize("subject", ["", "a", "ab", "abc", "ÿ?>", "żółć"])
def test_a_payload_of_any_length_is_read(subject):
    assert read_claims(jwt(exp=300, sub=subject)).exp == 300


def test_a_jwt_need_not_name_any_time():
    assert read_claims(jwt()) == Claims()


@pytest.mark.parametrize(
    "token",
    [
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
        with_payload('{"exp":' + "9" * 40 + "}"),
        with_payload("[" * 100_000),
    ],
)
def test_a_token_that_is_no_jwt_names_no_time(token):
    assert read_claims(token) == Claims()


@given(st.text() | st.text().map(with_payload))
def test_no_token_ever_makes_the_reader_raise(token):
    read_claims(token)


def test_before_any_token_it_is_missing():
    assert TokenState().problem(0.0) == "missing"


@pytest.mark.parametrize(
    ("token", "at", "problem"),
    [
        ("opaque", 1e12, None),
        (jwt(exp=300), 299.999, None),
        (jwt(exp=300), 300.0, "expired"),
        (jwt(nbf=100), 99.999, "not_yet_valid"),
        (jwt(nbf=100), 100.0, None),
        (jwt(exp=300, nbf=100), 200.0, None),
        (jwt(exp=0), 0.0, "expired"),
    ],
)
def test_a_token_is_good_from_nbf_until_exp(token, at, problem):
    assert watched(token).problem(at) == problem


def test_a_rejected_token_is_bad_until_another_replaces_it():
    watch = watched("opaque")
    watch.rejected = True
    assert watch.problem(0.0) == "rejected"

    watch.replaced("another")

    assert watch.problem(0.0) is None


def test_an_expired_token_is_called_expired_although_it_was_rejected_too():
    watch = watched(jwt(exp=300))
    watch.rejected = True

    assert watch.problem(300.0) == "expired"


def test_a_token_taken_away_is_missing_and_its_times_are_forgotten():
    watch = watched(jwt(exp=300))

    watch.replaced(None)

    assert watch.problem(0.0) == "missing"
    assert watch.claims == Claims()
