"""The committed dashboards are what the code makes."""

import pytest

from grafana.__main__ import dashboards
from tests.grafana.boards import DASHBOARDS, UIDS, board_files


def test_all_dashboards_are_made_and_no_other_is_committed():
    names = [f"{uid}.json" for uid in UIDS]
    assert sorted(dashboards()) == names
    assert [file.name for file in board_files()] == names


@pytest.mark.parametrize("uid", UIDS)
def test_the_committed_json_is_the_generated(uid):
    name = f"{uid}.json"
    assert (DASHBOARDS / name).read_bytes() == dashboards()[name].encode(), "run: python -m grafana"


def test_the_same_json_is_made_each_time():
    assert dashboards() == dashboards()
