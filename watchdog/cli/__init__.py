"""The command line: what each command takes, and what does its work."""

import argparse
import math
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from watchdog import __version__
from watchdog.cli.evidence import add_replay
from watchdog.cli.statements import add_incidents, add_report, add_verify
from watchdog.core.errors import OperatorError
from watchdog.runtime.redaction import redact

if TYPE_CHECKING:
    from watchdog.config.values import Listen
    from watchdog.simulator import SimulatorSettings

# Each command imports what does its work: to import all of it takes a third of a second and twice that on a
# slow machine, far more than `--version`, `check-config` and `simulate` need.

PROGRAM = "betcore-watchdog"
EXIT_USAGE = 2
EXIT_BUG = 70
"""Our own bug: sysexits' "internal software error"."""

_DAY_SECONDS = 86_400.0

_AddCommand = Callable[..., argparse.ArgumentParser]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line that says what is wrong, without the whole usage."""
        _complain(f"{message} (see '{self.prog} --help')")
        sys.exit(EXIT_USAGE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code."""
    _open_closed_streams()
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except OperatorError as error:
        for line in str(error).split("\n"):
            _complain(line)
        return EXIT_USAGE
    except Exception:  # noqa: BLE001 - the last stop of our own bug: say so, without a secret
        sys.stderr.write(redact(traceback.format_exc()))
        _complain("this is a bug of the watchdog, not of the feed")
        return EXIT_BUG


def _open_closed_streams() -> None:
    """Open stdout and stderr where the process was started without: else a socket would get their numbers."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - for the whole process


def _complain(line: str) -> None:
    sys.stderr.write(f"{PROGRAM}: {line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=PROGRAM,
        description="Health and SLA watchdog of the BETCORE live feed, exposed to Prometheus.",
        epilog=f"'{PROGRAM} COMMAND --help' explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    watching = (_add_run, _add_demo, _add_simulate, _add_check_config, _add_probe)
    for add in (*watching, add_incidents, add_report, add_verify, add_replay):
        add(commands.add_parser)
    return parser


def _add_run(add_command: _AddCommand) -> None:
    parser = add_command(
        "run",
        help="watch the feeds until SIGTERM or SIGINT",
        description="Watch the configured feeds and serve /metrics, health, JSON and the status page. "
        "SIGTERM and SIGINT close every connection and exit with 0; SIGHUP reloads the file.",
    )
    parser.add_argument("--config", required=True, type=Path, metavar="FILE", help="the configuration, TOML")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from watchdog import app

    app.start(options.config)
    return 0


def _add_demo(add_command: _AddCommand) -> None:
    parser = add_command(
        "demo",
        help="watch the bundled simulator: eight games, and everything that can go wrong",
        description="Start the simulator on a loopback port with eight game types and a rolling programme "
        "of faults, and the watchdog on it; print the addresses of the status page and of /metrics.",
    )
    parser.add_argument("--duration", type=_seconds, metavar="S", help="end after S seconds (default: never)")
    parser.set_defaults(command=_demo)


def _demo(options: argparse.Namespace) -> int:
    from watchdog import demo

    demo.start(options.duration)
    return 0


def _add_simulate(add_command: _AddCommand) -> None:
    parser = add_command(
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
        metavar="X",
        help="stretch the rounds, from 0.2 to 10 (default: 1, rounds of half a minute to a minute)",
    )
    parser.add_argument(
        "--token-seconds",
        type=_seconds,
        metavar="S",
        help="how long the tokens that it issues are valid (default: 3600)",
    )
    faults = parser.add_mutually_exclusive_group()
    faults.add_argument("--faults", type=Path, metavar="FILE", help="a TOML file with [[faults]] to play")
    faults.add_argument(
        "--programme", action="store_true", help="short rounds with the demo's programme of faults"
    )
    parser.set_defaults(command=_simulate)


def _simulate(options: argparse.Namespace) -> int:
    from watchdog import simulator
    from watchdog.config.values import Listen
    from watchdog.runtime import log

    try:
        listen = Listen(options.listen)
    except ValueError:
        raise OperatorError(f"--listen: expected {Listen.allowed}, got {options.listen!r}") from None
    settings = _programme(options, listen) if options.programme else _play(options, listen)
    log.configure(level="warning")
    try:
        simulator.start(settings)
    except OSError as error:
        raise OperatorError(f"--listen: can't listen on {listen}: {error.strerror or error}") from None
    return 0


def _programme(options: argparse.Namespace, listen: "Listen") -> "SimulatorSettings":
    from watchdog.simulator import demo_settings

    own = {
        "--games": options.games,
        "--round-scale": options.round_scale,
        "--token-seconds": options.token_seconds,
    }
    given = [option for option, value in own.items() if value is not None]
    if given:
        raise OperatorError(f"--programme: not allowed with {', '.join(given)}")
    return demo_settings(listen.host, listen.port)


def _play(options: argparse.Namespace, listen: "Listen") -> "SimulatorSettings":
    from watchdog import simulator

    games = _game_types(options.games, tuple(simulator.GAMES))
    try:
        faults = simulator.load_faults(options.faults, games) if options.faults is not None else ()
    except simulator.FaultFileError as error:
        raise OperatorError(str(error)) from None
    return simulator.SimulatorSettings(
        listen.host,
        listen.port,
        games=games,
        faults=faults,
        round_scale=options.round_scale or 1.0,
        token_lifetime_seconds=options.token_seconds or 3600.0,
    )


def _game_types(text: str | None, known: tuple[int, ...]) -> tuple[int, ...]:
    if text is None:
        return known
    wanted = [part.strip() for part in text.split(",")]
    names = {str(game): game for game in known}
    if not all(part in names for part in wanted) or len(set(wanted)) < len(wanted):
        raise OperatorError(f"--games: expected some of {','.join(names)}, each once, got {text[:40]!r}")
    return tuple(names[part] for part in wanted)


def _add_check_config(add_command: _AddCommand) -> None:
    parser = add_command(
        "check-config",
        help="check a configuration file",
        description="Exit with 0, or with 2 and a line for every mistake: file, key, what is wrong, what is "
        "allowed.",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--show",
        action="store_true",
        help="print the configuration as it will be used, defaults included and secrets left out, as TOML",
    )
    parser.set_defaults(command=_check_config)


def _check_config(options: argparse.Namespace) -> int:
    from watchdog.config.load import load
    from watchdog.runtime.tls import environment_problems

    settings = load(options.file)
    for problem in environment_problems():
        _complain(problem)
    if options.show:
        from watchdog.config.show import as_toml

        sys.stdout.write(as_toml(settings))
        return 0
    games = sum(len(feed.games) for feed in settings.feeds)
    sys.stdout.write(f"{options.file}: valid, {len(settings.feeds)} feed(s), {games} game(s)\n")
    return 0


def _add_probe(add_command: _AddCommand) -> None:
    parser = add_command(
        "probe",
        help="connect, watch for a while, and give a verdict per game",
        description="One look for cron or a human. The worst game decides the exit code: 0 OK, 1 WARNING, "
        "2 CRITICAL, 3 UNKNOWN.",
    )
    parser.add_argument("--config", required=True, type=Path, metavar="FILE", help="the configuration, TOML")
    parser.add_argument("--game-type", type=int, metavar="N", help="only the games of this type")
    parser.add_argument(
        "--duration", type=_seconds, default=10.0, metavar="S", help="seconds to watch (default: 10)"
    )
    parser.add_argument("--json", action="store_true", help="the verdicts as JSON")
    parser.set_defaults(command=_probe)


def _probe(options: argparse.Namespace) -> int:
    from watchdog import probe

    text, exit_code = probe.start(
        options.config, game_type=options.game_type, duration_seconds=options.duration, json=options.json
    )
    sys.stdout.write(text + "\n")
    return exit_code


def _seconds(text: str) -> float:
    expected = f"seconds above 0 and up to {_DAY_SECONDS:g}"
    return _number(text, expected, lambda seconds: 0.0 < seconds <= _DAY_SECONDS)


def _scale(text: str) -> float:
    # Shorter rounds would have no room for their phases.
    return _number(text, "a number from 0.2 to 10", lambda scale: 0.2 <= scale <= 10.0)  # noqa: PLR2004


def _number(text: str, expected: str, is_valid: Callable[[float], bool]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not is_valid(number):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return number
