"""Specs compared by meaning: what is no difference, and every difference reported as it is."""

from __future__ import annotations

import json
import struct
import zlib
from typing import ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given

import graphnn
from graphnn.diagnostics import FileError, SpecError, UsageError
from graphnn.ops import Axis, Op, data, registered
from graphnn.spec import reader
from graphnn.spec.values import plain
from graphnn.testing import networks
from places import BAD_SPECS, ROOT
from tables import cases

SPECS = sorted(p for p in (ROOT / "specs").rglob("*.yaml") if "\nnodes:" in p.read_text())
BASE = """\
graphnn: 1
name: base
sizes: {pixels: 4, hidden: 3}
nodes:
  x: {op: input, shape: [batch, pixels]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: hidden}
  z: {op: leaky_relu, inputs: a}
  b: {op: affine, inputs: z, units: 2, weight: {normal: {std: 0.5}}, bias: [1, 2]}
  y: {op: softmax, inputs: b}
  loss: {op: cross_entropy, inputs: [y, t]}
examples:
  - about: probabilities sum to one
    inputs: {x: {zeros: [1, pixels]}}
    outputs: {y: {sum: 1.0}}
  - inputs: {x: {ones: [1, pixels]}}
    outputs: {y: {sum: 1.0}}
train:
  data: {npz: {file: rows.npz, x: images, t: labels}}
  metrics: {accuracy: [y, t]}
  optimizer: {sgd: {learning_rate: 0.1}}
"""
EQUAL = """\
# The same, said otherwise.
train:
  data: {npz: {t: labels, x: images, file: rows.npz}}
  batch_size: 100
  loss: loss
  optimizer: sgd
  metrics: {accuracy: [y, t]}
examples:
  - {outputs: {y: {sum: 1.0}}, inputs: {x: {ones: [1, pixels]}}, rtol: 1.0e-7}
  - {about: probabilities sum to one, inputs: {x: {zeros: [1, pixels]}}, outputs: {y: {sum: 1.0}}}
nodes:
  loss: {op: cross_entropy, inputs: {target: t, prediction: y}}
  t: {dtype: int, op: input, shape: [batch]}
  b: {op: affine, inputs: [z], weight: {normal: {std: 0.5, mean: 0}}, bias: [1.0, 2.0], units: 2}
  x: {op: input, shape: [batch, 2 * hidden - 2], dtype: float}
  y: {op: softmax, inputs: b, trainable: true}
  z: {op: leaky_relu, inputs: a, slope: 0.01}
  a: {op: affine, inputs: x, units: 3, weight: xavier, bias: zeros}
outputs: [y]
dtype: float64
sizes: {hidden: 3, pixels: 4}
name: base
graphnn: 1
"""


# What the numbers of an array are called, by their bytes and how many axes there are.
ONE_TWO = f"{zlib.crc32(struct.pack('<2d', 1, 2), 1):08x}"
ONE_THREE = f"{zlib.crc32(struct.pack('<2d', 1, 3), 1):08x}"


def net(text):
    return graphnn.loads(text)


def reported(old, new):
    return str(graphnn.diff(net(old), net(new)))


def test_what_is_no_difference():
    found = graphnn.diff(net(BASE), net(EQUAL))
    assert found.changes == ()
    assert not found
    assert str(found) == "no difference"
    assert found.parameters == (23, 23)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_layout_and_format_make_no_difference(path):
    document = plain(reader.read_file(path))
    # Turned round, so that everything comes in another order.
    document["nodes"] = dict(reversed(document["nodes"].items()))
    document = dict(reversed(document.items()))
    found = graphnn.diff(path, graphnn.loads(json.loads(json.dumps(document)), folder=path.parent))
    outputs = [change for change in found.changes if change.name == "outputs"]
    assert list(found.changes) == outputs
    # Outputs that are not listed come in the order of the file.
    assert all(set(c.details[0].old) == set(c.details[0].new) for c in outputs)


@cases(
    r"""
    old | new | wanted
    units: hidden | units: 5
        | nodes
        \n  ~ a: units 3 -> 5, shape [batch, 3] -> [batch, 5], parameters 15 -> 25
        \n  ~ z: shape [batch, 3] -> [batch, 5]
        \n  ~ b: parameters 8 -> 12
        \n23 parameters -> 37
    hidden: 3} | hidden: 3, spare: 7} | sizes\n  + spare: 7
    pixels: 4, | pixels: 4, time: free, | sizes\n  + time: free
    inputs: z, units | inputs: a, units
        | spec\n  ~ outputs: [y] -> [z, y]\nnodes\n  ~ b: rewired [z] -> [a]
    inputs: a} | inputs: a, slope: 0.2} | nodes\n  ~ z: slope 0.01 -> 0.2
    op: leaky_relu | op: tanh | nodes\n  ~ z: op leaky_relu -> tanh, slope 0.01 -> nothing
    {normal: {std: 0.5}} | he | nodes\n  ~ b: weight {normal: {std: 0.5}} -> he
    bias: [1, 2] | bias: [1, 3] | nodes\n  ~ b: bias numbers #$ONE_TWO -> numbers #$ONE_THREE
    bias: [1, 2] | bias: false
        | nodes\n  ~ b: bias numbers #$ONE_TWO -> false, parameters 8 -> 6\n23 parameters -> 21
    units: 2, weight: {normal: {std: 0.5}}
        | units: 2, weight: {share: c.weight}}\n  c: {op: affine, inputs: z, units: 2
        | spec
        \n  ~ outputs: [y] -> [c, y]
        \nnodes
        \n  ~ b: weight {normal: {std: 0.5}} -> {share: c.weight}, bias numbers #$ONE_TWO -> zeros,
        parameters 8 -> 2
        \n  + c: affine, of z, units 2, weight xavier, bias numbers #$ONE_TWO, [batch, 2], 8
        parameters
        \n23 parameters -> 25
    inputs: b} | inputs: b, about: odds} | nodes\n  ~ y: about nothing -> odds
    units: hidden} | units: hidden, trainable: false} | nodes\n  ~ a: trainable true -> false
    graphnn: 1 | graphnn: 1\ndtype: float32 | spec\n  ~ dtype: float64 -> float32
    name: base\n | | spec\n  - name: base
    name: base | name: base\noutputs: [b] | spec\n  ~ outputs: [y] -> [b]
    inputs: {x: {ones: [1, pixels]}} | inputs: {x: {ones: [2, pixels]}}
        | examples\n  ~ example 2: inputs {x: {ones: [1, pixels]}} -> {x: {ones: [2, pixels]}}
    about: probabilities sum to one | about: they are probabilities
        | examples\n  - probabilities sum to one\n  + they are probabilities
    {sgd: {learning_rate: 0.1}} | {sgd: {learning_rate: 0.1, schedule: cosine}}
        | train
        \n  ~ optimizer.schedule: {warm_up: 0.0, name: constant} -> {warm_up: 0.0, name: cosine,
        floor: 0.0}
    {sgd: {learning_rate: 0.1}} | {sgd: {learning_rate: 1}}
        | train\n  ~ optimizer.learning_rate: 0.1 -> 1.0
    accuracy: [y, t] | top_k_accuracy: {inputs: [y, t], k: 1}
        | train
        \n  - metrics.accuracy: {inputs: [y, t]}
        \n  + metrics.top_k_accuracy: {inputs: [y, t], k: 1}
    x: images | x: pictures | train\n  ~ data.x: images -> pictures
    {npz: {file: rows.npz, x: images, t: labels}} | {csv: rows.csv}
        | train
        \n  ~ data: npz -> csv
        \n  - data.file: rows.npz
        \n  - data.x: images
        \n  - data.t: labels
        \n  + data.from: rows.csv
    name: base | name: base\ndescription: ${A57}aaa | spec\n  + description: ${A57}aaa
    name: base | name: base\ndescription: ${A57}aaaa | spec\n  + description: ${A57}...
    name: base
        | name: base\ndraw: {families: {loss: teal}, nodes: {a: red}, mathematical: true}
        | draw\n  + families.loss: #26a69a\n  + nodes.a: #e53935\n  + mathematical: true
    name: base | name: base\ndraw: {mathematical: false} | no difference
    name: base | name: base\nlimits: {parameters: 10k} | limits\n  + parameters: 10000
    nodes:\n
        | blocks: {b: {inputs: [], nodes: {c: {op: parameter, shape: [1]}}, output: c, limits:
        {parameters: 1, multiply_adds: 2}}}\nnodes:\n
        | limits\n  + b.parameters: 1\n  + b.multiply_adds: 2
    """,
    A57="a" * 57,
    ONE_THREE=ONE_THREE,
    ONE_TWO=ONE_TWO,
)
def test_one_change(old, new, wanted):
    assert old in BASE
    found = reported(BASE, BASE.replace(old, new))
    assert found == wanted


# --- names


def renamed(document, names):
    """A spec with nodes called otherwise, wherever they are named."""
    if isinstance(document, dict):
        return {names.get(key, key): renamed(value, names) for key, value in document.items()}
    if isinstance(document, list):
        return [renamed(item, names) for item in document]
    if isinstance(document, str):
        head, dot, rest = document.partition(".")
        return names.get(head, head) + dot + rest
    return document


def calls_everything_otherwise(path):
    document = plain(reader.read_file(path))
    # What is called as a node and something else cannot be replaced by its name.
    names = {name: f"new-{name}" for name in document["nodes"]}
    made = {
        **document,
        "nodes": {
            names[name]: {
                **node,
                **({"inputs": renamed(node["inputs"], names)} if "inputs" in node else {}),
            }
            for name, node in document["nodes"].items()
        },
    }
    for part in ("outputs", "examples"):
        if part in made:
            made[part] = renamed(made[part], names)
    if train := made.get("train"):
        made["train"] = {
            key: renamed(value, names) if key in ("loss", "metrics", "stratify") else value
            for key, value in train.items()
        }
        if "data" in train:
            ((kind, given),) = train["data"].items()
            fed = {names.get(key, key): value for key, value in given.items()}
            made["train"]["data"] = {kind: fed}
    return made, names


# Two inputs of these are alike, or two affine maps, so that nobody can say which is which; and
# nodes of blocks are not named in the file as they are called.
TWINS = ("autoencoder", "language_lstm", "language_rnn", "vae")
PLAIN = [p for p in SPECS if p.stem not in TWINS and "\nblocks:" not in p.read_text()]


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.stem)
def test_every_node_called_otherwise(path):
    made, names = calls_everything_otherwise(path)
    found = graphnn.diff(path, graphnn.loads(made, folder=path.parent))
    assert {change.kind for change in found.changes} == {"renamed"}
    assert {change.name: change.renamed for change in found.changes} == names


def test_nodes_that_are_alike_are_not_guessed():
    twins = "graphnn: 1\nnodes:\n  {}: {{op: input, shape: [2]}}\n  {}: {{op: input, shape: [2]}}\n"
    found = graphnn.diff(net(twins.format("a", "b")), net(twins.format("c", "d")))
    assert [(change.kind, change.name) for change in found.changes[1:]] == [
        ("removed", "a"),
        ("removed", "b"),
        ("added", "c"),
        ("added", "d"),
    ]
    found = graphnn.diff(net(twins.format("a", "b")), net(twins.format("c", "b")))
    assert [str(change) for change in found.changes] == ["a -> c"]


def test_what_is_read_as_another_operand_is_a_difference():
    with registered():

        class Between(Op):
            """From the least to the most, either of which may be left out."""

            op: Literal["between"] = "between"
            operands: ClassVar = (
                data("x", "..."),
                data("least", "...", optional=True),
                data("most", "...", optional=True),
            )

            def forward(self, x, least=None, most=None):
                return np.clip(x, least, most)

        text = "graphnn: 1\nnodes:\n  x: {op: input, shape: [2]}\n  n: {op: input, shape: [2]}\n"
        one, other = (
            f"{text}  y: {{op: between, inputs: {{x: x, {name}: n}}}}\n"
            for name in ("least", "most")
        )
        given = {"x": np.array([1.0, 5.0]), "n": np.array([3.0, 3.0])}
        assert net(one).run(given)["y"].tolist() == [3, 5]
        assert net(other).run(given)["y"].tolist() == [1, 3]
        assert reported(one, other) == "nodes\n  ~ y: rewired [x, n] -> {x: x, most: n}"


def test_a_renamed_node_that_changes_is_another():
    old = "graphnn: 1\nnodes: {x: {op: input, shape: [2]}, y: {op: relu, inputs: x}}\n"
    new = "graphnn: 1\nnodes: {x: {op: input, shape: [2]}, z: {op: tanh, inputs: x}}\n"
    assert reported(old, new) == (
        "spec\n  ~ outputs: [y] -> [z]\nnodes\n  - y: relu, of x, [2]\n  + z: tanh, of x, [2]"
    )


# --- laws

FEW = networks(["relu", "tanh", "sigmoid"], nodes=12, sizes=1, loss=False)


@given(FEW, FEW)
def test_law_of_any_two_networks(one, other):
    a, b = one.network(), other.network()
    there, back = graphnn.diff(a, b), graphnn.diff(b, a)
    opposite = {"removed": "added", "added": "removed", "renamed": "renamed", "changed": "changed"}
    names = {(opposite[c.kind], *sorted((c.name, c.renamed))) for c in there.changes}
    assert names == {(c.kind, *sorted((c.name, c.renamed))) for c in back.changes}
    assert bool(there) == (one.document != other.document)


def test_blocks_are_compared_unfolded():
    text = """\
graphnn: 1
blocks:
  dense:
    sizes: [units]
    inputs: [x]
    nodes: {a: {op: affine, inputs: x, units: units}, z: {op: relu, inputs: a}}
    output: z
nodes:
  x: {op: input, shape: [batch, 2]}
  h: {block: dense, inputs: x, units: 2, repeat: 2}
"""
    flat = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  a1: {op: affine, inputs: x, units: 2}
  z1: {op: relu, inputs: a1}
  a2: {op: affine, inputs: z1, units: 2}
  z2: {op: relu, inputs: a2}
"""
    assert reported(text, text.replace("dense", "layer")) == "no difference"
    assert reported(text, flat) == (
        "nodes\n  = h.1.a -> a1\n  = h.1.z -> z1\n  = h.2.a -> a2\n  = h.2.z -> z2"
    )
    assert reported(text, text.replace("relu", "tanh")) == ("nodes\n  ~ h.1-2.z: op relu -> tanh")
    # Copies that differ, and those beyond a gap, are distinguished.
    uses = text + "  k: {block: dense, inputs: h.1, units: 3, repeat: 4}\n"
    assert reported(uses, uses.replace("units: 3", "units: 4")) == (
        "nodes\n"
        "  ~ k.1.a: units 3 -> 4, shape [batch, 3] -> [batch, 4], parameters 9 -> 12\n"
        "  ~ k.1-4.z: shape [batch, 3] -> [batch, 4]\n"
        "  ~ k.2-4.a: units 3 -> 4, shape [batch, 3] -> [batch, 4], parameters 12 -> 20\n"
        "57 parameters -> 84"
    )
    assert reported(text, text.replace("repeat: 2", "repeat: 3")) == (
        "spec\n"
        "  ~ outputs: [h.2.z] -> [h.3.z]\n"
        "nodes\n"
        "  + h.3.a: affine, of h.2.z, units 2, weight xavier, bias zeros, [batch, 2], "
        "6 parameters\n"
        "  + h.3.z: relu, of h.3.a, [batch, 2]\n"
        "12 parameters -> 18"
    )


# --- the rest


def test_weights_of_a_file_are_their_numbers(tmp_path):
    text = "graphnn: 1\nweights: {{file: {}}}\nnodes: {{p: {{op: parameter, shape: [2]}}}}\n"
    for name, values in (("a", [1, 2]), ("b", [1, 2]), ("c", [1, 3])):
        np.savez(tmp_path / f"{name}.npz", **{"p.value": np.array(values, float)})
        (tmp_path / f"{name}.yaml").write_text(text.format(f"{name}.npz"))
    assert not graphnn.diff(tmp_path / "a.yaml", tmp_path / "b.yaml")
    found = graphnn.diff(tmp_path / "a.yaml", tmp_path / "c.yaml")
    (change,) = found.changes
    (detail,) = change.details
    assert (detail.old, detail.new) == (
        {"p.value": f"numbers #{ONE_TWO}"},
        {"p.value": f"numbers #{ONE_THREE}"},
    )


def test_a_bad_file_is_reported():
    with pytest.raises(SpecError, match="there is no op 'Sigmod'"):
        graphnn.diff(net(BASE), BAD_SPECS / "unknown-op.yaml")


def test_both_files_at_fault_are_reported(tmp_path):
    bad = BAD_SPECS
    with pytest.raises(SpecError) as caught:
        graphnn.diff(bad / "no-nodes.yaml", bad / "unknown-version.yaml")
    assert [found.code for found in caught.value.diagnostics] == ["no-nodes", "unknown-version"]
    with pytest.raises(FileError) as missing:
        graphnn.diff(tmp_path / "none.yaml", bad / "no-nodes.yaml")
    assert [found.code for found in missing.value.diagnostics] == ["no-such-file", "no-nodes"]


def test_limits():
    limited = [BASE + f"limits: {{parameters: {most}}}\n" for most in ("10k", "10000", "9999")]
    assert reported(limited[0], limited[1]) == "no difference"
    assert reported(limited[0], limited[2]) == "limits\n  ~ parameters: 10000 -> 9999"


def test_whether_weights_may_lack_some(tmp_path):
    np.savez(tmp_path / "p.npz", **{"p.value": np.zeros(2)})
    text = "graphnn: 1\nweights: {file: p.npz%s}\nnodes: {p: {op: parameter, shape: [2]}}\n"
    for name, more in (("all", ""), ("some", ", partial: true"), ("same", ", partial: false")):
        (tmp_path / f"{name}.yaml").write_text(text % more)
    found = graphnn.diff(tmp_path / "all.yaml", tmp_path / "some.yaml")
    assert str(found) == "spec\n  + weights.partial: true"
    assert not graphnn.diff(tmp_path / "all.yaml", tmp_path / "same.yaml")


def test_a_node_that_reads_by_operand_is_shown_with_what_it_reads():
    text = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 5, 4]}
  s: {op: input, shape: [batch, 6]}
  m: {op: mean, inputs: x}
"""
    found = reported(text, text + "  r: {op: gru, inputs: {x: x, state: s}, units: 6}\n")
    assert "\n  + r: gru, of {x: x, state: s}, units 6, " in found


def test_values_that_differ_far_on_are_shown_from_there():
    old = BASE.replace("name: base", f"name: {'a' * 70} old {'b' * 70}")
    assert reported(old, old.replace(" old ", " new ")) == (
        f"spec\n  ~ name: ...{'a' * 19} old {'b' * 30}... -> ...{'a' * 19} new {'b' * 30}..."
    )
    assert reported(old, old.replace("b\n", "c\n")) == (
        f"spec\n  ~ name: ...{'b' * 21} -> ...{'b' * 20}c"
    )


def test_an_example_called_as_another_is_by_its_number():
    text = BASE.replace("about: probabilities sum to one", "about: example 2")
    assert reported(text, text.replace("ones: [1,", "ones: [2,")) == (
        "examples\n  ~ example 2': inputs {x: {ones: [1, pixels]}} -> {x: {ones: [2, pixels]}}"
    )


def test_the_colour_of_a_renamed_node_goes_with_it():
    old = BASE + "draw: {nodes: { z: red}}\n"
    new = old.replace(" z:", " rectified:").replace("inputs: z", "inputs: rectified")
    assert reported(old, new) == "nodes\n  = z -> rectified"


def test_settings_cannot_be_put_into_a_network(tmp_path):
    (tmp_path / "net.yaml").write_text(BASE)
    for old, new in ((net(BASE), net(BASE)), (tmp_path / "net.yaml", net(BASE))):
        with pytest.raises(UsageError) as caught:
            graphnn.diff(old, new, {"hidden": 4})
        assert str(caught.value) == (
            "error[unknown-setting]: 'hidden' cannot be set in a network that is made\n"
            "   = help: set it as the network is loaded"
        )


def test_as_plain_data():
    found = graphnn.diff(
        net(BASE), net(BASE.replace("slope", "").replace("hidden: 3", "hidden: 5"))
    )
    assert found.as_dict()["parameters"] == {"old": 23, "new": 37}
    assert found.as_dict()["same"] is False
    assert found.as_dict()["changes"][0] == {
        "part": "sizes",
        "kind": "changed",
        "name": "hidden",
        "details": [{"aspect": "", "old": 3, "new": 5}],
    }
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()


COUNTED = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  s: {op: softmax, inputs: x, axis: -1}
  m: {op: mean, inputs: x}
  n: {op: layer_norm, inputs: x, axis: -1}
  k: {op: stack, inputs: [x, s], axis: -1}
  c: {op: concat, inputs: [x, s]}
  l: {op: slice, inputs: x, axis: -1, start: -2}
  e: {op: select, inputs: x, axis: 0, index: -1}
  t: {op: transpose, inputs: x}
  p: {op: pad, inputs: x, axis: -1, padding: 1}
  old: {op: argmax, inputs: x}
outputs: [s, m, n, k, c, l, e, t, p]
examples:
  - properties: {causal: {input: x, output: s}, invariant: {input: x, output: m, permutation: -2}}
"""
FROM_FRONT = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  s: {op: softmax, inputs: x, axis: 1}
  m: {op: mean, inputs: x, axis: [1, 0]}
  n: {op: layer_norm, inputs: x, axis: [1]}
  k: {op: stack, inputs: [x, s], axis: 2}
  c: {op: concat, inputs: [x, s], axis: 1}
  l: {op: slice, inputs: x, axis: 1, start: 1, stop: 3}
  e: {op: select, inputs: x, axis: -2, index: batch - 1}
  t: {op: transpose, inputs: x, axes: [-1, 0]}
  p: {op: pad, inputs: x, axis: 1, padding: [1, 1]}
  new: {op: argmax, inputs: x, axis: 1}
outputs: [s, m, n, k, c, l, e, t, p]
examples:
  - properties:
      invariant: {permutation: 0, output: m, input: x}
      causal: {input: x, output: s, axis: 1}
"""


class Spread(Op, register=False):
    """A new last axis, named as `x` does not have it."""

    op: Literal["spread"] = "spread"
    axis: Axis = 2
    operands = (data("x", "..."),)

    def infer_shape(self, *shapes):
        return (*shapes[0], 1)

    def forward(self, x):
        return x[..., None]


def test_an_axis_of_something_else_is_compared_as_it_is():
    text = "graphnn: 1\nnodes: {x: {op: input, shape: [2, 3]}, y: {op: spread, inputs: x, axis: 2}}"
    with registered(Spread):
        assert reported(text, text) == "no difference"
        other = text.replace("axis: 2", "axis: -1")
        assert reported(text, other) == "nodes\n  ~ y: axis 2 -> -1"


def test_from_which_end_axes_and_places_are_counted_is_no_difference():
    assert reported(COUNTED, FROM_FRONT) == "nodes\n  = old -> new"
    assert reported(FROM_FRONT, COUNTED) == "nodes\n  = new -> old"


@cases(
    r"""
    old | new | wanted
    s: {op: softmax, inputs: x, axis: -1} | s: {op: softmax, inputs: x, axis: 0}
        | nodes\n  ~ s: axis -1 -> 0
    mean, inputs: x | mean, inputs: x, axis: 0, keepdims: true
        | nodes\n  ~ m: keepdims false -> true, shape [] -> [1, 3], axis nothing -> [0]
    start: -2 | start: 1, stop: 2
        | nodes\n  ~ l: shape [batch, 2] -> [batch, 1], stop nothing -> 2
    op: argmax, inputs: x | op: argmax, inputs: x, axis: 0
        | nodes\n  ~ old: axis -1 -> 0, shape [batch] -> [3]
    causal: {input: x, output: s} | causal: {input: x, output: s, axis: 0}
        | examples\n  ~ example 1: properties
    """
)
def test_another_axis_is_a_difference(old, new, wanted):
    assert old in COUNTED
    assert reported(COUNTED, COUNTED.replace(old, new)).startswith(wanted)


@pytest.mark.parametrize(("shape", "one", "other"), [("[]", 0, -1), ("[2, 3]", 3, 1)])
def test_an_axis_that_is_not_there_is_compared_as_it_is(shape, one, other):
    text = """\
graphnn: 1
nodes: {x: {op: input, shape: %s}, y: {op: tanh, inputs: x}}
examples:
  - properties: {invariant: {permutation: %d, output: y, input: x}}
"""
    old, new = text % (shape, one), text % (shape, other)
    assert reported(old, old) == "no difference"
    assert reported(old, new).startswith("examples\n  ~ example 1: properties")


REMARKS = """\
graphnn: 1
blocks:
  dense:
    about: a layer
    inputs: x
    nodes: {a: {op: affine, inputs: x, units: 3}}
    output: a
nodes:
  x: {op: input, shape: [batch, 3]}
  h: {block: dense, inputs: x, repeat: 2, about: the trunk}
"""


def test_remarks_of_blocks_and_of_their_uses():
    assert reported(REMARKS, REMARKS.replace("about: a layer", "about: a dense layer")) == (
        "blocks\n  ~ dense: about a layer -> a dense layer"
    )
    assert reported(REMARKS, REMARKS.replace(", about: the trunk", "")) == (
        "uses\n  ~ h: about the trunk -> nothing"
    )
    assert reported(REMARKS, REMARKS.replace("dense", "layer")) == "no difference"
