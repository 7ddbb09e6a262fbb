"""The chapters' questions: what stops the build, what the page does with them; the answers are what was printed."""

import io
import itertools
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from browser import needs_browser, needs_site, opened, served, still
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from page_faults import axe_faults
from playwright.sync_api import expect
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

BOOK = Path(__file__).resolve().parents[2] / "book"
import notebooks

from lrlib.course import questions

CHAPTERS = sorted((BOOK / "chapters").glob("*.ipynb"))
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)

PAGE = """# A chapter

## Your prediction

1. The rate is **higher / not clearly different / lower** here.
2. It falls **once / twice**.

## The experiment

Nothing is given away.

### A slip

<!-- answers 2 -->

It falls twice, the slip says.

### Another part

Open to all.

## The result

The rate rose.

### A detail

The word petrichor stands in the fold, and the decay of it.

## Reading the result

**Your predictions:**

1. **higher**: it rose.
2. **twice**: as the slip said.

## Check yourself

1. What is in force? **the label / the optimizer's rate**
2. A cut acts **at once / later**.

<details>
<summary>Answers</summary>

1. **the optimizer's rate**: labels lie.
2. **at once**: in PyTorch.

</details>
"""


GLOSSARY = """# Glossary

```{glossary}
optimizer
  The rule that turns gradients into updates.

PyTorch
  A framework for learning by gradients.
```
"""


def build(folder, pages, theme="basic", **config):
    """Build pages with Sphinx; returns the output folder and the warnings."""
    folder.mkdir(exist_ok=True)
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    static = folder / "static"
    static.mkdir(exist_ok=True)
    for name in ("elements", "storage", "search_words", "predictions", "glossary"):
        for path in (BOOK / "_static").glob(f"{name}.*"):
            shutil.copy(path, static)
    settings = {
        # Of one process's builds all read Markdown with the same parser: Sphinx keeps the first one's.
        "extensions": ["myst_nb", "numbered_links", "predictions", "glossary_links"],
        "glossary_page": "glossary",
        "nb_execution_mode": "off",
        "myst_enable_extensions": ["dollarmath"],
        "html_theme": theme,
        "html_static_path": ["static"],
        "html_js_files": ["elements.js", "storage.js"],  # as _config.yml has it
        "nitpicky": True,
        **config,
    }
    warnings = io.StringIO()
    with docutils_namespace():
        out = folder / "out"
        Sphinx(folder, None, out, folder / "trees", "html", settings, status=None, warning=warnings).build()
    return out, warnings.getvalue()


# --- What the build accepts -----------------------------------------------------------------------


def test_questions_and_what_gives_answers_away_are_marked(tmp_path):
    out, warnings = build(tmp_path, {"index": PAGE})
    assert warnings == ""
    soup = BeautifulSoup((out / "index.html").read_text(encoding="utf-8"), "html.parser")
    kinds = [" ".join(sorted(set(numbered["class"]) - {"arabic", "simple"})) for numbered in soup.select("ol")]
    assert kinds == ["prediction questions", "answers prediction", "questions quiz", "answers quiz"]
    assert [strong.text for strong in soup.select(".answers .answer")][:2] == ["higher", "twice"]
    folded = [section.h2.text.rstrip("¶#") for section in soup.select("section.gives-away")]
    assert folded == ["The result", "Reading the result", "Check yourself"]
    slip = soup.select_one("div.gives-away.answers-2")
    assert "It falls twice, the slip says." in slip.text and "Open to all." not in slip.text
    assert not soup.select("[hidden]") and not soup.select("input[type=radio]")  # all this is the script's


@pytest.mark.parametrize("numbers", ["1 2", "1, 2"])
def test_a_fold_may_wait_for_two_answers(tmp_path, numbers):
    out, warnings = build(tmp_path, {"index": PAGE.replace("<!-- answers 2 -->", f"<!-- answers {numbers} -->")})
    soup = BeautifulSoup((out / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert warnings == "" and soup.select("div.gives-away.answers-1.answers-2")


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("1. **higher**: it rose.", "1. **rising**: it rose.", "answer 1 is 'rising', which is none of the choices"),
        ("1. **higher**: it rose.", "1. It rose.", "answer 1 does not begin with a choice in bold"),
        ("<!-- answers 2 -->", "<!-- answers 2 and 1 -->", "<!-- answers 2 and 1 --> folds nothing"),
        ("\n2. **twice**: as the slip said.", "", "2 questions, but 1 answers"),
        ("**Your predictions:**", "**So:**", "the prediction has no list of answers"),
        ("**once / twice**", "once / twice", "this has 0"),
        ("**once / twice**", "**once / twice**, **yes / no**", "this has 2"),
        ("**once / twice**", "**twice / twice**", "a choice stands twice"),
        ("## The result", "## What came out", "no section 'The result'"),
        ("1. **the optimizer's rate**", "1. **the rate**", "answer 1 is 'the rate'"),
        ("1. **the optimizer's rate**: labels lie.\n2. **at once**: in PyTorch.", "Think.", "the quiz has no list"),
        ("1. What is in force? **the label / the optimizer's rate**\n2. A cut", "A cut", "2 answers"),
    ],
)
def test_a_bad_question_or_answer_is_a_warning(tmp_path, before, after, fault):
    assert PAGE.count(before) == 1
    text = PAGE.replace(before, after)
    if fault == "2 answers":
        text = text.replace("A cut acts", "1. A cut acts")
    assert fault in build(tmp_path, {"index": text})[1]


def test_only_pages_with_questions_load_the_script(tmp_path):
    out, _ = build(tmp_path, {"index": "# Home\n\n```{toctree}\nquiz\n```", "quiz": PAGE})
    assert "predictions.js" in (out / "quiz.html").read_text(encoding="utf-8")
    assert "predictions" not in (out / "index.html").read_text(encoding="utf-8")


FIGURES = """# Numbers

See [the figure](#fig-a) and [the rule](#eq-a).

```{figure} dot.png
:name: fig-a
A dot.
```

$$ a = b $$ (eq-a)
"""


def test_links_to_figures_and_equations_are_numbered(tmp_path):
    (tmp_path / "dot.png").write_bytes(b"")
    out, warnings = build(tmp_path, {"index": FIGURES})
    assert warnings == ""
    soup = BeautifulSoup((out / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert soup.select_one("section > p").text == "See Figure 1 and equation 1."
    for link in soup.select("section > p a"):
        assert soup.find(id=link["href"].removeprefix("#"))
    assert soup.select_one("figcaption").text.strip().startswith("Figure 1 A dot.")


@pytest.mark.parametrize("target", ["#fig-a", "#eq-a"])
def test_a_link_to_no_figure_is_a_warning(tmp_path, target):
    (tmp_path / "dot.png").write_bytes(b"")
    warnings = build(tmp_path, {"index": FIGURES.replace(f"]({target})", f"]({target}s)")})[1]
    assert f"{target[1:]}s" in warnings


# --- What the page does ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(browser, tmp_path_factory):
    """Two pages with the same questions, and a glossary, in the book's theme, served."""
    folder = tmp_path_factory.mktemp("site") / "source"
    home = "# Home\n\n```{toctree}\none\ntwo\nglossary\n```\n"
    pages = {"index": home, "one": PAGE, "two": PAGE, "glossary": GLOSSARY}
    out, warnings = build(folder, pages, "sphinx_book_theme", html_context={"default_mode": "auto"})
    assert warnings == ""
    (out / "favicon.ico").touch()  # browsers ask for one
    with served(out) as address:
        yield lambda path="one.html", **more: opened(browser, address, path, **more)


def shown(page, text):
    """Whether the reader sees a text, once the page has drawn what changed."""
    still(page)
    return page.get_by_text(text, exact=False).last.evaluate("node => node.checkVisibility()")


def answer(page, *values):
    """Choose answers by their words."""
    for value in values:
        page.get_by_label(value, exact=True).check()


@pytest.mark.slow
@needs_browser
def test_result_is_folded_until_all_is_answered(site):
    with site() as page:
        legends = page.locator("fieldset.question legend").all_text_contents()
        assert legends == ["The rate is … here.", "It falls …", "What is in force? ", "A cut acts …"]
        assert page.get_by_role("group", name="It falls …").get_by_role("radio").count() == 2
        assert not shown(page, "The rate rose.") and not shown(page, "the slip says")
        assert shown(page, "Nothing is given away.") and shown(page, "Open to all.")
        answer(page, "once")
        assert shown(page, "the slip says") and not shown(page, "The rate rose.")
        expect(page.get_by_text("1 of 2 answered")).to_be_visible()
        answer(page, "higher")
        assert shown(page, "The rate rose.")
        verdicts = page.locator(".answers.prediction .verdict").all_inner_texts()
        assert verdicts == ["✓ You predicted “higher”. It held.", "✗ You predicted “once”. It did not hold."]
        assert page.watch.errors == page.watch.failed == []


@pytest.mark.slow
@needs_browser
def test_answers_are_kept_for_this_page_only(site):
    with site() as page:
        answer(page, "higher")
        page.reload()
        assert page.get_by_label("higher").is_checked() and not shown(page, "The rate rose.")
        answer(page, "twice")
        page.reload()
        assert shown(page, "The rate rose.")
        page.goto(page.url.replace("one.html", "two.html"))
        assert page.locator("input:checked").count() == 0 and not shown(page, "The rate rose.")
        page.goto(page.url.replace("two.html", "one.html"))
        page.get_by_role("button", name="Start again").click()
        assert page.locator("input:checked").count() == 0 and not shown(page, "The rate rose.")
        page.reload()
        assert page.locator("input:checked").count() == 0 and not shown(page, "The rate rose.")


@pytest.mark.slow
@needs_browser
def test_reader_may_see_the_result_without_answering(site):
    with site() as page:
        page.get_by_role("button", name="Show without answering").last.click()
        assert shown(page, "The rate rose.") and not shown(page, "the slip says")
        page.wait_for_function("document.activeElement.textContent.startsWith('The result')")
        expect(page.locator(".answers.prediction .verdict").first).to_have_text("You have not predicted this.")
        page.reload()
        assert shown(page, "The rate rose.")


@pytest.mark.slow
@needs_browser
def test_a_result_that_was_shown_can_be_folded_again(site):
    with site() as page:
        again = page.get_by_role("button", name="Start again")
        expect(again).to_be_hidden()
        page.get_by_role("button", name="Show without answering").last.click()
        again.click()
        assert not shown(page, "The rate rose.")
        expect(again).to_be_hidden()


@pytest.mark.slow
@needs_browser
def test_two_tabs_show_and_keep_each_others_answers(site):
    with site() as page:
        other = page.context.new_page()
        other.goto(page.url)
        answer(other, "higher")
        expect(page.get_by_label("higher")).to_be_checked()
        expect(page.get_by_text("1 of 2 answered")).to_be_visible()
        answer(page, "twice")
        expect(other.get_by_text("The rate rose.")).to_be_visible()
        page.get_by_label("the label").check()
        expect(other.get_by_text("✗ Not “the label”.")).to_be_visible()
        other.reload()
        assert other.locator("input:checked").count() == 3
        other.get_by_role("button", name="Start again").click()
        expect(page.get_by_text("0 of 2 answered")).to_be_visible()
        assert page.locator("input:checked").count() == 1 and not shown(page, "The rate rose.")  # the quiz's stays


@pytest.mark.slow
@needs_browser
def test_what_was_kept_meanwhile_is_merged_and_shown_when_the_page_comes_back(site):
    with site() as page:
        page.evaluate("""localStorage.setItem('answers:/one.html', '{"answers": {"prediction-2": "once"}}')""")
        answer(page, "higher")  # no event told the page of the other answer
        assert page.get_by_label("once", exact=True).is_checked() and shown(page, "The rate rose.")
        page.evaluate("localStorage.removeItem('answers:/one.html')")
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
        assert page.locator("input:checked").count() == 0 and not shown(page, "The rate rose.")


@pytest.mark.slow
@needs_browser
def test_without_script_all_is_text_and_open(site):
    with site(java_script_enabled=False) as page:
        for text in ("higher / not clearly different / lower", "the slip says", "The rate rose.", "labels lie"):
            assert page.get_by_text(text).count() == 1
        assert page.locator("[hidden], .fold-bar, input[type=radio]").count() == 0
        assert page.get_by_text("The rate rose.").is_visible()


# As in a browser that cannot search in what is hidden, and opens nothing by itself.
PLAIN = "delete HTMLElement.prototype.onbeforematch"


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("script", ["", PLAIN], ids=["until-found", "plain"])
def test_links_open_the_fold(site, script):
    def visit(path):
        page.add_init_script(script)
        page.goto(page.url.replace("index.html", path))

    with site("index.html") as page:
        visit("one.html#a-detail")
        assert shown(page, "petrichor") and not shown(page, "the slip says")
        page.wait_for_function("Math.abs(document.getElementById('a-detail').getBoundingClientRect().top) < 200")
    with site("index.html") as page:
        visit("one.html")
        assert not shown(page, "petrichor")
        page.locator(".bd-sidebar-secondary a[href='#reading-the-result']").click()
        assert shown(page, "petrichor")
        page.wait_for_function("document.getElementById('reading-the-result').getBoundingClientRect().top < 800")
    with site("index.html") as page:
        visit("one.html")
        page.evaluate("location.hash = 'reading-the-result'")
        page.wait_for_function("document.getElementById('reading-the-result').checkVisibility()")
        answer(page, "once")
        page.get_by_role("button", name="Start again").click()
        assert not shown(page, "petrichor")
        page.locator(".bd-sidebar-secondary a[href='#reading-the-result']").click()  # the address stays as it is
        assert shown(page, "petrichor")


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("hash_", ["#100%", "#%E0%A4%A"])
def test_an_address_that_cannot_be_decoded_leads_nowhere(site, hash_):
    with site(f"one.html{hash_}") as page:
        assert page.get_by_role("radio", include_hidden=True).count() == 9
        page.evaluate("hash => { location.hash = hash; }", "#a%")
        still(page)
        assert not shown(page, "petrichor") and page.watch.errors == []


@pytest.mark.slow
@needs_browser
def test_what_is_searched_for_opens_the_fold(site):
    with site("one.html#:~:text=petrichor") as page:  # the browser's own search in the page does the same
        page.wait_for_function("document.getElementById('a-detail').checkVisibility()")
    with site("search.html?q=petrichor") as page:
        page.locator("#search-results a").first.click()
        page.locator(".fold-bar").first.wait_for()  # until then nothing is folded
        assert shown(page, "petrichor") and not shown(page, "the slip says")


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize(
    ("query", "opens"),
    [
        ("petrichors standing", True),  # as the search index stems words
        ("Annealing", True),  # the page says decay
        ("how is petrichor spelled", False),  # "how" stands nowhere
        ("petri", False),
        ("higher unicorn", False),
        ("petrichor rose", False),  # of two paragraphs
        ("the", False),
        ("2", False),
        ("constructor", False),
    ],
)
def test_only_a_fold_that_has_all_words_of_the_search_opens(site, query, opens):
    with site(f"search.html?q={query}") as page:
        page.goto(page.url.split("search.html", maxsplit=1)[0] + "one.html", referer=page.url)
        page.locator(".fold-bar").first.wait_for()
        assert shown(page, "petrichor") == opens and not shown(page, "the slip says")


@pytest.mark.slow
@needs_browser
def test_print_shows_all(site):
    with site() as page:
        page.emulate_media(media="print")
        for text in ("the slip says", "The rate rose."):
            assert shown(page, text)
        expect(page.locator(".fold-bar").first).to_be_hidden()
        for _ in range(2):  # a browser may say it twice
            page.evaluate("dispatchEvent(new Event('beforeprint'))")
            assert shown(page, "labels lie")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert not shown(page, "labels lie")
        page.locator("summary").last.click()
        page.evaluate("dispatchEvent(new Event('beforeprint')), dispatchEvent(new Event('afterprint'))")
        assert shown(page, "labels lie")  # the reader's own choice stays


@pytest.mark.slow
@needs_browser
def test_quiz_answers_at_once(site):
    with site() as page:
        page.get_by_role("button", name="Show without answering").last.click()
        feedback = page.locator(".quiz [role=status]")
        answer(page, "the label")
        expect(feedback.first).to_have_text("✗ Not “the label”. Try again, or read the answers below.")
        page.get_by_label("the optimizer’s rate").check()
        expect(feedback.first).to_have_text("✓ Right. the optimizer’s rate: labels lie.")
        expect(feedback.nth(1)).to_have_text("")
        page.reload()
        expect(feedback.first).to_contain_text("✓ Right.")
        expect(page.get_by_text("0 of 2 answered")).to_be_visible()  # the quiz is no prediction


@pytest.mark.slow
@needs_browser
def test_definitions_are_no_part_of_choices_and_answers(site):
    with site() as page:
        page.get_by_role("button", name="Show without answering").last.click()
        values = page.locator(".quiz input").evaluate_all("all => all.map((e) => e.value)")
        assert values == ["the label", "the optimizer’s rate", "at once", "later"]
        assert page.locator(".quiz label").all_inner_texts() == values
        answer(page, "the optimizer’s rate", "at once")
        feedback = page.locator(".quiz [role=status]")
        assert feedback.evaluate_all("all => all.map((e) => e.dataset.verdict)") == ["right", "right"]
        assert feedback.last.locator("a.glossary-term").inner_text() == "PyTorch"  # an answer's reason may have one
        ids = page.locator("[id]").evaluate_all("all => all.map((e) => e.id)")
        assert sorted(ids) == sorted(set(ids))
    with site("search.html?q=framework") as page:  # a word of a definition only
        page.goto(page.url.replace("search.html?q=framework", "one.html"), referer=page.url)
        page.locator(".fold-bar").first.wait_for()
        assert not shown(page, "The rate rose.")


REFUSED = {
    "refused": "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('', 'SecurityError') }})",
    "full": "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }",
}


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize(
    "stored",
    [*REFUSED, "{", "5", "null", '{"answers": 3, "shown": 7}', '{"answers": {"prediction-1": "gone"}, "shown": ["1"]}'],
)
def test_storage_may_be_refused_or_hold_anything(site, stored):
    with site("index.html") as page:
        page.add_init_script(REFUSED.get(stored, f"localStorage.setItem('answers:/one.html', {stored!r})"))
        page.goto(page.url.replace("index.html", "one.html"))
        assert page.locator("input:checked").count() == 0 and not shown(page, "The rate rose.")
        answer(page, "higher", "twice")
        assert shown(page, "The rate rose.") and page.locator("input:checked").count() == 2


@pytest.mark.slow
@needs_browser
def test_keyboard_is_enough(site):
    with site() as page:
        page.get_by_label("higher").focus()
        page.keyboard.press("Space")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("ArrowDown")
        assert page.get_by_label("not clearly different").is_checked()
        page.keyboard.press("Tab")  # the next question is one stop
        page.keyboard.press("ArrowDown")
        assert page.get_by_label("twice").is_checked() and shown(page, "The rate rose.")
        page.keyboard.press("Tab")
        page.wait_for_function("document.activeElement.textContent === 'Start again'")
        page.keyboard.press("Enter")
        page.wait_for_function("document.activeElement.value === 'higher'")
        button = page.get_by_role("button", name="Show without answering").last
        button.focus()
        page.keyboard.press("Enter")
        assert shown(page, "The rate rose.")


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("dark", [False, True])
def test_questions_are_accessible_and_fit(site, axe, dark, width):
    with site(dark=dark, width=width) as page:
        for step in ("folded", "open"):
            if step == "open":
                answer(page, "once", "higher", "the label", "at once")
            assert axe_faults(page, axe, "article") == [], step
            assert page.evaluate("document.documentElement.scrollWidth") <= width


# --- The chapters ---------------------------------------------------------------------------------


def markdown(notebook):
    """All text of a notebook."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def printed(notebook):
    """All that the cells printed whose output nbval compares."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    compared = [cell for cell in cells if not notebooks.UNCHECKED_TAGS & set(cell.metadata.get("tags", []))]
    return "\n".join(itertools.chain.from_iterable(map(notebooks.output_texts, compared)))


def numbered(text):
    """The first bold words of each item of a numbered list."""
    return [" ".join(found.split()) for found in re.findall(r"^\d+\. \*\*(.+?)\*\*", text, re.DOTALL | re.MULTILINE)]


def stated_answers(text):
    """The answers in a chapter's text, by question: "prediction 1", "check 2"."""
    predictions = text.partition("**Your predictions:**\n\n")[2].partition("\n\n")[0]
    quiz = text.partition("## Check yourself")[2].partition("<summary>Answers</summary>")[2]
    lists = {"prediction": numbered(predictions), "check": numbered(quiz)}
    return {f"{kind} {n}": words for kind, answers in lists.items() for n, words in enumerate(answers, start=1)}


def answer_faults(notebook):
    """Compare a chapter's stated answers with those that its cells gave by ``lrlib.course.questions.answer``."""
    text = markdown(notebook)
    stated = stated_answers(text)
    given = re.findall(r"^((?:prediction|check) \d+): (.+)$", printed(notebook), re.MULTILINE)
    faults = [
        f"{question}: a cell gives {words!r}, the text states {stated.get(question, 'no answer')!r}"
        for question, words in given
        if words != stated.get(question)
    ]
    faults += [
        f"{question}: no compared cell gives the answer"
        for question in stated
        if question.startswith("prediction") and question not in dict(given)
    ]
    return faults


@each_chapter
def test_stated_answers_are_those_of_the_cells(chapter):
    notebook = nbformat.read(chapter, as_version=4)
    assert answer_faults(notebook) == []
    assert ("## Your prediction" in markdown(notebook)) == ("prediction 1" in stated_answers(markdown(notebook)))


def test_wrong_answers_are_noticed():
    def faults(lines, tags=()):
        cell = new_code_cell("", outputs=[new_output("stream", text=lines)], metadata={"tags": list(tags)})
        return answer_faults(new_notebook(cells=[new_markdown_cell(PAGE), cell]))

    right = "prediction 1: higher\nso\nprediction 2: twice\n"
    assert faults(right) == faults(right + "check 2: at once\n") == []
    assert faults(right.replace("higher", "lower")) == ["prediction 1: a cell gives 'lower', the text states 'higher'"]
    assert faults(right + "check 2: later") == ["check 2: a cell gives 'later', the text states 'at once'"]
    assert faults(right + "check 3: later") == ["check 3: a cell gives 'later', the text states 'no answer'"]
    assert faults("prediction 1: higher") == ["prediction 2: no compared cell gives the answer"]
    assert len(faults(right, tags=["nbval-ignore-output"])) == 2
    with pytest.raises(AssertionError, match=r"the answer 'higher'; .*the book's own numbers, .*skip it"):
        questions.answer("prediction 1", "higher", holds=1 > 2)


@pytest.mark.slow
@needs_browser
@needs_site
@each_chapter
def test_choices_are_the_words_of_the_source(browser, home, chapter):
    bold = re.findall(r"\*\*([^*]+)\*\*", markdown(nbformat.read(chapter, as_version=4)))
    written = [" ".join(choice.split()) for text in bold for choice in re.split(r"\s/\s", text) if choice != text]
    with opened(browser, home, f"book/chapters/{chapter.stem}.html") as page:
        page.locator("fieldset.question").first.wait_for()
        offered = page.locator("fieldset.question input").evaluate_all("all => all.map((e) => e.value)")
    assert [value.replace("’", "'") for value in offered] == [choice.replace("`", "") for choice in written]


@each_chapter
def test_quiz_comes_last(chapter):
    headings = re.findall(r"^## (.+)$", markdown(nbformat.read(chapter, as_version=4)), re.MULTILINE)
    assert headings[-1] == "Check yourself"


def figure_faults(notebook):
    """Find figures without name or caption, figures and equations that no text refers to, and links to neither."""
    faults, text = [], markdown(notebook)
    names = re.findall(r"\$\$ \((eq-[\w-]+)\)", text)
    for n, cell in enumerate(notebook.cells):
        if not any("image/png" in out.get("data", {}) for out in cell.get("outputs", [])):
            continue
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        if not figure and "folded" in cell.metadata.get("tags", []):
            continue  # a small picture within its own text, as each exhibit of the museum has
        if not figure.get("name", "").startswith("fig-") or len(figure.get("caption", "").split()) < 3:
            faults.append(f"cell {n} draws a figure without a name (fig-…) or a caption: {figure or 'neither'}")
        else:
            names.append(figure["name"])
    linked = re.findall(r"\]\(#((?:fig|eq)-[\w-]+)\)", text)
    faults += [f"no text refers to {name}: write [the figure](#{name})" for name in names if name not in linked]
    faults += [f"a link to {name}, which is not in the chapter" for name in linked if name not in names]
    return faults


@each_chapter
def test_figures_have_captions_and_are_referred_to(chapter):
    assert figure_faults(nbformat.read(chapter, as_version=4)) == []


def test_names_of_figures_are_unique():
    found = itertools.chain.from_iterable(
        re.findall(r'"name": "(fig-[\w-]+)"', path.read_text(encoding="utf-8")) for path in CHAPTERS
    )
    names = list(found)
    assert len(names) == len(set(names)) > 10


def test_figures_without_name_caption_or_reference_are_noticed():
    picture = new_output("display_data", data={"image/png": ""})
    figure = {"name": "fig-a", "caption": "A falling curve."}
    cell = new_code_cell("", outputs=[picture], metadata={"mystnb": {"figure": figure}})
    text = new_markdown_cell("See [the figure](#fig-a), [the rule](#eq-a).\n\n$$ a $$ (eq-a)")
    assert figure_faults(new_notebook(cells=[cell, text])) == []
    assert "no text refers to fig-a" in figure_faults(new_notebook(cells=[cell]))[0]
    assert "no text refers to eq-b" in figure_faults(new_notebook(cells=[new_markdown_cell("$$ b $$ (eq-b)")]))[0]
    assert "a link to fig-a" in figure_faults(new_notebook(cells=[text]))[0]
    for lacking in ({"name": "fig-a"}, {"caption": "A falling curve."}, {}):
        cell.metadata["mystnb"]["figure"] = lacking
        assert "without a name" in figure_faults(new_notebook(cells=[cell]))[0]
