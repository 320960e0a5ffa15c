"""A statement as HTML and PDF: complete, escaped, without a script, and without a cut row on paper."""

import re
import sys
from collections import Counter
from html import unescape

import pytest
from msgspec import structs

from tests.readers.report.samples import BERLIN, DAY, SILENT_ID, statement
from tests.support.histories import stated, watched
from watchdog.readers.report.page import as_html, verdict
from watchdog.readers.report.pdf import PdfError, as_pdf


def text_of(html):
    body = html.partition("<body>")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_the_verdict_stands_first_then_the_summary():
    text = text_of(as_html(statement(), BERLIN))

    assert text.startswith(
        "Service level statement 1 of 2 games missed their objective Period 2 November 2026 01:00"
    )
    assert "Europe/Berlin (UTC+0100)" in text
    assert "Game 3 betcore · type 3 99.9 % 99.8854 % missed 0:01:30.500 0:01:19.000 114.6 % 10 %" in text
    assert "Game 4 betcore · type 4 99.9 % 100.0000 % met 0 0:01:20.000 0.0 % 0 %" in text


def test_incidents_stand_with_times_causes_particulars_and_evidence():
    text = text_of(as_html(statement(), BERLIN))

    times = "2026-11-02 01:16:40.000 to 2026-11-02 01:18:10.500"
    assert f"{times} Game 3 0:01:30.500 0:01:30.500 provider silent: subscribed, but no update comes" in text
    assert f"{SILENT_ID}.jsonl.gz SHA-256 {'ab' * 32}" in text
    assert "round.result_changed: was <script>alert(1)</script>, is 3c" in text


def test_what_nobody_watched_has_a_table_of_its_own():
    text = text_of(as_html(statement(), BERLIN))

    assert "2026-11-02 23:13:20.000 2026-11-03 01:00:00.000 1:46:40.000 all" in text
    assert "3 incidents of nothing but unobserved time are not listed above." in text
    assert "Game 3: cut off while another watchdog received updates: us-1 for 25.000 s." in text
    assert "last sign of life" in text


def test_every_paragraph_of_the_method_is_there():
    document = statement(hours=("mon-fri 08:00-20:00",), ignore_shorter_than_seconds=5, round_to_seconds=1)
    text = text_of(as_html(document, BERLIN))

    assert all(paragraph in text for paragraph in document.method)


def test_a_statement_without_trouble_says_so():
    document = stated(watched([(0, "fresh")], DAY), start=0, end=DAY)
    text = text_of(as_html(document, BERLIN))

    assert "Incidents There were none." in text
    assert "Every second was observed." in text
    assert "Credit" not in text


def test_an_incident_that_goes_on_or_is_ignored_is_said_to():
    ends = text_of(as_html(stated(watched([(0, "fresh"), (50, "silent")], 100), start=0, end=100), BERLIN))
    short = stated(
        watched([(0, "fresh"), (50, "silent"), (51, "fresh")], 100),
        start=0,
        end=100,
        ignore_shorter_than_seconds=2,
    )

    assert "to goes on Game 3" in ends
    assert "0:00:01.000 ignored provider" in text_of(as_html(short, BERLIN))


def test_a_change_of_clocks_is_said_in_the_head():
    document = stated(watched([(0, "fresh")], DAY), start=-20 * DAY, end=DAY)

    assert "UTC (UTC+0200, later UTC+0100)" in text_of(as_html(document, BERLIN))
    odd = structs.replace(document, made_at=document.made_at.replace(second=7))
    assert "Made 3 November 2026 01:00:07" in text_of(as_html(odd, BERLIN))


@pytest.mark.parametrize(
    ("met", "missed", "sentence"),
    [
        (0, 0, "Nothing was accountable in this period"),
        (1, 0, "The game met its objective"),
        (3, 0, "All 3 games met their objective"),
        (0, 1, "Game 3 missed its objective"),
        (1, 1, "1 of 2 games missed their objective"),
    ],
)
def test_the_verdict_is_one_sentence(met, missed, sentence):
    document = statement()
    total = structs.replace(document.total, met=met, missed=missed)

    assert verdict(structs.replace(document, total=total)) == sentence


def test_nothing_runs_and_nothing_is_loaded():
    html = as_html(statement(), BERLIN)

    assert "<script" not in html
    assert not re.search(r"\b(src|href|url|import|on\w+)\s*[=(]", html)


def test_hostile_names_are_text():
    document = statement()
    game = structs.replace(document.games[0], game="<img src=x onerror=alert(1)>")
    html = as_html(structs.replace(document, games=(game,)), BERLIN)

    assert "<img" not in html
    assert "&lt;img" in html


def test_no_row_and_no_timeline_is_cut_by_the_edge_of_a_page():
    weasyprint = pytest.importorskip("weasyprint")
    document = statement(games=12, outages=120)
    long = tuple(structs.replace(line, cause="for many reasons " * 20) for line in document.incidents)
    html = as_html(structs.replace(document, incidents=long), BERLIN)
    pages = weasyprint.HTML(string=html).render().pages

    pieces = Counter(
        box.element
        for page in pages
        for box in page._page_box.descendants()
        if box.element_tag in ("tr", "figure")
    )
    assert len(pages) > 4
    # Headings are printed again on each page.
    once = [element for element in pieces if element.tag == "figure" or element.find("td") is not None]
    assert len(once) > 150
    assert [element for element in once if pieces[element] > 1] == []
    assert sum(element.tag == "tr" for element in pieces) == html.count("<tr>")


def test_a_page_is_printed_as_pdf():
    pytest.importorskip("weasyprint")

    assert as_pdf(as_html(statement(), BERLIN)).startswith(b"%PDF-")


@pytest.mark.parametrize("scheme", ["file://", "http://127.0.0.1:9", "data:image/png;base64,"])
def test_a_pdf_loads_nothing(caplog, scheme):
    pytest.importorskip("weasyprint")
    html = as_html(statement(), BERLIN)

    assert as_pdf(html)
    assert "Failed to load" not in caplog.text
    as_pdf(html.replace("<main>", f'<main><img src="{scheme}/etc/hostname">'))
    assert "Failed to load image" in caplog.text
    assert "allowed" in caplog.text


def test_without_weasyprint_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(PdfError, match=r"^a PDF needs WeasyPrint: pip install 'betcore-watchdog\[pdf\]'$"):
        as_pdf("")


class NoPango:
    def find_spec(self, name, path, target=None):
        raise OSError("cannot load library 'libpango'")


def test_without_pango_the_line_names_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoPango()])
    with pytest.raises(PdfError, match=r"and Pango$"):
        as_pdf("")
