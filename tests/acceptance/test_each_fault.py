"""Real processes on loopback: each fault asked for by name changes exactly the series it is named for."""

from contextlib import ExitStack

import httpx
import pytest

from tests.acceptance.processes import alone, eventually, simulator, watchdog
from watchdog.simulator import FAULTS

ANOMALIES = "betcore_feed_{}_anomalies_total"

# Counter → label value → count. What is not named here must stay at 0.
EXPECTED = {
    "gap": {"sequence_anomalies:gap": 1, "sequence_missed": 3},
    "duplicate": {"sequence_anomalies:duplicate": 1},
    "regression": {"sequence_anomalies:regression": 1},
    "reset": {"sequence_anomalies:reset": 1, "disconnects:closed": 1},
    "late": {},
    "silence": {},
    "frozen_timer": {"betting_timer_anomalies:frozen": 1},
    "expired_timer": {"betting_timer_anomalies:expired": 1},
    "lingering_timer": {"betting_timer_anomalies:lingering": 1},
    "rewound_timer": {"betting_timer_anomalies:rewound": 1},
    "jumped_timer": {"betting_timer_anomalies:jumped": 1},
    "negative_timer": {"betting_timer_anomalies:negative": 1},
    "frozen_timestamp": {"timestamp_anomalies:frozen": 1},
    "regressed_timestamp": {"timestamp_anomalies:regressed": 1},
    "changed_result": {"round_anomalies:result_changed": 1},
    "overdue_round": {"round_anomalies:overdue": 1},
    "regressed_round": {"round_anomalies:regressed": 1},
    "skipped_round": {"round_anomalies:skipped": 1},
    "maintenance": {},
    "invalid_json": {"invalid_messages:json": 1},
    "schema_break": {"invalid_messages:schema": 1},
    "wrong_game_type": {"invalid_messages:game_type": 1},
    "wrong_protocol": {"invalid_messages:protocol": 1},
    "oversize": {"invalid_messages:oversize": 1, "disconnects:oversize": 1},
    "dropped_connection": {"disconnects:closed": 1},
    "server_close": {"disconnects:server_close": 1},
    "rejected_token": {"disconnects:server_close": 1, "disconnects:unauthorized": "some"},
    "refused_connection": {"disconnects:closed": 1, "disconnects:refused": "some"},
}

STATES = {
    "silence": {"silent"},
    "late": {"silent"},
    "maintenance": {"maintenance"},
    "frozen_timer": {"frozen"},
    "expired_timer": {"frozen"},
    "lingering_timer": {"frozen"},
    "frozen_timestamp": {"frozen"},
    "overdue_round": {"frozen"},
    # The first backoff before it is a quarter to half a second; only the 401 tells whose fault it is.
    "rejected_token": {"disconnected", "unauthorized"},
    "reset": {"disconnected"},
    "dropped_connection": {"disconnected"},
    "server_close": {"disconnected"},
    "oversize": {"disconnected"},
    "refused_connection": {"disconnected"},
}

WATCHED = (
    "sequence_anomalies",
    "sequence_missed",
    "betting_timer_anomalies",
    "timestamp_anomalies",
    "round_anomalies",
    "invalid_messages",
    "disconnects",
)

# Whatever stops the whole hub, or keeps it busy, has one of its own.
ALONE = ("oversize", "rejected_token", "refused_connection")


def _hubs() -> list[dict[str, int]]:
    """Fault → game type, a hub each: every fault has a game to itself."""
    others = [name for name in FAULTS if name not in ALONE]
    shared = [others[first : first + 8] for first in range(0, len(others), 8)]
    return [{name: game for game, name in enumerate(names, 1)} for names in shared] + [
        {name: 1} for name in ALONE
    ]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """Every fault once, all at the same time; answers fault → what its game's series show."""
    folder = tmp_path_factory.mktemp("faults")
    hubs = _hubs()
    with ExitStack() as stack:
        stack.enter_context(alone(tmp_path_factory.getbasetemp().parent))
        addresses = [
            stack.enter_context(simulator("--round-scale", "0.4", stderr=folder / f"hub{number}.log"))
            for number in range(len(hubs))
        ]
        config = folder / "watchdog.toml"
        config.write_text(_config(hubs, addresses))
        env = {"FEED_TOKEN": "a-token-of-the-test"}
        watched = stack.enter_context(watchdog(config, stderr=folder / "watchdog.log", env=env))
        eventually(lambda: httpx.get(f"{watched.address}/readyz").status_code == 200)
        eventually(lambda: all(game["messages"] > 8 for game in _games(watched.status())))
        for hub, address in zip(hubs, addresses, strict=True):
            for name, game in hub.items():
                wish = {"name": name} | ({} if FAULTS[name].feed_wide else {"game": game})
                wish |= {"delay_seconds": 1.0} if name == "late" else {}
                assert httpx.post(f"http://{address}/faults", json=wish).status_code == 202
        for address in addresses:
            eventually(lambda address=address: _all_over(address), within=90.0)
        before = {_key(game): game["messages"] for game in _games(watched.status())}
        eventually(
            lambda: all(game["messages"] > before[_key(game)] + 2 for game in _games(watched.status())),
            within=60.0,
        )
        series, events = watched.series(), watched.events()
    names = {
        (f"hub{number}", str(game)): name for number, hub in enumerate(hubs) for name, game in hub.items()
    }
    return {name: _seen(series, events, feed, game) for (feed, game), name in names.items()}


def _all_over(address):
    try:
        faults = httpx.get(f"http://{address}/faults").json()["faults"]
    except httpx.HTTPError:
        return False  # the fault that closes the port
    return bool(faults) and all(fault["state"] == "done" for fault in faults)


def _games(status):
    return [game | {"feed": feed["name"]} for feed in status["feeds"] for game in feed["games"]]


def _key(game):
    return game["feed"], game["game_type"]


def _config(hubs, addresses):
    lines = ["[web]", 'listen = "127.0.0.1:0"', "[log]", 'format = "json"']
    for number, (hub, address) in enumerate(zip(hubs, addresses, strict=True)):
        lines += [
            "[[feeds]]",
            f'name = "hub{number}"',
            f'url = "ws://{address}/hubs"',
            "partner_client_id = 1",
        ]
        lines += ["[feeds.token]", 'env = "FEED_TOKEN"']
        for game in hub.values():
            lines += ["[[feeds.games]]", f"type = {game}"]
    return "\n".join(lines) + "\n"


def _seen(series, events, feed, game):
    counters, states = {}, set()
    for (name, labels), value in series.items():
        own = dict(labels)
        if (own.pop("feed", None), own.pop("game_type", None)) != (feed, game) or not value:
            continue
        own.pop("game")
        short = name.removeprefix("betcore_feed_").removesuffix("_total")
        if short in WATCHED:
            counters[":".join([short, *own.values()])] = value
        # A busy machine may be late by a little without any fault.
        if short == "state_seconds" and value > 0.2 and own["state"] not in ("fresh", "unobserved"):
            states.add(own["state"])
    logged = {
        event["event"] for event in events if event.get("feed") == feed and event.get("game_type") == game
    }
    return {"counters": counters, "states": states, "logged": logged}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_changes_exactly_the_series_it_is_named_for(name, outcome):
    counters = outcome[name]["counters"]
    assert set(counters) == set(EXPECTED[name])
    for key, count in EXPECTED[name].items():
        assert counters[key] == count if count != "some" else counters[key] >= 1


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_booked_to_the_state_it_is_named_for(name, outcome):
    assert outcome[name]["states"] == STATES.get(name, set())


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in ("late", "silence", "maintenance")])
def test_a_fault_has_its_line_in_the_log(name, outcome):
    logged = outcome[name]["logged"]
    for key in EXPECTED[name]:
        counter, _, kind = key.partition(":")
        if counter.endswith("_anomalies"):
            assert f"{counter.removesuffix('_anomalies')}.{kind}" in logged
        elif counter == "invalid_messages":
            assert "message.invalid" in logged
        elif counter == "disconnects":
            assert logged & {"connection.lost", "connection.failed"}
