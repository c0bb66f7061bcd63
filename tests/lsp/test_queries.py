"""What an editor is answered: completion, hover, definitions, renaming, symbols."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import UsageError
from graphnn.lsp import queries
from graphnn.lsp.document import Document
from graphnn.ops import REGISTRY
from graphnn.spec import format_text

TEXT = """\
graphnn: 1
sizes: {hidden: 3}
blocks:
  dense:
    about: an affine map and a rectifier
    sizes: [units]
    inputs: [x]
    nodes:
      a: {op: affine, inputs: x, units: units}
      z: {op: relu, inputs: a}
    output: z
nodes:
  x: {op: input, shape: [batch, 4]}
  t: {op: input, shape: [batch], dtype: int}
  h: {block: dense, inputs: x, units: 2 * hidden, repeat: 2}
  y: {op: affine, inputs: h, units: hidden, about: the scores}
  loss: {op: cross_entropy, inputs: {prediction: y, target: t}, allow: not-probabilities}
  twin: {op: affine, inputs: h, units: hidden, weight: {share: y.weight}}
outputs: [y, twin, h.1.a]
examples:
- {inputs: {x: {zeros: [1, 4]}}, outputs: {y: {sum: 0}}}
train: {loss: loss, metrics: {accuracy: [y, t]}, stratify: t}
search: {hidden: {choice: [2, 3]}}
"""


def document(text: str = TEXT, name: str = "net.yaml", before: Document | None = None) -> Document:
    return Document(text, Path(name), before)


def offered(text: str, name: str = "net.yaml") -> dict[str, str]:
    """Labels and details offered at the mark `|`, which is taken out."""
    index = text.index("|")
    offers, _ = queries.complete(document(text.replace("|", "", 1), name), index)
    return {offer.label: offer.detail for offer in offers}


def test_the_text_is_sound():
    assert document().diagnose(data=False) == ()


# Completion.


def test_keys_at_the_top():
    found = offered("graphnn: 1\n|")
    assert found["nodes"] == "Names and nodes."
    assert {"sizes", "blocks", "train", "outputs", "search"} <= found.keys()
    assert "graphnn" not in found


def test_ops_with_what_they_are():
    found = offered("graphnn: 1\nnodes:\n  x: {op: |")
    assert found.keys() >= {name for name, op in REGISTRY.items() if not op.internal}
    assert found["relu"] == "Rectifier 'y = max(x, 0)'."


def test_keys_of_a_node_are_those_of_its_op():
    found = offered("nodes:\n  x: {op: affine, |}\n")
    assert list(found) == [
        *("inputs", "trainable", "about", "allow", "shape", "units", "weight", "bias"),
    ]
    found = offered("nodes:\n  x: {units: 3, |, op: affine}\n")
    assert list(found) == ["inputs", "trainable", "about", "allow", "shape", "weight", "bias"]
    assert {"op", "block", "inputs"} <= offered("nodes:\n  x: {|").keys()


def test_keys_of_a_use_are_the_sizes_of_its_block():
    text = TEXT.replace(
        "h: {block: dense, inputs: x, units: 2 * hidden, repeat: 2}", "h: {block: dense, |}"
    )
    assert {"units", "inputs", "repeat"} <= offered(text).keys()


@pytest.mark.parametrize("broken", ["", "  q: {op: relu, inputs: [\n", "  q: 'x\n", "  q: @\n"])
def test_nodes_also_where_the_text_is_broken(broken):
    text = TEXT.replace("outputs:", f"{broken}  v: {{op: add, inputs: [|\noutputs:")
    assert {"x", "t", "h", "y", "loss"} <= offered(text).keys()
    assert "v" not in offered(text)


def test_nodes_inside_a_block_are_its_own():
    text = TEXT.replace("inputs: a}\n", "inputs: |}\n")
    assert list(offered(text)) == ["x", "a"]
    assert set(offered(TEXT.replace("output: z", "output: |"))) == {"x", "a", "z"}


@pytest.mark.parametrize(
    "text",
    [
        "nodes:\n  a: {op: relu}\noutputs: [|",
        "nodes:\n  a: {op: relu}\ntrain: {loss: |",
        "nodes:\n  a: {op: relu}\ntrain:\n  metrics:\n    accuracy: [|",
        "nodes:\n  a: {op: relu}\nexamples:\n- {outputs: {|",
        '{"nodes": {"a": {"op": "relu"}}, "outputs": ["|',
    ],
)
def test_nodes_wherever_one_is_named(text):
    assert "a" in offered(text, "net.json" if text.startswith("{") else "net.yaml")


def test_sizes_blocks_and_parameters():
    assert offered(TEXT.replace("units: hidden, about", "units: |, about"))["hidden"] == "3"
    assert set(offered(TEXT.replace("units: units}", "units: |}"))) == {"batch", "units"}
    assert offered(TEXT.replace("block: dense", "block: |")) == {"dense": "of x"}
    text = TEXT.replace("share: y.weight", "share: |")
    assert {"y.weight", "y.bias", "h.1.a.weight"} <= offered(text).keys()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dtype: |", ["float64", "float32"]),
        ("nodes:\n  x: {op: affine, weight: |", ["he", "xavier", "normal", "zeros"]),
        ("nodes:\n  x: {op: affine, trainable: |", ["true", "false"]),
        ("nodes:\n  x: {op: affine, bias: |", ["false"]),
        ("train: {optimizer: |", ["sgd", "adam", "momentum"]),
        ("train:\n  optimizer:\n    adam:\n      |", ["learning_rate"]),
        ("train: {data: {|", ["mnist", "csv", "npz", "idx"]),
        ("train: {keep: |", ["last", "best"]),
    ],
)
def test_words_of_a_choice(text, words):
    assert set(words) <= offered(text).keys()


def test_what_is_typed_is_replaced():
    text = "nodes:\n  x: {op: rel"
    offers, length = queries.complete(document(text), len(text))
    assert length == 3
    assert "relu" in [offer.label for offer in offers]


# Hover.


def reported(text: str, at: str, **options) -> str:
    """What is answered for the character after the mark `|` in `at`."""
    index = text.index(at.replace("|", "")) + at.index("|")
    found = queries.hover(document(text, **options), index)
    return "" if found is None else found[0]


def test_hover_on_a_node_shows_its_shape():
    assert reported(TEXT, "inputs: |h, units: hidden, about") == (
        "**h**: the output `h.2.z` of a block: relu of `h.2.a`\n\nshape `[batch, 6]`"
    )
    assert reported(TEXT, "  |y: {op") == (
        "**y**: affine of `h.2.z`\n\nshape `[batch, 3]`\n\nparameters `y.weight`, `y.bias`\n\n"
        "the scores"
    )


def test_hover_shows_shapes_of_what_is_sound_beside_faults():
    text = TEXT.replace("loss: {op: cross_entropy", "loss: {op: crossentropy")
    assert "shape `[batch, 3]`" in reported(text, "  |y: {op")


def test_hover_shows_the_last_shapes_while_the_text_is_half_typed():
    before = document()
    text = TEXT.replace("outputs: [y, twin, h.1.a]", "outputs: [y, twin")
    assert "shape `[batch, 3]`" in reported(text, "  |y: {op", before=before)
    assert reported(text, "  |y: {op") == "**y**: affine"


def test_hover_on_an_op_shows_what_it_is():
    found = reported(TEXT, "op: |relu")
    assert found == "**relu** (activation)\n\nRectifier 'y = max(x, 0)'.\n\ninputs: `x` [...]"
    assert "parameters: `weight` [n, units], `bias` [units]" in reported(
        TEXT, "op: af|fine, inputs: h"
    )


def test_hover_on_sizes_blocks_and_keys():
    assert reported(TEXT, "2 * |hidden") == "size `hidden`: 3"
    assert reported(TEXT, "shape: [|batch, 4]") == ""
    assert reported(TEXT, "block: |dense") == (
        "block **dense**: a, z\n\ninputs `x`\n\nsizes `units`\n\nan affine map and a rectifier"
    )
    assert reported("train: {epochs: 3}", "|epochs") == (
        "`epochs`: How often to go through all rows; without data, the steps.\n\nby default `10`"
    )
    assert reported("graphnn: 1\n# nothing", "not|hing") == ""


# Definition.


@pytest.mark.parametrize(
    ("use", "definition"),
    [
        ("inputs: |h, units: hidden, about", "  |h: {block"),
        ("outputs: [|y", "  |y: {op"),
        ("h|.1.a]", "  |h: {block"),
        ("accuracy: [y, |t]", "  |t: {op"),
        ("outputs: {|y", "  |y: {op"),
        ("prediction: |y", "  |y: {op"),
        ("share: |y.weight", "  |y: {op"),
        ("units: |hidden, about", "sizes: {|hidden"),
        ("2 * |hidden", "sizes: {|hidden"),
        ("search: {|hidden", "sizes: {|hidden"),
        ("block: |dense", "  |dense:"),
        ("inputs: |x, units: units", "inputs: [|x"),
        ("units: |units}", "sizes: [|units"),
        ("|units: 2 *", "sizes: [|units"),
        ("output: |z", "  |z: {op"),
    ],
)
def test_definitions(use, definition):
    index = TEXT.index(use.replace("|", "")) + use.index("|")
    wanted = TEXT.index(definition.replace("|", "")) + definition.index("|")
    found = queries.definition(document(), index)
    assert (found.start, found.there) == (wanted, None)


def test_what_has_no_definition():
    for use in ("op: |relu", "|graphnn", "an affine |map"):
        index = TEXT.index(use.replace("|", "")) + use.index("|")
        assert queries.definition(document(), index) is None


def test_a_block_of_another_file(tmp_path):
    (tmp_path / "common.yaml").write_text(
        "graphnn: 1\nblocks:\n  pair:\n    inputs: [x]\n"
        "    nodes: {a: {op: relu, inputs: x}}\n    output: a\n"
    )
    text = (
        "graphnn: 1\nblocks: {file: common.yaml}\n"
        "nodes:\n  x: {op: input, shape: [2]}\n  y: {block: pair, inputs: x}\n"
    )
    spec = Document(text, tmp_path / "net.yaml")
    assert str(queries.definition(spec, text.index("pair")).there) == f"{tmp_path}/common.yaml:3:3"
    named = queries.definition(spec, text.index("common.yaml") + 3)
    assert str(named.there) == f"{tmp_path}/common.yaml:1:1"
    assert queries.definition(spec, text.index("file")) is None
    assert queries.hover(spec, text.index("pair"))[0] == "block **pair**: a\n\ninputs `x`"


def test_a_file_of_blocks_that_is_not_there_is_no_definition(tmp_path):
    text = "graphnn: 1\nblocks: {file: [gone.yaml, ../net.yaml]}\nnodes: {}\n"
    (tmp_path / "net.yaml").write_text("graphnn: 1\nblocks: {}\n")
    (tmp_path / "inner").mkdir()
    spec = Document(text, tmp_path / "inner" / "net.yaml")
    for name in ("gone", "../net"):
        assert queries.definition(spec, text.index(name)) is None


# Renaming: what the network computes must not change.


def renamed(use: str, new: str, text: str = TEXT) -> str:
    index = text.index(use.replace("|", "")) + use.index("|")
    return queries.replaced(text, queries.rename(document(text), index, new), new)


def test_renaming_a_node_everywhere():
    after = renamed("outputs: [|y", "score")
    assert document(after).diagnose(data=False) == ()
    assert after == (
        TEXT.replace("  y: {op", "  score: {op")
        .replace("prediction: y", "prediction: score")
        .replace("share: y.weight", "share: score.weight")
        .replace("outputs: [y", "outputs: [score")
        .replace("outputs: {y", "outputs: {score")
        .replace("accuracy: [y", "accuracy: [score")
    )


@pytest.mark.parametrize(
    ("use", "new", "changes"),
    [
        ("2 * |hidden", "wide", 5),
        ("block: |dense", "layer", 2),
        ("units: |units}", "many", 3),
        ("inputs: [|x]", "given", 2),
        ("output: |z", "last", 2),
        ("  |t: {op", "labels", 4),
        ("  |h: {block", "hid", 4),
    ],
)
def test_renaming_changes_no_value(use, new, changes):
    after = renamed(use, new)
    index = TEXT.index(use.replace("|", "")) + use.index("|")
    assert len(queries.rename(document(), index, new)) == changes
    assert document(after).diagnose(data=False) == ()
    rows = np.random.default_rng(0).normal(size=(3, 4))
    first, second = graphnn.loads(TEXT), graphnn.loads(after)
    values = iter(first.arrays.values())
    second.assign({name: next(values) for name in second.arrays})
    for one, other in zip(
        first.run({"x": rows}).values(), second.run({"x": rows}).values(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("use", "new", "message"),
    [
        ("op: |relu", "q", "here stands no name that this file defines"),
        ("  |y: {op", "1y", "'1y' cannot be the name of a node"),
        ("  |y: {op", "a.b", "'a.b' cannot be the name of a node"),
        ("  |y: {op", "y" * 101, f"'{'y' * 101}' cannot be the name of a node"),
        ("  |y: {op", "twin", "there is a node 'twin' already"),
        ("sizes: {|hidden", "batch", "there is a size 'batch' already"),
    ],
)
def test_renaming_is_refused(use, new, message):
    with pytest.raises(UsageError) as caught:
        renamed(use, new)
    assert [(d.code, d.message) for d in caught.value.diagnostics] == [("bad-rename", message)]


def test_a_broken_text_is_not_renamed_in():
    with pytest.raises(UsageError, match="cannot be read as it is"):
        renamed("  |y: {op", "q", TEXT + "train: {\n")


# Symbols, formatting.


SEQUENCE = """\
graphnn: 1
blocks:
  cell:
    inputs: [x, h]
    nodes: {new: {op: add, inputs: [x, h]}}
    output: {h: new, last: new}
nodes:
  x: {op: input, shape: [batch, 3, 2]}
  s: {op: constant, value: {zeros: [2]}}
  y: {block: cell, inputs: [x, s], repeat: 3, unstack: x, stack: {h: 1}}
  z: {block: cell, inputs: {x: x, h: x}, repeat: 3, unstack: [x, h], stack: last}
"""


def test_inputs_and_outputs_of_a_block_along_a_sequence():
    assert [*offered(SEQUENCE.replace("unstack: x", "unstack: |"))] == ["x", "h"]
    assert [*offered(SEQUENCE.replace("stack: last", "stack: |"))] == ["h", "last"]
    assert {"unstack", "share"} < {*offered(SEQUENCE.replace("unstack: x", "|"))}


def test_an_input_is_renamed_with_the_output_that_it_is_carried_from():
    after = renamed("inputs: [x, |h]", "state", SEQUENCE)
    assert "    output: {state: new, last: new}\n" in after
    assert "unstack: [x, state], stack: last}" in after
    assert document(after).diagnose(data=False) == document(SEQUENCE).diagnose(data=False) == ()


def test_symbols():
    found = {each.name: each for each in queries.symbols(document())}
    assert list(found) == [line.split(":")[0] for line in TEXT.splitlines() if line[0] not in " -"]
    nodes = {each.name: each.detail for each in found["nodes"].children}
    assert nodes == {
        **{"x": "input", "t": "input", "h": "dense", "y": "affine", "loss": "cross_entropy"},
        "twin": "affine",
    }
    (dense,) = found["blocks"].children
    assert [each.name for each in dense.children[0].children] == ["a", "z"]
    assert [(each.name, each.detail) for each in found["sizes"].children] == [("hidden", "3")]
    for each in (*found.values(), *found["nodes"].children):
        assert each.start < each.name_end <= each.end
        assert TEXT[each.start : each.name_end] == each.name
    node = found["nodes"].children[0]
    assert TEXT[node.start : node.end] == "x: {op: input, shape: [batch, 4"


def test_formatting():
    text = "graphnn:   1\nnodes: {x:   {op: input, shape: [2]}}\n"
    assert document(text).formatted() == format_text(text) != text
    assert document("nodes: {").formatted() == "nodes: {"


def test_a_node_has_an_op_or_a_block():
    assert "op" not in offered("nodes:\n  x: {block: dense, |}\n")
    assert "block" not in offered("nodes:\n  x: {op: affine, |}\n")
    assert {"op", "block"} <= offered("nodes:\n  x: {|}\n").keys()


def test_inputs_of_an_example_are_input_nodes():
    assert set(offered(TEXT.replace("{x: {zeros", "{|"))) == {"x", "t"}
    assert {"x", "y", "h"} <= set(offered(TEXT.replace("{y: {sum", "{|")))


@pytest.mark.parametrize("validated", [False, True])
def test_a_search_judges_by_what_training_measures(validated):
    text = TEXT.replace("search: {", "search: {metric: |, ")
    names = {"loss", "accuracy"}
    if validated:
        text = text.replace("train: {", "train: {validation: 0.2, ")
        names |= {"validation_loss", "validation_accuracy"}
    assert set(offered(text)) == names
