"""What a reload of the configuration changes, and what it leaves alone."""

import logging
import os
import signal
import ssl

import pytest
import structlog
import trio
import trustme

from tests.support.fake_hub import TOKEN, TOKEN_VARIABLE, Hub, counted, spent, wall
from tests.support.whole_watch import document, named, running, the, types, wall_at
from watchdog.app import Watchdog
from watchdog.config import load as config
from watchdog.hub.transport import ConnectionLostError
from watchdog.runtime.clock import Clock


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)


@pytest.fixture
def logged():
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "watchdog.toml"
    path.write_text(document())
    return path


async def test_a_reload_starts_added_games_stops_removed_ones_and_leaves_the_rest_alone(
    autojump_clock, logged, file
):
    file.write_text(document(types(1, 3)))
    hub = Hub()
    async with running(hub, config.load(file)) as watchdog:
        await trio.sleep_until(10.1)
        file.write_text(document(types(3, 7)))
        watchdog.reload(file)
        assert [game.game_type for game in watchdog.snapshot().games] == [3, 7]
        assert not watchdog.snapshot().ready
        await trio.sleep_until(20.1)
        seen = watchdog.snapshot()
        kept, added = seen.games
        assert seen.ready
        assert (kept.connection_attempts, kept.messages, kept.sequence_id) == (1, 40, 40)
        assert (spent(kept), counted(kept.anomalies)) == ({"fresh": 20.1}, {})
        assert (added.game_type, added.connection_attempts, spent(added)) == (7, 1, {"fresh": 10.0})
        assert (seen.reload_successful, seen.reload_success_at) == (True, pytest.approx(wall_at(10.1)))
        assert len(hub.dialled_at) == 3
        assert [peer.subscriptions for peer in hub.peers if peer.ended.is_set()] == [[1]]
    assert {name: named(logged, "config.reloaded")[0][name] for name in ("feeds", "games")} == {
        "feeds": 1,
        "games": 2,
    }


async def test_a_feed_with_another_address_is_started_anew(autojump_clock, file):
    hub = Hub()
    async with running(hub, config.load(file)) as watchdog:
        await trio.sleep_until(10.1)
        file.write_text(document(url="ws://elsewhere.example/hubs"))
        watchdog.reload(file)
        await trio.sleep_until(20.1)
        assert len(watchdog.snapshot().games) == len(watchdog.snapshot().tokens) == 1
        assert (the(watchdog).connection_attempts, spent(the(watchdog))) == (1, {"fresh": 10.0})
        assert [peer.ended.is_set() for peer in hub.peers] == [True, False]


async def test_a_feed_taken_out_leaves_nothing_behind_and_one_put_in_starts(autojump_clock, file):
    file.write_text(document() + document().replace('"betcore"', '"other"'))
    hub = Hub()
    async with running(hub, config.load(file)) as watchdog:
        await trio.sleep_until(10.1)
        file.write_text(document().replace('"betcore"', '"third"') + document())
        watchdog.reload(file)
        await trio.sleep_until(20.1)
        seen = watchdog.snapshot()
        assert [game.feed for game in seen.games] == [token.feed for token in seen.tokens]
        assert [game.feed for game in seen.games] == ["third", "betcore"]
        assert [spent(game) for game in seen.games] == [{"fresh": 10.0}, {"fresh": 20.1}]


async def test_a_bad_file_changes_nothing_says_every_mistake_and_a_good_one_mends_it(
    autojump_clock, logged, file
):
    hub = Hub()
    async with running(hub, config.load(file)) as watchdog:
        await trio.sleep_until(10.1)
        file.write_text(document(types(0) + "nmae = 1\n", url="http://hub.example"))
        watchdog.reload(file)
        seen = watchdog.snapshot()
        assert (seen.reload_successful, seen.reload_success_at) == (False, wall_at(0.0))
        mistakes = [line["mistake"] for line in named(logged, "config.reload_failed")]
        assert len(mistakes) == 3
        for mistake, place in zip(sorted(mistakes), ("nmae", "type", "url"), strict=True):
            assert mistake.startswith(f"{file}: feeds[0].")
            assert place in mistake
        file.unlink()
        watchdog.reload(file)
        assert len(named(logged, "config.reload_failed")) == 4
        await trio.sleep_until(20.1)
        assert (spent(the(watchdog)), len(hub.dialled_at)) == ({"fresh": 20.1}, 1)
        file.write_text(document())
        watchdog.reload(file)
        assert watchdog.snapshot().reload_successful
        assert watchdog.snapshot().reload_success_at == pytest.approx(wall_at(20.1))


async def test_a_changed_check_for_all_games_starts_them_anew(autojump_clock, file):
    hub = Hub()
    async with running(hub, config.load(file)) as watchdog:
        await trio.sleep_until(10.1)
        file.write_text(document(more="[checks]\ntolerance_seconds = 0.5"))
        watchdog.reload(file)
        await trio.sleep_until(20.1)
        assert (spent(the(watchdog)), len(hub.dialled_at)) == ({"fresh": 10.0}, 2)


async def test_another_objective_leaves_the_games_alone_and_is_shown_at_once(autojump_clock, file):
    hub = Hub()
    async with running(hub, config.load(file)) as watchdog:
        await trio.sleep_until(10.1)
        assert the(watchdog).freshness_objective == 0.999
        for freshness in (0.99, 0.98):
            file.write_text(document(more=f"[slo]\nfreshness = {freshness}"))
            watchdog.reload(file)
        assert the(watchdog).freshness_objective == 0.98
        await trio.sleep_until(20.1)
        assert (spent(the(watchdog)), len(hub.dialled_at)) == ({"fresh": 20.1}, 1)


async def test_the_web_side_says_that_it_needs_a_restart(autojump_clock, logged, file):
    async with running(Hub(), config.load(file)) as watchdog:
        file.write_text(document(more='[web]\nlisten = "127.0.0.1:9999"'))
        watchdog.reload(file)
        assert watchdog.snapshot().reload_successful
    assert [line["section"] for line in named(logged, "config.needs_restart")] == ["web"]


def issue(path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(path)
    return ssl.create_default_context(cafile=path).get_ca_certs()[0]["serialNumber"]


@pytest.mark.parametrize(("signalled", "seconds"), [(True, 2.0), (False, 13.0)])
async def test_a_private_ca_that_changed_is_trusted_after_a_reload_and_soon_without_one(
    signalled, seconds, autojump_clock, logged, file, tmp_path
):
    first, trusted = issue(tmp_path / "ca.pem"), []

    async def dial(endpoint):
        trusted.append(endpoint.tls.get_ca_certs()[0]["serialNumber"])
        raise ConnectionLostError("refused")

    more = "[reconnect]\nmax_seconds = 1.0"
    file.write_text(
        document(url="wss://hub.example/hubs", more=more).replace("url =", 'ca_file = "ca.pem"\nurl =')
    )
    watchdog = Watchdog(config.load(file), clock=Clock(wall), random=lambda: 0.5, dial=dial)
    async with trio.open_nursery() as nursery:
        await nursery.start(watchdog.run)
        await trio.sleep(2.0)
        second = issue(tmp_path / "ca.pem")
        assert set(trusted) == {first}
        if signalled:
            watchdog.reload(file)
        await trio.sleep(seconds)
        assert trusted[-1] == second
        assert [line["feed"] for line in named(logged, "tls.ca_file_reloaded")] == ["betcore"]
        (tmp_path / "ca.pem").write_text("half of a certificate")
        await trio.sleep(12.0)
        assert trusted[-1] == second
        assert len(named(logged, "tls.ca_file_unusable")) == 1
        watchdog.reload(file)
        assert not watchdog.snapshot().reload_successful
        nursery.cancel_scope.cancel()


@pytest.fixture
def log_as_it_was():
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    yield
    structlog.configure(**before)
    logging.root.handlers[:], logging.root.level = handlers, level


async def test_another_level_of_logging_counts_from_the_reload_on(
    autojump_clock, file, capsys, log_as_it_was
):
    async with running(Hub(), config.load(file)) as watchdog:
        await trio.sleep_until(1.1)
        file.write_text(document(more='[log]\nformat = "json"\nlevel = "error"'))
        watchdog.reload(file)
        capsys.readouterr()
        file.write_text(document(types(1), more='[log]\nformat = "json"\nlevel = "error"'))
        watchdog.reload(file)
        await trio.sleep_until(5.1)
        assert capsys.readouterr() == ("", "")


async def test_a_reload_before_anything_runs_is_taken_over_by_the_run(autojump_clock, file):
    hub = Hub()
    watchdog = Watchdog(config.load(file), clock=Clock(wall), random=lambda: 0.0, dial=hub.dial)
    file.write_text(document(types(1, 3)) + document().replace('"betcore"', '"other"'))
    watchdog.reload(file)
    async with trio.open_nursery() as nursery:
        hub.nursery = nursery
        await nursery.start(watchdog.run)
        await trio.sleep_until(5.1)
        assert [game.state for game in watchdog.snapshot().games] == ["fresh"] * 3
        assert len(hub.dialled_at) == 3
        nursery.cancel_scope.cancel()


async def test_a_hangup_reloads_the_file(file, logged):
    watchdog = Watchdog(config.load(file), dial=Hub(ConnectionLostError("refused")).dial)
    file.write_text(document(types(1, 3)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watchdog.reload_on_hangup, file)
        await trio.testing.wait_all_tasks_blocked()
        os.kill(os.getpid(), signal.SIGHUP)
        with trio.fail_after(5):
            while len(watchdog.snapshot().games) < 2:
                await trio.testing.wait_all_tasks_blocked(0.001)
        nursery.cancel_scope.cancel()
    assert len(named(logged, "config.reloaded")) == 1
