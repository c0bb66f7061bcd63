"""``graphnn convert``."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.spec import format_file, mentions, reader
from graphnn.spec.values import plain
from graphnn.training import VOCABULARY
from places import ROOT
from tables import cases

SPECS = sorted((ROOT / "specs").rglob("*.yaml"))


def test_there_and_back(call, here):
    Path("net.yaml").write_text(
        "graphnn: 1  # the first\nnodes:\n  # an input\n  x: {op: input, shape: [batch, 2]}\n"
    )
    result = call("convert", "net.yaml", "-o", "net.json")
    assert (result.code, result.out) == (0, "wrote 'net.json'\n")
    assert result.err == "2 comments left out: JSON has none\n"
    assert Path("net.json").read_text() == (
        "{\n"
        '  "graphnn": 1,\n'
        '  "nodes": {\n'
        '    "x": {"op": "input", "shape": ["batch", 2]}\n'
        "  }\n"
        "}\n"
    )
    assert call("convert", "net.json", "-o", "back.yml").output == "wrote 'back.yml'\n"
    assert Path("back.yml").read_text() == (
        "graphnn: 1\n\nnodes:\n  x: {op: input, shape: [batch, 2]}\n"
    )


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_law_of_all_specs(path, here):
    shutil.copytree(ROOT / "specs", "specs")  # with the files that specs name
    own = Path("specs", path.relative_to(ROOT / "specs"))
    made = [own.with_name("made.json"), own.with_name("made.yaml")]
    graphnn.convert(own, made[0])
    graphnn.convert(*made)
    wanted = repr(plain(reader.read_file(path)))
    for name in made:
        assert repr(plain(reader.read_file(name))) == wanted
        before, after = format_file(name, write=False)
        assert before == after


def test_aliases_are_written_out_and_numbers_kept(here):
    Path("net.yaml").write_text("a: &n [1.0e-7, 0x1f, .5, ~]\nb: *n\n")
    assert graphnn.convert("net.yaml", "net.json") == 0
    assert Path("net.json").read_text() == (
        '{\n  "a": [1.0e-7, 31, 0.5, null],\n  "b": [1.0e-7, 31, 0.5, null]\n}\n'
    )


def test_from_yaml_to_yaml_comments_stay(call, here):
    Path("net.yaml").write_text("a:  1 # one\n")
    for name in ("other.yaml", "net.yaml"):
        assert call("convert", "net.yaml", "-o", name).output == f"wrote '{name}'\n"
        assert Path(name).read_text() == "a: 1  # one\n"


def test_another_suffix(call, here):
    Path("net.yaml").write_text("a: 1\n")
    result = call("convert", "net.yaml", "-o", "net.toml")
    assert result.code == 2
    assert result.err == (
        "error[unknown-format]: 'net.toml' is neither .yaml nor .json\n"
        "   = help: the suffix says which of the two to write\n"
    )


def test_a_bad_file_writes_nothing(call, here):
    Path("bad.yaml").write_text("a: 1\na: 2\n")
    result = call("convert", "bad.yaml", "-o", "bad.json")
    assert result.code == 1
    assert result.err.startswith(
        "error[duplicate-key]: the key 'a' is given twice in one mapping\n"
    )
    assert not Path("bad.json").exists()


@pytest.mark.parametrize(
    "line",
    [
        "blocks: {file: there.yaml}",
        "blocks: {file: [there.yaml]}",
        "weights: {file: there.yaml}",
        "train: {data: {csv: there.yaml}}",
    ],
)
def test_a_file_that_would_not_be_found_is_not_left_behind(call, here, line):
    Path("there.yaml").touch()
    Path("o").mkdir()
    Path("net.yaml").write_text(f"graphnn: 1\n{line}\n")
    result = call("convert", "net.yaml", "-o", "o/net.json")
    place = line.index("there.yaml") + 1
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error[file-left-behind]: the spec names 'there.yaml', which would not be found from 'o'\n"
        f"  --> net.yaml:2:{place}\n"
        "   |\n"
        f" 2 | {line}\n"
        f"   | {' ' * (place - 1)}^^^^^^^^^^\n"
        "   = help: write into '.', or move the files with it\n"
    )
    assert not Path("o/net.json").exists()
    assert call("convert", "net.yaml", "-o", "net.json").code == 0


def test_a_spec_that_names_no_file_may_be_written_anywhere(call, here):
    Path("o").mkdir()
    Path("free").touch()
    Path("net.yaml").write_text("graphnn: 1\nname: free\nweights: {file: gone.npz}\n")
    assert call("convert", "net.yaml", "-o", "o/net.json").code == 0


# Into another folder.

NETWORK = """\
# of every kind of file
graphnn: 1
blocks: {file: parts/layers.yaml}  # shared
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch, 1]}
  h: {block: layer, inputs: x}
  y: {op: affine, inputs: h, weight: {file: start/w.npz, key: W}, bias: [0.5]}
  loss: {op: mean_squared_error, inputs: [y, t]}
weights: {file: ./start/all.npz, partial: true}
examples:
  # the numbers of a run
  - {inputs: {x: {file: "parts/../start/w.npz", key: X}}, outputs: {y: {file: start/w.npz, key: Y}}}
train:
  data: {csv: {file: rows.csv, x: [size, width], t: kind}}
  validation: {npz: start/held.npz}
  loss: loss
  batch_size: 1
"""
LAYERS = """\
graphnn: 1
blocks: {file: deeper.yaml}
"""
DEEPER = """\
graphnn: 1
blocks:
  layer:
    inputs: x
    nodes: {a: {op: affine, inputs: x, units: 2, bias: {file: bias.npz, key: B}}}
    output: a
"""


@pytest.fixture
def network(here):
    """A spec in ``nets/deep`` with all that it names; of files called as columns are, nothing."""
    for folder in ("start", "parts"):
        Path("nets/deep", folder).mkdir(parents=True)
    deep = Path("nets/deep")
    for name in ("size", "kind", "rows", "W"):
        (deep / name).touch()
    (deep / "net.yaml").write_text(NETWORK)
    (deep / "parts/layers.yaml").write_text(LAYERS)
    (deep / "parts/deeper.yaml").write_text(DEEPER)
    (deep / "rows.csv").write_text("size,width,kind\n1,2,3\n4,5,6\n")
    rng = np.random.default_rng(0)
    matrix, weight, rows = rng.normal(size=(2, 2)), rng.normal(size=(2, 1)), rng.normal(size=(3, 2))
    bias = np.array([1.0, 2.0])
    np.savez(deep / "parts/bias.npz", B=bias)
    np.savez(deep / "start/all.npz", **{"h.a.weight": matrix})
    np.savez(deep / "start/held.npz", x=rows, t=np.zeros((3, 1)))
    outputs = (rows @ matrix + bias) @ weight + 0.5
    np.savez(deep / "start/w.npz", W=weight, X=rows, Y=outputs)
    return deep / "net.yaml"


def named(path: Path) -> list[Path]:
    """The files that a spec names, wherever it lies."""
    names = mentions(reader.read_file(path), "file", VOCABULARY)
    return [(path.parent / str(name.value)).resolve() for name in names]


@pytest.mark.parametrize("target", ["net.yaml", "net.json", "nets/net.yaml", "nets/net.json"])
def test_law_of_another_folder(network, target):
    before = graphnn.load(network)
    assert graphnn.diagnose(network) == ()
    assert len(named(network)) == 7 and all(path.is_file() for path in named(network))
    graphnn.convert(network, target)
    assert named(Path(target)) == named(network)
    after = graphnn.load(target)
    assert graphnn.diagnose(target) == ()
    assert (
        before.arrays.keys()
        == after.arrays.keys()
        == {"h.a.weight", "h.a.bias", "y.weight", "y.bias"}
    )
    for name, array in before.arrays.items():
        np.testing.assert_array_equal(after.arrays[name], array)
    (deeper,) = {block.place.source.name for block in after.graph.spec.blocks.values()}
    assert Path(deeper).resolve() == Path("nets/deep/parts/deeper.yaml").resolve()
    graphnn.convert(target, network)
    assert plain(reader.read_file(network)) == plain(
        reader.read(NETWORK.replace("parts/../", "").replace("./", ""))
    )


def test_in_another_folder_only_names_of_files_change(network, call):
    assert call("convert", "nets/deep/net.yaml", "-o", "net.yaml").output == "wrote 'net.yaml'\n"
    call("fmt", "nets/deep/net.yaml")
    same, moved = Path("nets/deep/net.yaml").read_text(), Path("net.yaml").read_text()
    for old, new in [
        ("file: parts/layers.yaml", "file: nets/deep/parts/layers.yaml"),
        ("file: start/w.npz", "file: nets/deep/start/w.npz"),
        ("file: ./start/all.npz", "file: nets/deep/start/all.npz"),
        ("file: parts/../start/w.npz", "file: nets/deep/start/w.npz"),
        ("file: rows.csv", "file: nets/deep/rows.csv"),
        ("npz: start/held.npz", "npz: nets/deep/start/held.npz"),
    ]:
        assert old in same
        same = same.replace(old, new)
    assert "".join(moved.split()) == "".join(same.split()).replace('"', "")


def test_into_a_folder_below(here, call):
    Path("data/sub").mkdir(parents=True)
    Path("data/x.csv").touch()
    Path("net.yaml").write_text("train: {data: {csv: data/x.csv}, test: {csv: data/gone.csv}}\n")
    assert call("convert", "net.yaml", "-o", "data/net.yaml").code == 0
    assert Path("data/net.yaml").read_text() == (
        "train:\n  data: {csv: x.csv}\n  test: {csv: gone.csv}\n"
    )
    result = call("convert", "net.yaml", "-o", "data/sub/net.yaml")
    assert result.code == 2
    assert "'data/x.csv', which would not be found from 'data/sub'" in result.err


@cases("""
    written | wanted
    {folder: images} | {folder: nets/images}
    {folder: {path: images, x: images, t: labels}}
        | {folder: {path: nets/images, x: images, t: labels}}
    {idx: [images, labels]} | {idx: [nets/images, nets/labels]}
    {mnist: {x: images, t: labels}} | {mnist: {x: images, t: labels}}
""")
def test_a_folder_and_arrays_of_its_name(here, written, wanted):
    Path("nets/images").mkdir(parents=True)
    Path("nets/labels").mkdir()
    Path("nets/net.yaml").write_text(f"train: {{data: {written}}}\n")
    graphnn.convert("nets/net.yaml", "net.yaml")
    assert Path("net.yaml").read_text() == f"train:\n  data: {wanted}\n"


def test_a_link_keeps_its_name(here):
    Path("nets/data").mkdir(parents=True)
    Path("nets/data/2024.csv").touch()
    Path("nets/data/last.csv").symlink_to("2024.csv")
    Path("nets/more").symlink_to("data")
    text = "train: {data: {csv: data/last.csv}, test: {csv: more/../data/last.csv}}\n"
    Path("nets/net.yaml").write_text(text)
    graphnn.convert("nets/net.yaml", "net.yaml")
    assert Path("net.yaml").read_text() == (
        "train:\n  data: {csv: nets/data/last.csv}\n  test: {csv: nets/data/last.csv}\n"
    )


def test_a_name_that_needs_quotes_there(here):
    Path("2024").mkdir()
    for name in ("1", "a b.csv", "x.csv"):
        Path("2024", name).touch()
    Path("2024/net.yaml").write_text("train: {data: {idx: [1, a b.csv, 'x.csv']}}\n")
    graphnn.convert("2024/net.yaml", "net.yaml")
    assert Path("net.yaml").read_text() == (
        'train:\n  data: {idx: ["2024/1", "2024/a b.csv", "2024/x.csv"]}\n'
    )
    assert named(Path("net.yaml")) == named(Path("2024/net.yaml"))


def test_aliases_of_names(here):
    Path("nets").mkdir()
    for name in ("w.npz", "7"):
        Path("nets", name).touch()
    Path("nets/net.yaml").write_text(
        "name: &f w.npz\n"
        "weights: {file: *f}\n"
        "nodes:\n"
        "  a: {op: affine, weight: {file: &g w.npz}, about: *g}\n"
        "  b: {op: affine, weight: &w {file: *g}, bias: *w}\n"
        "  *f : {op: relu, about: *f}\n"
        "train: {data: {csv: &n 7}, seed: *n, epochs: *n}\n"
    )
    graphnn.convert("nets/net.yaml", "net.yaml")
    assert Path("net.yaml").read_text() == (
        "name: &f w.npz\n"
        "weights: {file: nets/w.npz}\n"
        "\n"
        "nodes:\n"
        "  a:   {op: affine, weight: {file: &g nets/w.npz}, about: w.npz}\n"
        "  b:   {op: affine, weight: &w {file: *g}, bias: *w}\n"
        "  *f : {op: relu, about: *f}\n"
        "\n"
        "train:\n  data: {csv: &n nets/7}\n  seed: 7\n  epochs: 7\n"
    )


def test_what_may_not_be_read_here_may_not_be_read_there(here, call):
    Path("nets").mkdir()
    Path("own.csv").touch()
    Path("nets/net.yaml").write_text("train: {data: {csv: ../own.csv}}\n")
    assert call("convert", "nets/net.yaml", "-o", "net.yaml").usage_error == (
        "error[file-left-behind]: the spec names '../own.csv', which would not be found from '.'\n"
        "  --> nets/net.yaml:1:21\n"
        "   |\n"
        " 1 | train: {data: {csv: ../own.csv}}\n"
        "   |                     ^^^^^^^^^^\n"
        "   = help: write into 'nets', or move the files with it\n"
    )
    assert not Path("net.yaml").exists()


@pytest.mark.parametrize("names", ["[../b.yaml, gone.yaml]", "[gone.yaml, ../b.yaml]"])
def test_what_a_file_of_blocks_names_is_not_left_behind(here, call, names):
    Path("inner").mkdir()
    Path("net.yaml").write_text("graphnn: 1\nblocks: {file: inner/a.yaml}\n")
    Path("inner/a.yaml").write_text(f"graphnn: 1\nblocks: {{file: {names}}}\n")
    column = 15 + names.index("../b.yaml")
    Path("b.yaml").write_text("graphnn: 1\nblocks: {}\n")
    assert call("convert", "net.yaml", "-o", "inner/net.yaml").usage_error == (
        "error[file-left-behind]: 'inner/a.yaml' names '../b.yaml', which lies outside of 'inner'\n"
        f"  --> inner/a.yaml:2:{column + 1}\n"
        "   |\n"
        f" 2 | blocks: {{file: {names}}}\n"
        f"   | {' ' * column}^^^^^^^^^\n"
        "   = help: write into '.', or move the files with it\n"
    )
    Path("inner/a.yaml").write_text("graphnn: 1\nblocks: {file: [gone.yaml, ../../c.yaml]}\n")
    assert call("convert", "net.yaml", "-o", "inner/net.yaml").code == 0
    assert Path("inner/net.yaml").read_text() == "graphnn: 1\nblocks: {file: a.yaml}\n"
