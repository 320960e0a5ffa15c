"""Records that are no update, sent in addition to the good ones, so that nothing else is missing."""

# ruff: noqa: D102 (the hooks are documented by Fault)

from dataclasses import dataclass

from watchdog.simulator.faults.base import Fault, entry_of, within
from watchdog.simulator.scene import Document, Scene
from watchdog.simulator.update import RECORD_SEPARATOR, invocation, record


@dataclass(slots=True)
class InvalidJson(Fault):
    """A record that is no JSON."""

    name = "invalid_json"

    def bend(self, scene: Scene, document: Document) -> None:
        del document
        scene.extras.append(lambda good: invocation(good)[:-20] + RECORD_SEPARATOR)


@dataclass(slots=True)
class SchemaBreak(Fault):
    """An update without a required field."""

    name = "schema_break"

    def bend(self, scene: Scene, document: Document) -> None:
        del document
        scene.extras.append(
            lambda good: invocation({key: value for key, value in good.items() if key != "tst"})
        )


@dataclass(slots=True)
class WrongGameType(Fault):
    """An update with a game of another type than the one subscribed to."""

    name = "wrong_game_type"

    def bend(self, scene: Scene, document: Document) -> None:
        del document
        other = scene.table.game.number + 100
        scene.extras.append(lambda good: invocation(good | {"wgi": [entry_of(good) | {"t": other}]}))


@dataclass(slots=True)
class WrongProtocol(Fault):
    """A record that is JSON but no message of the hub protocol."""

    name = "wrong_protocol"

    def bend(self, scene: Scene, document: Document) -> None:
        del document
        scene.extras.append(lambda _: record({"message": "not of the hub protocol"}))


@dataclass(slots=True)
class Oversize(Fault):
    """An update of `size_bytes`; the default is just above 16 MiB."""

    name = "oversize"
    size_bytes: int = within(17 * 1024 * 1024, 1024, 64 * 1024 * 1024)

    def bend(self, scene: Scene, document: Document) -> None:
        del document
        scene.extras.append(lambda good: _padded(invocation(good), self.size_bytes))


def _padded(text: str, size: int) -> str:
    # Put in afterwards: to encode megabytes would hold up every other game.
    end = f"}}]}}{RECORD_SEPARATOR}"
    return f'{text.removesuffix(end)},"padding":"{"x" * size}"{end}'
