"""What goes wrong and when: read from a TOML file or a JSON document, every mistake reported."""

import dataclasses
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from watchdog.simulator.faults import FAULTS, Fault

_DAY_SECONDS = 86_400.0
_SCHEDULE: Mapping[str, tuple[float, float]] = {
    "after_seconds": (0.0, _DAY_SECONDS),
    "duration_seconds": (0.1, _DAY_SECONDS),
    "every_seconds": (1.0, _DAY_SECONDS),
}


class FaultFileError(ValueError):
    """A description of faults that is not what it should be; `mistakes` has one line for each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class FaultRequest:
    """One fault and when it is due.

    `game` is the game type, None for a fault of the whole feed. `after_seconds` counts from the first
    subscription of that game, or from the simulator's start. `duration_seconds` of None takes the
    fault's own; with `every_seconds` it comes again that long after it was due.
    """

    name: str
    game: int | None = None
    after_seconds: float = 0.0
    duration_seconds: float | None = None
    every_seconds: float | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)

    def make(self) -> Fault:
        """A fresh fault with the requested parameters."""
        return FAULTS[self.name](**self.parameters)

    @property
    def seconds(self) -> float:
        """How long it lasts; 0 where it happens in a single update."""
        usual = FAULTS[self.name].duration_seconds
        if usual is None:
            return 0.0
        return usual if self.duration_seconds is None else self.duration_seconds


def load_faults(path: Path, games: Collection[int]) -> tuple[FaultRequest, ...]:
    """The `[[faults]]` of a TOML file, for a simulator that plays `games`.

    Raises:
        FaultFileError: the file can't be read, is no TOML, or asks for what there isn't.

    """
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise FaultFileError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise FaultFileError([f"{path}: not a text in UTF-8"]) from None
    except RecursionError:
        raise FaultFileError([f"{path}: nested too deeply"]) from None
    except ValueError as error:  # also for an integer of thousands of digits
        raise FaultFileError([f"{path}: not TOML: {error}"]) from None
    mistakes = [f"{path}: {key}: unknown key; allowed: faults" for key in document if key != "faults"]
    entries = document.get("faults", [])
    if not isinstance(entries, list):
        raise FaultFileError([*mistakes, f"{path}: faults: must be an array of tables ([[faults]])"])
    requests = []
    for position, entry in enumerate(entries):
        request, found = read_request(entry, games)
        mistakes += [f"{path}: faults[{position}]{mistake}" for mistake in found]
        requests.append(request)
    if mistakes:
        raise FaultFileError(mistakes)
    return tuple(request for request in requests if request is not None)


def read_request(entry: object, games: Collection[int]) -> tuple[FaultRequest | None, list[str]]:
    """One request out of a decoded table, and its mistakes as `.key: what is wrong; what is allowed`."""
    if not isinstance(entry, dict):
        return None, [": must be a table"]
    name = entry.get("name")
    if not isinstance(name, str) or name not in FAULTS:
        return None, [f".name: {_unknown(name)}; allowed: {', '.join(FAULTS)}"]
    fault = FAULTS[name]
    mistakes = _wrong_game(fault, entry.get("game"), games)
    parameters = {spec.name: spec for spec in dataclasses.fields(cast("type", fault)) if spec.init}
    lasting = fault.duration_seconds is not None
    schedule = {key: value for key, value in _SCHEDULE.items() if lasting or key != "duration_seconds"}
    allowed = ["name", *([] if fault.feed_wide else ["game"]), *schedule, *parameters]
    for key, value in entry.items():
        if key not in allowed:
            mistakes += (
                [] if key == "game" else [f".{key}: unknown key for {name}; allowed: {_list(allowed)}"]
            )
        elif key in schedule:
            mistakes += _wrong_number(key, value, float, *schedule[key])
        elif key in parameters:
            mistakes += _wrong_parameter(parameters[key], value)
    if mistakes:
        return None, mistakes
    given = {key: value for key, value in entry.items() if key in parameters}
    plain = {key: value for key, value in entry.items() if key not in parameters}
    return FaultRequest(**plain, parameters=given), []


def _unknown(name: object) -> str:
    return "missing" if name is None else f"unknown fault {_shown(name)}"


def _shown(value: object) -> str:
    try:
        return repr(str(value)[:40])
    except ValueError:
        return "of thousands of digits"


def _list(names: list[str]) -> str:
    return ", ".join(names)


def _wrong_game(fault: type[Fault], game: object, games: Collection[int]) -> list[str]:
    if fault.feed_wide:
        return [] if game is None else [f".game: {fault.name} concerns the whole feed; leave it out"]
    if isinstance(game, int) and not isinstance(game, bool) and game in games:
        return []
    said = "missing" if game is None else f"no such game {_shown(game)}"
    return [f".game: {said}; allowed: {_list([str(number) for number in games])}"]


def _wrong_parameter(spec: "dataclasses.Field[Any]", value: object) -> list[str]:
    if "range" not in spec.metadata:
        return [] if isinstance(value, bool) else [f".{spec.name}: must be true or false"]
    low, high = spec.metadata["range"]
    return _wrong_number(spec.name, value, type(spec.default), low, high)


def _wrong_number(key: str, value: object, kind: type, low: float, high: float) -> list[str]:
    fits = isinstance(value, int) or (kind is float and isinstance(value, float))
    if fits and not isinstance(value, bool) and low <= cast("float", value) <= high:
        return []
    noun = "a whole number" if kind is int else "a number"
    return [f".{key}: must be {noun} from {low:g} to {high:g}"]
