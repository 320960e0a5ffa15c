"""Where a token comes from, as files and the environment change under the watchdog."""

import os
from pathlib import Path

import pytest
import trio

from tests.support.token_keeper import Keeping, jwt
from watchdog.core.token import MAX_TOKEN_CHARACTERS
from watchdog.tokens.keeper import EXPIRY_WARNINGS_SECONDS, POLL_SECONDS
from watchdog.tokens.sources import SecretFile, TokenUnavailableError, clean_secret, clean_token

TOKEN = "sesame.open.now"

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
    ],
)
def test_a_token_is_found_as_people_and_secret_stores_write_it(text):
    assert clean_token(text) == TOKEN


@pytest.mark.parametrize("text", ["", " ", "\n\n", '""', "''", "Bearer", "Bearer ", '"bearer "', 'Bearer ""'])
def test_nothing_is_no_token(text):
    with pytest.raises(TokenUnavailableError, match=r"^it is empty$"):
        clean_token(text)


@pytest.mark.parametrize(
    "text", ["two words", "line\nline", "tökén", "nul\0", "\ufffd", "a\tb", "\x7f", "e\u200b"]
)
def test_what_no_header_can_hold_is_no_token(text):
    with pytest.raises(TokenUnavailableError) as refusal:
        clean_token(text)
    assert str(refusal.value) == "it holds characters that no token has"


def test_a_token_has_a_largest_length():
    longest = "x" * MAX_TOKEN_CHARACTERS
    assert clean_token(longest) == longest
    with pytest.raises(TokenUnavailableError, match=f"longer than {MAX_TOKEN_CHARACTERS} characters"):
        clean_token(longest + "x")


@pytest.mark.parametrize("secret", ["pa ss wörd", "'quoted'", "Bearer of it", '"', "{}"])
def test_a_secret_is_taken_as_it_stands(secret):
    assert clean_secret(f"{secret}\r\n") == secret


@pytest.mark.parametrize(
    "text", ["", "\n", "two\nlines", "nul\0", "\ufffd", "x" * (MAX_TOKEN_CHARACTERS + 1)]
)
def test_what_is_not_one_readable_line_is_no_secret(text):
    with pytest.raises(TokenUnavailableError):
        clean_secret(text)


# --- files


def refusal_of(path):
    with pytest.raises(TokenUnavailableError) as refusal:
        SecretFile(path).read()
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
        (TOKEN.encode("utf-16"), "it holds characters that no token has"),
        (b"x" * 50_000_000, f"it is longer than {MAX_TOKEN_CHARACTERS} characters"),
    ],
    ids=["nothing", "a line break", "a byte order mark", "all bytes", "random", "UTF-16", "huge"],
)
def test_a_file_without_a_token_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / "token"
    path.write_bytes(content)
    assert refusal_of(path) == words


def test_a_byte_order_mark_is_no_part_of_a_token(tmp_path):
    path = tmp_path / "token"
    path.write_bytes(b"\xef\xbb\xbf" + TOKEN.encode() + b"\r\n")
    assert SecretFile(path).read() == TOKEN


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
    source = SecretFile(path)
    real = Path.open
    denied = PermissionError(13, "Permission denied")

    def deny(*_, **__):
        raise denied

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", deny)
        for _ in range(2):
            with pytest.raises(TokenUnavailableError, match=r"token: Permission denied$"):
                source.read()
    assert Path.open is real
    assert source.read() == TOKEN


def test_a_file_is_opened_again_only_when_it_changed(tmp_path, monkeypatch):
    path = tmp_path / "token"
    path.write_text("two words")
    source = SecretFile(path)
    opened: list[tuple[str, ...]] = []
    real = Path.open

    def counted(self, *args, **more):
        opened.append(args)
        return real(self, *args, **more)

    monkeypatch.setattr(Path, "open", counted)
    for _ in range(3):
        with pytest.raises(TokenUnavailableError):
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
    source = SecretFile(tmp_path / "token")
    assert source.read() == "first.token"
    publish("..second", "other.token")
    assert source.read() == "other.token"


def test_a_change_that_keeps_size_and_modification_time_is_seen(tmp_path):
    path = tmp_path / "token"
    path.write_text("first.token")
    source = SecretFile(path)
    source.read()
    times = path.stat()
    replace(path, "other.token")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert source.read() == "other.token"


# --- the keeper of a token from a file or the environment


async def test_a_file_appears_changes_spoils_and_vanishes(tmp_path, autojump_clock):
    path = tmp_path / "token"
    async with Keeping({"file": str(path)}).running() as kept:
        assert kept.keeper.token is None
        assert kept.keeper.unauthorized
        assert not kept.keeper.pending
        assert not kept.snapshot.valid
        assert kept.events() == ["token.missing"]
        assert kept.findings[0].detail["error"] == f"{path}: No such file or directory"

        changed = kept.keeper.changed
        replace(path, "first.token\n")
        await changed.wait()
        assert kept.keeper.token == "first.token"
        await kept.settle()
        assert not kept.keeper.unauthorized
        assert kept.snapshot.valid

        replace(path, "second.token\n")
        await kept.settle()
        assert kept.keeper.token == "second.token"

        replace(path, "no token at all\n")
        await kept.settle()
        assert kept.keeper.token is None

        path.unlink()
        await kept.settle()
        assert kept.keeper.token is None
        replace(path, "third.token\n")
        await kept.settle()
        assert kept.keeper.token == "third.token"
    assert kept.events() == ["token.missing", "token.valid", "token.missing", "token.valid"]
    kept.assert_silent_about("first.token", "second.token", "third.token", "no token at all")


async def test_a_change_of_the_file_is_noticed_within_the_poll(tmp_path, autojump_clock):
    path = tmp_path / "token"
    async with Keeping({"file": str(path)}).running() as kept:
        changed = kept.keeper.changed
        path.write_text("first.token")
        began = trio.current_time()
        await changed.wait()
        assert trio.current_time() - began <= POLL_SECONDS


async def test_the_environment_gives_a_token(monkeypatch, autojump_clock):
    monkeypatch.setenv("BETCORE_TOKEN", f"Bearer {TOKEN}")
    async with Keeping({"env": "BETCORE_TOKEN"}).running() as kept:
        assert kept.keeper.token == TOKEN
        assert kept.snapshot.valid
        assert kept.snapshot.expires_at is None


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "it is empty"), ("", "it is empty"), ("two words", "it holds characters that no token has")],
)
async def test_an_environment_without_a_token_is_named(value, words, monkeypatch, autojump_clock):
    monkeypatch.delenv("BETCORE_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("BETCORE_TOKEN", value)
    async with Keeping({"env": "BETCORE_TOKEN"}).running() as kept:
        assert kept.events() == ["token.missing"]
    assert kept.findings[0].detail["error"] == f"environment variable BETCORE_TOKEN: {words}"
    kept.assert_silent_about("two words")


# --- standing


async def test_each_standing_is_announced_once(tmp_path, autojump_clock):
    path = tmp_path / "token"
    kept = Keeping({"file": str(path)})
    begin, end = kept.wall() + 100.0, kept.wall() + 200.0
    token = jwt(nbf=begin, exp=end)
    path.write_text(token)
    async with kept.running():
        assert kept.standings() == ["token.not_yet_valid"]
        assert kept.snapshot.expires_at == end
        assert not kept.snapshot.valid
        assert not kept.keeper.unauthorized  # the hub's clock has the last word
        await trio.sleep(100.0 + POLL_SECONDS)
        assert kept.snapshot.valid
        await trio.sleep(100.0 + POLL_SECONDS)
        assert not kept.snapshot.valid
        assert kept.keeper.unauthorized
        await trio.sleep(100.0)
    assert kept.standings() == ["token.not_yet_valid", "token.valid", "token.expired"]
    kept.assert_silent_about(token)


async def test_a_token_that_nobody_renews_is_warned_of_in_time_and_once(tmp_path, autojump_clock):
    path = tmp_path / "token"
    kept = Keeping({"file": str(path)})
    hour, day = EXPIRY_WARNINGS_SECONDS
    path.write_text(jwt(exp=kept.wall() + day + 10.0))
    async with kept.running():
        await trio.sleep(20.0)
        autojump_clock.jump(day - hour - 20.0)
        await trio.sleep(20.0)
    assert kept.times_of("token.expiring") == pytest.approx([10.0, 10.0 + day - hour], abs=2 * POLL_SECONDS)


async def test_a_rejected_token_is_announced_and_the_next_one_trusted(tmp_path, autojump_clock):
    path = tmp_path / "token"
    path.write_text("first.token")
    async with Keeping({"file": str(path)}).running() as kept:
        for _ in range(8):  # as many games
            kept.keeper.rejected("first.token")
        assert kept.keeper.unauthorized
        assert kept.snapshot.rejections == 8
        await kept.settle()
        assert kept.keeper.unauthorized
        replace(path, "second.token")
        await kept.settle()
        assert not kept.keeper.unauthorized
        kept.keeper.rejected("first.token")  # a game that was slow to hear
        assert not kept.keeper.unauthorized
        assert kept.snapshot.rejections == 9
    assert kept.events() == ["token.valid", "token.rejected", "token.valid"]
    kept.assert_silent_about("first.token", "second.token")


async def test_a_token_that_is_accepted_after_all_is_good_again(tmp_path, autojump_clock):
    path = tmp_path / "token"
    path.write_text("first.token")
    async with Keeping({"file": str(path)}).running() as kept:
        kept.keeper.rejected("first.token")
        kept.keeper.accepted("another.token")
        assert kept.keeper.unauthorized
        kept.keeper.accepted("first.token")
        assert not kept.keeper.unauthorized
    assert kept.events() == ["token.valid", "token.rejected", "token.valid"]


def test_nothing_shown_of_a_keeper_holds_its_token(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)

    async def main():
        kept = Keeping({"file": str(path)})
        assert TOKEN not in f"{kept.keeper!r} {kept.snapshot!r}"

    trio.run(main)
