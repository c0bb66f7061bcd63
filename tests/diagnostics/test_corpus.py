"""Every code has a whole message that is asserted: in the corpus, by a test, or in a table here."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.cli import main
from graphnn.diagnostics import CODES, GraphnnError
from graphnn.execution import Step
from graphnn.interchange.onnx import recording, verification
from graphnn.interchange.onnx.libraries import onnx
from graphnn.lsp.document import Document
from graphnn.lsp.queries import rename
from graphnn.ops import REGISTRY
from graphnn.training.data.dataset import Dataset
from places import BAD_SPECS, ROOT

PAGES = ROOT / "graphnn" / "diagnostics" / "pages"
TESTS = ROOT / "tests"
MARK = r"^(?:error|warning)\[([a-z-]+)\]: "
WHOLE = r"(?:error|warning)\[([a-z-]+)\]: ['\w{]"
FILES = {
    "line.yaml": """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch, 1]}
  a: {op: affine, inputs: x, weight: [[2], [-1]], bias: [0.5]}
  loss: {op: mean_squared_error, inputs: [a, t]}
examples:
  - {inputs: {x: [[1, 2]]}, outputs: {a: [[0.75]]}}
""",
    "descent.yaml": """\
graphnn: 1
nodes:
  x: {op: parameter, value: [-3, 4]}
  squares: {op: power, inputs: x, exponent: 2}
  f: {op: sum, inputs: squares}
train: {loss: f, optimizer: {sgd: {learning_rate: 0.1}}, epochs: 2}
""",
    "text.log": "no database at all\n" * 50,
}


def differing() -> None:
    recorded = recording.Recorded((), {}, {}, {}, {"a": "a"})
    ours, theirs = {"a": np.array([2.0])}, {"a": np.array([1.0])}
    net = graphnn.loads({"graphnn": 1, "nodes": {"a": {"op": "parameter", "value": [2.0]}}})
    verification._compared(net.astype("float64"), recorded, {}, ours, theirs)


def many_blocks() -> None:
    nodes = {"x": {"op": "input", "shape": []}}
    names = [f"part{number}.yaml" for number in range(21)]
    for name in names:
        Path(name).write_text("{graphnn: 1, blocks: {}}\n")
    graphnn.loads({"graphnn": 1, "blocks": {"file": names}, "nodes": nodes})


DILATED = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 1, 4, 4]}
  y: {op: average_pool, inputs: x, kernel: 2, dilation: 2}
"""
SQUARE = {
    "graphnn": 1,
    "nodes": {
        "x": {"op": "input", "shape": ["batch", 2]},
        "y": {"op": "multiply", "inputs": ["x", "x"]},
    },
}


def without(
    module: str, act: Callable[[], object], loaded: str | None = None
) -> Callable[[], object]:
    """`act` where a module is missing; `loaded` is a name that a face may hold of it by now."""

    def acted() -> None:
        with pytest.MonkeyPatch.context() as patch:
            if loaded is not None:
                patch.delattr(loaded)
            patch.setitem(sys.modules, module, None)
            act()

    return acted


def warn_of(width: float | None, name: str) -> None:
    name = name.replace("Private", "\U000f0000")
    net = graphnn.loads({"graphnn": 1, "name": name, "nodes": {"x": {"op": "input", "shape": []}}})
    raise GraphnnError(*net.draw(width=width).warnings())


def many_nodes() -> None:
    nodes: dict[str, object] = {"x": {"op": "input", "shape": ["batch", 2]}}
    for number in range(1100):
        last = f"n{number - 1}" if number else "x"
        nodes[f"n{number}"] = {"op": "affine", "inputs": last, "units": 2 + number}
    raise GraphnnError(*graphnn.loads({"graphnn": 1, "nodes": nodes}).draw().warnings())


def broken_property() -> None:
    text = Path("line.yaml").read_text()
    head = text[: text.index("examples:")]
    example = "  - properties: {monotone: {input: x, output: a, direction: decreasing}}\n"
    example += "    inputs: {x: [[1, 2]]}\n"
    (result,) = graphnn.run_examples(graphnn.loads(f"{head}examples:\n{example}"))
    raise GraphnnError(*result.diagnostics)


def renamed() -> None:
    document = Document(FILES["line.yaml"], Path("line.yaml"))
    rename(document, document.text.index("x:"), "a")


RECIPES: dict[str, tuple[Callable[[], object], str]] = {
    # the reader and its limits
    "too-many-files": (
        many_blocks,
        "error[too-many-files]: the spec takes blocks from more than 20 files",
    ),
    # files
    # runs
    "broken-property": (
        broken_property,
        "error[broken-property]: 'a' is not monotone: where entries of 'x' rise, "
        "its entry [0, 0] is 0.5, then 1.64358\n"
        "  --> <text>:8:18\n"
        "   |\n"
        " 8 |   - properties: {monotone: {input: x, output: a, direction: decreasing}}\n"
        "   |                  ^^^^^^^^\n"
        "   = note: 1 such entry",
    ),
    # gradients
    # data and training
    "no-arrays": (
        lambda: Dataset({}, "rows"),
        "error[no-arrays]: a data set needs at least one array",
    ),
    "bad-batch-size": (
        lambda: Dataset({"x": np.ones((2, 1))}, "rows").batches(0),
        "error[bad-batch-size]: a batch cannot hold 0 rows",
    ),
    # searches
    # pictures
    "no-glyph": (
        lambda: warn_of(None, "Private"),
        "warning[no-glyph]: no font on this machine draws U+F0000\n"
        "   = help: install a font that has it, such as Noto Sans",
    ),
    "many-nodes": (
        many_nodes,
        "warning[many-nodes]: 1,099 nodes are drawn in 61 parts\n"
        "   = help: draw some with --only FIRST..LAST, or all with --expand, which takes long",
    ),
    "small-text": (
        lambda: warn_of(30.0, "Line"),
        "warning[small-text]: letters are 1.8 pt high at this width, under 6\n"
        "   = help: draw it wider or in fewer --columns, fold blocks with --depth, or draw a part "
        "with --only",
    ),
    "unsuited-style": (
        lambda: graphnn.loads(SQUARE).draw("square.svg", style="textbook"),
        "error[unsuited-style]: the style 'textbook' cannot show 'y': multiply reads 2 nodes, a "
        "column reads one\n"
        "   = help: draw it in another style, or a part of it with --only",
    ),
    "no-onnx": (
        without("onnx", onnx),
        "error[no-onnx]: ONNX models need the package onnx, which is not installed\n"
        "   = help: pip install 'graphnn[onnx]'",
    ),
    "no-torch": (
        without("torch", lambda: graphnn.to_torch(graphnn.loads(DILATED))),
        "error[no-torch]: modules of torch need the package torch, which is not installed\n"
        "   = help: see https://pytorch.org/get-started",
    ),
    "not-in-onnx": (
        lambda: recording._refuse([Step("d", REGISTRY["dropout_training"](), (), 0)]),
        "error[not-in-onnx]: 'dropout_training' of 'd' cannot be exported to ONNX: networks are "
        "exported as they are run, not as they are trained",
    ),
    "onnx-differs": (
        differing,
        "error[onnx-differs]: 'a' is the first node that differs in onnxruntime, by 0.5 of its "
        "largest entry\n"
        "   = help: nothing has been written; please report the network",
    ),
    "not-onnx": (
        lambda: graphnn.load_onnx("text.log"),
        "error[not-onnx]: 'text.log' cannot be read as an ONNX model: it is not an ONNX model",
    ),
    # commands and the editor
    "no-preview": (
        without("watchfiles", lambda: main(("preview", "descent.yaml"))),
        "error[no-preview]: a preview needs watchfiles, which is not installed\n"
        "   = help: pip install 'graphnn[preview]'",
    ),
    "bad-rename": (renamed, "error[bad-rename]: there is a node 'a' already"),
}


@pytest.fixture
def reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Callable[[], object]], str]:
    """What a recipe says, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("FORCE_COLOR", "COLUMNS", "TERMINAL_WIDTH", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, text in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)

    def run(recipe: Callable[[], object]) -> str:
        with pytest.raises((GraphnnError, SystemExit)) as caught:
            recipe()
        error = caught.value
        return str(error) if isinstance(error, GraphnnError) else capsys.readouterr().err.rstrip()

    return run


@pytest.mark.parametrize("code", RECIPES)
def test_a_recipe_and_its_message(code, reported):
    recipe, expected = RECIPES[code]
    assert reported(recipe) == expected
    assert code in re.findall(MARK, expected, re.M)


def asserted() -> set[str]:
    """The codes whose messages other tests state from the first word on."""
    lines = (
        line
        for path in TESTS.rglob("*.py")
        if path != Path(__file__)
        for line in path.read_text("utf-8").splitlines()
        if "startswith(" not in line
    )
    return {code for line in lines for code in re.findall(WHOLE, line)}


def test_every_code_has_a_whole_message():
    texts = [
        path.read_text("utf-8") for path in (*BAD_SPECS.glob("*.expected"), *PAGES.glob("*.md"))
    ]
    shown = {code for text in texts for code in re.findall(MARK, text, re.M)}
    assert set(CODES) - shown - asserted() - RECIPES.keys() == set()


def test_a_recipe_is_only_where_no_spec_does():
    names = {
        path.stem for path in (*BAD_SPECS.glob("*.yaml"), *(BAD_SPECS / "explained").iterdir())
    }
    assert not names & RECIPES.keys()
