import pytest

from watchdog.config import load as config
from watchdog.config.users import Users, load_users
from watchdog.config.validation import ConfigError

HASH = "$2b$05$abcdefghijklmnopqrstuuWzNAIXUzJc5zDNy2mShbA2fHrFX2dCy"
SMALLEST = """
[[feeds]]
name = "betcore"
url = "wss://hub.example/hubs"
partner_client_id = 1
token.file = "token"
games = [{ type = 3 }]
"""


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "users"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def mistakes_of(path):
    with pytest.raises(ConfigError) as caught:
        load_users(path)
    return caught.value.mistakes


def test_lines_of_htpasswd_are_read(write):
    older, newer = HASH.replace("2b", "2a"), HASH.replace("2b", "2y").replace("05", "15")
    path = write(f"# scrapers\r\nalice:{HASH}\r\n\n  # people\nbob@example.com:{older}\n\nJürgen:{newer}\n\n")

    assert load_users(path).hashes == {
        "alice": HASH.encode(),
        "bob@example.com": older.encode(),
        "Jürgen": newer.encode(),
    }


def test_the_map_of_prometheus_web_configuration_is_read(write):
    path = write(
        f"# web.yml\nbasic_auth_users: # who may scrape\n    alice:   {HASH}\n    # people\n"
        f"    'bob': \"{HASH}\" # on call\n    \"carol\": '{HASH}'\n"
    )

    assert load_users(path).hashes == dict.fromkeys(("alice", "bob", "carol"), HASH.encode())


@pytest.mark.parametrize(
    "hashed",
    [
        HASH.replace("2b", "2x"),
        HASH.replace("05", "03"),
        HASH.replace("05", "16"),
        HASH.replace("05", "5"),
        HASH[:-1],
        HASH + ".",
        HASH[:-1] + "z",
        HASH[:28] + "z" + HASH[29:],
        HASH + ":x",
        "",
    ],
)
def test_anything_but_a_whole_bcrypt_hash_is_refused_without_repeating_it(write, hashed):
    path = write(f"alice:{hashed}\n")

    (mistake,) = mistakes_of(path)
    assert mistake == (
        f"{path}:1: expected a bcrypt hash, $2a$, $2b$ or $2y$ with a cost from 04 to 15, "
        'as "htpasswd -B" writes it'
    )


@pytest.mark.parametrize("user", ["a b", '"alice"', "a#b", "x" * 65, "a\x1bb", ""])
def test_a_user_that_could_be_read_in_two_ways_is_refused(write, user):
    path = write(f"bob:{HASH}\n{user}:{HASH}\n")

    (mistake,) = mistakes_of(path)
    assert mistake.startswith(f"{path}:2: expected a user of 1 to 64 printable characters")


def test_there_may_be_one_hundred_users_and_not_one_more(write):
    lines = [f"user{number}:{HASH}\n" for number in range(100)]
    assert len(load_users(write("".join(lines))).hashes) == 100

    path = write("# one too many\n" + "".join(lines) + f"more:{HASH}\n" * 500)
    assert mistakes_of(path) == (f"{path}:102: expected at most 100 users",)


def test_a_file_may_have_64_kibibytes_and_no_byte_more(write):
    whole = f"alice:{HASH}\n".ljust(64 * 1024, "\n")
    assert load_users(write(whole)).hashes

    path = write(whole + "\n")
    assert mistakes_of(path) == (f"{path}: expected a file of at most 64 KiB",)


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(write):
    path = write(f"alice:{HASH}\nb\xff".encode("latin-1"))
    assert mistakes_of(path) == (f"{path}:2: expected UTF-8",)


def test_a_file_that_is_gone_is_refused(tmp_path):
    path = tmp_path / "nowhere"
    expected = f"expected a readable file, but {path} can't be read: No such file or directory"
    assert mistakes_of(path) == (expected,)


def test_the_configuration_holds_the_users_and_never_shows_their_hashes(write, tmp_path):
    write(f"alice:{HASH}\n")
    path = tmp_path / "watchdog.toml"
    path.write_text(SMALLEST + '[web]\nbasic_auth_file = "users"\n')

    settings = config.load(path)
    assert settings.users == Users({"alice": HASH.encode()})
    assert HASH[7:] not in f"{settings!r} {settings} {settings.users!r} {settings.users}"


def test_mistakes_of_the_users_are_said_together_with_all_others(write, tmp_path):
    users = write("alice:x\n")
    path = tmp_path / "watchdog.toml"
    path.write_text(SMALLEST.replace("type = 3", "type = 0") + '[web]\nbasic_auth_file = "users"\n')

    with pytest.raises(ConfigError) as caught:
        config.load(path)
    game, user = caught.value.mistakes
    assert game.startswith(f"{path}: feeds[0].games[0].type: expected an integer")
    assert user.startswith(f"{path}: web.basic_auth_file: {users}:1: expected a bcrypt hash")


def test_a_byte_order_mark_is_no_part_of_the_first_user_and_utf_16_is_named(write):
    text = f"alice:{HASH}\r\n"
    assert load_users(write(b"\xef\xbb\xbf" + text.encode())).hashes == {"alice": HASH.encode()}
    path = write(text.encode("utf-16"))
    expected = 'expected UTF-8, but this is UTF-16 (Windows says "Unicode"): save it as UTF-8'
    assert mistakes_of(path) == (f"{path}: {expected}",)
