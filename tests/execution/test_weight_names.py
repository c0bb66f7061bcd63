"""Weights under other names, and in the order of axes that torch has."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import RunError, SpecError, UsageError
from graphnn.storage import archives

TEXT = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 4]}
  a: {op: affine, inputs: x, units: 3}
  n: {op: batch_norm, inputs: a}
  y: {op: affine, inputs: n, units: 3}
"""
BLOCKS = """
graphnn: 1
blocks:
  layer:
    inputs: [x]
    nodes:
      fc: {op: affine, inputs: x, units: 4}
      z: {op: relu, inputs: fc}
    output: z
nodes:
  x: {op: input, shape: [batch, 4]}
  h: {block: layer, inputs: x, repeat: 2}
  y: {op: affine, inputs: h, units: 2}
"""


def numbered(shapes):
    """An array of different numbers for each shape."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    starts = [0, *ends[:-1]]
    return {
        name: np.arange(start, end, dtype=np.float32).reshape(shape)
        for (name, shape), start, end in zip(shapes.items(), starts, ends, strict=True)
    }


STATE = numbered(
    {
        "0.weight": (3, 4),
        "0.bias": (3,),
        "1.weight": (3,),
        "1.bias": (3,),
        "1.running_mean": (3,),
        "1.running_var": (3,),
        "1.num_batches_tracked": (),
        "2.weight": (3, 3),
        "2.bias": (3,),
    }
)
NAMES = {"0": "a", "1": "n", "2": "y"}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.safetensors"
    archives.write_arrays(path, STATE)
    return path


def holds(net):
    assert np.array_equal(net.arrays["a.weight"], STATE["0.weight"].T)
    assert np.array_equal(net.arrays["a.bias"], STATE["0.bias"])
    assert np.array_equal(net.arrays["n.gain"], STATE["1.weight"])
    assert np.array_equal(net.arrays["n.shift"], STATE["1.bias"])
    assert np.array_equal(net.arrays["n.running_mean"], STATE["1.running_mean"])
    assert np.array_equal(net.arrays["n.running_variance"], STATE["1.running_var"])
    assert np.array_equal(net.arrays["y.weight"], STATE["2.weight"].T)


def test_nodes_by_the_modules_of_a_file(file, tmp_path):
    names = '{"0": a, "1": n, "2": y}'
    weights = f"weights: {{file: {file.name}, layout: torch, names: {names}}}\n"
    holds(graphnn.loads(TEXT + weights, folder=tmp_path))


def test_nodes_by_modules_in_python(file):
    net = graphnn.loads(TEXT)
    net.load_weights(file, names=NAMES, layout="torch")
    holds(net)


def test_parameters_by_the_names_of_a_file(file):
    net = graphnn.loads(TEXT)
    names = {
        "0.weight": "a.weight",
        "0.bias": "a.bias",
        "1.weight": "n.gain",
        "1.bias": "n.shift",
        "1.running_mean": "n.running_mean",
        "1.running_var": "n.running_variance",
        "1.num_batches_tracked": False,
        "2": "y",
    }
    net.load_weights(file, names=names, layout="torch")
    holds(net)


def test_parameters_by_name_are_of_the_layout_too(file):
    net = graphnn.loads(TEXT)
    names = {"0": False, "1": False, "2.weight": "y.weight", "2.bias": "y.bias"}
    net.load_weights(file, names=names, layout="graphnn", partial=True)
    assert np.array_equal(net.arrays["y.weight"], STATE["2.weight"])
    net.load_weights(file, names=names, layout="torch", partial=True)
    assert np.array_equal(net.arrays["y.weight"], STATE["2.weight"].T)


def test_copies_of_blocks_by_what_names_begin_with(tmp_path):
    shapes = {"fc.weight": (4, 4), "fc.bias": (4,)}
    state = numbered({f"layers.{n}.{name}": s for n in (1, 2) for name, s in shapes.items()})
    state |= {"out.weight": np.ones((2, 4)), "out.bias": np.ones(2)}
    archives.write_arrays(tmp_path / "w.safetensors", state)
    net = graphnn.loads(BLOCKS)
    names = {"layers": "h", "out": "y"}
    net.load_weights(tmp_path / "w.safetensors", names=names, layout="torch")
    for n in (1, 2):
        assert np.array_equal(net.arrays[f"h.{n}.fc.weight"], state[f"layers.{n}.fc.weight"].T)
    # The copy that is named alone counts for more.
    names |= {"layers.1": "h.2", "layers.2": "h.1"}
    net.load_weights(tmp_path / "w.safetensors", names=names, layout="torch")
    assert np.array_equal(net.arrays["h.1.fc.bias"], state["layers.2.fc.bias"])


def test_a_parameter_of_two_nodes_has_two_names_in_torch(tmp_path):
    net = graphnn.loads(
        TEXT.replace(
            "y: {op: affine, inputs: n, units: 3}", "y: {op: add, inputs: [n, a]}"
        ).replace("units: 3}", "units: 3}\n  b: {op: affine, inputs: x, weight: {share: a.weight}}")
    )
    norm = {f"n.{k}": np.ones(3) for k in ("weight", "bias", "running_mean", "running_var")}
    state = {"a.weight": np.arange(12.0).reshape(3, 4), "a.bias": np.ones(3), **norm}
    state |= {"b.weight": state["a.weight"], "b.bias": np.ones(3)}
    net.assign(state, layout="torch", partial=False)
    assert np.array_equal(net.arrays["a.weight"], state["a.weight"].T)
    state["b.weight"] = state["b.weight"] + 1
    with pytest.raises(RunError) as caught:
        net.assign(state, layout="torch", partial=False)
    assert str(caught.value) == (
        "error[bad-parameter]: 'b.weight' in the mapping given is another name of 'a.weight', "
        "but differs from it"
    )


def refused(file, **options):
    net = graphnn.loads(TEXT)
    before = {name: array.copy() for name, array in net.arrays.items()}
    with pytest.raises(RunError) as caught:
        net.load_weights(file, **options)
    assert all(np.array_equal(array, before[name]) for name, array in net.arrays.items())
    return str(caught.value)


def test_a_weight_the_other_way_round(file):
    names = {**NAMES, "1": False, "2": False}
    assert refused(file, names=names, partial=True) == (
        "error[wrong-shape]: 'a.weight' has shape [4, 3], but '0.weight' has [3, 4] "
        "in 'model.safetensors'\n"
        "   = help: torch has it in this shape: if it is of torch, give the layout 'torch'"
    )


def test_no_layout_is_advised_where_it_would_not_fit():
    net = graphnn.loads(
        TEXT + "  w: {op: input, shape: [batch], dtype: int}\n"
        "  e: {op: embedding, inputs: w, vocabulary: 5, units: 2}\n"
    )
    with pytest.raises(RunError) as caught:
        net.assign({"a.weight": np.ones((5, 3)), "e.weight": np.ones((2, 5))})
    assert str(caught.value) == (
        "error[wrong-shape]: 'a.weight' has shape [4, 3], but [5, 3] in the mapping given\n\n"
        "error[wrong-shape]: 'e.weight' has shape [5, 2], but [2, 5] in the mapping given"
    )


def test_a_square_weight_is_not_guessed(file):
    names = {"0": False, "1": False, "2": "y"}
    assert refused(file, names=names, partial=True) == (
        "error[bad-parameter]: 'y.weight' is square, so '2.weight' may be its transpose, "
        "as in torch\n"
        "   = help: give the layout 'torch' if it is, else the layout 'graphnn'"
    )


def test_a_weight_that_fits_one_way_round_needs_no_layout(tmp_path):
    archives.write_arrays(tmp_path / "w.npz", {"0.weight": STATE["0.weight"].T})
    net = graphnn.loads(TEXT)
    net.load_weights(tmp_path / "w.npz", names={"0": "a"}, partial=True)
    assert np.array_equal(net.arrays["a.weight"], STATE["0.weight"].T)


def test_another_shape_in_torch(file):
    names = {"0": "y", "1": "n", "2": "a"}
    assert refused(file, names=names, layout="torch") == (
        "error[wrong-shape]: 'y.weight' has shape [3, 3], but '0.weight' has [3, 4] "
        "in 'model.safetensors'\n"
        "   = help: in torch it has shape [3, 3]\n\n"
        "error[wrong-shape]: 'a.weight' has shape [4, 3], but '2.weight' has [3, 3] "
        "in 'model.safetensors'\n"
        "   = help: in torch it has shape [3, 4]"
    )


def test_names_without_a_place(file):
    names = {"0.weight": "a.weight", "1": "n", "2": "y"}
    assert refused(file, names=names, layout="torch") == (
        "error[unknown-parameter]: '0.bias' in 'model.safetensors' is not a parameter of the "
        "network\n"
        "   = help: by its shape it may be a.bias: write names: {0.bias: a.bias}"
    )
    names = {"0": "a", "1.weight": "n.gain", "1.bias": "n.shift", "2": "y"}
    names |= {"1.running_mean": "n.running_mean", "1.running_var": "n.running_variance"}
    assert refused(file, names=names, layout="torch") == (
        "error[unknown-parameter]: '1.num_batches_tracked' in 'model.safetensors' is not a "
        "parameter of the network\n"
        "   = help: to leave it out, write names: {1.num_batches_tracked: false}"
    )


def test_names_of_what_there_is_not(file):
    assert refused(file, names={"0": "aa", "1": "n", "2": "y", "3": "y"}, layout="torch") == (
        "error[unknown-parameter]: 'aa' is neither a parameter nor a node of the network\n"
        "   = help: did you mean 'a'?\n\n"
        "error[unknown-array]: 'model.safetensors' has no array '3'\n"
        "   = help: its arrays are 0.bias, 0.weight, 1.bias, 1.num_batches_tracked, "
        "1.running_mean, 1.running_var, 1.weight, 2.bias, 2.weight"
    )


def test_two_arrays_for_one_parameter(file):
    names = {**NAMES, "0.bias": "y.bias"}
    assert refused(file, names=names, layout="torch", partial=True) == (
        "error[bad-parameter]: '0.bias' and '2.bias' in 'model.safetensors' are both values of "
        "'y.bias'"
    )


def test_two_arrays_for_one_part():
    names = {"old": "l.bias_ih_l0", "new": "l.bias_ih_l0"}
    state = {**LAYERS, "old": np.ones(4), "new": np.ones(4)}
    del state["l.bias_ih_l0"]
    with pytest.raises(RunError) as caught:
        graphnn.loads(RECURRENT).assign(state, names=names, layout="torch")
    assert str(caught.value) == (
        "error[bad-parameter]: 'old' and 'new' in the mapping given are both values of "
        "'l.bias_ih_l0'"
    )


def test_what_fits_a_tied_parameter_is_said_once():
    text = TEXT.replace(
        "units: 3}\n  n",
        "units: 3}\n  k: {op: affine, inputs: x, units: 3, weight: {share: a.weight}}\n  n",
    )
    with pytest.raises(RunError) as caught:
        graphnn.loads(text).assign({"w": np.ones((3, 4))}, layout="torch")
    assert str(caught.value) == (
        "error[unknown-parameter]: 'w' in the mapping given is not a parameter of the network\n"
        "   = help: by its shape it may be a.weight: write names: {w: a.weight}"
    )


def test_what_is_missing(file):
    names = {**NAMES, "1": False}
    assert refused(file, names=names, layout="torch") == (
        "error[missing-parameter]: 'model.safetensors' has no value for n.gain, n.shift, "
        "n.running_mean, n.running_variance\n"
        "   = help: a spec takes part of its parameters by weights: {file: NAME, partial: true}"
    )


def test_an_unknown_layout(file):
    with pytest.raises(UsageError) as caught:
        graphnn.loads(TEXT).load_weights(file, layout="troch")
    assert str(caught.value) == (
        "error[bad-option]: there is no layout 'troch'\n   = help: did you mean 'torch'?"
    )


def test_faults_of_names_in_a_spec(file, tmp_path):
    text = TEXT + (
        "weights:\n  file: model.safetensors\n  layout: keras\n"
        '  names: {"0": 1, "1": true, "2": [y]}\n'
    )
    with pytest.raises(SpecError) as caught:
        graphnn.loads(text, folder=tmp_path)
    assert [each.message for each in caught.value.diagnostics] == [
        "'layout' must be graphnn or torch, not 'keras'",
        "'0' in 'names' must be the name of a parameter or a node, or false, not 1",
        "'1' in 'names' must be the name of a parameter or a node, or false, not true",
        "'2' in 'names' must be the name of a parameter or a node, or false, not a list",
    ]


def test_places_of_names_in_a_spec(file, tmp_path):
    text = TEXT + (
        "weights:\n  file: model.safetensors\n  layout: torch\n"
        '  names: {"0": a, "1": n, "2": z, "5": y}\n'
    )
    with pytest.raises(SpecError) as caught:
        graphnn.loads(text, folder=tmp_path)
    found = caught.value.diagnostics
    assert [(each.code, each.span.line, each.span.column) for each in found] == [
        ("unknown-parameter", 11, 32),
        ("unknown-array", 11, 35),
    ]


@pytest.mark.parametrize("dtype", ["<f2", "<i4", "|u1", "<i8"])
def test_numbers_of_other_types_are_converted(tmp_path, dtype):
    state = {name: array.astype(dtype) for name, array in STATE.items()}
    archives.write_arrays(tmp_path / "w.safetensors", state)
    net = graphnn.loads(TEXT)
    net.load_weights(tmp_path / "w.safetensors", names=NAMES, layout="torch")
    holds(net)


RECURRENT = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 5, 2]}
  h: {op: gru, inputs: x, units: 1, bidirectional: true}
  l: {op: lstm, inputs: h, units: 1}
"""
LAYERS = {
    **numbered({"h.weight_ih_l0": (3, 2), "h.weight_hh_l0": (3, 1)}),
    **{"h.bias_ih_l0": np.float32([1, 2, 3]), "h.bias_hh_l0": np.float32([10, 20, 30])},
    **numbered({"h.weight_ih_l0_reverse": (3, 2), "h.weight_hh_l0_reverse": (3, 1)}),
    **{"h.bias_ih_l0_reverse": np.float32([4, 5, 6]), "h.bias_hh_l0_reverse": np.zeros(3)},
    **numbered({"l.weight_ih_l0": (4, 2), "l.weight_hh_l0": (4, 1)}),
    **{"l.bias_ih_l0": np.float32([1, 2, 3, 4]), "l.bias_hh_l0": np.float32([40, 30, 20, 10])},
}


def test_recurrent_layers_of_torch(tmp_path):
    archives.write_arrays(tmp_path / "w.safetensors", LAYERS)
    net = graphnn.loads(RECURRENT)
    net.load_weights(tmp_path / "w.safetensors", layout="torch")
    assert {name: array.tolist() for name, array in net.arrays.items()} == {
        "h.weight": [[0, 2, 4, 0, 2, 4], [1, 3, 5, 1, 3, 5]],
        "h.recurrent": [[6, 7, 8, 6, 7, 8]],
        "h.bias": [11, 22, 3, 4, 5, 6],
        "h.recurrent_bias": [30, 0],
        "l.weight": [[0, 2, 4, 6], [1, 3, 5, 7]],
        "l.recurrent": [[8, 9, 10, 11]],
        "l.bias": [41, 32, 23, 14],
    }


def test_a_recurrent_layer_under_another_name_and_a_second_one_below_it():
    state = {f"rnn.{name[2:]}": array for name, array in LAYERS.items() if name[0] == "h"}
    state |= {f"rnn.{name[2:-1]}1": array for name, array in LAYERS.items() if name[0] == "l"}
    names = {name: f"l.{name[4:-1]}0" for name in state if name.endswith("l1")}
    net, wanted = graphnn.loads(RECURRENT), graphnn.loads(RECURRENT)
    wanted.assign(LAYERS, layout="torch", partial=False)
    net.assign(state, layout="torch", partial=False, names={"rnn": "h", **names})
    assert all(np.array_equal(net.arrays[name], array) for name, array in wanted.arrays.items())


def test_two_recurrent_layers_of_torch_may_share_what_agrees():
    text = RECURRENT.replace("inputs: h, units", "inputs: x, bias: {share: k.bias}, units")
    net = graphnn.loads(text + "  k: {op: lstm, inputs: x, units: 1}\n")
    state = LAYERS | {f"k{name[1:]}": array for name, array in LAYERS.items() if name[0] == "l"}
    net.assign(state, layout="torch", partial=False)
    assert net.arrays["k.bias"].tolist() == [41, 32, 23, 14]
    with pytest.raises(RunError, match=r"is another name of 'k\.bias', but differs from it"):
        net.assign(state | {"k.bias_hh_l0": np.ones(4)}, layout="torch", partial=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"h.bias_hh_l0": None, "l.weight_hh_l0": None},
            "error[missing-parameter]: the mapping given has no array 'h.bias_hh_l0', a part of "
            "h.bias, h.recurrent_bias\n\n"
            "error[missing-parameter]: the mapping given has no array 'l.weight_hh_l0', a part of "
            "l.recurrent",
        ),
        (
            {"l.weight_ih_l0": np.ones((4, 3))},
            "error[wrong-shape]: 'l.weight_ih_l0' has shape [4, 3] in the mapping given\n"
            "   = help: in torch it has shape [4, 2]",
        ),
        (
            {"l.bias_ih_l0": np.array("text")},
            "error[not-numbers]: 'l.bias_ih_l0' in the mapping given is not an array of numbers",
        ),
        (
            {"l.bias": np.ones(4)},
            "error[bad-parameter]: 'l.bias_ih_l0' in the mapping given is another name of "
            "'l.bias', but differs from it",
        ),
        (
            {"l.bias_hh_l0": None, "bias_hh_l0": np.ones(4)},
            "error[unknown-parameter]: 'bias_hh_l0' in the mapping given is not a parameter of the "
            "network\n"
            "   = help: did you mean 'l.bias_hh_l0'?",
        ),
    ],
    ids=["missing", "shape", "text", "both", "strange"],
)
def test_faults_of_recurrent_layers_of_torch(change, message):
    state = {k: array for k, array in (LAYERS | change).items() if array is not None}
    with pytest.raises(RunError) as caught:
        graphnn.loads(RECURRENT).assign(state, layout="torch", partial=False)
    assert str(caught.value) == message


def test_a_layer_without_bias_takes_none():
    text = RECURRENT.replace("bidirectional: true", "bias: false, recurrent_bias: false")
    net = graphnn.loads(text[: text.index("  l:")])
    state = {
        name: array for name, array in LAYERS.items() if name[:4] == "h.we" and "_r" not in name
    }
    net.assign(state, layout="torch", partial=False)
    with pytest.raises(RunError, match=r"'h\.bias_ih_l0' in the mapping given is not a parameter"):
        net.assign({**state, "h.bias_ih_l0": np.ones(3)}, layout="torch", partial=False)
