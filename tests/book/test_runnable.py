"""What a reader of the site runs: folded evidence, solutions, and notebooks that install lrlib from the site."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import types
import venv
import zipfile
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from browser import SITE, needs_browser, opened, parsed
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pybtex.database import Entry, Person
from test_site import built, cell, project

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "book" / name) for name in ("_tools", "_ext")]

import assignments
import reading
import runnable
import solutions

CHAPTERS = sorted((ROOT / "book/chapters").glob("*.ipynb"))
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
MOST_CODE = 120  # visible lines in one framework


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


# --- Folded evidence --------------------------------------------------------------------------------------------------


def displaying(source, text, printed, *tags):
    """An executed cell that prints, and displays a sentence."""
    outputs = [
        new_output("stream", text=printed),
        new_output("display_data", data={"text/markdown": text, "text/plain": "<Markdown>"}),
    ]
    return new_code_cell(source, outputs=outputs, execution_count=1, metadata={"tags": list(tags)})


@pytest.fixture(scope="module")
def folded(tmp_path_factory):
    """A page with folded cells of each kind."""
    cells = [
        displaying("assert secret", "ten times *higher*", "one\ntwo\n", "folded"),
        cell("assert a\nassert b", "", ["folded"]),
        cell("run()", "0.123", ["folded", "nbval-ignore-output"]),
        cell("torch()", "t", ["folded", "pytorch"]),
        cell("keras()", "k", ["folded", "keras"]),
        cell("open()", "seen", []),
        displaying("compare()", "| run | loss |\n| --- | --- |\n| a | 0.1 |", "", "hide-cell"),
        displaying("compare()", "| run | loss |\n| --- | --- |\n| a | 0.1 |", "", "hide-input", "hide-output"),
        displaying("source(f)", "```python\ndef f(x):\n    return x\n```", "", "hide-output"),
        cell("report()", "long", ["hide-output"]),
        cell("quiet()", "short", ["hide-input"]),
    ]
    folder = project(tmp_path_factory.mktemp("folded"), *cells)
    return built(folder, "folded", "framework_tabs", nb_render_markdown_format="gfm")["chapters/one.html"]


@pytest.mark.slow
def test_code_and_print_are_folded_and_what_is_displayed_stays(folded):
    lines = [fold.summary.text for fold in folded.select("details.folded")]
    checked = "Checked here: {}".format
    assert lines == [checked("3 facts"), checked("2 facts"), "How this was run", checked("1 fact"), checked("1 fact")]
    first = folded.select_one("details.folded")
    assert "assert secret" in first.text and "two" in first.text and "higher" not in first.text
    assert [em.text for em in folded.select("em")] == ["higher"]
    assert not [d for d in folded.select("details") if "open()" in d.text or "seen" in d.text]
    assert [len(tab.select("details.folded")) for tab in folded.select(".sd-tab-content")] == [1, 1]


@pytest.mark.slow
def test_a_fold_names_the_table_or_source_that_it_holds(folded):
    lines = [[line.text for line in fold.summary.select("p")] for fold in folded.select("details.hide")]
    assert [show for show, _ in lines] == [
        "Show the code and the table: run · loss",
        "Show the code and the table: run · loss",
        "Show the source of f",
        "Show what it prints",
        "Show code cell source",  # MyST-NB's own words; the book's are "Show the code"
    ]
    assert [hide for _, hide in lines[:4]] == [show.replace("Show", "Hide") for show, _ in lines[:4]]
    assert [bool(fold.select("table")) for fold in folded.select("details.hide")] == [True, True, False, False, False]


# --- Solutions --------------------------------------------------------------------------------------------------------


def sources(cells):
    return ["".join(one["source"]) for one in cells]


def test_solutions_are_split_by_exercise_and_put_below_the_list():
    texts = [
        "# Solutions",
        ("import x",),
        "## Exercise 1\n\nSo.",
        ("one()",),
        "More.\n\n## Exercise 2\n\nThus.",
        ("two()",),
    ]
    notebook = [
        {
            "cell_type": "code" if isinstance(text, tuple) else "markdown",
            "source": text[0] if isinstance(text, tuple) else text,
        }
        for text in texts
    ]
    solved = solutions.solutions(notebook)
    assert [text.strip() for text in sources(solved[1])] == ["So.", "import x", "one()", "More."]
    assert [text.strip() for text in sources(solved[2])] == ["Thus.", "two()"]
    chapter = [{"cell_type": "markdown", "source": "# T\n\n## Exercises\n\n1. A.\n2. B.\n\n## After\n\nEnd."}]
    put = solutions.with_solutions(chapter, solved)
    kept = [text for text in sources(put) if not text.startswith("<")]
    assert kept[0].endswith("2. B.\n\n") and kept[-1] == "## After\n\nEnd." and len(put) == 12
    assert len({one["id"] for one in put}) == len(put)


def test_solutions_without_exercises_stop_the_build():
    with pytest.raises(ValueError, match="no section 'Exercises'"):
        solutions.with_solutions([{"cell_type": "markdown", "source": "# T"}], {1: []})


@pytest.mark.slow
def test_a_chapter_shows_its_solutions_folded(tmp_path):
    folder = project(tmp_path, new_markdown_cell("## Exercises\n\n1. Why?\n\n## Take-away\n\nThat."))
    (folder / "solutions").mkdir()
    cells = [new_markdown_cell("# Solutions\n\n## Exercise 1\n\nBecause."), cell("print(42)", "42")]
    nbformat.write(new_notebook(cells=cells), folder / "solutions/one.ipynb")
    page = built(folder, "solutions", exclude_patterns=["_*", "solutions"])["chapters/one.html"]
    (fold,) = page.select("details.solution")
    assert "Because." in fold.text and "42" in fold.text and "That." not in fold.text


@pytest.mark.slow
def test_solutions_that_come_or_go_reach_the_page_of_a_chapter_that_was_read_before(tmp_path):
    folder = project(tmp_path, new_markdown_cell("## Exercises\n\n1. Why?"))

    def folds():
        page = built(folder, "solutions", exclude_patterns=["_*", "jupyter_execute", "solutions"])["chapters/one.html"]
        return len(page.select("details.solution"))

    assert folds() == 0
    (folder / "solutions").mkdir()
    nbformat.write(new_notebook(cells=[new_markdown_cell("## Exercise 1\n\nSo.")]), folder / "solutions/one.ipynb")
    assert folds() == 1
    (folder / "solutions/one.ipynb").unlink()
    assert folds() == 0


def exercises(notebook):
    """How many exercises a chapter has."""
    text = "\n\n".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
    section = solutions.EXERCISES.search(text)
    return len(re.findall(r"^\d+\. ", section[0], re.MULTILINE)) if section else 0


@each_chapter
def test_every_exercise_has_a_solution(chapter):
    solved = ROOT / "book/solutions" / chapter.name
    numbers = set(solutions.solutions(load(solved)["cells"])) if solved.exists() else set()
    assert numbers == set(range(1, exercises(load(chapter)) + 1))


@each_chapter
def test_a_page_shows_what_a_reader_would_type(chapter):
    assert reading.code_lines(load(chapter)) <= MOST_CODE
    assert not ["".join(c["source"]) for c in reading.open_checks(load(chapter))], "fold it: tag it folded"


@pytest.mark.parametrize(
    ("source", "tags", "lines", "checks"),
    [
        ("x = 1\n\ny = 2", [], 2, 0),
        ("x = 1", ["keras"], 0, 0),
        ("x = 1", ["folded"], 0, 0),
        ("assert x", [], 1, 1),
        ("assert x", ["keras"], 0, 1),
        ("answer('check 1', 'a', holds=True)", [], 1, 1),
        ("answer('check 1', 'a', holds=True)", ["folded"], 0, 0),
    ],
)
def test_what_counts_as_shown(source, tags, lines, checks):
    notebook = new_notebook(cells=[cell(source, tags=tags)])
    assert (reading.code_lines(notebook), len(reading.open_checks(notebook))) == (lines, checks)


# --- Notebooks for readers --------------------------------------------------------------------------------------------

WORKS = {
    "a2017": Entry("article", {"year": "2017"}, {"author": [Person("Lau, Suki")]}),
    "b2026": Entry("article", {"year": "2026"}, {"author": [Person("Li, A"), Person("Wu, B"), Person("Xu, C")]}),
}


def test_a_readers_notebook_installs_lrlib_and_has_no_raw_marks():
    text = (
        "Said {cite}`a2017`, {cite}`a2017,b2026`. See [Cycling](cycling.ipynb#x).\n\n"
        "$$ a $$ (eq-a)\n\n```{directive} x\ny\n```\nEnd."
    )
    notebook = new_notebook(cells=[new_markdown_cell("# T"), new_markdown_cell(text)])
    for _ in range(2):  # a warm build does it again
        notebook = runnable.for_readers(notebook, WORKS, "https://x.org/b", "%pip install lrlib")
    title, first, rest = notebook.cells
    assert (title.source, first.source) == ("# T", "%pip install lrlib")
    assert rest.source == (
        "Said (Lau 2017), (Lau 2017; Li et al. 2026). See [Cycling](https://x.org/b/book/chapters/cycling.html#x).\n\n"
        "$$ a $$\n\nEnd."
    )


def imported(source):
    """The packages that code imports, but for Python's own."""
    nodes = list(ast.walk(ast.parse(TransformerManager().transform_cell(source))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names


def test_a_readers_notebook_looks_for_each_package_that_is_imported():
    code = [cell["source"] for path in CHAPTERS for cell in load(path)["cells"] if cell["cell_type"] == "code"]
    code = ["".join(source) for source in code]
    code += [path.read_text(encoding="utf-8") for path in (ROOT / "lrlib" / "course").rglob("*.py")]
    comes_with_jupyter = {"IPython", "matplotlib_inline"}
    assert set().union(*map(imported, code)) - comes_with_jupyter == set(runnable.NEEDED.split())


@pytest.fixture
def package(tmp_path):
    """What a wheel is made of, in small."""
    project = (
        '[project]\nname = "lrlib"\ndynamic = ["version"]\n[tool.setuptools]\npackages = ["lrlib"]\n'
        '[tool.setuptools.dynamic]\nversion = { attr = "lrlib.__version__" }\n'
    )
    texts = {"pyproject.toml": project, "README.md": "x"}
    texts |= {"lrlib/__init__.py": '"""x"""\n\n__version__ = "7.8.9"\n', "book/results/a.json": "x"}
    for name, text in texts.items():
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "package"


@pytest.mark.parametrize(
    ("missing", "present", "installs"),
    [
        (None, "7.8.9", False),  # one's own
        (None, "this edition", False),
        (None, "7.8.9+book0a1b2c3d", True),  # another edition
        ("lrlib", None, True),
        ("torch", "this edition", True),
        ("keras", "7.8.9", True),
        ("matplotlib", "7.8.9", True),
    ],
)
def test_a_readers_notebook_installs_where_anything_is_missing_or_of_another_edition(
    missing, present, installs, package, monkeypatch
):
    version = runnable.version(package) if present == "this edition" else present
    found = [types.SimpleNamespace(version=version)] if version else []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == missing else name)
    monkeypatch.setattr("importlib.metadata.distributions", lambda name: found if name == "lrlib" else [])
    asked = []
    shell = types.SimpleNamespace(run_line_magic=lambda name, line: asked.append((name, line)))
    install = runnable.install_cell("https://x.org", package)
    exec(TransformerManager().transform_cell(install), {"get_ipython": lambda: shell})
    address = f"https://x.org/{runnable.address(package)}"
    assert asked == ([("pip", f'install --quiet "lrlib[course] @ {address}"')] if installs else [])


def test_a_wheel_has_the_version_of_its_edition(package, tmp_path):
    versions = set()
    for text in ("x", "y"):
        (package / "book/results/a.json").write_text(text)
        folder = tmp_path / text
        folder.mkdir()
        wheel = runnable.build_wheel(package, folder)
        assert f"wheels/{wheel.name}" == unquote(runnable.address(package)) != runnable.address(package)
        with zipfile.ZipFile(wheel) as content:
            assert f'__version__ = "{runnable.version(package)}"' in content.read("lrlib/__init__.py").decode()
        versions.add(runnable.version(package))
    assert len(versions) == 2 and all(re.fullmatch(r"7\.8\.9\+book[0-9a-f]{8}", one) for one in versions), versions


needs_site = pytest.mark.skipif(not (SITE / "wheels").exists(), reason="the book is not built: run make book")


@needs_site
def test_every_offered_notebook_is_prepared():
    offered = [path for path in runnable.offered(SITE) if (ROOT / "book/chapters" / path.name).exists()]
    assert {path.name for path in offered} == {path.name for path in CHAPTERS}
    for path in offered:
        texts = ["".join(c["source"]) for c in load(path)["cells"]]
        assert "pip install" in texts[1], path.name
        assert not re.search(r"\{(cite|doc|ref|numref|eq|term)\}`|^```\{", "\n".join(texts), re.MULTILINE), path.name


@needs_site
@pytest.mark.parametrize("name", ["book/run", "book/assignments/students"])
def test_the_wheel_that_a_page_names_is_in_the_site(name):
    wheels = re.findall(rf"{runnable.SITE}/(wheels/\S+\.whl)", parsed(SITE / f"{name}.html").text)
    assert wheels and all((SITE / unquote(wheel)).exists() for wheel in wheels), wheels


@needs_site
@needs_browser
def test_a_downloaded_notebook_and_the_command_have_the_sites_address(browser, home, tmp_path):
    with opened(browser, home, "book/chapters/choosing.html", policy=True) as page:
        with page.expect_download() as started:
            page.locator(".chapter-info a[download]", has_text="notebook").click()
        started.value.save_as(tmp_path / "got.ipynb")
        assert started.value.suggested_filename == "choosing.ipynb"
    text = (tmp_path / "got.ipynb").read_text(encoding="utf-8")
    assert f"lrlib[course] @ {home}/wheels/lrlib-" in text and runnable.SITE not in text
    with opened(browser, home, "book/run.html") as page:
        page.locator(".site-address pre", has_text=f"{home}/wheels/").wait_for()


# Clicks a link and says whether the script took it; the browser follows it in no case.
CLICK = """([properties, keys]) => {
    const link = Object.assign(document.createElement("a"), properties);
    document.body.append(link);
    let taken;
    addEventListener("click", (event) => { taken = event.defaultPrevented; event.preventDefault(); }, { once: true });
    link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ...keys }));
    return taken;
}"""


@needs_site
@needs_browser
@pytest.mark.parametrize(
    ("properties", "keys", "taken"),
    [
        ({"href": "x.ipynb"}, {}, True),
        ({"href": "https://colab.research.google.com/github/OWNER/NAME/blob/main/x.ipynb"}, {}, False),
        ({"href": "http://[/x.ipynb"}, {}, False),
        ({"href": "x.ipynb", "target": "_blank"}, {}, False),
        *(({"href": "x.ipynb"}, {key: True}, False) for key in ("ctrlKey", "metaKey", "shiftKey", "altKey")),
    ],
)
def test_only_downloads_of_our_notebooks_are_taken_from_the_browser(browser, home, properties, keys, taken):
    with opened(browser, home, "book/chapters/choosing.html") as page:
        assert page.evaluate(CLICK, [properties, keys]) is taken


EXECUTE = """\
import sys, nbclient, nbformat
nbclient.NotebookClient(nbformat.read(sys.argv[1], 4), timeout=600, kernel_name="python3").execute()
"""
RUN = ["changing_plans", "cycling", "learning_rate"]  # on digits, which nothing has to fetch


@pytest.fixture(scope="module")
def without_lrlib(tmp_path_factory):
    """The Python of an environment that sees the locked packages and no lrlib."""
    folder = tmp_path_factory.mktemp("reader") / "venv"
    venv.create(folder, with_pip=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    locked = {
        entry.name: entry for path in sys.path if Path(path).name == "site-packages" for entry in Path(path).iterdir()
    }
    for name, entry in locked.items():
        if "lrlib" not in name and not (packages / name).exists():
            (packages / name).symlink_to(entry)
    return folder / "bin/python"


def solved(name):
    """The cells of an assignment with its solutions."""
    return assignments.read_source(assignments.SOURCES / f"{name}.py").cells


@pytest.mark.slow
@needs_site
class TestReader:
    """Downloaded notebooks, outside the repository, against the built site served on loopback."""

    @pytest.mark.parametrize("name", RUN)
    def test_a_downloaded_notebook_runs(self, name, without_lrlib, home, tmp_path):
        (path,) = SITE.glob(f"_downloads/*/{name}.ipynb")
        notebook = tmp_path / f"{name}.ipynb"
        notebook.write_text(path.read_text(encoding="utf-8").replace(runnable.SITE, home), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": "", "PIP_NO_INDEX": "1", "TQDM_DISABLE": "1"}
        environment.pop("MPLBACKEND", None)
        done = subprocess.run(
            [without_lrlib, "-c", EXECUTE, notebook],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        where = [without_lrlib, "-c", "import lrlib; print(lrlib.__file__)"]
        installed = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        assert str(without_lrlib.parents[1]) in installed.stdout

    def test_a_learner_grades_herself_with_what_the_site_offers(self, without_lrlib, tmp_path):
        """The reference gets full marks in an environment that has lrlib from the site only."""
        (wheel,) = SITE.glob("wheels/*.whl")
        (archive,) = SITE.glob("_downloads/*/self-grading.zip")
        (released,) = SITE.glob("_downloads/*/three_policies.ipynb")
        shutil.copy(archive, tmp_path)
        answers = {c.metadata.nbgrader.grade_id: c.source for c in solved("three_policies") if "nbgrader" in c.metadata}
        notebook = nbformat.read(released, 4)
        for answered in notebook.cells:
            if answered.metadata.get("nbgrader", {}).get("solution"):
                answered.source = answers[answered.metadata.nbgrader.grade_id]
        nbformat.write(notebook, tmp_path / "three_policies.ipynb")
        # Only packages are linked into this environment; their commands and kernels lie in that of the tests.
        paths = {
            "PATH": os.pathsep.join([os.environ["PATH"], str(Path(sys.executable).parent)]),
            "JUPYTER_PATH": os.pathsep.join([os.environ.get("JUPYTER_PATH", ""), f"{sys.prefix}/share/jupyter"]),
        }
        environment = {**os.environ, **paths, "PYTHONPATH": "", "PIP_NO_INDEX": "1"}
        install = [without_lrlib, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", wheel]
        subprocess.run(install, cwd=tmp_path, env=environment, check=True)
        done = subprocess.run(
            [without_lrlib, "self-grading.zip", "three_policies.ipynb"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "20 of 20  in all" in done.stdout, done.stdout + done.stderr[-3000:]


def test_a_chapter_that_is_not_there_is_named_among_those_that_are():
    with pytest.raises(SystemExit, match=r"no chapter is called 'nosuch'; the chapters are: .*cycling"):
        reading.main(["nosuch"])


def test_a_chapter_without_a_notebook_is_named_with_what_makes_it(monkeypatch, tmp_path):
    monkeypatch.setattr(reading, "CHAPTERS", tmp_path)
    with pytest.raises(SystemExit, match="no notebook of cycling: run make notebooks"):
        reading.main(["cycling"])


def test_a_wheel_whose_build_was_killed_is_built_again(tmp_path, monkeypatch):
    def write(words, error=None):
        def build_wheel(_, folder):
            (folder / "lrlib.whl").write_text(words)
            if error:
                raise error

        monkeypatch.setattr(runnable, "build_wheel", build_wheel)

    monkeypatch.setattr(runnable, "digest", lambda _: "unchanged")
    site = tmp_path / "html"
    write("whole")
    runnable.provide_wheel(site)
    shutil.rmtree(site)  # as a build of all pages does
    write("hal", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        runnable.provide_wheel(site)
    write("whole")
    runnable.provide_wheel(site)
    assert [path.read_text() for path in site.glob("wheels/*.whl")] == ["whole"]


def test_a_wheels_digest_is_of_what_the_wheel_holds(tmp_path):
    for name in ("pyproject.toml", "README.md", "lrlib/a.py", "book/results/a.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    before = runnable.digest(tmp_path)
    for name in ("lrlib/.hidden", "lrlib/.cache/a.py", "lrlib/__pycache__/a.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert runnable.digest(tmp_path) == before
    (tmp_path / "lrlib/b.py").write_text("x")
    assert runnable.digest(tmp_path) != before
