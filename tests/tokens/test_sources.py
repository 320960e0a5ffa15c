"""Tokens and secrets as they are read from a file or the environment."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from watchdog.core.token import MAX_TOKEN_CHARACTERS
from watchdog.tokens.sources import CredentialError, SecretFile, clean_secret, clean_token, reader, token_in

TOKEN = "sesame.open.now"
UTF_16 = 'expected UTF-8, but this is UTF-16 (Windows says "Unicode"): save it as UTF-8'

# --- texts


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"{TOKEN}\n",
        f"  {TOKEN}\r\n\n",
        f'"{TOKEN}"',
        f"'{TOKEN}'\n",
        f"Bearer {TOKEN}",
        f"bearer   {TOKEN}\n",
        f'BEARER "{TOKEN}"',
        f'"Bearer {TOKEN}"\n',
        f'{{"access_token":"{TOKEN}","expires_in":60}}',
        f'\n{{"Data": {{"AccessToken": "Bearer {TOKEN}"}}}}\n',
        f"TOKEN={TOKEN}",
        f"BETCORE_TOKEN = '{TOKEN}'",
        f"access_token={TOKEN}",
        f'export TOKEN="{TOKEN}";',
        f"export WATCHDOG={TOKEN}  # of the partner",
        f'$env:TOKEN = "Bearer {TOKEN}"',
        f"set TOKEN={TOKEN}\r\n",
        f"# of the partner\n\nURL=https://example\nTOKEN={TOKEN}\nSECRET=x\n",
    ],
)
def test_a_token_is_found_as_people_and_secret_stores_write_it(text):
    assert token_in(text) == TOKEN


@pytest.mark.parametrize("token", ["abc=", "YWJjZA==", "a.b.c=", "jwt=", "1|abcdef", "a:b", "token_x"])
def test_what_only_looks_like_an_env_file_is_taken_as_it_is(token):
    assert token_in(token) == token


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "it is JSON without an access_token or token in it"),
        ('{"error": "leak"}', "it is JSON without an access_token or token in it"),
        ('{"token": 5}', "it is JSON without an access_token or token in it"),
        ('{"token": "{}"}', "it is JSON without an access_token or token in it"),
        ('{"token": "leak', "it begins like JSON, but it is none"),
        ("{" * 9_999, "it begins like JSON, but it is none"),
        ('["leak"]', "it holds characters that no token has"),
        ("<html>leak", "it holds characters that no token has"),
        ("SECRET=leak", "it is lines NAME=value, of which not exactly one is named after a token"),
        (
            "A_TOKEN=leak\nB_TOKEN=leak",
            "it is lines NAME=value, of which not exactly one is named after a token",
        ),
        ("TOKEN=", "it is empty"),
        ("export TOKEN=", "it is empty"),
        ("TOKEN={}", "it holds characters that no token has"),
    ],
)
def test_what_is_around_a_token_is_understood_or_refused_with_a_word(text, words):
    with pytest.raises(ValueError, match=rf"^{re.escape(words)}$"):
        token_in(text)


@pytest.mark.parametrize("text", [f'{{"access_token":"{TOKEN}"}}', f"TOKEN={TOKEN}", f"export TOKEN={TOKEN}"])
def test_a_token_by_itself_is_never_what_is_around_it(text):
    with pytest.raises(ValueError, match=r"^it holds characters that no token has$"):
        clean_token(text)


@pytest.mark.parametrize("text", ["", " ", "\n\n", '""', "''", "Bearer", "Bearer ", '"bearer "', 'Bearer ""'])
def test_nothing_is_no_token(text):
    with pytest.raises(ValueError, match=r"^it is empty$"):
        token_in(text)


@pytest.mark.parametrize(
    "text", ["two words", "line\nline", "tökén", "nul\0", "\ufffd", "a\tb", "\x7f", "e\u200b"]
)
def test_what_no_header_can_hold_is_no_token(text):
    with pytest.raises(ValueError, match=r"^it holds characters that no token has$"):
        token_in(text)


def test_a_token_has_a_largest_length():
    longest = "x" * MAX_TOKEN_CHARACTERS
    assert clean_token(longest) == longest
    with pytest.raises(ValueError, match=f"longer than {MAX_TOKEN_CHARACTERS} characters"):
        clean_token(longest + "x")


@pytest.mark.parametrize("secret", ["pa ss wörd", "'quoted'", "Bearer of it", '"', "{}"])
def test_a_secret_is_taken_as_it_stands(secret):
    assert clean_secret(f"{secret}\r\n") == secret


@pytest.mark.parametrize(
    "text", ["", "\n", "two\nlines", "nul\0", "\ufffd", "x" * (MAX_TOKEN_CHARACTERS + 1)]
)
def test_what_is_not_one_readable_line_is_no_secret(text):
    with pytest.raises(ValueError, match=r"^it is "):
        clean_secret(text)


# --- files


def refusal_of(path):
    with pytest.raises(CredentialError) as refusal:
        SecretFile(path, clean_token).read()
    message = str(refusal.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"\n", "it is empty"),
        (b"\xef\xbb\xbf\n", "it is empty"),
        (bytes(range(256)), "it holds characters that no token has"),
        (os.urandom(64) + b"\xff", "it holds characters that no token has"),
        (TOKEN.encode("utf-16"), UTF_16),
        (TOKEN.encode("utf-16-le"), UTF_16),
        (TOKEN.encode("utf-16-be"), UTF_16),
        (b"x" * 50_000_000, f"it is longer than {MAX_TOKEN_CHARACTERS} characters"),
    ],
    ids=[
        "nothing",
        "a line break",
        "a byte order mark",
        "all bytes",
        "random",
        "UTF-16",
        "little",
        "big",
        "huge",
    ],
)
def test_a_file_without_a_token_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / "token"
    path.write_bytes(content)
    assert refusal_of(path) == words


def test_a_byte_order_mark_is_no_part_of_a_token(tmp_path):
    path = tmp_path / "token"
    path.write_bytes(b"\xef\xbb\xbf" + TOKEN.encode() + b"\r\n")
    assert SecretFile(path, clean_token).read() == TOKEN


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path):
    assert refusal_of(tmp_path / "none") == "No such file or directory"
    assert refusal_of(tmp_path) == "it is not a regular file"
    os.mkfifo(tmp_path / "pipe")
    assert refusal_of(tmp_path / "pipe") == "it is not a regular file"
    (tmp_path / "loop").symlink_to("loop")
    assert "symbolic links" in refusal_of(tmp_path / "loop")
    (tmp_path / "file").write_text(TOKEN)
    assert refusal_of(tmp_path / "file" / "token") == "Not a directory"


def test_a_file_that_may_not_be_read_is_refused_until_it_may(tmp_path, monkeypatch):
    """Root may read anything, so the refusal is played."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    source = SecretFile(path, clean_token)
    real = Path.open
    denied = PermissionError(13, "Permission denied")

    def deny(*_, **__):
        raise denied

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", deny)
        for _ in range(2):
            with pytest.raises(CredentialError, match=r"token: Permission denied$"):
                source.read()
    assert Path.open is real
    assert source.read() == TOKEN


def test_a_file_is_opened_again_only_when_it_changed(tmp_path, monkeypatch):
    path = tmp_path / "token"
    path.write_text("two words")
    source = SecretFile(path, clean_token)
    opened = []
    real = Path.open

    def noted(self: Path, *args: Any, **more: Any) -> Any:
        opened.append(args)
        return real(self, *args, **more)

    monkeypatch.setattr(Path, "open", noted)
    for _ in range(3):
        with pytest.raises(CredentialError):
            source.read()
    assert opened == [("rb",)]
    replace(path, TOKEN)
    assert [source.read() for _ in range(3)] == [TOKEN] * 3
    assert opened.count(("rb",)) == 2


def replace(path, text):
    """As editors and secret stores do it: a new file takes the old one's place."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text)
    fresh.rename(path)


def test_the_swap_of_a_kubernetes_mount_is_seen(tmp_path):
    def publish(name, token):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").write_text(token)
        (tmp_path / "..data_tmp").symlink_to(name)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    publish("..first", "first.token")
    (tmp_path / "token").symlink_to("..data/token")
    source = SecretFile(tmp_path / "token", clean_token)
    assert source.read() == "first.token"
    publish("..second", "other.token")
    assert source.read() == "other.token"


def test_a_change_that_keeps_size_and_modification_time_is_seen(tmp_path):
    path = tmp_path / "token"
    path.write_text("first.token")
    source = SecretFile(path, clean_token)
    source.read()
    times = path.stat()
    replace(path, "other.token")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert source.read() == "other.token"


# --- the environment


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "it is empty"), ("", "it is empty"), ("two words", "it holds characters that no token has")],
)
def test_a_variable_without_a_token_is_named_and_its_value_is_not(value, words, monkeypatch):
    monkeypatch.delenv("BETCORE_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("BETCORE_TOKEN", value)
    with pytest.raises(CredentialError) as refusal:
        reader(None, "BETCORE_TOKEN", clean_token)()
    assert str(refusal.value) == f"environment variable BETCORE_TOKEN: {words}"
