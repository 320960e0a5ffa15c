import re
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from tests.readers.web.samples import NOW, eight_games, fresh, frozen, snapshot, token
from watchdog.core.snapshot import Recent, Snapshot
from watchdog.readers.web.page import asset, page
from watchdog.readers.web.phrases import clock
from watchdog.readers.web.status import status_of

CANARY = "<img src=x onerror=\"alert('1')\">&amp;"


class Elements(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def shown(watch: Snapshot) -> str:
    return page(status_of(watch))


def rows(html: str) -> list[str]:
    body = html[html.index("<tbody") : html.index("</tbody>")]
    return re.findall(r"<tr.*?</tr>", body, re.DOTALL)


def cell(row: str, name: str) -> tuple[str, ...]:
    found = re.search(rf'class="{name}"[^>]*><b>(.*?)</b><small>(.*?)</small>', row)
    assert found is not None, name
    return found.groups()


def test_the_games_stand_worst_first():
    states = re.findall(r'<tr data-state="(\w+)">', shown(snapshot(*eight_games())))

    assert states == [
        *("silent", "frozen", "disconnected", "unauthorized", "unobserved", "maintenance"),
        *("fresh", "fresh"),
    ]


def test_in_the_same_trouble_what_broke_first_comes_first_and_fresh_games_keep_their_order():
    late, early = frozen(1, "Late"), replace(frozen(2, "Early"), state_since=NOW - 500.0)
    calm, calmer = fresh(3, "Calm"), fresh(4, "Calmer", state_since=NOW - 9_000.0)

    names = [cell(row, "game")[0] for row in rows(shown(snapshot(late, calm, early, calmer)))]

    assert names == ["Early", "Late", "Calm", "Calmer"]


def test_a_row_says_what_since_when_whose_and_why():
    (row,) = rows(shown(snapshot(frozen())))

    assert cell(row, "state") == ("frozen", "")
    assert cell(row, "game") == ("Lucky 6", "betcore · type 7")
    assert cell(row, "since") == ("15:56:30", "for 48 s")
    assert cell(row, "whose") == ("provider", "betting timer stands still")
    assert cell(row, "anomaly") == ("15:56:30 betting timer frozen", "seconds left 17.5, longer than 3 s")
    assert cell(row, "update") == ("0.2 s ago", "")
    assert cell(row, "timer") == ("17.5 s", "stale")
    assert cell(row, "round") == ("active", "30000603282")
    assert cell(row, "sequence") == ("8975", "5 missed")
    assert cell(row, "freshness") == ("98.66 %", "")
    assert cell(row, "attempts") == ("1", "")


def test_the_head_says_the_verdict_and_how_long_the_token_lasts():
    html = shown(snapshot(frozen(), fresh(), reload_successful=False))

    assert '<h1 id="verdict" data-state="frozen">1 of 2 games in trouble: Lucky 6 frozen</h1>' in html
    assert '<li data-ok="true">betcore: token valid for 3 h 12 min</li>' in html
    assert "The last reload of the configuration failed" in html


def test_a_page_without_games_or_tokens_is_a_page():
    html = shown(snapshot(tokens=()))

    assert "No games are configured" in html
    assert rows(html) == []
    assert rows(shown(snapshot(fresh(), tokens=()))) != []


def test_names_and_particulars_from_outside_are_text_and_never_markup():
    calm = Elements(shown(snapshot(frozen())))
    detail: dict[str, object] = {CANARY: CANARY}
    hostile = replace(frozen(), game=CANARY, feed=CANARY, recent_anomalies=(Recent(NOW, CANARY, detail),))
    elements = Elements(shown(snapshot(hostile, tokens=(token(feed=CANARY),), version=CANARY)))

    assert [tag for tag in elements.tags if tag != "li"] == [tag for tag in calm.tags if tag != "li"]
    assert CANARY in elements.text


@pytest.mark.parametrize(
    ("moment", "now", "words"),
    [
        ("2025-06-19T15:57:18.250Z", "2025-06-19T23:00:00.000Z", "15:57:18"),
        ("2025-06-18T15:57:18.250Z", "2025-06-19T23:00:00.000Z", "06-18 15:57:18"),
        ("2025-06-18T15:57:18.250Z", None, "06-18 15:57:18"),
        (None, "2025-06-19T23:00:00.000Z", "-"),
    ],
)
def test_times_of_another_day_carry_their_date(moment, now, words):
    assert clock(moment, now) == words


def test_the_script_shows_what_the_server_rendered_and_sets_no_markup():
    script = asset("page.js").decode()

    assert 'fetch("./"' in script
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval", script)
