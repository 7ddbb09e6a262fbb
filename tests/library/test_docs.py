"""The reference: every public name stands on its page, with an example that is run as a test."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import lrlib
import lrlib.keras
import lrlib.torch

TESTS = Path(__file__).parents[1]
REFERENCE = TESTS.parent / "book" / "reference" / "api.md"
PAGE = REFERENCE.read_text(encoding="utf-8")
EXAMPLES = TESTS / "clients" / "examples"
PUBLIC = {
    **{f"lrlib.{name}": getattr(lrlib, name) for name in lrlib.__all__},
    **{f"lrlib.torch.{name}": getattr(lrlib.torch, name) for name in lrlib.torch.__all__},
    **{f"lrlib.keras.{name}": getattr(lrlib.keras, name) for name in lrlib.keras.__all__ if name != "TensorOps"},
}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_on_the_page_with_an_example(name):
    thing = PUBLIC[name]
    assert f":: {name}\n" in PAGE, f"book/reference/api.md does not list {name}"
    own = inspect.getdoc(thing) or ""
    members = vars(thing).values() if inspect.isclass(thing) else ()
    assert ">>>" in own or any(">>>" in (inspect.getdoc(member) or "") for member in members)


def test_jax_stands_on_the_page_too():
    """It cannot be imported here: `make clients` runs its example."""
    [function] = [node for node in ast.parse((TESTS.parent / "lrlib" / "jax.py").read_text()).body if is_public(node)]
    assert f":: lrlib.jax.{function.name}\n" in PAGE and ">>>" in ast.get_docstring(function)


def is_public(node):
    return isinstance(node, ast.FunctionDef) and not node.name.startswith("_")


def test_every_example_with_a_client_is_on_the_page_and_run():
    """The page shows the very files that `make clients` runs: no example of its own, and none that nothing runs."""
    shown = {(REFERENCE.parent / path).resolve() for path in re.findall(r"\{literalinclude\} (\S+)", PAGE)}
    assert shown == {path for path in EXAMPLES.iterdir() if path.suffix in {".py", ".yaml"}}
    tests = "".join(path.read_text(encoding="utf-8") for path in (TESTS / "clients").glob("test_*.py"))
    run = set(re.findall(r"""(?:example|run)\("(\w+)",""", tests)) | set(re.findall(r'"(\w+)\.(?:py|yaml)"', tests))
    assert {path.stem for path in shown} == run
    clients = r"accelerat|flax|hydra|ignite|lightning|omegaconf|transformers|Trainer"
    written = "".join(re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    assert not re.findall(clients, written), "put the example into tests/clients/examples and include it"
