"""The kernels that our tools start."""

import os

import notebooks
import pytest
from nbformat.v4 import new_code_cell, new_notebook

REACHED = """\
from ipykernel import get_connection_info
print(get_connection_info(unpack=True)["transport"])
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="on Windows kernels have ports")


def by_notebooks(notebook, folder):
    notebooks.execute(notebook, folder, "made")


def by_grading(notebook, folder):
    from grading_steps import Bounded

    Bounded(seconds=300, cell_seconds=300).preprocess(notebook, {"metadata": {"path": str(folder)}})


@pytest.mark.parametrize("execute", [by_notebooks, by_grading])
def test_a_kernel_needs_no_port_that_another_process_could_take_first(execute, tmp_path):
    notebook = new_notebook(cells=[new_code_cell(REACHED)], metadata=notebooks.NOTEBOOK_METADATA)
    execute(notebook, tmp_path)
    assert [one.text for one in notebook.cells[0].outputs] == ["ipc\n"]
    assert not any(tmp_path.iterdir())  # nor does it leave its sockets there
