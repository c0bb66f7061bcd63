"""Sixteen networks by others, some of them in several kinds, at their published size.

Each lies in ``networks/`` as a spec, and as a module of torch written by hand. It is checked,
drawn and trained for a few steps, with random weights and random rows, beside torch, which takes
steps on the same rows; each in a separate process, in float32 and on one thread. Parameters
are compared with the published number. A step is timed in seconds of the processor, which other
processes disturb less. `memory` is the peak of the process above what it held before it read the
network. Without torch, its columns are left out.

``--lengths`` prints how long each is in graphnn, torch and Keras instead. With ``--keras PYTHON``
(``pip install keras jax``), Keras builds each, and must have as many parameters.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "networks"
RATE = 0.01
_ONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Case:
    """A network, the rows of a step, and how many parameters it is said to have.

    Attributes
    ----------
    name : str
        Of the file in `networks`.
    rows : int
    published : str
        A number, or one in millions, such as ``20M``.
    source : str
        Where that stands.
    without : tuple of str
        Nodes whose parameters the source leaves out.
    """

    name: str
    rows: int
    published: str
    source: str
    without: tuple[str, ...] = ()

    @property
    def spec(self) -> Path:
        """The file of the network."""
        return FOLDER / f"{self.name}.yaml"

    def agrees(self, sizes: dict[str, int]) -> bool:
        """Whether parameters of these sizes are as many as published, to the digits there."""
        left_out = tuple(f"{node}." for node in self.without)
        count = sum(size for name, size in sizes.items() if not name.startswith(left_out or " "))
        if not self.published.endswith("M"):
            return f"{count:,}" == self.published
        decimals = len(self.published[:-1].partition(".")[2])
        return f"{count / 1e6:.{decimals}f}M" == self.published


CASES = (
    Case("cifar10_full", 100, "89,578", "added up from Caffe's cifar10_full_train_test.prototxt"),
    Case("yolov3_tiny", 1, "8,852,366", "pjreddie.com's yolov3-tiny.weights, running means aside"),
    Case("siamese", 8, "38,951,745", "Koch et al., 2015, figure 4, as others count it"),
    Case("cbow", 100, "28,516,400", "2 x 71,291 words of text8 x 200, of word2vec's demo"),
    Case("rnn", 20, "6M", "Merity et al., 2017, of Mikolov and Zweig, 2012"),
    Case("lstm", 20, "20M", "Merity et al., 2017, of Zaremba et al., 2014, medium"),
    Case("attention", 4, "80,401,000", "added up from Bahdanau et al., 2015, appendix A"),
    Case("mingpt", 1, "124.44M", "minGPT, which counts without the last layer", ("a",)),
    Case("mixer", 2, "59.9M", "timm, mixer_b16_224; 59M in Tolstikhin et al., 2021, table 1"),
    Case("unet", 1, "31,030,658", "Ronneberger et al., 2015, figure 1, as others count it"),
    Case("vae", 100, "815,824", "added up from Kingma and Welling, 2014, appendix C"),
    Case("dcgan", 16, "6,342,272", "PyTorch's tutorial: 3,576,704 and 2,765,568"),
    Case("densenet121", 4, "7,978,856", "torchvision"),
    Case("googlenet", 4, "6,998,552", "Caffe's bvlc_googlenet without its auxiliary classifiers"),
    Case("se_resnet50", 4, "28,088,024", "Cadene's pretrained-models; 28.1M in Hu et al., 2018"),
    Case("gcn", 2708, "23,063", "added up from Kipf's pygcn: 1433 x 16 + 16 + 16 x 7 + 7"),
    Case("dueling", 32, "3,300,019", "added up from Wang et al., 2016, section 4.2"),
    Case("moe", 8, "8.4M", "Shazeer et al., 2017, table 7: without words and gates",
         ("e", "scores", "a")),
)  # fmt: skip
QUICK = ("vae", "cifar10_full", "gcn", "dueling")


def peak() -> int:
    """The most bytes that this process held; of itself, not of the one that started it."""
    status = Path("/proc/self/status")
    if not status.exists():  # the other count may begin with what the parent held
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """How many seconds of the processor it takes, and what it gives."""
    start = time.process_time()
    found = function()
    return time.process_time() - start, found


def steps(step: Callable[[], float], count: int) -> tuple[float, float]:
    """The shortest of `count` steps after a first one, and the loss before that one.

    Of a count of 0, the first one.
    """
    first, loss = timed(step)
    return min((timed(step)[0] for _ in range(count)), default=first), loss


def ours(case: Case, rows: int, count: int, arrays: Path) -> dict[str, Any]:
    """What graphnn makes of a network; the rows of its steps are written to `arrays`."""
    import numpy as np

    import graphnn
    from graphnn.execution.drawn_inputs import draw_inputs
    from graphnn.graph.summary.costs import costs

    train(_SMALL, {"x": np.ones((1, 1))})()  # which loads what a step needs
    before = peak()
    checking, faults = timed(lambda: graphnn.diagnose(case.spec))
    assert not [fault for fault in faults if fault.severity == "error"], faults
    network = graphnn.load(case.spec)
    graph = network.graph
    drawing, _ = timed(partial(network.draw, arrays.with_suffix(".svg")))
    names = [name for name, node in graph.nodes.items() if node.op.is_input]
    rng = np.random.default_rng(0)
    inputs = {
        name: array if array.dtype.kind == "i" else rng.random(array.shape, np.float32)
        for name, array in draw_inputs(network, names, rows, 0).items()
    }
    np.savez(arrays, **inputs)
    del network
    seconds, loss = steps(train(case.spec.read_text(), inputs), count)
    learned = {name: each.size for name, each in graph.parameters.items() if each.learned}
    return {
        "sizes": learned,
        "multiply_adds": sum(cost.multiply_adds for cost in costs(graph).values()),
        "check": checking,
        "draw": drawing,
        "step": seconds,
        "loss": loss,
        "memory": peak() - before,
    }


def train(text: str, inputs: dict[str, Any]) -> Callable[[], float]:
    """The step of `graphnn train` of a network on the same rows, by plain gradient descent."""
    import graphnn
    from graphnn.training.data.dataset import Dataset
    from graphnn.training.data.splits import Sets
    from graphnn.training.fitting.loop import Training

    nodes = graphnn.loads(text).graph.losses
    if "\ntrain:" not in text:
        text += f"train: {{loss: [{', '.join(nodes)}]}}\n"
    rows = len(next(iter(inputs.values())))
    plain = {"optimizer": {"sgd": {"learning_rate": RATE}}, "batch_size": rows}
    network = graphnn.loads(text, plain)
    spec = network.graph.spec.train
    assert spec is not None
    training = Training(network, spec, Sets(Dataset(inputs, "random"), None, None))
    return lambda: training.step(inputs)[0]


_SMALL = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 1]}
  y: {op: affine, inputs: x, units: 1}
  loss: {op: mean_squared_error, inputs: [y, x]}
"""


def theirs(case: Case, count: int, arrays: Path) -> dict[str, Any]:
    """What torch makes of the same network, written by hand."""
    import numpy as np
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    small = torch.nn.Linear(1, 1)
    warm = torch.optim.SGD(small.parameters(), lr=RATE)  # which loads what a step needs
    small(torch.ones(1, 1)).sum().backward()
    warm.step()
    before = peak()
    module = loaded(FOLDER / f"{case.name}.torch.py")
    network = module.Net()
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE)
    with np.load(arrays) as found:
        inputs = [torch.from_numpy(found[name]) for name in found.files]

    def step() -> float:
        optimizer.zero_grad()
        loss = module.loss(network, *inputs)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    seconds, loss = steps(step, count)
    parameters = sum(each.numel() for each in network.parameters())
    memory = peak() - before
    return {"parameters": parameters, "step": seconds, "loss": loss, "memory": memory}


def of_keras(case: Case) -> dict[str, Any]:
    """How many parameters Keras has of the same network."""
    module = loaded(FOLDER / f"{case.name}.keras.py")
    network = module.network()
    network.compile(loss=module.LOSS)
    return {"parameters": sum(math.prod(each.shape) for each in network.trainable_weights)}


def loaded(place: Path) -> Any:
    """The module in a file."""
    spec = importlib.util.spec_from_file_location("network", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lengths(names: Sequence[str], keras: str | None) -> None:
    """Print the table of lines and characters."""
    suffixes = {"graphnn": "yaml", "torch": "torch.py", "keras": "keras.py"}
    texts = {
        name: [(FOLDER / f"{name}.{suffix}").read_text() for suffix in suffixes.values()]
        for name in names
    }
    print(f"| lines / characters | {' | '.join(suffixes)} |")
    print("|---|" + "---:|" * len(suffixes))
    totals = [[sum(len(each[n].splitlines()) for each in texts.values()),
               sum(len(each[n]) for each in texts.values())] for n in range(3)]  # fmt: skip
    for name, written in texts.items():
        cells = [f"{len(text.splitlines())} / {len(text):,}" for text in written]
        print(f"| {name} | {' | '.join(cells)} |")
    print(f"| together | {' | '.join(f'{lines:,} / {count:,}' for lines, count in totals)} |")
    for case in CASES if keras else ():
        if case.name in names:
            found = child("keras", case, 0, 0, Path("-"), python=keras)["parameters"]
            print(f"{case.name}: {found:,} parameters in Keras")


def installed(name: str) -> bool:
    """Whether there is such a module."""
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def child(
    kind: str, case: Case, rows: int, count: int, arrays: Path, python: str = sys.executable
) -> dict[str, Any]:
    """What a program makes of a network, in a separate process."""
    command = [python, __file__, "--child", kind, case.name, str(rows), str(count)]
    done = subprocess.run(
        [*command, str(arrays)],
        capture_output=True,
        text=True,
        check=False,
        env={"KERAS_BACKEND": "jax", **os.environ, **_ONE},
    )
    if done.returncode:
        raise RuntimeError(f"{case.name}, {kind}:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(case: Case, rows: int, count: int, *, torch: bool) -> list[str]:
    """The line of the table of one network."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "rows.npz"
        found = child("graphnn", case, rows, count, arrays)
        other = child("torch", case, rows, count, arrays) if torch else None
    parameters = sum(found["sizes"].values())
    cells = [
        case.name,
        f"{parameters:,}",
        case.published if case.agrees(found["sizes"]) else f"not {case.published}",
        f"{found['multiply_adds'] / 1e6:,.1f}M",
        str(rows),
        f"{found['check']:.2f} s",
        f"{found['draw']:.2f} s",
        f"{found['step']:.3f} s",
        f"{found['memory'] / 1e6:,.0f} MB",
    ]
    if other is not None:
        cells += [
            f"{other['step']:.3f} s",
            f"{other['memory'] / 1e6:,.0f} MB",
            f"{found['step'] / other['step']:.2f}",
            f"{found['memory'] / other['memory']:.2f}",
            f"{other['parameters'] - parameters:+,}",
        ]
    return cells


HEADS = ("network", "parameters", "published", "multiply-adds a row", "rows",
         "check", "draw", "step", "memory")  # fmt: skip
OTHERS = ("torch's step", "memory", "step ratio", "memory ratio", "parameters more")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small networks, two rows")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some of the networks")
    parser.add_argument("--steps", type=int, default=3, help="after the first; the shortest counts")
    parser.add_argument("--lengths", action="store_true", help="print lines and characters")
    parser.add_argument("--keras", metavar="PYTHON", help="a Python that has Keras")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    by_name = {case.name: case for case in CASES}
    if options.child:
        kind, name, rows, count, arrays = options.child
        case, place = by_name[name], Path(arrays)
        runs: dict[str, Callable[[], dict[str, Any]]] = {
            "graphnn": lambda: ours(case, int(rows), int(count), place),
            "torch": lambda: theirs(case, int(count), place),
            "keras": lambda: of_keras(case),
        }
        print(json.dumps(runs[kind]()))
        return
    if options.lengths:
        lengths(options.only or [*by_name], options.keras)
        return
    torch = installed("torch")
    if not torch:
        print("torch is not installed: its columns are left out")
    print(f"| {' | '.join((*HEADS, *(OTHERS if torch else ())))} |")
    print("|---|" + "---:|" * (len(HEADS) - 1 + len(OTHERS) * torch))
    names = options.only or (QUICK if options.quick else by_name)
    for case in map(by_name.__getitem__, names):
        rows = 2 if options.quick else case.rows
        cells = row(case, rows, 1 if options.quick else options.steps, torch=torch)
        print(f"| {' | '.join(cells)} |", flush=True)
    print("\n| network | published | where |\n|---|---:|---|")
    for case in map(by_name.__getitem__, names):
        print(f"| {case.name} | {case.published} | {case.source} |")


if __name__ == "__main__":
    main()
