"""The command line. Each command imports what it needs only when it is called: `--version` is quick."""

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence

from watchdog import __version__
from watchdog.core.errors import OperatorError

# Neither `typing` nor `pathlib` is imported before it is needed: each takes a quarter of a bare interpreter.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import NoReturn

    from watchdog.config.schema import Config

PROGRAM = "betcore-watchdog"
_VERSION = f"{PROGRAM} {__version__}"
EXIT_USAGE = 2
EXIT_BUG = 70
"""A mistake of ours: sysexits' "internal software error"."""

_DAY_SECONDS = 86_400.0
_PROBE_SECONDS = 10.0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> "NoReturn":
        """One line that says what is wrong, rather than the whole usage as well."""
        _complain(f"{message} (see '{self.prog} --help')")
        sys.exit(EXIT_USAGE)


if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[_Parser]  # noqa: SLF001 - it has no public name


class UsageError(OperatorError):
    """What was asked for can't be done; each line says what and where."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; answer the exit code."""
    _open_what_is_closed()
    if (sys.argv[1:] if arguments is None else list(arguments)) == ["--version"]:
        # Known without a parser, which takes as long to make as the interpreter to start.
        sys.stdout.write(_VERSION + "\n")
        return 0
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except UsageError as refused:
        for line in refused.lines:
            _complain(line)
        return EXIT_USAGE
    except Exception:  # noqa: BLE001 - the last stop of a mistake of ours: say so, without a secret
        import traceback  # noqa: PLC0415

        from watchdog.runtime.redaction import redact  # noqa: PLC0415

        sys.stderr.write(redact(traceback.format_exc()))
        _complain("this is a bug of the watchdog, not of the feed")
        return EXIT_BUG


def _open_what_is_closed() -> None:
    """Give a process started without stdout or stderr some: else a socket would get their numbers."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - no pathlib; for the whole process


def _complain(line: str) -> None:
    sys.stderr.write(f"{PROGRAM}: {line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="Health and SLA watchdog of the BETCORE live feed, exposed to Prometheus.",
        epilog=f"'{PROGRAM} COMMAND --help' tells more of a command.",
    )
    parser.add_argument("--version", action="version", version=_VERSION)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_demo(commands)
    _add_simulate(commands)
    _add_check_config(commands)
    _add_probe(commands)
    return parser


def _add_run(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "run",
        help="watch the feeds until SIGTERM or SIGINT",
        description="Watch the configured feeds and serve /metrics, health, JSON and the status page. "
        "SIGTERM and SIGINT close every connection and exit with 0; SIGHUP reloads the file.",
    )
    parser.add_argument("--config", required=True, type=_path, metavar="FILE", help="the configuration, TOML")
    parser.set_defaults(command=_run)


def _add_demo(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "demo",
        help="watch the bundled simulator: eight games, and everything that can go wrong",
        description="Start the simulator on a loopback port with eight game types and a rolling programme "
        "of faults, and the watchdog on it; print the addresses of the status page and of /metrics.",
    )
    parser.add_argument(
        "--duration", type=_seconds, metavar="S", help="stop after S seconds (default: run until stopped)"
    )
    parser.set_defaults(command=_demo)


def _add_simulate(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "simulate",
        help="run the simulated hub alone, to test any client against",
        description="A SignalR hub that speaks the documented feed, with faults on demand. Any token that "
        "is no expired JWT is accepted; POST /auth/token issues one.",
    )
    parser.add_argument(
        "--listen", default="127.0.0.1:9878", metavar="HOST:PORT", help="default: %(default)s; port 0: any"
    )
    parser.add_argument("--games", metavar="1,3,7", help="the game types to play (default: all eight)")
    parser.add_argument(
        "--round-scale",
        type=_scale,
        default=1.0,
        metavar="X",
        help="stretch the rounds, from 0.2 to 10 (default: 1, rounds of half a minute to a minute)",
    )
    parser.add_argument(
        "--token-seconds",
        type=_seconds,
        default=3600.0,
        metavar="S",
        help="how long the tokens that it issues are valid (default: 3600)",
    )
    faults = parser.add_mutually_exclusive_group()
    faults.add_argument("--faults", type=_path, metavar="FILE", help="a TOML file with [[faults]] to play")
    faults.add_argument(
        "--programme", action="store_true", help="play short rounds and the demo's programme of faults"
    )
    parser.set_defaults(command=_simulate)


def _add_check_config(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "check-config",
        help="check a configuration file",
        description="Exit with 0, or with 2 and a line for every mistake: file, key, what is wrong, what is "
        "allowed.",
    )
    parser.add_argument("file", type=_path, metavar="FILE")
    parser.set_defaults(command=_check_config)


def _add_probe(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "probe",
        help="connect, watch for a while, and give a verdict per game",
        description="One look for cron or a human. Exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN; the "
        "worst game's counts.",
    )
    parser.add_argument("--config", required=True, type=_path, metavar="FILE", help="the configuration, TOML")
    parser.add_argument("--game-type", type=int, metavar="N", help="only the games of this type")
    parser.add_argument(
        "--duration",
        type=_seconds,
        default=_PROBE_SECONDS,
        metavar="S",
        help="seconds to watch (default: 10)",
    )
    parser.add_argument("--json", action="store_true", help="the verdicts as JSON")
    parser.set_defaults(command=_probe)


def _path(text: str) -> "Path":
    from pathlib import Path  # noqa: PLC0415

    return Path(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.0 < seconds <= _DAY_SECONDS:
        raise argparse.ArgumentTypeError(f"expected seconds above 0 and up to {_DAY_SECONDS:g}, got {text!r}")
    return seconds


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not 0.2 <= scale <= 10.0:  # noqa: PLR2004 - shorter rounds would have no room for their phases
        raise argparse.ArgumentTypeError(f"expected a number from 0.2 to 10, got {text!r}")
    return scale


def _run(options: argparse.Namespace) -> int:
    from watchdog import app  # noqa: PLC0415
    from watchdog.readers.web.server import ListenError  # noqa: PLC0415

    settings = _load(options.config)
    try:
        app.start(settings, options.config)
    except ListenError as error:
        raise UsageError(f"{options.config}: web.listen: {error}") from None
    return 0


def _demo(options: argparse.Namespace) -> int:
    from watchdog import demo  # noqa: PLC0415

    demo.start(options.duration)
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from watchdog import simulator  # noqa: PLC0415
    from watchdog.config.values import Listen  # noqa: PLC0415
    from watchdog.runtime import log  # noqa: PLC0415

    try:
        listen = Listen(options.listen)
    except ValueError:
        raise UsageError(f"--listen: expected {Listen.allowed}, got {options.listen!r}") from None
    games = _game_types(options.games, tuple(simulator.GAMES))
    try:
        faults = simulator.load_faults(options.faults, games) if options.faults is not None else ()
    except simulator.FaultFileError as error:
        raise UsageError(*error.mistakes) from None
    if options.programme:
        settings = simulator.demo_settings(listen.host, listen.port)
    else:
        settings = simulator.SimulatorSettings(
            listen.host,
            listen.port,
            games=games,
            faults=faults,
            round_scale=options.round_scale,
            token_lifetime_seconds=options.token_seconds,
        )
    log.configure(level="warning")
    try:
        simulator.start(settings)
    except OSError as error:
        raise UsageError(f"--listen: can't listen on {listen}: {error.strerror or error}") from None
    return 0


def _game_types(text: str | None, known: tuple[int, ...]) -> tuple[int, ...]:
    if text is None:
        return known
    wanted = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) in known for part in wanted) or len(set(wanted)) < len(wanted):
        raise UsageError(f"--games: expected some of {','.join(map(str, known))}, each once, got {text!r}")
    return tuple(int(part) for part in wanted)


def _load(path: "Path") -> "Config":
    from watchdog.config.load import load  # noqa: PLC0415
    from watchdog.config.validation import ConfigError  # noqa: PLC0415

    try:
        return load(path)
    except ConfigError as error:
        raise UsageError(*error.mistakes) from None


def _check_config(options: argparse.Namespace) -> int:
    settings = _load(options.file)
    games = sum(len(feed.games) for feed in settings.feeds)
    sys.stdout.write(f"{options.file}: valid, {len(settings.feeds)} feed(s), {games} game(s)\n")
    return 0


def _probe(options: argparse.Namespace) -> int:
    import trio  # noqa: PLC0415

    from watchdog import probe  # noqa: PLC0415
    from watchdog.readers import verdict  # noqa: PLC0415
    from watchdog.runtime import log  # noqa: PLC0415

    settings = _load(options.config)
    log.configure(settings.log.format, "warning")
    if options.game_type is not None:
        only = probe.only_game(settings, options.game_type)
        if only is None:
            raise UsageError(
                f"{options.config}: feeds[].games[].type: no game has the type {options.game_type}"
            )
        settings = only
    verdicts = [verdict.verdict_of(game) for game in trio.run(probe.watch, settings, options.duration)]
    write = verdict.as_json if options.json else verdict.as_text
    sys.stdout.write(write(verdicts) + "\n")
    return verdict.exit_code(verdicts)
