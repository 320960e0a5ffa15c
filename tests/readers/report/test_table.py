"""A statement as CSV."""

import csv
import io

from msgspec import structs

from tests.readers.report.samples import SILENT_ID, statement
from watchdog.readers.report.table import as_csv, games_csv, incidents_csv


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_each_game_is_a_line_with_all_its_figures():
    first, second = rows(games_csv(statement()))

    assert (first["game"], first["lost_seconds"], first["silent_seconds"], first["met"]) == (
        *("Game 3", "90.5", "90.5", "false"),
    )
    assert (first["period_start"], first["freshness_percent"]) == ("2026-11-02T00:00:00+00:00", "99.8854")
    assert (first["updates_received"], first["interval_p99_seconds"]) == ("7150", "0.633")
    assert (first["path_party_seconds"], first["credit_percent"]) == ("25", "10")
    assert (second["met"], second["interval_p50_seconds"], second["budget_used"]) == ("true", "", "0")


def test_each_incident_is_a_line_with_its_times_and_its_evidence():
    lines = {line["id"]: line for line in rows(incidents_csv(statement()))}

    silent = lines[SILENT_ID]
    assert (silent["end"], silent["lost_seconds"], silent["silent_seconds"], silent["whose"]) == (
        *("2026-11-02T00:18:10.500000+00:00", "90.5", "90.5", "provider"),
    )
    assert (silent["evidence_sha256"], silent["ignored"]) == ("ab" * 32, "false")
    changed = lines["betcore-3-20261102T164000Z"]
    assert (changed["anomalies"], changed["evidence_file"]) == ("round.result_changed x 1", "")


def test_both_tables_are_one_text_with_an_empty_line_between_them():
    games, incidents = as_csv(statement()).split("\r\n\r\n")

    assert len(games.splitlines()) == 3
    assert rows(incidents)[0]["id"] == "betcore-3-20261102T000000Z"


def test_a_name_that_a_spreadsheet_would_compute_is_a_text():
    document = statement()
    game = structs.replace(document.games[0], game='=HYPERLINK("x")')

    [line] = rows(games_csv(structs.replace(document, games=(game,))))
    assert line["game"] == '\'=HYPERLINK("x")'
