"""What the tests of more than one part of the hub need."""

import socket
import struct
import time
from collections.abc import Iterator

import pytest

from tests.support.raw_server import block
from watchdog.hub.channel import _SO_TIMESTAMPNS


@pytest.fixture(scope="session")
def kernel_stamps() -> Iterator[None]:
    """Keeps the kernel stamping: it begins only a moment after the first socket asked for it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    with ours, theirs:
        theirs.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        for _ in range(500):
            ours.send(b"?")
            sent_wall = time.time()
            block(0.004)
            _, ancillary, _, _ = theirs.recvmsg(1, 64)
            if ancillary:
                seconds, nanoseconds = struct.unpack_from("@qq", ancillary[0][2])
                if seconds + nanoseconds / 1e9 < sent_wall + 0.002:
                    break
        yield
