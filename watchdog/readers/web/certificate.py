"""The certificate that the web side shows, read again when its files change."""

import ssl
from pathlib import Path

import structlog

from watchdog.runtime.files import FileWatch
from watchdog.runtime.tls import TlsEnvironmentError, server_context


class Certificate:
    """A server's context for new connections; those under way keep the certificate that they began with."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._paths = certificate, key
        self._files = FileWatch(certificate, key)
        self._context = tls_context(certificate, key)
        self._log = structlog.get_logger()

    def context(self) -> ssl.SSLContext:
        """The context as the files are now; as they were before, if they can't be used.

        Whoever renews a certificate writes two files, so between the two they don't fit each other.
        """
        if self._files.changed():
            try:
                self._context = tls_context(*self._paths)
            except (OSError, TlsEnvironmentError) as error:
                reason = getattr(error, "reason", None) or str(error)
                self._log.warning("web.certificate_unusable", path=str(self._paths[0]), error=str(reason))
            else:
                self._log.info("web.certificate_reloaded", path=str(self._paths[0]))
        return self._context


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer, with what keeps past traffic secret when the key is lost.

    Raises:
        OSError: the files can't be used.

    """
    context = server_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Of TLS 1.2 only these; all of TLS 1.3 does.
    context.set_ciphers("ECDHE+AESGCM")
    context.set_alpn_protocols(["http/1.1"])
    # With a password given, OpenSSL doesn't ask for one on the terminal.
    context.load_cert_chain(certificate, key, password="")
    return context
