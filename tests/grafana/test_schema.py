"""The dashboards against Grafana's own TypeScript types, by way of grafana/schema."""

import json
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests.grafana.boards import UIDS, board_files, boards
from tests.support.tools import require_tool

SCHEMA = Path(__file__).resolve().parents[2] / "grafana" / "schema"

Mistakes = dict[str, list[str]]


@pytest.fixture(scope="module")
def validator() -> Path:
    """Grafana's types, installed; they stay for the next run."""
    npm, lock = require_tool("npm"), SCHEMA / "package-lock.json"
    done = SCHEMA / "node_modules" / "installed.json"
    if not done.exists() or done.read_text() != lock.read_text():
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=SCHEMA, check=True, capture_output=True, timeout=120)
        shutil.copy(lock, done)
    return SCHEMA / "validate.mjs"


@pytest.fixture(scope="module")
def mistakes(validator: Path, tmp_path_factory: pytest.TempPathFactory) -> Mistakes:
    """What is said of each dashboard, and of a broken one, in one run."""
    broken = boards()[0]
    panel = next(each for each in broken["panels"] if each["type"] == "stat")
    broken["refesh"], panel["options"]["colorMode"] = "10s", "loud"
    file = tmp_path_factory.mktemp("boards") / "broken.json"
    file.write_text(json.dumps(broken))
    command: list[str | Path] = [require_tool("node"), validator, *board_files(), file]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (1, "")
    said = defaultdict(list)
    for line in done.stdout.splitlines():
        name, mistake = line.split(".json: ", 1)
        said[name].append(mistake)
    return said


@pytest.mark.parametrize("uid", UIDS)
def test_a_dashboard_is_what_grafana_s_types_allow(mistakes: Mistakes, uid: str) -> None:
    assert mistakes[uid] == []


def test_a_wrong_key_and_a_wrong_value_are_found(mistakes: Mistakes) -> None:
    (key,), (value,) = (
        [mistake for mistake in mistakes["broken"] if word in mistake] for word in ("refesh", "colorMode")
    )
    assert key == "/ must NOT have additional properties: refesh"
    assert "/options/colorMode must be equal to one of the allowed values" in value
