"""Users for the tests of basic auth: hashes of the least cost, and a count of what was checked."""

import base64
import threading

import bcrypt
import trio

PASSWORD = "canary horse battery"


def hashed(password: str, cost: int = 4) -> bytes:
    """The same hash in every run."""
    return bcrypt.hashpw(password.encode(), b"$2b$%02d$abcdefghijklmnopqrstuu" % cost)


def basic(user: str, password: str) -> str:
    """The value of an `Authorization` header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Checker:
    """Checks as bcrypt does, keeps which hashes it was asked for, and waits while it is held."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.started = trio.Event()
        self._free = threading.Event()
        self._free.set()

    def __call__(self, password: bytes, stored: bytes) -> bool:
        self.asked.append(stored)
        trio.from_thread.run_sync(self.started.set)
        assert self._free.wait(20)
        return bcrypt.checkpw(password, stored)

    def hold(self) -> None:
        self._free.clear()

    def release(self) -> None:
        self._free.set()
