"""The table of contents: parts, and chapters whose numbers are generated and the same wherever they are shown."""

import math
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml
from browser import SITE, needs_site, parsed
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "_toc.yml").exists())
BOOK = ROOT / "book"
sys.path += [str(BOOK / "_tools"), str(BOOK / "_ext")]

import notebooks

PARTS = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
PAGES = [entry["file"] for part in PARTS for entry in part["chapters"]]
NUMBERED = [entry["file"] for part in PARTS if part.get("numbered") for entry in part["chapters"]]
CHAPTERS = sorted((BOOK / "chapters").glob("*.py"))
TYPED = re.compile(r"\bchapters?( |\n(# )?)(no\. ?)?\d", re.IGNORECASE)  # the words may stand on two lines


def soup(page):
    return parsed(SITE / f"{page}.html")


def words(element):
    """An element's text, without the link of a heading to itself."""
    return " ".join(element.get_text().removesuffix("#").split())


def links(element, page):
    """The links below an element that lead to pages: page and words of each."""
    for link in element.select("a[href]"):
        path = link["href"].partition("#")[0]
        target = (SITE / f"{page}.html").parent / path
        if link["href"] == "#":  # in the sidebar, the page at hand
            yield page, words(link)
        elif path.endswith(".html") and "://" not in path:
            yield str(target.resolve().relative_to(SITE.resolve()).with_suffix("")), words(link)


def sidebar_of(page, shown):
    """The words of the sidebar's links by their pages, without the front page's."""
    return {target: text for target, text in links(shown.select_one("nav.bd-links"), page) if target in PAGES}


def by_part():
    """Each part's caption, its own page, and the pages of the part: an entry without a caption goes on with a part."""
    parts = []
    for part in PARTS:
        files = [entry["file"].removeprefix("book/") for entry in part["chapters"]]
        if "caption" in part:
            parts.append((part["caption"], files.pop(0), files))
        else:
            parts[-1][2].extend(files)
    return parts


def read(page):
    return (BOOK / f"{page}.md").read_text(encoding="utf-8")


def test_front_page_lists_the_parts_and_each_part_its_pages_in_order():
    listed = re.findall(r"^- \{doc\}`([^<`]+) <([\w/]+)>`", read("index"), re.MULTILINE)
    assert listed == [(caption, page) for caption, page, _ in by_part()]
    for _, page, files in by_part():
        assert re.findall(r"^- \{doc\}`\.\./([\w/]+)`", read(page), re.MULTILINE) == files, page


def test_the_costs_that_are_summed_are_those_of_the_chapters_listed():
    def chapters(files):
        return [file.removeprefix("chapters/") for file in files if file.startswith("chapters/")]

    for _, page, files in by_part():
        assert re.search(r"\{reading\} (.+)", read(page))[1].split() == chapters(files), page
    every = [chapter for _, _, files in by_part() for chapter in chapters(files)]
    assert sorted(every) == [path.stem for path in CHAPTERS]  # which the front page sums


def test_verdicts_come_after_all_that_they_judge():
    claims = pytest.importorskip("lrlib.course.claims")
    judged = {f"book/chapters/{claim.chapter}" for claim in claims.all_claims()}
    assert judged <= set(PAGES[: PAGES.index("book/chapters/verdicts")])


@needs_site
def test_sidebar_titles_and_links_have_the_same_numbers():
    sidebar = sidebar_of("book/index", soup("book/index"))
    assert list(sidebar) == PAGES
    numbers = [re.match(r"(\d+)\. ", sidebar[page]) for page in NUMBERED]
    assert [number and int(number[1]) for number in numbers] == list(range(1, len(NUMBERED) + 1))
    assert not [sidebar[page] for page in set(PAGES) - set(NUMBERED) if re.match(r"\d", sidebar[page])]
    counted = 0
    for page in ["book/index", *PAGES]:
        shown = soup(page)
        assert sidebar_of(page, shown) == sidebar, page
        if page in sidebar:
            assert words(shown.select_one("article h1")) == sidebar[page]
        for target, text in links(shown.select_one(".bd-main"), page):
            if re.search(r"\d+\. ", text):
                assert sidebar[target] in text, f"{page}: {text}"
                counted += target in NUMBERED
    # The front page, the table of claims and the status page each lead to nearly all chapters.
    assert counted > 3 * len(NUMBERED)


@needs_site
def test_no_page_has_a_typed_number_of_a_chapter():
    found = {}
    for page in ["book/index", *PAGES]:
        for element in soup(page).select("article :is(h1, h2, h3, h4, p, li, td, th, dd, pre, figcaption)"):
            if TYPED.search(words(element)):
                found.setdefault(page, []).append(words(element))
    assert found == {}


def test_no_source_has_a_typed_number_of_a_chapter():
    folders = ("lrlib", "book/_ext", "book/_tools", "book/assignments", "book/chapters", "book/reference")
    files = [file for folder in folders for suffix in ("py", "md") for file in (ROOT / folder).rglob(f"*.{suffix}")]
    files += [*ROOT.glob("*.md"), *BOOK.glob("*.md")]
    found = [file.name for file in files if TYPED.search(file.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_links_of_a_chapter_have_the_titles_of_the_others(chapter):
    titles = {path.stem: notebooks.read_source(path).cells[0].source.split("\n")[0] for path in CHAPTERS}
    text = "\n".join(cell.source for cell in notebooks.read_source(chapter).cells if cell.cell_type == "markdown")
    assert "{doc}" not in text  # Jupyter shows it as it is
    for shown, name in re.findall(r"\[([^\]]+)\]\((\w+)\.ipynb\)", text):
        assert f"# {' '.join(shown.split())}" == titles[name]


def render(folder, printed):
    """Build two numbered pages, of which the first printed a link to the second; give the first and the warnings."""
    output = new_output("display_data", data={"text/markdown": printed, "text/plain": "a link"})
    cells = [new_markdown_cell("# One"), new_code_cell("show()", outputs=[output], execution_count=1)]
    nbformat.write(new_notebook(cells=cells, metadata=notebooks.NOTEBOOK_METADATA), folder / "one.ipynb")
    two = [new_markdown_cell("# The second\n\n## What, then?\n\nText.")]
    nbformat.write(new_notebook(cells=two, metadata=notebooks.NOTEBOOK_METADATA), folder / "two.ipynb")
    (folder / "index.md").write_text("# Home\n\n{doc}`two`\n\n```{toctree}\n:numbered: 1\none\ntwo\n```\n")
    config = {
        "extensions": ["myst_nb", "numbered_links"],
        "nb_execution_mode": "off",
        "nb_render_markdown_format": "gfm",
        "html_theme": "basic",
    }
    warnings = folder / "warnings"
    with docutils_namespace(), warnings.open("w", encoding="utf-8") as log:
        Sphinx(folder, None, folder / "out", folder / "trees", "html", config, status=None, warning=log).build()
    pages = [(folder / "out" / f"{name}.html").read_text(encoding="utf-8") for name in ("index", "one")]
    return *(BeautifulSoup(page, "html.parser") for page in pages), warnings.read_text(encoding="utf-8")


def test_links_without_words_of_their_own_read_as_the_contents_do(tmp_path):
    home, one, warnings = render(tmp_path, "[two](two.ipynb#What,-then?) and [my words](two.ipynb)")
    assert warnings == ""
    assert [(link["href"], link.text) for link in one.select(".cell_output a")] == [
        ("two.html#what-then", "2. The second"),
        ("two.html", "my words"),
    ]
    assert home.select_one("section > p a").text == "2. The second"


def test_a_printed_link_to_no_page_is_a_warning(tmp_path):
    *_, warnings = render(tmp_path, "[three](three.ipynb)")
    assert "no page is made of 'three.ipynb'" in warnings


def test_pages_count_the_assignments_and_the_students_page_has_a_row_for_each():
    files = sorted(path.stem for path in (BOOK / "assignments").glob("*.py"))
    count = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"][len(files)]
    for page in ("index", "parts/workshop", "assignments/students"):
        assert set(re.findall(r"(\w+) assignments\b(?= <| that| go)", read(page).lower())) == {count}, page
    rows = re.findall(r"_build/assignments/(\w+)\.ipynb>` \|", read("assignments/students"))
    assert sorted(rows) == files


def test_an_assignment_needs_chapters_that_exist_and_that_the_students_page_names():
    titles = {notebooks.read_source(path).cells[0].source.split("\n")[0][2:]: path.stem for path in CHAPTERS}
    rows = dict(re.findall(r"_build/assignments/(\w+)\.ipynb>` \|[^|]*\|([^|]*)\|", read("assignments/students")))
    for name, row in rows.items():
        source = (BOOK / "assignments" / f"{name}.py").read_text(encoding="utf-8")
        (needed,) = re.findall(r"\*\*You need\*\*(.*?)\.\s", source, re.DOTALL)
        said = [" ".join(title.replace("\n# ", " ").split()) for title in re.findall(r"\*([^*]+)\*", needed)]
        assert set(said) <= set(titles), (name, said)
        assert {titles[title] for title in said} <= set(re.findall(r"chapters/(\w+)", row)), (name, said)


def test_the_front_pages_numbers_are_the_studys():
    results = pytest.importorskip("lrlib.course.experiments.equal_budget.results")
    stored = results.load()
    text = " ".join(read("index").split())
    costs = (
        r"three times too high cost ([\d.]+) points of accuracy, and one three times too low ([\d.]+)\."
        r" A shape other than the best of six .* cost ([\d.]+) \(all three are medians\)"
    )
    said = re.search(costs, text)
    kept = ~stored.lost.any(-1)[:, [stored.names.index(name) for name in results.TO_ZERO]]
    behind = stored.behind(results.TO_ZERO)
    found = [np.median(stored.missed_peak(results.TO_ZERO, side)) for side in (1, -1)]
    found.append(np.median(behind[kept & (behind > 0)]))  # without the best itself
    assert [float(number) for number in said.groups()] == [round(float(one), 1) for one in found]
    second = pytest.importorskip("lrlib.course.experiments.budgets.results")
    errors = (
        r"a constant rate makes (\d+) % more errors than a line to zero \((\d+) to (\d+)\)\. The shapes that fall once"
        r" to zero are within (\d+) % of the line on average; their intervals reach up to (\d+) %"
    )
    more = {name: 100 * np.expm1(second.pooled(name, "linear")) for name in ("constant", *results.TO_ZERO[1:])}
    constant, shapes = more.pop("constant"), np.array(list(more.values()))
    *of_constant, widest_mean, widest = (int(number) for number in re.search(errors, text).groups())
    assert of_constant == [round(float(one)) for one in constant]
    assert widest_mean == math.ceil(np.abs(shapes[:, 0]).max())
    assert widest - 1 < np.abs(shapes).max() < widest
    assert 0 < (np.abs(shapes).max(1) > 5).sum() < len(shapes)  # "for some of them"
