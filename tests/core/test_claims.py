"""What is read of a JWT without a key."""

import sys
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.jwt import jwt, with_payload
from watchdog.core.claims import Claims, number_of, read_claims


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
        with_payload('{"exp":null}'),
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


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("300", 300.0),
        ('"300"', 300.0),
        ('" 300.5 "', 300.5),
        ('"1.79e9"', 1_790_000_000.0),
        ("1790000000000", 1_790_000_000.0),
        ('"1790000000000"', 1_790_000_000.0),
        ("1790000000123.0", 1_790_000_000.123),
        # .NET's DateTime.MaxValue, in seconds and in milliseconds.
        ("253402300799", 253_402_300_799.0),
        ("253402300799999", 253_402_300_799.999),
        ("0", 0.0),
        ("-62135596800", -62_135_596_800.0),
    ],
)
def test_a_time_is_a_number_or_a_number_in_a_text_of_seconds_or_milliseconds(written, seconds):
    token = with_payload(f'{{"exp":{written}}}')
    assert read_claims(token) == Claims(exp=seconds)


@pytest.mark.parametrize(
    "written",
    [
        *('"soon"', '"2026-11-25T10:00:00Z"', '""', '"0x10"', '"nan"', '"\u0661"', "true", "[1]", "{}"),
        *("1e999", "-1e15", "638700000000000000", "9" * 40, '"' + "9" * 20 + '"', '"1' + "0" * 30 + '"'),
    ],
)
def test_a_time_that_makes_no_sense_is_named_and_takes_no_other_claim_along(written):
    token = with_payload(f'{{"exp":{written},"nbf":"100","iat":{written},"partnerClientId":7}}')
    assert read_claims(token) == Claims(nbf=100.0, partners=("7",), unreadable=("exp",))


def test_a_claim_in_another_encoding_takes_no_other_along():
    payload = b'\xef\xbb\xbf{"name":"J\xfcrgen","EXP":300}'
    token = f"e30.{urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln"
    assert read_claims(token).exp == 300.0


@given(st.floats() | st.integers() | st.text() | st.booleans() | st.none())
def test_a_number_is_finite_or_none_or_what_was_given(value):
    number = number_of(value)
    assert number is None or isinstance(value, str) or number == value or number != number  # noqa: PLR0124


def test_an_integer_beyond_any_float_is_no_number():
    assert number_of(10**400) is None


@pytest.mark.parametrize(("opening", "inmost", "closing"), [("[", "", "]"), ('{"a":', "1", "}")])
def test_a_claim_nested_as_deep_as_can_be_decoded_makes_nothing_raise(opening, inmost, closing):
    for depth in range(sys.getrecursionlimit() + 1):
        read_claims(with_payload(f'{{"partnerClientId":{opening * depth}{inmost}{closing * depth}}}'))
