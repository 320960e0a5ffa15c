import io
import json
import logging
import math
import re
import urllib.parse

import pytest
import structlog
import trio
from hypothesis import given
from hypothesis import strategies as st

from watchdog.runtime import log, redaction
from watchdog.runtime.throttle import Admission, Throttle, ThrottledLog

CANARY = "canary/Secret+4711"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDB9.c2lnbmF0dXJl"
FORMATS = pytest.mark.parametrize("form", ["json", "console"])


@pytest.fixture(autouse=True)
def _logging_as_it_was(monkeypatch):
    monkeypatch.setattr(redaction, "_secrets", {})
    monkeypatch.setattr(log._Sink, "dropped", 0)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def configured():
    def configured(form="json", level="info"):
        stream = io.StringIO()
        log.configure(form, level, stream)
        return structlog.get_logger(), stream

    return configured


def broken(*particulars):
    raise RuntimeError(*particulars)


def written(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class Terminal(io.StringIO):
    def isatty(self):
        return True


class FullDisk(io.StringIO):
    def write(self, _):
        raise OSError(28, "No space left on device")


def test_an_event_is_one_json_object_with_its_fixed_fields_first(configured):
    logger, stream = configured()
    logger.warning("sequence.gap", feed="betcore", game_type=3, expected=5, got=8, ratio=0.5, ok=None)
    [event] = written(stream)
    assert list(event)[:3] == ["event", "level", "timestamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", event.pop("timestamp"))
    assert event == {
        "event": "sequence.gap",
        "level": "warning",
        "feed": "betcore",
        "game_type": 3,
        "expected": 5,
        "got": 8,
        "ratio": 0.5,
        "ok": None,
    }


def test_the_console_shows_the_event_and_its_fields_without_colours_off_a_terminal(configured):
    logger, stream = configured("console")
    logger.info("feed.state_changed", new="fresh")
    line = stream.getvalue()
    assert "feed.state_changed" in line
    assert "new=fresh" in line
    assert "\x1b" not in line


def test_without_a_format_a_terminal_gets_coloured_lines():
    stream = Terminal()
    log.configure(stream=stream)
    structlog.get_logger().info("feed.state_changed")
    assert "\x1b" in stream.getvalue()


def test_without_a_format_anything_else_gets_json(configured):
    logger, stream = configured(None)
    logger.info("feed.state_changed")
    assert written(stream)[0]["event"] == "feed.state_changed"


def test_without_a_stream_events_go_to_stderr(capsys):
    log.configure("json")
    structlog.get_logger().info("feed.state_changed")
    output = capsys.readouterr()
    assert output.out == ""
    assert json.loads(output.err)["event"] == "feed.state_changed"


def test_events_below_the_level_are_not_written(configured):
    logger, stream = configured(level="warning")
    logger.info("feed.state_changed")
    logger.error("connection.lost")
    assert [event["event"] for event in written(stream)] == ["connection.lost"]


def test_warnings_of_libraries_come_the_same_way(configured):
    _, stream = configured()
    logging.getLogger("trio.serve_listeners").warning("refused %s", "::1")
    [event] = written(stream)
    assert (event["event"], event["level"]) == ("library.message", "warning")
    assert (event["logger"], event["message"]) == ("trio.serve_listeners", "refused ::1")


def test_request_lines_of_libraries_are_silent_even_when_debugging(configured):
    _, stream = configured(level="debug")
    for name in ("httpx", "httpcore", "httpcore.connection"):
        logging.getLogger(name).info("HTTP Request: POST https://hub.example/negotiate?x=1")
    assert stream.getvalue() == ""


def test_a_library_s_own_level_and_a_broken_call_of_it_are_survived(configured):
    _, stream = configured()
    logging.getLogger("odd").log(37, "between warning and error")
    logging.getLogger("odd").log(70, "beyond critical")
    logging.getLogger("odd").warning("%d apples", "no")
    assert [(event["level"], event["message"]) for event in written(stream)] == [
        ("warning", "between warning and error"),
        ("critical", "beyond critical"),
        ("warning", "%d apples"),
    ]


@FORMATS
def test_a_secret_never_appears_however_it_is_logged(form, configured):
    redaction.register_secret(CANARY)
    logger, stream = configured(form)
    quoted = urllib.parse.quote(CANARY, safe="")
    logger.info(CANARY, text=f"a {CANARY} b", nested={"k": [{CANARY: (CANARY, {"x": CANARY})}]})
    logger.info("x", url=f"wss://hub.example/hubs?access_token={JWT}", encoded=quoted, raw=CANARY.encode())
    logger.info("x", deep=[[[[[[CANARY]]]]]], many=[CANARY] * 100, error=ValueError(CANARY), key={CANARY})
    logging.getLogger("lib").warning("Bearer %s and %s", JWT, CANARY)
    message = f"{CANARY} at https://hub.example/x?y={quoted}&z=1"
    try:
        broken(message, {"Authorization": f"Basic {JWT}"})
    except RuntimeError as error:
        logger.exception("x")
        logger.warning("x", exc_info=error)
        logging.getLogger("lib").exception("broke")
    output = stream.getvalue()
    assert "RuntimeError" in output
    for secret in (CANARY, json.dumps(CANARY)[1:-1], quoted, JWT[:20], JWT[-10:], "z=1"):
        assert secret not in output


@FORMATS
def test_a_traceback_shows_no_local_variables(form, configured):
    logger, stream = configured(form)

    def connect(hidden):
        raise OSError(len(hidden))

    try:
        connect("local-" + "value")
    except OSError:
        logger.exception("connection.lost")
    assert "in connect" in stream.getvalue()
    assert "local-value" not in stream.getvalue()


def test_a_chain_of_exceptions_is_shown_whole_and_a_long_one_at_its_end(configured):
    logger, stream = configured()

    def descend(depth):
        if depth == 0:
            raise ValueError("\n".join(f"line {number}" for number in range(300)))
        descend(depth - 1)

    try:
        descend(5)
    except ValueError:
        logger.exception("x")
    exception = written(stream)[0]["exception"]
    assert exception.endswith("line 299")
    assert len(exception.splitlines()) == 100


@FORMATS
def test_an_exception_outside_of_any_handler_is_no_trouble(form, configured):
    logger, stream = configured(form)
    logger.error("x", exc_info=True)  # noqa: LOG014  what is tested
    logger.error("y", exc_info=(None, None, None))
    assert len(stream.getvalue().splitlines()) >= 2


@FORMATS
def test_a_text_from_outside_can_neither_break_the_line_nor_drive_the_terminal(form, configured):
    logger, stream = configured(form)
    hostile = 'a\nb\r\x1b[2J\x07\x9b\u2028\u202e\ud800"}'
    logger.info(hostile, error=hostile, nested={hostile: [hostile]})
    output = stream.getvalue()
    assert output.count("\n") == 1
    assert output[:-1].isprintable()


def test_no_line_of_an_exception_can_pass_for_an_event(configured):
    logger, stream = configured("console")
    try:
        broken("x\n2026-01-01T00:00:00Z [info] forged\x1b[2J")
    except RuntimeError:
        logger.exception("x")
    first, *others = stream.getvalue().splitlines()
    assert "\x1b" not in stream.getvalue()
    assert first.endswith("x")
    assert others
    assert all(line.startswith("    ") for line in others)


def test_a_text_is_cut_to_two_hundred_characters_and_a_mistake_is_not(configured):
    logger, stream = configured()
    logger.error(
        "config.invalid", error="x" * 201, exact="y" * 200, controls="\x00" * 200, mistake="z" * 1000
    )
    [event] = written(stream)
    assert event["error"] == "x" * 199 + "…"
    assert event["exact"] == "y" * 200
    assert len(event["controls"]) == 200
    assert event["mistake"] == "z" * 1000


def test_a_secret_cut_in_half_by_the_limit_does_not_show(configured):
    secret = "canary-" * 250
    redaction.register_secret(secret)
    logger, stream = configured()
    # Those before it shrink so much that what is left of the one cut in half comes into sight.
    logger.info("x", error=secret * 3)
    assert written(stream)[0]["error"].endswith("…")
    assert "canary" not in stream.getvalue()


def test_numbers_that_json_does_not_know_become_texts(configured):
    logger, stream = configured()
    logger.info("x", big=10**5000, nan=float("nan"), infinite=-math.inf, small=-(2**62), raw=b"\x00")
    event = written(stream)[0]
    assert event["big"].startswith("0x")
    assert len(event["big"]) <= 200
    assert (event["nan"], event["infinite"], event["small"]) == ("nan", "-inf", -(2**62))


def test_a_closed_stream_costs_the_line_and_is_counted(configured):
    logger, stream = configured()
    stream.close()
    logger.info("x")
    logger.info("y")
    assert log.dropped_lines() == 2


def test_a_full_disk_costs_the_line_and_is_counted():
    log.configure("json", "info", FullDisk())
    structlog.get_logger().info("x")
    assert log.dropped_lines() == 1


def test_a_stream_closed_before_the_start_is_survived():
    stream = io.StringIO()
    stream.close()
    log.configure(None, "info", stream)
    structlog.get_logger().info("x")
    assert log.dropped_lines() == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at wss://hub.example:1/hubs?x=1&y=2 failed", "at wss://hub.example:1/hubs?… failed"),
        ("https://me:pass@hub.example/x", "https://…@hub.example/x"),
        ("GET /hubs?access_token=abc&id=5", "GET /hubs?access_token=[redacted]&id=5"),
        ("accessToken=abc", "accessToken=[redacted]"),
        ('{"access_token": "a\\"b", "n": 1}', '{"access_token": "[redacted]", "n": 1}'),
        ("{'Secret': 'abc'}", "{'Secret': '[redacted]'}"),
        ("Bearer abc.def-ghi", "Bearer [redacted]"),
        ("Authorization: Basic YWJj", "Authorization: [redacted]"),
        ("(b'authorization', b'Token abc')", "(b'authorization', b'[redacted]')"),
        (f"got {JWT}.", "got [redacted]"),
        ("eyJhbGciOiJIUzI1NiJ9.cut", "[redacted]"),
        ("the token expires in 5 s, is it? yes", "the token expires in 5 s, is it? yes"),
        ("feeds[0].token.secret_file: missing", "feeds[0].token.secret_file: missing"),
    ],
)
def test_what_identifies_somebody_is_taken_out_and_the_rest_stays(text, shown):
    assert redaction.redact(text) == shown


def test_a_secret_is_taken_out_as_it_stands_in_a_url_in_json_and_line_by_line():
    redaction.register_secret('  s3cr/t "x"\nsecond line\n')
    assert redaction.redact('s3cr/t "x"\nsecond line') == "[redacted]"
    assert redaction.redact("s3cr%2Ft%20%22x%22%0Asecond%20line") == "[redacted]"
    assert redaction.redact(r"s3cr/t \"x\"\nsecond line") == "[redacted]"
    assert redaction.redact("> second line <") == "> [redacted] <"


def test_a_secret_that_is_part_of_another_does_not_leave_the_other_s_rest():
    redaction.register_secret("secret")
    redaction.register_secret("secret-and-more")
    assert redaction.redact("a secret-and-more b") == "a [redacted] b"


def test_short_secrets_are_not_registered():
    redaction.register_secret("12345")
    redaction.register_secret("")
    assert redaction.redact("12345 apples") == "12345 apples"


def test_the_number_of_secrets_is_bounded_and_the_latest_are_kept():
    for number in range(2000):
        redaction.register_secret(f"secret-{number:04}")
    assert len(redaction._secrets) == 512
    assert redaction.redact("secret-1999 secret-0000") == "[redacted] secret-0000"


@given(st.text(), st.integers(1, 300))
def test_whatever_is_presented_is_one_printable_line_within_the_limit(text, limit):
    shown = redaction.present(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit


@given(
    st.text(), st.text(st.characters(codec="ascii", exclude_characters="[redacted]\n"), min_size=6), st.text()
)
def test_a_registered_secret_is_nowhere_in_the_redacted_text(before, secret, after):
    redaction.register_secret(secret)
    if len(secret.strip()) >= 6:
        assert secret.strip() not in redaction.redact(before + secret + after)


def test_the_throttle_lets_a_burst_pass_and_then_one_line_in_ten_seconds():
    throttle = Throttle()
    key = ("betcore", 3, "sequence.gap")
    assert [throttle.admit(key, 100.0) for _ in range(7)] == [
        *[Admission(emit=True, suppressed=0)] * 5,
        Admission(emit=False, suppressed=1),
        Admission(emit=False, suppressed=2),
    ]
    assert throttle.admit(key, 109.9).emit is False
    assert throttle.admit(key, 110.1) == Admission(emit=True, suppressed=3)
    assert throttle.admit(key, 110.1) == Admission(emit=False, suppressed=1)


def test_the_throttle_s_burst_comes_back_after_a_quiet_time_and_no_more():
    throttle = Throttle(burst=2, interval_seconds=1.0)
    for _ in range(3):
        throttle.admit("a", 0.0)
    assert [throttle.admit("a", 1000.0) for _ in range(3)] == [
        Admission(emit=True, suppressed=1),
        Admission(emit=True, suppressed=0),
        Admission(emit=False, suppressed=1),
    ]


def test_the_throttle_keeps_kinds_apart_and_survives_a_clock_that_goes_back():
    throttle = Throttle(burst=1)
    assert throttle.admit("a", 50.0).emit
    assert throttle.admit("b", 50.0).emit
    assert not throttle.admit("a", 0.0).emit
    assert throttle.admit("a", 10.0).emit


async def test_a_throttled_log_says_with_the_next_line_how_many_it_held_back(autojump_clock):
    with structlog.testing.capture_logs() as events:
        throttled = ThrottledLog(Throttle(burst=1, interval_seconds=60.0))
        for level in ("warning", "error", "info"):
            throttled.write(level, "feed.late", key="its own")
            throttled.write(level, "feed.late", ("another", 3))
        await trio.sleep(60.0)
        throttled.write("info", "feed.late")

    assert events == [
        {"event": "feed.late", "log_level": "warning", "key": "its own"},
        {"event": "feed.late", "log_level": "warning"},
        {"event": "feed.late", "log_level": "info", "suppressed": 2},
    ]


def test_the_throttle_forgets_the_kind_not_seen_for_longest():
    throttle = Throttle(burst=1, most_keys=2)
    for key in ("a", "b", "a", "c"):
        throttle.admit(key, 0.0)
    assert not throttle.admit("a", 0.0).emit
    assert throttle.admit("b", 0.0).emit
