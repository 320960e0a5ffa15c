"""TLS contexts, and an environment that OpenSSL can't do with."""

import os
import ssl
import subprocess
import sys

import pytest

from tests.support.raw_server import Authority
from watchdog.hub.tls import Tls
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.tls import client_context, environment_problems, server_context

BROKEN = "openssl_conf = i\n[i]\nproviders = p\n[p]\nbase = b\n[b]\nactivate = 1\n"


@pytest.fixture(autouse=True)
def _nothing_for_openssl(monkeypatch):
    for name in ("SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF"):
        monkeypatch.delenv(name, raising=False)


def test_nothing_is_wrong_with_an_environment_that_says_nothing():
    assert environment_problems() == []


@pytest.mark.parametrize("where", ["nowhere/keys.log", ""])
def test_keys_that_cannot_be_logged_are_a_line_and_no_failure(tmp_path, monkeypatch, where):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / where))
    for context in (client_context(), server_context()):
        assert context.keylog_filename is None
    (problem,) = environment_problems()
    assert problem.startswith(f"SSLKEYLOGFILE: {tmp_path / where} can't be written: ")
    assert problem.endswith("; no keys are logged")


def test_keys_are_logged_where_they_can_be(tmp_path, monkeypatch):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    assert client_context().keylog_filename == str(tmp_path / "keys.log")
    assert environment_problems() == []


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file or directory"), (b"no PEM", "NO_CERTIFICATE_OR_CRL_FOUND")]
)
def test_authorities_that_cannot_be_used_are_named(tmp_path, monkeypatch, content, why):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert environment_problems() == [f"SSL_CERT_FILE: {path} can't be used: {why}"]


def test_authorities_that_can_be_used_are_no_problem(tmp_path, monkeypatch):
    path = tmp_path / "ca.pem"
    Authority().ca.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path}:{path}:")
    assert environment_problems() == [f"SSL_CERT_DIR: {path} is no folder; no authorities are taken from it"]


def command(tmp_path, config, **environment):
    conf = tmp_path / "watchdog.toml"
    conf.write_text(
        f'[[feeds]]\nname = "b"\nurl = "wss://127.0.0.1:1/hub"\npartner_client_id = 1\n{config}\n'
        '[feeds.token]\nenv = "BETCORE_TEST_TOKEN"\n[[feeds.games]]\ntype = 3\n'
    )
    return subprocess.run(
        [sys.executable, "-m", "watchdog", "check-config", str(conf)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_good_ca_file_is_not_blamed_for_the_environment(tmp_path):
    Authority().ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    done = command(tmp_path, 'ca_file = "ca.pem"', SSLKEYLOGFILE="/nonexistent/keys.log")
    assert done.returncode == 0
    assert done.stderr == (
        "betcore-watchdog: SSLKEYLOGFILE: /nonexistent/keys.log can't be written: No such file or directory; "
        "no keys are logged\n"
    )


@pytest.mark.parametrize("config", ["", 'ca_file = "ca.pem"'])
def test_an_openssl_that_cannot_work_is_one_line(tmp_path, config):
    Authority().ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    (tmp_path / "openssl.cnf").write_text(BROKEN)
    done = command(tmp_path, config, OPENSSL_CONF=str(tmp_path / "openssl.cnf"))
    assert done.returncode == 2
    assert done.stderr == (
        f"betcore-watchdog: TLS can't be set up with OPENSSL_CONF={tmp_path / 'openssl.cnf'}: "
        "LIBRARY_HAS_NO_CIPHERS\n"
    )


@pytest.mark.parametrize("host", ["hub.example", "hub.example."])
def test_a_final_dot_is_no_part_of_the_name_that_is_sent_and_verified(tmp_path, host):
    authority = Authority()
    authority.ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    said = []
    context = authority.server("hub.example")
    context.sni_callback = lambda _, name, __: said.append(name)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    client = Tls(client_context(str(tmp_path / "ca.pem")), host)
    done = client.handshake()
    while not done:
        incoming.write(client.data_to_send())
        with pytest.raises(ssl.SSLWantReadError):
            server.do_handshake()
        done = client.handshake(outgoing.read())
    assert said == ["hub.example"]


@pytest.mark.parametrize("host", [".", "..", ".example", "hub..example"])
def test_a_name_that_tls_cannot_say_is_no_crash(host):
    with pytest.raises(ConnectionLostError, match=r"^tls: "):
        Tls(client_context(), host)
