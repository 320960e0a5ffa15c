"""The configuration as it will be used, read back."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from watchdog.config.load import load
from watchdog.config.show import as_toml

FILES = Path(__file__).parent / "files"
EXAMPLE = Path(__file__).parents[2] / "watchdog.example.toml"


def read_back(text, folder):
    path = folder / "shown.toml"
    path.write_text(text)
    return load(path)


@pytest.mark.parametrize("path", [EXAMPLE, FILES / "valid" / "smallest.toml"], ids=lambda path: path.stem)
def test_what_is_shown_is_what_was_loaded(path, tmp_path):
    loaded = load(path)
    assert replace(read_back(as_toml(loaded), tmp_path), source=loaded.source) == loaded


def test_defaults_and_what_is_inherited_are_spelled_out(tmp_path):
    loaded = load(FILES / "valid" / "overriding.toml")
    shown = as_toml(loaded)
    again = read_back(shown, tmp_path)
    assert [feed.games for feed in again.feeds] == [feed.games for feed in loaded.feeds]
    assert again.feeds[0].proxy == loaded.feeds[0].proxy
    assert again.feeds[1].token.secret_file == FILES / "valid" / "secrets" / "client"
    assert 'url = "wss://hub.example:8443/hubs"  # with a query, which is left out' in shown.splitlines()
    assert "# format: not set" in shown.splitlines()
    assert "# refresh_before_seconds: only with url" in shown.splitlines()
    assert "keep_alive_seconds = 15.0" in shown.splitlines()


def test_nothing_that_could_be_a_secret_is_shown():
    shown = as_toml(load(FILES / "valid" / "overriding.toml"))
    assert "canary" not in shown
    assert "# request: left out, as it may hold a secret" in shown.splitlines()
    assert "scope" not in shown


def test_a_name_with_syntax_in_it_is_read_back(tmp_path):
    name = 'a"b\\c\u00e9 #'
    text = (FILES / "valid" / "smallest.toml").read_text() + f"name = '{name}'\n"
    loaded = read_back(text, tmp_path)
    assert loaded.feeds[0].games[0].name == name
    assert read_back(as_toml(loaded), tmp_path).feeds[0].games[0].name == name


def test_what_has_no_form_in_toml_is_a_bug(tmp_path):
    loaded = load(FILES / "valid" / "smallest.toml")
    with pytest.raises(TypeError, match="no form in TOML for object"):
        as_toml(replace(loaded, log=replace(loaded.log, level=object())))
