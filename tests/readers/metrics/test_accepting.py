"""What a scraper prefers: formats and codings by their quality values."""

import pytest

from watchdog.readers.metrics.accepting import accepts_gzip, preferred_format

OPENMETRICS = "application/openmetrics-text"
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (PROMETHEUS, f"{OPENMETRICS}; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
        (f"{OPENMETRICS}", OPENMETRICS),
        (f"text/plain, {OPENMETRICS}", OPENMETRICS),
        (f"TEXT/PLAIN;Q=0.5, {OPENMETRICS.title()}", OPENMETRICS),
        (f"{OPENMETRICS};q=0.4, text/plain;q=0.5", "text/plain"),
        (f"{OPENMETRICS};q=0.4, */*", "text/plain"),
        (f"{OPENMETRICS};q=0", "text/plain"),
        (f"{OPENMETRICS};q=0, application/*", "text/plain"),
        (f"{OPENMETRICS};q=0.0, text/plain;q=0.001", "text/plain"),
        (f"{OPENMETRICS};version=0.0.1", "text/plain"),
        (f"{OPENMETRICS};version=0.0.1;q=0.9, {OPENMETRICS};version=1.0.0;q=0.2", OPENMETRICS),
        (f'{OPENMETRICS};version="1.0.0";x="a,b;q=0"', f"{OPENMETRICS}; version=1.0.0"),
        (f'{OPENMETRICS};x="unfinished', OPENMETRICS),
        ("application/*", OPENMETRICS),
        ("text/plain;q=0.1, */*", OPENMETRICS),
        ("text/plain;q=0.1, text/*, application/*;q=0.5", OPENMETRICS),
        ("text/*;q=0.6, application/*;q=0.5", "text/plain"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/plain"),
        ("text/plain;version=1.0.0;escaping=allow-utf-8", "text/plain; version=1.0.0"),
        ("text/plain;version=1.0.0;q=0.1, text/plain;version=0.0.4;q=0.2", "text/plain; version=0.0.4"),
        ("text/plain;version=x", "text/plain; version=0.0.4"),
        ("application/json", "text/plain; version=0.0.4"),
        ("text/plain;q=0", "text/plain; version=0.0.4"),
        (f"text/plain;q=0.5, {OPENMETRICS};q=much", "text/plain"),
        (f"text/plain;q=0.5, {OPENMETRICS};q=1.5", "text/plain"),
        (f"text/plain;q=.5, {OPENMETRICS};q=.4", "text/plain"),
        (";;,,=;q", "text/plain; version=0.0.4"),
    ],
)
def test_the_format_is_the_one_preferred(accept, chosen):
    assert preferred_format(accept).startswith(chosen)


@pytest.mark.parametrize(
    ("accept_encoding", "packed"),
    [
        ("", False),
        ("gzip", True),
        ("x-gzip", True),
        ("GZIP;q=0.5", True),
        ("br, gzip", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip; q=0, *", False),
        ("*", True),
        ("*;q=0", False),
        ("*;q=0, gzip", True),
        ("identity", False),
        ("identity;q=0.5, gzip", True),
        ("identity, gzip;q=0.5", False),
        ("identity;q=0, *;q=0.1", True),
        ("gzip;q=a lot", False),
        ("deflate, br", False),
    ],
)
def test_gzip_is_for_who_accepts_it_and_prefers_nothing_else(accept_encoding, packed):
    assert accepts_gzip(accept_encoding) is packed
