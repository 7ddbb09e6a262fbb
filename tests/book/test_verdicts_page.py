"""The tables of claims: how they are laid out, and in Chromium filters, sorting, cards on a phone, colours, no scripts.

The page is made here, around a table as the book renders it, with the book's own extension, scripts and styles.
"""

import re
import shutil
import sys
from pathlib import Path

import pytest
from browser import needs_browser, opened
from bs4 import BeautifulSoup
from playwright.sync_api import expect

from lrlib.course import claims, rules, words
from lrlib.course.forest import WORD_COLOURS

BOOK = Path(__file__).resolve().parents[2] / "book"
STATIC = BOOK / "_static"
sys.path.append(str(BOOK / "_ext"))
import verdict_tables

FILES = ("course.css", "verdicts.css", "elements.js", "scrolling.js", "verdicts.js")
pytestmark = [needs_browser, pytest.mark.slow]

HEAD = ["source", *claims.HEAD, "shown in"]
# Source, word, claim, what PyTorch gave, chapter; in the book's order, by source.
CLAIMS = [
    ("papers", words.UNDECIDED, "one cosine is better", "-2.10 (-16.00 to +14.00)", "9. To zero"),
    ("papers", words.NO_GAIN, "cycles need fewer updates", "+0.40 (-0.90 to +0.10)", "10. One-cycle"),
    ("Krishnan", words.HOLDS, "stop at the end of a cycle", "+11.40 (+0.39 to +1.89)", "7. Cycling"),
    ("Krishnan", rules.CANNOT, "it leaves saddle points", "–", "7. Cycling"),
    ("Krishnan", words.NO_GAIN, "a third or a quarter", "−0.05 (-0.29 to +0.19)", "7. Cycling"),
    ("Lau / IBM", rules.NOT_HAD, "70.50 %", "71.80 ± 0.30", "10. One-cycle"),
]
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head><title>Claims</title><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<link rel="stylesheet" href="course.css"><link rel="stylesheet" href="verdicts.css">
<style>*, ::before {{ box-sizing: border-box }} body {{ background: var(--pst-color-background) }}
a {{ color: var(--pst-color-link) }}</style>
<script src="elements.js"></script><script src="scrolling.js"></script><script src="verdicts.js"></script></head>
<body style="color: var(--pst-color-text-base)"><main class="bd-article"><h1>Claims</h1><p>Before it.</p>
<div class="pst-scrollable-table-container"><div class="table-scroll" role="region" tabindex="0" aria-label="Table">
{table}</div></div></main></body></html>"""
NEVER = ["effect", "as the source compares"]  # columns without anything in them


def row(source, word, claim, pytorch, chapter):
    cells = dict.fromkeys(HEAD, "–") | {"source": source, "verdict": f"<strong>{word}</strong>", "claim": claim}
    cells |= {"our setting": "a small network", "PyTorch": pytorch}
    if pytorch != "–":
        cells |= {
            "smallest effect": "0.3 points",
            "Keras": "0.12 (-0.10 to +0.34)",
            "seeds": "20 in PyTorch, 5 in Keras",
            "note": "open " * 20,
        }
    cells["shown in"] = f'<a href="other.html"><span>{chapter}</span></a>'
    return "<tr>" + "".join(f"<td><p>{cell}</p></td>" for cell in cells.values()) + "</tr>"


def table(listed=CLAIMS, head=HEAD):
    """A table as the notebook's output is rendered."""
    heads = "".join(f'<th class="head"><p>{name}</p></th>' for name in head)
    rows = "".join(row(*one) for one in listed)
    return f'<table class="table"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


@pytest.fixture
def table_page(browser, tmp_path):
    """Give a function that opens a page with a table of claims, from a file."""
    for name in FILES:
        shutil.copy(STATIC / name, tmp_path)

    def open_page(listed=CLAIMS, head=HEAD, theme="light", **context):
        html = PAGE.format(theme=theme, table=verdict_tables.laid_out(table(listed, head)))
        (tmp_path / "index.html").write_text(html, encoding="utf-8")
        return opened(browser, tmp_path.as_uri(), "index.html", **context)

    return open_page


def shown(page):
    """The rows that are seen."""
    return page.locator("tbody tr:visible")


def column(page, name):
    """The cells that are seen of a column."""
    return page.locator(f"tbody tr:visible td[data-label='{name}']")


def listed(name):
    """The texts of a column in the book's order."""
    return [one[["source", "verdict", "claim", "PyTorch", "shown in"].index(name)] for one in CLAIMS]


# --- Layout -------------------------------------------------------------------------------------------------------


def test_columns_without_anything_are_left_out_and_nothing_else_is():
    whole = BeautifulSoup(table(), "html.parser")
    laid = BeautifulSoup(verdict_tables.laid_out(table()), "html.parser")
    assert [head.text for head in laid.select("th")] == [name for name in HEAD if name not in NEVER]
    for before, after in zip(whole.select("tbody tr"), laid.select("tbody tr"), strict=True):
        kept = [cell.text for cell, name in zip(before.select("td"), HEAD, strict=True) if name not in NEVER]
        assert [cell.text for cell in after.select("td")] == kept


def test_a_laid_out_table_is_still_one_to_a_screen_reader():
    laid = BeautifulSoup(verdict_tables.laid_out(table()), "html.parser")
    assert laid.table["role"] == "table"
    assert {group["role"] for group in laid.select("thead, tbody")} == {"rowgroup"}
    assert {line["role"] for line in laid.select("tr")} == {"row"}
    assert {cell["role"] for cell in laid.select("th")} == {"columnheader"}
    assert {cell["role"] for cell in laid.select("td")} == {"cell"}


@pytest.mark.parametrize(
    "head", [["setting", *HEAD[1:]], ["source", "word", *HEAD[2:]], ["source", "verdict", "what", *HEAD[3:]]]
)
def test_a_table_of_something_else_is_left_alone(head):
    assert verdict_tables.laid_out(table(head=head)) == table(head=head)


def test_on_a_desk_the_claim_stands_across_and_the_numbers_below_their_heads(table_page):
    with table_page(width=800) as page:
        expect(shown(page)).to_have_count(len(CLAIMS))
        box = {name: column(page, name).first.bounding_box() for name in HEAD if name not in NEVER}
        assert box["claim"]["y"] == box["verdict"]["y"]
        assert box["our setting"]["y"] > box["claim"]["y"]
        for name in ("smallest effect", "PyTorch", "Keras", "seeds"):
            head = page.get_by_role("columnheader", name=name, exact=True).bounding_box()
            assert abs(box[name]["x"] - head["x"]) < 1, name
            assert box["our setting"]["y"] < box[name]["y"] < box["note"]["y"]
        assert len({box[name]["y"] for name in ("smallest effect", "PyTorch", "Keras", "seeds")}) == 1
        region = page.locator(".table-scroll")
        assert region.evaluate("e => e.scrollWidth <= e.clientWidth")
        expect(region).not_to_have_attribute("tabindex", "0")


def test_heads_stay_in_sight(table_page):
    with table_page(CLAIMS * 8, width=800) as page:
        shown(page).last.scroll_into_view_if_needed()
        page.wait_for_function("scrollY > 900")
        expect(page.get_by_role("columnheader", name="Keras")).to_be_in_viewport()


# --- Filters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "name", "value", "count"),
    [
        ("Source", "source", "Krishnan", 3),
        ("Verdict", "verdict", words.NO_GAIN, 2),
        ("Chapter", "shown in", "10. One-cycle", 2),
    ],
)
def test_a_filter_leaves_the_claims_that_fit_and_counts_them(table_page, label, name, value, count):
    with table_page() as page:
        expect(page.get_by_role("status")).to_have_text("6 of 6 claims")
        page.get_by_label(label).select_option(value)
        expect(column(page, name)).to_have_text([value] * count)
        expect(page.get_by_role("status")).to_have_text(f"{count} of 6 claims")
        assert page.watch.faults() == []


def test_filters_are_joined_and_let_go_together(table_page):
    with table_page() as page:
        page.get_by_label("Source").select_option("Krishnan")
        page.get_by_label("Verdict").select_option(words.NO_GAIN)
        expect(column(page, "claim")).to_have_text(["a third or a quarter"])
        page.get_by_label("Chapter").select_option("9. To zero")
        expect(shown(page)).to_have_count(0)
        expect(page.get_by_role("status")).to_have_text("0 of 6 claims")
        page.get_by_role("button", name="Show all").press("Enter")
        expect(shown(page)).to_have_count(len(CLAIMS))
        expect(page.get_by_role("status")).to_have_text("6 of 6 claims")
        expect(page.get_by_label("Source")).to_have_value("")


def test_filters_work_by_keyboard(table_page):
    with table_page() as page:
        page.keyboard.press("Tab")
        expect(page.get_by_label("Source")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_label("Verdict")).to_be_focused()
        page.keyboard.type("no")
        expect(column(page, "verdict")).to_have_text([words.NO_GAIN] * 2)


def test_choices_stand_in_an_order_in_which_they_are_looked_for(table_page):
    with table_page() as page:

        def options(label):
            return page.get_by_label(label).locator("option").all_text_contents()

        assert options("Source") == ["all", "papers", "Krishnan", "Lau / IBM"]
        assert options("Verdict") == ["all", *[word for word in WORD_COLOURS if word in listed("verdict")]]
        assert options("Chapter") == ["all", "7. Cycling", "9. To zero", "10. One-cycle"]


def test_the_filters_stand_above_what_scrolls(table_page):
    with table_page() as page:
        assert page.evaluate("document.querySelector('form + .pst-scrollable-table-container table') !== null")


# --- Sorting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "ascending"),
    [
        ("source", ["Krishnan"] * 3 + ["Lau / IBM"] + ["papers"] * 2),
        ("verdict", [word for word in WORD_COLOURS for one in CLAIMS if one[1] == word]),
        ("PyTorch", [listed("PyTorch")[number] for number in (0, 4, 1, 2, 5, 3)]),
        ("shown in", ["7. Cycling"] * 3 + ["9. To zero"] + ["10. One-cycle"] * 2),
    ],
)
def test_a_column_is_sorted_by_keyboard_both_ways_and_back(table_page, name, ascending):
    down = ascending[::-1] if name != "PyTorch" else [*ascending[-2::-1], "–"]  # what is not there stays last
    with table_page() as page:
        head = page.get_by_role("columnheader", name=name, exact=True)
        expect(head).not_to_have_attribute("aria-sort", re.compile(""))
        head.get_by_role("button").focus()
        for direction, texts in (("ascending", ascending), ("descending", down)):
            page.keyboard.press("Enter")
            expect(head).to_have_attribute("aria-sort", direction)
            expect(column(page, name)).to_have_text(texts)
            expect(head.get_by_role("button")).to_be_focused()
        page.keyboard.press("Space")
        expect(head).not_to_have_attribute("aria-sort", re.compile(""))
        expect(column(page, name)).to_have_text(listed(name))


def test_one_column_is_sorted_at_a_time_and_stays_so_when_filtered(table_page):
    with table_page() as page:
        page.get_by_role("button", name="source", exact=True).click()
        page.get_by_role("button", name="claim", exact=True).click()
        expect(page.locator("[aria-sort]")).to_have_count(1)
        page.get_by_label("Source").select_option("Krishnan")
        texts = sorted(one[2] for one in CLAIMS if one[0] == "Krishnan")
        expect(column(page, "claim")).to_have_text(texts)


# --- Cards --------------------------------------------------------------------------------------------------------


def test_on_a_phone_each_claim_is_a_card_with_its_word_first(table_page):
    with table_page(width=390) as page:
        expect(shown(page)).to_have_count(len(CLAIMS))
        cards = page.evaluate(
            """() => [...document.querySelectorAll("tbody tr")].map((row) => {
                const seen = [...row.cells].filter((cell) => cell.checkVisibility());
                const top = (cell) => cell.getBoundingClientRect().top;
                return seen.sort((a, b) => top(a) - top(b)).map((cell) => cell.textContent);
            })"""
        )
        for card, (source, word, claim, *_, chapter) in zip(cards, CLAIMS, strict=True):
            assert (card[:3], card[-1]) == ([word, claim, source], chapter)
            assert "–" not in card
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        expect(page.locator("thead")).to_be_hidden()
        expect(page.get_by_role("row")).to_have_count(len(CLAIMS))  # it is still read out as a table
        assert page.watch.faults() == []


def test_a_card_names_what_a_cell_has(table_page):
    with table_page(width=390) as page:
        cell = column(page, "PyTorch").first
        assert cell.evaluate("e => getComputedStyle(e, '::before').content") == '"PyTorch"'
        cell = column(page, "verdict").first
        assert cell.evaluate("e => getComputedStyle(e, '::before').content") == "none"


def test_cards_are_filtered(table_page):
    with table_page(width=390) as page:
        page.get_by_label("Verdict").select_option(words.HOLDS)
        expect(shown(page)).to_have_count(1)
        expect(shown(page)).to_contain_text("stop at the end of a cycle")


# --- Colours ------------------------------------------------------------------------------------------------------


def contrast(one, other):
    """Of two colours as the browser tells them, by WCAG's formula."""

    def luminance(colour):
        values = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_word_has_its_colour_in_both_themes(table_page, theme, width):
    with table_page([("papers", word, "a", "1", "b") for word in WORD_COLOURS], theme=theme, width=width) as page:
        seen = column(page, "verdict").locator("strong").evaluate_all("all => all.map(e => getComputedStyle(e).color)")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    for colour, (word, drawn) in zip(seen, WORD_COLOURS.items(), strict=True):
        assert contrast(colour, ground) >= 4.5, word
        if theme == "light":
            assert "#{:02X}{:02X}{:02X}".format(*map(int, re.findall(r"\d+", colour))) == drawn, word
    assert len(set(seen)) == len(set(WORD_COLOURS.values()))


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_has_no_objection(table_page, axe, theme, width):
    with table_page(theme=theme, width=width) as page:
        page.get_by_label("Source").select_option("Krishnan")
        page.evaluate(axe)
        found = page.evaluate("async () => (await axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0].html}`)")
        assert found == []


# --- Without scripts, and other tables ----------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 1440])
def test_without_scripts_all_of_the_table_is_there(table_page, width):
    with table_page(width=width, java_script_enabled=False) as page:
        expect(shown(page)).to_have_count(len(CLAIMS))
        for name in ("source", "verdict", "claim", "PyTorch", "shown in"):
            expect(column(page, name)).to_have_text(listed(name))
        expect(page.locator("thead th")).to_have_text([name for name in HEAD if name not in NEVER])
        expect(page.locator("form")).to_have_count(0)


def test_a_chapters_own_table_has_words_and_no_filters(table_page):
    with table_page([("–", *one[1:4], "–") for one in CLAIMS]) as page:  # a chapter's has neither source nor "shown in"
        expect(page.locator("td.word-no-gain")).to_have_count(2)
        expect(page.locator("form, button.sort")).to_have_count(0)
