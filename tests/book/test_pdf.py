"""The book as one PDF: pages in order, bookmarks, and links that stay within the file."""

import io

import chromium
import pdf
import pytest
from browser import PATIENCE, needs_browser
from pypdf import PdfReader

PAGES = {
    "one": '<h1>One</h1><a href="two.html#there">two</a> <a href="https://x.org/">out</a> <a href="a.zip">file</a>',
    "two": '<h1>Two</h1><p id="there">There</p>',
}


@pytest.mark.slow
@needs_browser
def test_an_image_that_cannot_be_shown_is_named_and_nothing_is_printed(browser, tmp_path):
    (tmp_path / "sizeless.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><path d="M0,0H9V9z"/></svg>')
    (tmp_path / "bad.png").write_text("no picture")
    names = ("sizeless.svg", "bad.png", "missing.png")
    (tmp_path / "one.html").write_text("".join(f'<img alt="" loading="lazy" src="{name}">' for name in names))
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    with pytest.raises(SystemExit, match=r"one\.html shows images that could not be loaded") as caught:
        pdf.printed(page, tmp_path / "one.html")
    assert [name for name in names if name in str(caught.value)] == ["bad.png", "missing.png"]
    (tmp_path / "one.html").write_text('<img alt="" src="sizeless.svg"><img alt="">')
    assert pdf.printed(page, tmp_path / "one.html").startswith(b"%PDF")
    page.close()


@pytest.mark.slow
@needs_browser
def test_pages_are_merged_with_bookmarks_and_no_link_leads_to_this_machine(browser, tmp_path):
    for name, text in PAGES.items():
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    files = {name: tmp_path / f"{name}.html" for name in PAGES}
    printed = {name: pdf.printed(page, file) for name, file in files.items()}
    page.close()
    parts = {"one": None, "two": "Part I"}
    merged = PdfReader(io.BytesIO(pdf.merge([(parts[n], n.title(), files[n], printed[n]) for n in PAGES])))
    assert [p.extract_text().split()[0] for p in merged.pages] == ["One", "Two"]
    first, part, (second,) = merged.outline
    assert (first.title, part.title, second.title) == ("One", "Part I", "Two")
    assert [merged.get_destination_page_number(item) for item in (first, part, second)] == [0, 1, 1]
    notes = [note.get_object() for note in merged.pages[0]["/Annots"]]
    inside, outside, dropped = sorted(notes, key=lambda note: -float(note["/Rect"][0]), reverse=True)
    assert inside["/Dest"][0].get_object() == merged.pages[1] and "/A" not in inside
    assert outside["/A"]["/URI"] == "https://x.org/"
    assert "/A" not in dropped and "/Dest" not in dropped


def test_the_order_is_that_of_the_contents():
    toc = {"root": "index", "parts": [{"caption": "I", "chapters": [{"file": "a"}]}, {"chapters": [{"file": "b"}]}]}
    assert list(pdf.contents(toc)) == [(None, "index"), ("I", "a"), (None, "b")]


def test_without_a_browser_it_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr(chromium, "EXECUTABLE", None)
    with pytest.raises(SystemExit, match="no Chromium found: install one"):
        pdf.main()
