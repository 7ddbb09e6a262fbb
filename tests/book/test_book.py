"""Guards of the book: what is committed, what is checked, and what the built pages load.

The guards are functions that return what is wrong, so that each is also shown broken material.
"""

import ast
import base64
import builtins
import contextlib
import graphlib
import importlib.util
import io
import itertools
import json
import os
import platform
import re
import shutil
import subprocess
import symtable
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml
from browser import needs_site, parsed
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import docutils_namespace

import lrlib
from lrlib.course import processor

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
HTML = BOOK / "_build" / "html"
import build
import notebooks
import npm
import table_of_contents
import theme_fixes

FILES = [p for suffix in ("*.py", "*.ipynb") for p in (BOOK / "chapters").glob(suffix)]
CHAPTERS = sorted({p.with_suffix("") for p in FILES})
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.name)
SOLUTIONS = sorted({p.with_suffix("") for suffix in ("*.py", "*.ipynb") for p in (BOOK / "solutions").glob(suffix)})
each_notebook = pytest.mark.parametrize(
    "chapter", CHAPTERS + SOLUTIONS, ids=lambda p: str(p.relative_to(BOOK)).removeprefix("chapters/")
)
BUDGET = 120  # seconds a chapter may take
SOLUTION_BUDGET = 30  # seconds the solution of an exercise may take
WHOLE_BUDGET = 1200  # seconds all chapters together may take
LEAST_FACTS = 3  # checked cells with numbers in their output, a chapter


def read(chapter):
    """Read a chapter's notebook."""
    return nbformat.read(chapter.with_suffix(".ipynb"), as_version=4)


def code_cells(notebook):
    """Return the code cells with their places."""
    return [(n, cell) for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"]


def is_checked(cell):
    """Say whether nbval compares what a cell prints."""
    return not notebooks.UNCHECKED_TAGS & set(cell.metadata.get("tags", []))


# --- Guards of the notebooks ----------------------------------------------------------------------


def pair_faults(source):
    """Compare the inputs of a script and of its notebook."""
    target = source.with_suffix(".ipynb")
    lacking = [path.name for path in (source, target) if not path.exists()]
    if lacking:
        return [f"{name} is missing" for name in lacking]
    script, notebook = notebooks.read_source(source), nbformat.read(target, as_version=4)
    keys = ("cell_type", "source", "metadata", "id")
    ours = [{key: cell[key] for key in keys} for cell in script.cells]
    theirs = [{key: cell[key] for key in keys} for cell in notebook.cells]
    faults = [f"cell {n} differs" for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b]
    if len(ours) != len(theirs):
        faults.append(f"{len(ours)} cells in the script, {len(theirs)} in the notebook")
    if not notebooks.is_current(source):
        faults.append("the notebook was made from another source: make notebooks")
    return faults


def execution_faults(notebook):
    """Find cells that nbval would pass over: it compares nothing where no execution count is."""
    faults = []
    for count, (n, cell) in enumerate(code_cells(notebook), start=1):
        if cell.execution_count != count:
            faults.append(f"cell {n} has the execution count {cell.execution_count}, not {count}")
        if any(out.get("name") == "stderr" for out in cell.outputs):
            faults.append(f"cell {n} has output on stderr")
        raised = any(out.output_type == "error" for out in cell.outputs)
        if raised and "raises-exception" not in cell.metadata.get("tags", []):
            faults.append(f"cell {n} stores an exception")
        if re.search(r"#\s*(NBVAL_|PYTEST_VALIDATE)", cell.source):
            faults.append(f"cell {n} is marked for nbval in a comment: use tags")
    return faults


def fact_faults(notebook):
    """See to it that nbval has numbers to compare, and has some after the last raw result."""
    facts = notebooks.facts(notebook)
    raw = [n for n, cell in code_cells(notebook) if not is_checked(cell)]
    faults = []
    if len(facts) < LEAST_FACTS:
        faults.append(f"{len(facts)} checked cells print numbers; at least {LEAST_FACTS} must")
    if raw and (not facts or facts[-1] < raw[-1]):
        faults.append(f"no checked fact follows the unchecked cell {raw[-1]}")
    return faults


def imports(source):
    """Return the names that a cell imports."""
    nodes = ast.walk(ast.parse(source))
    return {a.asname or a.name for n in nodes if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names}


def variables(source, *contexts):
    """Return the variables that a cell reads (ast.Load) or binds (ast.Store)."""
    nodes = ast.walk(ast.parse(source))
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, contexts)} - vars(builtins).keys()


def states(checked, unchecked, imported):
    """Say whether a checked cell asserts or prints something about the variables of an unchecked one."""
    read = variables(checked.source, ast.Load) - variables(checked.source, ast.Store) - imported
    common = read & variables(unchecked.source, ast.Load, ast.Store)
    return bool(common) and (asserts(checked) or bool(checked.outputs))


def asserts(cell):
    """Say whether a cell has an assert statement."""
    return any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(cell.source)))


def printed_faults(notebook):
    """Find numbers that nbval does not compare, with no statement about them in the same cell or the next checked one.

    Neighbouring unchecked cells, such as a pair of tabs, may share that next cell.
    """
    cells = code_cells(notebook)
    imported = set().union(*(imports(cell.source) for _, cell in cells))
    faults = []
    for place, (n, cell) in enumerate(cells):
        numbers = re.search(r"\d", " ".join(notebooks.output_texts(cell)))
        if is_checked(cell) or not numbers or asserts(cell):
            continue
        following = next((later for _, later in cells[place + 1 :] if is_checked(later)), None)
        if following is None or not states(following, cell, imported):
            faults.append(f"cell {n} prints numbers that nothing checks: assert what must hold in the next cell")
    return faults


def figure_faults(notebook):
    """Find figures stored without their data: nbval compares no pictures."""
    faults = []
    for n, cell in code_cells(notebook):
        for data in (out.get("data", {}) for out in cell.outputs):
            if any(mime.startswith("image/") for mime in data) and " points; " not in data.get("text/plain", ""):
                faults.append(f"cell {n} draws a figure without its data: call figures.use_style() before it")
    return faults


def size_faults(notebook):
    """Find figures that are stored larger than need be."""
    faults = []
    for n, cell in code_cells(notebook):
        for data in (out.get("data", {}) for out in cell.outputs):
            if data.get("image/png"):
                picture = base64.b64decode(data["image/png"])
                if notebooks.with_palette(picture) != picture:
                    faults.append(f"cell {n} stores a figure without a palette: make notebooks")
    return faults


def picture_faults(notebook):
    """Find pictures without a text for those who cannot see them."""
    faults = []
    for n, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and re.search(r"!\[\s*\]\(|<img(?![^>]*alt=\"[^\"]+\")", cell.source):
            faults.append(f"cell {n} shows a picture without a text")
        mimes = [mime for out in cell.get("outputs", []) for mime in out.get("data", {})]
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if any(mime.startswith("image/") for mime in mimes) and len(alt.split()) < 3:
            faults.append(f'cell {n} draws a figure; add mystnb={{"image": {{"alt": "…"}}}}')
    return faults


def heading_faults(notebook):
    """Expect one title, first, and no level left out below it."""
    levels = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"^(```|:::).*?^\1", "", cell.source, flags=re.DOTALL | re.MULTILINE)
            levels += [len(marks) for marks in re.findall(r"^(#{1,6}) ", text, re.MULTILINE)]
    faults = []
    if levels[:1] != [1] or levels.count(1) != 1:
        faults.append("a chapter begins with its one title (# …)")
    if any(after > before + 1 for before, after in itertools.pairwise(levels)):
        faults.append(f"a heading level is left out: {levels}")
    return faults


def formula_faults(notebook):
    """Find formulas that a line break cuts: a line that begins with a plus or a minus is the item of a list."""
    faults = []
    for n, cell in enumerate(notebook.cells):
        for paragraph in re.split(r"\n\s*\n", cell.source) if cell.cell_type == "markdown" else []:
            for item in re.finditer(r"^[+*-] ", paragraph, re.MULTILINE):
                if paragraph[: item.start()].replace("\\$", "").count("$") % 2:
                    faults.append(f"cell {n} has a formula cut before {paragraph[item.start() :][:20]!r}")
    return faults


def brace_faults(notebook):
    """Find sentences that show the name of a number in braces: the string before it lacks its f."""
    faults = []
    for n, cell in code_cells(notebook):
        for data in (out.get("data", {}) for out in cell.outputs):
            text = re.sub(r"\$[^$]*\$|`[^`]*`", "", data.get("text/markdown", ""))  # formulas and code have braces
            faults += [f"cell {n} shows {braced}" for braced in re.findall(r"\{[^{}]*\}", text)]
    return faults


def bindings(tree):
    """Name → the statements that bind it outside of functions. ``|=`` and its kind extend, and do not count."""
    found = {}
    for statement in tree.body:
        for node in outside_functions(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.setdefault(node.id, set()).add(ast.unparse(statement))
    return found


def outside_functions(node):
    """The nodes whose names are the notebook's own: none of a function's, a comprehension's or of ``a |= b``."""
    own = ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.comprehension, ast.AugAssign
    if not isinstance(node, own):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from outside_functions(child)


def read_by_functions(source):
    """The notebook's own names that a cell's functions read, those within them too."""
    tables = symtable.symtable(source, "cell", "exec").get_children()
    tables = [table for table in tables if table.get_name() not in AT_ONCE]
    for table in tables:
        tables.extend(table.get_children())
    return {s.get_name() for table in tables for s in table.get_symbols() if s.is_global() and s.is_referenced()}


AT_ONCE = {"genexpr", "listcomp", "setcomp", "dictcomp", "lambda"}  # run where they stand, or in the same cell


def rebinding_faults(notebook):
    """Find names that a function reads and that two cells bind: called again, the function does something else."""
    sources = [(n, cell.source) for n, cell in code_cells(notebook) if not cell.source.startswith("%")]
    read_names = {name for _, source in sources for name in read_by_functions(source)}
    cells = {}
    for n, source in sources:
        for name, statements in bindings(ast.parse(source)).items():
            cells.setdefault(name, {}).setdefault(frozenset(statements), n)  # the same in both tabs is one
    return [
        f"{name} is bound in cells {[*cells[name].values()]}"
        for name in sorted(read_names & cells.keys())
        if len(cells[name]) > 1
    ]


GUARDS = [
    execution_faults,
    fact_faults,
    printed_faults,
    figure_faults,
    size_faults,
    picture_faults,
    heading_faults,
    formula_faults,
    brace_faults,
    rebinding_faults,
]


@each_notebook
def test_script_and_notebook_agree(chapter):
    assert pair_faults(chapter.with_suffix(".py")) == []


@each_notebook
@pytest.mark.parametrize(
    "guard",
    GUARDS,
    ids=lambda g: g.__name__,
)
def test_notebook(chapter, guard):
    if guard is not fact_faults or chapter in CHAPTERS:  # a solution may be a sentence
        assert guard(read(chapter)) == []


@each_notebook
def test_outputs_mean_the_same_on_every_machine(chapter):
    notebooks.clean(read(chapter), chapter.parent)


@each_chapter
def test_cost_is_measured_and_within_budget(chapter):
    info = read(chapter).metadata.lrlib
    assert 0 < info.seconds <= BUDGET
    assert info.cores >= 1 and info.versions.python
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", info.executed)


@pytest.mark.parametrize("solved", SOLUTIONS, ids=lambda p: p.name)
def test_solutions_are_within_budget(solved):
    exercises = sum("## Exercise " in cell.source for cell in read(solved).cells if cell.cell_type == "markdown")
    assert 0 < read(solved).metadata.lrlib.seconds <= SOLUTION_BUDGET * exercises


def test_all_chapters_together_are_within_budget():
    seconds = {chapter.name: read(chapter).metadata.lrlib.seconds for chapter in CHAPTERS}
    assert sum(seconds.values()) <= WHOLE_BUDGET, seconds


# --- The guards notice broken notebooks -----------------------------------------------------------


def code(source="1", printed="1", tags=(), count=1, **metadata):
    """Make an executed cell."""
    outputs = [new_output("stream", text=printed)] if printed else []
    metadata = {"tags": list(tags), **metadata}
    return new_code_cell(source, outputs=outputs, execution_count=count, metadata=metadata)


def said(text):
    """Make an executed cell that displays a sentence."""
    output = new_output("display_data", data={"text/markdown": text})
    return new_code_cell("display(Markdown(text))", outputs=[output], execution_count=1)


def test_guards_accept_a_sound_notebook():
    cells = [new_markdown_cell("# T\n\n## A"), code(), code(count=2), code(count=3)]
    notebook = new_notebook(cells=cells)
    for guard in GUARDS:
        assert guard(notebook) == []


@pytest.mark.parametrize(
    ("cells", "guard", "fault"),
    [
        ([code(count=None)], execution_faults, "execution count None"),
        ([code(count=2)], execution_faults, "execution count 2"),
        ([code("# NBVAL_SKIP\n1")], execution_faults, "use tags"),
        ([code(printed="yes"), code(printed="no")], fact_faults, "0 checked cells print numbers"),
        (
            [code(), code(), code(), code(tags=["nbval-ignore-output"])],
            fact_faults,
            "no checked fact follows",
        ),
        ([new_markdown_cell("![](a.png)")], picture_faults, "without a text"),
        ([new_markdown_cell('<img src="a.png">')], picture_faults, "without a text"),
        ([new_markdown_cell("costs $1\n+ x$ each")], formula_faults, "cut before '+ x"),
        ([new_markdown_cell("## No title")], heading_faults, "one title"),
        ([said("It gains {gain:.1f} points, $x_{1}$ and `{one}`.")], brace_faults, "cell 0 shows {gain:.1f}"),
        ([new_markdown_cell("# T\n\n### Three")], heading_faults, "left out"),
        *(
            ([code(f"x = 1\n{uses}"), code("for x in '12':\n    pass")], rebinding_faults, "x is bound in cells [0, 1]")
            for uses in ("def f():\n    return x", "def f():\n    return [x for _ in '12']")
        ),
    ],
)
def test_guards_refuse(cells, guard, fault):
    assert fault in " ".join(guard(new_notebook(cells=cells)))


RAW = {"source": "print(loss)", "printed": "0.3", "tags": ["nbval-ignore-output"]}
CHECK = {"source": "assert loss < 1", "printed": ""}


@pytest.mark.parametrize(
    ("cells", "faults"),
    [
        ([RAW, CHECK], 0),
        ([RAW, {"source": "print(loss < 1)", "printed": "True"}], 0),
        ([RAW, RAW, CHECK], 0),  # a pair of tabs
        ([{**RAW, "source": "assert loss < 1\nprint(loss)"}], 0),
        ([{**RAW, "printed": "yes"}], 0),
        ([RAW], 1),
        ([RAW, {}, CHECK], 1),
        ([RAW, {}, RAW, CHECK], 1),
        ([RAW, {"source": "assert other < 1"}], 1),
        ([RAW, {"source": "loss = 0\nassert loss < 1"}], 1),
        ([RAW, {"source": "loss < 1", "printed": ""}], 1),
        ([{"source": "import np"}, {**RAW, "source": "np.run()"}, {"source": "np.run()"}], 1),
    ],
)
def test_unchecked_numbers_need_a_statement_about_them(cells, faults):
    assert len(printed_faults(new_notebook(cells=[code(**cell) for cell in cells]))) == faults


def test_guards_refuse_stored_exceptions_stderr_and_figures_without_text():
    raised = new_output("error", ename="E", evalue="", traceback=[])
    errors = new_output("stream", name="stderr", text="oh")
    figure = new_output("display_data", data={"image/png": "", "text/plain": "<Figure size 2x1>"})
    cell = new_code_cell("", execution_count=1, outputs=[raised, errors, figure])
    notebook = new_notebook(cells=[cell])
    assert len(execution_faults(notebook)) == 2
    assert "alt" in picture_faults(notebook)[0]
    assert "without its data" in figure_faults(notebook)[0]
    figure.data["text/plain"] += "\npanel 1\n  line: 2 points; first 0"
    assert figure_faults(notebook) == []
    assert "0 checked" in fact_faults(notebook)[0]  # the size of a figure is no fact
    cell.metadata["mystnb"] = {"image": {"alt": "A falling curve"}}
    assert picture_faults(notebook) == []


def test_a_stored_figure_has_a_palette_and_looks_the_same():
    random = np.random.default_rng(0)
    drawn = np.repeat(np.repeat(random.integers(0, 256, (10, 20, 3), dtype=np.uint8), 8, axis=0), 8, axis=1)
    picture = io.BytesIO()
    Image.fromarray(drawn).save(picture, "PNG")
    figure = new_output("display_data", data={"image/png": base64.b64encode(picture.getvalue()).decode()})
    notebook = new_notebook(cells=[new_code_cell("", execution_count=1, outputs=[figure])])
    assert "without a palette" in size_faults(notebook)[0]
    notebooks.shrink(notebook)
    assert size_faults(notebook) == []
    shown = np.array(Image.open(io.BytesIO(base64.b64decode(figure.data["image/png"]))).convert("RGB"))
    assert np.abs(shown.astype(int) - drawn).max() <= 4  # two hundred colours: nearly all are kept


# --- The notebook tool ----------------------------------------------------------------------------

TINY = """# %% [markdown]
# # Tiny

# %%
x = 6

# %% tags=["nbval-ignore-output"]
from tqdm import tqdm

for _ in tqdm(range(3)):
    pass

# %% mystnb={"image": {"alt": "A line that rises"}}
from lrlib.course import figures

figures.use_style()
_ = figures.plt.plot([0, x])

# %%
print("six times seven is", x * 7)
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Make a small chapter with the tool itself."""
    source = tmp_path_factory.mktemp("chapters") / "tiny.py"
    source.write_text(TINY, encoding="utf-8")
    assert notebooks.main([str(source)]) == 0
    return source


@pytest.fixture
def copy(tiny, tmp_path):
    """Return a copy of the small chapter that a test may break."""
    for path in tiny.parent.glob("tiny.*"):
        shutil.copy(path, tmp_path)
    return tmp_path / tiny.name


def test_tool_makes_a_sound_pair(tiny):
    notebook = nbformat.read(tiny.with_suffix(".ipynb"), as_version=4)
    assert pair_faults(tiny) == execution_faults(notebook) == []
    assert [cell.get("outputs") for cell in notebook.cells[:3]] == [None, [], []]
    assert "line: 2 points; first 0, last 1" in notebook.cells[3].outputs[0].data["text/plain"]
    assert notebook.cells[4].outputs[0].text == "six times seven is 42\n"
    assert notebook.metadata.lrlib.source_sha256 == notebooks.digest(tiny)
    measured = notebook.metadata.lrlib
    assert measured.seconds > 0 and measured.versions.lrlib == lrlib.__version__
    assert measured.machine == f"{processor.model()}, {platform.system()} on {platform.machine()}"


def test_content_decides_what_is_out_of_date(copy, capsys):
    os.utime(copy)
    assert notebooks.main(["--check", str(copy)]) == 0
    copy.write_text(TINY.replace("6", "5"), encoding="utf-8")
    assert notebooks.main(["--check", str(copy)]) == 1
    assert "out of date: tiny" in capsys.readouterr().out
    assert pair_faults(copy) == [
        "cell 1 differs",
        "the notebook was made from another source: make notebooks",
    ]
    copy.write_bytes(TINY.replace("\n", "\r\n").encode())
    assert notebooks.main(["--check", str(copy)]) == 0


CELL = {"cell_type": "code", "metadata": {}, "source": "x = 6", "execution_count": 1, "outputs": []}


@pytest.mark.parametrize(
    "damaged",
    [
        b"<<<<<<< HEAD",
        b"\xff",
        b"{}",
        b"[]",
        b'{"metadata": null}',
        b'{"metadata": {"lrlib": null}}',
        b'{"nbformat": 4, "nbformat_minor": 4, "metadata": {"lrlib": "x"}, "cells": []}',
        b'{"nbformat": 4, "nbformat_minor": 4, "metadata": {"lrlib": {"a": 1}}, "cells": [{}]}',
        json.dumps(
            {
                "nbformat": 4,
                "nbformat_minor": 4,
                "metadata": {"lrlib": {"seconds": 1}},
                "cells": [CELL | {"outputs": None}],
            }
        ).encode(),
    ],
)
def test_a_damaged_notebook_is_made_anew(tmp_path, monkeypatch, damaged):
    ran = []
    monkeypatch.setattr(notebooks, "execute", lambda notebook, folder, title: ran.append(title) or 0.1)
    for name in ("first", "second"):
        (tmp_path / f"{name}.py").write_text("# %%\nx = 6\n", encoding="utf-8")
        (tmp_path / f"{name}.ipynb").write_bytes(damaged)
    assert notebooks.main([str(tmp_path / "first.py"), str(tmp_path / "second.py")]) == 0
    assert ran == ["first", "second"] and notebooks.is_current(tmp_path / "second.py")


def test_running_again_changes_nothing_but_the_measurement(copy):
    before = json.loads(copy.with_suffix(".ipynb").read_text(encoding="utf-8"))
    assert notebooks.main(["--force", str(copy)]) == 0
    after = json.loads(copy.with_suffix(".ipynb").read_text(encoding="utf-8"))
    for notebook in (before, after):
        del notebook["metadata"]["lrlib"]["seconds"], notebook["metadata"]["lrlib"]["executed"]
    assert before == after


CAPTION = '# %% mystnb={"figure": {"caption": "A line", "name": "fig-line"}}\nx = 6'


@pytest.mark.parametrize(
    ("before", "after"), [("# # Tiny", "# # Small"), ("# %%\nx = 6", CAPTION)], ids=["text", "caption"]
)
def test_text_and_captions_change_without_running(copy, monkeypatch, before, after):
    monkeypatch.setattr(notebooks, "execute", None)  # not callable: a run would fail
    assert TINY.count(before) == 1
    copy.write_text(TINY.replace(before, after), encoding="utf-8")
    assert notebooks.main([str(copy)]) == 0
    assert pair_faults(copy) == execution_faults(nbformat.read(copy.with_suffix(".ipynb"), as_version=4)) == []


def test_changed_tags_run_again(copy, monkeypatch):
    ran = []
    monkeypatch.setattr(notebooks, "execute", lambda notebook, folder, title: ran.append(title) or 0.1)
    copy.write_text(TINY.replace("# %%\nx = 6", '# %% tags=["keras"]\nx = 6'), encoding="utf-8")
    assert notebooks.main([str(copy)]) == 0 and ran == ["tiny"]


def test_failing_cell_is_named_and_the_old_notebook_stays(copy, capsys):
    target = copy.with_suffix(".ipynb")
    before = target.read_bytes()
    copy.write_text(TINY.replace("x = 6", "x = 1 / 0"), encoding="utf-8")
    assert notebooks.main([str(copy)]) == 1
    message = capsys.readouterr().err
    assert "tiny.py: cell 1 failed" in message and "ZeroDivisionError" in message
    assert target.read_bytes() == before
    assert sorted(path.name for path in copy.parent.iterdir()) == [target.name, copy.name]


@pytest.mark.parametrize(
    ("name", "text", "tags", "fault"),
    [
        ("stderr", "UserWarning: beware", [], "wrote to stderr"),
        (
            "stderr",
            " 50%|##   | 1/2 [00:00<00:00, 9it/s]\nbeware",
            ["nbval-ignore-output"],
            "beware",
        ),
        ("stderr", "\rx: 100%|###| 2/2 [00:00<00:00, 9it/s]\n", [], "tag it nbval-ignore-output"),
        ("stdout", f"saved in {Path.cwd()}/x", [], "a path of this machine"),
        ("stdout", "File '/home/someone/x.py'", [], "a path of this machine"),
        ("stdout", "C:\\Users\\someone", ["nbval-ignore-output"], "a path of this machine"),
    ],
)
def test_tool_refuses_outputs_of_one_machine(name, text, tags, fault):
    cell = new_code_cell("act()", outputs=[new_output("stream", name=name, text=text)])
    cell.metadata["tags"] = tags
    with pytest.raises(notebooks.ChapterError, match=re.escape(fault)) as error:
        notebooks.clean(new_notebook(cells=[new_markdown_cell(""), cell]), Path("/nowhere"))
    assert str(error.value).startswith("cell 1 ") and "act()" in str(error.value)


def test_tool_keeps_plain_outputs():
    text = "at https://host/home/page, 50% of 1/2, x/tmp/y\n"
    cell = new_code_cell("", outputs=[new_output("stream", text=text)])
    notebooks.clean(new_notebook(cells=[cell]), Path("/nowhere"))
    assert cell.outputs[0].text == text


def test_tool_says_which_chapters_there_are():
    with pytest.raises(SystemExit, match="no chapter is called 'nothing'"):
        notebooks.sources(["nothing"])


def run_nbval(notebook, root=None):
    """Run nbval over a notebook as `make test` does, apart from this run's settings."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "MPL"))}
    options = ["-p", "no:cacheprovider", "--rootdir", str(root or notebook.parent)]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--nbval", "--nbval-current-env", str(notebook)],
        cwd=notebook.parent,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nbval_notices_a_changed_fact_and_a_changed_figure(copy):
    target = copy.with_suffix(".ipynb")
    sound = run_nbval(target)
    assert sound.returncode == 0, sound.stdout
    stored = target.read_text(encoding="utf-8")
    for before, after in (("seven is 42", "seven is 43"), ("first 0, last 6,", "first 0, last 5,")):
        assert stored.count(before) == 1
        stored = stored.replace(before, after)
    target.write_text(stored, encoding="utf-8")
    altered = run_nbval(target)
    assert (
        altered.returncode == 1 and " 2 failed, 2 passed" in altered.stdout and "Cell outputs differ" in altered.stdout
    )
    assert "seven is 43" in altered.stdout


def test_chapter_runs_again_after_any_change_and_else_only_in_ci(copy, monkeypatch):
    root = copy.parent / "root"
    notebook = root / "book" / "chapters" / "tiny.ipynb"
    places = [
        notebook,
        root / "lrlib/course/one.py",
        root / "book/results/cycling/fall.json",
        root / "requirements.lock",
    ]
    for file in places:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("a\n", encoding="utf-8")
    shutil.copy(copy.with_suffix(".ipynb"), notebook)
    shutil.copy(BOOK / "conftest.py", root / "book")
    monkeypatch.delenv("CI", raising=False)

    def unchanged():
        spec = importlib.util.spec_from_file_location("chapters_conftest", root / "book" / "conftest.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.unchanged()

    assert unchanged() == []
    assert " 4 passed" in run_nbval(notebook.parent, root).stdout
    assert unchanged() == [notebook]
    again = run_nbval(notebook.parent, root)
    assert again.returncode == 0 and " passed in" not in again.stdout
    assert "not run again, unchanged since they passed (make clean forgets that): tiny" in again.stdout
    for place in places:
        before = place.read_bytes()
        place.write_bytes(before + b"\n")
        assert unchanged() == [], place
        place.write_bytes(before)
        assert unchanged() == [notebook]
    monkeypatch.setenv("CI", "true")
    assert unchanged() == []
    monkeypatch.delenv("CI")
    notebook.write_text(notebook.read_text(encoding="utf-8").replace("seven is 42", "seven is 43"), encoding="utf-8")
    assert run_nbval(notebook.parent, root).returncode == 1 and unchanged() == []


# --- The Sphinx extensions ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Build a page of tagged cells with Sphinx and return it parsed."""
    folder = tmp_path_factory.mktemp("site")
    tags = ["pytorch", "keras", "", "pytorch", "pytorch hide-input", "keras", "pytorch", "keras"]
    tags += ["pytorch keras", "keras", "", "keras", "pytorch"]
    cells = [new_markdown_cell("# Title")]
    cells += [code(f"cell_{n}", f"out_{n}", t.split(), n + 1) for n, t in enumerate(tags)]
    lrlib = {"seconds": 71.3, "cores": 2, "executed": "2026-11-21", "versions": {"torch": "2.13"}}
    metadata = {**notebooks.NOTEBOOK_METADATA, "lrlib": lrlib}
    nbformat.write(new_notebook(cells=cells, metadata=metadata), folder / "index.ipynb")
    (folder / "index.py").write_text("# the script\n", encoding="utf-8")
    config = {
        "extensions": ["myst_nb", "framework_tabs", "chapter_info", "theme_fixes"],
        "nb_execution_mode": "off",
        "html_theme": "basic",
    }
    out = folder / "out"
    with docutils_namespace():
        app = Sphinx(folder, None, out, folder / "trees", "html", config, status=None, warningiserror=True)
        app.build()
    soup = BeautifulSoup((out / "index.html").read_text(encoding="utf-8"), "html.parser")
    soup.folder = out
    return soup


def test_neighbouring_cells_become_synced_tabs(page):
    shown = []
    for tabs in page.select(".sd-tab-set"):
        labels = tabs.select("label.sd-tab-label")
        assert [label.text.strip() for label in labels] == ["PyTorch", "Keras"]
        assert [label["data-sync-id"] for label in labels] == ["pytorch", "keras"]
        assert {label["data-sync-group"] for label in labels} == {"framework"}
        shown.append([re.findall(r"out_(\d+)", t.text) for t in tabs.select(".sd-tab-content")])
    # Keras before PyTorch (11, 12) is shown in the usual order; 8 has both tags, 9 stands alone.
    assert shown == [
        [["0"], ["1"]],
        [["3", "4"], ["5"]],
        [["6"], ["7"]],
        [["12"], ["11"]],
    ]


def test_no_cell_is_lost_and_tags_work_inside_tabs(page):
    assert sorted(map(int, re.findall(r"out_(\d+)", page.text))) == list(range(13))
    hidden = page.select(".sd-tab-content details.hide")
    assert len(hidden) == 1 and "cell_4" in hidden[0].text


def test_chapter_states_its_cost_and_offers_its_files(page):
    line = page.select_one("h1 + p.chapter-info")
    cost = "Runs in 71 s of processor time (measured on 2026-11-21 with PyTorch 2.13)."
    assert line.text.startswith(f"A minute to read. {cost}")
    files = [page.folder / link["href"] for link in line.select("a[download]")]
    assert [file.name for file in files] == ["index.ipynb", "index.py"]
    assert files[1].read_text(encoding="utf-8") == "# the script\n"
    assert nbformat.read(files[0], as_version=4).cells[0].source == "# Title"


def test_a_build_of_all_pages_stops_where_a_repair_matches_none(tmp_path, monkeypatch):
    stock = '<div id="pst-primary-sidebar"'
    monkeypatch.setattr(theme_fixes, "REPLACED", {stock: f'{stock} role="x"'})
    (tmp_path / "index.rst").write_text("Home\n====\n\n.. toctree::\n\n   one\n   two\n")
    for name in ("one", "two"):
        (tmp_path / f"{name}.rst").write_text("Page\n====\n")

    def render(out, pages=()):
        config = {"extensions": ["theme_fixes"], "html_theme": theme_fixes.THEME, "exclude_patterns": ["kept", "new"]}
        with docutils_namespace():
            app = Sphinx(tmp_path, None, tmp_path / out, tmp_path / out / "trees", "html", config, status=None)
            app.build(filenames=[str(tmp_path / f"{page}.rst") for page in pages])
        return (tmp_path / out / "one.html").read_text(encoding="utf-8")

    assert 'role="x"' in render("kept")
    monkeypatch.setitem(theme_fixes.REPLACED, "what no page has", "")
    (tmp_path / "one.rst").write_text("Page\n====\n\nChanged.\n")
    assert "Changed" in render("kept", ["one"])  # a build of some pages only cannot tell
    with pytest.raises(ExtensionError, match=r"no page has what these repairs look for: \['what no page has'\]"):
        render("new")


# --- npm packages and the build -------------------------------------------------------------------


@pytest.fixture
def book_of_packages(tmp_path, monkeypatch):
    """A book's lock, and a stand-in for npm, which logs its calls; gives the book and what sets npm's script."""
    book, tool = tmp_path / "book", tmp_path / "npm"
    book.mkdir()
    shutil.copy(BOOK / "package-lock.json", book)
    monkeypatch.setattr(npm.shutil, "which", lambda name: str(tool))

    def stand_in(script):
        tool.write_text(f'#!/bin/sh\necho "$@" >> calls\n{script}\n')
        tool.chmod(0o755)

    files = [name if Path(name).suffix or name.endswith("LICENSE") else f"{name}/one.js" for name in npm.COPIED]
    folders = sorted({str(Path(name).parent) for name in files})
    stand_in(f"mkdir -p node_modules && cd node_modules && mkdir -p {' '.join(folders)} && touch {' '.join(files)}")
    return book, stand_in


def test_packages_are_installed_once_for_each_lock(book_of_packages):
    book, _ = book_of_packages
    for _ in range(2):
        assert npm.install(book) == book / "node_modules"
    assert (book / "_static/vendor/mathjax/es5/tex-chtml.js").exists()
    [call] = (book / "calls").read_text().splitlines()
    assert call.startswith("ci ")
    with (book / "package-lock.json").open("a") as lock:
        lock.write("\n")
    npm.install(book)
    assert len((book / "calls").read_text().splitlines()) == 2


def test_an_installation_that_was_stopped_is_begun_again(book_of_packages):
    book, stand_in = book_of_packages
    npm.install(book)
    lock = book / "package-lock.json"
    before = lock.read_bytes()
    lock.write_bytes(before + b"\n")
    stand_in("rm -r node_modules/*; exit 7")
    with pytest.raises(npm.Unavailable):
        npm.install(book)
    lock.write_bytes(before)
    with pytest.raises(npm.Unavailable):
        npm.install(book)
    assert len((book / "calls").read_text().splitlines()) == 3


def test_packages_that_another_checkout_lends_stay_there(book_of_packages, tmp_path):
    book, stand_in = book_of_packages
    lent = tmp_path / "lent" / "one.js"
    lent.parent.mkdir()
    lent.touch()
    (book / "node_modules").symlink_to(lent.parent)
    stand_in("rm -rf node_modules/*; exit 7")  # as npm ci does
    with pytest.raises(npm.Unavailable):
        npm.install(book)
    assert lent.exists()


def test_a_package_that_is_not_the_locked_one_stops_the_build(book_of_packages):
    book, stand_in = book_of_packages
    stand_in("echo npm error code EINTEGRITY >&2; exit 1")
    with pytest.raises(SystemExit, match=r"not the one in book/package-lock\.json"):
        npm.main(book)
    assert not (book / "_static").exists()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo npm error code ECUTOFF >&2; exit 7", "npm ci failed: code ECUTOFF"),
        ("exit 7", "npm ci failed: no message"),
        ("exec tail -f /dev/null", "npm ci did not finish within 0.1 seconds"),
        (None, "npm is not installed"),
    ],
)
def test_missing_npm_is_said_and_the_build_goes_on(book_of_packages, monkeypatch, capsys, script, message):
    book, stand_in = book_of_packages
    if "seconds" in message:
        monkeypatch.setattr(npm, "SECONDS", 0.1)
    if script is None:
        monkeypatch.setattr(npm.shutil, "which", lambda name: None)
    else:
        stand_in(script)
    assert npm.main(book) == 0
    said = capsys.readouterr().out
    assert message in said and "formulas need a network" in said and "gallery only" in said


def test_build_misses_absent_pages_and_refuses_version_2(tmp_path, monkeypatch):
    toc = tmp_path / "_toc.yml"
    toc.write_text("root: a\nparts:\n- chapters:\n  - file: b.md\n    sections:\n    - file: c/d\n")
    assert build.missing_pages(toc, tmp_path) == ["a", "b", "c/d"]
    (tmp_path / "b.html").touch()
    assert build.missing_pages(toc, tmp_path) == ["a", "c/d"]
    monkeypatch.setattr(build.importlib.metadata, "version", lambda name: "2.0.1")
    with pytest.raises(SystemExit, match=r"2\.0\.1 cannot build"):
        build.require_version_1()


def test_no_tool_imports_itself_by_way_of_others():
    tools = {path.stem: path for path in (BOOK / "_tools").glob("*.py")}
    needed = {}
    for name, path in tools.items():
        found = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Import)]
        needed[name] = {alias.name for node in found for alias in node.names} & set(tools)
    order = list(graphlib.TopologicalSorter(needed).static_order())  # raises CycleError, which names the circle
    assert order.index("table_of_contents") < order.index("question_bank") < order.index("build")


@pytest.fixture
def renders(tmp_path, monkeypatch):
    """The build with its rendering alone: gives whether each call of it read everything, and what ends the next one."""
    monkeypatch.setattr(build, "BUILD", tmp_path)
    monkeypatch.setattr(build, "missing_pages", lambda toc, html: [])
    monkeypatch.setattr(build, "release_assignments", lambda: None)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "shared_digest", lambda: "the same")
    steps = {"npm": "main", "stdlib": "main", "front": "main", "self_grading": "write", "question_bank": "write"}
    for tool, step in {**steps, "runnable": "main", "site_zip": "main"}.items():
        monkeypatch.setattr(getattr(build, tool), step, lambda *_: None)
    calls, ends = [], []

    def render(everything):
        calls.append(everything)
        end = ends.pop() if ends else 0
        if isinstance(end, int):
            return end
        raise end

    monkeypatch.setattr(build, "render", render)
    return calls, ends


@pytest.mark.parametrize("end", [1, KeyboardInterrupt()])
def test_after_a_build_that_did_not_finish_all_pages_are_read_anew(renders, end):
    calls, ends = renders
    assert build.main([]) == build.main([]) == 0
    ends.append(end)
    with contextlib.suppress(KeyboardInterrupt):
        assert build.main([]) == 1
    assert build.main([]) == build.main([]) == 0
    assert calls == [True, False, False, True, False]


def test_what_no_source_has_any_more_leaves_the_site_when_all_is_rendered(renders, tmp_path):
    left = tmp_path / "html" / "_static" / "old.css"
    for arguments, stays in ([], False), ([], True), (["--all"], False):
        left.parent.mkdir(parents=True, exist_ok=True)
        left.touch()
        assert build.main(arguments) == 0 and left.exists() == stays


def test_what_the_pages_are_made_with_is_shared_by_all(tmp_path):
    for folder in ("_ext", "_static", "_tools"):
        (tmp_path / "book" / folder).mkdir(parents=True)
    for name in ("_config.yml", "_toc.yml", "book/references.bib", "book/_tools/reading.py"):
        (tmp_path / name).touch()
    before = build.shared_digest(tmp_path)
    (tmp_path / "book/_tools/reading.py").write_text("MINUTES = 1")
    assert build.shared_digest(tmp_path) != before


def test_the_notebooks_on_offer_are_those_of_the_assignments_that_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "BUILD", tmp_path)
    sources = tmp_path / "sources"
    sources.mkdir()
    for name in ("one", "two", "three"):
        (sources / f"{name}.py").write_text("# %% [markdown]\n# A task\n")
    build.release_assignments(sources)
    made = tmp_path / "assignments"
    before = (made / "one.ipynb").stat()
    (made / "two.ipynb").unlink()
    (sources / "three.py").unlink()
    build.release_assignments(sources)
    assert sorted(path.name for path in made.iterdir()) == ["one.ipynb", "two.ipynb"]
    after = (made / "one.ipynb").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)  # its page is not made anew
    (sources / "one.py").write_text("# %% [markdown]\n# Another task\n")
    build.release_assignments(sources)
    assert "Another task" in (made / "one.ipynb").read_text(encoding="utf-8")


# --- The built pages ------------------------------------------------------------------------------

FOREIGN = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
LOADED = {
    "script": ["src"],
    "img": ["src", "srcset"],
    "iframe": ["src"],
    "source": ["src", "srcset"],
}
LOADED |= {"video": ["src", "poster"], "audio": ["src"], "object": ["data"], "embed": ["src"]}
# Links that name a page, and load nothing.
NAMES = {"canonical", "next", "prev", "index", "search", "author", "license", "copyright", "help"}


def foreign_in_css(text):
    """Return the addresses on other hosts that a style sheet loads."""
    found = re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", text)
    return [a or b for a, b in found if FOREIGN.match(a or b)]


def loaded_by(soup):
    """Return the addresses of everything that a page loads by itself."""
    found = []
    for name, attributes in LOADED.items():
        for element in soup.find_all(name):
            found += [element[key] for key in attributes if element.get(key)]
    for link in soup.find_all("link", href=True):
        if not NAMES & set(link.get("rel", [])):
            found.append(link["href"])
    return found


def foreign_in_page(soup):
    """Return the addresses on other hosts that a page loads, its inline styles included."""
    found = [address for address in loaded_by(soup) if FOREIGN.match(address)]
    inline = [style.text for style in soup.find_all("style")]
    inline += [element["style"] for element in soup.find_all(style=True)]
    return found + [address for text in inline for address in foreign_in_css(text)]


def built_pages():
    """Yield each built page, parsed."""
    for path in sorted(HTML.rglob("*.html")):
        if "_static" not in path.relative_to(HTML).parts:
            yield path, parsed(path)


@needs_site
def test_pages_of_the_table_of_contents_exist():
    assert build.missing_pages(ROOT / "_toc.yml", HTML) == []
    listed = list(table_of_contents.pages(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))))
    assert {f"book/chapters/{chapter.name}" for chapter in CHAPTERS} <= set(listed)


@needs_site
def test_pages_load_nothing_from_another_host():
    # Without npm the build says that formulas come from the CDN; that is the one exception.
    allowed = "mathjax@3" if shutil.which("npm") is None else "\0"
    found = {}
    for path, soup in built_pages():
        foreign = [address for address in foreign_in_page(soup) if allowed not in address]
        if foreign:
            found[path.name] = foreign
    for path in HTML.rglob("*.css"):
        if foreign := foreign_in_css(path.read_text(encoding="utf-8")):
            found[path.name] = foreign
    assert found == {}


@needs_site
def test_what_pages_load_is_there():
    lacking = []
    for path, soup in built_pages():
        for address in loaded_by(soup):
            local = address.split("?")[0].split("#")[0]
            if not FOREIGN.match(address) and not local.startswith("data:"):
                lacking += [] if (path.parent / local).exists() else [f"{path.name}: {address}"]
    assert lacking == []


@needs_site
def test_every_picture_has_a_text():
    lacking = []
    for path, soup in built_pages():
        for image in soup.find_all("img"):
            alt = image.get("alt", "").strip()
            # Sphinx puts the file's name where the author gave no text.
            if not alt or re.search(r"\.(png|svg|jpe?g|gif)$", alt):
                lacking.append(f"{path.name}: {image['src']}")
    assert lacking == []


@pytest.mark.parametrize(
    ("html", "foreign"),
    [
        ('<script src="https://x.org/a.js">', True),
        ('<script src="//x.org/a.js">', True),
        ('<link rel="stylesheet" href="http://x.org/a.css">', True),
        ('<link rel="preload" as="font" href="https://x.org/a.woff2">', True),
        ('<img src="https://x.org/a.png">', True),
        ('<iframe src="https://x.org">', True),
        ("<style>@import 'https://x.org/a.css'</style>", True),
        ('<p style="background: url(https://x.org/a.png)">', True),
        ('<a href="https://x.org">', False),
        ('<link rel="canonical" href="https://x.org">', False),
        ('<img src="../a.png"><script src="a.js"></script>', False),
    ],
)
def test_foreign_addresses_are_found(html, foreign):
    assert bool(foreign_in_page(BeautifulSoup(html, "html.parser"))) is foreign
