import pytest
import trio

from tests.readers.web.passwords import PASSWORD, Checker, hashed
from watchdog.readers.web.auth import Passwords

RIGHT = PASSWORD.encode()


@pytest.fixture
def checker():
    checker = Checker()
    yield checker
    checker.release()


async def test_a_right_password_is_checked_once_and_then_remembered(checker):
    passwords = Passwords({"alice": hashed(PASSWORD)}, check=checker)

    assert [await passwords.match("alice", RIGHT) for _ in range(5)] == [True] * 5
    assert len(checker.asked) == 1


async def test_a_wrong_password_is_checked_each_time_also_after_a_right_one(checker):
    passwords = Passwords({"alice": hashed(PASSWORD)}, check=checker)
    await passwords.match("alice", RIGHT)

    assert [await passwords.match("alice", b"wrong") for _ in range(3)] == [False] * 3
    assert len(checker.asked) == 1 + 3


async def test_one_user_s_password_is_not_another_s(checker):
    passwords = Passwords({"alice": hashed(PASSWORD), "bob": hashed("other")}, check=checker)

    assert await passwords.match("alice", RIGHT)
    assert not await passwords.match("bob", RIGHT)
    assert not await passwords.match("alice", b"other")


async def test_an_unknown_user_costs_what_the_costliest_one_does_and_never_gets_in(checker):
    costly = hashed(PASSWORD, cost=5)
    passwords = Passwords({"cheap": hashed("x"), "costly": costly, "other": hashed("y")}, check=checker)

    assert [await passwords.match("nobody", RIGHT) for _ in range(3)] == [False] * 3
    assert checker.asked == [costly] * 3


async def test_the_same_password_asked_about_at_once_is_checked_once(checker):
    passwords = Passwords({"alice": hashed(PASSWORD)}, check=checker)
    answers: list[bool] = []

    async def ask() -> None:
        answers.append(await passwords.match("alice", RIGHT))

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(ask)

    assert answers == [True] * 6
    assert len(checker.asked) == 1


async def test_other_users_take_the_place_of_the_old_ones_at_once(checker):
    passwords = Passwords({"alice": hashed(PASSWORD), "bob": hashed(PASSWORD)}, check=checker)
    assert await passwords.match("alice", RIGHT)
    assert await passwords.match("bob", RIGHT)

    # Carol's hash is the one that is checked for Bob, who is unknown now: what was remembered must not count.
    passwords.replace({"carol": hashed(PASSWORD), "alice": hashed("new")})

    assert not await passwords.match("alice", RIGHT)
    assert not await passwords.match("bob", RIGHT)
    assert await passwords.match("alice", b"new")


async def test_a_check_that_a_reload_overtook_is_not_remembered(checker):
    passwords = Passwords({"alice": hashed(PASSWORD), "bob": hashed("b")}, check=checker)
    checker.hold()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(passwords.match, "alice", RIGHT)
        await checker.started.wait()
        # Bob has the hash that Alice had: what was remembered of her would let her in.
        passwords.replace({"bob": hashed(PASSWORD)})
        checker.release()

    assert not await passwords.match("alice", RIGHT)


async def test_an_asker_that_is_cancelled_frees_its_turn(checker):
    passwords = Passwords({"alice": hashed(PASSWORD)}, check=checker)
    checker.hold()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(passwords.match, "alice", RIGHT)
        await checker.started.wait()
        nursery.cancel_scope.cancel()
    checker.release()

    assert await passwords.match("alice", RIGHT)


async def test_bcrypt_itself_checks_unless_told_otherwise():
    passwords = Passwords({"alice": hashed(PASSWORD).replace(b"$2b$", b"$2y$")})

    assert await passwords.match("alice", RIGHT)
    assert not await passwords.match("alice", b"wrong")
