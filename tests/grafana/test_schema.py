"""The dashboards against Grafana's own TypeScript types, by way of grafana/schema."""

import json
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests.grafana.boards import DASHBOARDS, UIDS, board_files
from tests.grafana.sample import sample
from tests.support.tools import require_tool

SCHEMA = Path(__file__).resolve().parents[2] / "grafana" / "schema"


def _override(panel, **properties):
    values = [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()]
    matcher = {"id": "byName", "options": "Poker"}
    panel["fieldConfig"]["overrides"].append({"matcher": matcher, "properties": values})


# What is done to the sample, and what must be said of it.
BROKEN = {
    "key of the board": (
        lambda board, stat, lines: board.update(refesh="10s"),
        "/ must NOT have additional properties: refesh",
    ),
    "number for an enum": (
        lambda board, stat, lines: board["templating"]["list"][1].update(refresh=7),
        "/templating/list/1/refresh must be equal to one of the allowed values: 0, 1, 2",
    ),
    "option that is none": (
        lambda board, stat, lines: stat["options"].update(colourMode="background"),
        'panel "Freshness" (stat): /options must NOT have additional properties: colourMode',
    ),
    "option's value": (
        lambda board, stat, lines: stat["options"].update(colorMode="loud"),
        (
            'panel "Freshness" (stat): /options/colorMode must be equal to one of the allowed values: '
            "background, background_solid, none, value"
        ),
    ),
    "option's type": (
        lambda board, stat, lines: lines["options"]["legend"].update(showLegend="yes"),
        'panel "Updates" (timeseries): /options/legend/showLegend must be boolean',
    ),
    "option left out": (
        lambda board, stat, lines: stat["options"]["reduceOptions"].pop("calcs"),
        "panel \"Freshness\" (stat): /options/reduceOptions must have required property 'calcs'",
    ),
    "field option": (
        lambda board, stat, lines: lines["fieldConfig"]["defaults"]["custom"].update(w=2),
        'panel "Updates" (timeseries): /fieldConfig/defaults/custom must NOT have additional properties: w',
    ),
    "field option of another panel type": (
        lambda board, stat, lines: stat["fieldConfig"]["defaults"].update(custom={"line": 2}),
        'panel "Freshness" (stat): /fieldConfig/defaults/custom must NOT have additional properties: line',
    ),
    "override": (
        lambda board, stat, lines: _override(lines, unit="s", custom__with=2),
        (
            'panel "Updates" (timeseries): /fieldConfig/overrides/0/properties/1 (custom.with) '
            "must NOT have additional properties: with"
        ),
    ),
    "override's type": (
        lambda board, stat, lines: _override(lines, decimals="2"),
        'panel "Updates" (timeseries): /fieldConfig/overrides/0/properties/0 (decimals) must be number',
    ),
    "query": (
        lambda board, stat, lines: lines["targets"][0].update(legend="{{game}}"),
        'panel "Updates" (timeseries): /targets/0 must NOT have additional properties: legend',
    ),
    "panel in a row": (
        lambda board, stat, lines: board["panels"].append(
            {
                "id": 9,
                "type": "row",
                "collapsed": True,
                "panels": [{**lines, "title": "Nested", "type": "timeserie"}],
            }
        ),
        'panel "Nested" (timeserie): /type is none of the panel types in types.ts',
    ),
}


@pytest.fixture(scope="module")
def validator():
    """Grafana's types, installed; they stay for the next run."""
    npm, lock = require_tool("npm"), SCHEMA / "package-lock.json"
    done = SCHEMA / "node_modules" / "installed.json"
    if not done.exists() or done.read_text() != lock.read_text():
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=SCHEMA, check=True, capture_output=True, timeout=120)
        shutil.copy(lock, done)
    return SCHEMA / "validate.mjs"


@pytest.fixture(scope="module")
def mistakes(validator, tmp_path_factory):
    """What is said of each dashboard: the committed ones, the sample and its broken copies, in one run."""
    folder = tmp_path_factory.mktemp("boards")
    (folder / "sample.json").write_text(json.dumps(sample()))
    for name, (spoil, _) in BROKEN.items():
        board = sample()
        spoil(board, *board["panels"])
        (folder / f"{name}.json").write_text(json.dumps(board))
    command = [require_tool("node"), validator, *board_files(), *folder.iterdir()]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (1, "")
    said = defaultdict(list)
    for line in done.stdout.splitlines():
        file, mistake = line.split(".json: ", 1)
        said[file].append(mistake)
    return said


@pytest.mark.parametrize("uid", UIDS)
def test_a_dashboard_is_what_grafana_s_types_allow(mistakes, uid):
    assert (DASHBOARDS / f"{uid}.json").is_file()
    assert mistakes[uid] == []


def test_a_good_sample_has_no_mistakes(mistakes):
    assert mistakes["sample"] == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_wrong_dashboard_is_refused_with_panel_and_path(mistakes, name):
    assert mistakes[name] == [BROKEN[name][1]]
