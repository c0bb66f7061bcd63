"""Every code has a whole message that is asserted: in a file of the corpus, or in a table here."""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.cli import main
from graphnn.diagnostics import CODES, Findings, GraphnnError
from graphnn.drawing import confusion
from graphnn.drawing.diagram import engine
from graphnn.execution import Step
from graphnn.gradients.numerical.engine.workers import Shared
from graphnn.gradients.numerical.rules import DifferenceRule
from graphnn.interchange.onnx import recording, verification
from graphnn.interchange.onnx.libraries import onnx
from graphnn.lsp.document import Document
from graphnn.lsp.queries import rename
from graphnn.ops import REGISTRY
from graphnn.spec import reader
from graphnn.spec.reading.limits import Limits
from graphnn.spec.writing import syntax
from graphnn.storage import files
from graphnn.training.data.dataset import Dataset
from places import BAD_SPECS, ROOT

PAGES = ROOT / "graphnn" / "diagnostics" / "pages"
MARK = r"^(?:error|warning)\[([a-z-]+)\]: "
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
    "searched.yaml": """\
graphnn: 1
nodes:
  x: {op: parameter, value: [-3, 4]}
  squares: {op: power, inputs: x, exponent: 2}
  f: {op: sum, inputs: squares}
train: {loss: f, optimizer: {sgd: {learning_rate: 0.1}}, epochs: 2}
search: {learning_rate: {choice: [1.0e+200]}}
""",
    "normal.yaml": """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  n: {op: batch_norm, inputs: x}
  f: {op: sum, inputs: n}
""",
    "layers.yaml": """\
graphnn: 1
blocks:
  layer: {inputs: x, nodes: {z: {op: relu, inputs: x}}, output: z}
""",
    "animals.yaml": """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 1]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: 2}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train: {data: {csv: {file: animals.csv, x: size, t: kind}}, epochs: 1}
""",
    "animals.csv": "size,kind\n1,cat\n2,dog\n",
    "used/file": "",
    "text.log": "no database at all\n" * 50,
}


def read(text: str, **limits: int) -> Callable[[], object]:
    """A text that goes beyond limits lower than usual."""
    return lambda: reader.read(text, "net.yaml", json=False, limits=Limits(**limits))


def differing() -> None:
    recorded = recording.Recorded((), {}, {}, {}, {"a": "a"})
    ours, theirs = {"a": np.array([2.0])}, {"a": np.array([1.0])}
    net = graphnn.loads({"graphnn": 1, "nodes": {"a": {"op": "parameter", "value": [2.0]}}})
    verification._compared(net.astype("float64"), recorded, ours, theirs)


def determinant() -> None:
    helper = onnx().helper
    ends = [helper.make_tensor_value_info(name, 1, [2, 2]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Det", ["x"], ["y"])], "g", ends[:1], ends[1:])
    Path("det.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    graphnn.load_onnx("det.onnx")


def many_blocks() -> None:
    nodes = {"x": {"op": "input", "shape": []}}
    names = [f"part{number}.yaml" for number in range(21)]
    for name in names:
        Path(name).write_text("{graphnn: 1, blocks: {}}\n")
    graphnn.loads({"graphnn": 1, "blocks": {"file": names}, "nodes": nodes})


def many_warnings() -> None:
    findings = Findings(limit=1)
    for name in "abc":
        findings.warning("unread-node", f"'{name}' is read by no other node")
    raise GraphnnError(*findings.sorted())


def ones(shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(1.0, shape)


def memory() -> None:
    net = graphnn.loads("""
graphnn: 1
sizes: {time: free}
nodes:
  a: {op: input, shape: [batch, 1]}
  b: {op: input, shape: [1, time]}
  y: {op: add, inputs: [a, b]}
""")
    net.run(a=ones((2**31, 1)), b=ones((1, 2**31)))  # what is broadcast takes no memory


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


class Broken(Executor):
    """A pool whose workers die."""

    def submit(self, *arguments: object, **keywords: object) -> Future[object]:
        future: Future[object] = Future()
        future.set_exception(BrokenExecutor())
        return future


class Task:
    def carry_out(self, task: object) -> object:
        return task


def gradient(**options: object) -> Callable[[], object]:
    return lambda: graphnn.numerical_gradient(graphnn.load("descent.yaml"), **options)


def missing_gradient() -> None:
    net = graphnn.load("descent.yaml")
    graphnn.check_gradients(net, gradients={}, only=["x.value"])


def another_search() -> None:
    graphnn.search("searched.yaml", 1, storage="search.log")
    graphnn.search("searched.yaml", 1, {"epochs": 3}, storage="search.log")


def draft_of_parquet() -> None:
    Path("rows.parquet").write_bytes(b"PAR1")
    graphnn.draft("rows.parquet")


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


def refused_layout(run: Callable[..., object]) -> Callable[[], object]:
    """A layout by a program that `run` stands for."""

    def act() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "find_engine", lambda: "dot")
            patch.setattr(engine.subprocess, "run", run)
            engine.coordinates("digraph {}")

    return act


def too_slow(*arguments: object, **keywords: object) -> None:
    raise engine.subprocess.TimeoutExpired("dot", 1)


def no_program(*arguments: object, **keywords: object) -> None:
    raise OSError(8, "Exec format error")


def no_engine() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        patch.setattr(sys, "executable", "nowhere/python")
        patch.setattr(sysconfig, "get_path", lambda name: "nowhere")
        engine.find_engine()


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


def no_space() -> None:
    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left", "x")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("graphnn.cli.commands.show.load", fail)
        main(("show", "line.yaml"))


def not_analytic() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(REGISTRY["power"], "analytic", False)
        gradient(method="complex")()


def broken_property() -> None:
    text = Path("line.yaml").read_text()
    head = text[: text.index("examples:")]
    example = "  - properties: {monotone: {input: x, output: a, direction: decreasing}}\n"
    example += "    inputs: {x: [[1, 2]]}\n"
    (result,) = graphnn.run_examples(graphnn.loads(f"{head}examples:\n{example}"))
    raise GraphnnError(*result.diagnostics)


def wrong_output() -> None:
    (result,) = graphnn.run_examples(graphnn.load("line.yaml"))
    raise GraphnnError(*result.diagnostics)


def many_comments() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(syntax, "DEFAULT", replace(syntax.DEFAULT, comments=2))
        graphnn.format_text("a: 1 # one\nb: 2 # two\nc: 3 # three\n", "net.yaml")


def other_classes() -> None:
    graphnn.train("animals.yaml", folder="run")
    path = Path("animals.csv")
    path.write_text(path.read_text().replace("cat", "zebra"))
    graphnn.train("animals.yaml", folder="run", resume=True)


def converted() -> None:
    Path("out").mkdir()
    main(("convert", "animals.yaml", "-o", "out/net.json"))


def renamed() -> None:
    document = Document(FILES["line.yaml"], Path("line.yaml"))
    rename(document, document.text.index("x:"), "a")


RECIPES: dict[str, tuple[Callable[[], object], str]] = {
    # the reader and its limits
    "too-many-values": (
        read("a: [1, 2, 3]", values=3),
        "error[too-many-values]: 'net.yaml' holds more than 3 values\n"
        "  --> net.yaml:1:5\n"
        "   |\n"
        " 1 | a: [1, 2, 3]\n"
        "   |     ^\n"
        "   = help: keep large arrays in a file of weights",
    ),
    "too-many-aliases": (
        read("a: &x 1\nb: [*x, *x, *x]", aliases=2),
        "error[too-many-aliases]: 'net.yaml' holds more than 2 aliases\n"
        "  --> net.yaml:2:13\n"
        "   |\n"
        " 2 | b: [*x, *x, *x]\n"
        "   |             ^^",
    ),
    "too-many-anchors": (
        read("a: &x 1\nb: &y 2\nc: &z 3", aliases=2),
        "error[too-many-anchors]: 'net.yaml' holds more than 2 anchors\n"
        "  --> net.yaml:3:4\n"
        "   |\n"
        " 3 | c: &z 3\n"
        "   |    ^^^^",
    ),
    "too-many-comments": (
        many_comments,
        "error[too-many-comments]: 'net.yaml' holds more than 2 comments\n"
        "  --> net.yaml:3:6\n"
        "   |\n"
        " 3 | c: 3 # three\n"
        "   |      ^",
    ),
    "too-many-faults": (
        read("1: a\n2: b\n3: c", faults=2),
        "error[key-not-text]: the key '1' is a number, not a text\n"
        "  --> net.yaml:1:1\n"
        "   |\n"
        " 1 | 1: a\n"
        "   | ^\n"
        "   = help: a name holds letters, digits, '_' and '-', and starts with a "
        "letter or '_'\n"
        "\n"
        "error[key-not-text]: the key '2' is a number, not a text\n"
        "  --> net.yaml:2:1\n"
        "   |\n"
        " 2 | 2: b\n"
        "   | ^\n"
        "   = help: a name holds letters, digits, '_' and '-', and starts with a "
        "letter or '_'\n"
        "\n"
        "error[too-many-faults]: reading stopped after 2 faults\n"
        "  --> net.yaml:2:1\n"
        "   |\n"
        " 2 | 2: b\n"
        "   | ^",
    ),
    "too-many-warnings": (
        many_warnings,
        "warning[unread-node]: 'a' is read by no other node\n"
        "\n"
        "warning[too-many-warnings]: there are 2 more warnings",
    ),
    "too-many-files": (
        many_blocks,
        "error[too-many-files]: the spec takes blocks from more than 20 files",
    ),
    "no-network": (
        lambda: graphnn.load("layers.yaml"),
        "error[no-network]: the file holds blocks, but no network\n"
        "  --> layers.yaml:2:1\n"
        "   |\n"
        " 2 | blocks:\n"
        "   | ^^^^^^\n"
        "   = help: name it in a spec, as in 'blocks: {file: NAME}', or add 'nodes'",
    ),
    # files
    "file-too-large": (
        lambda: files.read_bytes(Path("line.yaml"), 4),
        "error[file-too-large]: 'line.yaml' is larger than 3.8147e-06 MiB",
    ),
    "unwritable-file": (
        lambda: files.write_text(Path("line.yaml/net"), ""),
        "error[unwritable-file]: 'line.yaml/net' cannot be written: Not a directory",
    ),
    "file-left-behind": (
        converted,
        "error[file-left-behind]: the spec names 'animals.csv', which would not be found "
        "from 'out'\n"
        "  --> animals.yaml:8:28\n"
        "   |\n"
        " 8 | train: {data: {csv: {file: animals.csv, x: size, t: kind}}, epochs: 1}\n"
        "   |                            ^^^^^^^^^^^\n"
        "   = help: write into '.', or move the files with it",
    ),
    "file-exists": (
        lambda: main(("new", "line.yaml")),
        "error[file-exists]: 'line.yaml' is there already\n"
        "   = help: give another name, or remove the file",
    ),
    # runs
    "wrong-output": (
        wrong_output,
        "error[wrong-output]: 'a' is [[0.5]], not [[0.75]]\n"
        "  --> line.yaml:8:42\n"
        "   |\n"
        " 8 |   - {inputs: {x: [[1, 2]]}, outputs: {a: [[0.75]]}}\n"
        "   |                                          ^^^^^^^^ off by 0.25\n"
        "   = note: 1 of 1 entries are off; the worst, at [0, 0], is 0.5, not 0.75 "
        "give or take 7.6e-08",
    ),
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
    "bad-value": (
        lambda: graphnn.backprop(graphnn.load("normal.yaml"), {"x": [[1, 2]]}, mode="train"),
        "error[bad-value]: at 'n': batch_norm needs at least 2 values of each channel "
        "in training, not 1\n"
        "   = help: choose a 'batch_size' that leaves no batch of a single row",
    ),
    "bad-dtype": (
        lambda: graphnn.load("descent.yaml").astype("float16"),
        "error[bad-dtype]: a network computes in float64 or float32, not float16",
    ),
    "bad-seed": (
        lambda: graphnn.load("descent.yaml", seed=-1),
        "error[bad-seed]: a seed is a whole number of at least 0, not -1",
    ),
    "out-of-memory": (
        memory,
        "error[out-of-memory]: the run needs more memory than is available\n"
        "   = help: run fewer rows at once",
    ),
    # gradients
    "worker-died": (
        lambda: list(Shared(Task(), Broken(), 1).results(["a"])),
        "error[worker-died]: a worker of the executor died before its task was done\n"
        "   = help: it may have been killed for want of memory; 'max_memory' bounds "
        "what a task takes",
    ),
    "bad-entries": (
        gradient(entries=0),
        "error[bad-entries]: a sample has at least 1 entry, not 0",
    ),
    "bad-step": (
        gradient(step=-1.0),
        "error[bad-step]: the step must be positive, not -1.0",
    ),
    "missing-gradient": (
        missing_gradient,
        "error[missing-gradient]: there is no gradient of 'x.value' to check",
    ),
    "not-analytic": (
        not_analytic,
        "error[not-analytic]: the complex step cannot differentiate 'squares': power is not "
        "declared analytic\n"
        "   = help: set 'analytic' in the op's class if it is, or use another method",
    ),
    "unknown-entry": (
        gradient(entries="x.value[2]"),
        "error[unknown-entry]: 'x.value[2]' is not an entry of 'x.value', whose shape is [2]\n"
        "   = help: such as x.value[1]",
    ),
    "unknown-extrapolation": (
        gradient(extrapolation="richardsen"),
        "error[unknown-extrapolation]: there is no extrapolation 'richardsen'\n"
        "   = help: did you mean 'richardson'?",
    ),
    "unknown-method": (
        gradient(method="magic"),
        "error[unknown-method]: there is no method 'magic'\n"
        "   = help: there are probes, loop and complex",
    ),
    "unknown-order": (
        gradient(order=3),
        "error[unknown-order]: the central rule has no order 3\n   = help: its order is 2 or 4",
    ),
    "unknown-step-rule": (
        gradient(step="half"),
        "error[unknown-step-rule]: there is no step rule 'half'\n"
        "   = help: there are balanced and relative",
    ),
    "bad-rule": (
        lambda: DifferenceRule({0: -1.0, 1: 1.1}, 1),
        "error[bad-rule]: a difference rule of order 1 needs weights whose sum of w[k] * "
        "k**0 is 0, not 0.1\n"
        "   = help: such as {-1: -0.5, 1: 0.5}, of order 2",
    ),
    "unknown-mode": (
        gradient(mode="trian"),
        "error[unknown-mode]: there is no mode 'trian'\n   = help: did you mean 'train'?",
    ),
    "unknown-rule": (
        gradient(rule="centrl"),
        "error[unknown-rule]: there is no rule 'centrl'\n   = help: did you mean 'central'?",
    ),
    # data and training
    "no-arrays": (
        lambda: Dataset({}, "rows"),
        "error[no-arrays]: a data set needs at least one array",
    ),
    "bad-batch-size": (
        lambda: Dataset({"x": np.ones((2, 1))}, "rows").batches(0),
        "error[bad-batch-size]: a batch cannot hold 0 rows",
    ),
    "folder-in-use": (
        lambda: graphnn.train("descent.yaml", folder="used"),
        "error[folder-in-use]: 'used' already holds something\n"
        "   = help: name another folder, or resume the run in it with --resume",
    ),
    "nothing-to-resume": (
        lambda: graphnn.train("descent.yaml", resume=True),
        "error[nothing-to-resume]: only a folder can be resumed",
    ),
    "different-classes": (
        other_classes,
        "error[different-classes]: 'run/checkpoint.safetensors' has the classes cat, dog "
        "for 't', but the data now have dog, zebra\n"
        "   = help: put the data back as they were, or train again in another folder",
    ),
    "different-spec": (
        another_search,
        "error[different-spec]: 'search.log' holds a search of another spec\n"
        "   = help: name another folder, or use the spec and settings that it began with",
    ),
    # searches
    "no-search": (
        lambda: graphnn.search("descent.yaml"),
        "error[no-search]: the spec does not say what to search\n"
        "   = help: add a section 'search' to it, such as search: {learning_rate: "
        "{uniform: [0.1, 1.0]}}",
    ),
    "no-trial": (
        lambda: graphnn.search("searched.yaml", 1).best_spec,
        "error[no-trial]: no trial of the search is complete",
    ),
    "bad-trials": (
        lambda: graphnn.search("searched.yaml", 0),
        "error[bad-trials]: a search has at least one trial, not 0",
    ),
    "searched-setting": (
        lambda: graphnn.search("searched.yaml", 1, {"learning_rate": 1}),
        "error[searched-setting]: the setting 'learning_rate' is what the search varies",
    ),
    "bad-search-file": (
        lambda: graphnn.search("searched.yaml", 1, storage="text.log"),
        "error[bad-search-file]: 'text.log' cannot be opened as a search: "
        "it is not a file of trials",
    ),
    "no-optuna": (
        without("optuna", lambda: graphnn.search("searched.yaml", 1)),
        "error[no-optuna]: a search needs optuna, which is not installed\n"
        "   = help: pip install 'graphnn[search]'",
    ),
    "no-tensorboard": (
        without(
            "tensorboardX",
            lambda: graphnn.train("searched.yaml", folder="run", tensorboard=True),
        ),
        "error[no-tensorboard]: event files need tensorboardX, which is not installed\n"
        "   = help: pip install 'graphnn[tensorboard]'",
    ),
    "no-parquet": (
        without("pyarrow", draft_of_parquet),
        "error[no-parquet]: Parquet files need pyarrow, which is not installed\n"
        "   = help: pip install 'graphnn[parquet]'",
    ),
    # pictures
    "bad-picture-data": (
        lambda: confusion([[1, 2, 3]]),
        "error[bad-picture-data]: counts of shape (1, 3) are no confusion matrix\n"
        "   = help: give one row and one column a class",
    ),
    "drawing-failed": (
        refused_layout(no_program),
        "error[drawing-failed]: 'dot' cannot be started: Exec format error",
    ),
    "drawing-too-slow": (
        refused_layout(too_slow),
        "error[drawing-too-slow]: 'dot' did not finish within 120 seconds\n"
        "   = help: draw a smaller part of the network, or fold its blocks with --depth 0",
    ),
    "no-engine": (
        no_engine,
        "error[no-engine]: no program lays diagrams out: neither 'graphviz-pure' nor "
        "'dot' was found\n"
        "   = help: pip install graphviz-pure, or install Graphviz from "
        "https://graphviz.org; a .dot or .mmd file needs neither",
    ),
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
        "error[unsuited-style]: the style 'textbook' cannot show 'x': y, y read it, but a column "
        "is read by the next alone\n"
        "   = help: draw it in another style, or a part of it with --only\n\n"
        "error[unsuited-style]: the style 'textbook' cannot show 'y': multiply reads 2 nodes, a "
        "column reads one\n"
        "   = help: draw it in another style, or a part of it with --only",
    ),
    "no-matplotlib": (
        without("matplotlib", lambda: confusion([[1]])),
        "error[no-matplotlib]: plots need matplotlib, which is not installed\n"
        "   = help: pip install 'graphnn[plot]'",
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
    "not-in-code": (
        lambda: graphnn.export(graphnn.loads(DILATED), "net.py", style="torch"),
        "error[not-in-code]: 'y' (average_pool): its windows are dilated, which torch has for "
        "maxima alone",
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
    "not-in-graphnn": (
        determinant,
        "error[not-in-graphnn]: Det of 'y' has no counterpart: there is no such op here\n"
        "   = help: 'graphnn draw' and 'graphnn show' take the model as it is",
    ),
    # commands and the editor
    "usage": (
        lambda: main(("show",)),
        "error[usage]: missing argument 'FILE'\n   = help: run 'graphnn show --help'",
    ),
    "bad-import": (
        lambda: main(("schema", "--import", "my/ops.py")),
        "error[bad-import]: 'my/ops.py' is not the name of a module\n   = help: write 'my.ops'",
    ),
    "bad-option": (
        gradient(method="complex", order=4),
        "error[bad-option]: the complex step has no rules, order or extrapolation\n"
        "   = help: leave them out",
    ),
    "no-pygls": (
        without("graphnn.lsp.server", lambda: main(("lsp",)), "graphnn.lsp.serve"),
        "error[no-pygls]: the language server needs pygls, which is not installed\n"
        "   = help: pip install 'graphnn[lsp]'",
    ),
    "no-preview": (
        without("watchfiles", lambda: main(("preview", "descent.yaml"))),
        "error[no-preview]: a preview needs watchfiles, which is not installed\n"
        "   = help: pip install 'graphnn[preview]'",
    ),
    "bad-rename": (
        renamed,
        "error[bad-rename]: there is a node 'a' already",
    ),
    "conflicting-settings": (
        lambda: graphnn.load("descent.yaml", {"epochs": 1, "train.epochs": 2}),
        "error[conflicting-settings]: the settings 'epochs' and 'train.epochs' exclude "
        "each other\n"
        "   = help: leave one of the two out",
    ),
    "unknown-code": (
        lambda: graphnn.explain("unknwon-op"),
        "error[unknown-code]: there is no code 'unknwon-op'\n   = help: did you mean 'unknown-op'?",
    ),
    "system": (
        no_space,
        "error[system]: No space left: 'x'",
    ),
}


@pytest.fixture
def told(
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
def test_a_recipe_and_its_message(code, told):
    recipe, expected = RECIPES[code]
    assert told(recipe) == expected
    assert code in re.findall(MARK, expected, re.M)


def test_every_code_has_a_whole_message():
    texts = [
        path.read_text("utf-8") for path in (*BAD_SPECS.glob("*.expected"), *PAGES.glob("*.md"))
    ]
    shown = {code for text in texts for code in re.findall(MARK, text, re.M)}
    assert set(CODES) == shown | RECIPES.keys()


def test_a_recipe_is_only_where_no_spec_does():
    names = {
        path.stem for path in (*BAD_SPECS.glob("*.yaml"), *(BAD_SPECS / "explained").iterdir())
    }
    assert not names & RECIPES.keys()
