"""When a token is renewed: ahead of its end, after a rejection, and never in a storm."""

from functools import partial

import pytest
import trio

from tests.support.jwt import jwt
from tests.support.token_keeper import MAX_SECONDS, SECRET, FakeClient, fresh, ok, renewing, wall
from watchdog.core.backoff import Backoff
from watchdog.runtime.http_client import Answer, NoAnswerError
from watchdog.tokens.renewed import MIN_PAUSE_SECONDS

REFUSED = NoAnswerError("refused", "ConnectError")


@pytest.fixture
def keeping(secret_file):
    return partial(renewing, secret_file=str(secret_file))


async def test_a_token_is_asked_for_and_kept(keeping, autojump_clock):
    client = FakeClient(ok({"access_token": "first.token"}))
    async with keeping(client) as kept:
        assert kept.keeper.token == "first.token"
        assert not kept.keeper.pending
        assert kept.snapshot.valid
        assert kept.snapshot.refreshes == {"ok": 1, "failed": 0}
    assert kept.events() == ["token.refreshed", "token.valid"]
    kept.assert_silent_about("first.token", SECRET, "hidden")


async def test_an_answer_without_a_token_is_a_failure_in_one_line(keeping, autojump_clock):
    async with keeping(FakeClient(Answer(401, b"leak.this.not"), takes_seconds=1.0)) as kept:
        changed = kept.keeper.changed
        await trio.sleep(1.5)
        assert changed.is_set()  # what was pending is missing
        assert kept.keeper.token is None
        assert kept.keeper.unauthorized
        assert not kept.keeper.pending
        assert kept.snapshot.refreshes == {"ok": 0, "failed": 1}
    assert kept.events() == ["token.refresh_failed", "token.missing"]
    assert [finding.detail for finding in kept.findings] == [{"error": "HTTP status 401"}] * 2
    kept.assert_silent_about("leak.this.not", SECRET, "hidden")


@pytest.mark.parametrize("content", [None, "", "two\nlines"])
async def test_without_a_secret_nobody_is_asked_until_there_is_one(
    content, keeping, secret_file, autojump_clock
):
    secret_file.unlink()
    if content is not None:
        secret_file.write_text(content)
    client = FakeClient(ok({"token": "t.o.k"}))
    async with keeping(client) as kept:
        assert client.asked_at == []
        assert kept.findings[0].event == "token.refresh_failed"
        assert kept.findings[0].detail["error"].startswith(f"the secret is unavailable: {secret_file}: ")
        secret_file.write_text(SECRET)
        await trio.sleep(MAX_SECONDS)
        assert kept.keeper.token == "t.o.k"


# --- ahead of the expiry


@pytest.mark.parametrize(
    ("lifetime", "lead", "after"), [(900, 300.0, 600), (400, 300.0, 200), (60, 30.0, 30), (60, 10.0, 50)]
)
async def test_a_jwt_is_renewed_ahead_of_its_end(lifetime, lead, after, keeping, autojump_clock):
    client = FakeClient(fresh(lifetime))
    async with keeping(client, refresh_before_seconds=lead) as kept:
        await trio.sleep(2 * after + 1)
        assert kept.snapshot.valid
        assert kept.snapshot.refreshes == {"ok": 3, "failed": 0}
    assert client.asked_at == pytest.approx([0.0, after, 2 * after], abs=0.01)
    assert kept.events() == ["token.refreshed", "token.valid", "token.refreshed", "token.refreshed"]


async def test_the_jwts_own_end_counts_rather_than_what_stands_beside_it(keeping, autojump_clock):
    token = jwt(exp=wall() + 1000.0)
    client = FakeClient(ok({"token": token, "expires_in": 100_000}))
    async with keeping(client):
        await trio.sleep(701.0)
    assert client.asked_at[1] == pytest.approx(700.0)


async def test_a_token_without_an_expiry_is_kept(keeping, autojump_clock):
    client = FakeClient(ok({"token": "t.o.k"}))
    async with keeping(client) as kept:
        autojump_clock.jump(10_000.0)
        await trio.sleep(1.0)
        assert kept.keeper.token == "t.o.k"
    assert len(client.asked_at) == 1


async def test_tokens_that_have_expired_already_are_not_asked_for_in_a_storm(keeping, autojump_clock):
    client = FakeClient(fresh(-100.0))
    async with keeping(client) as kept:
        await trio.sleep(600.0)
        assert kept.keeper.token is not None
        assert not kept.snapshot.valid
    assert len(client.asked_at) <= 600.0 / MAX_SECONDS + 1


@pytest.mark.parametrize("lifetime", [0.001, 0.5, 1.0])
async def test_the_shortest_lives_ask_once_a_second_at_most(lifetime, keeping, autojump_clock):
    client = FakeClient(fresh(lifetime))
    async with keeping(client):
        await trio.sleep(60.0)
    assert min(client.pauses) >= MIN_PAUSE_SECONDS


@pytest.mark.parametrize("random", [0.0, 0.999])
async def test_failures_are_counted_and_the_pauses_grow_to_the_longest(random, keeping, autojump_clock):
    client = FakeClient(REFUSED)
    async with keeping(client, random=random) as kept:
        await trio.sleep(200.5)
        assert kept.snapshot.refreshes["ok"] == 0
        assert kept.snapshot.refreshes["failed"] == len(client.asked_at)
    ceilings = [2.0, 4.0, 8.0, 16.0, *[MAX_SECONDS] * len(client.pauses)]
    for pause, ceiling in zip(client.pauses, ceilings, strict=False):
        expected = MIN_PAUSE_SECONDS + random * (ceiling - MIN_PAUSE_SECONDS)
        assert pause == pytest.approx(expected, abs=0.01)
    assert kept.events().count("token.missing") == 1


async def test_the_endpoint_is_spared_however_eager_the_reconnecting_is(keeping, autojump_clock):
    client = FakeClient(REFUSED)
    async with keeping(client, backoff=Backoff(0.001, 0.01)):
        await trio.sleep(20.0)
    assert min(client.pauses) >= MIN_PAUSE_SECONDS


async def test_a_token_is_kept_while_its_renewal_fails(keeping, autojump_clock):
    client = FakeClient(fresh(600.0), NoAnswerError("timeout", "no answer within 10 s"))
    async with keeping(client) as kept:
        changed = kept.keeper.changed
        await trio.sleep(500.0)
        assert not changed.is_set()
        assert kept.keeper.token is not None
        assert kept.snapshot.valid
        assert kept.snapshot.refreshes["failed"] > 0
        await trio.sleep(101.0)
        assert not kept.snapshot.valid
        assert kept.keeper.token is not None  # the hub's clock has the last word
    told = [event for event in kept.events() if event != "token.refresh_failed"]
    assert told == ["token.refreshed", "token.valid", "token.expired"]


async def test_a_renewal_is_planned_by_the_provider_s_clock(keeping, autojump_clock):
    client = FakeClient(fresh(200.0), fresh(1000.0))
    async with keeping(client, refresh_before_seconds=300.0) as kept:
        kept.keeper.skewed(-200.0)  # ours is behind: by the provider's a token lives 200 s less
        await trio.sleep_until(700.0)
    assert client.pauses == pytest.approx([100.0, 500.0], abs=0.01)


async def test_the_endpoint_is_left_alone_for_as_long_as_it_asks(keeping, autojump_clock):
    busy = Answer(429, b"", retry_after_seconds=90.0)
    client = FakeClient(busy, busy, Answer(500, b""), fresh(3600.0))
    async with keeping(client) as kept:
        changed = kept.keeper.changed
        await trio.sleep_until(200.0)
        assert changed.is_set()
        assert kept.snapshot.refreshes == {"ok": 1, "failed": 3}
        assert kept.snapshot.valid
    # After the wish was kept the usual pauses hold.
    assert client.pauses == pytest.approx([90.0, 90.0, MIN_PAUSE_SECONDS], abs=0.1)


# --- rejections


async def test_a_rejection_brings_a_new_token_at_once_and_once(keeping, autojump_clock):
    tokens = iter("abcdefgh")
    client = FakeClient(lambda: ok({"token": next(tokens)}), takes_seconds=0.5)
    async with keeping(client) as kept:
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
    assert client.asked_at == pytest.approx([0.0, 101.0], abs=0.01)
    renewal = ["token.refreshed", "token.valid"]
    assert kept.events() == [*renewal, "token.rejected", *renewal]


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
    client = FakeClient(lambda: ok({"token": f"token.{next(numbers) if distinct else 0}"}))
    async with keeping(client, random=0.999) as kept, trio.open_nursery() as nursery:
        nursery.start_soon(rejecting, kept)
        await trio.sleep(600.0)
        assert kept.keeper.unauthorized
        nursery.cancel_scope.cancel()
    expected = [2.0, 4.0, 8.0, 16.0, *[MAX_SECONDS] * len(client.pauses)]
    assert client.pauses == pytest.approx(expected[: len(client.pauses)], rel=0.01)
    assert len(client.pauses) > 20
    # Not once for every token: nothing has changed.
    assert kept.events().count("token.rejected") <= 2


async def test_failing_and_rejecting_by_turns_makes_no_storm_either(keeping, autojump_clock):
    numbers = iter(range(10_000))

    def by_turns():
        number = next(numbers)
        return ok({"token": f"token.{number}"}) if number % 2 else Answer(503, b"")

    client = FakeClient(by_turns)
    async with keeping(client, random=0.999) as kept, trio.open_nursery() as nursery:
        nursery.start_soon(rejecting, kept)
        await trio.sleep(600.0)
        nursery.cancel_scope.cancel()
    assert min(client.pauses) > MIN_PAUSE_SECONDS
    assert len(client.pauses) < 600.0 / MAX_SECONDS + 8


async def test_a_token_accepted_after_rejections_makes_the_next_rejection_a_first_one(
    keeping, autojump_clock
):
    numbers = iter(range(100))
    client = FakeClient(lambda: ok({"token": f"token.{next(numbers)}"}))
    async with keeping(client, random=0.999) as kept:
        for _ in range(5):
            kept.keeper.rejected(kept.keeper.token)
            await trio.sleep(MAX_SECONDS)
        kept.keeper.accepted(kept.keeper.token)
        assert not kept.keeper.unauthorized
        await trio.sleep(100.0)
        asked = len(client.asked_at)
        kept.keeper.rejected(kept.keeper.token)
        await trio.sleep(0.01)
        assert len(client.asked_at) == asked + 1


async def test_tokens_that_are_accepted_once_and_then_rejected_ask_once_a_second_at_most(
    keeping, autojump_clock
):
    numbers = iter(range(1_000))
    client = FakeClient(lambda: ok({"token": f"token.{next(numbers)}"}))

    async def take_back(kept):
        while True:
            changed = kept.keeper.changed
            kept.keeper.accepted(kept.keeper.token)
            await trio.sleep(0.05)
            kept.keeper.rejected(kept.keeper.token)
            await changed.wait()

    async with keeping(client, random=0.999) as kept, trio.open_nursery() as nursery:
        nursery.start_soon(take_back, kept)
        await trio.sleep(60.0)
        nursery.cancel_scope.cancel()
    assert len(client.pauses) > 50
    assert min(client.pauses) >= MIN_PAUSE_SECONDS - 0.001


# --- who is woken, and what a reload changes


async def test_only_the_first_failure_wakes_who_waits_for_a_token(keeping, autojump_clock):
    async with keeping(FakeClient(REFUSED)) as kept:
        changed = kept.keeper.changed
        await trio.sleep(100.0)
        assert kept.snapshot.refreshes["failed"] > 3
        assert not changed.is_set()


async def test_other_bounds_of_the_pauses_hold_from_the_next_failure_on(keeping, autojump_clock):
    client = FakeClient(REFUSED)
    async with keeping(client, random=0.999) as kept:
        await trio.sleep(100.0)
        kept.keeper.pause_within(Backoff(2.0, 2.0))
        await trio.sleep(MAX_SECONDS + 0.1)
        asked = len(client.pauses)
        await trio.sleep(20.0)
    assert client.pauses[asked:] == pytest.approx([2.0] * len(client.pauses[asked:]))
    assert len(client.pauses) >= asked + 9
