"""A data source is one class: everything that knows of sources finds a new one by itself."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.training import SOURCES
from graphnn.training.data.columns import Column
from graphnn.training.data.source import DataSource, Found, Key
from tables import cases

SPEC = """\
graphnn: 1
nodes:
  x: {{op: input, shape: [batch, 1]}}
  t: {{op: input, shape: [batch, 1]}}
  y: {{op: affine, inputs: x, units: 1}}
  loss: {{op: mean_squared_error, inputs: [y, t]}}
train: {{data: {data}, epochs: 1}}
"""
WAVE = "{wave: {rows: rows.txt, x: angle, t: sine}}"


@pytest.fixture
def wave():
    """A source planted for the test, and removed after it."""

    class Wave(DataSource):
        """Angles and their sines, as many as a file says."""

        name = "wave"
        keys = (Key("rows", "A file that holds how many.", is_file=True),)
        feed = Key("array", "What feeds the input.", choices=("angle", "sine"))

        def read(self, request, asked):
            file = asked.one("rows")
            angles = np.arange(float((request.folder / file.name).read_text()))
            arrays = {"angle": angles, "sine": np.sin(angles)}
            named = {name: feed.names[0] for name, feed in asked.feeds.items()}
            columns = {i: Column(w.name, arrays[w.name], w.span) for i, w in named.items()}
            return Found("wave", columns)

    yield
    del SOURCES["wave"]


def written(folder, data):
    path = folder / "net.yaml"
    path.write_text(SPEC.format(data=data))
    (folder / "rows.txt").write_text("7")
    return path


def faults(folder, data):
    return [f"{found.message}: {found.help}" for found in graphnn.diagnose(written(folder, data))]


@pytest.mark.usefixtures("wave")
def test_it_feeds_a_training(tmp_path):
    path = written(tmp_path, WAVE)
    assert faults(tmp_path, WAVE) == []
    run = graphnn.train(path)
    loss = run.history[0]["loss"]
    weight, bias = graphnn.load(path).parameters.values()
    error = np.arange(7.0) * weight.item() + bias.item() - np.sin(np.arange(7.0))
    assert loss == pytest.approx((error**2).mean(), rel=1e-12)


@pytest.mark.usefixtures("wave")
@cases("""
    data | fault=
    {wave: {rows: rows.txt, x: angel, t: sine}}
        | "'wave' has no array 'angel': did you mean 'angle'?"
    {wave: {rows: rows.txt, x: [angle], t: sine}} | "the array for 'x' must be a text, not a list: "
    {wave: {x: angle, t: sine}} | "'wave' has no 'rows': write `wave: {rows: NAME, ...}`"
    {wave: {rows: rows.txt, z: angle, t: sine}}
        | "the network has no input 'z' to feed: its inputs are x, t; 'wave' also takes rows"
    {wvae: rows.txt} | "there is no kind of data 'wvae': did you mean 'wave'?"
""")
def test_its_faults_are_reported(tmp_path, data, fault):
    assert faults(tmp_path, data) == [fault]


@pytest.mark.usefixtures("wave")
def test_its_file_is_named_anew_in_another_folder(tmp_path):
    (tmp_path / "down").mkdir()
    graphnn.convert(written(tmp_path / "down", WAVE), tmp_path / "net.yaml")
    assert "rows: down/rows.txt" in (tmp_path / "net.yaml").read_text()
    assert graphnn.diagnose(tmp_path / "net.yaml") == ()


@pytest.mark.usefixtures("wave")
def test_editors_know_it():
    definition = graphnn.schema()["definitions"]["data"]["properties"]["wave"]
    array = {"enum": ["angle", "sine"], "description": "What feeds the input."}
    rows = {"type": ["string", "integer"]}
    assert definition == {
        "description": "Angles and their sines, as many as a file says.",
        "anyOf": [
            rows,
            {
                "type": "object",
                "properties": {"rows": {**rows, "description": "A file that holds how many."}},
                "additionalProperties": array,
                "required": ["rows"],
            },
        ],
    }
