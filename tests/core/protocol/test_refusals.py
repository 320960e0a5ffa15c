"""Whose refusal a status is: the hub's, of our token, or that of something before the hub."""

import pytest

from watchdog.core.protocol.refusals import BODY_BYTES, Refusal

CHALLENGE_PAGE = b"""<!DOCTYPE html><html><head><title>Just a moment...</title><style>.token{}</style>
<script>window._cf_chl_opt = {cToken: 'x', bearer: 1};</script></head><body><!-- token -->
<form action="/x?__cf_chl_rt_tk=y"><input type="hidden" name="csrf-token" value="z"></form>
<p>Checking your browser.</p></body></html>"""


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "unauthorized"), (403, "unauthorized"), (400, "rejected"), (407, "rejected"), (503, "rejected")],
)
def test_a_status_alone_says_whose_refusal_it_is(status, reason):
    assert Refusal(status).reason == reason


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", CHALLENGE_PAGE),
        ("Text/HTML; charset=UTF-8", b"<html><h1>403 Forbidden</h1><hr>nginx</html>"),
        ("application/xhtml+xml", b"<html/>"),
        ("text/html", b""),
        ("text/html", b"\x1f\x8b compressed without being asked"),
        ("", b"<!doctype html>\n<title>Access Denied</title>"),
        ("", b"\xef\xbb\xbf \r\n<HTML><body>Request blocked</body>"),
        ("text/html", b"<html>" + b" " * BODY_BYTES + b"token"),
        ("text/html", b"Denied. <script>a token of an unfinished script"),
    ],
)
def test_a_page_without_a_word_of_the_token_is_a_firewalls(content_type, body):
    assert Refusal(403, content_type, body=body).reason == "rejected"


@pytest.mark.parametrize(
    ("content_type", "challenge", "body"),
    [
        ("text/html", "", b"<p>Your <b>access token</b> has expired.</p>"),
        ("text/html", "", b"<script></script>Invalid JWT"),
        ("text/html", "", b"no Bearer"),
        ("text/html", 'Bearer error="insufficient_scope"', CHALLENGE_PAGE),
        ("application/json", "", b'{"message": "Forbidden"}'),
        ("text/plain", "", b"<html> as an example"),
        ("", "", b""),
        ("", "", b"Forbidden"),
        ("", "", b'{"page": "<html>"}'),
        ("", "", b"<html>The token is of another partner.</html>"),
    ],
)
def test_any_other_403_refuses_the_token(content_type, challenge, body):
    assert Refusal(403, content_type, challenge, body).reason == "unauthorized"


@pytest.mark.parametrize("content_type", ["text/html", ""])
def test_a_401_refuses_the_token_even_with_a_page(content_type):
    assert Refusal(401, content_type, body=CHALLENGE_PAGE).reason == "unauthorized"
