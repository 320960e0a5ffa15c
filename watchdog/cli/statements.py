"""The command line of what was: incidents, report, verify."""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.statements import Choice

AddCommand = Callable[..., argparse.ArgumentParser]


def add_incidents(add_command: AddCommand) -> None:
    """The command `incidents`."""
    parser = add_command(
        "incidents",
        help="list what broke, since when, how long, and whose it is",
        description="One line an incident, of a history file that a watchdog may be writing. Times are "
        "ISO 8601 or a span back, such as 24h or 30d.",
    )
    parser.add_argument("--history", required=True, metavar="FILE", help="the history file")
    _add_period(parser)
    parser.add_argument("--json", action="store_true", help="the incidents as JSON")
    parser.set_defaults(command=_incidents)


def _incidents(options: argparse.Namespace) -> int:
    from watchdog import statements

    sys.stdout.write(statements.incidents(_choice(options, [options.history]), json=options.json))
    return 0


def _add_period(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument(
        "--from", dest="since", required=required, metavar="T", help="the begin of the period"
    )
    parser.add_argument("--to", dest="until", required=required, metavar="T", help="its end, excluded")
    parser.add_argument("--feed", metavar="F", help="only this feed")
    parser.add_argument("--game-type", type=int, metavar="N", help="only the games of this type")
    parser.add_argument(
        "--timezone", default="UTC", metavar="Z", help="of times without offset (default: UTC)"
    )


def _choice(options: argparse.Namespace, sources: list[str]) -> "Choice":
    from watchdog.statements import Choice

    return Choice(
        sources=sources,
        since=options.since,
        until=options.until,
        feed=options.feed,
        game_type=getattr(options, "game_type", None),
        timezone=options.timezone,
        user_file=getattr(options, "user_file", None),
    )
