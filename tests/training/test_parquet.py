"""Parquet tables: read as CSV tables are, and refused where they hold something else."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.training.data.columns import InputRequirements, InputSpec
from graphnn.training.data.dataset import load
from located import located_yaml
from tables import cases

pytestmark = pytest.mark.usefixtures("no_plots")

pa = pytest.importorskip("pyarrow")

COLUMNS = {
    "length": [39.1, 1 / 3, None, 46.0],
    "mass": [3750, 3800, 2**40, 5],
    "short": np.array([0.1, 0.2, 0.3, 0.4], np.float32),
    "female": [True, False, True, False],
    "island": ["Biscoe", 'a, "b"', "Dream\nBay", "Dream"],
    "kind": pa.array(["b", "a", "b", "a"]).dictionary_encode(),
}


def write(path: str, columns) -> None:
    from pyarrow import parquet

    parquet.write_table(pa.table(columns), path)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("birds.parquet", COLUMNS)
    return tmp_path


def need(name: str, *row: int, dtype: str = "float64", missing: bool = False) -> InputSpec:
    return InputSpec(name, (None, *row), dtype, None, missing)  # type: ignore[arg-type]


def rows(spec: str, *needs: InputSpec):
    demand = InputRequirements({each.name: each for each in needs})
    return load(located_yaml(spec), demand, Path()).train


def test_numbers_to_the_last_digit(here):
    found = rows("{parquet: {file: birds.parquet, x: [mass, short, female]}}", need("x", 3))
    three = (COLUMNS["mass"], COLUMNS["short"].tolist(), COLUMNS["female"])
    expected = [list(map(float, row)) for row in zip(*three, strict=True)]
    assert found.arrays["x"].tolist() == expected


def test_missing_values_texts_and_categories(here):
    found = rows(
        "{parquet: {file: birds.parquet, x: length, t: kind, c: island, categories: island}}",
        need("x", 1, missing=True),
        need("t", dtype="int"),
        need("c", 4),
    )
    np.testing.assert_array_equal(found.arrays["x"][:, 0], [39.1, 1 / 3, np.nan, 46.0])
    assert found.arrays["t"].tolist() == [1, 0, 1, 0]
    assert found.arrays["c"].argmax(axis=1).tolist() == [0, 3, 2, 1]
    assert found.classes["c.island"] == ("Biscoe", "Dream", "Dream\nBay", 'a, "b"')


def test_a_missing_value_has_its_place_in_the_table(here):
    with pytest.raises(graphnn.DataError) as error:
        rows("{parquet: {file: birds.parquet, x: length}}", need("x", 1))
    (found,) = error.value.diagnostics
    assert found.message == "a cell of column 'length' is empty"
    assert found.span.source.name.endswith("birds.parquet")


def test_training_and_prediction(here):
    numbers = np.linspace(-1, 1, 40)
    write("rows.parquet", {"a": numbers, "kind": np.where(numbers > 0, "high", "low")})
    Path("net.yaml").write_text(graphnn.draft("rows.parquet"))
    assert graphnn.diagnose("net.yaml") == ()
    graphnn.train("net.yaml", folder="run")
    write("new.parquet", {"a": [-0.9, 0.9]})
    assert [found.name for found in graphnn.predict("run", "new.parquet")] == ["low", "high"]


@cases(
    r"""
    make= | code | message
    lambda path: write(path, {"a": [[1, 2]]}) | not-a-number
        | column 'a' of 'a.parquet' holds list<element: int64>, not numbers or texts
    lambda path: Path(path).write_bytes(b"PAR1" + bytes(40) + b"PAR1") | broken-file
        | 'a.parquet' is not a sound Parquet file
    lambda path: Path(path).write_text("a\n1\n") | broken-file
        | 'a.parquet' is not a sound Parquet file
    lambda path: None | no-such-file | there is no file 'a.parquet'
    """,
    Path=Path,
    write=write,
)
def test_files_at_fault(here, make, code, message):
    make("a.parquet")
    with pytest.raises(graphnn.GraphnnError) as error:
        rows("{parquet: {file: a.parquet, x: a}}", need("x", 1))
    (found,) = error.value.diagnostics
    assert found.code == code
    assert found.message.startswith(message)


def test_every_damage_of_one_byte_is_reported_or_harmless(here):
    content = Path("birds.parquet").read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(60):
        place = int(rng.integers(len(content)))
        damaged = bytearray(content)
        damaged[place] ^= int(rng.integers(1, 256))
        Path("a.parquet").write_bytes(damaged)
        try:
            rows("{parquet: {file: a.parquet, x: mass}}", need("x", 1))
        except graphnn.GraphnnError as error:
            assert error.diagnostics


def test_without_pyarrow(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(graphnn.TrainingError) as error:
        rows("{parquet: {file: birds.parquet, x: mass}}", need("x", 1))
    assert str(error.value) == (
        "error[no-parquet]: Parquet files need pyarrow, which is not installed\n"
        "  --> spec.yaml:1:18\n"
        "   |\n"
        " 1 | {parquet: {file: birds.parquet, x: mass}}\n"
        "   |                  ^^^^^^^^^^^^^\n"
        "   = help: pip install 'graphnn[parquet]'"
    )
