"""Other installations than the locked one: PyTorch's CUDA build, missing packages, a kernel that dies."""

import ast
import importlib.util
import itertools
import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def python(*arguments, cwd=ROOT, **environment):
    path = os.pathsep.join(filter(None, [environment.pop("PYTHONPATH", ""), str(ROOT)]))
    env = {**os.environ, **environment, "PYTHONPATH": path}
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False)


# -- triton beside TensorFlow ---------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="triton is for Linux, and so is /proc")
@pytest.mark.parametrize(
    "first",
    [
        "import lrlib.course",
        pytest.param("import lrlib.torch", marks=pytest.mark.slow),
        pytest.param("import lrlib.keras", marks=pytest.mark.slow),
        "import types; sys.modules['torch'] = types.ModuleType('torch'); import lrlib",
        "import types; sys.modules['tensorflow'] = types.ModuleType('tensorflow'); import lrlib",
    ],
)
def test_whatever_brings_a_framework_loads_tritons_library(first, tmp_path):
    """A stand-in for triton: what PyTorch's CPU build does not bring."""
    (tmp_path / "triton" / "_C").mkdir(parents=True)
    (tmp_path / "triton" / "__init__.py").touch()
    shutil.copy(importlib.util.find_spec("_ctypes").origin, tmp_path / "triton" / "_C" / "libtriton.so")
    code = f"import sys; {first}; sys.exit('triton/_C/libtriton.so' not in open('/proc/self/maps').read())"
    done = python("-c", code, PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr


def test_a_triton_that_cannot_be_loaded_stops_nothing(tmp_path):
    (tmp_path / "triton" / "_C").mkdir(parents=True)
    (tmp_path / "triton" / "__init__.py").touch()
    (tmp_path / "triton" / "_C" / "libtriton.so").write_text("no library")
    done = python("-c", "import lrlib.course", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr


ORDERS = [", ".join(order) for order in itertools.permutations(("torch", "keras", "lrlib.torch"))]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="PyTorch's CPU build brings no triton")
@pytest.mark.parametrize("order", [*ORDERS, "torch, keras, lrlib", "keras, lrlib.keras, torch"])
def test_an_optimizer_is_made_beside_tensorflow(order):
    code = f"import {order}\ntorch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)"
    done = python("-c", code, KERAS_BACKEND="tensorflow")
    assert done.returncode == 0, done.stderr


# -- missing packages -----------------------------------------------------------------------------

SWEEP = (
    "lrlib.RangeTest(rates=tuple(10.0 ** (i - 20) for i in range(20)), losses=tuple(range(20)), stopped='completed')"
)


@pytest.mark.parametrize(
    ("missing", "code", "user", "extra"),
    [
        ("torch", "lrlib.torch", "lrlib.torch", "torch"),
        ("torch", "lrlib.from_torch(1)", "from_torch", "torch"),
        ("keras", "lrlib.keras", "lrlib.keras", "keras"),
        ("keras", "lrlib.from_keras(1)", "from_keras", "keras"),
        pytest.param("tensorflow", "lrlib.keras", "lrlib.keras", "keras", marks=pytest.mark.slow),
        ("jax", "lrlib.jax", "lrlib.jax", "jax"),
        ("numpy", f"{SWEEP}.suggest()", "suggest", "numpy"),
        ("matplotlib", "lrlib.Linear(0.0, 0.1, 5).plot()", "plot", "plot"),
        ("matplotlib", f"{SWEEP}.plot()", "plot", "plot"),
    ],
)
def test_a_missing_package_names_its_extra(missing, code, user, extra):
    done = python(
        "-c", f"import sys; sys.modules[{missing!r}] = None; import lrlib; {code}", KERAS_BACKEND="tensorflow"
    )
    message = f"{user} needs {missing}, which is not installed: pip install 'lrlib[{extra}]'"
    assert done.stderr.splitlines()[-1] == f"ModuleNotFoundError: {message}", done.stderr


def test_another_missing_package_is_named_as_it_is():
    from lrlib._extras import needed_by

    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_package'"), needed_by("a test"):
        import no_such_package  # noqa: F401


def test_extras_name_real_extras():
    from lrlib._extras import EXTRAS

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for package, extra in EXTRAS.items():
        assert any(package in requirement for requirement in project["optional-dependencies"][extra])
    for extra in ("torch", "keras", "jax", "plot"):  # `suggest` and `plot` need it
        assert "lrlib[numpy]" in project["optional-dependencies"][extra]


# -- a kernel that dies ---------------------------------------------------------------------------


@pytest.mark.slow
def test_nbval_says_that_a_kernel_died(tmp_path):
    shutil.copy(ROOT / "book" / "conftest.py", tmp_path)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os\nos.abort()")])
    (tmp_path / "dies.ipynb").write_text(json.dumps(notebook))
    options = ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=120", "-p", "no:cacheprovider")
    done = python("-m", "pytest", *options, "--rootdir=.", "dies.ipynb", cwd=tmp_path)
    assert done.returncode == 1 and "the kernel died in this cell" in done.stdout, done.stdout
    assert "Timeout" not in done.stdout


# -- packaging ------------------------------------------------------------------------------------

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def declared(extra):
    """The distributions that an extra asks for, extras of our own followed."""
    for requirement in map(Requirement, PROJECT["optional-dependencies"][extra]):
        if requirement.name == PROJECT["name"]:
            yield from itertools.chain.from_iterable(map(declared, requirement.extras))
        else:
            yield canonicalize_name(requirement.name)


def imported(files):
    """Top-level name → a file that imports it."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            yield from ((name.partition(".")[0], file) for name in names)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("places", "extras"),
    [
        (["lrlib/*.py"], ["torch", "keras", "jax", "plot"]),
        (["lrlib/course/**/*.py", "book/chapters/*.py"], ["course"]),
        (["book/_tools/*.py", "book/_ext/*.py"], ["course", "book", "assignments", "pdf"]),
        (["tests/*.py", "tests/*/*.py", "book/conftest.py"], ["dev"]),
    ],
)
def test_what_is_imported_is_declared(places, extras):
    known = packages_distributions()
    asked_for = {name for extra in extras for name in declared(extra)}
    optional = {"tqdm"} if places == ["lrlib/*.py"] else set()
    missing = {
        f"{name} ({file.relative_to(ROOT)})"
        for name, file in imported(path for place in places for path in ROOT.glob(place))
        if name in known and name not in {"lrlib", *sys.stdlib_module_names, *optional}
        if not {canonicalize_name(distribution) for distribution in known[name]} & asked_for
    }
    assert not missing


def test_every_package_and_the_stored_results_are_listed():
    """Stored results are data of one package, found in any folder; each folder of modules is listed."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "lrlib").rglob("__init__.py")}
    assert set(tool["packages"]) == folders | {"lrlib.course.results"}
    assert tool["package-data"]["lrlib.course.results"] == ["**/*.json"]
