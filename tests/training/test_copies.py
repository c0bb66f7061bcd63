"""The folder of a run stands for its spec, whose files it finds, and no others."""

import json
import shutil

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import GraphnnError
from graphnn.execution.weight_files import CHECKPOINT

SPEC = """
graphnn: 1
blocks: {file: parts/layers.yaml}
nodes:
  x:    {op: input, shape: [batch, 3]}
  t:    {op: input, shape: [batch], dtype: int}
  a:    {block: layer, inputs: x}
  b:    {op: affine, inputs: a, units: 2, bias: {file: data/start.npz, key: bias}}
  y:    {op: softmax, inputs: b}
  loss: {op: cross_entropy, inputs: [y, t]}
outputs: [y]
train:
  data: {npz: data/rows.npz}
  metrics: {accuracy: [y, t]}
  optimizer: {adam: {learning_rate: 0.1}}
  batch_size: 4
  epochs: 3
"""
LAYERS = """
graphnn: 1
blocks:
  layer:
    inputs: x
    nodes:
      a: {op: affine, inputs: x, units: 4, weight: {file: first.npz, key: w}}
    output: a
"""


@pytest.fixture
def project(tmp_path, monkeypatch, no_plots):
    """A spec that names files of all kinds, beside a folder that it does not lie in."""
    rng = np.random.default_rng(0)
    for folder in ("specs/parts", "specs/data"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "specs/net.yaml").write_text(SPEC)
    (tmp_path / "specs/parts/layers.yaml").write_text(LAYERS)
    np.savez(tmp_path / "specs/parts/first.npz", w=rng.normal(size=(3, 4)))
    np.savez(tmp_path / "specs/data/start.npz", bias=[0.5, -0.5])
    rows = {"x": rng.normal(size=(20, 3)), "t": rng.integers(0, 2, 20)}
    np.savez(tmp_path / "specs/data/rows.npz", **rows)
    np.savez(tmp_path / "specs/secret.npz", **rows)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(project):
    return graphnn.train("specs/net.yaml", {"epochs": 2}, folder="runs/net")


def same(left, right):
    assert left.arrays.keys() == right.arrays.keys()
    return all((left.arrays[name] == right.arrays[name]).all() for name in left.arrays)


def test_a_run_stands_for_its_spec_and_its_parameters(run):
    assert same(graphnn.load("runs/net"), run.network)
    assert not same(graphnn.load("runs/net/spec.yaml"), run.network)
    assert same(graphnn.load("runs/net/spec.yaml"), graphnn.load("specs/net.yaml"))
    assert graphnn.diagnose("runs/net") == graphnn.diagnose("runs/net/spec.yaml") == ()
    changed = graphnn.diff("specs/net.yaml", "runs/net")
    assert [text for _, text in changed.lines()] == ["train", "  ~ epochs: 3 -> 2"]
    measured = graphnn.evaluate("runs/net").values
    assert measured == graphnn.evaluate("specs/net.yaml", weights="runs/net").values


def test_a_run_is_trained_again_and_its_copy_knows_the_same_spec(run):
    again = graphnn.train("runs/net", folder="runs/deep/again")
    assert again.history == run.history
    summary = json.loads((again.folder / "summary.json").read_text())
    assert summary["spec"] == "../../../specs/net.yaml"
    assert (again.folder / "spec.yaml").read_text() == (run.folder / "spec.yaml").read_text()
    assert same(graphnn.load("runs/deep/again"), run.network)


def test_blocks_of_another_folder_name_their_files_from_the_spec(run):
    text = (run.folder / "spec.yaml").read_text()
    assert "weight: {file: parts/first.npz, key: w}" in text
    assert "bias: {file: data/start.npz, key: bias}" in text


def test_a_project_may_be_moved_as_a_whole_and_a_run_with_its_data(run, project, monkeypatch):
    shutil.move(project / "specs", project / "new/specs")
    with pytest.raises(GraphnnError, match=r"^error\[no-such-file\]: there is no file 'runs/net/"):
        graphnn.load("runs/net")
    shutil.move(project / "runs", project / "new/runs")
    monkeypatch.chdir(project / "new/runs/net")
    assert same(graphnn.load("."), run.network)
    for name in ("parts", "data"):
        shutil.move(project / "new/specs" / name, project / "new/runs/net" / name)
    assert same(graphnn.load(project / "new/runs/net"), run.network)


def test_a_run_converted_elsewhere_names_the_same_files(run):
    graphnn.convert("runs/net", "specs/better.yaml")
    text = graphnn.load("specs/better.yaml", {"epochs": 3})
    assert not graphnn.diff(text, graphnn.load("specs/net.yaml"))


def test_a_copy_opens_no_file_that_its_spec_does_not_name(run):
    copy = run.folder / "spec.yaml"
    copy.write_text(copy.read_text().replace("data/rows.npz", "secret.npz"))
    with pytest.raises(GraphnnError) as caught:
        graphnn.evaluate("runs/net")
    assert "there is no file 'runs/net/" in str(caught.value)
    # Named by the spec too, it is opened: the refusal is not for another reason.
    spec = run.folder.parent.parent / "specs/net.yaml"
    spec.write_text(spec.read_text().replace("data/rows.npz", "secret.npz"))
    assert graphnn.evaluate("runs/net").rows == 20


def test_without_a_spec_that_can_be_read_a_copy_reads_beside_itself(run):
    path = run.folder / "summary.json"
    for summary in (
        *("{}", "no JSON", "[" * 10_000, "[1]", '{"spec": 3}', '{"spec": "spec.yaml"}'),
        *('{"spec": ".."}', '{"spec": "none.yaml"}', '{"spec": "../../specs/secret.npz"}'),
        *('{"spec": "\\u0000"}', None),
    ):
        path.unlink() if summary is None else path.write_text(summary)
        with pytest.raises(GraphnnError, match=r"there is no file 'runs/net/data/start.npz'"):
            graphnn.load("runs/net")


def test_a_run_that_was_killed_is_resumed_from_its_folder(project):
    def kill(progress):
        if progress.epoch == 3:
            raise MemoryError

    whole = graphnn.train("specs/net.yaml", folder="runs/whole")
    with pytest.raises(MemoryError):
        graphnn.train("specs/net.yaml", folder="runs/killed", progress=kill)
    left = sorted(path.name for path in (project / "runs/killed").iterdir())
    assert left == [CHECKPOINT, "spec.yaml", "summary.json"]
    reached = graphnn.load("runs/killed")
    assert not same(reached, graphnn.load("specs/net.yaml"))
    resumed = graphnn.train("runs/killed", resume=True)
    assert resumed.history == whole.history
    assert same(graphnn.load("runs/killed"), whole.network)


def test_a_network_that_was_read_from_no_file_has_no_origin(project):
    net = graphnn.loads(SPEC, folder="specs")
    run = graphnn.train(net, folder="runs/text")
    assert list(json.loads((run.folder / "summary.json").read_text())) == ["epochs", "last", "test"]
