"""The op `standardize` in training: it takes its statistics from the training rows, once."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from op_values import op

pytestmark = pytest.mark.usefixtures("no_plots")

TEXT = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch, 1]}
  s: {op: standardize, inputs: x}
  y: {op: affine, inputs: s, units: 1}
  loss: {op: mean_squared_error, inputs: [y, t]}
train: {epochs: 2, batch_size: 7, validation: 10}
"""
ROWS = np.random.default_rng(0).normal([5.0, -2000.0, 7.0], [0.1, 300.0, 0.0], (50, 3))
DATA = {"x": ROWS, "t": ROWS[:, :1]}


def test_the_statistics_are_those_of_the_training_rows_alone():
    net = graphnn.loads(TEXT)
    run = graphnn.train(net, data=DATA)
    seen = net.run(x=ROWS, outputs="s")["s"]
    # The 10 rows held back are left out, so those of all rows are near, but not the same.
    assert 0 < abs(seen[:, :2].mean()) < 0.3
    assert seen[:, 2].tolist() == [0.0] * 50  # constant
    assert net.state["s.deviation"][2] == 1
    assert len(run.history) == 2


def test_a_constant_column_whose_mean_is_rounded():
    column = np.full((100, 1), 1e6 + 0.1)
    assert column.std() > 0
    assert op("standardize").prepared(column)["deviation"].tolist() == [1]


def test_without_rows_held_back_by_scikit_learn():
    from sklearn.preprocessing import StandardScaler

    net = graphnn.loads(TEXT.replace(", validation: 10", ""))
    graphnn.train(net, data=DATA)
    expected = StandardScaler().fit_transform(ROWS)
    np.testing.assert_allclose(net.run(x=ROWS, outputs="s")["s"], expected, atol=1e-9)


def test_columns_on_scales_far_apart_are_not_warned_of():
    rows = ROWS * [1, 1, 1e4]
    plain = TEXT.replace("inputs: s, units", "inputs: x, units")
    warned = [
        any("scales far apart" in remark for remark in run.remarks)
        for run in (
            graphnn.train(graphnn.loads(text), {}, data={**DATA, "x": rows})
            for text in (TEXT, plain)
        )
    ]
    assert warned == [False, True]


def test_the_weights_hold_them_and_a_resumed_run_keeps_them(tmp_path):
    (tmp_path / "net.yaml").write_text(TEXT)
    whole = graphnn.train(tmp_path / "net.yaml", data=DATA)
    part = tmp_path / "run"

    def stop(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    graphnn.train(tmp_path / "net.yaml", folder=part, data=DATA, progress=stop)
    resumed = graphnn.train(tmp_path / "net.yaml", folder=part, data=DATA, resume=True)
    other = graphnn.load(tmp_path / "net.yaml")
    other.load_weights(part)
    for name, array in whole.network.arrays.items():
        np.testing.assert_array_equal(resumed.network.arrays[name], array)
        np.testing.assert_array_equal(other.arrays[name], array)


def test_one_after_the_other():
    text = TEXT.replace("inputs: s, units", "inputs: s2, units").replace(
        "  y:", "  e: {op: exp, inputs: s}\n  s2: {op: standardize, inputs: e}\n  y:"
    )
    net = graphnn.loads(text.replace(", validation: 10", ""))
    graphnn.train(net, data=DATA)
    found = net.run(x=ROWS, outputs="s2")["s2"][:, :2]
    np.testing.assert_allclose([found.mean(axis=0), found.std(axis=0)], [[0, 0], [1, 1]], atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_before_training_nothing_changes(dtype):
    net = graphnn.loads(TEXT.replace("graphnn: 1", f"graphnn: 1\ndtype: {dtype}"))
    np.testing.assert_array_equal(net.run(x=ROWS, outputs="s")["s"], ROWS.astype(dtype))
