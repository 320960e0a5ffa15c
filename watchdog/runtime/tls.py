"""TLS contexts for what we connect to and what we serve, and what is wrong with OpenSSL's environment."""

import os
import ssl
import sys
from pathlib import Path

from watchdog.core.errors import OperatorError

_READ_BYTES = 64 * 1024
_KEY_LOG = "SSLKEYLOGFILE"


class TlsEnvironmentError(OperatorError):
    """OpenSSL can't work at all in this environment; one line says why."""


class _ClientObject(ssl.SSLObject):
    """Knows where its bytes come from."""

    incoming: ssl.MemoryBIO


class _ClientContext(ssl.SSLContext):
    """Names with a final dot are looked up as they are, but SNI and certificates know no such dot.

    RFC 6066, section 3: a server's name is sent "without a trailing dot".
    """

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - so the standard library has it
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        if isinstance(server_hostname, str):
            server_hostname = server_hostname.removesuffix(".")
        made = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if isinstance(made, _ClientObject):
            made.incoming = incoming
        return made


def client_context(ca_file: str | None = None) -> ssl.SSLContext:
    """A context that verifies the server's certificate, with the system's authorities or those of a file.

    A hub that asks for another handshake on a connection of TLS 1.2 is refused it (TLS 1.3 has none): it
    costs the client more than the hub, and no hub needs it.

    Raises:
        TlsEnvironmentError: OpenSSL doesn't work.
        OSError: the file can't be read, or holds no certificates.

    """
    context = _context(_ClientContext, ssl.PROTOCOL_TLS_CLIENT)
    context.sslobject_class = _ClientObject
    context.options |= ssl.OP_NO_RENEGOTIATION
    if ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(ca_file)
    return context


def server_context() -> ssl.SSLContext:
    """A server's context, still without its certificate.

    Raises:
        TlsEnvironmentError: OpenSSL doesn't work.

    """
    return _context(ssl.SSLContext, ssl.PROTOCOL_TLS_SERVER)


def environment_problems() -> list[str]:
    """A line for each variable of the environment that OpenSSL is to heed and can't.

    Raises:
        TlsEnvironmentError: OpenSSL doesn't work.

    """
    problems, context = [], server_context()
    if (path := _key_log_file()) and (why := _set_key_log(context, path)):
        problems.append(f"{_KEY_LOG}: {path} can't be written: {why}; no keys are logged")
    default = ssl.get_default_verify_paths()
    if path := os.environ.get(default.openssl_cafile_env):
        try:
            context.load_verify_locations(path)
        except OSError as error:
            problems.append(f"{default.openssl_cafile_env}: {path} can't be used: {_words(error)}")
    problems += [
        f"{default.openssl_capath_env}: {folder} is no folder; no authorities are taken from it"
        for folder in os.environ.get(default.openssl_capath_env, "").split(os.pathsep)
        if folder and not Path(folder).is_dir()
    ]
    return problems


def alert_in(tls: object, data: bytes) -> ssl.SSLError | None:
    """What these bytes, the last that came, make fail of a client's TLS that can't send any more."""
    if not isinstance(tls, _ClientObject):
        return None
    tls.incoming.write(data)
    try:
        while tls.read(_READ_BYTES):
            pass
    except (ssl.SSLWantReadError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
        pass
    except ssl.SSLError as error:
        return error
    return None


def failure_of(error: ssl.SSLError) -> str:
    """OpenSSL's own name for what went wrong, which for an alert of the other side says which one it was."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    return error.reason or type(error).__name__


def _context(kind: type[ssl.SSLContext], protocol: int) -> ssl.SSLContext:
    try:
        context = kind(protocol)
    except ssl.SSLError as error:
        conf = os.environ.get("OPENSSL_CONF")
        blame = f"OPENSSL_CONF={conf}" if conf else "OpenSSL's configuration"
        raise TlsEnvironmentError(f"TLS can't be set up with {blame}: {failure_of(error)}") from None
    if path := _key_log_file():
        # Connections work without their keys in a file; `environment_problems` says why there are none.
        _set_key_log(context, path)
    return context


def _key_log_file() -> str | None:
    return None if sys.flags.ignore_environment else os.environ.get(_KEY_LOG)


def _set_key_log(context: ssl.SSLContext, path: str) -> str | None:
    """Have the context log its keys; returns why it can't."""
    try:
        context.keylog_filename = path
    except OSError as error:
        return _words(error)
    return None


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return failure_of(error)
    return error.strerror or type(error).__name__
