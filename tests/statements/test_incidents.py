"""The command `incidents`."""

import json

import pytest

from tests.support.statement_commands import SILENT_ID, made, refused


def test_incidents_are_a_line_each_and_as_json_a_document(capsys, file, now):
    lines = made(capsys, "incidents", "--history", file).splitlines()
    assert [line.split()[-1] for line in lines] == [
        SILENT_ID,
        "betcore-3-20261102T110640Z",
        "betcore-3-20261102T135320Z",
    ]
    found = json.loads(made(capsys, "incidents", "--history", file, "--json"))["incidents"]
    assert (found[0]["id"], found[0]["seconds"]) == (SILENT_ID, {"silent": 90.5})


@pytest.mark.parametrize(
    ("choice", "ids"),
    [
        (("--from", "2026-11-02T11:00Z"), 2),
        (("--to", "2026-11-02T11:00Z"), 1),
        (("--feed", "another"), 0),
        (("--game-type", "7"), 0),
        (("--game-type", "3", "--feed", "betcore"), 3),
        (("--from", "2026-11-02T12:00", "--timezone", "Europe/Berlin"), 2),
        (("--from", "30d", "--to", "29d"), 3),
    ],
)
def test_incidents_of_a_period_a_feed_or_a_game_alone(capsys, file, now, choice, ids):
    assert len(made(capsys, "incidents", "--history", file, *choice).splitlines()) == ids


@pytest.mark.parametrize("game_type", ["-1", "9" * 30])
def test_a_game_type_that_there_cannot_be_is_one_line(capsys, file, now, game_type):
    assert "--game-type" in refused(capsys, "incidents", "--history", file, "--game-type", game_type)
