"""Columns of categories and missing values of a table, against scikit-learn's encoders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphnn
from tables import cases

pytestmark = pytest.mark.usefixtures("no_plots")

LENGTHS = np.random.default_rng(4).normal(45, 5, 40).round(1)
ISLANDS = np.array(["Torgersen", "Biscoe", "Dream", "Biscoe"] * 10)
MASSES = np.random.default_rng(5).normal(4200, 700, 40).round()
KINDS = np.where(MASSES > 4200, "heavy", "light")
SPEC = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 5]}
  t: {op: input, shape: [batch], dtype: int}
  f: {op: impute, inputs: x}
  s: {op: standardize, inputs: f}
  a: {op: affine, inputs: s, units: 2}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {csv: {file: birds.csv, categories: island, x: [length, island, mass], t: kind}}
  validation: 8
  metrics: {accuracy: [y, t]}
  epochs: 3
"""


def write(path: Path, missing: str = "", *, at: tuple[int, ...] = ()) -> None:
    lines = ["length,island,mass,kind"]
    for row, (*cells, kind) in enumerate(zip(LENGTHS, ISLANDS, MASSES, KINDS, strict=True)):
        length, island, mass = map(str, cells)
        lines.append(",".join([length, island, missing if row in at else mass, kind]))
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(Path("birds.csv"))
    Path("net.yaml").write_text(SPEC)
    return tmp_path


def fed(network: graphnn.Network) -> np.ndarray:
    from graphnn.training.data.splits import load_sets
    from graphnn.training.runs.run import train_spec

    rows = load_sets(network, train_spec(network)).train
    assert rows is not None
    return rows.arrays["x"]


def test_categories_are_one_hot_as_by_scikit_learn(here):
    from sklearn.preprocessing import OneHotEncoder

    Path("net.yaml").write_text(SPEC.replace("  validation: 8\n", ""))
    hot = OneHotEncoder(sparse_output=False).fit_transform(ISLANDS[:, None])
    expected = np.hstack([LENGTHS[:, None], hot, MASSES[:, None]])
    np.testing.assert_array_equal(fed(graphnn.load("net.yaml")), expected)


def test_the_mean_stands_for_what_is_missing_as_by_scikit_learn(here):
    from sklearn.impute import SimpleImputer

    write(Path("birds.csv"), "NA", at=(1, 5, 30))
    network = graphnn.load("net.yaml")
    rows = fed(network)  # without those held back
    graphnn.train(network)
    seen = network.run(x=rows, outputs="f")["f"]
    np.testing.assert_allclose(seen, SimpleImputer().fit_transform(rows), rtol=1e-15)
    assert np.isnan(rows).any()


def test_rows_that_lack_a_value_are_dropped(here):
    write(Path("birds.csv"), "", at=(1, 5, 30))
    Path("net.yaml").write_text(
        SPEC.replace("impute", "identity").replace("birds.csv,", "birds.csv, missing: drop,")
    )
    network = graphnn.load("net.yaml")
    assert len(fed(network)) == 40 - 3 - 8
    assert "3 of the 40 rows of 'birds.csv' lack a value" in graphnn.train(network).remarks[0]


def test_one_row_that_lacks_a_value(here):
    write(Path("birds.csv"), "", at=(1,))
    Path("net.yaml").write_text(
        SPEC.replace("impute", "identity").replace("birds.csv,", "birds.csv, missing: drop,")
    )
    (found,) = graphnn.diagnose("net.yaml")
    assert found.message == "1 of the 40 rows of 'birds.csv' lacks a value"


def test_without_either_a_missing_value_is_reported(here):
    write(Path("birds.csv"), "", at=(1,))
    Path("net.yaml").write_text(SPEC.replace("impute", "identity"))
    (found,) = graphnn.diagnose("net.yaml")
    assert found.message == "a cell of column 'mass' is empty"
    assert found.help == "to leave out rows that lack a value, add 'missing: drop' to the data"
    assert found.span is not None
    assert found.span.line == 3


@pytest.mark.parametrize("text", ["", "NA", "n/a", "NaN", "nan", "null", "?", "  "])
def test_what_counts_as_missing(here, text):
    write(Path("birds.csv"), text, at=(0, 2))
    Path("net.yaml").write_text(SPEC.replace("  validation: 8\n", ""))
    assert np.isnan(fed(graphnn.load("net.yaml")))[:, 4].nonzero()[0].tolist() == [0, 2]


def test_predict_encodes_as_training_did(here):
    graphnn.train("net.yaml", folder="run")
    # Alone, 'Dream' would be the one category, and the only row its mean.
    Path("new.csv").write_text("length,island,mass\n50,Dream,\n")
    (found,) = graphnn.predict("run", "new.csv")
    network = graphnn.load("net.yaml")
    network.load_weights("run")
    mass = network.state["f.mean"][4]
    row = np.array([[50.0, 0, 1, 0, mass]])
    np.testing.assert_allclose(found.score, network.run(x=row, outputs="y")["y"].max(), rtol=1e-12)
    assert network.classes["x.island"] == ("Biscoe", "Dream", "Torgersen")


def test_a_category_that_training_did_not_have(here):
    graphnn.train("net.yaml", folder="run")
    Path("new.csv").write_text("length,island,mass\n50,Drean,4000\n")
    with pytest.raises(graphnn.DataError) as error:
        graphnn.predict("run", "new.csv")
    (found,) = error.value.diagnostics
    assert found.message == "'Drean' is not a category of column 'island' in the training set"
    assert found.help == "did you mean 'Dream'?"
    assert (found.span.line, found.span.column, found.span.end_column) == (2, 4, 9)


def test_a_validation_set_with_files_of_its_own_has_the_same_categories(here):
    write(Path("more.csv"))
    lines = Path("more.csv").read_text().splitlines()
    Path("more.csv").write_text("\n".join([lines[0], *lines[2:5:2]]))  # Biscoe twice
    Path("net.yaml").write_text(
        SPEC.replace(
            "validation: 8",
            "validation: {csv: {file: more.csv, categories: island, "
            "x: [length, island, mass], t: kind}}",
        )
    )
    from graphnn.training.data.splits import load_sets
    from graphnn.training.runs.run import train_spec

    network = graphnn.load("net.yaml")
    rows = load_sets(network, train_spec(network)).validation
    assert rows.arrays["x"][:, 1:4].tolist() == [[1, 0, 0], [1, 0, 0]]


def test_columns_of_categories_for_whole_numbers(here):
    Path("net.yaml").write_text(
        "graphnn: 1\n"
        "nodes:\n"
        "  x: {op: input, shape: [batch, 2], dtype: int}\n"
        "  t: {op: input, shape: [batch, 2]}\n"
        "  w: {op: parameter, shape: [2]}\n"
        "  y: {op: multiply, inputs: [t, w]}\n"
        "  loss: {op: mean_squared_error, inputs: [y, t]}\n"
        "train: {data: {csv: {file: birds.csv, t: [length, mass]}}}\n"
    )
    from graphnn.training.data.columns import InputRequirements, InputSpec
    from graphnn.training.data.dataset import load
    from located import located_yaml

    need = InputSpec("x", (None, 2), "int")
    spec = "{csv: {file: birds.csv, categories: [island, kind], x: [island, kind]}}"
    found = load(located_yaml(spec), InputRequirements({"x": need}), here).train
    islands, kinds = ["Biscoe", "Dream", "Torgersen"], ["heavy", "light"]
    expected = [
        [islands.index(island), kinds.index(kind)]
        for island, kind in zip(ISLANDS, KINDS, strict=True)
    ]
    assert found.arrays["x"].tolist() == expected


@cases("""
    old= | new | code | message | rest=
    "batch, 5" | batch, 4 | wrong-width | 'x' needs 4 values a row, but 'length, island, mass' has 5
        | ["column 'island' takes 3 of them, one for each of its categories"]
    "categories: island" | categories: [island, isle] | unknown-column
        | 'birds.csv' has no column 'isle' | "did you mean 'island'?"
    "categories: island, " | | not-a-number | 'Torgersen' in column 'island' is not a finite number
        | "if its texts are categories, list 'island' in 'categories'"
    "categories: island" | missing: mean | bad-value
        | the missing of 'csv' is refuse or drop, not 'mean'
        | "to put the mean of a column in its place, let a node impute read the input"
""")
def test_faults(here, old, new, code, message, rest):
    Path("net.yaml").write_text(SPEC.replace(old, new))
    found = graphnn.diagnose("net.yaml")[0]
    assert (found.code, found.message) == (code, message)
    assert rest in (found.help, [note.text for note in found.notes])


@pytest.mark.oracle
def test_an_exported_network_imputes_too(here):
    onnxruntime = pytest.importorskip("onnxruntime")
    network = graphnn.load("net.yaml")
    graphnn.train(network)
    graphnn.export(network, "net.onnx", outputs=["y"], dtype="float64")
    rows = np.array([[50.0, 0, 1, 0, np.nan]])
    (found,) = onnxruntime.InferenceSession("net.onnx").run(["y"], {"x": rows})
    np.testing.assert_allclose(found, network.run(x=rows, outputs="y")["y"], rtol=1e-12)
