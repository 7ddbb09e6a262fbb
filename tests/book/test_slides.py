"""Slides of each part: what is on them, and that they need no network."""

import npm
import pytest
import slides
from browser import needs_browser, opened
from folders import replace_folder
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def chapter():
    figure = new_output("display_data", data={"image/png": PICTURE, "text/plain": "<Figure>"})
    about = {"figure": {"caption": "It falls."}, "image": {"alt": "A [line] that falls"}}
    return [
        new_markdown_cell(
            "# Title\n\n**Goal.** See it.\n\n**You need** nothing.\n\n## Your prediction\n\n1. **a / b**?"
        ),
        new_code_cell("draw()", outputs=[figure], metadata={"mystnb": about}),
        new_code_cell("print(1)", outputs=[new_output("stream", text="1")]),
        new_markdown_cell("## What to take away\n\n1. This.\n\n**Terms:** x.\n\n## Check yourself\n\nHow?"),
    ]


def test_a_chapter_gives_goal_questions_figures_and_what_to_take_away():
    made = list(slides.of_chapter(chapter()))
    kinds = [cell.metadata["slideshow"]["slide_type"] for cell in made]
    assert kinds == ["slide", "subslide", "subslide", "notes", "subslide"]
    goal, questions, figure, note, taken = (cell.source for cell in made)
    assert "See it." in goal and "You need" not in goal and "prediction" not in goal
    assert "a / b" in questions and "What to take away\n\n1. This." in taken and "Terms" not in taken
    assert figure.startswith("![A [line) that falls](data:image/png") and figure.endswith("It falls.")
    assert note == "A [line] that falls"


def test_parts_have_their_own_page_and_the_chapters_that_follow():
    toc = {
        "parts": [
            {"caption": "I", "chapters": [{"file": "book/parts/a"}]},
            {"chapters": [{"file": "book/chapters/x"}, {"file": "book/practice"}]},
            {"caption": "II", "chapters": [{"file": "book/parts/b"}, {"file": "book/chapters/y"}]},
        ]
    }
    assert list(slides.parts(toc)) == [
        ("I", "book/parts/a", ["book/chapters/x"]),
        ("II", "book/parts/b", ["book/chapters/y"]),
    ]


def test_without_npms_packages_it_is_said_what_is_missing(monkeypatch):
    def unavailable():
        raise npm.Unavailable("npm is not installed")

    monkeypatch.setattr(npm, "install", unavailable)
    with pytest.raises(SystemExit, match="slides need what npm installs: npm is not installed"):
        slides.main()


def test_a_part_that_fails_leaves_the_slides_that_were_there(monkeypatch, tmp_path):
    def fails(*_):
        raise ValueError("no chapter")

    (tmp_path / "part.html").write_text("earlier")
    monkeypatch.setattr(npm, "install", lambda: tmp_path)
    monkeypatch.setattr(slides, "TARGET", tmp_path)
    monkeypatch.setattr(slides, "of_part", fails)
    with pytest.raises(ValueError, match="no chapter"):
        slides.main()
    assert (tmp_path / "part.html").read_text() == "earlier"


def test_a_copy_that_fails_leaves_the_slides_that_were_there(monkeypatch, tmp_path):
    target, packages = tmp_path / "slides", tmp_path / "packages"
    for name in ("reveal.js/dist", "reveal.js/plugin/notes", "mathjax/es5/output/chtml/fonts/woff-v2"):
        (packages / name).mkdir(parents=True)
        (packages / name / "one.js").touch()
    script = packages / "mathjax/es5/tex-chtml.js"
    script.touch()
    slides.replace(target, packages, {"old.html": "old"})
    script.unlink()
    with pytest.raises(FileNotFoundError):
        slides.replace(target, packages, {"new.html": "new"})
    assert [path.name for path in target.glob("*.html")] == ["old.html"]
    script.touch()
    slides.replace(target, packages, {"new.html": "new"})
    assert [path.name for path in target.glob("*.html")] == ["new.html"]
    assert (target / "mathjax/es5/tex-chtml.js").exists() and len(list(target.rglob("one.js"))) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["packages", "slides"]


def test_a_folder_that_cannot_take_anothers_place_leaves_it_there(tmp_path):
    (tmp_path / "slides").mkdir()
    (tmp_path / "slides" / "part.html").write_text("earlier")
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "nowhere", tmp_path / "slides")
    assert (tmp_path / "slides" / "part.html").read_text() == "earlier" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.slow
@needs_browser
def test_slides_of_every_part_run_from_files_and_ask_for_nothing_else(browser, tmp_path, monkeypatch):
    try:
        npm.install()
    except npm.Unavailable as error:
        pytest.skip(str(error))
    monkeypatch.setattr(slides, "TARGET", tmp_path / "book/_build/slides")
    slides.main()
    made = sorted(slides.TARGET.glob("*.html"))
    assert len(made) == 4
    for path in made:
        with opened(browser, "file:", path.as_uri().removeprefix("file:/")) as page:
            page.wait_for_function("window.Reveal?.isReady() && window.MathJax?.startup?.promise")
            assert page.evaluate("Reveal.getTotalSlides()") > 5
            assert page.watch.faults() == [], path.name
            assert "{cite}" not in page.content() and "{doc}" not in page.content()
