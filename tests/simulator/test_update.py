import pytest

from watchdog.simulator.update import dotnet_datetime, record


@pytest.mark.parametrize(
    ("unix_seconds", "written"),
    [
        (1_750_348_638.0, "2025-06-19T15:57:18Z"),
        (1_750_348_638.25, "2025-06-19T15:57:18.25Z"),
        (1_750_348_638.0625, "2025-06-19T15:57:18.0625Z"),
        (1_750_348_640.0, "2025-06-19T15:57:20Z"),
    ],
)
def test_a_date_is_written_with_as_many_decimals_as_it_needs(unix_seconds, written):
    assert dotnet_datetime(unix_seconds) == written


def test_a_date_has_no_more_than_seven_decimals():
    assert len(dotnet_datetime(1_750_348_638.123456789)) <= len("2025-06-19T15:57:18.1234567Z")


def test_a_date_rounds_up_into_the_next_second():
    assert dotnet_datetime(1_750_348_638.9999, digits=3) == "2025-06-19T15:57:19Z"


def test_a_record_is_escaped_as_dotnet_escapes_it():
    text = record({"a": "'<>&+`", "b": '\\"', "c": "é", "d": 'say "x"'})
    assert text == (
        r'{"a":"\u0027\u003C\u003E\u0026\u002B\u0060","b":"\\\u0022","c":"\u00E9","d":"say \u0022x\u0022"}'
        "\x1e"
    )
