"""Arguments of another type than the function takes: one error that says what it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn import drawing
from graphnn.diagnostics import GraphnnError

TEXT = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  y: {op: affine, inputs: x, units: 1}
  loss: {op: mean, inputs: y}
"""
NETWORK = graphnn.loads(TEXT)
ROWS = np.ones((3, 2))
TAKES_A_NETWORK = {
    "backprop": graphnn.backprop,
    "numerical_gradient": graphnn.numerical_gradient,
    "check_gradients": graphnn.check_gradients,
    "step_study": lambda network: graphnn.step_study(network, "y.bias"),
    "trace": graphnn.trace,
    "run_examples": graphnn.run_examples,
    "draw": drawing.draw,
    "export": lambda network: graphnn.export(network, "net.py"),
    "to_torch": graphnn.to_torch,
    "from_torch_state": lambda network: graphnn.from_torch_state(network, {}),
}


@pytest.mark.parametrize("call", TAKES_A_NETWORK.values(), ids=TAKES_A_NETWORK)
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("net.yaml", "'net.yaml'\n   = help: read the file first: graphnn.load(FILE)"),
        (Path("net.yaml"), "'net.yaml'\n   = help: read the file first: graphnn.load(FILE)"),
        (None, "NoneType"),
    ],
    ids=["name", "path", "nothing"],
)
def test_what_is_not_a_network(call, given, shown):
    with pytest.raises(GraphnnError) as caught:
        call(given)
    assert str(caught.value) == f"error[bad-option]: a network is needed here, not {shown}"


TAKES_INPUTS = {
    "backprop": graphnn.backprop,
    "numerical_gradient": graphnn.numerical_gradient,
    "check_gradients": graphnn.check_gradients,
    "step_study": lambda net, x: graphnn.step_study(net, "y.bias", x),
    "trace": graphnn.trace,
    "loss": lambda net, x: net.loss(x),
}


@pytest.mark.parametrize("call", TAKES_INPUTS.values(), ids=TAKES_INPUTS)
def test_an_array_without_a_name(call):
    with pytest.raises(GraphnnError) as caught:
        call(graphnn.loads(TEXT), np.ones((3, 2)))
    assert str(caught.value) == (
        "error[missing-input]: a ndarray does not name the input that it feeds\n"
        "   = help: give each by its name: x=..."
    )


TAKES_A_PATH = {
    "load": graphnn.load,
    "loads": lambda path: graphnn.loads(TEXT, folder=path),
    "diff, old": lambda path: graphnn.diff(path, NETWORK),
    "diff, new": lambda path: graphnn.diff(NETWORK, path),
    "convert, source": lambda path: graphnn.convert(path, "net.json"),
    "convert, target": lambda path: graphnn.convert("net.yaml", path),
    "diagnose": graphnn.diagnose,
    "diagnose_text": lambda path: graphnn.diagnose_text(TEXT, folder=path),
    "format_file": graphnn.format_file,
    "draft": graphnn.draft,
    "draft, folder": lambda path: graphnn.draft("rows.csv", folder=path),
    "train": graphnn.train,
    "resumed": lambda path: graphnn.train(path, resume=True),
    "evaluate": graphnn.evaluate,
    "predict": lambda path: graphnn.predict(path, ROWS),
    "search": graphnn.search,
    "export": lambda path: graphnn.export(NETWORK, path),
    "import_onnx": lambda path: graphnn.import_onnx(path, "net"),
    "import_onnx, folder": lambda path: graphnn.import_onnx("net.onnx", path),
    "load_onnx": graphnn.load_onnx,
    "save": NETWORK.save,
    "load_weights": NETWORK.load_weights,
    "diagram": lambda path: NETWORK.draw().save(path),
}


@pytest.mark.parametrize("call", TAKES_A_PATH.values(), ids=TAKES_A_PATH)
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "NoneType"),
        (3, "int"),  # of which Python would open the file with this number
        (True, "bool"),
        (b"net.yaml", "bytes\n   = help: decode it first: os.fsdecode(...)"),
    ],
    ids=["nothing", "number", "truth", "bytes"],
)
def test_what_is_not_a_path(call, given, shown):
    with pytest.raises(GraphnnError) as caught:
        call(given)
    assert str(caught.value) == f"error[bad-option]: a path is needed here, not {shown}"


OTHERS = [
    (
        lambda: graphnn.loads(b"graphnn: 1"),
        "a spec is a text, not bytes\n   = help: decode it first: .decode('utf-8')",
    ),
    (lambda: graphnn.loads(None), "a spec is a text, not NoneType"),
    (lambda: graphnn.format_text(3), "a spec is a text, not int"),
    (
        lambda: graphnn.predict(graphnn.loads(f"{TEXT}train: {{epochs: 1}}"), b"rows.csv"),
        "a path is needed here, not int",
    ),
    (lambda: NETWORK.draw(look=3).content("svg"), "a path is needed here, not int"),
    (lambda: drawing.filters(np.ones((1, 1, 2, 2)), path=3), "a path is needed here, not int"),
    (lambda: NETWORK.draw(only=3), "a name is text, not 3"),
    (lambda: NETWORK.draw(hide=True), "a name is text, not True"),
    (lambda: NETWORK.draw(against="net.yaml"), "'against' is a Network, not str"),
    (lambda: NETWORK.draw(trace=3), "'trace' is a Trace, not int"),
    (
        lambda: graphnn.search("net.yaml", progress=3),
        "'progress' must be a function of a SearchProgress, not 3",
    ),
    (lambda: NETWORK.draw(links=3), "'links' is an address, not 3"),
    (
        lambda: NETWORK.draw(width=b"8cm"),
        "'b'8cm'' is not a length\n"
        "   = help: write a number and a unit: 84mm, 8.4cm, 3.3in, 240pt or 320px",
    ),
    (lambda: graphnn.draft("rows.csv", target=["y"]), "a name is text, not ['y']"),
    (lambda: graphnn.draft("rows.csv", name=3), "a name is text, not 3"),
    (lambda: graphnn.step_study(NETWORK, 3), "the name of an entry is text, not 3"),
    (
        lambda: NETWORK.load_weights("w.npz", names=3),
        "'names' are a mapping of names to names, not int",
    ),
    (lambda: graphnn.format_diagnostics(3), "diagnostics are needed here, not int"),
    (lambda: graphnn.format_diagnostics(["x"]), "diagnostics are needed here, not str"),
    (
        lambda: graphnn.Network("net.yaml"),
        "a graph is needed here, not str\n"
        "   = help: networks are read by graphnn.load and graphnn.loads",
    ),
    (
        lambda: graphnn.loads(TEXT, ["batch"]),
        "settings are a mapping, not list\n   = help: write them as {'epochs': 20}",
    ),
    (
        lambda: graphnn.loads(TEXT).assign([1, 2]),
        "values are given in a mapping, by the full names of parameters",
    ),
    (
        lambda: graphnn.loads(TEXT).assign({3: 1}),
        "values are given in a mapping, by the full names of parameters",
    ),
]


@pytest.mark.parametrize(("call", "message"), OTHERS)
def test_another_type(call, message):
    with pytest.raises(GraphnnError) as caught:
        call()
    assert str(caught.value) == f"error[bad-option]: {message}"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: graphnn.loads(TEXT, {3: 4}), "the name of a setting is text, not 3"),
        (
            lambda: graphnn.check_gradients(NETWORK, x=ROWS, gradients=[ROWS]),
            "gradients are a mapping of names to arrays, not list",
        ),
        (
            lambda: graphnn.check_function(lambda w: 1.0, [ROWS], lambda w: {"w": ROWS}),
            "arrays are a mapping of names to arrays, not list",
        ),
        (
            lambda: NETWORK.draw(directon="right"),
            "a diagram has no option 'directon'\n   = help: did you mean 'direction'?",
        ),
        (
            lambda: graphnn.export(NETWORK, "a.py", style="numpy", outputs=3),
            "a name is text, not 3",
        ),
        (
            lambda: graphnn.export(NETWORK, "a.py", style="torch", outputs=[3]),
            "a name is text, not 3",
        ),
        (lambda: graphnn.export(NETWORK, "a.onnx", outputs=[]), "'outputs' names no node"),
    ],
)
def test_arguments_that_make_no_sense(call, expected):
    with pytest.raises(GraphnnError) as caught:
        call()
    assert str(caught.value) == f"error[bad-option]: {expected}"


def test_a_mode_is_named():
    with pytest.raises(GraphnnError) as caught:
        graphnn.backprop(NETWORK, x=ROWS, mode=[])
    assert str(caught.value) == (
        "error[unknown-mode]: there is no mode '[]'\n   = help: there are run and train"
    )


@pytest.mark.parametrize("trials", [0, 1.5, "3", True])
def test_trials_are_counted(trials):
    with pytest.raises(GraphnnError) as caught:
        graphnn.search("search.yaml", trials)
    message = f"error[bad-trials]: a search has at least one trial, not {trials!r}"
    assert str(caught.value) == message


@pytest.mark.parametrize("seed", [True, 1.0, -1, None])
def test_a_seed_is_a_whole_number(seed):
    calls = [
        lambda: graphnn.Network(NETWORK.graph, seed),
        lambda: graphnn.backprop(NETWORK, seed=seed),
    ]
    for call in calls:
        with pytest.raises(GraphnnError) as caught:
            call()
        message = f"error[bad-seed]: a seed is a whole number of at least 0, not {seed}"
        assert str(caught.value) == message
    assert graphnn.Network(NETWORK.graph, np.int64(1))


@pytest.mark.parametrize("opset", [True, 13.0, "13", 3])
def test_an_opset_is_a_whole_number(opset, tmp_path):
    with pytest.raises(GraphnnError) as caught:
        graphnn.export(NETWORK, tmp_path / "net.onnx", opset=opset)
    assert str(caught.value).startswith(
        f"error[bad-option]: opset {opset!r} cannot be written\n   = help: it is "
    )


@pytest.mark.parametrize("option", ["limit", "columns"])
def test_a_sheet_counts_in_whole_numbers(option):
    for value in (True, 2.5, "2"):
        with pytest.raises(GraphnnError) as caught:
            drawing.image_sheet(np.zeros((3, 2, 2), np.uint8), **{option: value})
        assert str(caught.value) == (
            f"error[bad-option]: '{option}' must be a whole number, not {value!r}"
        )


def test_one_output_needs_no_list(tmp_path):
    graphnn.export(NETWORK, tmp_path / "net.py", style="numpy", outputs="y")
    assert "Values of 'y'." in (tmp_path / "net.py").read_text(encoding="utf-8")
