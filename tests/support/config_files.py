"""A configuration file for the commands."""

from collections.abc import Iterable
from pathlib import Path

import pytest

SECRET = "s3cret-token-of-this-test"


def config_text(
    url: str = "ws://127.0.0.1:9/hubs", listen: str = "127.0.0.1:0", games: Iterable[int] = (3,)
) -> str:
    return f"""
[web]
listen = "{listen}"
[log]
format = "json"
[[feeds]]
name = "betcore"
url = "{url}"
partner_client_id = 7
token = {{ env = "BETCORE_TEST_TOKEN" }}
""" + "".join(f"[[feeds.games]]\ntype = {game_type}\n" for game_type in games)


def config_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A valid file, and the token that it names."""
    monkeypatch.setenv("BETCORE_TEST_TOKEN", SECRET)
    path = folder / "watchdog.toml"
    path.write_text(config_text())
    return path
