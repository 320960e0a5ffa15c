"""How exact the watchdog is: arrival stamps against the moment of sending, silence against its deadline."""

import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.contenders import Scraper, address_of, start_configured
from benchmarks.cost import SCRAPE_SECONDS, Say
from benchmarks.programs import hub, running, until

_SETTLE_SECONDS = 5.0
_CONNECT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A load under which to be exact; of every `pause_every` updates of a game the hub leaves out three."""

    name: str
    games: int
    pause_every: int
    scraped: bool = False
    stalled: bool = False
    tls: bool = False


SCENARIOS = (
    Scenario("idle: 20 games", 20, 10),
    Scenario("1,000 games", 1_000, 40),
    Scenario("1,000 games, scraped", 1_000, 40, scraped=True),
    Scenario("1,000 games over TLS, scraped", 1_000, 40, scraped=True, tls=True),
    Scenario("1,000 games, scraped, stalls of 300 ms", 1_000, 40, scraped=True, stalled=True),
)


def measure(scenario: Scenario, seconds: float, say: Say) -> dict[str, Any]:
    """What was seen in so many seconds; all figures in seconds."""
    words = ["-m", "benchmarks.observed", *(["--stall"] if scenario.stalled else [])]
    with (
        hub("--pause-every", str(scenario.pause_every), tls=scenario.tls) as (load, at),
        running(start_configured(words, at, scenario.games)) as program,
        ExitStack() as stack,
    ):
        until(
            lambda: bool(load.ask()["subscribed"] == scenario.games),
            within_seconds=_CONNECT_SECONDS,
            what=f"{scenario.name}: subscriptions",
        )
        time.sleep(_SETTLE_SECONDS)
        scraper = stack.enter_context(closing(Scraper(address_of(program))))
        load.ask()
        program.ask()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(SCRAPE_SECONDS / 2.0, max(end - time.monotonic(), 0.0)))
            if scenario.scraped:
                scraper.scrape()
            time.sleep(min(SCRAPE_SECONDS / 2.0, max(end - time.monotonic(), 0.0)))
        seen, sent = program.ask(), load.ask()
    stamps, silences, held = seen["stamps"], seen["silences"], seen["held"]
    say(
        f"{scenario.name}: stamps off by {stamps['p99'] * 1e3:.2f} ms at p99 of {stamps['count']}, "
        f"silence noticed {silences['p99'] * 1e3:.2f} ms late at p99 of {silences['count']}, "
        f"loop held {held['max'] * 1e3:.1f} ms at most, "
        f"by a collection of garbage {seen['collections']['max'] * 1e3:.1f} ms"
    )
    return {**asdict(scenario), **seen, "hub_late_p99_us": sent["late_p99_us"]}
