"""When a token is renewed: ahead of its end, after a rejection, and never in a storm."""

import math
from functools import partial

import pytest
import trio

from tests.support.token_keeper import (
    BASE_WALL_SECONDS,
    MAX_SECONDS,
    SECRET,
    Endpoint,
    asking,
    fresh,
    jwt,
    ok,
)
from watchdog.config.schema import Reconnect
from watchdog.runtime.http_client import Answer, NoAnswerError
from watchdog.tokens.keeper import MIN_PAUSE_SECONDS


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path


@pytest.fixture
def keeping(secret_file):
    return partial(asking, secret_file=secret_file)


@pytest.mark.parametrize(
    ("lifetime", "lead", "after"), [(900, 300.0, 600), (400, 300.0, 200), (60, 30.0, 30), (60, 10.0, 50)]
)
async def test_a_jwt_is_renewed_ahead_of_its_end(lifetime, lead, after, keeping, autojump_clock):
    endpoint = Endpoint(fresh(lifetime))
    async with keeping(endpoint, refresh_before_seconds=lead).running() as kept:
        await trio.sleep(2 * after + 1)
        assert kept.snapshot.valid
        assert kept.snapshot.refreshes == {"ok": 3, "failed": 0}
    assert endpoint.asked_at == pytest.approx([0.0, after, 2 * after], abs=0.01)
    assert kept.standings() == ["token.refreshed", "token.valid", "token.refreshed", "token.refreshed"]


async def test_the_jwts_own_end_counts_rather_than_what_stands_beside_it(keeping, autojump_clock):
    token = jwt(exp=BASE_WALL_SECONDS + 1000.0)
    endpoint = Endpoint(ok({"token": token, "expires_in": 100_000}))
    async with keeping(endpoint).running():
        await trio.sleep(701.0)
    assert endpoint.asked_at[1] == pytest.approx(700.0)


@pytest.mark.parametrize("expires_in", [None, "3600", True, 0, -5, 1e15, 10**400, {}, [], math.pi * 1e300])
async def test_an_end_that_makes_no_sense_is_none(expires_in, keeping, autojump_clock):
    endpoint = Endpoint(ok({"token": "t.o.k", "expires_in": expires_in}))
    async with keeping(endpoint).running() as kept:
        autojump_clock.jump(10_000.0)
        await kept.settle()
        assert kept.keeper.token == "t.o.k"
    assert len(endpoint.asked_at) == 1


async def test_tokens_that_have_expired_already_are_not_asked_for_in_a_storm(keeping, autojump_clock):
    endpoint = Endpoint(fresh(-100.0))
    async with keeping(endpoint).running() as kept:
        await trio.sleep(600.0)
        assert kept.keeper.token is not None
        assert not kept.snapshot.valid
    assert len(endpoint.asked_at) <= 600.0 / MAX_SECONDS + 1


@pytest.mark.parametrize("lifetime", [0.001, 0.5, 1.0])
async def test_the_shortest_lives_ask_once_a_second_at_most(lifetime, keeping, autojump_clock):
    endpoint = Endpoint(fresh(lifetime))
    async with keeping(endpoint).running():
        await trio.sleep(60.0)
    assert min(endpoint.pauses) >= MIN_PAUSE_SECONDS


@pytest.mark.parametrize("random", [0.0, 0.999])
async def test_failures_are_counted_and_the_pauses_grow_to_the_longest(random, keeping, autojump_clock):
    endpoint = Endpoint(NoAnswerError("refused", "ConnectError"))
    async with keeping(endpoint, random=random).running() as kept:
        await trio.sleep(200.5)
        assert kept.snapshot.refreshes["ok"] == 0
        assert kept.snapshot.refreshes["failed"] == len(endpoint.asked_at)
    ceilings = [2.0, 4.0, 8.0, 16.0, *[MAX_SECONDS] * len(endpoint.pauses)]
    for pause, ceiling in zip(endpoint.pauses, ceilings, strict=False):
        expected = MIN_PAUSE_SECONDS + random * (ceiling - MIN_PAUSE_SECONDS)
        assert pause == pytest.approx(expected, abs=0.01)
    assert kept.events().count("token.missing") == 1


async def test_the_endpoint_is_spared_however_eager_the_reconnecting_is(keeping, autojump_clock):
    endpoint = Endpoint(NoAnswerError("refused", "ConnectError"))
    async with keeping(endpoint, reconnect=Reconnect(initial_seconds=0.001, max_seconds=0.01)).running():
        await trio.sleep(20.0)
    assert min(endpoint.pauses) >= MIN_PAUSE_SECONDS


async def test_a_token_is_kept_while_its_renewal_fails(keeping, autojump_clock):
    endpoint = Endpoint(fresh(600.0), NoAnswerError("timeout", "no answer within 10 s"))
    async with keeping(endpoint).running() as kept:
        await trio.sleep(500.0)
        assert kept.keeper.token is not None
        assert kept.snapshot.valid
        assert kept.snapshot.refreshes["failed"] > 0
        await trio.sleep(101.0)
        assert not kept.snapshot.valid
        assert kept.keeper.token is not None  # the hub's clock has the last word
    told = [event for event in kept.standings() if event != "token.refresh_failed"]
    assert told == ["token.refreshed", "token.valid", "token.expired"]


async def test_after_failures_all_is_well_again(keeping, autojump_clock):
    refused = NoAnswerError("refused", "ConnectError")
    endpoint = Endpoint(refused, refused, refused, fresh())
    async with keeping(endpoint).running() as kept:
        changed = kept.keeper.changed
        await trio.sleep(10.0)
        assert changed.is_set()
        assert kept.snapshot.valid
        assert kept.snapshot.refreshes == {"ok": 1, "failed": 3}
        assert not kept.keeper.unauthorized


# --- rejections


async def test_a_rejection_brings_a_new_token_at_once_and_once(keeping, autojump_clock):
    tokens = iter("abcdefgh")
    endpoint = Endpoint(lambda: ok({"token": next(tokens)}), takes_seconds=0.5)
    async with keeping(endpoint).running() as kept:
        await trio.sleep(1.0)
        kept.keeper.accepted("a")
        await trio.sleep(100.0)
        for _ in range(8):  # as many games
            kept.keeper.rejected("a")
        assert kept.keeper.unauthorized
        await trio.sleep(0.25)
        kept.keeper.rejected("a")  # while the answer is on its way
        await trio.sleep(0.5)
        kept.keeper.rejected("a")  # a game that was slow to hear
        assert kept.keeper.token == "b"
        assert not kept.keeper.unauthorized
        await trio.sleep(100.0)
        assert kept.snapshot.rejections == 10
    assert endpoint.asked_at == pytest.approx([0.0, 101.0], abs=0.01)
    assert kept.events() == [
        "token.refreshed",
        "token.valid",
        "token.rejected",
        "token.refreshed",
        "token.valid",
    ]


async def rejecting(kept):
    """A hub that refuses every token as soon as it sees it."""
    while True:
        changed = kept.keeper.changed
        if kept.keeper.token is not None:
            kept.keeper.rejected(kept.keeper.token)
        await changed.wait()


@pytest.mark.parametrize("distinct", [True, False])
async def test_new_tokens_that_are_rejected_too_make_growing_pauses(distinct, keeping, autojump_clock):
    numbers = iter(range(10_000))
    endpoint = Endpoint(lambda: ok({"token": f"token.{next(numbers) if distinct else 0}"}))
    async with keeping(endpoint, random=0.999).running() as kept, trio.open_nursery() as nursery:
        nursery.start_soon(rejecting, kept)
        await trio.sleep(600.0)
        assert kept.keeper.unauthorized
        nursery.cancel_scope.cancel()
    expected = [2.0, 4.0, 8.0, 16.0, *[MAX_SECONDS] * len(endpoint.pauses)]
    assert endpoint.pauses == pytest.approx(expected[: len(endpoint.pauses)], rel=0.01)
    assert len(endpoint.pauses) > 20
    # Not once for every token: nothing has changed.
    assert kept.events().count("token.rejected") <= 2


async def test_failing_and_rejecting_by_turns_makes_no_storm_either(keeping, autojump_clock):
    numbers = iter(range(10_000))

    def by_turns():
        number = next(numbers)
        return ok({"token": f"token.{number}"}) if number % 2 else Answer(503, b"")

    endpoint = Endpoint(by_turns)
    async with keeping(endpoint, random=0.999).running() as kept, trio.open_nursery() as nursery:
        nursery.start_soon(rejecting, kept)
        await trio.sleep(600.0)
        nursery.cancel_scope.cancel()
    assert min(endpoint.pauses) > MIN_PAUSE_SECONDS
    assert len(endpoint.pauses) < 600.0 / MAX_SECONDS + 8


async def test_a_token_accepted_after_rejections_makes_the_next_rejection_a_first_one(
    keeping, autojump_clock
):
    numbers = iter(range(100))
    endpoint = Endpoint(lambda: ok({"token": f"token.{next(numbers)}"}))
    async with keeping(endpoint, random=0.999).running() as kept:
        for _ in range(5):
            kept.keeper.rejected(kept.keeper.token)
            await trio.sleep(MAX_SECONDS)
        kept.keeper.accepted(kept.keeper.token)
        assert not kept.keeper.unauthorized
        await trio.sleep(100.0)
        asked = len(endpoint.asked_at)
        kept.keeper.rejected(kept.keeper.token)
        await trio.sleep(0.01)
        assert len(endpoint.asked_at) == asked + 1
