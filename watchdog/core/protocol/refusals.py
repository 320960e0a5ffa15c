"""Whose refusal an HTTP status is: the hub's, of our token, or that of something on the way to it."""

import re

from msgspec import Struct

from watchdog.core.protocol.reasons import DisconnectReason

BODY_BYTES = 16 * 1024
"""How much of a refusal's body is looked at: a firewall's page has a few kilobytes."""

_UNAUTHORIZED, _FORBIDDEN = 401, 403
_HTML_TYPE = re.compile(r"\s*(text/html|application/xhtml\+xml)\b", re.IGNORECASE)
_HTML_BEGIN = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head)\b", re.IGNORECASE)
# A script that is not closed hides the rest of the page, so that none is searched twice.
_HIDDEN = re.compile(rb"<(script|style)\b.*?(</\1|\Z)|<!--.*?(-->|\Z)", re.IGNORECASE | re.DOTALL)
_MARKUP = re.compile(rb"<[^>]*>?")
_TOKEN = re.compile(rb"token|\bjwt\b|\bbearer\b", re.IGNORECASE)


class Refusal(Struct, frozen=True):
    """An HTTP answer that is not the one asked for: what tells who refuses, and what."""

    status: int
    content_type: str = ""
    challenge: str = ""
    """Its `WWW-Authenticate`."""
    body: bytes = b""
    """The beginning of its body, `BODY_BYTES` at most; more is not looked at."""

    @property
    def may_be_a_page(self) -> bool:
        """Whether the body may change what a 403 means: a page, or a body of no declared type."""
        return self.status == _FORBIDDEN and (
            not self.content_type.strip() or _HTML_TYPE.match(self.content_type) is not None
        )

    @property
    def reason(self) -> DisconnectReason:
        """`unauthorized` where the token was refused, else `rejected`.

        A 401 is about credentials by definition. A 403 is the hub's as well, unless it is a page for people
        that has no word of a token: firewalls in front of a hub block clients, regions and paths that way.
        """
        if self.status == _UNAUTHORIZED:
            return "unauthorized"
        return "unauthorized" if self.status == _FORBIDDEN and not self._is_a_firewalls_page else "rejected"

    @property
    def _is_a_firewalls_page(self) -> bool:
        if not self.may_be_a_page or _TOKEN.search(self.challenge.encode()):
            return False
        body = self.body[:BODY_BYTES]
        if not self.content_type.strip() and _HTML_BEGIN.match(body) is None:
            return False
        # Scripts and fields of such pages have tokens of their own; what people read counts.
        return _TOKEN.search(_MARKUP.sub(b" ", _HIDDEN.sub(b" ", body))) is None
