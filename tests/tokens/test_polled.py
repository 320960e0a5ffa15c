"""A token from a file or the environment, and what is reported of it as time goes by."""

import pytest
import trio

from tests.support.jwt import jwt
from tests.support.token_keeper import BASE_WALL_SECONDS, polling, wall
from watchdog.tokens.keeper import LOOK_SECONDS
from watchdog.tokens.polled import POLL_SECONDS

TOKEN = "sesame.open.now"
NOTICED_SECONDS = POLL_SECONDS + 0.001


async def test_a_file_appears_changes_spoils_and_vanishes(tmp_path, autojump_clock):
    path = tmp_path / "token"
    async with polling(file=str(path)) as kept:

        async def after(text: str | None) -> str | None:
            changed = kept.keeper.changed
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text)
            await trio.sleep(NOTICED_SECONDS)
            assert changed.is_set()
            return kept.keeper.token

        assert kept.keeper.token is None
        assert kept.keeper.unauthorized
        assert not kept.keeper.pending
        assert not kept.snapshot.valid
        assert kept.findings[0].detail["error"] == f"{path}: No such file or directory"
        assert await after("first.token\n") == "first.token"
        assert kept.snapshot.valid
        assert not kept.keeper.unauthorized
        assert await after("second.token\n") == "second.token"
        assert await after("no token at all\n") is None
        assert await after("third.token\n") == "third.token"
        assert await after(None) is None
        changed = kept.keeper.changed
        await trio.sleep(100.0)
        assert not changed.is_set()
    told = ["token.missing", "token.valid", "token.missing", "token.valid", "token.missing"]
    assert kept.events() == told
    kept.assert_silent_about("first.token", "second.token", "third.token", "no token at all")


async def test_the_environment_gives_a_token_once(monkeypatch, autojump_clock):
    monkeypatch.setenv("BETCORE_TOKEN", f"Bearer {TOKEN}")
    async with polling(env="BETCORE_TOKEN") as kept:
        assert kept.keeper.token == TOKEN
        assert (kept.snapshot.valid, kept.snapshot.expires_at) == (True, None)
        monkeypatch.setenv("BETCORE_TOKEN", "another.token")
        await trio.sleep(100.0)
        assert kept.keeper.token == TOKEN
    kept.assert_silent_about(TOKEN)


async def test_an_environment_without_a_token_is_missing_one(monkeypatch, autojump_clock):
    monkeypatch.delenv("BETCORE_TOKEN", raising=False)
    async with polling(env="BETCORE_TOKEN") as kept:
        pass
    (missing,) = kept.findings
    assert missing.event == "token.missing"
    assert missing.detail["error"] == "environment variable BETCORE_TOKEN: it is empty"


async def test_a_token_s_times_are_judged_when_they_come(monkeypatch, autojump_clock):
    monkeypatch.setenv("BETCORE_TOKEN", jwt(nbf=wall() + 20.25, exp=wall() + 101.5))
    async with polling(env="BETCORE_TOKEN") as kept:
        assert not kept.keeper.unauthorized  # the hub's clock has the last word
        changed = kept.keeper.changed
        await trio.sleep(200.0)
        assert changed.is_set()
        assert kept.keeper.unauthorized
    assert kept.events() == ["token.not_yet_valid", "token.valid", "token.expired"]
    assert kept.times_of("token.valid") == pytest.approx([20.25], abs=0.001)
    assert kept.times_of("token.expired") == pytest.approx([101.5], abs=0.001)
    assert kept.times_of("token.expiring") == [0.0]


async def test_the_times_of_a_token_that_replaces_another_are_judged_when_they_come(tmp_path, autojump_clock):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    async with polling(file=str(path)) as kept:
        path.write_text(jwt(exp=wall() + POLL_SECONDS + 0.5))
        await trio.sleep(LOOK_SECONDS)
    assert kept.times_of("token.expired") == pytest.approx([POLL_SECONDS + 0.5], abs=0.001)


async def test_a_wall_clock_that_was_set_is_noticed(monkeypatch, autojump_clock):
    monkeypatch.setenv("BETCORE_TOKEN", jwt(exp=BASE_WALL_SECONDS + 1e6))
    async with polling(env="BETCORE_TOKEN") as kept:
        await trio.sleep(1.0)
        monkeypatch.setattr("tests.support.token_keeper.BASE_WALL_SECONDS", BASE_WALL_SECONDS + 1e6)
        await trio.sleep(LOOK_SECONDS + 0.001)
        assert kept.events() == ["token.valid", "token.expired"]


async def test_a_clock_that_is_off_is_reported_and_the_token_judged_anew(monkeypatch, autojump_clock):
    monkeypatch.setenv("BETCORE_TOKEN", jwt(exp=wall() + 100.0))
    async with polling(env="BETCORE_TOKEN") as kept:
        kept.keeper.skewed(-100.0)
        assert not kept.snapshot.valid
    assert kept.events() == ["token.valid", "clock.skewed", "token.expired"]


async def test_a_rejected_token_is_reported_and_the_next_one_trusted(tmp_path, autojump_clock):
    path = tmp_path / "token"
    path.write_text("first.token")
    async with polling(file=str(path)) as kept:
        changed = kept.keeper.changed
        for _ in range(8):  # as many games
            kept.keeper.rejected("first.token")
        assert kept.keeper.unauthorized
        assert not changed.is_set()  # nothing that a game could try again with
        await trio.sleep(10.0)
        assert kept.keeper.unauthorized
        path.write_text("second.token")
        await trio.sleep(NOTICED_SECONDS)
        assert not kept.keeper.unauthorized
        assert kept.snapshot.rejections == 8
    assert kept.events() == ["token.valid", "token.rejected", "token.valid"]


async def test_a_token_that_is_accepted_after_all_lets_waiting_games_try(monkeypatch, autojump_clock):
    monkeypatch.setenv("BETCORE_TOKEN", TOKEN)
    async with polling(env="BETCORE_TOKEN") as kept:
        kept.keeper.rejected(TOKEN)
        changed = kept.keeper.changed
        kept.keeper.accepted(TOKEN)
        assert changed.is_set()
    assert kept.events() == ["token.valid", "token.rejected", "token.valid"]
