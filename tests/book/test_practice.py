"""The page of what was read and not run: its sources, its code, and its checklist on one sheet."""

import re
from pathlib import Path

import pytest
from browser import needs_browser, needs_site, opened
from playwright.sync_api import expect

import lrlib

BOOK = next(folder for folder in Path(__file__).resolve().parents if (folder / "_toc.yml").exists()) / "book"
PAGE = (BOOK / "practice.md").read_text(encoding="utf-8")
PROSE = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
A4 = (718, 1047)  # pixels of the paper, less margins of a centimetre


def test_it_says_first_that_nothing_was_run_here():
    assert re.search(r"^# .*\n+:::\{admonition\} Read, and not run here\n", PAGE)


def test_it_takes_ten_minutes_and_quotes_nobody():
    assert len(PROSE.split()) <= 2_000
    assert not re.search('["“”«»]', PROSE)


def test_each_source_is_in_the_bibliography_and_each_line_of_a_table_has_one():
    keys = set(re.findall(r"^@\w+\{(\w+),", (BOOK / "references.bib").read_text(encoding="utf-8"), re.MULTILINE))
    cited = {key for group in re.findall(r"\{cite\}`([^`]+)`", PAGE) for key in group.split(",")}
    assert len(cited) > 20 and cited <= keys, cited - keys
    rows = [line for line in PROSE.splitlines() if line.startswith("|")]
    heads = [n for n, line in enumerate(rows) if line.startswith("| ---")]
    assert len(heads) == 3
    lines = [line for n, line in enumerate(rows) if not {n, n + 1} & set(heads)]
    assert [line for line in lines if "{cite}" not in line.split("|")[3]] == []


def test_the_checklist_in_lrlib_runs():
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {}
    exec(code, names)
    peak, warmup, updates = names["peak"], names["warmup"], names["updates"]
    for schedule in (names["line"], names["wsd"]):
        assert (schedule.length, schedule(0), schedule(warmup), schedule(updates)) == (updates, 0.0, peak, 0.0)
    assert names["wsd"](updates - 10_000) == peak == names["stopped"](60_000)
    assert names["stopped"](66_000) == names["both"](66_000) == 0.0
    assert names["both"](66_500) == peak
    assert names["larger"].length == updates / 4
    assert names["larger"](warmup / 4) == pytest.approx(2 * peak)
    assert names["by_layer"]["block1"](warmup) == pytest.approx(peak / 2.6**2)
    assert isinstance(names["again"], lrlib.Schedule)


def test_the_checklist_has_at_most_fourteen_boxes():
    boxes = re.findall(r"^(\d+)\. ☐ ", PAGE, re.MULTILINE)
    assert boxes == [str(n) for n in range(1, len(boxes) + 1)] and 0 < len(boxes) <= 14


@needs_site
@needs_browser
@pytest.mark.slow
def test_the_checklist_prints_on_a_sheet_of_its_own(browser, home):
    with opened(browser, home, "book/practice.html") as page:
        page.set_viewport_size({"width": A4[0], "height": A4[1]})
        page.emulate_media(media="print")
        checklist = page.locator(".admonition.checklist")
        expect(checklist).to_be_visible()
        assert checklist.bounding_box()["height"] < A4[1]
        for rule in ("break-before", "break-after"):
            expect(checklist).to_have_css(rule, "page")
