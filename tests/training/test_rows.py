"""Training on the first rows alone."""

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import DataError, SpecError
from graphnn.training import load_sets

SPEC = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 1]}
  y:    {op: affine, inputs: x, units: 1}
  loss: {op: mean_squared_error, inputs: [y, x]}
train:
  data: {npz: rows.npz}
"""


@pytest.fixture
def folder(tmp_path):
    np.savez(tmp_path / "rows.npz", x=np.arange(20.0)[:, None])
    return tmp_path


def loaded(folder, text):
    net = graphnn.loads(SPEC + text, folder=folder)
    return load_sets(net, net.graph.spec.train)


def numbers(dataset):
    return dataset.arrays["x"].ravel().astype(int).tolist()


def test_the_first_rows_are_taken(folder):
    assert numbers(loaded(folder, "").train) == list(range(20))
    assert numbers(loaded(folder, "  rows: 3\n").train) == [0, 1, 2]
    assert numbers(loaded(folder, "  rows: 20\n").train) == list(range(20))


def test_rows_are_held_back_before(folder):
    more = "  validation: 5\n  test: 4\n"
    few, all_of_them = loaded(folder, more + "  rows: 6\n"), loaded(folder, more)
    assert numbers(few.train) == numbers(all_of_them.train)[:6]
    assert numbers(few.validation) == numbers(all_of_them.validation)
    assert numbers(few.test) == numbers(all_of_them.test)
    assert len(all_of_them.train) == 11


def test_a_setting_replaces_them(folder):
    (folder / "net.yaml").write_text(SPEC)
    net = graphnn.load(folder / "net.yaml", {"rows": 2})
    assert numbers(load_sets(net, net.graph.spec.train).train) == [0, 1]


def test_more_rows_than_there_are(folder):
    with pytest.raises(DataError) as caught:
        loaded(folder, "  validation: 5\n  rows: 16\n")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message, found.help) == (
        "too-few-rows",
        "'rows' is 16, but there are 15 rows to train on",
        "rows for validation and test are held back first",
    )
    assert (found.span.line, found.span.column) == (10, 9)


@pytest.mark.parametrize("value", ["0", "-1", "0.5", "all", "true", "[3]"])
def test_what_is_no_number_of_rows(folder, value):
    with pytest.raises(SpecError) as caught:
        loaded(folder, f"  rows: {value}\n")
    (found,) = caught.value.diagnostics
    assert found.message.startswith("'rows' must be a whole number of at least 1, not ")
