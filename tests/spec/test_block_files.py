"""Blocks from files: where they lie, what they may name, how they are checked."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import SpecError
from graphnn.graph.passes import scope
from graphnn.spec import reader, to_yaml

LAYER = "{inputs: x, nodes: {a: {op: affine, inputs: x, units: 2}}, output: a}"
NET = """
graphnn: 1
blocks: {file: BLOCKS}
nodes:
  x: {op: input, shape: [batch, 3]}
  y: {block: layer, inputs: x}
"""


def write(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".yaml").write_text(text)


def messages(path):
    with pytest.raises(SpecError) as caught:
        graphnn.load(path)
    return [(found.code, found.message) for found in caught.value.diagnostics]


def test_blocks_of_files_of_files(tmp_path):
    write(
        tmp_path,
        net=NET.replace("BLOCKS", "[inner/a.yaml, b.yaml]"),
        inner__a="graphnn: 1\nname: a\ndescription: d\nblocks: {file: [deeper.yaml, ../b.yaml]}\n",
        inner__deeper=f"graphnn: 1\nblocks: {{layer: {LAYER}}}\n",
        b="graphnn: 1\nblocks: {file: {inputs: x, nodes: {u: {op: relu, inputs: x}}, output: u}}\n",
    )
    spec = graphnn.load(tmp_path / "net.yaml").graph.spec
    assert list(spec.blocks) == ["layer", "file"]
    layer = spec.blocks["layer"]
    assert layer.place.source.name == str(tmp_path / "inner" / "deeper.yaml")
    assert layer.folder == tmp_path / "inner"
    assert not layer.own
    assert list(spec.nodes) == ["x", "y.a"]


def test_a_block_that_may_be_called_file():
    net = graphnn.loads(f"""
graphnn: 1
blocks: {{file: {LAYER}}}
nodes: {{x: {{op: input, shape: [batch, 3]}}, y: {{block: file, inputs: x}}}}
""")
    assert list(net.graph.nodes) == ["x", "y.a"]


def test_files_that_blocks_name_start_from_their_own_folder(tmp_path):
    stored = LAYER.replace("units: 2", "weight: {file: w.npz, key: W}, bias: {file: ../b.npz}")
    write(
        tmp_path,
        net=NET.replace("BLOCKS", "inner/a.yaml"),
        inner__a=f"graphnn: 1\nblocks: {{layer: {stored}}}\n",
    )
    weight = np.arange(6.0).reshape(3, 2)
    np.savez(tmp_path / "inner" / "w.npz", W=weight)
    np.savez(tmp_path / "b.npz", **{"y.a.bias": np.array([1.0, 2.0])})
    net = graphnn.load(tmp_path / "net.yaml")
    assert net.parameters["y.a.weight"].tolist() == weight.tolist()
    assert net.parameters["y.a.bias"].tolist() == [1.0, 2.0]


def test_a_file_of_blocks_is_checked_but_is_no_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, a=f"graphnn: 1\nblocks:\n  layer: {LAYER}\n  b: {{}}\n")
    found = graphnn.diagnose("a.yaml")
    assert [fault.message for fault in found] == [
        f"the block 'b' has no '{key}'" for key in ("inputs", "nodes", "output")
    ]
    write(tmp_path, a=f"graphnn: 1\nblocks:\n  layer: {LAYER}\n")
    assert graphnn.diagnose("a.yaml") == ()
    with pytest.raises(SpecError) as caught:
        graphnn.load("a.yaml")
    assert (
        str(caught.value)
        == """\
error[no-network]: the file holds blocks, but no network
  --> a.yaml:2:1
   |
 2 | blocks:
   | ^^^^^^
   = help: name it in a spec, as in 'blocks: {file: NAME}', or add 'nodes'"""
    )


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"f{number}" for number in range(21)]
    write(tmp_path, **{name: f"graphnn: 1\nblocks: {{{name}: {LAYER}}}\n" for name in names})
    listed = ", ".join(f"{name}.yaml" for name in names)
    write(tmp_path, net=NET.replace("BLOCKS", f"[{listed}]").replace("layer", "f0"))
    with pytest.raises(SpecError) as caught:
        graphnn.load("net.yaml")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (
        "too-many-files",
        "the spec takes blocks from more than 20 files",
    )
    assert (found.span.line, found.span.column) == (3, 207)
    write(tmp_path, net=NET.replace("BLOCKS", f"[{listed[:-10]}]").replace("layer", "f0"))
    assert len(graphnn.load("net.yaml").graph.spec.blocks) == 20


def test_a_file_of_blocks_is_small(tmp_path):
    write(tmp_path, net=NET.replace("BLOCKS", "a.yaml"), a="#" * (1 << 20) + "\n")
    assert messages(tmp_path / "net.yaml") == [
        ("file-too-large", f"'{tmp_path / 'a.yaml'}' is larger than 1 MiB")
    ]


def test_a_spec_is_no_file_of_blocks_of_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, net=NET.replace("BLOCKS", "net.yaml"))
    assert messages("net.yaml") == [
        ("cyclic-file", "the file 'net.yaml' takes blocks from itself: net.yaml -> net.yaml")
    ]


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    inside = tmp_path / "inside"
    write(tmp_path, inside__net=NET.replace("BLOCKS", "a.yaml"), a="graphnn: 1\nblocks: {}\n")
    (inside / "a.yaml").symlink_to(tmp_path / "a.yaml")
    assert messages(inside / "net.yaml") == [
        ("file-outside", "'a.yaml' lies outside the folder of the spec that names it")
    ]


def test_faults_of_a_file_do_not_hide_the_others(tmp_path):
    write(
        tmp_path,
        net=NET.replace("BLOCKS", "a.yaml") + "  z: {op: reluu, inputs: y}\n",
        a="graphnn: 2\nblocks: []\n",
    )
    assert messages(tmp_path / "net.yaml") == [
        (
            "unknown-version",
            f"the file of blocks '{tmp_path / 'a.yaml'}' is in version 2 of the language",
        ),
        ("wrong-type", "'blocks' must be a mapping of names to blocks, not an empty list"),
        ("unknown-op", "there is no op 'reluu'"),
    ]


def test_the_document_of_a_spec_has_the_blocks_in_it(tmp_path):
    write(
        tmp_path, net=NET.replace("BLOCKS", "a.yaml"), a=f"graphnn: 1\nblocks: {{layer: {LAYER}}}\n"
    )
    spec = graphnn.load(tmp_path / "net.yaml").graph.spec
    text = to_yaml(spec.document)
    # What a run leaves stands for itself.
    assert list(graphnn.loads(text).graph.nodes) == ["x", "y.a"]
    assert reader.read(text).get("blocks").get("layer") is not None


def test_an_archive_is_opened_once_for_all_copies(tmp_path, monkeypatch):
    opened, paths = scope.opened, []

    def counted(path, span=None):
        paths.append(path.name)
        return opened(path, span)

    monkeypatch.setattr(scope, "opened", counted)
    arrays = {f"h.{number}.a.weight": np.full((2, 2), float(number)) for number in range(1, 6)}
    np.savez(tmp_path / "w.npz", **arrays)
    np.savez(tmp_path / "v.npz", V=np.eye(2))
    net = graphnn.loads(
        """
graphnn: 1
blocks:
  dense: {inputs: x, nodes: {a: {op: affine, inputs: x, weight: {file: w.npz}}}, output: a}
  fixed: {inputs: x, nodes: {a: {op: affine, inputs: x, weight: {file: v.npz, key: V}}}, output: a}
nodes:
  x: {op: input, shape: [batch, 2]}
  h: {block: dense, inputs: x, repeat: 5}
  g: {block: fixed, inputs: h, repeat: 5}
""",
        folder=tmp_path,
    )
    assert paths == ["w.npz", "v.npz"]
    # 5! times the sum of two ones, and then as it is.
    assert net.run(x=[[1.0, 0.0]])["g"].tolist() == [[120.0 * 2**4, 120.0 * 2**4]]
