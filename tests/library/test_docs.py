"""The reference: every public name stands on its page, with an example that is run as a test."""

import inspect
from pathlib import Path

import pytest

import lrlib
import lrlib.keras
import lrlib.torch

PAGE = (Path(__file__).parents[2] / "book" / "reference" / "api.md").read_text(encoding="utf-8")
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
