import copy
import datetime as dt
import json
import os
import re
import string
import tomllib
from pathlib import Path

import msgspec
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from watchdog.config import load as config
from watchdog.config.schema import Config, Feed, Game, History, Log, Reconnect, Slo, Token, Web
from watchdog.config.validation import ConfigError
from watchdog.config.values import ExternalUrl, Listen, Proxy, RequestTemplate, WebSocketUrl
from watchdog.core.checks.settings import CheckSettings

CONFIGS = Path(__file__).parent / "files"
EXAMPLE = Path(__file__).parents[2] / "watchdog.example.toml"
SMALLEST = (CONFIGS / "valid" / "smallest.toml").read_text()


def mistakes_of(path):
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    return caught.value.mistakes


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "watchdog.toml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("path", sorted((CONFIGS / "invalid").glob("*.toml")), ids=lambda path: path.stem)
def test_each_mistake_of_an_invalid_file_is_said_with_its_path_and_nothing_else(path):
    expected = re.findall(r"^# expect: (.*)$", path.read_text(), re.MULTILINE)
    assert expected
    assert list(mistakes_of(path)) == [
        f"{path}: {line.replace('FOLDER', str(path.parent))}" for line in expected
    ]


@pytest.mark.parametrize("path", sorted((CONFIGS / "invalid").glob("*.toml")), ids=lambda path: path.stem)
def test_no_mistake_repeats_what_could_be_a_secret_and_each_is_one_line(path):
    mistakes = "".join(mistakes_of(path))
    assert "canary" not in mistakes.replace(str(path), "")
    assert mistakes.isprintable()


def test_a_missing_file_is_one_mistake(tmp_path):
    path = tmp_path / "nowhere.toml"
    assert mistakes_of(path) == (f"{path}: can't be read: No such file or directory",)


def test_a_folder_is_one_mistake(tmp_path):
    assert mistakes_of(tmp_path) == (f"{tmp_path}: can't be read: Is a directory",)


def test_a_file_that_is_not_utf_8_is_one_mistake(tmp_path):
    path = tmp_path / "watchdog.toml"
    path.write_bytes(b'a = "\xff"')
    assert mistakes_of(path) == (f"{path}: expected UTF-8, but the byte at offset 5 isn't",)


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path):
    path = tmp_path / "watchdog.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALLEST.replace("\n", "\r\n").encode())
    assert config.load(path).feeds


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_one_mistake_that_names_it(tmp_path, encoding):
    path = tmp_path / "watchdog.toml"
    path.write_bytes(SMALLEST.encode(encoding))
    expected = 'expected UTF-8, but this is UTF-16 (Windows says "Unicode"): save it as UTF-8'
    assert mistakes_of(path) == (f"{path}: {expected}",)


def test_a_file_may_have_one_mebibyte_and_no_byte_more(write):
    padded = SMALLEST + "#" * (2**20 - len(SMALLEST))
    assert config.load(write(padded)).feeds
    path = write(padded + "#")
    assert mistakes_of(path) == (f"{path}: expected a file of at most 1 MiB",)


def test_nesting_beyond_reason_is_one_mistake(write):
    path = write("a = " + "[" * 100_000)
    [mistake] = mistakes_of(path)
    assert mistake.startswith(f"{path}: not TOML: ")


def test_an_integer_that_python_would_not_write_out_is_one_mistake(write):
    path = write(SMALLEST.replace("type = 3", "type = 0x" + "f" * 5000))
    expected = "expected an integer from 1 to 2147483647, got an integer beyond 64 bits"
    assert mistakes_of(path) == (f"{path}: feeds[0].games[0].type: {expected}",)


def test_at_most_five_thousand_games_are_watched(write):
    head = SMALLEST[: SMALLEST.index("[[feeds.games]]")]
    games = "".join(f"[[feeds.games]]\ntype = {number}\n" for number in range(1, 5002))
    path = write(head + games)
    assert mistakes_of(path) == (
        f"{path}: feeds: expected at most 5000 games in all feeds together, got 5001",
    )


def test_null_which_toml_does_not_have_is_refused_in_a_decoded_document():
    with pytest.raises(ConfigError) as caught:
        config.parse({"feeds": None}, EXAMPLE)
    assert caught.value.mistakes == (
        f"{EXAMPLE}: feeds: expected an array of at least one table, got something else",
    )


def test_the_smallest_file_has_every_default():
    path = CONFIGS / "valid" / "smallest.toml"
    assert config.load(path) == Config(
        web=Web(listen=Listen("127.0.0.1:9877"), tls_cert_file=None, tls_key_file=None, basic_auth_file=None),
        log=Log(format=None, level="info"),
        feeds=(
            Feed(
                name="betcore",
                url=WebSocketUrl("wss://hub.example/hubs"),
                partner_client_id=1,
                token=Token(file=path.parent / "token", refresh_before_seconds=300.0),
                games=(Game(type=3, name="3", checks=CheckSettings()),),
                negotiate=False,
                ca_file=None,
            ),
        ),
        reconnect=Reconnect(initial_seconds=0.25, max_seconds=30.0),
        source=path,
    )


def test_each_value_is_converted_once(monkeypatch):
    converted = []
    convert = WebSocketUrl.__init__

    def counted(url, text):
        converted.append(text)
        convert(url, text)

    monkeypatch.setattr(WebSocketUrl, "__init__", counted)
    loaded = config.load(CONFIGS / "valid" / "overriding.toml")
    assert converted == [feed.url.text for feed in loaded.feeds]


def test_checks_are_overridden_key_by_key():
    first, second = config.load(CONFIGS / "valid" / "overriding.toml").feeds
    of_file = CheckSettings(interval_seconds=1.0, tolerance_seconds=0.5, timer_unit="seconds")
    of_feed = msgspec.structs.replace(of_file, tolerance_seconds=0.75, sequence="increasing")
    assert [game.checks for game in first.games] == [
        of_feed,
        msgspec.structs.replace(of_feed, timer_unit="unix", tolerance_seconds=0.0),
    ]
    assert second.games[0].checks == of_file
    assert [game.name for game in first.games] == ["1", "Lucky 6"]


def test_the_objective_is_inherited_like_the_checks():
    first, second = config.load(CONFIGS / "valid" / "overriding.toml").feeds
    assert [game.slo.freshness for game in (*first.games, *second.games)] == [0.995, 0.9999, 0.99]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("none", None),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("http://[::1]:3128/", "http://[::1]:3128"),
        ("http://proxy.example", "http://proxy.example"),
    ],
)
def test_a_proxy_is_an_address_or_a_word(text, address):
    proxy = Proxy(text)
    assert (proxy.address, proxy.from_environment, str(proxy)) == (address, False, text)
    assert Proxy("env").address is None
    assert Proxy("env").from_environment


def test_links_begin_with_the_external_url_without_its_last_slash():
    assert ExternalUrl("https://watchdog.example.com/betcore/").text == "https://watchdog.example.com/betcore"


def test_relative_paths_are_relative_to_the_folder_of_the_file(write, tmp_path, monkeypatch):
    write(SMALLEST)
    monkeypatch.chdir(tmp_path)
    loaded = config.load(Path("watchdog.toml"))
    assert loaded.feeds[0].token.file == tmp_path / "token"
    assert loaded.source == tmp_path / "watchdog.toml"


def test_private_ca_and_server_certificate_are_loaded_to_see_whether_they_can_be(write, tmp_path):
    authority = trustme.CA()
    server = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    server.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    server.private_key_pem.write_to_path(tmp_path / "key.pem")
    text = SMALLEST.replace("partner", 'ca_file = "ca.pem"\npartner')
    loaded = config.load(write(text + '[web]\ntls_cert_file = "cert.pem"\ntls_key_file = "key.pem"\n'))
    assert loaded.feeds[0].ca_file == tmp_path / "ca.pem"
    assert (loaded.web.tls_cert_file, loaded.web.tls_key_file) == (
        tmp_path / "cert.pem",
        tmp_path / "key.pem",
    )

    trustme.CA().issue_cert("other").private_key_pem.write_to_path(tmp_path / "key.pem")
    [mistake] = mistakes_of(tmp_path / "watchdog.toml")
    assert "web.tls_cert_file: expected PEM files of a certificate and its unencrypted key" in mistake


def test_a_pipe_instead_of_a_file_does_not_hang(write, tmp_path):
    os.mkfifo(tmp_path / "ca.pem")
    [mistake] = mistakes_of(write(SMALLEST.replace("partner", 'ca_file = "ca.pem"\npartner')))
    assert mistake.endswith("ca.pem isn't a file")


def test_neither_text_nor_repr_of_the_configuration_shows_a_url_query():
    loaded = config.load(CONFIGS / "valid" / "overriding.toml")
    url = loaded.feeds[0].url
    assert "canary-query" in url.text
    assert "canary-query" in url.query
    shown = f"{loaded!r} {loaded} {url!r} {url} {loaded.feeds[0]!r}"
    assert "canary-query" not in shown
    assert "wss://hub.example:8443/hubs?…" in shown


def test_urls_are_equal_by_kind_and_text():
    assert WebSocketUrl("ws://a") == WebSocketUrl("ws://a")
    assert len({WebSocketUrl("ws://a"), WebSocketUrl("ws://a"), WebSocketUrl("ws://b")}) == 2
    assert WebSocketUrl("ws://127.0.0.1:80") != Listen("127.0.0.1:80")
    assert WebSocketUrl("ws://a") != "ws://a"


def test_an_ipv6_address_to_listen_on_stands_in_brackets():
    listen = Listen("[::1]:0")
    assert (listen.host, listen.port, str(listen)) == ("::1", 0, "[::1]:0")


def test_the_request_of_a_token_is_filled_in_and_never_shown():
    template = config.load(CONFIGS / "valid" / "overriding.toml").feeds[1].token.request
    assert template.fill(partner_client_id=7, secret="{secret}") == {
        "client": 7,
        "text": "7:{secret}",
        "scope": ["feed", 1, True],
    }
    assert "feed" not in repr(template)


def test_the_request_of_a_token_is_the_provider_s_by_default():
    assert Token().request.fill(partner_client_id=7, secret="s") == {"PartnerClientId": 7, "Secret": "s"}
    assert Token().request == RequestTemplate(
        {"PartnerClientId": "{partner_client_id}", "Secret": "{secret}"}
    )


def test_the_example_loads_and_shows_the_defaults():
    loaded = config.load(EXAMPLE)
    assert (loaded.web, loaded.log, loaded.checks, loaded.reconnect) == (
        Web(),
        Log(),
        CheckSettings(),
        Reconnect(),
    )


@pytest.mark.parametrize("kind", [Web, Log, Token, Feed, Game, CheckSettings, Slo, Reconnect, History])
def test_every_key_stands_in_the_example_with_its_default(kind):
    example = EXAMPLE.read_text()
    for field in msgspec.structs.fields(kind):
        name = field.name
        value = re.search(rf"^(?:# )?{name} = (.+)$", example, re.MULTILINE)
        assert value or re.search(rf"^(?:# )?\[+feeds\.{name}\]+$", example, re.MULTILINE), name
        if value and isinstance(field.default, Proxy):
            assert Proxy(tomllib.loads(f"value = {value[1]}")["value"]) == field.default
        if value and isinstance(field.default, bool | float | int | str) and field.default != "":
            assert tomllib.loads(f"value = {value[1]}")["value"] == field.default, name


def test_the_alternatives_of_the_example_load_as_well(write):
    text = EXAMPLE.read_text().replace("file = ", "# file = ", 1)
    for key in ("url", "secret_env", "refresh_before_seconds", "request", "token_field", "expires_field"):
        text = re.sub(rf"^# ({key} = )", r"\1", text, flags=re.MULTILINE)
    text = text.replace(
        "# [feeds.checks]\n# silence_reconnect_seconds = 10.0",
        "[feeds.checks]\nsilence_reconnect_seconds = 20",
    ).replace("# format", "format")
    loaded = config.load(write(text.replace('\nfile = "/run', '\n# file = "/run')))
    assert loaded.log.format == "json"
    assert loaded.feeds[0].token.request == Token().request
    assert [game.checks.silence_reconnect_seconds for game in loaded.feeds[0].games] == [20.0, 20.0]


def test_the_history_of_the_example_and_none_without_it(write, tmp_path):
    assert config.load(EXAMPLE).history is None
    text = EXAMPLE.read_text().replace("# [history]", "[history]").replace("# keep_days", "keep_days")
    path = Path("/var/lib/betcore-watchdog/history.db")
    loaded = config.load(write(text.replace(f'# file = "{path}"', f'file = "{path}"')))
    assert loaded.history == History(file=path, keep_days=400)
    loaded = config.load(write(f'{SMALLEST}\n[history]\nfile = "kept/history.db"'))
    assert loaded.history == History(file=tmp_path / "kept" / "history.db")


GOOD = tomllib.loads(EXAMPLE.read_text())
KEYS = st.sampled_from(sorted(set(re.findall(r"\w+", EXAMPLE.read_text())))) | st.text(max_size=5)
LEAVES = (
    st.booleans()
    | st.integers()
    | st.integers(2**62, 2**200)
    | st.floats()
    | st.text(max_size=80)
    | st.text(string.printable, max_size=10)
    | st.sampled_from(["wss://a", "https://a", "localhost:1", "{secret}", "{x}", "auto", "."])
    | st.datetimes(timezones=st.just(dt.UTC))
    | st.dates()
    | st.times()
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def refused_or_loaded(document):
    try:
        loaded = config.parse(document, EXAMPLE)
    except ConfigError as error:
        mistakes = error.mistakes
    else:
        assert isinstance(loaded, Config)
        return
    assert mistakes
    assert all(each.startswith(f"{EXAMPLE}: ") and each.isprintable() for each in mistakes)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_document_is_loaded_or_refused_line_by_line(document):
    refused_or_loaded(document)


def places(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


@given(st.sampled_from([path for path in places(GOOD) if path]), VALUES)
def test_a_good_document_with_one_value_replaced_is_loaded_or_refused(path, value):
    document = copy.deepcopy(GOOD)
    target = document
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    refused_or_loaded(document)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=3))
def test_a_request_template_is_refused_or_fills_to_json(body):
    try:
        template = RequestTemplate(body)
    except ValueError:
        return
    assert json.dumps(template.fill(partner_client_id=1, secret="s"), allow_nan=False)
