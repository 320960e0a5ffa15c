"""TLS without a stream: bytes of the network in and out of an `ssl.SSLObject` over two memory BIOs.

This is the documented way to use the `ssl` module without I/O ("ssl.MemoryBIO", "Notes on non-blocking
sockets"). Whoever owns the socket moves the bytes: a read of an update then costs no step of a task.
"""

import ssl
from contextlib import suppress

from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.tls import failure_of

_READ_BYTES = 64 * 1024

ENDED_IN_HANDSHAKE = "the connection ended during the TLS handshake"


class Tls:
    """The client's side of TLS: `handshake` until it is done, then `decrypt` and `encrypt`.

    After each call `data_to_send` has what the other side must get, which may be something without a word of
    ours: an alert, the refusal of another handshake.
    """

    __slots__ = ("_incoming", "_object", "_outgoing", "ended", "failure")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        try:
            self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        except ValueError:
            # A hub may redirect to any name, and behind a proxy nobody has looked this one up.
            raise ConnectionLostError("tls", "no certificate can be for a host of this name") from None
        self.failure: ConnectionLostError | None = None
        """What ended the connection behind the last bytes that `decrypt` returned."""
        self.ended = False
        """Whether nothing comes behind those bytes."""

    def data_to_send(self) -> bytes:
        """What is to be sent now, possibly nothing; forgotten once handed out."""
        return self._outgoing.read()

    def handshake(self, data: bytes | None = None) -> bool:
        """Go on with the handshake, with what has come (`b""` at the end of the stream).

        Returns:
            Whether it is done.

        Raises:
            ConnectionLostError: `tls` with OpenSSL's own words, or `closed`.

        """
        self._take(data)
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise ConnectionLostError("closed", ENDED_IN_HANDSHAKE) from None
        except ssl.SSLError as error:
            raise ConnectionLostError("tls", failure_of(error)) from None
        return True

    def decrypt(self, data: bytes) -> bytes | None:
        """The plain bytes in what has come; None while there are none yet, `b""` at the end of the stream.

        A record is only readable once it is whole, and some say nothing to us: session tickets, key updates.
        """
        self._take(data)
        pieces: list[bytes] = []
        try:
            while piece := self._object.read(_READ_BYTES):
                pieces.append(piece)
                if not self._incoming.pending and not self._object.pending():
                    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        except ssl.SSLWantReadError:
            return b"".join(pieces) if pieces else None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass
        except ssl.SSLError as error:
            self.failure = ConnectionLostError("tls", failure_of(error))
        # Behind a close_notify, at the end of the stream or behind an alert nothing more comes.
        self.ended = True
        return b"".join(pieces)

    def encrypt(self, data: bytes) -> bytes:
        """The bytes to send for these plain ones; nothing once the other side has closed."""
        try:
            self._object.write(data)
        except ssl.SSLError:
            # Reading tells why, and tells it with the right reason.
            return b""
        return self.data_to_send()

    def close(self) -> bytes:
        """The bytes that say goodbye: close_notify, so that the end can't be taken for an attack."""
        # It would wait for the other side's, which nobody needs; or TLS is over already.
        with suppress(ssl.SSLError):
            self._object.unwrap()
        return self.data_to_send()

    def _take(self, data: bytes | None) -> None:
        if data:
            self._incoming.write(data)
        elif data is not None:
            self._incoming.write_eof()
