import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.protocol.documents import (
    DEALER,
    EVENT,
    EXAMPLE,
    GAME,
    HAND,
    HAND_RESULT_PATH,
    OPTIONAL,
    READ,
    RESULT,
    UPDATE,
    at_path,
    decode,
    document,
    raw,
    refused,
)
from watchdog.core.protocol.events import Invocation
from watchdog.core.protocol.games import Dealer, GameEvent, Hand, Result
from watchdog.core.protocol.signalr import Session
from watchdog.core.protocol.updates import decode_update, is_update, subscribe_record, unix_seconds


@pytest.fixture(scope="module")
def example():
    session = Session("", 0.0)
    _, invocation = session.receive("{}\x1e" + EXAMPLE + "\x1e", 0.0)
    assert isinstance(invocation, Invocation)
    assert is_update(invocation.target)
    return decode_update(invocation.arguments)


def test_the_example_of_the_specification_tells_of_the_update(example):
    assert example.sequence_id == 8975
    assert example.sent == datetime(2025, 6, 19, 15, 57, 18, 612078, tzinfo=UTC)
    assert example.maintenance is False
    assert example.betting_timer == 1
    assert len(example.games) == 1


def test_the_example_of_the_specification_tells_of_the_game(example):
    (game,) = example.games

    assert game.id == 30000603282
    assert game.type == 3
    assert game.edition == "PB650351"
    assert game.last_round_id == 30000603281
    assert game.state == 2
    assert game.play_status == 1
    assert game.current_round == 1
    assert game.starts == datetime(2025, 6, 19, 15, 56, 50, 529000, tzinfo=UTC)
    assert game.finishes == datetime(2025, 6, 19, 15, 59, 50, 529000, tzinfo=UTC)
    assert game.dealer == Dealer(id=2312, name="PetreQA-manual", age=31, country="Poland")


def test_the_example_of_the_specification_tells_every_result(example):
    (game,) = example.games
    values = ["3c", "9c", "4d", "2c", "7d", "5h", "kh", "8c", "2s", "qh", "7c", "jd", "as", "9h", "6c", "3s"]
    hands = [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0]
    rounds = [1] * 12 + [2] * 3 + [3]

    assert game.results == tuple(
        Result(value=value, hand_id=hand, round_id=round_id, status=1, sequential_number=n, horseshoe=False)
        for n, (value, hand, round_id) in enumerate(zip(values, hands, rounds, strict=True), start=1)
    )


def test_the_example_of_the_specification_tells_every_hand(example):
    (game,) = example.games

    assert game.hands == tuple(Hand(id=n, status=0, score=0.0, results=()) for n in range(1, 7))


def test_the_example_of_the_specification_tells_every_event(example):
    (game,) = example.games
    coefficients = [5.5] * 6 + [1000, 6.2, 3.25, 7.1, 6, 9.2, 9.1, 110, 600, 1000]

    assert game.events == tuple(
        GameEvent(type=n, coefficient=c, blocked=False, short_number=f"03{n}", parameters=())
        for n, c in enumerate(coefficients, start=196)
    )


def test_a_hands_result_tells_every_documented_field():
    (hand_result,) = decode(document()).games[0].hands[0].results

    assert hand_result.value == "kh"
    assert hand_result.game_id == 30000603282
    assert hand_result.manual_control is True
    assert hand_result.created == datetime(2025, 6, 19, 15, 57, 1, 500000, tzinfo=UTC)
    assert hand_result.hand_id == 2
    assert hand_result.result_action == "open"
    assert hand_result.round_id == 1
    assert hand_result.status == 1
    assert hand_result.sequential_number == 7
    assert hand_result.studio_created == datetime(2025, 6, 19, 15, 57, 1, tzinfo=UTC)
    assert hand_result.horseshoe is False


@pytest.mark.parametrize(("path", "name"), READ)
def test_a_field_that_is_read_and_missing_breaks_the_schema(path, name):
    changed = document()
    del at_path(changed, path)[name]

    error = refused(json.dumps([changed]))

    assert error.reason == "schema"
    assert name in str(error)


@pytest.mark.parametrize(("path", "name"), READ)
def test_a_field_that_is_read_and_null_breaks_the_schema(path, name):
    assert refused(raw(path, name, "null")).reason == "schema"


@pytest.mark.parametrize(("path", "name"), OPTIONAL)
def test_an_optional_field_may_be_missing_or_null(path, name):
    missing = document()
    del at_path(missing, path)[name]

    assert decode(missing) == decode(document(path, **{name: None}))
    assert decode(missing).tolerated == ()


@pytest.mark.parametrize("path", [UPDATE, GAME, RESULT, HAND, HAND_RESULT_PATH, EVENT, DEALER])
def test_an_unknown_field_is_ignored(path):
    assert decode(document(path, unheardOf={"deep": [1, None]})) == decode(document())


def test_the_order_of_the_fields_is_free():
    changed = {name: document()[name] for name in reversed(document())}
    changed["wgi"] = [{name: game[name] for name in reversed(game)} for game in changed["wgi"]]

    assert decode(changed) == decode(document())


@pytest.mark.parametrize("edition", ["PB650351", 650351])
def test_the_edition_is_a_text_or_a_number(edition):
    assert decode(document(GAME, ge=edition)).games[0].edition == edition


def test_an_update_may_hold_no_game():
    assert decode(document(wgi=[])).games == ()


@pytest.mark.parametrize("state", [1, 2, 3, 4, 5])
def test_every_documented_game_state_is_known(state):
    assert decode(document(GAME, s=state)).games[0].state == state


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [(GAME, "s", 0), (GAME, "s", 6), (GAME, "ps", 0), (GAME, "ps", 3), (RESULT, "s", 0), (RESULT, "s", 3)],
)
def test_a_state_that_is_not_documented_breaks_the_schema(path, name, value):
    assert refused(json.dumps([document(path, **{name: value})])).reason == "schema"


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("", 0),
        (".5", 500000),
        (".26", 260000),
        (".529", 529000),
        (".6120", 612000),
        (".12265", 122650),
        (".760991", 760991),
        (".6120782", 612078),
    ],
)
def test_a_dotnet_timestamp_has_up_to_seven_fractional_digits(text, microsecond):
    update = decode(document(tst=f"2025-06-19T15:57:18{text}Z"))

    assert update.sent == datetime(2025, 6, 19, 15, 57, 18, microsecond, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2025-06-19T15:57:18Z", "2025-06-19T15:57:18", "2025-06-19T18:57:18+03:00", "2025-06-19T12:27:18-03:30"],
)
def test_a_timestamp_is_in_utc_unless_it_names_an_offset(text):
    assert unix_seconds(decode(document(tst=text)).sent) == 1750348638.0


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_a_date_that_dotnet_never_set_has_unix_seconds_too(text):
    assert unix_seconds(decode(document(GAME, fdt=text)).games[0].finishes) < -6.2e10


@given(
    st.datetimes(
        timezones=st.none()
        | st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    )
)
def test_unix_seconds_are_finite_for_every_date(when):
    assert abs(unix_seconds(when)) < 1e12


@pytest.mark.parametrize("text", ["-1", "-0.5", "1e3", "1750348650", "1750348650000"])
def test_a_betting_timer_may_have_any_plausible_value(text):
    assert decode_update(raw(UPDATE, "bt", text)).betting_timer == float(text)


@pytest.mark.parametrize("target", ["WholeGamesInfoSubscribe", "wholegamesinfosubscribe"])
def test_an_update_is_known_by_its_target_without_regard_to_case(target):
    assert is_update(target)


@pytest.mark.parametrize("target", ["", "Subscribe", "WholeGamesInfo", "WholeGamesInfoSubscribe "])
def test_another_target_is_no_update(target):
    assert not is_update(target)


def test_the_subscription_is_the_documented_invocation_without_an_id():
    record = subscribe_record(3, 17)

    assert record.endswith("\x1e")
    message = json.loads(record[:-1])
    assert message == {
        "arguments": ["SubOnWholeGamesInfo", message["arguments"][1]],
        "target": "Subscribe",
        "type": 1,
    }
    assert json.loads(message["arguments"][1]) == {"GameType": 3, "PartnerClientId": 17, "Count": 1}


@pytest.mark.parametrize("digits", [7, 8, 2_000, 100_000])
@pytest.mark.parametrize("suffix", ["", "Z"])
def test_a_date_of_never_as_dotnet_writes_it_is_a_date_however_many_digits_it_has(digits, suffix):
    never = f"9999-12-31T23:59:59.{'9' * digits}{suffix}"

    last = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC if suffix else None)
    update = decode(document(tst=never) | {"wgi": [document()["wgi"][0] | {"sdt": never, "fdt": never}]})
    assert (update.sent, update.games[0].starts, update.games[0].finishes) == (last, last, last)


@given(st.text("0123456789", min_size=1, max_size=3_000))
def test_a_date_in_the_last_second_is_one_with_any_digits(digits):
    sent = decode(document(tst=f"9999-12-31T23:59:59.{digits}Z")).sent

    exact = int(digits[:6].ljust(6, "0"))
    assert sent.replace(microsecond=0) == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert exact <= sent.microsecond <= exact + 1
