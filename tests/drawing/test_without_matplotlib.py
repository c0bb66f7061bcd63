"""Every picture that needs matplotlib says so where it is missing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphnn
from graphnn import drawing
from graphnn.diagnostics import DrawingError
from graphnn.drawing.plots import style

IMAGES = np.zeros((2, 3, 3))
HISTORY = {"loss": [2.0, 1.0]}
POINTS = [[1.0, 1.0], [0.5, 0.5]]
DESCENT = {
    "graphnn": 1,
    "nodes": {
        "x": {"op": "parameter", "shape": [2], "value": [1, 1]},
        "f": {"op": "sum", "inputs": "x"},
    },
}
PLOTS: dict[str, Callable[[], Any]] = {
    "confusion": lambda: drawing.confusion([[1, 0], [0, 1]]),
    "curves": lambda: drawing.curves(HISTORY),
    "filters": lambda: drawing.filters(np.zeros((2, 1, 3, 3))),
    "image_sheet": lambda: drawing.image_sheet(IMAGES),
    "image_with_points": lambda: drawing.image_with_points(IMAGES[0], [[1.0, 1.0]]),
    "loss_path": lambda: drawing.loss_path(graphnn.loads(DESCENT), np.array(POINTS)),
    "mistakes": lambda: drawing.mistakes(IMAGES, [0, 1], [1, 1]),
    "path_on_contours": lambda: drawing.path_on_contours(lambda x, y: x * y, POINTS),
    "reconstructions": lambda: drawing.reconstructions(IMAGES, IMAGES),
    "step_study": lambda: drawing.step_study([1e-3, 1e-2], [1e-4, 1e-3], [1e-6, 1e-5]),
    "trial_curves": lambda: drawing.trial_curves({1: [2.0, 1.0]}, measure="loss"),
    "trial_values": lambda: drawing.trial_values({"rate": [0.1, 0.2]}, [1.0, 2.0], measure="loss"),
}
CACHES = (style._families, style._has_glyph, style._lookups)


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch):
    for name in ("matplotlib", *(name for name in sys.modules if name.startswith("matplotlib."))):
        monkeypatch.setitem(sys.modules, name, None)
    for cache in CACHES:
        cache.cache_clear()


def test_every_plot_is_here():
    assert PLOTS.keys() == set(drawing.__all__) - {
        "Diagram",
        "DiagramOptions",
        "SheetOptions",
        "draw",
        "to_svg",
    }


@pytest.mark.parametrize("plot", PLOTS.values(), ids=list(PLOTS))
@pytest.mark.usefixtures("no_matplotlib")
def test_a_plot_needs_matplotlib(plot: Callable[[], Any]):
    with pytest.raises(DrawingError) as caught:
        plot()
    assert str(caught.value) == (
        "error[no-matplotlib]: plots need matplotlib, which is not installed\n"
        "   = help: pip install 'graphnn[plot]'"
    )


@pytest.mark.usefixtures("no_matplotlib")
def test_an_evaluation_reports_its_numbers_all_the_same(tmp_path, monkeypatch, capsys):
    from graphnn.cli import main

    monkeypatch.chdir(tmp_path)
    np.savez("rows.npz", x=np.eye(2), t=[0, 1])
    np.savez("w.npz", **{"a.weight": np.eye(2), "a.bias": np.zeros(2)})
    (tmp_path / "net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n"
        "  t: {op: input, shape: [batch], dtype: int}\n"
        "  a: {op: affine, inputs: x, units: 2}\n"
        "  y: {op: softmax, inputs: a}\n"
        "  loss: {op: cross_entropy, inputs: [y, t]}\n"
        "train: {data: {npz: rows.npz}, metrics: {accuracy: [y, t]}}\n"
    )
    with pytest.raises(SystemExit) as exit:
        main(["evaluate", "net.yaml", "--weights", "w.npz", "-o", "pictures"])
    shown = capsys.readouterr()
    assert exit.value.code == 1
    assert shown.out.startswith("2 training rows\nloss ")
    assert shown.err == (
        "error[no-matplotlib]: plots need matplotlib, which is not installed\n"
        "   = help: pip install 'graphnn[plot]'\n"
    )
