"""What readers take along or look up: glossary, status page, launch buttons, archive, search, references.

Each extension is tried on a small project; the browser tests use the built book, served and as files.
"""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml
from browser import SITE, needs_browser, opened, settle
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from playwright.sync_api import expect
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace
from test_links import link_faults

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
import build
import notebooks
import runnable
import site_zip
import status

import lrlib

pytestmark = pytest.mark.slow  # nearly all build pages
CHAPTER = "chapters/one"
OWN_PLACES = {"glossary_links": {"glossary_page": "glossary"}, "status": {"status_results": "results"}}
MEASURED = {"seconds": 71.3, "cores": 2, "executed": "2026-11-21", "versions": {"torch": "2.13", "python": "3.11.7"}}


def cell(source, printed="", tags=(), count=1):
    """An executed cell."""
    outputs = [new_output("stream", text=printed)] if printed else []
    return new_code_cell(source, outputs=outputs, execution_count=count, metadata={"tags": list(tags)})


def project(folder, *cells, measured=MEASURED, **files):
    """Write a small book: a front page, a chapter, and what else is given."""
    (folder / "chapters").mkdir(exist_ok=True)
    notebook = new_notebook(cells=[new_markdown_cell("# One"), *cells], metadata=notebooks.NOTEBOOK_METADATA)
    if measured is not None:
        notebook.metadata["lrlib"] = measured
    nbformat.write(notebook, folder / f"{CHAPTER}.ipynb")
    (folder / f"{CHAPTER}.py").write_text("# the script\n", encoding="utf-8")
    pages = "\n".join(sorted([CHAPTER, *(name for name in files if name != "index")]))
    for name, text in {"index": "# Front", **files}.items():
        toctree = f"\n\n```{{toctree}}\n{pages}\n```\n" if name == "index" else ""
        (folder / f"{name}.md").write_text(text + toctree, encoding="utf-8")
    return folder


def built(folder, *extensions, **config):
    """Build a project and give its pages, parsed, by name."""
    config = {
        "extensions": ["myst_nb", "chapter_info", *extensions],
        "exclude_patterns": ["_*", "jupyter_execute"],
        "nb_execution_mode": "off",
        "html_theme": "basic",
        **OWN_PLACES.get(extensions[0], {}),
        **config,
    }
    out = folder / "_out"
    with docutils_namespace():
        Sphinx(folder, None, out, folder / "_trees", "html", config, status=None, warningiserror=True).build()
    return {str(path.relative_to(out)): parsed(path) for path in out.rglob("*.html")}


def parsed(path):
    """A page."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


# --- Glossary -------------------------------------------------------------------------------------

GLOSSARY = """# Words

```{glossary}
learning rate
  How far *an* update goes.

batch
mini-batch
  Some examples.

batch size
  How many <examples>.

SGD
  Plain descent.
```
"""
TEXT = """The Learning
rate, the learning rate again, and learning-rate tests. A mini-batch, two batches, one **batch
size**. SGD is not sgd, `SGD` is code.

## SGD in a heading

| SGD | batch |
| --- | --- |
| learning rate | x |

[The batch](https://example.org) and $batch$.
"""


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """A page with terms, as built."""
    folder = project(
        tmp_path_factory.mktemp("glossary"),
        new_markdown_cell(TEXT),
        cell("batch", "SGD"),
        glossary=GLOSSARY,
        other="# SGD and batch\n\nNo use.",
    )
    return built(folder, "glossary_links")


def test_first_use_of_each_term_leads_to_its_definition(linked):
    page = linked[f"{CHAPTER}.html"]
    terms = page.select("a.glossary-term")
    assert [" ".join(term.text.split()) for term in terms] == ["Learning rate", "mini-batch", "batch size", "SGD"]
    assert [term["href"] for term in terms] == [
        f"../glossary.html#{label}" for label in ("term-learning-rate", "term-batch", "term-batch-size", "term-SGD")
    ]
    ids = {element["id"] for element in linked["glossary.html"].find_all(id=True)}
    assert {term["href"].split("#")[1] for term in terms} <= ids


def test_definition_is_at_hand_and_not_in_the_search_index(linked):
    page = linked[f"{CHAPTER}.html"]
    for term in page.select("a.glossary-term"):
        assert page.find(id=term["aria-describedby"])["role"] == "tooltip"
    assert page.find(id="definition-term-learning-rate").text == "How far an update goes."
    assert page.find(id="definition-term-batch-size").text == "How many <examples>."
    assert [link["href"].split("?")[0] for link in page.select('link[href*="glossary.css"]')] == [
        "../_static/glossary.css"
    ]


def test_headings_code_tables_and_the_glossary_itself_stay_as_they_are(linked):
    assert not linked["glossary.html"].select("a.glossary-term") and not linked["other.html"].select("a.glossary-term")
    page = linked[f"{CHAPTER}.html"]
    assert not page.select(
        "h2 a.glossary-term, table a.glossary-term, code a.glossary-term, a a, .cell a.glossary-term"
    )
    assert not linked["other.html"].select('link[href*="glossary.css"]')


def test_changed_definition_reaches_every_page(tmp_path):
    folder = project(tmp_path, new_markdown_cell("A batch."), glossary=GLOSSARY)
    built(folder, "glossary_links")
    (folder / "glossary.md").write_text(GLOSSARY.replace("Some examples", "Other examples"), encoding="utf-8")
    assert "Other examples" in built(folder, "glossary_links")[f"{CHAPTER}.html"].text


def test_glossary_of_the_book_is_whole():
    text = (BOOK / "glossary.md").read_text(encoding="utf-8").split("## Symbols")[0]
    definitions = re.findall(r"^  \S.*(?:\n  \S.*)*", text, re.MULTILINE)
    assert len(definitions) >= 30
    for definition in definitions:
        assert definition.rstrip().endswith(".") and "$" not in definition and "`" not in definition, definition


# --- Status ---------------------------------------------------------------------------------------

TRIAL = {"framework": "pytorch", "seed": 0, "seconds": 1800.0, "versions": {"torch": "2.13"}, "hardware": "an EPYC"}
TRIAL |= {"vendor": "AuthenticAMD", "capability": "AVX2"}
STATUS = "# Status\n\n" + "\n\n".join(
    f"```{{status}} {name}\n```" for name in ("chapters", "versions", "trials", "pages")
)


def write_trials(folder, *trials):
    """Store trials as an experiment."""
    (folder / "results" / "s9").mkdir(parents=True, exist_ok=True)
    content = {"experiment": "s9", "setting": "a", "settings": {}, "trials": trials}
    (folder / "results" / "s9" / "a.json").write_text(json.dumps(content), encoding="utf-8")


def tables(page):
    """The page's tables as lists of rows."""
    return [
        [[c.text.strip() for c in row.select("th, td")] for row in table.select("tr")] for table in page.select("table")
    ]


def test_status_is_made_of_what_the_files_say_and_made_anew(tmp_path):
    cells = [cell("a", "1.5\n"), cell("b", "2\n", ["nbval-ignore-output"]), cell("c", "yes\n")]
    folder = project(tmp_path, *cells, status=STATUS)
    write_trials(folder, TRIAL, {**TRIAL, "framework": "keras", "versions": {"keras": "3.15"}})
    chapters, versions, trials, pages = tables(built(folder, "status")["status.html"])
    assert chapters[1:] == [["One", "71 s", "2026-11-21", "1"], ["All chapters", "1 min", "", "1"]]
    known = {row[0]: row[1:] for row in versions[1:]}
    assert known["PyTorch"] == ["2.13", "2.13"] and known["Keras"] == ["not recorded", "3.15"]
    assert known["Instruction set"] == ["not recorded", "AVX2 of AuthenticAMD"]
    assert known["Machine"] == ["not recorded", "an EPYC"] and known["lrlib"] == ["not recorded"] * 2
    assert trials[1:] == [["s9", "1", "1", "1", "0", "1.0"], ["all", "1", "1", "1", "0", "1.0"]]
    assert ["lrlib, for the reference", lrlib.__version__] in pages
    # A new result and a newly executed notebook show at the next build.
    write_trials(folder, TRIAL)
    project(tmp_path, *cells, measured={**MEASURED, "machine": "a Ryzen"}, status=STATUS)
    _, versions, trials, _ = tables(built(folder, "status")["status.html"])
    assert versions[-2] == ["Machine", "a Ryzen", "an EPYC"] and trials[1] == ["s9", "1", "1", "0", "0", "0.5"]


def test_chapter_that_lacks_its_measurement_says_so(tmp_path):
    folder = project(tmp_path, measured=None, status="# Status\n\n```{status} chapters\n```")
    assert tables(built(folder, "status")["status.html"])[0][1] == ["One", "not recorded", "not recorded", "0"]


def test_chapters_that_differ_are_told_apart():
    assert status.by_value({"chapters/a": ["1"], "chapters/b": ["1"]}) == "1"
    assert status.by_value({"chapters/a": ["1"], "chapters/b": ["2", None]}) == "1 (a); 2 (b)"
    assert status.by_value({}) == status.by_value({"a": [None]}) == "not recorded"


def test_unknown_table_is_refused(tmp_path):
    folder = project(tmp_path, status="# Status\n\n```{status} nothing\n```")
    with pytest.raises(SphinxError, match="no table is called 'nothing'; there are: chapters, versions, trials, pages"):
        built(folder, "status")


# --- Launch buttons -------------------------------------------------------------------------------


@pytest.mark.parametrize("uncommented", [False, True])
def test_notebooks_offer_binder_and_colab_where_the_repository_is_named(tmp_path, uncommented):
    text = (ROOT / "_config.yml").read_text(encoding="utf-8")
    if uncommented:
        text = re.sub("^# (repository:|launch_buttons:|  colab_url:)", r"\1", text, flags=re.MULTILINE)
    settings = {key: value for key, value in yaml.safe_load(text).items() if key not in ("sphinx", "bibtex_bibfiles")}
    (tmp_path / "_config.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (tmp_path / "_toc.yml").write_text(f"format: jb-book\nroot: index\nchapters:\n- file: {CHAPTER}\n")
    (tmp_path / "book").mkdir()
    pages = build_book(project(tmp_path), "0")
    links = {
        name: [link["href"] for link in parsed(pages / f"{name}.html").select(".dropdown-launch-buttons a")]
        for name in (CHAPTER, "index")
    }
    binder = "https://mybinder.org/v2/gh/OWNER/NAME/main?urlpath=lab/tree/chapters/one.ipynb"
    colab = "https://colab.research.google.com/github/OWNER/NAME/blob/main/chapters/one.ipynb"
    assert links == {CHAPTER: [binder, colab] if uncommented else [], "index": []}


def test_notebooks_stand_where_the_links_say():
    # Paths in the links are relative to the folder of _config.yml, which must be the repository's own.
    assert (ROOT / "_config.yml").exists() and (ROOT / "environment.yml").exists()
    assert (ROOT / "book" / "chapters" / "learning_rate.ipynb").exists()


# --- The archive ----------------------------------------------------------------------------------


@pytest.fixture
def small_site(tmp_path):
    """A site as `built` leaves it, with a link to its archive."""
    site = tmp_path / "html"
    (site / "book").mkdir(parents=True)
    (site / "_static" / "vendor" / "pyodide").mkdir(parents=True)
    (site / "_static" / "vendor" / "pyodide" / "x.wasm").write_bytes(b"x")
    (site / "_static" / "a.js.map").write_text("{}")
    (site / "book" / ".index.html.x1.tmp").write_text("half")  # a killed writer's
    link = f'<a class="site-archive reference internal" href="../{site_zip.ARCHIVE}">all</a>'
    page = f'<p>Take {link}<span class="site-archive-size"></span>.</p>'
    (site / "book" / "index.html").write_text(page, encoding="utf-8")
    (site / "index.html").write_text('<a href="book/index.html">in</a>', encoding="utf-8")
    return site


def test_archive_is_the_same_whenever_it_is_made(small_site):
    site_zip.main(small_site)
    first = (small_site / site_zip.ARCHIVE).read_bytes()
    for file in small_site.rglob("*.html"):
        os.utime(file, (1, 1_000_000_000))
    site_zip.main(small_site)  # also from pages that show a size by now
    assert (small_site / site_zip.ARCHIVE).read_bytes() == first
    (small_site / "index.html").write_text("other", encoding="utf-8")
    site_zip.main(small_site)
    assert (small_site / site_zip.ARCHIVE).read_bytes() != first


def test_archive_is_whole_without_itself(small_site, tmp_path):
    site_zip.main(small_site)
    assert link_faults(small_site) == []
    assert " (0 MB)" in (small_site / "book" / "index.html").read_text(encoding="utf-8")
    with zipfile.ZipFile(small_site / site_zip.ARCHIVE) as archive:
        archive.extractall(tmp_path / "here")
    inside = tmp_path / "here" / "learning-rate-schedules"
    assert sorted(str(p.relative_to(inside)) for p in inside.rglob("*") if p.is_file()) == [
        "book/index.html",
        "index.html",
    ]
    assert link_faults(inside) == []
    assert "<p>Take all.</p>" in (inside / "book" / "index.html").read_text(encoding="utf-8")


def test_role_links_to_the_archive(tmp_path):
    folder = project(tmp_path, new_markdown_cell("Take {site-archive}`it all`."))
    page = built(folder, "site_archive")[f"{CHAPTER}.html"]
    link = page.select_one("a.site-archive")
    assert link["href"] == f"../{site_zip.ARCHIVE}" and link.find_next_sibling()["class"] == ["site-archive-size"]
    assert site_zip.offline(str(link.parent)) == "<p>Take it all.</p>"


def test_a_new_version_of_lrlib_reaches_the_pages_that_name_it(tmp_path, monkeypatch):
    texts = {"cite": "```{citation}\n```", "get": "```{install-command}\n```", "status": "```{status} pages\n```"}
    folder = project(tmp_path, **{name: f"# {name}\n\n{text}" for name, text in texts.items()})
    source = tmp_path / "package" / "lrlib" / "__init__.py"
    source.parent.mkdir(parents=True)
    source.write_text('__version__ = "0.0.0"\n')
    monkeypatch.setattr(lrlib, "__file__", str(source))
    monkeypatch.setattr(runnable, "ROOT", tmp_path / "package")
    monkeypatch.setattr(runnable, "PACKAGE", ("lrlib",))
    extensions = ("status", "page_meta", "site_archive")
    assert "0.0.0" in built(folder, *extensions)["get.html"].text
    monkeypatch.setattr(lrlib, "__version__", "7.8.9")
    source.write_text('__version__ = "7.8.9"\n')
    os.utime(source, (later := time.time() + 60, later))
    pages = built(folder, *extensions)
    assert [name for name in texts if "7.8.9" not in pages[f"{name}.html"].text] == []


# --- References -----------------------------------------------------------------------------------


def test_references_name_the_pages_that_cite_them(tmp_path):
    bib = "@misc{one, author={One}, title={A}, year={2001}}\n@misc{two, author={Two}, title={B}, year={2002}}"
    (tmp_path / "all.bib").write_text(bib, encoding="utf-8")
    folder = project(tmp_path, new_markdown_cell("{cite}`one`"), list="# List\n\n```{bibliography}\n:all:\n```")
    settings = {"bibtex_bibfiles": ["all.bib"]}
    extensions = ("sphinxcontrib.bibtex", "references")
    entries = [e.text.strip() for e in built(folder, *extensions, **settings)["list.html"].select("ul > li.citation")]
    assert entries == ["One. A. 2001. Cited in One.", "Two. B. 2002."]
    project(tmp_path, new_markdown_cell("{cite}`two`"), list="# List\n\n```{bibliography}\n:all:\n```")
    entries = [e.text.strip() for e in built(folder, *extensions, **settings)["list.html"].select("ul > li.citation")]
    assert entries == ["One. A. 2001.", "Two. B. 2002. Cited in One."]


# --- Two builds give the same pages ---------------------------------------------------------------

TOC = """format: jb-book
root: book/glossary
chapters:
  - file: book/chapters/cycling
  - file: book/chapters/verdicts
  - file: book/references
  - file: book/status
"""


def reduced_book(folder):
    """Copy what two real chapters and the generated pages need, with the book's own settings."""
    chapters = [file for name in ("cycling", "verdicts") for file in BOOK.glob(f"chapters/{name}.*")]
    for name in ("_ext", "_root", "_static", "_tools", "results"):
        shutil.copytree(BOOK / name, folder / "book" / name, ignore=shutil.ignore_patterns("pyodide", "__pycache__"))
    for file in [*BOOK.glob("*.md"), BOOK / "references.bib", *chapters]:
        target = folder / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    shutil.copy(ROOT / "_config.yml", folder)
    (folder / "_toc.yml").write_text(TOC, encoding="utf-8")
    return folder


def build_book(folder, seed):
    """Run Jupyter Book on a folder and return its pages' folder."""
    done = subprocess.run(
        [sys.executable, "-c", build.JUPYTER_BOOK, "build", str(folder), "--path-output", str(folder / "book"), "-q"],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "book" / "_build" / "html"


def differences(one, other):
    """Name the files that two folders do not have alike."""
    contents = [
        {str(p.relative_to(top)): p.read_bytes() for p in top.rglob("*") if p.is_file()} for top in (one, other)
    ]
    return sorted(name for name in contents[0] | contents[1] if contents[0].get(name) != contents[1].get(name))


def test_clean_and_warm_builds_give_the_same_pages(tmp_path):
    places = [reduced_book(tmp_path / name) for name in ("one", "a longer name")]
    one, other = (build_book(place, seed) for place, seed in zip(places, ("1", "2"), strict=True))
    assert differences(one, other) == []
    for page in one.rglob("*.html"):  # no path of this machine
        text = page.read_text(encoding="utf-8")
        assert str(tmp_path) not in text and str(ROOT) not in text
    # A word comes and goes: the pages are what they were.
    chapter = places[1] / "book" / "chapters" / "cycling.ipynb"
    before = chapter.read_text(encoding="utf-8")
    assert before.count('"# Cycling\\n"') == 1
    chapter.write_text(before.replace('"# Cycling\\n"', '"# Cycling, unheardof\\n"'), encoding="utf-8")
    build_book(places[1], "3")
    changed = differences(one, other)
    assert "book/chapters/cycling.html" in changed and "searchindex.js" in changed
    chapter.write_text(before, encoding="utf-8")
    build_book(places[1], "4")
    assert differences(one, other) == []


def drawing(number):
    """A cell with a picture, which differs by the number."""
    stream = io.BytesIO()
    Image.new("RGB", (1, 1), (number, 0, 0)).save(stream, "png")
    picture = base64.b64encode(stream.getvalue()).decode()
    return new_code_cell("draw()", outputs=[new_output("display_data", data={"image/png": picture})])


def site_files(folder):
    """The files of a project's site."""
    return {str(path.relative_to(folder / "_out")) for path in (folder / "_out").rglob("*") if path.is_file()}


def test_what_no_page_shows_any_more_leaves_the_site(tmp_path):
    old, new = (tmp_path / name for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir()
        (folder / "a b.txt").write_text("data")
        Image.new("RGB", (1, 1)).save(folder / "a-(1)-ü.png")
    kept = "# Kept\n\n```{image} a-(1)-ü.png\n```\n\n{download}`it <a b.txt>`"
    project(old, drawing(1), drawing(2), kept=kept, gone="# Gone\n\n{download}`more <gone.md>`")
    built(old, "reproducible")
    (old / "_out" / "redirect.html").write_text("of no document")
    before = site_files(old)
    (old / "gone.md").unlink()
    for folder in (old, new):
        built(project(folder, drawing(2), drawing(3), kept=kept), "reproducible")
    assert site_files(old) == site_files(new) | {"redirect.html"}
    lost = sorted(name.rpartition("/")[2] for name in before - site_files(old))
    assert len(lost) == 4 and {"gone.html", "gone.md", "gone.md.txt"} < set(lost)  # and a picture
    assert {"genindex.html", "search.html", "_images/a-(1)-ü.png"} <= site_files(old)
    assert list((old / "_out/_downloads").rglob("a b.txt"))


# --- In the browser -------------------------------------------------------------------------------

with_site = pytest.mark.skipif(not (SITE / site_zip.ARCHIVE).exists(), reason="the book is not built: run make book")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The archive, unpacked; gives the address of its folder."""
    folder = tmp_path_factory.mktemp("archive")
    with zipfile.ZipFile(SITE / site_zip.ARCHIVE) as archive:
        archive.extractall(folder)
    return (folder / "learning-rate-schedules").as_uri()


@with_site
def test_links_of_the_unpacked_book_lead_somewhere(unpacked):
    assert link_faults(Path(unpacked.removeprefix("file://"))) == []


@needs_browser
@with_site
@pytest.mark.parametrize(
    "name", ["index", "book/chapters/cycling", "book/glossary", "book/status", "book/references", "search"]
)
def test_unpacked_book_works_without_server_and_network(browser, unpacked, name):
    with opened(browser, unpacked, f"{name}.html", offline=True) as page:
        settle(page)
        if name.endswith("cycling"):
            assert page.locator("mjx-container").count() > 0
            assert page.locator("mjx-merror").count() == 0
        assert page.watch.faults() == []


@needs_browser
@with_site
@pytest.mark.parametrize("where", ["home", "unpacked"])
def test_search_finds_pages(browser, request, where):
    with opened(browser, request.getfixturevalue(where), "search.html?q=triangular2") as page:
        page.wait_for_selector("#search-results li a")
        page.wait_for_function("document.querySelector('#search-results').innerText.includes('finished')")
        found = page.locator("#search-results li a").all_inner_texts()
        names = {re.sub(r"^\d+\. ", "", name) for name in found}  # chapters have numbers
        assert {"Cycling", "Glossary", "lrlib.Triangular2"} <= names
        settle(page)
        assert page.watch.faults() == []


@needs_browser
@with_site
def test_definition_opens_by_keyboard_and_closes_with_escape(browser, home):
    with opened(browser, home, "book/chapters/step_and_plateau.html", width=360) as page:
        term = page.locator("a.glossary-term").nth(1)
        definition = page.locator(f"#{term.get_attribute('aria-describedby')}")
        expect(definition).to_be_hidden()
        term.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")  # so that the focus came by keyboard
        expect(definition).to_be_visible()
        box = definition.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.keyboard.press("Escape")
        expect(definition).to_be_hidden()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        expect(definition).to_be_visible()
        page.keyboard.press("Enter")
        page.wait_for_url("**/book/glossary.html#term-*")


@needs_browser
@with_site
def test_code_is_copied_by_keyboard(browser, home):
    with opened(browser, home, "book/chapters/cycling.html", permissions=["clipboard-read", "clipboard-write"]) as page:
        button = page.locator(".cell_input button.copybtn:visible").first
        code = button.locator("xpath=preceding-sibling::pre").inner_text()
        button.focus()
        assert (button.get_attribute("aria-label") or button.inner_text()).strip() or button.get_attribute(
            "data-tooltip"
        )
        page.keyboard.press("Enter")
        copied = "async (code) => (await navigator.clipboard.readText()).trim() === code"
        page.wait_for_function(copied, arg=code.strip())
