"""The command line of what was: incidents, report, verify."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.cli.output import is_terminal, write
from watchdog.cli.progress import Progress
from watchdog.core.errors import OperatorError

if TYPE_CHECKING:
    from watchdog.statements import Choice

AddCommand = Callable[..., argparse.ArgumentParser]

_FORMATS = ("html", "pdf", "csv", "json")
_SOURCE = "a history file, or the http(s) address of a running watchdog; several make one statement"


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
    parser.add_argument("--game-type", type=int, metavar="N", help="only the games of this type")
    parser.add_argument("--json", action="store_true", help="the incidents as JSON")
    parser.set_defaults(command=_incidents)


def _incidents(options: argparse.Namespace) -> int:
    from watchdog import statements

    write(statements.incidents(_choice(options, [options.history]), json=options.json).encode(), None)
    return 0


def add_report(add_command: AddCommand) -> None:
    """The command `report`."""
    parser = add_command(
        "report",
        help="make the SLA statement of a period",
        description="The statement of a period: what was promised, what was lost, whose it was, and whether "
        "the objective was met. Times are ISO 8601 or a span back, such as 24h or 30d. A period that isn't "
        "over ends where the histories end.",
    )
    parser.add_argument("--history", required=True, action="append", metavar="SOURCE", help=_SOURCE)
    _add_period(parser, required=True)
    parser.add_argument(
        "--accounting", type=Path, metavar="FILE", help="what was agreed, TOML (see docs/statements.md)"
    )
    parser.add_argument(
        "--format",
        choices=_FORMATS,
        default="html",
        help="default: html. csv is two tables in one text, the games and the incidents, with an empty line "
        "between them",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="where it is written, complete or not at all (default: standard output)",
    )
    _add_user_file(parser)
    parser.set_defaults(command=_report)


def _report(options: argparse.Namespace) -> int:
    from watchdog import statements

    if options.format == "pdf" and options.output is None and is_terminal():
        raise OperatorError("--output: a PDF is nothing for a terminal; name a file")
    with Progress(len(options.history) + 2) as progress:
        content = statements.report(
            _choice(options, options.history),
            accounting=options.accounting,
            form=options.format,
            step=progress.step,
        )
    write(content, options.output)
    return 0


def add_verify(add_command: AddCommand) -> None:
    """The command `verify`."""
    parser = add_command(
        "verify",
        help="compute every figure of a statement again",
        description="Exit with 0 if a statement holds, or with 1 and a line for every difference. Without a "
        "history its figures are checked against one another.",
    )
    parser.add_argument("statement", type=Path, metavar="STATEMENT.json", help="made by report --format json")
    parser.add_argument("--history", default=[], action="append", metavar="SOURCE", help=_SOURCE)
    parser.add_argument(
        "--evidence", type=Path, metavar="DIR", help="the folder with the recordings that it names"
    )
    _add_user_file(parser)
    parser.set_defaults(command=_verify)


def _verify(options: argparse.Namespace) -> int:
    from watchdog import verify

    with Progress(len(options.history) + 2) as progress:
        differences, verdict = verify.verify(
            options.statement,
            options.history,
            evidence=options.evidence,
            user_file=options.user_file,
            step=progress.step,
        )
    write("".join(f"{line}\n" for line in differences or [verdict]).encode(), None)
    return 1 if differences else 0


def _add_period(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument(
        "--from", dest="since", required=required, metavar="T", help="the begin of the period"
    )
    parser.add_argument("--to", dest="until", required=required, metavar="T", help="its end, excluded")
    parser.add_argument("--feed", metavar="F", help="only this feed")
    parser.add_argument(
        "--timezone", default="UTC", metavar="Z", help="of times without offset (default: UTC)"
    )


def _add_user_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--user-file", type=Path, metavar="FILE", help="a line user:password, for watchdogs that ask for it"
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
