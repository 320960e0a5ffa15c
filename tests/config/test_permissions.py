"""Files with secrets that everybody on the machine may read."""

import pytest
from msgspec.structs import replace

from watchdog.config.load import parse
from watchdog.config.permissions import ExposedFiles
from watchdog.config.schema import Config, Web


@pytest.fixture
def settings(tmp_path) -> Config:
    for name in ("token", "secret"):
        (tmp_path / name).write_text("sesame.open.now")
        (tmp_path / name).chmod(0o600)
    games = [{"type": 3}]
    hub = {"url": "wss://hub.example/hubs", "partner_client_id": 42, "games": games}
    endpoint = {"url": "https://auth.example/token", "secret_file": "secret"}
    feeds = [
        {"name": "one", "token": {"file": "token"}, **hub},
        {"name": "two", "token": endpoint, **hub},
        {"name": "three", "token": {"env": "TOKEN"}, **hub},
    ]
    return parse({"feeds": feeds}, tmp_path / "watchdog.toml")


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o660])
def test_a_file_for_owner_and_group_is_nothing_to_tell(settings, tmp_path, mode):
    (tmp_path / "token").chmod(mode)
    assert ExposedFiles().look(settings) == []


def test_a_file_that_everybody_may_read_is_told_once_until_its_mode_changes(settings, tmp_path):
    exposed, token = ExposedFiles(), tmp_path / "token"
    told = []
    for mode in (0o644, 0o644, 0o604, 0o600, 0o604):
        token.chmod(mode)
        told.append([finding.detail["mode"] for finding in exposed.look(settings)])
    assert told == [["0644"], [], ["0604"], [], ["0604"]]


def test_what_is_told_names_key_path_and_mode_and_nothing_of_the_content(settings, tmp_path):
    (tmp_path / "secret").chmod(0o662)
    (finding,) = ExposedFiles().look(settings)
    assert (finding.event, finding.level) == ("config.file_exposed", "warning")
    assert finding.detail == {
        "key": "feeds[1].token.secret_file",
        "path": str(tmp_path / "secret"),
        "mode": "0662",
    }


def test_the_file_behind_a_link_counts(settings, tmp_path):
    (tmp_path / "token").rename(tmp_path / "real")
    (tmp_path / "token").symlink_to("real")
    assert ExposedFiles().look(settings) == []
    (tmp_path / "real").chmod(0o604)
    assert [finding.detail["path"] for finding in ExposedFiles().look(settings)] == [str(tmp_path / "token")]


def test_a_file_that_is_gone_is_somebody_elses_business(settings, tmp_path):
    (tmp_path / "token").unlink()
    assert ExposedFiles().look(settings) == []


def test_the_files_of_the_web_side_count(settings, tmp_path):
    for name in ("users", "key"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o644)
    # Not loaded here: only their modes matter.
    web = Web(tls_key_file=tmp_path / "key", basic_auth_file=tmp_path / "users")
    told = ExposedFiles().look(replace(settings, web=web))
    assert [finding.detail["key"] for finding in told] == ["web.tls_key_file", "web.basic_auth_file"]
