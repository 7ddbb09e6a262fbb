"""The chapters' questions: what stops the build, what the page does with them; the answers are what was printed."""

import io
import itertools
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from browser import SITE, needs_browser, opened, served, still
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import expect
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

BOOK = Path(__file__).resolve().parents[2] / "book"
import notebooks

CHAPTERS = sorted((BOOK / "chapters").glob("*.ipynb"))
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)

PAGE = """# A chapter

## Your prediction

1. The rate is **higher / not told apart / lower** here.
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

The word petrichor stands in the fold.

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
    for path in (*(BOOK / "_static").glob("predictions.*"), *(BOOK / "_static").glob("glossary.*")):
        shutil.copy(path, static)
    settings = {
        # Of one process's builds all read Markdown with the same parser: Sphinx keeps the first one's.
        "extensions": ["myst_nb", "numbered_links", "predictions", "glossary_links"],
        "glossary_page": "glossary",
        "nb_execution_mode": "off",
        "myst_enable_extensions": ["dollarmath"],
        "html_theme": theme,
        "html_static_path": ["static"],
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


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("1. **higher**: it rose.", "1. **rising**: it rose.", "answer 1 is 'rising', which is none of the choices"),
        ("1. **higher**: it rose.", "1. It rose.", "answer 1 does not begin with a choice in bold"),
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
def test_without_script_all_is_text_and_open(site):
    with site(java_script_enabled=False) as page:
        for text in ("higher / not told apart / lower", "the slip says", "The rate rose.", "labels lie"):
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
def test_what_is_searched_for_opens_the_fold(site):
    with site("one.html#:~:text=petrichor") as page:  # the browser's own search in the page does the same
        page.wait_for_function("document.getElementById('a-detail').checkVisibility()")
    with site("search.html?q=petrichor") as page:
        page.locator("#search-results a").first.click()
        page.locator(".fold-bar").first.wait_for()  # until then nothing is folded
        assert shown(page, "petrichor") and not shown(page, "the slip says")


@pytest.mark.slow
@needs_browser
def test_print_shows_all(site):
    with site() as page:
        page.emulate_media(media="print")
        for text in ("the slip says", "The rate rose."):
            assert shown(page, text)
        expect(page.locator(".fold-bar").first).to_be_hidden()
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert shown(page, "labels lie")


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


REFUSED = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})"


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize(
    "stored", ["refused", "{", "5", "null", '{"answers": 3, "shown": 7}', '{"answers": {"prediction-1": "gone"}}']
)
def test_storage_may_be_refused_or_hold_anything(site, stored):
    with site("index.html") as page:
        page.add_init_script(
            REFUSED if stored == "refused" else f"localStorage.setItem('answers:/one.html', {stored!r})"
        )
        page.goto(page.url.replace("index.html", "one.html"))
        assert page.locator("input:checked").count() == 0 and not shown(page, "The rate rose.")
        answer(page, "higher", "twice")
        assert shown(page, "The rate rose.")


@pytest.mark.slow
@needs_browser
def test_keyboard_is_enough(site):
    with site() as page:
        page.get_by_label("higher").focus()
        page.keyboard.press("Space")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("ArrowDown")
        assert page.get_by_label("not told apart").is_checked()
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
        page.evaluate(axe)
        for step in ("folded", "open"):
            if step == "open":
                answer(page, "once", "higher", "the label", "at once")
            found = page.evaluate(
                "axe.run('article').then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))"
            )
            assert found == [], step
            assert page.evaluate("document.documentElement.scrollWidth") <= width


# --- The chapters ---------------------------------------------------------------------------------


def markdown(notebook):
    """All text of a notebook."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def printed(notebook):
    """All that a notebook's cells printed."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return "\n".join(itertools.chain.from_iterable(map(notebooks.output_texts, cells)))


def numbered(text):
    """The first bold words of each item of a numbered list."""
    return [" ".join(found.split()) for found in re.findall(r"^\d+\. \*\*(.+?)\*\*", text, re.DOTALL | re.MULTILINE)]


# What each chapter's cells must have printed for its stated answers to be right, question by question.
PREDICTIONS = {
    "learning_rate": [
        ("1/2", r"1\. updates make things worse for every rate above 0\.5$"),
        (
            "about ten times higher",
            r"2\. at a tenth of the best rate the loss ends (9|10)\.\d \(Keras: (9|10)\.\d\) times higher",
        ),
        (
            "stays finite, and nothing is learnt",
            r"3\. at ten times the best rate: finite True \| all runs end guessing True",
        ),
        (
            "if training is short",
            r"4\. .*\n +5 epochs, batches of 32: higher\n +5 epochs, batches of 8: higher"
            r"\n +20 epochs, batches of 32: not told apart\n +20 epochs, batches of 8: not told apart",
        ),
    ],
    "finding_the_range": [
        ("3", r"1\. one rule's seeds agree within a factor of 1\.7"),
        ("higher", r"a running average moves the answer to higher rates"),
        ("a number", r"3\. 6 of 6 well-known rules answer noise with a number"),
    ],
    "step_and_plateau": [
        ("worse", r"1\. run \(a\) against a constant rate, after five epochs: lower"),
        ("two epochs", r"2\. run \(c\)'s rate was cut after epochs \[1, 3\]"),
        (
            "part at once",
            r"after the cut, Keras moves [2-9]\.\d times as far in the next update[^$]*Keras's own SGD: False",
        ),
    ],
    "four_decays": [
        ("about 0.01", r"1\. at epoch 25 the rate in force is 0\.011"),
        ("0", r"2\. schedules that beat the constant rate, as written: 0 of 3"),
        ("the same", r"3\. that number is: the same"),
    ],
    "cycling": [
        ("most", r"1\. the test at t = 5 lets 10 of 13 wrong implementations through"),
        ("at its own pace", r"2\. as printed: at its own pace, one update ahead"),
        ("not told apart", r"and against a constant at its own mean rate: not told apart"),
        ("higher", r"4\. test accuracy at the lowest rates against the highest: higher"),
    ],
    "cycling_on_mnist": [
        ("an impossible one", r"1\. 98\.2638 % of 2,000 images is: an impossible one"),
        ("not told apart", r"2\. cyclical after four epochs against fixed after eight: not told apart"),
        ("higher", r"3\. the annealed rate against the cyclical run, in PyTorch: higher"),
    ],
    "q_agrel": [
        ("something else", r"1\. the source's schedule yields 0\.005 0\.005 0\.005 0\.005"),
        (
            "mostly well, a few in ruins",
            r"2\. at 0\.01, median 8\d\.\d %, below 50 %: 5 of 40 \(PyTorch\), 5 of 40 \(Keras\)",
        ),
        ("not told apart", r"3\. the fair cycle against its partner: not told apart"),
    ],
    "verdicts": [
        ("a third to two thirds", r"reproduced: 32 of 80, a third to two thirds"),
        ("more often", r"published figures: 19 of 20 reproduced\ncomparisons of two runs: 10 of 44 reproduced"),
    ],
    "one_cycle": [
        ("higher", r"^1\. one-cycle, 12 epochs, against step decay, 85: higher$"),
        ("diverges", r"^2\. from the peak, without a rise: diverges$"),
        ("not told apart", r"^3\. one-cycle against the line after a rise of one epoch: not told apart$"),
        ("lower", r"^4\. with the momentum cycle against without: lower$"),
    ],
    "to_zero": [
        ("up to a third", r"1\. the constant rate is among the best three in 11 %: up to a third"),
        ("shrinks", r"mnist +best over median schedule[^\n]*\n2\. from one epoch to nine it shrinks"),
        ("not told apart", r"3\. stopped halfway, the line against the constant rate: not told apart"),
        ("changes", r"0\.01 most settings are won by constant\n[^$]*by inverse-sqrt\n4\. the winner changes"),
    ],
}
# The same for the quizzes. None: the answer is reasoning, not a measurement.
QUIZZES = {
    "one_cycle": [
        ("a short rise", r"^2\. from the peak, without a rise: diverges$"),
        ("0.0042", r"^stepped by epoch : first 0\.0040, at most 0\.0042,"),
        ("higher", r"^4\. with the momentum cycle against without: lower$"),
    ],
    "to_zero": [
        ("which shape that peak suits", r"4\. the winner changes"),
        ("half of the peak", r"planned for twice, last rate over the peak: 0\.50"),
        ("at its peak", r"updates after the third cycle, rounded down: 4"),
        ("not shown", r"told apart from the second in 1 of 9 settings"),
    ],
    "choosing": [
        ("which of the two that peak suits", None),  # chapter 10 has the winners at each peak
        ("a quarter of the updates", r"four updates from 16 batches: 0\.1000 0\.0750 0\.0500 0\.0250"),
        ("Schedule-Free", r"Schedule-Free over the line, stopped at half \| -\d+ % [^\n]*\| clear \|"),
    ],
    "bug_museum": [
        ("ten times too low", r"^optimizer first: 0\.0055, 0\.00775, 0\.01, 0\.01, 0\.01$"),
        ("too early", r"^Keras:     0\.0625, 0\.0125, 0, 0"),
        ("0.9", r"^set to 0\.5; CyclicLR, OneCycleLR, OneCycleLR on AdamW: 0\.9,"),
        ("a rate past the last one drawn", r"drawn:   0\.1,[^$]*0\.0125$\s^PyTorch, trained: 0\.00625"),
    ],
    "learning_rate": [
        ("between 1/λ and 2/λ", r"rate 0\.45 +each update multiplies by -0\.80"),
        ("the steep direction", r"limits along and across: \[2\.0, 0\.1\]"),
        ("stalls at a floor that grows with the rate", r"rate  0\.4: floor 0\.1250[^$]*rate 0\.05: floor 0\.0128"),
        ("32 times longer", r"Keras: the sum moves the weights 32\.00 times as far"),
    ],
    "finding_the_range": [
        ("repeat it over seeds", r"valley +seeds differ by a factor of 1\.\d to 1\.7"),
        (
            "moved to a rate about five times higher",
            r"PyTorch: steepest on held-out over training batches, 5\.3\n[^$]*Keras: steepest [a-z -]+, 5\.3",
        ),
        ("no", r"3\. 6 of 6 well-known rules answer noise with a number"),
        ("what they were before", r"weights are bit for bit what they were: True"),
    ],
    "step_and_plateau": [
        ("what the optimizer holds at the update", r"step first, get_lr\(\) prints: .* in force: False"),
        ("skips the first rate", r"step first, in force: .* 0\.1 skipped: True"),
        ("several times longer", r"after the cut, Keras moves 6\.7 times as far in the next update"),
        ("fifth", r"Keras's own, patience 0, 1, 5: cut on bad epoch \[1, 1, 5\]"),
    ],
    "four_decays": [
        (
            "nothing for certain",
            r"constant +mean rate 0\.100, .* 0\.100\n[^$]*exponential mean rate 0\.021, momentum 0\.8, .* 0\.104",
        ),
        ("too low", r"at epoch 25 the rate in force is 0\.0113"),
        (
            "the constant run",
            r"PyTorch: training loss in the last epoch: constant 0\.4\d+, time-based 0\.5\d+, step 0\.5",
        ),
        (
            "too much",
            r"constant +best epoch minus last: mean \+1\.09[^$]*exponential best epoch minus last: mean \+0\.21",
        ),
    ],
    "cycling": [
        ("the constant at the cycle's mean rate", r"against a constant at its own mean rate: not told apart"),
        ("only the upper bound shrinks", r"at the ends 0\.0100 to 0\.0100, at the peaks 0\.0948 .* 0\.0565"),
        ("101", r"first update that catches all by itself: 101"),
        ("4 updates", r"step size 2, t in updates: 4 updates a cycle\nboth in updates: 160 updates"),
    ],
    "cycling_on_mnist": [
        ("multiply it out", r"98\.2638 % of 2016 is 1981\.00 images"),
        ("comes down without cycling", r"linear, 1e-3 to 0 \| 0\.0005"),
        (
            "the moment at which they are read",
            r"after 4 \(lowest point\) .* \+0\.55, .*\n.*after 6 \(peak\) .* -6\.50, .*\n.*after 8 .* \+0\.58",
        ),
    ],
    "q_agrel": [
        ("two constant rates", r"\"cyclical\" and 0\.005 identical in all 10 repetitions: True"),
        ("a few repetitions fail", r"below 50 %: 5 of 40\n[^$]*means of ten, .* 95 % lie from 62 to 86"),
        ("not told apart", r"0\.005 against 0\.01, 2 hidden layers: not told apart"),
        ("turning the input's sign", r"ReLU True : f\(2x\) = 2 f\(x\) True; f\(−x\) = −f\(x\) False"),
    ],
    "verdicts": [
        ("these runs show no such effect", None),
        ("once what else differed is set alike", None),
        ("the figure can be had again", r"published figures: 19 of 20 reproduced\ncomparisons of two runs: 10 of 44"),
    ],
}


def answer_faults(stated, expected, output):
    """Compare a chapter's stated answers with what its cells printed."""
    faults = [f"{len(stated)} answers stated, {len(expected)} known here"] if len(stated) != len(expected) else []
    for number, (given, (right, pattern)) in enumerate(zip(stated, expected, strict=False), start=1):
        if given != right:
            faults.append(f"answer {number} is stated as {given!r}, and printed is {right!r}")
        if pattern is not None and not re.search(pattern, output, re.MULTILINE):
            faults.append(f"answer {number}: nothing printed matches {pattern!r}")
    return faults


@each_chapter
def test_stated_answers_are_what_was_printed(chapter):
    notebook = nbformat.read(chapter, as_version=4)
    text, output = markdown(notebook), printed(notebook)
    if chapter.stem not in PREDICTIONS:
        assert "## Your prediction" not in text
    else:
        predicted = text.split("**Your predictions:**")[1].split("\n## ")[0].split("\n\n###")[0]
        stated = numbered(predicted)[: len(PREDICTIONS[chapter.stem])]
        assert answer_faults(stated, PREDICTIONS[chapter.stem], output) == []
    quiz = text.split("## Check yourself")[1].split("<summary>Answers</summary>")[1]
    assert answer_faults(numbered(quiz), QUIZZES[chapter.stem], output) == []


def test_wrong_answers_are_noticed():
    expected = [("higher", r"1\. it is: higher")]
    assert answer_faults(["higher"], expected, "so\n1. it is: higher") == []
    assert "stated as 'lower'" in answer_faults(["lower"], expected, "1. it is: higher")[0]
    assert "nothing printed" in answer_faults(["higher"], expected, "1. it is: lower")[0]
    assert "2 answers stated" in answer_faults(["higher", "x"], expected, "1. it is: higher")[0]


@pytest.mark.slow
@needs_browser
@pytest.mark.skipif(not SITE.exists(), reason="the book is not built: run make book")
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
