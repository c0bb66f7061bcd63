"""The notebook of the documentation runs, and shows what it says."""

from __future__ import annotations

import pytest

from once import once
from places import ROOT

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytestmark = pytest.mark.slow

NOTEBOOK = ROOT / "docs" / "notebooks" / "digits.ipynb"


def execute(folder):
    book = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells)  # kept without outputs
    nbclient.NotebookClient(book, timeout=600, kernel_name="python3").execute()
    nbformat.write(book, folder / NOTEBOOK.name)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    path = once(tmp_path_factory, "notebook", execute) / NOTEBOOK.name
    book = nbformat.read(path, as_version=4)
    return [cell.outputs for cell in book.cells if cell.cell_type == "code"]


def test_results_show_themselves(outputs):
    network, summary, training, evaluation, gradients = (cell[-1].data for cell in outputs[:-1])
    assert network["text/html"].startswith("<img")
    assert "39,760" in network["text/html"]
    assert "<table>" in summary["text/html"]
    assert training["image/png"]
    assert evaluation["image/png"]
    assert "<td" in training["text/html"]
    assert "accuracy" in evaluation["text/html"]
    assert "39,760 entries in float64: 39,760 agree" in gradients["text/plain"]
    assert "39,760 entries in float64: 39,760 agree" in gradients["text/html"]


def test_errors_show_the_diagnostics_alone(outputs):
    (error,) = outputs[-1]
    assert error.ename == "SpecError"
    assert error.traceback[0].startswith("error[unknown-key]")
    assert not any("Traceback" in line for line in error.traceback)
